package sse_test

import (
	"bufio"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
)

// A naiveReader follows the events by an ascending key and ignores running transactions. It is the negative control of
// the tests below.
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
	rows, err := pool.Query(context.Background(), n.sql, n.last)
	if err != nil {
		t.Error(err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&n.last, &id); err != nil {
			t.Error(err)
		}
		n.rows = append(n.rows, "event "+id)
	}
}

// TestStream_commitOrder: when the later of two transactions commits first, its rows are held back until the earlier
// one ends.
func TestStream_commitOrder(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, nil)
	live := s.Listen(t, "", "0")
	controls := newNaiveReaders()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer rollback(tx)
	first := addEvent(t, tx, 1)
	late := addEvent(t, pool, 2) // begins later, commits immediately
	s.stream.wake()
	for _, c := range controls {
		c.poll(t, pool)
	}
	live.expectSilence(t, time.Second)
	second := addEvent(t, tx, 1)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.stream.wake()
	want := []string{first, second, late}
	if rows, _ := live.collect(t, 3); !slices.Equal(rows, want) {
		t.Errorf("got %q, want %q", rows, want)
	}
	for i, c := range controls {
		if c.poll(t, pool); slices.Contains(c.rows, first) {
			t.Errorf("control %d did not miss the first row", i)
		}
	}
}

// TestStream_underLoad runs writers that insert, update, commit and roll back in transactions of random length, while
// readers disconnect and resume. Each reader must see every event and the last version of every alert, and nothing
// twice. The controls must miss events.
func TestStream_underLoad(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, nil)
	const writers, transactions, readers = 8, 30, 4
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range transactions {
				tx, err := pool.Begin(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				for n := range 1 + rand.IntN(5) {
					event := addEvent(t, tx, w)
					if n%2 == 0 {
						addAlert(t, tx, event)
					}
					time.Sleep(rand.N(4 * time.Millisecond))
				}
				const update = `UPDATE alert SET note = note || '.'
					WHERE id = (SELECT id FROM alert WHERE user_id = $1 ORDER BY random() LIMIT 1)`
				if _, err := tx.Exec(context.Background(), update, w); err != nil {
					t.Error(err)
				}
				if rand.IntN(5) == 0 {
					rollback(tx)
				} else if err := tx.Commit(context.Background()); err != nil {
					t.Error(err)
				}
				s.stream.wake()
			}
		})
	}
	writersDone := make(chan struct{})
	go func() { wg.Wait(); close(writersDone) }()

	var lock sync.Mutex
	seen := make([]map[string]int, readers)
	for r := range readers {
		seen[r] = map[string]int{}
		last := "0"
		go func() {
			for t.Context().Err() == nil {
				l, err := s.open(t.Context(), "", last)
				if err != nil {
					if t.Context().Err() == nil {
						t.Error(err)
					}
					return
				}
				for range rand.IntN(80) {
					m, ok := <-l.messages
					if !ok {
						return // the test has ended
					}
					last = m.id
					if m.data != "" {
						lock.Lock()
						seen[r][m.rowKey(t)]++
						lock.Unlock()
					}
				}
				l.cancel()
			}
		}()
	}
	controls := newNaiveReaders()
	for running := true; running; time.Sleep(time.Millisecond) {
		select {
		case <-writersDone:
			running = false
		default:
		}
		for _, c := range controls {
			c.poll(t, pool)
		}
	}
	want := map[string]bool{}
	events := 0
	rows, err := pool.Query(t.Context(),
		"SELECT 'event ' || id FROM event UNION ALL SELECT 'alert ' || id || ' ' || version FROM alert")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var row string
		if err := rows.Scan(&row); err != nil {
			t.Fatal(err)
		}
		want[row] = true
		if strings.HasPrefix(row, "event") {
			events++
		}
	}
	unseenRows := func(r int) (rows []string) {
		lock.Lock()
		defer lock.Unlock()
		for row := range want {
			if seen[r][row] == 0 {
				rows = append(rows, row)
			}
		}
		return rows
	}
	for r := range readers {
		for deadline := time.Now().Add(20 * time.Second); len(unseenRows(r)) > 0 && time.Now().Before(deadline); {
			time.Sleep(10 * time.Millisecond)
		}
		if unseen := unseenRows(r); len(unseen) > 0 {
			t.Errorf("reader %d missed %d of %d rows, such as %s", r, len(unseen), len(want), unseen[0])
		}
		lock.Lock()
		for row, times := range seen[r] {
			if times != 1 || strings.HasPrefix(row, "event") && !want[row] {
				t.Errorf("reader %d received %s %d times", r, row, times)
			}
		}
		lock.Unlock()
	}
	for i, c := range controls {
		if len(c.rows) == events {
			t.Errorf("control %d missed none of %d events: the transactions did not overlap", i, events)
		}
	}
}

