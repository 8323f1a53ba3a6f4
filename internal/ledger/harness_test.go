package ledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/rules"
	"labledger/schema"
)

func TestMain(m *testing.M) { pgtest.Main(m, schema.Files, nil) }

// scaled returns n, or a third of it under the race detector, which is slow.
func scaled(n int) int {
	if raceEnabled {
		return n / 3
	}
	return n
}

// openPool opens another pool for a database, as a second instance of the program has.
func openPool(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// patient are the timeouts of the ledgers in tests: a commit does not fail while a test holds a lock, nor on a busy
// machine.
var patient = timeouts{commit: pgtest.WaitTimeout, firstLock: "100ms", retryLock: "1min", batchLock: "1min"}

// newLedger returns a ledger of a pool with the timeouts of tests.
func newLedger(pool *pgxpool.Pool) *Ledger {
	l := New(pool, nil)
	l.timeouts = patient
	return l
}

// twoInstances returns two ledgers of one database, each with its own pool.
func twoInstances(t *testing.T) (one, two *Ledger) {
	t.Helper()
	url := pgtest.Database(t)
	return newLedger(openPool(t, url)), newLedger(openPool(t, url))
}

// mustRecord records an event and fails the test on an error.
func mustRecord(t *testing.T, l *Ledger, r RecordRequest) Result {
	t.Helper()
	got, err := l.Record(context.Background(), r)
	if err != nil {
		t.Fatalf("record %+v: %v", r, err)
	}
	return got
}

// deposit and withdrawal return events with an integer amount.
func deposit(amount, time int64) rules.Event {
	return rules.Event{Type: rules.Deposit, Amount: rules.Cents(amount * 100), Time: time}
}

func withdrawal(amount, time int64) rules.Event {
	return rules.Event{Type: rules.Withdraw, Amount: rules.Cents(amount * 100), Time: time}
}

// randomEvent returns an event near the limits of the rules: the n-th of a stream in which each user has a few events
// per minute. One event in four arrives late.
func randomEvent(random *rand.Rand, n int) rules.Event {
	e := rules.Event{
		Type:   rules.Type(random.IntN(2)),
		Amount: rules.Cents(100 * (1 + random.IntN(8)*15)),
		Time:   1000 + int64(n)*3/10,
	}
	if random.IntN(4) == 0 {
		e.Time -= random.Int64N(70)
	}
	if random.IntN(3) == 0 {
		e.Amount += rules.Cents(random.IntN(3) - 1)
	}
	return e
}

// randomStream returns n events of users with the IDs 1 to users. Equal seeds give equal streams.
func randomStream(seed uint64, n int, users int64) []UserEvent {
	random := rand.New(rand.NewPCG(seed, seed))
	events := make([]UserEvent, n)
	for i := range events {
		events[i] = UserEvent{1 + random.Int64N(users), randomEvent(random, i)}
	}
	return events
}

// recordedLedger returns a ledger with single events and batches of ten users, and changes of rules and risks in
// between.
func recordedLedger(t *testing.T, seed uint64, n int) *Ledger {
	t.Helper()
	l := newLedger(pgtest.Pool(t))
	random := rand.New(rand.NewPCG(seed, 7))
	const part = 50
	for i, events := range slices.Collect(slices.Chunk(randomStream(seed, n, 10), part)) {
		if i%4 == 0 {
			for _, e := range events {
				mustRecord(t, l, RecordRequest{UserID: e.UserID, Event: e.Event, Actor: "test"})
			}
		} else if _, err := l.RecordAll(t.Context(), &Batch{Events: events, Actor: "test"}, false); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			changeRules(t, l.pool, random)
		}
		for user := range int64(3) {
			risk := []string{"low", "medium", "high"}[random.IntN(3)]
			pgtest.Exec(t, l.pool,
				`INSERT INTO account (id, username, risk) VALUES ($1::bigint, 'u' || $1::bigint, $2)
				ON CONFLICT (id) DO UPDATE SET risk = excluded.risk`,
				1+user*3, risk)
		}
	}
	return l
}

