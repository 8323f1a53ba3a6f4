package dbtx

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
)

// texts collects the values of rows.
type texts []string

func (c *texts) WriteRow(_ []pgconn.FieldDescription, values [][]byte) error {
	for _, value := range values {
		if value == nil {
			*c = append(*c, "NULL")
		} else {
			*c = append(*c, string(value))
		}
	}
	return nil
}

// outcome is what a read returned: the values of its rows, or the error.
func outcome(results []*Result, err error) string {
	var all texts
	for _, result := range results {
		if err == nil {
			_, err = result.Write(&all)
		}
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code
	}
	if err != nil {
		return "error: " + err.Error()
	}
	return fmt.Sprint(all)
}

func newSharer(pool *pgxpool.Pool, trips int) *Sharer {
	return NewSharer(pool.Acquire, trips, time.Minute)
}

// A heldSharer is a Sharer whose only round trip waits for a lock.
type heldSharer struct {
	*Sharer
	t      *testing.T
	locker *pgx.Conn
	group  sync.WaitGroup
}

const heldLock = 4711

// hold returns a Sharer whose round trip waits until release.
func hold(t *testing.T, pool *pgxpool.Pool) *heldSharer {
	t.Helper()
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Release)
	h := &heldSharer{Sharer: newSharer(pool, 1), t: t, locker: conn.Conn()}
	pgtest.Exec(t, h.locker, "SELECT pg_advisory_lock($1)", heldLock)
	h.start(t.Context(), Statement{SQL: "SELECT pg_advisory_xact_lock_shared($1)::text", Args: []any{heldLock}})
	pgtest.WaitForLockWait(t, pool)
	return h
}

// start begins a read, and waits until it waits. The function that it returns waits for the outcome.
func (h *heldSharer) start(ctx context.Context, statements ...Statement) func() string {
	h.mu.Lock()
	before, isFree := len(h.waiting), len(h.free) > 0
	h.mu.Unlock()
	done := make(chan string, 1)
	h.group.Go(func() { done <- outcome(h.Read(ctx, statements...)) })
	pgtest.WaitFor(h.t, "a read to wait", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.waiting) > before || isFree && len(h.free) == 0
	})
	return sync.OnceValue(func() string { return <-done })
}

// release lets the round trip go on, and waits for all reads.
func (h *heldSharer) release() {
	pgtest.Exec(h.t, h.locker, "SELECT pg_advisory_unlock($1)", heldLock)
	h.group.Wait()
}

// TestSharer_equalReads: equal reads that wait run once; others run for each. After a statement that fails, no other of
// the read runs; it has no effect on other reads.
func TestSharer_equalReads(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	pgtest.Exec(t, pool, "CREATE SEQUENCE drawn")
	h := hold(t, pool)
	draw := func(args ...any) Statement {
		return Statement{SQL: "SELECT nextval('drawn'), $1::text, $2::text", Args: args}
	}
	var outcomes [6]func() string
	for i, statements := range [][]Statement{
		{draw("a", nil)},
		{{SQL: "SELECT 1 / $1::int", Args: []any{0}}, draw("a", nil)},
		{draw("a", "")},
		{draw("a", nil)},
		{draw("", "a"), draw("a", nil)},
		{{SQL: "SELECT no_column"}},
	} {
		outcomes[i] = h.start(t.Context(), statements...)
	}
	h.release()
	for i, want := range []string{"[1 a NULL]", "22012", "[2 a ]", "[1 a NULL]", "[3  a 4 a NULL]", "42703"} {
		if got := outcomes[i](); got != want {
			t.Errorf("read %d returned %s, want %s", i, got, want)
		}
	}
	if got := outcome(h.Read(t.Context(), draw("a", nil))); got != "[5 a NULL]" {
		t.Errorf("a later read returned %s, want a new value", got)
	}
}

// TestSharer_seesEarlierWrites: a read does not get the result of an equal statement that began before it.
func TestSharer_seesEarlierWrites(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	pgtest.Exec(t, pool, "CREATE TABLE note AS SELECT 'old' AS text")
	pgtest.Exec(t, pool, `CREATE FUNCTION read_late() RETURNS text LANGUAGE sql STABLE AS
		$$ SELECT text FROM note WHERE pg_advisory_xact_lock_shared(4711) IS NOT NULL $$`)
	s := newSharer(pool, 1)
	h := &heldSharer{Sharer: s, t: t, locker: pgtest.Connect(t, pool.Config().ConnString())}
	pgtest.Exec(t, h.locker, "SELECT pg_advisory_lock($1)", heldLock)
	statement := Statement{SQL: "SELECT read_late()"}
	early := h.start(t.Context(), statement)
	pgtest.WaitForLockWait(t, pool)
	pgtest.Exec(t, pool, "UPDATE note SET text = 'new'")
	late := h.start(t.Context(), statement)
	h.release()
	if early() != "[old]" || late() != "[new]" {
		t.Errorf("the read before the write returned %s, and the one after it %s", early(), late())
	}
}

