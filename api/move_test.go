package api_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// A movable storage is a server with containers that have short names in tests.
type movableStorage struct {
	*testing.T
	http.Handler
	pool *pgxpool.Pool
}

func newMovableStorage(t *testing.T) movableStorage {
	t.Helper()
	pool := pgtest.Pool(t)
	return movableStorage{t, apitest.NewPublic(pool), pool}
}

// nameUUID returns the UUID of the container with a name, such as T7.
func nameUUID(name string) string {
	return fmt.Sprintf("00000000-0000-4000-8000-%012x", []byte(name))
}

// add inserts a container with a name. values are further columns, such as "rows = 2, columns = 3".
func (s movableStorage) add(name, values string) {
	s.Helper()
	columns, literals := "uuid, description", fmt.Sprintf("'%s', '%s'", nameUUID(name), name)
	for pair := range strings.SplitSeq(values, "; ") {
		column, value, _ := strings.Cut(pair, " = ")
		if column == "parent" {
			column, value = "parent_uuid", nameUUID(value)
		}
		columns, literals = columns+", "+column, literals+", '"+value+"'"
	}
	pgtest.Exec(s, s.pool, "INSERT INTO container ("+columns+") VALUES ("+literals+")")
}

// places returns where containers lie, such as "T1=B1 A4 T2=-20C".
func (s movableStorage) places(pattern string) string {
	s.Helper()
	return pgtest.QueryValue[string](s, s.pool, `SELECT coalesce(string_agg(concat(
			content.description, '=', coalesce(parent.description, freezer.name), ' ' || content.position
		), ' ' ORDER BY content.id), '')
		FROM container AS content
		JOIN freezer ON freezer.id = content.freezer_id
		LEFT JOIN container AS parent ON parent.uuid = content.parent_uuid
		WHERE content.description LIKE $1`, pattern)
}

// changes returns the number of changes of each container whose number is not one.
func (s movableStorage) changes() string {
	s.Helper()
	return pgtest.QueryValue[string](s, s.pool, `SELECT coalesce(string_agg(name || '=' || n, ' ' ORDER BY name), '')
		FROM (SELECT after ->> 'description' AS name, count(*) AS n FROM change
			WHERE table_name = 'container' AND action = 'update' GROUP BY 1) AS counts
		WHERE n <> 1`)
}

