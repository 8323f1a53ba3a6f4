package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// A changesReader follows the changes: each poll fetches the changes after the last one.
type changesReader struct {
	fetch func(after int64) []int64 // returns the IDs of the changes after an ID
	seen  []int64
}

func (r *changesReader) poll() {
	var last int64
	if len(r.seen) > 0 {
		last = r.seen[len(r.seen)-1]
	}
	r.seen = append(r.seen, r.fetch(last)...)
}

// newFeedReader returns a reader of the feed.
func newFeedReader(t *testing.T, h http.Handler) *changesReader {
	return &changesReader{fetch: func(after int64) []int64 {
		t.Helper()
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
	}}
}

// selectChangeIDs returns the IDs of the committed changes after an ID.
func selectChangeIDs(t *testing.T, pool *pgxpool.Pool, after int64) []int64 {
	t.Helper()
	return pgtest.QueryValue[[]int64](t, pool,
		"SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM change WHERE id > $1", after)
}

// TestChangesFeed_foreignTransaction: a transaction of another database does not hold the feed back.
func TestChangesFeed_foreignTransaction(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	foreign := beginWrite(t, pgtest.Pool(t))
	pgtest.Exec(t, pool, "INSERT INTO site (name) VALUES ('later')")
	if !pgtest.QueryValue[bool](t, pool, `SELECT max(xid) >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint
			FROM change`) {
		t.Fatal("the transaction of the other database is not older")
	}
	w := apitest.Do(apitest.NewPublic(pool), "GET", "/api/v1/changes?limit=1000", "")
	if !strings.Contains(w.Body.String(), `"later"`) {
		t.Errorf("the feed lacks the change: %d %s", w.Code, w.Body)
	}
	if err := foreign.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestChangesFeed_lateCommit: the feed shows the changes of a transaction that commits after a later one. The control
// reads the table directly, ignores the running transaction and must miss one of its changes.
func TestChangesFeed_lateCommit(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	feed := newFeedReader(t, apitest.NewPublic(pool))
	control := &changesReader{fetch: func(after int64) []int64 { return selectChangeIDs(t, pool, after) }}
	control.poll()
	insertSite := func(tx pgx.Tx, name string) { pgtest.Exec(t, tx, "INSERT INTO site (name) VALUES ($1)", name) }
	begin := func() pgx.Tx {
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = tx.Rollback(context.Background()) }) // after a failure
		return tx
	}
	commit := func(tx pgx.Tx) {
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}

	early, late := begin(), begin()
	insertSite(early, "first of the early transaction")
	insertSite(late, "of the late transaction")
	commit(late)
	feed.poll()
	control.poll()
	lateID := control.seen[len(control.seen)-1]
	if slices.Contains(feed.seen, lateID) {
		t.Errorf("the feed shows change %d while an earlier transaction runs", lateID)
	}
	insertSite(early, "second of the early transaction")
	commit(early)
	control.poll()

	all := selectChangeIDs(t, pool, 0)
	feed.poll()
	if got := slices.Sorted(slices.Values(feed.seen)); !slices.Equal(got, all) {
		t.Errorf("the feed showed %v, want %v", got, all)
	}
	if missed := len(all) - len(control.seen); missed != 1 {
		t.Errorf("the control missed %d changes, want 1: the test proves nothing", missed)
	}
}

// TestChangesFeed_concurrentWriters follows the feed while transactions overlap at random.
func TestChangesFeed_concurrentWriters(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	feed := newFeedReader(t, apitest.NewPublic(pool))
	const writers, transactions = 4, 20
	var running sync.WaitGroup
	defer running.Wait()
	for range writers {
		running.Go(func() {
			for range transactions {
				err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
					const insert = "INSERT INTO site (name) VALUES ('x')"
					_, first := tx.Exec(t.Context(), insert)
					_, second := tx.Exec(t.Context(), insert)
					return errors.Join(first, second)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { running.Wait(); close(done) }()
	for isDone := false; !isDone; {
		select {
		case <-done:
			isDone = true
		default:
		}
		feed.poll()
	}
	all := selectChangeIDs(t, pool, 0)
	if got := slices.Sorted(slices.Values(feed.seen)); !slices.Equal(got, all) {
		t.Errorf("the feed showed %d changes, want %d", len(got), len(all))
	}
}

// TestChangesFeed_afterRestore raises the transaction IDs of the history above those of the cluster, as after a restore
// from another cluster. ResetRestoredXids resets each change once, and the feed then shows new changes.
func TestChangesFeed_afterRestore(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	total := pgtest.QueryValue[int64](t, pool, "SELECT count(*) FROM change")
	for _, sql := range []string{
		"ALTER TABLE change DISABLE TRIGGER append_only",
		"UPDATE change SET xid = xid + 1000000000",
		"ALTER TABLE change ENABLE TRIGGER append_only",
	} {
		pgtest.Exec(t, pool, sql)
	}
	resetRows, err := db.New(pool).ResetRestoredXids(t.Context())
	if err != nil || resetRows != total {
		t.Fatalf("reset %d of %d changes: %v", resetRows, total, err)
	}
	if resetRows, err = db.New(pool).ResetRestoredXids(t.Context()); err != nil || resetRows != 0 {
		t.Errorf("second call reset %d changes, want none: %v", resetRows, err)
	}
	if resp := apitest.Do(h, "PATCH", "/site/1", `{"name":"Since then"}`); resp.Code != http.StatusOK {
		t.Fatal(resp.Body)
	}
	feed := apitest.Do(h, "GET", "/api/v1/changes?limit=1000&after=7", "").Body.String()
	if !strings.Contains(feed, "Since then") {
		t.Errorf("the feed lacks the new change: %s", feed)
	}
}
