package ledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/leaktest"
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

// twoInstances returns two ledgers of one database, each with its own pool.
func twoInstances(t *testing.T) (one, two *Ledger) {
	t.Helper()
	url := pgtest.Database(t)
	return New(openPool(t, url), nil), New(openPool(t, url), nil)
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
	l := New(pgtest.Pool(t), nil)
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

// storeMax sets a to n if n is greater.
func storeMax(a *atomic.Int64, n int64) {
	for old := a.Load(); n > old && !a.CompareAndSwap(old, n); old = a.Load() {
	}
}

// waitFor waits until the condition is true. It fails the test after 30 seconds.
func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for started := time.Now(); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Since(started) > time.Minute {
			t.Fatal("timed out waiting for ", what)
		}
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
	conn, err := pgx.ConnectConfig(context.Background(), pool.Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	const insert = "INSERT INTO user_state (user_id) SELECT unnest($1::bigint[]) ON CONFLICT DO NOTHING"
	if _, err := conn.Exec(context.Background(), insert, users); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(context.Background(), "begin"); err != nil {
		t.Fatal(err)
	}
	const lock = "SELECT FROM user_state WHERE user_id = ANY ($1) ORDER BY user_id FOR UPDATE"
	if _, err := conn.Exec(context.Background(), lock, users); err != nil {
		t.Fatal(err)
	}
	unlock = sync.OnceFunc(func() { _ = conn.Close(context.Background()) }) // the server rolls back
	t.Cleanup(unlock)
	return unlock
}

// ledgerGoroutines returns the number of goroutines that run a method of Ledger, including those that are about to.
func ledgerGoroutines() int {
	return leaktest.InType((*Ledger).Record)
}

// waitIdle waits until no goroutine of a ledger is left and the ledgers hold no pending work.
func waitIdle(t *testing.T, ledgers ...*Ledger) {
	t.Helper()
	leftovers := func() (all []string) {
		if n := ledgerGoroutines(); n > 0 {
			all = append(all, fmt.Sprint(n, " goroutines"))
		}
		for _, l := range ledgers {
			l.mu.Lock()
			n := len(l.queue) + len(l.reserved) + len(l.inFlight) + l.committers +
				len(l.lockWaiters) + len(l.batchSlots)
			if n > 0 {
				all = append(all, fmt.Sprintf(
					"%d queued, %d reserved, %d in flight, %d committers, %d lock waiters, %d batches", len(l.queue),
					len(l.reserved), len(l.inFlight), l.committers, len(l.lockWaiters), len(l.batchSlots)))
			}
			l.mu.Unlock()
		}
		return all
	}
	for started := time.Now(); len(leftovers()) > 0; time.Sleep(time.Millisecond) {
		if time.Since(started) > time.Minute {
			t.Fatal("the ledger is not idle: ", leftovers())
		}
	}
}