// moveBody returns the body of a move. Lines are a name, and optionally a position and a target: "T1", "T1 A4",
// "T1 - B2" or "T1 - 2". A target that is a number is a freezer.
func moveBody(target, order string, lines ...string) string {
	body := map[string]any{"order": order}
	if target != "" {
		body["to"] = moveTarget(target)
	}
	var containers []map[string]any
	for _, line := range lines {
		parts := strings.Fields(line)
		container := map[string]any{"container_uuid": nameUUID(parts[0])}
		if len(parts) > 1 && parts[1] != "-" {
			container["position"] = parts[1]
		}
		if len(parts) > 2 {
			container["to"] = moveTarget(parts[2])
		}
		containers = append(containers, container)
	}
	body["containers"] = containers
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func moveTarget(name string) map[string]any {
	if strings.Trim(name, "0123456789") == "" {
		return map[string]any{"freezer_id": json.Number(name)}
	}
	return map[string]any{"container_uuid": nameUUID(name)}
}

// move sends a move that must succeed.
func (s movableStorage) move(target, order string, lines ...string) {
	s.Helper()
	if w := apitest.Do(s, "POST", "/api/v1/moves", moveBody(target, order, lines...)); w.Code != http.StatusOK {
		s.Fatalf("%d %s", w.Code, w.Body)
	}
}

// rejected sends a move that must fail with a status. It returns the errors as text.
func (s movableStorage) rejected(status int, target string, lines ...string) string {
	s.Helper()
	before := s.places("%")
	w := apitest.Do(s, "POST", "/api/v1/moves", moveBody(target, "rows", lines...))
	var p struct {
		Errors []struct{ Field, Message string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != status {
		s.Fatalf("%d %s, want %d", w.Code, w.Body, status)
	}
	if s.places("%") != before {
		s.Error("the rejected request moved a container")
	}
	var all []string
	for _, e := range p.Errors {
		all = append(all, e.Field+" "+e.Message)
	}
	return strings.Join(all, "; ")
}

func TestMove_orders(t *testing.T) {
	t.Parallel()
	for order, want := range map[string]string{
		"rows":      "T1=B1 A1 T2=B1 A2 T3=B1 A4 T4=B1 B1",
		"columns":   "T1=B1 A1 T2=B1 B1 T3=B1 A2 T4=B1 B2",
		"same_type": "T1=B1 A1 T2=B1 B2 T3=B1 A2 T4=B1 A4",
	} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			s := newMovableStorage(t)
			s.add("B1", "freezer_id = 1; rows = 2; columns = 4; blocked = A3")
			s.add("S1", "parent = B1; position = B3; type = serum")
			for i, kind := range []string{"urine", "serum", "serum", "plasma"} {
				s.add(fmt.Sprint("T", i+1), "freezer_id = 1; type = "+kind)
			}
			s.move("B1", order, "T1", "T2", "T3", "T4")
			if got := s.places("T%"); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// Containers can use the positions that other ones of the request leave. Only one of a cycle has two changes.
func TestMove_swapAndShift(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lines         []string
		want, changes string
	}{
		"swap":            {[]string{"T1 A2", "T2 A1"}, "T1=B1 A2 T2=B1 A1 T3=B1 A3", "T1=2"},
		"shift":           {[]string{"T1 A2", "T2 A3", "T3 A4"}, "T1=B1 A2 T2=B1 A3 T3=B1 A4", ""},
		"rotation":        {[]string{"T1 A2", "T2 A3", "T3 A1"}, "T1=B1 A2 T2=B1 A3 T3=B1 A1", "T1=2"},
		"freed positions": {[]string{"T3", "T2 A4"}, "T1=B1 A1 T2=B1 A4 T3=B1 A2", ""},
		"one is in place": {[]string{"T1 A1", "T2"}, "T1=B1 A1 T2=B1 A2 T3=B1 A3", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newMovableStorage(t)
			s.add("B1", "freezer_id = 1; rows = 1; columns = 4")
			for i := range 3 {
				s.add(fmt.Sprint("T", i+1), fmt.Sprint("parent = B1; position = A", i+1))
			}
			s.move("B1", "rows", c.lines...)
			if got := s.places("T%"); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if got := s.changes(); got != c.changes {
				t.Errorf("changes: %s, want %s", got, c.changes)
			}
		})
	}
}

// Containers of full parents can swap places, as long as one of them can wait somewhere.
func TestMove_betweenFullParents(t *testing.T) {
	t.Parallel()
	s := newMovableStorage(t)
	for _, box := range []string{"B1", "B2"} {
		s.add(box, "freezer_id = 1; rows = 1; columns = 2")
		for i := range 2 {
			s.add(fmt.Sprintf("T%s%d", box, i+1), fmt.Sprintf("parent = %s; position = A%d", box, i+1))
		}
	}
	s.move("", "rows", "TB11 A2 B2", "TB12 A1 B2", "TB21 A1 B1", "TB22 A2 B1")
	if got, want := s.places("T%"), "TB11=B2 A2 TB12=B2 A1 TB21=B1 A1 TB22=B1 A2"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	pgtest.Exec(t, s.pool, "UPDATE freezer SET capacity = 2 WHERE id = 1")
	pgtest.Exec(t, s.pool, "UPDATE freezer SET capacity = 1 WHERE id = 2")
	s.add("B3", "freezer_id = 2; capacity = 1")
	if got := s.rejected(http.StatusConflict, "", "B1 - 2", "B3 - 1"); !strings.Contains(got, "can wait for the place") {
		t.Error(got)
	}
	s.move("", "rows", "B1 - 2", "B3 - 1", "TB11 - TB12")
	if got, want := s.places("%B3%")+" "+s.places("B1"), "B3=-20C B1=-40C"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A container that leaves another one, which moves as well, has one change, like what stays in that one.
func TestMove_outOfMovedContainer(t *testing.T) {
	t.Parallel()
	s := newMovableStorage(t)
	s.add("B1", "freezer_id = 1; rows = 1; columns = 2")
	s.add("B2", "freezer_id = 1; rows = 1; columns = 2")
	s.add("T1", "parent = B1; position = A1")
	s.add("T2", "parent = B1; position = A2")
	s.move("", "rows", "B1 - 2", "T1 - B2")
	if got, want := s.places("T%"), "T1=B2 A1 T2=B1 A2"; got != want || s.changes() != "" {
		t.Errorf("%s, want %s; changes: %s", got, want, s.changes())
	}
}

func TestMove_rejected(t *testing.T) {
	t.Parallel()
	s := newMovableStorage(t)
	s.add("B1", "freezer_id = 1; rows = 1; columns = 3; blocked = A3")
	s.add("B2", "parent = B1; position = A1; rows = 1; columns = 1; scheme = 1")
	s.add("B3", "freezer_id = 1; capacity = 1")
	s.add("T1", "freezer_id = 1")
	s.add("T2", "freezer_id = 1")
	for _, c := range []struct {
		status int
		target string
		lines  []string
		want   string
	}{
		{400, "B2", []string{"B1"}, "to.container_uuid must not be containers[0] or lie in it"},
		{
			400, "B1", []string{"T1", "B1"},
			"to.container_uuid must not be containers[1] or lie in it; to is full: B1 has no room for 1 of 2 containers",
		},
		{
			400, "", []string{"B1 - 2", "T1 - B2"},
			"containers[1].to.container_uuid moves in the same request, with containers[0]; use two requests",
		},
		{409, "B1", []string{"T1", "T2"}, "to is full: B1 has no room for 1 of 2 containers"},
		{
			409, "", []string{"T1 - B3", "T2 - B3", "B2 - B3"},
			"containers[0].to is full: B3 has no room for 2 of 3 containers",
		},
		{
			409, "", []string{"T1 A1 B1", "T2 1 B2", "B3 1 B2"},
			"containers[0].position A1 of B1 is taken by B2; " +
				"containers[2].position 1 of B2 is already used by containers[1]",
		},
	} {
		if got := s.rejected(c.status, c.target, c.lines...); got != c.want {
			t.Errorf("%v to %s: %s, want %s", c.lines, c.target, got, c.want)
		}
	}
}

// TestMove_tooDeep: a move that would nest containers too deep is invalid.
func TestMove_tooDeep(t *testing.T) {
	t.Parallel()
	s := newMovableStorage(t)
	s.add("C0", "freezer_id = 1")
	for i := range 14 {
		s.add(fmt.Sprint("C", i+1), fmt.Sprint("parent = C", i))
	}
	s.add("B1", "freezer_id = 1")
	s.add("T1", "parent = B1")
	if got := s.rejected(400, "C14", "B1"); got != "to would nest containers more than 15 deep" {
		t.Error(got)
	}
	s.move("C14", "rows", "T1")
}

// randomMove returns the body of a random move in the storage of TestMove_dryRunIsPlan.
func randomMove(random *rand.Rand) string {
	targets := []string{"1", "2", "B1", "B2", "B3"}
	target := targets[random.IntN(len(targets))]
	var lines []string
	for _, n := range random.Perm(12)[:1+random.IntN(6)] {
		line, to := fmt.Sprint("T", n+1), target
		if random.IntN(30) == 0 {
			line = fmt.Sprint("B", 1+random.IntN(3))
		}
		if random.IntN(4) == 0 {
			to = targets[random.IntN(len(targets))]
		}
		if (to == "B1" || to == "B2") && random.IntN(2) == 0 {
			line += fmt.Sprintf(" %c%d", 'A'+random.IntN(2), 1+random.IntN(2))
		} else {
			line += " -"
		}
		if to != target {
			line += " " + to
		}
		lines = append(lines, line)
	}
	order := []string{"rows", "columns", "same_type"}[random.IntN(3)]
	return moveBody(target, order, lines...)
}

// TestMove_dryRunIsPlan sends random moves: a dry run changes nothing, and the move itself has the same response.
// Afterwards each container lies where the response says.
func TestMove_dryRunIsPlan(t *testing.T) {
	t.Parallel()
	s := newMovableStorage(t)
	pgtest.Exec(t, s.pool, "UPDATE freezer SET capacity = 9 WHERE id = 2")
	s.add("B1", "freezer_id = 1; rows = 3; columns = 3; blocked = B2")
	s.add("B2", "freezer_id = 1; rows = 2; columns = 2")
	s.add("B3", "freezer_id = 2; capacity = 3")
	for i := range 12 {
		s.add(fmt.Sprint("T", i+1), "freezer_id = 1; type = "+[]string{"serum", "urine"}[i%2])
	}
	random := rand.New(rand.NewPCG(1, 2))
	statuses := map[int]int{}
	for range 200 {
		body := randomMove(random)
		before := apitest.DumpTables(t, s.pool, "container", "change")
		plan := apitest.Do(s, "POST", "/api/v1/moves?dry_run=true", body)
		if apitest.DumpTables(t, s.pool, "container", "change") != before {
			t.Fatalf("the dry run of %s changed the database", body)
		}
		done := apitest.Do(s, "POST", "/api/v1/moves", body)
		statuses[done.Code]++
		want := apitest.WithoutRequestFields(plan.Body.String())
		if done.Code != plan.Code || apitest.WithoutRequestFields(done.Body.String()) != want {
			t.Fatalf("%s: plan: %d %s\nmove: %d %s", body, plan.Code, plan.Body, done.Code, done.Body)
		}
		if done.Code == http.StatusOK {
			s.checkMoved(done)
		} else if apitest.DumpTables(t, s.pool, "container", "change") != before {
			t.Fatalf("the rejected move %s changed the database", body)
		}
	}
	if len(statuses) != 3 || statuses[200] < 50 || statuses[400] < 20 || statuses[409] < 20 {
		t.Errorf("statuses: %v, want many of 200, 400 and 409", statuses)
	}
}

// checkMoved compares the places in a response with the database.
func (s movableStorage) checkMoved(w *httptest.ResponseRecorder) {
	s.Helper()
	var moved struct {
		Moved int
		Moves []struct {
			ContainerUUID string `json:"container_uuid"`
			To            struct {
				FreezerID  int64   `json:"freezer_id"`
				ParentUUID *string `json:"parent_uuid"`
				Position   *string
			}
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &moved); err != nil || moved.Moved != len(moved.Moves) {
		s.Fatalf("%v: %s", err, w.Body)
	}
	for _, m := range moved.Moves {
		if n := pgtest.QueryValue[int](s, s.pool, `SELECT count(*) FROM container WHERE uuid = $1 AND freezer_id = $2
			AND parent_uuid IS NOT DISTINCT FROM $3 AND position IS NOT DISTINCT FROM $4`,
			m.ContainerUUID, m.To.FreezerID, m.To.ParentUUID, m.To.Position); n != 1 {
			s.Fatalf("%s is not at %+v", m.ContainerUUID, m.To)
		}
	}
}

// TestMove_keepPositions: containers keep their labels where these positions are free in the target. Others get the
// next free ones.
func TestMove_keepPositions(t *testing.T) {
	t.Parallel()
	s := newMovableStorage(t)
	s.add("B1", "freezer_id = 1; rows = 3; columns = 3")
	s.add("B2", "freezer_id = 2; rows = 2; columns = 3; blocked = A3")
	for i, position := range []string{"B2", "A3", "C1", "A1", "B3"} {
		s.add(fmt.Sprint("T", i+1), "parent = B1; position = "+position)
	}
	body := moveBody("B2", "rows", "T1", "T2", "T3", "T4", "T5 B1")
	body = strings.Replace(body, "{", `{"keep_positions": true, `, 1)
	if w := apitest.Do(s, "POST", "/api/v1/moves", body); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if got, want := s.places("T%"), "T1=B2 B2 T2=B2 A2 T3=B2 B3 T4=B2 A1 T5=B2 B1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