// TestStream_noLostWakeup: a committed row is sent immediately, even if the client is just about to wait.
func TestStream_noLostWakeup(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, nil)
	listeners := []*listener{s.Listen(t, "", ""), s.Listen(t, "?user_id=1", ""), s.Listen(t, "?kind=event", "")}
	for _, l := range listeners {
		l.nextMessage(t)
	}
	for range 300 {
		event := addEvent(t, pool, 1)
		s.stream.wake()
		for _, l := range listeners {
			if rows, _ := l.collect(t, 1); rows[0] != event {
				t.Fatalf("got %s, want %s", rows[0], event)
			}
		}
		time.Sleep(rand.N(6 * time.Millisecond))
	}
}

// TestStream_pollsAfterOlderTransaction: a row that is held back by an older transaction is sent soon after that ends,
// without a wakeup.
func TestStream_pollsAfterOlderTransaction(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, nil)
	live := s.Listen(t, "", "")
	live.nextMessage(t)
	fastest := time.Hour // of several attempts, because other tests may delay any of them
	for range 8 {
		olderTx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		addEvent(t, olderTx, 1)
		addEvent(t, pool, 2)
		s.stream.wake()
		start := time.Now()
		time.Sleep(10 * time.Millisecond)
		rollback(olderTx)
		live.nextData(t)
		fastest = min(fastest, time.Since(start))
	}
	if fastest > pollInterval/2 {
		t.Errorf("fastest delivery took %v, want at most %v", fastest, pollInterval/2)
	}
}

// TestStream_wakesBusyClient: a row that becomes visible while the server writes to a client is sent afterwards,
// without a further wakeup.
func TestStream_wakesBusyClient(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, func(h *streamHandler) { h.writeTimeout = time.Minute })
	const insert = `INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts,
			alert_codes, created_at, actor)
		VALUES (1, $1, 'deposit', 1, 1, 1, 'medium', 1, jsonb_build_object('x', repeat('x', $2)), '{}', now(), 'test')`
	if _, err := pool.Exec(t.Context(), insert, uuid.Must(uuid.NewV7()), pageBytes*9/10); err != nil {
		t.Fatal(err)
	}
	busy := s.openStuckClient(t)
	pgtest.WaitFor(t, "the client is connected", func() bool { return s.clients() == 1 })
	time.Sleep(300 * time.Millisecond) // until the write blocks
	s.stream.hub.mu.Lock()
	currentPoller := s.stream.hub.poller
	s.stream.hub.mu.Unlock()
	before := currentPoller.currentEpoch()
	event := addEvent(t, pool, 1)
	s.stream.wake()
	<-before.done
	_ = busy.SetReadDeadline(time.Now().Add(20 * time.Second))
	scanner := bufio.NewScanner(busy)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		line := scanner.Text()
		if strings.HasPrefix(line, "id: ") && strings.HasSuffix(line, strings.TrimPrefix(event, "event ")) {
			return
		}
	}
	t.Errorf("the row was not sent: %v", scanner.Err())
}

// TestStream_failedPageIsReadAgain: a page that could not be read is discarded, so that the next client reads it again.
func TestStream_failedPageIsReadAgain(t *testing.T) {
	pool, err := postgres.Open(t.Context(), "postgres://localhost:1/none?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	h := newHub(pool, nil, 1)
	p := &poller{ctx: t.Context(), epoch: &epoch{}}
	if _, err := h.pageAfter(p, p.epoch, position{}, nil, 1); err == nil || len(p.epoch.pages) != 0 {
		t.Errorf("error %v, %d pages kept; want an error and no pages", err, len(p.epoch.pages))
	}
}

// TestStream_pollsWithoutWake: rows written by other processes are sent as well, and many clients cause no more polls
// than one.
func TestStream_pollsWithoutWake(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, nil)
	var listeners []*listener
	for range 50 {
		l := s.Listen(t, "", "")
		l.nextMessage(t)
		listeners = append(listeners, l)
	}
	time.Sleep(2 * pollInterval)
	before := pool.Stat().AcquireCount()
	time.Sleep(4 * pollInterval)
	if polls := pool.Stat().AcquireCount() - before; polls > 6 {
		t.Errorf("%d statements in 4 poll intervals, want at most 6", polls)
	}
	before = pool.Stat().AcquireCount()
	for start := time.Now(); time.Since(start) < 20*pollBackoff[0]; {
		s.stream.wake()
	}
	if polls := pool.Stat().AcquireCount() - before; polls > 25 {
		t.Errorf("%d statements in 20 times the shortest delay, want at most 25", polls)
	}
	before = pool.Stat().AcquireCount()
	event := addEvent(t, pool, 1)
	for _, l := range listeners {
		if rows, _ := l.collect(t, 1); rows[0] != event {
			t.Errorf("got %s, want %s", rows[0], event)
		}
	}
	if pages := pool.Stat().AcquireCount() - before; pages > 10 {
		t.Errorf("%d statements for one row to %d clients, want at most 10", pages, len(listeners))
	}
}

