package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
)

// This file tests batches that run concurrently with other batches and with single events.

// sqlstate returns the SQLSTATE of an error, or "".
func sqlstate(err error) string {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code
	}
	return ""
}

// requireNoDeadlock fails the test if a deadlock occurred. It closes the pools, so that their sessions publish their
// counts.
func requireNoDeadlock(t *testing.T, pools ...*pgxpool.Pool) {
	t.Helper()
	url := pools[0].Config().ConnConfig.ConnString()
	for _, pool := range pools {
		pool.Close()
	}
	if n := countDeadlocks(t, openPool(t, url)); n != 0 {
		t.Errorf("got %d deadlocks, want none", n)
	}
}

// TestDeadlocksAreCounted is the negative control of requireNoDeadlock: two sessions lock two users in opposite orders.
func TestDeadlocksAreCounted(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	pgtest.Exec(t, pool, "INSERT INTO user_state (user_id) VALUES (1), (2)")
	url := pool.Config().ConnConfig.ConnString()
	conns := [2]*pgx.Conn{pgtest.Connect(t, url), pgtest.Connect(t, url)}
	const lock = "SELECT FROM user_state WHERE user_id = $1 FOR UPDATE"
	for i, conn := range conns {
		pgtest.Exec(t, conn, "begin")
		pgtest.Exec(t, conn, lock, 1+i)
	}
	first := make(chan error)
	go func() {
		_, err := conns[0].Exec(context.Background(), lock, 2)
		first <- err
	}()
	pgtest.WaitForLockWait(t, pool)
	_, err := conns[1].Exec(context.Background(), lock, 1)
	pgtest.Exec(t, conns[1], "rollback")
	if err = errors.Join(<-first, err); sqlstate(err) != "40P01" {
		t.Errorf("got %v, want a deadlock", err)
	}
	pgtest.Exec(t, conns[0], "rollback") // a session publishes no counts within a transaction
	pgtest.WaitFor(t, "the deadlock to be counted", func() bool { return countDeadlocks(t, pool) == 1 })
}

// TestLocks_areTakenInAscendingOrder starts a group commit and a batch of users 1 and 2 at two instances, while another
// session has locked user 1. Both must wait for user 1 without holding user 2. Otherwise they could deadlock.
func TestLocks_areTakenInAscendingOrder(t *testing.T) {
	t.Parallel()
	one, two := twoInstances(t)
	two.timeouts.firstLock = "1min" // so that the group is not split
	pgtest.Exec(t, one.pool, "INSERT INTO user_state (user_id) VALUES (1), (2)")
	unlock := lockUsers(t, one.pool, 1)
	b := &Batch{Events: []UserEvent{{2, deposit(1, 1)}, {1, deposit(1, 1)}}}
	done := make(chan error)
	go func() {
		_, err := one.RecordAll(context.Background(), b, false)
		done <- err
	}()
	group := enqueueAll(two,
		RecordRequest{UserID: 2, Event: deposit(1, 1)}, RecordRequest{UserID: 1, Event: deposit(1, 1)})
	pgtest.WaitFor(t, "the batch and the group to wait", func() bool { return countLockWaiters(t, one.pool) == 2 })
	pgtest.Exec(t, one.pool, "SELECT FROM user_state WHERE user_id = 2 FOR UPDATE NOWAIT")
	unlock()
	if err := <-done; err != nil {
		t.Error("batch:", err)
	}
	waitRecorded(t, group...)
	waitIdle(t, one, two)
	auditLedger(t, one.pool).requireClean(t)
	requireNoDeadlock(t, one.pool, two.pool)
}