// concurrently runs n calls of do in parallel and waits for all of them.
func concurrently(n int, do func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

// countLocked calls count while the mutex of the ledger is held.
func countLocked(l *Ledger, count func() int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return count()
}

// waitQueued waits until n events are in the queue.
func waitQueued(t *testing.T, l *Ledger, n int) {
	t.Helper()
	pgtest.WaitFor(t, fmt.Sprint(n, " queued events"), func() bool {
		return countLocked(l, func() int { return len(l.queue) }) == n
	})
}

// waitHandedOff waits until n events are pending, all of locked users: none is in the queue or in a group commit.
func waitHandedOff(t *testing.T, l *Ledger, n int) {
	t.Helper()
	pgtest.WaitFor(t, fmt.Sprint(n, " events of locked users"), func() bool {
		return countLocked(l, func() int { return len(l.pending) }) == n &&
			countLocked(l, func() int { return len(l.queue) + l.committers }) == 0
	})
}

// enqueueAll adds events to the queue at once, so that the next group takes all of them. It returns the pending events.
func enqueueAll(l *Ledger, requests ...RecordRequest) []*pendingEvent {
	l.mu.Lock()
	defer l.mu.Unlock()
	events := make([]*pendingEvent, len(requests))
	for i, r := range requests {
		events[i] = &pendingEvent{RecordRequest: r, done: make(chan struct{})}
		l.pending[events[i]] = struct{}{}
	}
	l.queue = append(l.queue, events...)
	l.startCommitter()
	return events
}

// waitRecorded waits for pending events and fails the test if one has an error.
func waitRecorded(t *testing.T, events ...*pendingEvent) {
	t.Helper()
	for i, e := range events {
		pgtest.WaitFor(t, fmt.Sprint("event ", i, " to be recorded"), func() bool { return isDone(e) })
		if e.err != nil {
			t.Errorf("event %d of user %d: %v", i, e.UserID, e.err)
		}
	}
}

// isDone reports whether a pending event is complete.
func isDone(e *pendingEvent) bool {
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}

// countLockWaiters returns the number of sessions of the database that wait for a lock.
func countLockWaiters(t *testing.T, pool *pgxpool.Pool) int {
	t.Helper()
	return pgtest.QueryValue[int](t, pool,
		"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
}

// countDeadlocks returns the number of deadlocks in the database. A session publishes its count when it ends, or after
// a second.
func countDeadlocks(t *testing.T, pool *pgxpool.Pool) int {
	t.Helper()
	return pgtest.QueryValue[int](t, pool, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
}

// lockUsers locks the rows of users in a separate session, as a person with psql may do, until unlock is called.
func lockUsers(t *testing.T, pool *pgxpool.Pool, users ...int64) (unlock func()) {
	t.Helper()
	conn := pgtest.Connect(t, pool.Config().ConnConfig.ConnString())
	pgtest.Exec(t, conn, "INSERT INTO user_state (user_id) SELECT unnest($1::bigint[]) ON CONFLICT DO NOTHING", users)
	pgtest.Exec(t, conn, "begin")
	pgtest.Exec(t, conn, "SELECT FROM user_state WHERE user_id = ANY ($1) ORDER BY user_id FOR UPDATE", users)
	unlock = sync.OnceFunc(func() { _, _ = conn.Exec(context.Background(), "rollback") })
	t.Cleanup(unlock)
	return unlock
}

// waitIdle waits until the ledgers hold no pending work.
func waitIdle(t *testing.T, ledgers ...*Ledger) {
	t.Helper()
	for i, l := range ledgers {
		var state string
		idle := func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			n := []int{
				len(l.pending), len(l.queue), len(l.reserved), len(l.inFlight), l.committers, len(l.lockWaiters),
				len(l.batchSlots), len(l.txSlots),
			}
			state = fmt.Sprintf("%d pending, %d queued, %d reserved, %d in flight, %d committers, %d lock waiters, "+
				"%d batches, %d transactions", n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7])
			return slices.Max(n) == 0
		}
		for started := time.Now(); !idle(); time.Sleep(time.Millisecond) {
			if time.Since(started) > pgtest.WaitTimeout {
				t.Fatalf("ledger %d is not idle: %s", i+1, state)
			}
		}
	}
}
