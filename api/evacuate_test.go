package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// fillFreezer puts racks with tubes and loose tubes into freezer 1.
func (s movableStorage) fillFreezer(racks, tubesPerRack, loose int) {
	s.Helper()
	pgtest.Exec(s, s.pool, `INSERT INTO container (description, freezer_id, rows, columns)
		SELECT 'Rack ' || n, 1, 10, 10 FROM generate_series(1, $1::integer) AS n`, racks)
	pgtest.Exec(s, s.pool, `INSERT INTO container (description, parent_uuid, position_row, position_column)
		SELECT 'Tube', uuid, 1 + n / 10, 1 + n % 10
		FROM container, generate_series(0, $1::integer - 1) AS n WHERE description LIKE 'Rack %'`, tubesPerRack)
	pgtest.Exec(s, s.pool, `INSERT INTO container (description, freezer_id)
		SELECT 'Loose ' || n, 1 FROM generate_series(1, $1::integer) AS n`, loose)
}

// evacuation is the response to an evacuation.
type evacuation struct {
	Moved     int
	Moves     []json.RawMessage
	Truncated bool
}

func (s movableStorage) evacuate(query, body string) (result evacuation) {
	s.Helper()
	w := apitest.Do(s, "POST", "/api/v1/freezers/1/evacuate"+query, body)
	if err := json.Unmarshal(w.Body.Bytes(), &result); err != nil || w.Code != http.StatusOK {
		s.Fatalf("%d %.500s", w.Code, w.Body)
	}
	return result
}

// TestEvacuate: the targets are filled in their order. What lies inside moves along, each container with one change.
// The pages of a dry run are those of the evacuation.
func TestEvacuate(t *testing.T) {
	t.Parallel()
	s := newMovableStorage(t)
	const racks, tubes, loose = 30, 50, 1200
	s.fillFreezer(racks, tubes, loose)
	pgtest.Exec(t, s.pool, "UPDATE freezer SET capacity = 40 WHERE id = 2")
	pgtest.Exec(t, s.pool, "INSERT INTO freezer (id, name, site_id) VALUES (3, '-80C', 2)")
	s.add("B1", "freezer_id = 2; rows = 10; columns = 10; blocked = A1, A2")
	body := fmt.Sprintf(`{"to": [{"freezer_id": 2}, {"container_uuid": "%s"}, {"freezer_id": 3}]%%s}`, nameUUID("B1"))
	var plan []json.RawMessage
	for _, page := range []string{`, "limit": 1000`, `, "limit": 1000, "offset": 1000`} {
		result := s.evacuate("?dry_run=true", fmt.Sprintf(body, page))
		if result.Moved != racks+loose || result.Truncated != (len(plan) == 0) {
			t.Errorf("plan: %d moved, truncated: %t", result.Moved, result.Truncated)
		}
		plan = append(plan, result.Moves...)
	}
	done := s.evacuate("", fmt.Sprintf(body, `, "keep_positions": true`))
	if done.Moved != racks+loose || len(done.Moves) != 1000 || !done.Truncated || len(plan) != racks+loose {
		t.Fatalf("%d moved, %d listed, truncated: %t; %d planned",
			done.Moved, len(done.Moves), done.Truncated, len(plan))
	}
	for i, move := range done.Moves {
		if string(move) != string(plan[i]) {
			t.Fatalf("move %d: %s, planned %s", i, move, plan[i])
		}
	}
	const counts = `SELECT string_agg(concat(freezer_id, ' ', place, ': ', n), ', ' ORDER BY freezer_id, place) FROM (
		SELECT freezer_id, CASE WHEN parent_uuid IS NULL THEN 'direct' WHEN description = 'Tube' THEN 'in racks'
			ELSE 'in box' END AS place, count(*) AS n
		FROM container GROUP BY 1, 2) AS counts`
	want := fmt.Sprintf("2 direct: 40, 2 in box: 98, 2 in racks: %d, 3 direct: %d", racks*tubes, racks+loose-39-98)
	if got := pgtest.QueryValue[string](t, s.pool, counts); got != want {
		t.Errorf("containers: %s; want %s", got, want)
	}
	const changes = `SELECT concat(count(*), ' of ', count(DISTINCT row_key), ' in ', count(DISTINCT request_id))
		FROM change WHERE table_name = 'container' AND action = 'update'`
	total := racks*tubes + racks + loose
	want = fmt.Sprintf("%d of %d in 1", total, total)
	if got := pgtest.QueryValue[string](t, s.pool, changes); got != want {
		t.Errorf("changes: %s, want %s", got, want)
	}
}

func TestEvacuate_noRoom(t *testing.T) {
	t.Parallel()
	s := newMovableStorage(t)
	s.fillFreezer(2, 3, 4)
	pgtest.Exec(t, s.pool, "UPDATE freezer SET capacity = 3 WHERE id = 2")
	s.add("B1", "freezer_id = 2; rows = 1; columns = 2")
	before := apitest.DumpTables(t, s.pool, "container", "change")
	w := apitest.Do(s, "POST", "/api/v1/freezers/1/evacuate",
		fmt.Sprintf(`{"to": [{"container_uuid": "%s"}, {"freezer_id": 2}]}`, nameUUID("B1")))
	var p struct {
		Errors []struct{ Field, Message string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusConflict || len(p.Errors) != 1 ||
		p.Errors[0].Field != "to" || p.Errors[0].Message != "has no room for 2 of 6 containers" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if apitest.DumpTables(t, s.pool, "container", "change") != before {
		t.Error("the rejected evacuation changed the database")
	}
}