// importBesideBatch changes the risk levels of users 2 and 1, in this order, in a transaction. Between both it starts a
// batch of these users. It continues when ready reports true, and returns the errors of both transactions.
func importBesideBatch(t *testing.T, l *Ledger, ready func(batch <-chan error) bool) error {
	t.Helper()
	pgtest.Exec(t, l.pool, "INSERT INTO account (id, username) VALUES (1, 'one'), (2, 'two')")
	conn := pgtest.Connect(t, l.pool.Config().ConnConfig.ConnString())
	pgtest.Exec(t, conn, "begin")
	pgtest.Exec(t, conn, "UPDATE account SET risk = 'high' WHERE id = 2")
	batch := make(chan error, 1)
	go func() {
		_, err := l.RecordAll(context.Background(), eventsOfTwo("batch"), false)
		batch <- err
	}()
	pgtest.WaitFor(t, "the batch", func() bool { return ready(batch) })
	_, err := conn.Exec(t.Context(), "UPDATE account SET risk = 'high' WHERE id = 1; COMMIT")
	pgtest.Exec(t, conn, "rollback")
	return errors.Join(err, <-batch)
}

// TestBatch_withAccountImport: an import of accounts neither delays a batch of their events nor deadlocks with it. In
// the negative control, the import locks the user states in its own order.
func TestBatch_withAccountImport(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	recorded := func(batch <-chan error) bool { return len(batch) > 0 }
	if err := importBesideBatch(t, l, recorded); err != nil {
		t.Error(err)
	}
	const risks = "SELECT string_agg(risk, ' ') FROM user_state"
	if got := pgtest.QueryValue[string](t, l.pool, risks); got != "high high" {
		t.Error("risk levels of the users after the import:", got)
	}
	auditLedger(t, l.pool).requireClean(t)

	control := newLedger(pgtest.Pool(t))
	pgtest.Exec(t, control.pool, `
		CREATE FUNCTION lock_state() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN
				UPDATE user_state SET risk = NEW.risk WHERE user_id = NEW.id;
				RETURN NULL;
			END
		$$;
		CREATE TRIGGER lock_state AFTER UPDATE ON account FOR EACH ROW EXECUTE FUNCTION lock_state()`)
	waits := func(<-chan error) bool { return countLockWaiters(t, control.pool) > 0 }
	if err := importBesideBatch(t, control, waits); sqlstate(err) != "40P01" {
		t.Errorf("control: %v, want a deadlock; the test proves nothing", err)
	}
}

// TestLocks_followIDsOfOtherInstance assigns a later ID to a user while an event of the user waits for the lock, as
// another instance with a faster clock does. The IDs of the event must be greater.
func TestLocks_followIDsOfOtherInstance(t *testing.T) {
	t.Parallel()
	events := []UserEvent{{1, deposit(1, 1)}, {2, deposit(1, 1)}}
	var requests []RecordRequest
	for _, e := range events {
		requests = append(requests, RecordRequest{UserID: e.UserID, Event: e.Event})
	}
	for name, record := range map[string]func(l *Ledger) error{
		"single event": func(l *Ledger) error { _, err := l.Record(context.Background(), requests[1]); return err },
		"group": func(l *Ledger) error {
			last := enqueueAll(l, requests...)[1]
			<-last.done
			return last.err
		},
		"transaction": func(l *Ledger) error {
			_, err := l.RecordTx(context.Background(), TxRequest{Events: requests}, false)
			return err
		},
		"batch": func(l *Ledger) error {
			_, err := l.RecordAll(context.Background(), &Batch{Events: events}, false)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(pgtest.Pool(t))
			l.timeouts.firstLock = "1min" // so that the first attempt gets the lock
			pgtest.Exec(t, l.pool, "INSERT INTO user_state (user_id) VALUES (1), (2)")
			conn := pgtest.Connect(t, l.pool.Config().ConnConfig.ConnString())
			pgtest.Exec(t, conn, "begin")
			later := newID(time.Now().Add(time.Hour))
			pgtest.Exec(t, conn, "UPDATE user_state SET last_id = $1 WHERE user_id = 2", later)
			done := make(chan error, 1)
			go func() { done <- record(l) }()
			pgtest.WaitForLockWait(t, l.pool)
			pgtest.Exec(t, conn, "commit")
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			id := pgtest.QueryValue[uuid.UUID](t, l.pool, "SELECT id FROM event WHERE user_id = 2")
			if !uuidAfter(id, later) {
				t.Errorf("the ID of the event is %s, which is not greater than %s", id, later)
			}
			waitIdle(t, l)
		})
	}
}

