package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"labledger/internal/pgtest"
)

// maxPromptLatency bounds the latency of an event whose user is not locked: below the lock timeout of 2 s, far above the
// usual.
const maxPromptLatency = 1900 * time.Millisecond

// TestRecord_cancelledWhileQueued cancels events that wait in the queue behind a locked user. None is recorded or left
// over.
func TestRecord_cancelledWhileQueued(t *testing.T) {
	pool := pgtest.Pool(t)
	l := New(pool, nil)
	unlock := lockUsers(t, pool, 1)
	first := make(chan error, 1)
	go func() {
		_, err := l.Record(context.Background(), RecordRequest{UserID: 1, Event: deposit(1, 1)})
		first <- err
	}()
	waitFor(t, "the first event to wait for the lock", func() bool { return countLockWaiters(t, pool) == 1 })
	ctx, cancel := context.WithCancel(t.Context())
	var cancelled atomic.Int64
	var wg sync.WaitGroup
	for i := range 30 { // they wait in the queue behind the first event
		wg.Go(func() {
			r := RecordRequest{UserID: 1, Event: deposit(100, 1), Actor: "me", Key: fmt.Sprint(i)}
			if _, err := l.Record(ctx, r); errors.Is(err, context.Canceled) {
				cancelled.Add(1)
			} else {
				t.Errorf("a cancelled event returned %v", err)
			}
		})
	}
	waitFor(t, "30 queued events", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.queue) == 30
	})
	cancel()
	wg.Wait()
	unlock()
	if err := <-first; err != nil {
		t.Error(err)
	}
	waitIdle(t, l)
	if n := countRows(t, pool, "event"); n != 1 {
		t.Errorf("%d events recorded, want 1; %d cancelled", n, cancelled.Load())
	}
	if r := mustRecord(t, l, RecordRequest{UserID: 1, Event: deposit(100, 1), Actor: "me", Key: "7"}); r.Replayed {
		t.Error("the key of a cancelled event counts as used")
	}
	auditLedger(t, pool).requireClean(t)
}

// TestRecord_withEndedContext records with a context that has ended. Whatever Record returns, the ledger must be
// consistent.
func TestRecord_withEndedContext(t *testing.T) {
	pool := pgtest.Pool(t)
	l := New(pool, nil)
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

// TestLockedUser_doesNotDelayOthers locks one user in a separate session. Events of that user time out; others are
// prompt.
func TestLockedUser_doesNotDelayOthers(t *testing.T) {
	pool := pgtest.Pool(t)
	l := New(pool, nil)
	unlock := lockUsers(t, pool, 1)
	ctx, stop := context.WithCancel(t.Context())
	var timeouts atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		concurrently(4, func(int) {
			for ctx.Err() == nil {
				started := time.Now()
				_, err := l.Record(context.Background(), RecordRequest{UserID: 1, Event: deposit(1, 1)})
				if elapsed := time.Since(started); sqlstate(err) == "55P03" && elapsed > time.Second {
					timeouts.Add(1)
				} else if ctx.Err() == nil {
					t.Errorf("an event of the locked user returned after %s: %v", elapsed, err)
				}
			}
		})
	}()
	slowest, n := recordOtherUsers(t, l, 3*time.Second)
	t.Logf("%d events of other users, slowest %s; %d events of the locked user timed out", n, slowest, timeouts.Load())
	if timeouts.Load() == 0 || n < 100 {
		t.Error("control: too few events")
	}
	if slowest > maxPromptLatency {
		t.Errorf("an event of another user took %s", slowest)
	}
	stop()
	unlock()
	<-done
	mustRecord(t, l, RecordRequest{UserID: 1, Event: deposit(1, 1)})
	waitIdle(t, l)
}

// recordOtherUsers records events of users 100 to 107 in parallel. It returns the latency of the slowest and their
// number.
func recordOtherUsers(t *testing.T, l *Ledger, duration time.Duration) (slowest time.Duration, n int64) {
	t.Helper()
	var maximum, recorded atomic.Int64
	started := time.Now()
	concurrently(8, func(i int) {
		for time.Since(started) < duration {
			start := time.Now()
			_, err := l.Record(context.Background(), RecordRequest{UserID: int64(100 + i), Event: deposit(1, 1)})
			if err != nil {
				t.Errorf("event of another user: %v", err)
			}
			storeMax(&maximum, int64(time.Since(start)))
			recorded.Add(1)
			time.Sleep(time.Millisecond)
		}
	})
	return time.Duration(maximum.Load()), recorded.Load()
}

