package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// This file tests writes that meet other transactions: locks, ID collisions and lost updates.

// lockRow locks the row that a SELECT … FOR UPDATE returns, until release is called.
func lockRow(t *testing.T, pool *pgxpool.Pool, sql string) (release func()) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() { _ = tx.Rollback(context.Background()) })
	t.Cleanup(release) // the cleanup of the pool reports open transactions
	if tag, err := tx.Exec(t.Context(), sql); err != nil || tag.RowsAffected() != 1 {
		t.Fatalf("%s: locked %d rows: %v", sql, tag.RowsAffected(), err)
	}
	return release
}

// TestWrite_lockedRow: a write to a row that another transaction has locked returns 503 with Retry-After and changes
// nothing. After the lock is released, the write succeeds.
func TestWrite_lockedRow(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	release := lockRow(t, pool, "SELECT FROM site WHERE id = 1 FOR UPDATE")
	resp := apitest.Do(h, "PATCH", "/site/1", `{"name":"blocked"}`)
	if resp.Code != http.StatusServiceUnavailable || resp.Header().Get("Retry-After") == "" {
		t.Errorf("with a locked row: %d %s", resp.Code, resp.Body)
	}
	release()
	if resp := apitest.Do(h, "GET", "/site/1", ""); strings.Contains(resp.Body.String(), "blocked") {
		t.Errorf("the row was written: %s", resp.Body)
	}
	if resp := apitest.Do(h, "PATCH", "/site/1", `{"name":"written"}`); resp.Code != http.StatusOK {
		t.Errorf("after the lock was released: %d %s", resp.Code, resp.Body)
	}
}

// TestWrite_failingCommit: a change of a risk level locks the user's state when it commits. If that fails, the response
// is an error and nothing is stored.
func TestWrite_failingCommit(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	release := lockRow(t, pool, "SELECT FROM user_state WHERE user_id = 1 FOR UPDATE")
	for _, r := range [][3]string{
		{"PATCH", "/api/v1/users/1", `{"risk":"high"}`},
		{
			"PUT", "/api/v1/users/1",
			`{"username":"Bob","display_name":null,"email":null,"country":"UK","risk":"low","role":"viewer","disabled":false}`,
		},
		{
			"POST", "/api/v1/users",
			`[{"id":1,"username":"Bob","country":"UK","risk":"high","role":"viewer","disabled":false}]`,
		},
	} {
		if resp := apitest.Do(h, r[0], r[1], r[2]); resp.Code != http.StatusServiceUnavailable {
			t.Errorf("%s %s with a locked state: %d %s", r[0], r[1], resp.Code, resp.Body)
		}
	}
	release()
	const risks = `SELECT concat(account.risk, ' ', user_state.risk)
		FROM account JOIN user_state ON user_id = id WHERE id = 1`
	if got := pgtest.QueryValue[string](t, pool, risks); got != " medium" {
		t.Errorf("risks of account and state: %q", got)
	}
	if resp := apitest.Do(h, "PATCH", "/api/v1/users/1", `{"risk":"high"}`); resp.Code != http.StatusOK {
		t.Errorf("after the lock was released: %d %s", resp.Code, resp.Body)
	}
	if got := pgtest.QueryValue[string](t, pool, risks); got != "high high" {
		t.Errorf("risks of account and state: %q", got)
	}
}

// TestWrite_waitsForLock: a write waits for a row that another transaction has locked, and succeeds once that one ends.
func TestWrite_waitsForLock(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	release := lockRow(t, pool, "SELECT FROM site WHERE id = 1 FOR UPDATE")
	done := make(chan *httptest.ResponseRecorder, 1)
	go func() { done <- apitest.Do(h, "PATCH", "/site/1", `{"name":"waited"}`) }()
	pgtest.WaitForLockWait(t, pool)
	release()
	if resp := <-done; resp.Code != http.StatusOK || !strings.Contains(resp.Body.String(), "waited") {
		t.Errorf("%d %s", resp.Code, resp.Body)
	}
}