// TestLocks_writeNoState locks users, and records events. Each event must write one version of its user's state, and
// the lock none.
func TestLocks_writeNoState(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pool := openPool(t, url+"&pool_max_conns=1") // one connection, which can flush its statistics
	l := newLedger(pool)
	var requests []RecordRequest
	b := &Batch{}
	for user := range int64(5) {
		requests = append(requests, RecordRequest{UserID: user, Event: deposit(1, 1)})
		b.Events = append(b.Events, UserEvent{user, deposit(1, 1)})
	}
	other := openPool(t, url)
	updates := func() int {
		pgtest.Exec(t, pool, "SELECT pg_stat_force_next_flush()")
		pgtest.Exec(t, pool, "SELECT 1")
		const sql = "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'user_state'"
		return pgtest.QueryValue[int](t, other, sql)
	}
	record := map[string]func(){
		"a group": func() { waitRecorded(t, enqueueAll(l, requests...)...) },
		"a batch": func() {
			if _, err := l.RecordAll(t.Context(), b, false); err != nil {
				t.Error(err)
			}
		},
	}
	record["a group"]() // creates the states
	for name, do := range record {
		before := updates()
		do()
		waitIdle(t, l)
		if n := updates() - before; n != len(requests) {
			t.Errorf("%s of %d users writes %d versions of states", name, len(requests), n)
		}
	}
}

// TestBatch_concurrentBatches records two batches of more than one chunk with common users, at one instance and at two.
func TestBatch_concurrentBatches(t *testing.T) {
	t.Parallel()
	for instances := 1; instances <= 2; instances++ {
		t.Run(fmt.Sprint(instances, " instances"), func(t *testing.T) {
			one, two := twoInstances(t)
			batches := [2]*Batch{}
			for i := range batches {
				b := &Batch{Actor: fmt.Sprint("batch ", i)}
				for n, e := range randomStream(uint64(i), chunkSize+500, 800) {
					e.Event.Time = int64(n)
					b.Events = append(b.Events, UserEvent{e.UserID + int64(400*i), e.Event})
				}
				batches[i] = b
			}
			results := [2]*BatchResult{}
			concurrently(2, func(i int) {
				var err error
				l := []*Ledger{one, two}[i%instances]
				if results[i], err = l.RecordAll(context.Background(), batches[i], false); err != nil {
					t.Errorf("batch %d: %v", i, err)
				}
			})
			if t.Failed() {
				return
			}
			for i, b := range batches {
				requireRecorded(t, one.pool, b, batchResults(t, results[i]))
			}
			auditLedger(t, one.pool).requireClean(t)
			waitIdle(t, one, two)
			requireNoDeadlock(t, one.pool, two.pool)
		})
	}
}

// TestBatch_withConcurrentSingles records a batch while both instances record single events of the same users.
func TestBatch_withConcurrentSingles(t *testing.T) {
	t.Parallel()
	one, two := twoInstances(t)
	b := &Batch{Events: randomStream(4, chunkSize+500, 300), Actor: "batch"}
	var singles atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		concurrently(8, func(i int) {
			random := rand.New(rand.NewPCG(uint64(i), 9))
			for ctx.Err() == nil {
				r := RecordRequest{UserID: 1 + random.Int64N(300), Event: randomEvent(random, 100), Actor: "single"}
				if _, err := []*Ledger{one, two}[i%2].Record(context.Background(), r); err != nil {
					t.Error(err)
				}
				singles.Add(1)
			}
		})
	}()
	pgtest.WaitFor(t, "single events", func() bool { return singles.Load() > 20 })
	a, err := one.RecordAll(t.Context(), b, false)
	stop()
	<-done
	if err != nil {
		t.Fatal("batch:", err)
	}
	requireRecorded(t, one.pool, b, batchResults(t, a))
	auditLedger(t, one.pool).requireClean(t)
	waitIdle(t, one, two)
	requireNoDeadlock(t, one.pool, two.pool)
}

