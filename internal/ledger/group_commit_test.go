package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/leaktest"
	"labledger/internal/pgtest"
)

// TestRecord_cancelledWhileQueued cancels events that wait in the queue behind a locked user. None is recorded or left
// over.
func TestRecord_cancelledWhileQueued(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLedger(pool)
	unlock := lockUsers(t, pool, 1)
	first := enqueueAll(l, RecordRequest{UserID: 1, Event: deposit(1, 1)})
	pgtest.WaitForLockWait(t, pool)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 30 { // they wait in the queue behind the first event
		wg.Go(func() {
			r := RecordRequest{UserID: 1, Event: deposit(100, 1), Actor: "me", Key: fmt.Sprint(i)}
			if _, err := l.Record(ctx, r); !errors.Is(err, context.Canceled) {
				t.Errorf("a cancelled event returned %v", err)
			}
		})
	}
	waitQueued(t, l, 30)
	cancel()
	wg.Wait()
	unlock()
	waitRecorded(t, first...)
	waitIdle(t, l)
	if n := countRows(t, pool, "event"); n != 1 {
		t.Errorf("%d events recorded, want 1", n)
	}
	if r := mustRecord(t, l, RecordRequest{UserID: 1, Event: deposit(100, 1), Actor: "me", Key: "7"}); r.Replayed {
		t.Error("the key of a cancelled event counts as used")
	}
	auditLedger(t, pool).requireClean(t)
}

// TestRecord_fullQueue: the ledger rejects an event if too many are pending, and accepts one again when they are
// recorded.
func TestRecord_fullQueue(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLedger(pool)
	l.maxPending = 3
	unlock := lockUsers(t, pool, 1)
	request := RecordRequest{UserID: 1, Event: deposit(1, 1)}
	var wg sync.WaitGroup
	for range l.maxPending {
		wg.Go(func() {
			if _, err := l.Record(t.Context(), request); err != nil {
				t.Error(err)
			}
		})
	}
	pgtest.WaitFor(t, "a full queue", func() bool {
		return countLocked(l, func() int { return len(l.pending) }) == l.maxPending
	})
	above := RecordRequest{UserID: 2, Event: deposit(1, 1), Actor: "me", Key: "k"}
	if _, err := l.Record(t.Context(), above); !errors.Is(err, ErrQueueFull) {
		t.Errorf("an event above the limit returned %v, want ErrQueueFull", err)
	}
	unlock()
	wg.Wait()
	waitIdle(t, l)
	mustRecord(t, l, above)
	if n := countRows(t, pool, "event"); n != l.maxPending+1 {
		t.Errorf("%d events recorded, want %d", n, l.maxPending+1)
	}
}