// TestRolledBackWrite_usesNoID: dry runs, imports with errors and rejected writes do not change the next ID.
func TestRolledBackWrite_usesNoID(t *testing.T) {
	t.Parallel()
	_, server := pgtest.Pools(t)
	h := apitest.NewPublic(server)
	const site = `{"name":"x","contact":null,"address":null,"state_or_region":null,"country":null,"postcode_or_zip":null}`
	rows := strings.Repeat(site+"\n", 12000)
	ndjson, csv := "Content-Type: application/x-ndjson", "Content-Type: text/csv"
	for _, r := range []struct {
		method, target, body string
		status               int
		header               []string
	}{
		{"POST", "/api/v1/sites?dry_run=true", `{"name":"x"}`, http.StatusCreated, nil},
		{"PUT", "/api/v1/sites/20250101001?dry_run=true", site, http.StatusCreated, nil},
		{"PUT", "/api/v1/sites/100?dry_run=true", site, http.StatusCreated, nil},
		{"POST", "/api/v1/sites?dry_run=true", rows, http.StatusOK, []string{ndjson}},
		{"POST", "/api/v1/sites", rows + `{"name":""}`, http.StatusBadRequest, []string{ndjson}},
		{"POST", "/api/v1/sites", "id,name,contact,address,state_or_region,country,postcode_or_zip\n" +
			"4503599627370495,x,,,,,\n5,x,,,,,\n6,,,,,,\n", http.StatusBadRequest, []string{csv}},
		{"POST", "/api/v1/freezers", `{"name":"x","site_id":99}`, http.StatusBadRequest, nil},
		{"PUT", "/container/123e4567-e89b-12d3-a456-426614174000?dry_run=true",
			`{"freezer_id":1,"description":null}`, http.StatusOK, nil},
	} {
		if resp := apitest.Do(h, r.method, r.target, r.body, r.header...); resp.Code != r.status {
			t.Errorf("%s %s: %d %.300s, want %d", r.method, r.target, resp.Code, resp.Body, r.status)
		}
		for target, c := range map[string]struct{ body, id string }{
			"/api/v1/sites?dry_run=true":      {`{"name":"x"}`, `"id":4,`},
			"/api/v1/freezers?dry_run=true":   {`{"name":"x","site_id":1}`, `"id":3,`},
			"/api/v1/containers?dry_run=true": {`{"freezer_id":1}`, `"id":1,`},
		} {
			if resp := apitest.Do(h, "POST", target, c.body); !strings.Contains(resp.Body.String(), c.id) {
				t.Errorf("after %s %s: %s, want %s", r.method, r.target, resp.Body, c.id)
			}
		}
	}
}

// TestChosenID_far: however an ID is chosen, it moves the next assigned ID only if it is near the last one.
func TestChosenID_far(t *testing.T) {
	t.Parallel()
	const site = `{"name":"x","contact":null,"address":null,"state_or_region":null,"country":null,"postcode_or_zip":null}`
	for name, choose := range map[string]func(h http.Handler, pool *pgxpool.Pool, id int) error{
		"short route": func(h http.Handler, _ *pgxpool.Pool, id int) error {
			return statusError(apitest.Do(h, "POST", fmt.Sprint("/site/", id), site))
		},
		"upsert": func(h http.Handler, _ *pgxpool.Pool, id int) error {
			return statusError(apitest.Do(h, "PUT", fmt.Sprint("/api/v1/sites/", id), site))
		},
		"CSV": func(h http.Handler, _ *pgxpool.Pool, id int) error {
			body := fmt.Sprintf("id,name\n%d,x\n", id)
			return statusError(apitest.Do(h, "POST", "/api/v1/sites", body, "Content-Type: text/csv"))
		},
		"psql": func(_ http.Handler, pool *pgxpool.Pool, id int) error {
			_, err := pool.Exec(context.Background(), "INSERT INTO site (id, name) VALUES ($1, 'x')", id)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			owner, server := pgtest.Pools(t)
			h := apitest.NewPublic(server)
			for _, c := range []struct {
				chosen int
				next   string // Location of the next site
			}{
				{20250101001, "/api/v1/sites/4"},
				{50004, "/api/v1/sites/50005"}, // 50,000 above 4
				{100006, "/api/v1/sites/50006"},
				{100007, "/api/v1/sites/100008"},
			} {
				if err := choose(h, owner, c.chosen); err != nil {
					t.Fatal(err)
				}
				resp := apitest.Do(h, "POST", "/api/v1/sites", `{"name":"created"}`)
				if got := resp.Header().Get("Location"); got != c.next {
					t.Errorf("after %d: %d %s, want %s", c.chosen, resp.Code, got, c.next)
				}
			}
		})
	}
}

