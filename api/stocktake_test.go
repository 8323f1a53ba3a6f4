package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// A stocktakeLab is a freezer with two boxes of 15 tubes each, T1 to T30, another freezer with two tubes, and an open
// stock-take of the first freezer.
type stocktakeLab struct {
	*apitest.Server
	token     string
	stocktake string // path
}

func newStocktakeLab(t *testing.T) stocktakeLab {
	t.Helper()
	ts := apitest.New(t)
	ts.CreateAccount("oscar", rest.Operator)
	ts.Exec("INSERT INTO freezer (id, name, site_id) VALUES (10, 'Counted', 1), (11, 'Elsewhere', 1)")
	ts.Exec(`INSERT INTO container (description, barcode, freezer_id, rows, columns)
		VALUES ('Box A', 'A', 10, 4, 5), ('Box B', 'B', 10, 4, 5)`)
	ts.Exec(`INSERT INTO container (description, barcode, parent_uuid, position)
		SELECT 'Tube ' || n, 'T' || n,
			(SELECT uuid FROM container WHERE barcode = CASE WHEN n <= 15 THEN 'A' ELSE 'B' END),
			position_label('4x5 A1', (n - 1) % 15 / 5 + 1, (n - 1) % 5 + 1)
		FROM generate_series(1, 30) AS n`)
	ts.Exec(`INSERT INTO container (description, barcode, freezer_id)
		SELECT 'Tube ' || n, 'T' || n, 11 FROM generate_series(31, 32) AS n`)
	ts.Exec("UPDATE container SET status = 'discarded' WHERE barcode = 'T32'")
	ts.Exec("UPDATE container SET status = 'missing' WHERE barcode = 'T5'")
	lab := stocktakeLab{Server: ts, token: ts.SignIn("olga", rest.Operator)}
	created := ts.MustSend(lab.token, "POST", "/api/v1/stocktakes", `{"freezer_id": 10}`)
	lab.stocktake = fmt.Sprintf("/api/v1/stocktakes/%v", created["id"])
	return lab
}

// scan scans a code in a box, at a position or at "".
func (lab stocktakeLab) scan(code, box, position string) (result any) {
	body := fmt.Sprintf(`{"code": %q, "parent": %q, "position": %q}`, code, box, position)
	body = strings.NewReplacer(`, "parent": ""`, "", `, "position": ""`, "").Replace(body)
	return lab.MustSend(lab.token, "POST", lab.stocktake+"/scans", body)["result"]
}

// place returns the status of a container and where it lies.
func (lab stocktakeLab) place(barcode string) string {
	return apitest.Value[string](lab.Server, `SELECT concat_ws(' ', c.status, c.freezer_id, p.barcode, c.position)
		FROM container AS c LEFT JOIN container AS p ON p.uuid = c.parent_uuid WHERE c.barcode = $1`, barcode)
}

// TestStocktake_everyDeviation: a stock-take of 30 tubes finds each kind of deviation, and closing it changes the
// register to what was scanned. A dry run counts the same and changes nothing.
func TestStocktake_everyDeviation(t *testing.T) {
	t.Parallel()
	lab := newStocktakeLab(t)
	lab.Exec(`INSERT INTO checkout (container_uuid, holder) SELECT uuid, 'oscar' FROM container WHERE barcode = 'T9'`)
	lab.Exec("UPDATE container SET freezer_id = 11 WHERE barcode = 'T10'") // since the start
	for _, s := range []struct{ code, box, position, want string }{
		{"T1", "A", "A1", "found"},
		{"T2", "A", "", "found"},
		{"T3", "", "", "found"},
		{"T4", "B", "", "misplaced"},
		{"T5", "A", "A5", "found"}, // was missing
		{"T6", "A", "B2", "misplaced"},
		{"T7", "A", "B1", "misplaced"}, // changed places with T6
		{"T16", "B", "D5", "misplaced"},
		{"T31", "A", "D5", "unexpected"},
		{"T32", "A", "D4", "unexpected"}, // was discarded
		{"T9", "A", "", "checked_out"},
		{"smudged", "A", "D3", "unknown"},
		{"T1", "A", "A1", "found"}, // again
	} {
		if got := lab.scan(s.code, s.box, s.position); got != s.want {
			t.Errorf("%s in %s at %s is %v, want %s", s.code, s.box, s.position, got, s.want)
		}
	}
	want := "map[checked_out:1 found:6 misplaced:4 missing:20 moved:1 unexpected:2 unknown:1]"
	if got := lab.totals(); got != want {
		t.Errorf("totals are %s, want %s", got, want)
	}
	before := lab.TableDigest()
	for _, query := range []string{"?dry_run=true", ""} {
		closed := lab.MustSend(lab.token, "POST", lab.stocktake+"/close"+query, "{}")
		if got := fmt.Sprint(closed["marked"], closed["moved"], closed["restored"]); got != "20 6 2" {
			t.Errorf("closing%s marks, moves and restores %s, want 20 6 2", query, got)
		}
		if changed := lab.TableDigest() != before; changed != (query == "") {
			t.Errorf("closing%s changed the tables: %v", query, changed)
		}
	}
	for barcode, want := range map[string]string{
		"T1": "stored 10 A A1", "T2": "stored 10 A A2", "T3": "stored 10 A A3", "T4": "stored 10 B",
		"T5": "stored 10 A A5", "T6": "stored 10 A B2", "T7": "stored 10 A B1", "T8": "missing 10 A B3",
		"T9": "checked_out 10 A B4", "T10": "stored 11", "T16": "stored 10 B D5", "T30": "missing 10 B C5",
		"T31": "stored 10 A D5", "T32": "stored 10 A D4", "A": "stored 10", "B": "stored 10",
	} {
		if got := lab.place(barcode); got != want {
			t.Errorf("%s is %s, want %s", barcode, got, want)
		}
	}
	if got := lab.totals(); got != want {
		t.Errorf("totals of the closed stock-take are %s, want %s", got, want)
	}
}

