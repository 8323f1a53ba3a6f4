package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/embedded"
)

func newTestAPI(pool *pgxpool.Pool) http.Handler {
	return New(Options{
		Pool:           pool,
		Log:            slog.New(slog.NewTextHandler(io.Discard, nil)),
		AnonymousActor: "tester",
		Version:        "test",
	})
}

// doRequest sends a request to a handler in this process. The body is JSON unless a header says otherwise. Header lines
// have the form "Name: value".
func doRequest(h http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Content-Type" {
			r.Header.Del(name)
		}
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestChangesFeed_showsEveryChange follows the feed while writers with overlapping transactions make changes. The feed
// must show every change. The control reads the table directly, ignores running transactions and must miss some
// changes.
func TestChangesFeed_showsEveryChange(t *testing.T) {
	pool := pgtest.Pool(t)
	h := newTestAPI(pool)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	const writers, transactions = 4, 40

	done := make(chan struct{})
	var writersDone sync.WaitGroup
	for w := range writers {
		writersDone.Go(func() {
			for i := range transactions {
				tx, err := pool.Begin(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				for range 2 { // other transactions overtake in the pause between the rows
					name := fmt.Sprintf("w%d %d", w, i)
					if _, err := tx.Exec(ctx, "INSERT INTO site (name) VALUES ($1)", name); err != nil {
						t.Error(err)
					}
					time.Sleep(time.Duration(w) * time.Millisecond)
				}
				if err := tx.Commit(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { writersDone.Wait(); close(done) }()

	fetchFeed := func(after int64) []int64 {
		resp := doRequest(h, "GET", fmt.Sprintf("/api/v1/changes?limit=1000&after=%d", after), "")
		var rows []struct{ ID int64 }
		if err := json.Unmarshal(resp.Body.Bytes(), &rows); err != nil {
			t.Fatalf("%s: %v", resp.Body, err)
		}
		var ids []int64
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		return ids
	}
	fetchDirectly := func(after int64) []int64 {
		rows, err := pool.Query(ctx, "SELECT id FROM change WHERE id > $1 ORDER BY id", after)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var ids []int64
		for rows.Next() {
			var id int64
			if err := rows.Scan(&id); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		return ids
	}
	feed, control := feedReader{fetch: fetchFeed}, feedReader{fetch: fetchDirectly}
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		feed.poll()
		control.poll()
	}
	var total int
	if err := pool.QueryRow(ctx, "SELECT count(*) FROM change").Scan(&total); err != nil {
		t.Fatal(err)
	}
	for feed.poll(); feed.count < total && ctx.Err() == nil; feed.poll() {
		time.Sleep(10 * time.Millisecond) // transactions of other tests hold the feed back as well
	}
	control.poll()
	if feed.count != total {
		t.Errorf("the feed showed %d of %d changes", feed.count, total)
	}
	if control.count == total {
		t.Errorf("the control missed none of %d changes: the transactions did not overlap", total)
	}
}

type feedReader struct {
	fetch func(after int64) []int64
	last  int64
	count int
}

func (f *feedReader) poll() {
	for _, id := range f.fetch(f.last) {
		f.last = id
		f.count++
	}
}

// TestIfMatch_preventsLostUpdates runs clients that append to the same row. With If-Match no acknowledged update is
// lost. The control sends no If-Match and must lose some.
func TestIfMatch_preventsLostUpdates(t *testing.T) {
	h := newTestAPI(pgtest.Pool(t))
	const clients, additions = 8, 10
	add := func(site string, useIfMatch bool) {
		var wg sync.WaitGroup
		for range clients {
			wg.Go(func() {
				for done := 0; done < additions; {
					getResponse := doRequest(h, "GET", site, "")
					var row struct{ Contact *string }
					if err := json.Unmarshal(getResponse.Body.Bytes(), &row); err != nil {
						t.Error(err)
						return
					}
					text := "x"
					if row.Contact != nil {
						text += *row.Contact
					}
					var header []string
					if useIfMatch {
						header = []string{"If-Match: " + getResponse.Header().Get("ETag")}
					}
					resp := doRequest(h, "PATCH", site, fmt.Sprintf(`{"contact":%q}`, text), header...)
					switch resp.Code {
					case http.StatusOK:
						done++
					case http.StatusPreconditionFailed:
						if resp.Header().Get("ETag") == "" {
							t.Error("412 response without the current ETag")
						}
					default:
						t.Errorf("%d %s", resp.Code, resp.Body)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	length := func(site string) int {
		var row struct{ Contact string }
		if err := json.Unmarshal(doRequest(h, "GET", site, "").Body.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		return len(row.Contact)
	}
	add("/site/2", true)
	if n := length("/site/2"); n != clients*additions {
		t.Errorf("%d of %d updates are stored", n, clients*additions)
	}
	add("/site/3", false)
	if n := length("/site/3"); n == clients*additions {
		t.Error("the control lost no update: the clients did not overlap")
	}
}

// TestCreate_mixedExplicitAndGeneratedIDs creates rows with explicit and with generated IDs concurrently. No create
// fails and no row is overwritten.
func TestCreate_mixedExplicitAndGeneratedIDs(t *testing.T) {
	h := newTestAPI(pgtest.Pool(t))
	const clients, rows = 8, 25
	var wg sync.WaitGroup
	var lock sync.Mutex
	ids := map[int64]string{}
	for c := range clients {
		wg.Go(func() {
			for i := range rows {
				name := fmt.Sprintf("%d/%d", c, i)
				var resp *httptest.ResponseRecorder
				if c%2 == 0 {
					resp = doRequest(h, "POST", "/api/v1/sites", fmt.Sprintf(`{"name":%q}`, name))
				} else {
					target := fmt.Sprintf("/api/v1/sites/%d", 100*(c+1)+3*i)
					body := fmt.Sprintf(`{"name":%q,"contact":null,"address":null,"state_or_region":null,"country":null,
						"postcode_or_zip":null}`, name)
					resp = doRequest(h, "PUT", target, body, "If-None-Match: *")
					if resp.Code == http.StatusPreconditionFailed {
						continue // a concurrent create generated this ID first
					}
				}
				var row struct{ ID int64 }
				if err := json.Unmarshal(resp.Body.Bytes(), &row); err != nil || resp.Code != http.StatusCreated {
					t.Errorf("%s: %d %s", name, resp.Code, resp.Body)
					continue
				}
				lock.Lock()
				if otherName, exists := ids[row.ID]; exists {
					t.Errorf("ID %d was assigned to %s and %s", row.ID, otherName, name)
				}
				ids[row.ID] = name
				lock.Unlock()
			}
		})
	}
	wg.Wait()
	for id, name := range ids {
		resp := doRequest(h, "GET", fmt.Sprintf("/site/%d", id), "")
		if !strings.Contains(resp.Body.String(), `"name":"`+name+`"`) {
			t.Errorf("site %d: got %s, want name %s", id, resp.Body, name)
		}
	}
}

// TestDatabaseRestart stops and restarts the database. Requests get 503 with Retry-After meanwhile, and succeed
// afterwards without a restart of the API.
func TestDatabaseRestart(t *testing.T) {
	ctx := context.Background()
	dir := pgtest.StateDir(t)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	cluster, err := embedded.StartDisposable(ctx, dir, log)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := postgres.Open(ctx, cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := migrateAndSeed(ctx, cluster.URL()); err != nil {
		t.Fatal(err)
	}
	h := newTestAPI(pool)
	requests := [][3]string{
		{"GET", "/site/1", ""},
		{"GET", "/sites", ""},
		{"PATCH", "/site/1", `{"name":"x"}`},
		{"DELETE", "/container/123e4567-e89b-12d3-a456-426614174000", ""},
		{"POST", "/api/v1/sites", `[{"name":"x","contact":null,"address":null,"state_or_region":null,"country":null,
			"postcode_or_zip":null}]`},
		{"PATCH", "/site/1?dry_run=true", `{"name":"x"}`},
	}
	if resp := doRequest(h, "GET", "/readyz", ""); resp.Code != http.StatusOK {
		t.Fatalf("readyz before the stop: %d %s", resp.Code, resp.Body)
	}
	if err := cluster.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first round uses connections that have just been closed, the second has none
		for _, r := range requests {
			resp := doRequest(h, r[0], r[1], r[2])
			if resp.Code != http.StatusServiceUnavailable || resp.Header().Get("Retry-After") == "" {
				t.Errorf("%s %s without a database: %d %s", r[0], r[1], resp.Code, resp.Body)
			}
		}
	}
	resp := doRequest(h, "GET", "/readyz", "")
	if resp.Code != http.StatusServiceUnavailable || resp.Header().Get("Retry-After") == "" {
		t.Errorf("readyz without a database: %d %s", resp.Code, resp.Body)
	}
	resp = doRequest(h, "GET", "/healthcheck", "")
	if resp.Code != http.StatusOK || resp.Body.String() != "{\"status\":\"healthy\"}\n" {
		t.Errorf("healthcheck without a database: %d %s", resp.Code, resp.Body)
	}
	cluster, err = embedded.StartDisposable(ctx, dir, log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := cluster.Stop(ctx); err != nil {
			t.Error(err)
		}
	}()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if resp := doRequest(h, "GET", "/site/1", ""); resp.Code == http.StatusOK {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("no recovery after the restart: %d %s", resp.Code, resp.Body)
		}
	}
}

// TestChangesFeed_afterRestore gives the history higher transaction IDs than the cluster, as after a restore from
// another cluster. The feed must still show new changes.
func TestChangesFeed_afterRestore(t *testing.T) {
	pool := pgtest.Pool(t)
	h := newTestAPI(pool)
	ctx := context.Background()
	var total int64
	if err := pool.QueryRow(ctx, "SELECT count(*) FROM change").Scan(&total); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"ALTER TABLE change DISABLE TRIGGER append_only",
		"UPDATE change SET xid = xid + 1000000000",
		"ALTER TABLE change ENABLE TRIGGER append_only",
	} {
		if _, err := pool.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	waitForChange := func() string {
		deadline := time.Now().Add(10 * time.Second)
		for {
			resp := doRequest(h, "GET", "/api/v1/changes?limit=1000&after=7", "").Body.String()
			if strings.Contains(resp, "Since then") || time.Now().After(deadline) {
				return resp
			}
			time.Sleep(10 * time.Millisecond) // transactions of other tests hold the feed back
		}
	}
	resetRows, err := db.New(pool).ResetRestoredXids(ctx)
	if err != nil || resetRows != total {
		t.Fatalf("reset %d of %d changes: %v", resetRows, total, err)
	}
	if resetRows, err = db.New(pool).ResetRestoredXids(ctx); err != nil || resetRows != 0 {
		t.Errorf("second call reset %d changes, want none: %v", resetRows, err)
	}
	if resp := doRequest(h, "PATCH", "/site/1", `{"name":"Since then"}`); resp.Code != http.StatusOK {
		t.Fatal(resp.Body)
	}
	if feed := waitForChange(); !strings.Contains(feed, "Since then") {
		t.Errorf("the feed does not show the new change: %s", feed)
	}
}