// TestSharer_cancelled: a read that is cancelled while it waits returns at once. The others get their results.
func TestSharer_cancelled(t *testing.T) {
	t.Parallel()
	h := hold(t, pgtest.Pool(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancelled := h.start(ctx, Statement{SQL: "SELECT 1"})
	other := h.start(t.Context(), Statement{SQL: "SELECT 1"})
	cancel()
	if got := cancelled(); got != "error: context canceled" {
		t.Errorf("the cancelled read returned %s", got)
	}
	h.release()
	if got := other(); got != "[1]" {
		t.Errorf("the other read returned %s", got)
	}
}

// TestSharer_timeout: a round trip that reads share has a timeout, which ends the statement that takes too long.
func TestSharer_timeout(t *testing.T) {
	t.Parallel()
	h := hold(t, pgtest.Pool(t))
	h.timeout = 200 * time.Millisecond
	slow := h.start(t.Context(), Statement{SQL: "SELECT pg_sleep(60)::text"})
	h.release()
	if got := slow(); got != "57014" && got != "error: timeout: context deadline exceeded" {
		t.Errorf("the slow read returned %s", got)
	}
	if got := outcome(h.Read(t.Context(), Statement{SQL: "SELECT 1"})); got != "[1]" {
		t.Errorf("the next read returned %s", got)
	}
}

// TestSharer_lostConnection: reads that share a lost connection fail, and the next ones get another connection.
func TestSharer_lostConnection(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := hold(t, pool)
	kill := Statement{SQL: "SELECT pg_terminate_backend(pg_backend_pid())::text"}
	before, during, after := h.start(t.Context(), Statement{SQL: "SELECT 1"}),
		h.start(t.Context(), kill), h.start(t.Context(), Statement{SQL: "SELECT 2"})
	h.release()
	if got := before(); got != "[1]" {
		t.Errorf("the read before returned %s", got)
	}
	if got := during(); got != "57P01" {
		t.Errorf("the read that lost the connection returned %s", got)
	}
	if got := after(); got != "57P01" {
		t.Errorf("the read after it returned %s", got)
	}
	if got := outcome(h.Read(t.Context(), Statement{SQL: "SELECT 3"})); got != "[3]" {
		t.Errorf("the next read returned %s", got)
	}
}

// TestSharer_changedColumns: a prepared statement whose columns have changed fails once.
func TestSharer_changedColumns(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	s := newSharer(pool, 1)
	pgtest.Exec(t, pool, "CREATE TABLE note AS SELECT 1 AS id")
	statement := Statement{SQL: "SELECT * FROM note"}
	if got := outcome(s.Read(t.Context(), statement)); got != "[1]" {
		t.Fatal(got)
	}
	pgtest.Exec(t, pool, "ALTER TABLE note ADD text text")
	if got := outcome(s.Read(t.Context(), statement)); got != "0A000" {
		t.Errorf("the first read returned %s", got)
	}
	if got := outcome(s.Read(t.Context(), statement)); got != "[1 NULL]" {
		t.Errorf("the second read returned %s", got)
	}
}

// TestSharer_scan: a query for one row gets the first row, pgx.ErrNoRows or the error.
func TestSharer_scan(t *testing.T) {
	t.Parallel()
	s := newSharer(pgtest.Pool(t), 1)
	results, err := s.Read(t.Context(),
		Statement{SQL: "SELECT 7::bigint, 'x', NULL::text"},
		Statement{SQL: "SELECT 1 WHERE false"},
		Statement{SQL: "SELECT 1 / 0"})
	if err != nil {
		t.Fatal(err)
	}
	var id int64
	var text string
	var null *string
	err = results[0].QueryRow(t.Context(), "").Scan(&id, &text, &null)
	if err != nil || id != 7 || text != "x" || null != nil {
		t.Error(err, id, text, null)
	}
	if err := results[1].QueryRow(t.Context(), "").Scan(&id); !errors.Is(err, pgx.ErrNoRows) {
		t.Error(err)
	}
	var pgErr *pgconn.PgError
	if err := results[2].QueryRow(t.Context(), "").Scan(&id); !errors.As(err, &pgErr) || pgErr.Code != "22012" {
		t.Error(err)
	}
}

// TestSharer_manyReaders: many readers, of which some give up, get their own rows.
func TestSharer_manyReaders(t *testing.T) {
	t.Parallel()
	s := newSharer(pgtest.Pool(t), 2)
	var group sync.WaitGroup
	for reader := range 32 {
		group.Go(func() {
			for i := range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				if rand.IntN(4) == 0 {
					go cancel()
				}
				n := rand.IntN(5)
				own := fmt.Sprint(reader, i)
				got := outcome(s.Read(ctx,
					Statement{SQL: "SELECT $1::int", Args: []any{n}}, Statement{SQL: "SELECT $1::text", Args: []any{own}}))
				if want := fmt.Sprintf("[%d %s]", n, own); got != want && ctx.Err() == nil {
					t.Errorf("got %s, want %s", got, want)
				}
				cancel()
			}
		})
	}
	group.Wait()
	if s.Waiting() != 0 || len(s.free) != 2 {
		t.Errorf("%d reads wait, %d round trips are free", s.Waiting(), len(s.free))
	}
}