// totals returns the numbers of items by result.
func (lab stocktakeLab) totals() string {
	row := lab.MustSend(lab.token, "GET", lab.stocktake, "")
	totals := map[string]any{}
	for _, result := range []string{"found", "missing", "misplaced", "unexpected", "unknown", "checked_out", "moved"} {
		totals[result] = row[result]
	}
	return fmt.Sprint(totals)
}

// TestStocktake_keep: the options keep the register as it is. What was missing and was found is stored all the same.
func TestStocktake_keep(t *testing.T) {
	t.Parallel()
	lab := newStocktakeLab(t)
	lab.scan("T4", "B", "")
	lab.scan("T5", "A", "")
	lab.scan("T31", "A", "")
	lab.MustSend(lab.token, "POST", lab.stocktake+"/close",
		`{"missing": "keep", "misplaced": "keep", "unexpected": "keep"}`)
	for barcode, want := range map[string]string{
		"T4": "stored 10 A A4", "T5": "stored 10 A A5", "T31": "stored 11", "T1": "stored 10 A A1",
	} {
		if got := lab.place(barcode); got != want {
			t.Errorf("%s is %s, want %s", barcode, got, want)
		}
	}
}

// TestStocktake_fullBoxes: containers of full boxes change places, with and without known positions.
func TestStocktake_fullBoxes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		position string
		want     map[string]string
	}{
		{"%c%d", map[string]string{"T1": "stored 10 B A1", "T15": "stored 10 B C5", "T16": "stored 10 A A1"}},
		{"", map[string]string{"T1": "stored 10 B", "T15": "stored 10 B", "T16": "stored 10 A"}},
	} {
		lab := newStocktakeLab(t)
		lab.Exec("UPDATE container SET blocked = 'D1, D2, D3, D4, D5' WHERE barcode IN ('A', 'B')")
		for n := range 15 {
			position := c.position
			if position != "" {
				position = fmt.Sprintf(position, 'A'+n/5, n%5+1)
			}
			lab.scan(fmt.Sprint("T", n+1), "B", position)
			lab.scan(fmt.Sprint("T", n+16), "A", position)
		}
		lab.MustSend(lab.token, "POST", lab.stocktake+"/close", "{}")
		for barcode, want := range c.want {
			if got := lab.place(barcode); got != want {
				t.Errorf("%s is %s, want %s", barcode, got, want)
			}
		}
	}
}

// TestStocktake_conflicts: closing reports all conflicts at once and changes nothing.
func TestStocktake_conflicts(t *testing.T) {
	t.Parallel()
	lab := newStocktakeLab(t)
	lab.scan("T1", "A", "B1") // T6 was not scanned
	lab.scan("T2", "B", "D1")
	lab.scan("T3", "B", "D1")
	lab.scan("T4", "B", "D2")
	lab.Exec("UPDATE container SET blocked = 'D2' WHERE barcode = 'B'")
	before := lab.TableDigest()
	w := lab.Send(lab.token, "POST", lab.stocktake+"/close", "{}")
	if w.Code != http.StatusConflict {
		t.Errorf("closing: %d %s", w.Code, w.Body)
	}
	for _, message := range []string{
		"Tube 1: B1 of Box A is taken by Tube 6",
		"Tube 2: another container was scanned at D1 of Box B as well",
		"Tube 3: another container was scanned at D1 of Box B as well",
		"Tube 4: Box B has no free position D2",
	} {
		if !strings.Contains(w.Body.String(), message) {
			t.Errorf("no conflict %q in %s", message, w.Body)
		}
	}
	if lab.TableDigest() != before {
		t.Error("a conflict changed the tables")
	}
}

