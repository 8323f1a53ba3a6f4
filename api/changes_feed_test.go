package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"labledger/db"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// TestChangesFeed_showsEveryChange follows the feed while writers with overlapping transactions make changes. The feed
// must show every change. The control reads the table directly, ignores running transactions and must miss some
// changes.
func TestChangesFeed_showsEveryChange(t *testing.T) {
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
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
		resp := apitest.Do(h, "GET", fmt.Sprintf("/api/v1/changes?limit=1000&after=%d", after), "")
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
	total := pgtest.QueryValue[int](t, pool, "SELECT count(*) FROM change")
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

// TestChangesFeed_afterRestore raises the transaction IDs of the history above those of the cluster, as after a restore
// from another cluster. ResetRestoredXids resets each change once, and the feed then shows new changes.
func TestChangesFeed_afterRestore(t *testing.T) {
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	ctx := context.Background()
	total := pgtest.QueryValue[int](t, pool, "SELECT count(*) FROM change")
	for _, sql := range []string{
		"ALTER TABLE change DISABLE TRIGGER append_only",
		"UPDATE change SET xid = xid + 1000000000",
		"ALTER TABLE change ENABLE TRIGGER append_only",
	} {
		if _, err := pool.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	resetRows, err := db.New(pool).ResetRestoredXids(ctx)
	if err != nil || resetRows != int64(total) {
		t.Fatalf("reset %d of %d changes: %v", resetRows, total, err)
	}
	if resetRows, err = db.New(pool).ResetRestoredXids(ctx); err != nil || resetRows != 0 {
		t.Errorf("second call reset %d changes, want none: %v", resetRows, err)
	}
	if resp := apitest.Do(h, "PATCH", "/site/1", `{"name":"Since then"}`); resp.Code != http.StatusOK {
		t.Fatal(resp.Body)
	}
	pgtest.WaitFor(t, "the feed shows the new change", func() bool { // transactions of other tests hold the feed back
		resp := apitest.Do(h, "GET", "/api/v1/changes?limit=1000&after=7", "")
		return strings.Contains(resp.Body.String(), "Since then")
	})
}
