package api

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

// A naiveReader reader follows the events by a key that ascends, without regard to running transactions: the control of the tests below.
type naiveReader struct {
	sql  string
	last string
	rows []string
}

func newNaiveReaders() []*naiveReader {
	return []*naiveReader{
		{sql: "SELECT id::text, id::text FROM event WHERE id > $1::text::uuid ORDER BY id", last: uuid.Nil.String()},
		{sql: "SELECT xid || '.' || id, id::text FROM event WHERE (xid, id) > (split_part($1, '.', 1)::bigint, split_part($1, '.', 2)::uuid) ORDER BY xid, id", last: "0." + uuid.Nil.String()},
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

// TestStream_commitOrder: of two transactions the one that began later ends first. Its rows must wait for those of the other.
func TestStream_commitOrder(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, nil)
	live := s.listen(t, "", "0")
	controls := newNaiveReaders()
	first, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer rollback(first)
	early := addEvent(t, first, 1)
	late := addEvent(t, pool, 2) // begins later, is committed at once
	s.stream.wake()
	for _, c := range controls {
		c.poll(t, pool)
	}
	live.expectSilence(t, time.Second)
	early2 := addEvent(t, first, 1)
	if err := first.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.stream.wake()
	if rows, _ := live.collect(t, 3); !slices.Equal(rows, []string{early, early2, late}) {
		t.Errorf("%q, not %q", rows, []string{early, early2, late})
	}
	for i, c := range controls {
		if c.poll(t, pool); slices.Contains(c.rows, early) {
			t.Errorf("control %d lost nothing", i)
		}
	}
}

// TestStream_underLoad lets writers insert, change and give up in transactions of any length, while readers hang up and come back. In the end
// each must have every event and every alert's last state once, and no state twice. The controls must lose events.
func TestStream_underLoad(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, nil)
	const writers, transactions, readers = 8, 30, 4
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
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
				if _, err := tx.Exec(context.Background(), "UPDATE alert SET note = note || '.' WHERE id = (SELECT id FROM alert WHERE user_id = $1 ORDER BY random() LIMIT 1)", w); err != nil {
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
	go func() { all.Wait(); close(writersDone) }()

	var lock sync.Mutex
	seen := make([]map[string]int, readers)
	for r := range readers {
		seen[r] = map[string]int{}
		last := "0"
		go func() {
			for l := s.listen(t, "", last); t.Context().Err() == nil; l = s.listen(t, "", last) {
				for range rand.IntN(80) {
					m, ok := <-l.messages
					if !ok {
						return // the test is over
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
	rows, err := pool.Query(t.Context(), "SELECT 'event ' || id FROM event UNION ALL SELECT 'alert ' || id || ' ' || version FROM alert")
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
	missing := func(r int) (rows []string) {
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
		for deadline := time.Now().Add(20 * time.Second); len(missing(r)) > 0 && time.Now().Before(deadline); {
			time.Sleep(10 * time.Millisecond)
		}
		if missed := missing(r); len(missed) > 0 {
			t.Errorf("reader %d has not seen %d of %d rows, among them %s", r, len(missed), len(want), missed[0])
		}
		lock.Lock()
		for row, times := range seen[r] {
			if times != 1 || strings.HasPrefix(row, "event") && !want[row] {
				t.Errorf("reader %d has seen %s %d times", r, row, times)
			}
		}
		lock.Unlock()
	}
	for i, c := range controls {
		if len(c.rows) == events {
			t.Errorf("control %d lost none of %d events: the transactions did not overlap", i, events)
		}
	}
}

// TestStream_noLostWakeup: a row that is committed at any moment, also while a client is about to wait, comes at once.
func TestStream_noLostWakeup(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, nil)
	clients := []*listener{s.listen(t, "", ""), s.listen(t, "?user_id=1", ""), s.listen(t, "?kind=event", "")}
	for _, l := range clients {
		l.nextMessage(t)
	}
	for range 300 {
		event := addEvent(t, pool, 1)
		s.stream.wake()
		for _, l := range clients {
			if rows, _ := l.collect(t, 1); rows[0] != event {
				t.Fatal(rows)
			}
		}
		time.Sleep(rand.N(6 * time.Millisecond))
	}
}

// TestStream_pollsAfterOlderTransaction: a row that must wait for another transaction comes soon after that has ended, although nobody tells.
func TestStream_pollsAfterOlderTransaction(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, nil)
	live := s.listen(t, "", "")
	live.nextMessage(t)
	fastest := time.Hour // of some tries, since others may hold up any of them
	for range 8 {
		other, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		addEvent(t, other, 1)
		addEvent(t, pool, 2)
		s.stream.wake()
		start := time.Now()
		time.Sleep(10 * time.Millisecond)
		rollback(other)
		live.nextData(t)
		fastest = min(fastest, time.Since(start))
	}
	if fastest > pollInterval/2 {
		t.Errorf("it took %v at least", fastest)
	}
}

// TestStream_wakesBusyClient: a row that shows while a client is being written to comes after that, although nothing else happens.
func TestStream_wakesBusyClient(t *testing.T) {
	pool := pgtest.Pool(t)
	h := serveStream(t, pool, nil, func(h *streamHandler) { h.writeTimeout = time.Minute })
	_, err := pool.Exec(t.Context(), `INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts, alert_codes, created_at, actor)
		VALUES (1, $1, 'deposit', 1, 1, 1, 'medium', 1, jsonb_build_object('x', repeat('x', $2)), '{}', now(), 'test')`, uuid.Must(uuid.NewV7()), pageBytes*9/10)
	if err != nil {
		t.Fatal(err)
	}
	busy := h.openStuckClient(t)
	waitFor(t, "the client is there", func() bool { return h.clients() == 1 })
	time.Sleep(300 * time.Millisecond) // until it is stuck
	h.stream.hub.mu.Lock()
	watch := h.stream.hub.poller
	h.stream.hub.mu.Unlock()
	before := watch.currentEpoch()
	event := addEvent(t, pool, 1)
	h.stream.wake()
	<-before.done
	_ = busy.SetReadDeadline(time.Now().Add(20 * time.Second))
	scanner := bufio.NewScanner(busy)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		if strings.HasPrefix(scanner.Text(), "id: ") && strings.HasSuffix(scanner.Text(), strings.TrimPrefix(event, "event ")) {
			return
		}
	}
	t.Errorf("the row does not come: %v", scanner.Err())
}

// TestStream_failedPageIsRead: what could not be read is not taken for read by others that stand at the same place.
func TestStream_failedPageIsRead(t *testing.T) {
	pool, err := postgres.Open(t.Context(), "postgres://localhost:1/none?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	h := newHub(pool, nil, 1)
	p := &poller{ctx: t.Context(), epoch: &epoch{}}
	if _, err := h.pageAfter(p, p.epoch, position{}, nil, 1); err == nil || len(p.epoch.pages) != 0 {
		t.Errorf("%v, %d pages", err, len(p.epoch.pages))
	}
}

// TestStream_pollsWithoutWake: what others write comes, too, within a moment, and many clients cost no more looks than one.
func TestStream_pollsWithoutWake(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, nil)
	var clients []*listener
	for range 50 {
		l := s.listen(t, "", "")
		l.nextMessage(t)
		clients = append(clients, l)
	}
	time.Sleep(2 * pollInterval)
	before := pool.Stat().AcquireCount()
	time.Sleep(4 * pollInterval)
	if polls := pool.Stat().AcquireCount() - before; polls > 6 {
		t.Errorf("%d statements in four pauses", polls)
	}
	before = pool.Stat().AcquireCount()
	for start := time.Now(); time.Since(start) < 20*pollBackoff[0]; {
		s.stream.wake()
	}
	if polls := pool.Stat().AcquireCount() - before; polls > 25 {
		t.Errorf("%d statements in 20 pauses", polls)
	}
	before = pool.Stat().AcquireCount()
	event := addEvent(t, pool, 1)
	for _, l := range clients {
		if rows, _ := l.collect(t, 1); rows[0] != event {
			t.Error(rows)
		}
	}
	if pages := pool.Stat().AcquireCount() - before; pages > 10 {
		t.Errorf("%d statements for one row to %d clients", pages, len(clients))
	}
}

// TestStream_usesIndex: also on a connection that has read the ledger while it was empty, when reading all of it was the best plan.
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
				t.Fatalf("%d rows, %v", len(p.rows), err)
			}
		}
	}
	exec("VACUUM ANALYZE event")
	readPage(0)
	exec(`INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts, alert_codes, created_at, actor)
		SELECT n, gen_random_uuid(), 'deposit', 1, 1, 1, 'medium', 1, '{}', '{}', now(), 'test' FROM generate_series(1, 30000) AS n`)
	var scanned, fetched [2]int
	count := func(i int) {
		exec("SELECT pg_stat_force_next_flush()")
		if err := pool.QueryRow(t.Context(), "SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'event'").Scan(&scanned[i], &fetched[i]); err != nil {
			t.Fatal(err)
		}
	}
	count(0)
	readPage(pageRows)
	count(1)
	if readPage := fetched[1] - fetched[0]; scanned[1] != scanned[0] || readPage > 6*pageRows {
		t.Errorf("read %d rows of the whole table, %d by an index", scanned[1]-scanned[0], readPage)
	}
}

// TestPollerWasRestored: a position that the database does not reach is one that it has lost.
func TestPollerWasRestored(t *testing.T) {
	read := time.Now()
	p := &poller{lastPoll: read.Add(1), horizon: 100}
	for _, c := range []struct {
		xid  int64
		read time.Time
		want bool
	}{{99, read, false}, {100, read, true}, {100, read.Add(2), false}, {0, read, false}} {
		if got := p.wasRestored(position{xid: c.xid}, c.read); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func FuzzPosition(f *testing.F) {
	f.Add("0")
	f.Add("748.1.01890a5d-ac96-774b-bcce-b302099a8057")
	f.Add("+1.2.{01890a5dac96774bbcceb302099a8057}")
	f.Fuzz(func(t *testing.T, text string) {
		if at, ok := parsePosition(text); ok && !strings.EqualFold(at.String(), text) || !ok && at.kind > 0 && at.String() == text {
			t.Errorf("%q is read as %q, %v", text, at, ok)
		}
	})
}
