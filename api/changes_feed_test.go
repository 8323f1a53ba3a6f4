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

func newAPI(pool *pgxpool.Pool) http.Handler {
	return New(Options{Pool: pool, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), AnonymousActor: "tester", Version: "test"})
}

// call asks the API in this process. header lines are "Name: value".
func call(h http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
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

// TestFollow reads the changes as they are made by writers whose transactions overlap, and must see every one.
// The control reads the table in the same way but without regard to running transactions, and must overlook some: else this test could not fail.
func TestFollow(t *testing.T) {
	pool := pgtest.Pool(t)
	h := newAPI(pool)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	const writers, transactions = 4, 40

	done := make(chan struct{})
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range transactions {
				tx, err := pool.Begin(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				for range 2 { // the pause between the rows is where another transaction overtakes
					if _, err := tx.Exec(ctx, "INSERT INTO site (name) VALUES ($1)", fmt.Sprintf("w%d %d", w, i)); err != nil {
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
	go func() { all.Wait(); close(done) }()

	feed := func(after int64) []int64 {
		answer := call(h, "GET", fmt.Sprintf("/api/v1/changes?limit=1000&after=%d", after), "")
		var rows []struct{ ID int64 }
		if err := json.Unmarshal(answer.Body.Bytes(), &rows); err != nil {
			t.Fatalf("%s: %v", answer.Body, err)
		}
		var ids []int64
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		return ids
	}
	naive := func(after int64) []int64 {
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
	seen, seenNaively := follower{read: feed}, follower{read: naive}
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		seen.poll()
		seenNaively.poll()
	}
	var total int
	if err := pool.QueryRow(ctx, "SELECT count(*) FROM change").Scan(&total); err != nil {
		t.Fatal(err)
	}
	for seen.poll(); seen.count < total && ctx.Err() == nil; seen.poll() {
		time.Sleep(10 * time.Millisecond) // the transactions of other tests hold the feed back, too
	}
	seenNaively.poll()
	if seen.count != total {
		t.Errorf("the feed showed %d of %d changes", seen.count, total)
	}
	if seenNaively.count == total {
		t.Errorf("the control overlooked nothing in %d changes: the transactions did not overlap", total)
	}
}

type follower struct {
	read  func(after int64) []int64
	last  int64
	count int
}

func (f *follower) poll() {
	for _, id := range f.read(f.last) {
		f.last = id
		f.count++
	}
}

// TestLostUpdates lets many clients add to one row. With If-Match every addition that was acknowledged is there at the end;
// the control leaves If-Match out and must lose some.
func TestLostUpdates(t *testing.T) {
	h := newAPI(pgtest.Pool(t))
	const clients, additions = 8, 10
	add := func(site string, guarded bool) {
		var all sync.WaitGroup
		for range clients {
			all.Go(func() {
				for done := 0; done < additions; {
					read := call(h, "GET", site, "")
					var row struct{ Contact *string }
					if err := json.Unmarshal(read.Body.Bytes(), &row); err != nil {
						t.Error(err)
						return
					}
					text := "x"
					if row.Contact != nil {
						text += *row.Contact
					}
					var header []string
					if guarded {
						header = []string{"If-Match: " + read.Header().Get("ETag")}
					}
					switch answer := call(h, "PATCH", site, fmt.Sprintf(`{"contact":%q}`, text), header...); answer.Code {
					case http.StatusOK:
						done++
					case http.StatusPreconditionFailed:
						if answer.Header().Get("ETag") == "" {
							t.Error("a 412 without the current ETag")
						}
					default:
						t.Errorf("%d %s", answer.Code, answer.Body)
						return
					}
				}
			})
		}
		all.Wait()
	}
	length := func(site string) int {
		var row struct{ Contact string }
		if err := json.Unmarshal(call(h, "GET", site, "").Body.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		return len(row.Contact)
	}
	add("/site/2", true)
	if n := length("/site/2"); n != clients*additions {
		t.Errorf("%d of %d additions are there", n, clients*additions)
	}
	add("/site/3", false)
	if n := length("/site/3"); n == clients*additions {
		t.Error("the control lost nothing: the clients did not meet")
	}
}

// TestExplicitIDs creates rows with and without a number of their own at once: no create may fail, no row be overwritten.
func TestExplicitIDs(t *testing.T) {
	h := newAPI(pgtest.Pool(t))
	const clients, rows = 8, 25
	var all sync.WaitGroup
	var lock sync.Mutex
	ids := map[int64]string{}
	for c := range clients {
		all.Go(func() {
			for i := range rows {
				name := fmt.Sprintf("%d/%d", c, i)
				var answer *httptest.ResponseRecorder
				if c%2 == 0 {
					answer = call(h, "POST", "/api/v1/sites", fmt.Sprintf(`{"name":%q}`, name))
				} else {
					target := fmt.Sprintf("/api/v1/sites/%d", 100*(c+1)+3*i)
					answer = call(h, "PUT", target, fmt.Sprintf(`{"name":%q,"contact":null,"address":null,"state_or_region":null,"country":null,"postcode_or_zip":null}`, name), "If-None-Match: *")
					if answer.Code == http.StatusPreconditionFailed {
						continue // a create was given this number first, and says so
					}
				}
				var row struct{ ID int64 }
				if err := json.Unmarshal(answer.Body.Bytes(), &row); err != nil || answer.Code != http.StatusCreated {
					t.Errorf("%s: %d %s", name, answer.Code, answer.Body)
					continue
				}
				lock.Lock()
				if other, taken := ids[row.ID]; taken {
					t.Errorf("site %d was given to %s and to %s", row.ID, other, name)
				}
				ids[row.ID] = name
				lock.Unlock()
			}
		})
	}
	all.Wait()
	for id, name := range ids {
		if answer := call(h, "GET", fmt.Sprintf("/site/%d", id), ""); !strings.Contains(answer.Body.String(), `"name":"`+name+`"`) {
			t.Errorf("site %d should be %s: %s", id, name, answer.Body)
		}
	}
}

// TestDatabaseStops takes the database away and gives it back: 503 with Retry-After, then the same server answers again.
func TestDatabaseStops(t *testing.T) {
	ctx := context.Background()
	dir := pgtest.StateDir(t)
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	cluster, err := embedded.StartDisposable(ctx, dir, quiet)
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
	h := newAPI(pool)
	requests := [][3]string{
		{"GET", "/site/1", ""}, {"GET", "/sites", ""}, {"PATCH", "/site/1", `{"name":"x"}`}, {"DELETE", "/container/123e4567-e89b-12d3-a456-426614174000", ""},
		{"POST", "/api/v1/sites", `[{"name":"x","contact":null,"address":null,"state_or_region":null,"country":null,"postcode_or_zip":null}]`}, {"PATCH", "/site/1?dry_run=true", `{"name":"x"}`},
	}
	if answer := call(h, "GET", "/readyz", ""); answer.Code != http.StatusOK {
		t.Fatalf("before: %d %s", answer.Code, answer.Body)
	}
	if err := cluster.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first round meets connections that have just died, the second one finds none
		for _, r := range requests {
			answer := call(h, r[0], r[1], r[2])
			if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
				t.Errorf("without a database %s %s: %d %s", r[0], r[1], answer.Code, answer.Body)
			}
		}
	}
	if answer := call(h, "GET", "/readyz", ""); answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
		t.Errorf("readyz without a database: %d %s", answer.Code, answer.Body)
	}
	if answer := call(h, "GET", "/healthcheck", ""); answer.Code != http.StatusOK || answer.Body.String() != "{\"status\":\"healthy\"}\n" {
		t.Errorf("healthcheck without a database: %d %s", answer.Code, answer.Body)
	}
	cluster, err = embedded.StartDisposable(ctx, dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := cluster.Stop(ctx); err != nil {
			t.Error(err)
		}
	}()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if answer := call(h, "GET", "/site/1", ""); answer.Code == http.StatusOK {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("it does not recover: %d %s", answer.Code, answer.Body)
		}
	}
}

// TestRestoredHistory makes the history look like one that was restored from a dump of a much older cluster: a follower must still see
// what is written from now on.
func TestRestoredHistory(t *testing.T) {
	pool := pgtest.Pool(t)
	h := newAPI(pool)
	ctx := context.Background()
	var all int64
	if err := pool.QueryRow(ctx, "SELECT count(*) FROM change").Scan(&all); err != nil {
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
	last := func() string {
		deadline := time.Now().Add(10 * time.Second)
		for {
			answer := call(h, "GET", "/api/v1/changes?limit=1000&after=7", "").Body.String()
			if strings.Contains(answer, "Since then") || time.Now().After(deadline) {
				return answer
			}
			time.Sleep(10 * time.Millisecond) // transactions of other tests hold the feed back
		}
	}
	settled, err := db.New(pool).ResetRestoredXids(ctx)
	if err != nil || settled != all {
		t.Fatalf("settled %d changes of %d: %v", settled, all, err)
	}
	if settled, err = db.New(pool).ResetRestoredXids(ctx); err != nil || settled != 0 {
		t.Errorf("settled %d changes again: %v", settled, err)
	}
	if answer := call(h, "PATCH", "/site/1", `{"name":"Since then"}`); answer.Code != http.StatusOK {
		t.Fatal(answer.Body)
	}
	if feed := last(); !strings.Contains(feed, "Since then") {
		t.Errorf("the feed does not go on: %s", feed)
	}
}