// statusError returns an error unless a response is a success.
func statusError(resp *httptest.ResponseRecorder) error {
	if resp.Code >= http.StatusMultipleChoices {
		return fmt.Errorf("%d %s", resp.Code, resp.Body)
	}
	return nil
}

// TestCreate_idCollision resets the sequence so that its next ID exists, as if a client had just chosen it. The create
// gets the following ID.
func TestCreate_idCollision(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	pgtest.Exec(t, pool, "INSERT INTO site (id, name) VALUES (4, 'chosen')")
	pgtest.Exec(t, pool, "SELECT setval('site_id_seq', 3)")
	resp := apitest.Do(apitest.NewPublic(pool), "POST", "/api/v1/sites", `{"name":"created"}`)
	if resp.Code != http.StatusCreated || resp.Header().Get("Location") != "/api/v1/sites/5" {
		t.Errorf("%d %s %s", resp.Code, resp.Header().Get("Location"), resp.Body)
	}
}

// createSite creates a site with the ID, or with a generated one if it is 0. The status is 412 if the ID is taken.
func createSite(h http.Handler, id int, name string) (created int64, status int, err error) {
	var resp *httptest.ResponseRecorder
	if id == 0 {
		resp = apitest.Do(h, "POST", "/api/v1/sites", fmt.Sprintf(`{"name":%q}`, name))
	} else {
		body := fmt.Sprintf(`{"name":%q,"contact":null,"address":null,"state_or_region":null,"country":null,
			"postcode_or_zip":null}`, name)
		resp = apitest.Do(h, "PUT", fmt.Sprint("/api/v1/sites/", id), body, "If-None-Match: *")
	}
	var row struct{ ID int64 }
	if err := json.Unmarshal(resp.Body.Bytes(), &row); err != nil {
		return 0, resp.Code, fmt.Errorf("%s: %w", resp.Body, err)
	}
	return row.ID, resp.Code, nil
}

// TestCreate_mixedExplicitAndGeneratedIDs creates rows with explicit and with generated IDs concurrently. No create
// fails and no row is overwritten.
func TestCreate_mixedExplicitAndGeneratedIDs(t *testing.T) {
	t.Parallel()
	h := apitest.NewPublic(pgtest.Pool(t))
	const clients, rows = 8, 25
	var wg sync.WaitGroup
	var lock sync.Mutex
	names := map[int64]string{} // by ID
	for c := range clients {
		wg.Go(func() {
			for i := range rows {
				chosen := 0
				if c%2 == 1 {
					chosen = 100*(c+1) + 3*i
				}
				name := fmt.Sprintf("%d/%d", c, i)
				id, status, err := createSite(h, chosen, name)
				if chosen != 0 && status == http.StatusPreconditionFailed {
					continue // a concurrent create generated this ID first
				}
				lock.Lock()
				if other, exists := names[id]; exists || err != nil || status != http.StatusCreated {
					t.Errorf("%s: status %d, ID %d, which %q has: %v", name, status, id, other, err)
				}
				names[id] = name
				lock.Unlock()
			}
		})
	}
	wg.Wait()
	for id, name := range names {
		resp := apitest.Do(h, "GET", fmt.Sprintf("/site/%d", id), "")
		if !strings.Contains(resp.Body.String(), `"name":"`+name+`"`) {
			t.Errorf("site %d: got %s, want name %s", id, resp.Body, name)
		}
	}
}

// readContact returns the contact and the ETag of a site.
func readContact(h http.Handler, site string) (contact, etag string, err error) {
	resp := apitest.Do(h, "GET", site, "")
	var row struct{ Contact *string }
	if err := json.Unmarshal(resp.Body.Bytes(), &row); err != nil {
		return "", "", err
	}
	if row.Contact != nil {
		contact = *row.Contact
	}
	return contact, resp.Header().Get("ETag"), nil
}