// TestStocktake_concurrentScans: two phones scan at the same time, the same and different containers.
func TestStocktake_concurrentScans(t *testing.T) {
	t.Parallel()
	lab := newStocktakeLab(t)
	phone := func(codes []int) error {
		for _, n := range codes {
			box := map[bool]string{true: "A", false: "B"}[n <= 15]
			body := fmt.Sprintf(`{"code": "T%d", "parent": %q}`, n, box)
			w := lab.Send(lab.token, "POST", lab.stocktake+"/scans", body)
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"result":"found"`) {
				return fmt.Errorf("T%d: %d %s", n, w.Code, w.Body)
			}
		}
		return nil
	}
	var codes []int
	for n := range 30 {
		codes = append(codes, n+1)
	}
	backwards := slices.Clone(codes)
	slices.Reverse(backwards)
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = phone([][]int{codes, backwards}[i%2]) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if got := lab.totals(); !strings.Contains(got, "found:32 misplaced:0 missing:0") {
		t.Errorf("totals are %s", got)
	}
}

// TestStocktake_scanDuringClose: a scan that began before closing is part of the results. A scan that waits for closing
// is rejected.
func TestStocktake_scanDuringClose(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"scan", "close"} {
		lab := newStocktakeLab(t)
		id := lab.stocktake[strings.LastIndexByte(lab.stocktake, '/')+1:]
		statements := map[string]string{
			"scan":  "SELECT FROM scan_code(" + id + ", 'T1', 'A', 'A1')",
			"close": "SELECT FROM close_stocktake(" + id + ", NULL, true, true, true)",
		}
		tx, err := lab.Pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pgtest.Exec(t, tx, statements[first])
		status := make(chan int, 1)
		go func() {
			path, body := "/scans", `{"code": "T1"}`
			if first == "scan" {
				path, body = "/close", "{}"
			}
			status <- lab.Send(lab.token, "POST", lab.stocktake+path, body).Code
		}()
		pgtest.WaitForLockWait(t, lab.Pool)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := map[string]int{"scan": http.StatusOK, "close": http.StatusConflict}[first]
		if got := <-status; got != want {
			t.Errorf("after %s: %d, want %d", first, got, want)
		}
		place := map[string]string{"scan": "stored 10 A A1", "close": "missing 10 A A1"}[first]
		if got := lab.place("T1"); got != place {
			t.Errorf("after %s, T1 is %s, want %s", first, got, place)
		}
	}
}

// TestStocktake_longClose: closing may take longer than other requests, because it changes many containers.
func TestStocktake_longClose(t *testing.T) {
	t.Parallel()
	lab := newStocktakeLab(t)
	lab.Exec(fmt.Sprintf(`CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN PERFORM pg_sleep(%f); RETURN NULL; END $$`, rest.StatementTimeout.Seconds()/2+0.1)) // two statements
	lab.Exec("CREATE TRIGGER sleep AFTER UPDATE ON container FOR EACH STATEMENT EXECUTE FUNCTION sleep()")
	if closed := lab.MustSend(lab.token, "POST", lab.stocktake+"/close", "{}"); fmt.Sprint(closed["marked"]) != "31" {
		t.Errorf("closing: %v", closed)
	}
}

// TestStocktake_startedTwice: a stock-take that starts while another of the same freezer or container starts is
// rejected, with the number of the other one.
func TestStocktake_startedTwice(t *testing.T) {
	t.Parallel()
	lab := newStocktakeLab(t)
	box := apitest.Value[string](lab.Server, "SELECT uuid::text FROM container WHERE barcode = 'A'")
	for _, body := range []string{`{"freezer_id": 11}`, `{"container_uuid": "` + box + `"}`} {
		tx, err := lab.Pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		id := pgtest.QueryValue[int64](t, tx, `INSERT INTO stocktake (freezer_id, container_uuid)
			SELECT freezer_id, container_uuid
			FROM jsonb_to_record($1::text::jsonb) AS body (freezer_id bigint, container_uuid uuid) RETURNING id`, body)
		response := make(chan *httptest.ResponseRecorder, 1)
		go func() { response <- lab.Send(lab.token, "POST", "/api/v1/stocktakes", body) }()
		pgtest.WaitForLockWait(t, lab.Pool)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		w := <-response
		want := fmt.Sprintf("has the open stock-take %d;", id)
		if w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s, want 409 that %s", body, w.Code, w.Body, want)
		}
	}
}

// A deadlineRecorder keeps the deadlines that a handler sets.
type deadlineRecorder struct {
	*httptest.ResponseRecorder
	read, write []time.Time
}

func (r *deadlineRecorder) SetReadDeadline(t time.Time) error { r.read = append(r.read, t); return nil }
func (r *deadlineRecorder) SetWriteDeadline(t time.Time) error {
	r.write = append(r.write, t)
	return nil
}

// TestLong_deadlines: no deadline of the connection ends a write that may take long. A read deadline would cancel it.
func TestLong_deadlines(t *testing.T) {
	t.Parallel()
	h := apitest.NewPublic(pgtest.Pool(t))
	for path, body := range map[string]string{"/api/v1/stocktakes/1/close": "{}", "/api/v1/changesets/1/undo": ""} {
		w := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
		h.ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader(body)))
		if len(w.read) == 0 || !w.read[len(w.read)-1].IsZero() || !w.write[len(w.write)-1].IsZero() {
			t.Errorf("%s: %d, read deadlines %v, write deadlines %v", path, w.Code, w.read, w.write)
		}
	}
}