// TestStream_usesIndex: the stream uses an index even on a connection that was first used while the ledger was empty,
// when a sequential apitest.Value was the best plan.
func TestStream_usesIndex(t *testing.T) {
	pool, err := postgres.Open(t.Context(), pgtest.Database(t)+"&pool_max_conns=1")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	h := newHub(pool, nil, 1)
	exec := func(sql string) {
		if _, err := pool.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
	}
	readPage := func(want int) {
		for i := range 10 {
			p := streamPage{limit: pageRows}
			if i%2 == 1 {
				newest, err := h.fetchEnd(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				p.after = newest.pos
			}
			if err := h.read(t.Context(), &p); err != nil || p.after.xid == 0 && len(p.rows) != want {
				t.Fatalf("read %d rows, want %d: %v", len(p.rows), want, err)
			}
		}
	}
	exec("VACUUM ANALYZE event")
	readPage(0)
	exec(`INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts, alert_codes,
			created_at, actor)
		SELECT n, gen_random_uuid(), 'deposit', 1, 1, 1, 'medium', 1, '{}', '{}', now(), 'test'
		FROM generate_series(1, 30000) AS n`)
	var scanned, fetched [2]int
	readCounters := func(i int) {
		exec("SELECT pg_stat_force_next_flush()")
		const sql = "SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'event'"
		if err := pool.QueryRow(t.Context(), sql).Scan(&scanned[i], &fetched[i]); err != nil {
			t.Fatal(err)
		}
	}
	readCounters(0)
	readPage(pageRows)
	readCounters(1)
	if indexed := fetched[1] - fetched[0]; scanned[1] != scanned[0] || indexed > 6*pageRows {
		t.Errorf("read %d rows by sequential scans, want 0; %d rows by index, want at most %d",
			scanned[1]-scanned[0], indexed, 6*pageRows)
	}
}

// TestPollerWasRestored: a position at or above the horizon of a later poll is from a lost database.
func TestPollerWasRestored(t *testing.T) {
	lastRead := time.Now()
	p := &poller{horizonTime: lastRead.Add(1), horizon: 100}
	for _, c := range []struct {
		xid      int64
		lastRead time.Time
		want     bool
	}{{99, lastRead, false}, {100, lastRead, true}, {100, lastRead.Add(2), false}, {0, lastRead, false}} {
		if got := p.wasRestored(position{xid: c.xid}, c.lastRead); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

// TestPoll_failureIsNoRestore: a failed poll returns no horizon, and rows read since the last successful poll may lie
// above the old one. A stream must not end for that reason.
func TestPoll_failureIsNoRestore(t *testing.T) {
	h := newHub(pgtest.Pool(t), nil, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := &poller{ctx: ctx, horizon: 100, horizonTime: time.Now()}
	lastRead := time.Now()
	if _, err := h.poll(p); err == nil {
		t.Fatal("the poll succeeded without a database")
	}
	if p.wasRestored(position{xid: 100}, lastRead) {
		t.Error("a failed poll looks like a restored database")
	}
}

func FuzzPosition(f *testing.F) {
	f.Add("0")
	f.Add("748.1.01890a5d-ac96-774b-bcce-b302099a8057")
	f.Add("+1.2.{01890a5dac96774bbcceb302099a8057}")
	f.Fuzz(func(t *testing.T, text string) {
		pos, ok := parsePosition(text)
		if ok && !strings.EqualFold(pos.String(), text) || !ok && pos.kind > 0 && pos.String() == text {
			t.Errorf("parsePosition(%q) = %q, %v", text, pos, ok)
		}
	})
}