// blockedBatch starts a batch of users 1 and 2 that waits for the lock of user 2. It returns its error after unlock.
func blockedBatch(t *testing.T, l *Ledger) (unlock func(), done chan error) {
	t.Helper()
	unlock = lockUsers(t, l.pool, 2)
	done = make(chan error, 1)
	go func() {
		_, err := l.RecordAll(context.Background(), eventsOfTwo("first batch"), false)
		done <- err
	}()
	pgtest.WaitForLockWait(t, l.pool)
	return unlock, done
}

// eventsOfTwo returns a batch with an event of users 1 and 2 each.
func eventsOfTwo(actor string) *Batch {
	return &Batch{Events: []UserEvent{{1, deposit(1, 1)}, {2, deposit(1, 1)}}, Actor: actor}
}

// requireActors fails the test unless these actors recorded the events of user 1, in this order.
func requireActors(t *testing.T, pool *pgxpool.Pool, want ...string) {
	t.Helper()
	got := pgtest.QueryColumn(t, pool, "SELECT actor FROM event WHERE user_id = 1 ORDER BY id")
	if !slices.Equal(got, want) {
		t.Errorf("events of user 1 by %q, want %q", got, want)
	}
}

// TestBatch_doesNotDelayOtherUsers records events of another user while a batch waits for a lock. The negative control
// is an event of a user of the batch.
func TestBatch_doesNotDelayOtherUsers(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	unlock, batch := blockedBatch(t, l)
	ofBatch := enqueueAll(l, RecordRequest{UserID: 1, Event: deposit(1, 1), Actor: "single"})
	for range 20 {
		mustRecord(t, l, RecordRequest{UserID: 1000, Event: deposit(1, 1), Actor: "single"})
	}
	if len(batch) > 0 || isDone(ofBatch[0]) {
		t.Error("control: the batch, or an event of its user, did not wait")
	}
	waitQueued(t, l, 1)
	unlock()
	if err := <-batch; err != nil {
		t.Error("batch:", err)
	}
	waitRecorded(t, ofBatch...)
	waitIdle(t, l)
	requireActors(t, l.pool, "first batch", "single")
}

// TestBatch_doesNotStarveSingles starts a second batch while a single event of one of its users waits for the first
// batch. The single event must be recorded between both.
func TestBatch_doesNotStarveSingles(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	unlock, first := blockedBatch(t, l)
	single := enqueueAll(l, RecordRequest{UserID: 1, Event: deposit(1, 1), Actor: "single"})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.reserveUsers(ended, []int64{1, 2}); !errors.Is(err, context.Canceled) {
		t.Fatalf("a batch does not wait for an earlier event of its user: %v", err)
	}
	if err := l.reserveUsers(ended, []int64{2, 3}); err != nil {
		t.Error("a batch waits for the event of another user:", err)
	}
	l.unreserve([]int64{2, 3})
	second := make(chan error)
	go func() {
		_, err := l.RecordAll(context.Background(), eventsOfTwo("second batch"), false)
		second <- err
	}()
	pgtest.WaitFor(t, "the second batch to start", func() bool { return len(l.batchSlots) == 2 })
	unlock()
	if err := errors.Join(<-first, <-second); err != nil {
		t.Error(err)
	}
	waitRecorded(t, single...)
	waitIdle(t, l)
	requireActors(t, l.pool, "first batch", "single", "second batch")
}