// TestIfMatch_preventsLostUpdate: two clients read a row and append to it. With If-Match the second one learns that the
// row has changed. The control sends no If-Match, and the first client's update is lost.
func TestIfMatch_preventsLostUpdate(t *testing.T) {
	t.Parallel()
	h := apitest.NewPublic(pgtest.Pool(t))
	for site, want := range map[string]struct {
		ifMatch bool
		status  int
		contact string
	}{
		"/site/2": {true, http.StatusPreconditionFailed, "first"},
		"/site/3": {false, http.StatusOK, "second"},
	} {
		_, etag, err := readContact(h, site)
		if err != nil {
			t.Fatal(err)
		}
		patch := func(contact string) *httptest.ResponseRecorder {
			var header []string
			if want.ifMatch {
				header = []string{"If-Match: " + etag}
			}
			return apitest.Do(h, "PATCH", site, fmt.Sprintf(`{"contact":%q}`, contact), header...)
		}
		if resp := patch("first"); resp.Code != http.StatusOK {
			t.Errorf("%s: first update: %d %s", site, resp.Code, resp.Body)
		}
		resp := patch("second")
		contact, current, err := readContact(h, site)
		if resp.Code != want.status || resp.Header().Get("ETag") != current || contact != want.contact || err != nil {
			t.Errorf("%s: second update: %d %v; the contact is %q with the ETag %s: %v",
				site, resp.Code, resp.Header(), contact, current, err)
		}
	}
}

// TestIfMatch_concurrentClients runs clients that append to the same row and repeat after a 412. No acknowledged update
// is lost.
func TestIfMatch_concurrentClients(t *testing.T) {
	t.Parallel()
	h := apitest.NewPublic(pgtest.Pool(t))
	const clients, additions = 8, 10
	var conflicts atomic.Int64
	appendOnce := func() (done bool, err error) {
		contact, etag, err := readContact(h, "/site/2")
		if err != nil {
			return false, err
		}
		body := fmt.Sprintf(`{"contact":%q}`, contact+"x")
		resp := apitest.Do(h, "PATCH", "/site/2", body, "If-Match: "+etag)
		if resp.Code == http.StatusPreconditionFailed {
			conflicts.Add(1)
			return false, nil
		}
		if resp.Code != http.StatusOK {
			return false, fmt.Errorf("%d %s", resp.Code, resp.Body)
		}
		return true, nil
	}
	before, _, err := readContact(h, "/site/2")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for n := 0; n < additions; {
				done, err := appendOnce()
				if err != nil {
					t.Error(err)
					return
				}
				if done {
					n++
				}
			}
		})
	}
	wg.Wait()
	after, _, err := readContact(h, "/site/2")
	if n := len(after) - len(before); n != clients*additions || err != nil {
		t.Errorf("%d of %d updates are stored: %v", n, clients*additions, err)
	}
	t.Logf("%d conflicts", conflicts.Load())
}

// TestImport_keepsConcurrentChange: an import of some columns waits for a transaction that changes others, and keeps
// its values. A row with a key that another transaction inserts meanwhile is a conflict, not an update.
func TestImport_keepsConcurrentChange(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	token := ts.SignIn("oscar", rest.Operator)
	importWhile := func(sql, body string) *httptest.ResponseRecorder {
		t.Helper()
		tx, err := ts.Pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(context.Background()) }()
		pgtest.Exec(t, tx, sql)
		done := make(chan *httptest.ResponseRecorder, 1)
		go func() { done <- ts.Send(token, "POST", "/api/v1/sites", body, "Content-Type: text/csv") }()
		pgtest.WaitForLockWait(t, ts.Pool)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		return <-done
	}
	site := func(id int) string {
		return apitest.Value[string](ts, "SELECT concat_ws(' ', name, contact) FROM site WHERE id = $1", id)
	}
	w := importWhile("UPDATE site SET contact = 'New' WHERE id = 1", "id,name\n1,Imported\n")
	if w.Code != http.StatusOK || site(1) != "Imported New" {
		t.Errorf("changed meanwhile: %d %s, stored %s", w.Code, w.Body, site(1))
	}
	w = importWhile("INSERT INTO site (id, name, contact) VALUES (70, 'Inserted', 'Kept')", "id,name\n70,Imported\n")
	if w.Code != http.StatusConflict || site(70) != "Inserted Kept" {
		t.Errorf("inserted meanwhile: %d %s, stored %s", w.Code, w.Body, site(70))
	}
	w = ts.Send(token, "POST", "/api/v1/sites", "id,name\n70,Imported\n", "Content-Type: text/csv")
	if w.Code != http.StatusOK || site(70) != "Imported Kept" {
		t.Errorf("retry: %d %s, stored %s", w.Code, w.Body, site(70))
	}
}
