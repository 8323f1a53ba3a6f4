package sse_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/sse"
	"labledger/internal/pgtest"
)

// This file tests that the stream misses no row, whatever the order in which transactions commit.

// A naiveReader follows the events by an ascending key and ignores running transactions. It is the negative control of
// TestStream_commitOrder.
type naiveReader struct {
	sql  string
	last string
	rows []string
}

func newNaiveReaders() []*naiveReader {
	return []*naiveReader{
		{
			sql:  "SELECT id::text, id::text FROM event WHERE id > $1::text::uuid ORDER BY id",
			last: uuid.Nil.String(),
		},
		{
			sql: `SELECT xid || '.' || id, id::text FROM event
				WHERE (xid, id) > (split_part($1, '.', 1)::bigint, split_part($1, '.', 2)::uuid)
				ORDER BY xid, id`,
			last: "0." + uuid.Nil.String(),
		},
	}
}

func (n *naiveReader) poll(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	rows, err := pool.Query(t.Context(), n.sql, n.last)
	if err != nil {
		t.Fatal(err)
	}
	var id string
	_, err = pgx.ForEachRow(rows, []any{&n.last, &id}, func() error {
		n.rows = append(n.rows, "event "+id)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestStream_commitOrder: when the later of two transactions commits first, its rows are held back until the earlier
// one ends.
func TestStream_commitOrder(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	s := serve(t, pool)
	before := s.listen(t, "", "0")
	controls := newNaiveReaders()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	first := addEvent(t, tx, 1)
	late := addEvent(t, pool, 2) // begins later, commits immediately
	s.stream.Wake()
	for _, c := range controls {
		c.poll(t, pool)
	}
	after := serve(t, pool).listen(t, "", "0") // a server that shares no page with the other stream
	after.Next(t)
	if m := after.Next(t); m != sse.Heartbeat {
		t.Errorf("before the earlier transaction has ended: got %+v, want a heartbeat", m)
	}
	if m := s.listen(t, "", "").Next(t); m.ID != "0" {
		t.Errorf("a new stream begins at %s, after a row that is held back", m.ID)
	}
	second := addEvent(t, tx, 1)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{first, second, late}
	for _, l := range []*sse.Listener{before, after} {
		if rows, _ := collect(t, l, 3); !slices.Equal(rows, want) {
			t.Errorf("got %q, want %q", rows, want)
		}
	}
	for i, c := range controls {
		if c.poll(t, pool); slices.Contains(c.rows, first) {
			t.Errorf("control %d did not miss the first row", i)
		}
	}
}

// TestStream_foreignTransaction: a transaction of another database does not hold the stream back.
func TestStream_foreignTransaction(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	foreign, err := pgtest.Pool(t).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = foreign.Rollback(context.Background()) }()
	pgtest.Exec(t, foreign, "SELECT pg_current_xact_id()")
	later := addEvent(t, pool, 1)
	if rows, _ := collect(t, serve(t, pool).listen(t, "", "0"), 1); rows[0] != later {
		t.Errorf("the stream sends %s, want %s", rows[0], later)
	}
}

// TestStream_underLoad runs writers that insert, update, commit and roll back in transactions of random length, while
// readers disconnect and resume. Each reader must see every event and the last version of every alert, and nothing
// twice.
func TestStream_underLoad(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	s := serve(t, pool)
	ctx, cancel := context.WithTimeout(t.Context(), 2*pgtest.WaitTimeout)
	defer cancel()
	const writers, transactions, readers = 8, 30, 4
	end := make(chan string, readers) // the row that ends each reader
	seen := make([]map[string]int, readers)
	var reading, writing sync.WaitGroup
	for r := range readers {
		seen[r] = map[string]int{}
		reading.Go(func() {
			if err := readResuming(ctx, t, s, seen[r], end); err != nil {
				t.Errorf("reader %d: %v", r, err)
			}
		})
	}
	for w := range writers {
		writing.Go(func() {
			for range transactions {
				if err := writeRandomly(ctx, t, pool, w); err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
				s.stream.Wake()
			}
		})
	}
	writing.Wait()
	const interleaved = `SELECT count(*) FILTER (WHERE xid <> previous) >= count(DISTINCT xid)
		FROM (SELECT xid, lag(xid) OVER (ORDER BY id) AS previous FROM event) AS e`
	if !pgtest.QueryValue[bool](t, pool, interleaved) {
		t.Error("control: the transactions did not overlap")
	}
	rows := pgtest.QueryColumn(t, pool,
		"SELECT 'event ' || id FROM event UNION ALL SELECT 'alert ' || id || ' ' || version FROM alert")
	last := addEvent(t, pool, 0)
	for range readers {
		end <- last
	}
	reading.Wait()
	for r := range readers {
		checkSeen(t, r, seen[r], append(rows, last))
	}
}

// writeRandomly runs one transaction of a writer, and commits four of five.
func writeRandomly(ctx context.Context, t *testing.T, pool *pgxpool.Pool, userID int) error {
	tx, err := pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	for n := range 1 + rand.IntN(5) {
		event := addEvent(t, tx, userID)
		if n%2 == 0 {
			addAlert(t, tx, event)
		}
		time.Sleep(rand.N(4 * time.Millisecond)) // lets transactions overlap; nothing depends on it
	}
	const update = `UPDATE alert SET note = note || '.'
		WHERE id = (SELECT id FROM alert WHERE user_id = $1 ORDER BY random() LIMIT 1)`
	if _, err := tx.Exec(ctx, update, userID); err != nil || rand.IntN(5) == 0 {
		return err
	}
	return tx.Commit(ctx)
}

// readResuming counts the rows of a stream in seen, and resumes it after every few messages, until it has received the
// row that it gets from end.
func readResuming(ctx context.Context, t *testing.T, s *server, seen map[string]int, end <-chan string) error {
	position, last := "0", ""
	for last == "" || seen[last] == 0 {
		l, err := s.open(ctx, "", position)
		if err != nil {
			return err
		}
		for range rand.IntN(80) {
			m, ok := <-l.Messages()
			if !ok {
				return fmt.Errorf("the stream ended after %s", position)
			}
			if m.ID != "" {
				position = m.ID
			}
			if m.Data != "" {
				seen[rowKey(t, m)]++
			}
		}
		l.Cancel()
		if last == "" {
			select {
			case last = <-end:
			default:
			}
		}
	}
	return nil
}

// checkSeen checks that a reader has seen each row once, and no other rows except older versions of alerts.
func checkSeen(t *testing.T, reader int, seen map[string]int, rows []string) {
	t.Helper()
	var missed []string
	for _, row := range rows {
		if seen[row] == 0 {
			missed = append(missed, row)
		}
	}
	if len(missed) > 0 {
		t.Errorf("reader %d missed %d of %d rows, such as %s", reader, len(missed), len(rows), missed[0])
	}
	for row, times := range seen {
		if times != 1 || strings.HasPrefix(row, "event") && !slices.Contains(rows, row) {
			t.Errorf("reader %d received %s %d times", reader, row, times)
		}
	}
}