// TestRecord_withEndedContext records with a context that has ended. Whatever Record returns, the ledger must be
// consistent.
func TestRecord_withEndedContext(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLedger(pool)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	request := func(i int) RecordRequest {
		return RecordRequest{UserID: int64(i % 3), Event: withdrawal(200, 1), Actor: "me", Key: fmt.Sprint(i)}
	}
	concurrently(20, func(i int) {
		if _, err := l.Record(ctx, request(i)); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	waitIdle(t, l)
	recorded := countRows(t, pool, "event")
	if keys := countRows(t, pool, "idempotency"); keys != recorded {
		t.Errorf("%d events but %d keys", recorded, keys)
	}
	created := 0
	for i := range 20 { // retry, as a client that does not know the outcome
		if !mustRecord(t, l, request(i)).Replayed {
			created++
		}
	}
	if n := countRows(t, pool, "event"); n != 20 || created != 20-recorded {
		t.Errorf("%d events: %d recorded at first, %d by the retries", n, recorded, created)
	}
	auditLedger(t, pool).requireClean(t)
}

// TestLockedUser_timesOut checks the error of an event whose user stays locked.
func TestLockedUser_timesOut(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLedger(pool)
	l.timeouts.firstLock, l.timeouts.retryLock = "1ms", "1ms"
	unlock := lockUsers(t, pool, 1)
	for range 3 {
		if _, err := l.Record(t.Context(), RecordRequest{UserID: 1, Event: deposit(1, 1)}); sqlstate(err) != "55P03" {
			t.Errorf("an event of the locked user returned %v, want a lock timeout", err)
		}
	}
	unlock()
	l.timeouts = patient
	mustRecord(t, l, RecordRequest{UserID: 1, Event: deposit(1, 1)})
	waitIdle(t, l)
}

// TestLockedUsers_doNotDelayOthers locks more users than there are committers, as a batch at another instance does.
// Each locked user has an event, alone in its group or in one group with events of other users. Events of other users
// are recorded while all of these wait.
func TestLockedUsers_doNotDelayOthers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		users int
		group bool
	}{{1, false}, {maxCommitters, false}, {maxCommitters + maxLockWaiters + 2, false}, {1, true}, {60, true}} {
		t.Run(fmt.Sprintf("%d users, one group %v", c.users, c.group), func(t *testing.T) {
			t.Parallel()
			pool := pgtest.Pool(t)
			l := newLedger(pool)
			ids := make([]int64, c.users)
			requests := make([]RecordRequest, c.users)
			for i := range ids {
				ids[i] = int64(i)
				requests[i] = RecordRequest{UserID: ids[i], Event: deposit(1, 1)}
			}
			unlock := lockUsers(t, pool, ids...)
			var locked []*pendingEvent
			if c.group {
				other := RecordRequest{UserID: 200, Event: deposit(1, 1)}
				locked = enqueueAll(l, append(requests, other)...)
				waitRecorded(t, locked[c.users])
				locked = locked[:c.users]
			} else {
				for i, r := range requests {
					locked = append(locked, enqueueAll(l, r)...)
					waitHandedOff(t, l, i+1)
				}
			}
			for i := range 20 {
				mustRecord(t, l, RecordRequest{UserID: int64(100 + i%8), Event: deposit(1, 1)})
			}
			for _, e := range locked {
				if isDone(e) {
					t.Errorf("the event of locked user %d did not wait: %v", e.UserID, e.err)
				}
			}
			unlock()
			waitRecorded(t, locked...)
			waitIdle(t, l)
			auditLedger(t, pool).requireClean(t)
		})
	}
}

// A lockToggler is a tracer that unlocks a user after each lock timeout. After the first relocks of them, it locks the
// user again when the ledger has looked for locked users. So a group finds no locked user after its timeouts.
type lockToggler struct {
	t       *testing.T
	conn    *pgx.Conn // holds the lock
	relocks int
}

const toggledUser = 1

func (l *lockToggler) exec(sql string) {
	if _, err := l.conn.Exec(context.Background(), sql); err != nil {
		l.t.Errorf("%s: %v", sql, err)
	}
}

func (l *lockToggler) lock() {
	l.exec("begin")
	l.exec(fmt.Sprint("SELECT FROM user_state WHERE user_id = ", toggledUser, " FOR UPDATE"))
}

func (l *lockToggler) TraceBatchStart(
	ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData,
) context.Context {
	return ctx
}

func (l *lockToggler) TraceBatchQuery(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	switch isLast := strings.Contains(data.SQL, "IsLocked") && data.Args[0] == int64(3); {
	case sqlstate(data.Err) == "55P03":
		l.exec("rollback")
	case isLast && l.relocks > 0:
		l.relocks--
		l.lock()
	}
}

func (l *lockToggler) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func (l *lockToggler) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

func (l *lockToggler) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TestGroup_retriedAfterLockTimeout commits a group of three users, one of whom is locked until the lock timeout. The
// group is retried once. If it times out again, each user is committed separately.
func TestGroup_retriedAfterLockTimeout(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		relocks int
		commits string
	}{{0, "[3]"}, {1, "[1 1 1]"}} {
		t.Run(fmt.Sprint(c.relocks+1, " timeouts"), func(t *testing.T) {
			t.Parallel()
			url := pgtest.Database(t)
			owner := pgtest.Connect(t, url)
			pgtest.Exec(t, owner, "INSERT INTO user_state (user_id) VALUES (1), (2), (3)")
			toggler := &lockToggler{t, owner, c.relocks}
			config := openPool(t, url).Config()
			config.ConnConfig.Tracer = toggler
			pool, err := pgxpool.NewWithConfig(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(pool.Close)
			var commits []int
			l := New(pool, func(events, _ int) { commits = append(commits, events) })
			l.timeouts = patient
			toggler.lock()
			events := enqueueAll(l,
				RecordRequest{UserID: 3, Event: deposit(1, 1)},
				RecordRequest{UserID: toggledUser, Event: deposit(1, 1)},
				RecordRequest{UserID: 2, Event: deposit(1, 1)})
			waitRecorded(t, events...)
			waitIdle(t, l)
			if got := fmt.Sprint(commits); got != c.commits {
				t.Errorf("commits of %s events, want %s", got, c.commits)
			}
		})
	}
}