// TestManyLockedUsers_doNotDelayOthers locks more users than there are committers, as a batch at another instance does.
// Each locked user has one event, alone in its group or together with others. Events of other users are prompt.
func TestManyLockedUsers_doNotDelayOthers(t *testing.T) {
	for _, c := range []struct {
		users int
		delay time.Duration
	}{{maxCommitters, 20 * time.Millisecond}, {maxCommitters + maxLockWaiters + 2, 20 * time.Millisecond}, {60, 0}} {
		t.Run(fmt.Sprintf("%d users", c.users), func(t *testing.T) {
			pool := pgtest.Pool(t)
			l := New(pool, nil)
			ids := make([]int64, c.users)
			for i := range ids {
				ids[i] = int64(i)
			}
			unlock := lockUsers(t, pool, ids...)
			done := make(chan struct{})
			go func() {
				defer close(done)
				concurrently(c.users, func(i int) {
					time.Sleep(time.Duration(i) * c.delay)
					r := RecordRequest{UserID: int64(i), Event: deposit(1, 1)}
					if _, err := l.Record(context.Background(), r); err != nil && sqlstate(err) != "55P03" {
						t.Errorf("an event of a locked user returned %v", err)
					}
				})
			}()
			waitFor(t, "the committers to wait for locks", func() bool { return countLockWaiters(t, pool) > 0 })
			slowest, n := recordOtherUsers(t, l, time.Second)
			t.Logf("%d events of other users, slowest %s", n, slowest)
			if slowest > maxPromptLatency {
				t.Errorf("with %d locked users, an event of another user took %s", c.users, slowest)
			}
			unlock()
			<-done
			waitIdle(t, l)
			auditLedger(t, pool).requireClean(t)
		})
	}
}

// TestCommitters_exitWhenIdle checks that committers start under load and exit when there is nothing to record.
func TestCommitters_exitWhenIdle(t *testing.T) {
	pool := pgtest.Pool(t)
	var commits, recorded atomic.Int64
	l := New(pool, func(events, _ int) { commits.Add(1); recorded.Add(int64(events)) })
	var maxSeen atomic.Int64
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				l.mu.Lock()
				maxSeen.Store(max(maxSeen.Load(), int64(l.committers)))
				l.mu.Unlock()
				time.Sleep(50 * time.Microsecond)
			}
		}
	}()
	for range 5 {
		concurrently(100, func(i int) {
			r := RecordRequest{UserID: int64(i % 60), Event: deposit(1, 1)}
			if _, err := l.Record(context.Background(), r); err != nil {
				t.Error(err)
			}
		})
		waitIdle(t, l)
	}
	close(stop)
	<-done
	if n := maxSeen.Load(); n < 1 || n > maxCommitters {
		t.Errorf("%d concurrent committers, want 1 to %d", n, maxCommitters)
	}
	if n := commits.Load(); n == 0 || n > 500 {
		t.Errorf("%d commits for 500 events", n)
	} else {
		t.Logf("%d commits for 500 events", n)
	}
	if n := recorded.Load(); n != 500 {
		t.Errorf("onCommit reported %d events, want 500", n)
	}
}

// TestBatch_concurrencyLimit checks that RecordAll rejects one batch too many, and accepts it after the others.
func TestBatch_concurrencyLimit(t *testing.T) {
	pool := pgtest.Pool(t)
	l := New(pool, nil)
	unlock := lockUsers(t, pool, 1)
	errs := make(chan error, maxBatches)
	for range maxBatches {
		go func() {
			_, err := l.RecordAll(context.Background(), &Batch{Events: []UserEvent{{1, deposit(1, 1)}}}, false)
			errs <- err
		}()
	}
	waitFor(t, "all batches to wait for the lock", func() bool { return countLockWaiters(t, pool) == maxBatches })
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
	pool := pgtest.Pool(t)
	l := New(pool, nil)
	unlock := lockUsers(t, pool, 1)
	var wg sync.WaitGroup
	for i := range 2 * maxGroup {
		e := &pendingEvent{
			RecordRequest: RecordRequest{UserID: 1, Event: deposit(int64(i+1), 1)},
			done:          make(chan struct{}),
		}
		l.enqueue(e)
		wg.Go(func() {
			if <-e.done; e.err != nil {
				t.Error(e.err)
			}
		})
	}
	unlock()
	wg.Wait()
	const sql = `SELECT count(*) FROM (SELECT amount, row_number() OVER (ORDER BY id) AS nth FROM event) AS e
		WHERE amount <> nth`
	if n := pgtest.QueryValue[int](t, pool, sql); n != 0 || countRows(t, pool, "event") != 2*maxGroup {
		t.Errorf("%d of %d events out of order", n, countRows(t, pool, "event"))
	}
	waitIdle(t, l)
}