// TestCommitters_exitWhenIdle checks that committers start under load and exit when there is nothing to record. It does
// not run in parallel with other tests, since it counts the goroutines of all ledgers.
func TestCommitters_exitWhenIdle(t *testing.T) {
	pool := pgtest.Pool(t)
	var recorded, invalid atomic.Int64
	var l *Ledger
	l = New(pool, func(events, _ int) { // called by a committer
		recorded.Add(int64(events))
		goroutines := leaktest.InType((*Ledger).Record)
		if n := countLocked(l, func() int { return l.committers }); n < 1 || n > maxCommitters || goroutines < 1 {
			invalid.Add(1)
		}
	})
	l.timeouts = patient
	for range 5 {
		concurrently(100, func(i int) {
			r := RecordRequest{UserID: int64(i % 60), Event: deposit(1, 1)}
			if _, err := l.Record(context.Background(), r); err != nil {
				t.Error(err)
			}
		})
		waitIdle(t, l)
		pgtest.WaitFor(t, "the goroutines of the ledger to exit", func() bool {
			return leaktest.InType((*Ledger).Record) == 0
		})
	}
	if n := invalid.Load(); n != 0 {
		t.Errorf("in %d commits there were no or more than %d committers", n, maxCommitters)
	}
	if n := recorded.Load(); n != 500 {
		t.Errorf("onCommit reported %d events, want 500", n)
	}
}

// TestGroup_isOneCommit checks that one commit records all events of a group.
func TestGroup_isOneCommit(t *testing.T) {
	t.Parallel()
	var commits []int
	l := New(pgtest.Pool(t), func(events, _ int) { commits = append(commits, events) })
	l.timeouts = patient
	requests := make([]RecordRequest, maxGroup)
	for i := range requests {
		requests[i] = RecordRequest{UserID: int64(i % 60), Event: deposit(1, 1)}
	}
	waitRecorded(t, enqueueAll(l, requests...)...)
	waitIdle(t, l)
	if fmt.Sprint(commits) != fmt.Sprint([]int{maxGroup}) {
		t.Errorf("commits of %d events, want one of %d", commits, maxGroup)
	}
}

// TestBatch_concurrencyLimit checks that RecordAll rejects one batch too many, and accepts it after the others.
func TestBatch_concurrencyLimit(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLedger(pool)
	unlock := lockUsers(t, pool, 1)
	errs := make(chan error, maxBatches)
	for range maxBatches {
		go func() {
			_, err := l.RecordAll(context.Background(), &Batch{Events: []UserEvent{{1, deposit(1, 1)}}}, false)
			errs <- err
		}()
	}
	pgtest.WaitFor(t, "all batches to wait", func() bool { return countLockWaiters(t, pool) == maxBatches })
	_, err := l.RecordAll(t.Context(), &Batch{Events: []UserEvent{{2, deposit(1, 1)}}}, false)
	if !errors.Is(err, ErrBusy) {
		t.Errorf("one batch too many returned %v, want ErrBusy", err)
	}
	unlock()
	for range maxBatches {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if _, err := l.RecordAll(t.Context(), &Batch{Events: []UserEvent{{2, deposit(1, 1)}}}, false); err != nil {
		t.Error(err)
	}
	waitIdle(t, l)
}

// TestRecord_keepsOrderOfArrival enqueues events of one user without waiting for the results.
func TestRecord_keepsOrderOfArrival(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLedger(pool)
	unlock := lockUsers(t, pool, 1)
	var events []*pendingEvent
	for i := range 2 * maxGroup {
		events = append(events, enqueueAll(l, RecordRequest{UserID: 1, Event: deposit(int64(i+1), 1)})...)
	}
	unlock()
	waitRecorded(t, events...)
	const sql = `SELECT count(*) FROM (SELECT amount, row_number() OVER (ORDER BY id) AS nth FROM event) AS e
		WHERE amount <> nth`
	if n := pgtest.QueryValue[int](t, pool, sql); n != 0 || countRows(t, pool, "event") != 2*maxGroup {
		t.Errorf("%d of %d events out of order", n, countRows(t, pool, "event"))
	}
	waitIdle(t, l)
}
