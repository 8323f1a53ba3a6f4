package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
)

// This file lets batches run beside each other and beside single events.

// sqlstate is the SQLSTATE of an error, or "".
func sqlstate(err error) string {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code
	}
	return ""
}

// retryOnLockTimeout calls f again while it fails because it waited too long for a lock, as the callers of the API do. It returns how often it did.
func retryOnLockTimeout(do func() error) (timeouts int, err error) {
	for ; timeouts < 100; timeouts++ {
		if err = do(); sqlstate(err) != "55P03" {
			return timeouts, err
		}
	}
	return timeouts, err
}

// requireNoDeadlock fails the test when there was one. It closes the pools, so that their sessions tell what they counted.
func requireNoDeadlock(t *testing.T, pools ...*pgxpool.Pool) {
	t.Helper()
	url := pools[0].Config().ConnConfig.ConnString()
	for _, pool := range pools {
		pool.Close()
	}
	if n := countDeadlocks(t, openPool(t, url)); n != 0 {
		t.Errorf("%d deadlocks", n)
	}
}

// TestDeadlocksAreCounted is the negative control of requireNoDeadlock: two sessions that lock two users in different order.
func TestDeadlocksAreCounted(t *testing.T) {
	pool := pgtest.Pool(t)
	execSQL(t, pool, "INSERT INTO user_state (user_id) VALUES (1), (2)")
	var ready sync.WaitGroup
	ready.Add(2)
	concurrently(2, func(i int) {
		conn, err := pgx.ConnectConfig(context.Background(), pool.Config().ConnConfig)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close(context.Background()) }() // it has told
		err = pgx.BeginFunc(context.Background(), conn, func(tx pgx.Tx) error {
			_, err := tx.Exec(context.Background(), "SELECT FROM user_state WHERE user_id = $1 FOR UPDATE", 1+i)
			ready.Done()
			ready.Wait()
			return errors.Join(err, func() error {
				_, err := tx.Exec(context.Background(), "SELECT FROM user_state WHERE user_id = $1 FOR UPDATE", 2-i)
				return err
			}())
		})
		if err != nil && sqlstate(err) != "40P01" {
			t.Error(err)
		}
	})
	waitFor(t, "the deadlock to be counted", func() bool { return countDeadlocks(t, pool) == 1 })
}

// TestBatch_concurrentBatches lets two batches of more than one chunk come at once, over users that both have, at one instance and at two.
func TestBatch_concurrentBatches(t *testing.T) {
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
				timeouts, err := retryOnLockTimeout(func() (err error) {
					results[i], err = []*Ledger{one, two}[i%instances].RecordAll(context.Background(), batches[i], false)
					return err
				})
				if timeouts > 0 {
					t.Logf("batch %d waited too long %d times", i, timeouts)
				}
				if err != nil {
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

// TestBatch_withConcurrentSingles lets a batch run while single events of the same users come in at the same and at another instance.
func TestBatch_withConcurrentSingles(t *testing.T) {
	one, two := twoInstances(t)
	b := &Batch{Events: randomStream(4, chunkSize+500, 300), Actor: "batch"}
	var singles, timeouts atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		concurrently(8, func(i int) {
			random := rand.New(rand.NewPCG(uint64(i), 9))
			for ctx.Err() == nil {
				r := RecordRequest{UserID: 1 + random.Int64N(300), Event: randomEvent(random, 100), Actor: "single"}
				n, err := retryOnLockTimeout(func() error {
					_, err := []*Ledger{one, two}[i%2].Record(context.Background(), r)
					return err
				})
				if err != nil {
					t.Error(err)
				}
				singles.Add(1)
				timeouts.Add(int64(n))
				time.Sleep(5 * time.Millisecond)
			}
		})
	}()
	waitFor(t, "single events", func() bool { return singles.Load() > 20 })
	var a *BatchResult
	var err error
	_, err = retryOnLockTimeout(func() (err error) { a, err = one.RecordAll(t.Context(), b, false); return err })
	stop()
	<-done
	if err != nil {
		t.Fatal("batch:", err)
	}
	t.Logf("%d single events; %d waits for their users' locks were too long", singles.Load(), timeouts.Load())
	requireRecorded(t, one.pool, b, batchResults(t, a))
	auditLedger(t, one.pool).requireClean(t)
	waitIdle(t, one, two)
	requireNoDeadlock(t, one.pool, two.pool)
}

// TestBatch_withConcurrentInstance lets a batch come while another instance records events of its users all the time. Their ids go up with
// the clock, past the one that the batch began with; the batch must be recorded all the same.
func TestBatch_withConcurrentInstance(t *testing.T) {
	one, two := twoInstances(t)
	ctx, stop := context.WithCancel(t.Context())
	var singles, failed atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		concurrently(16, func(i int) {
			random := rand.New(rand.NewPCG(uint64(i), 2))
			for ctx.Err() == nil {
				_, err := retryOnLockTimeout(func() error {
					_, err := two.Record(context.Background(), RecordRequest{UserID: 1 + random.Int64N(loadUsers), Event: randomEvent(random, 100), Actor: "single"})
					return err
				})
				if err != nil {
					t.Error(err)
				}
				singles.Add(1)
			}
		})
	}()
	waitFor(t, "single events", func() bool { return singles.Load() > 50 })
	const batches = 20
	var lastErr error
	for i := range batches {
		b := &Batch{Events: randomStream(uint64(i), 100, loadUsers), Actor: "batch"}
		if _, err := retryOnLockTimeout(func() error { _, err := one.RecordAll(t.Context(), b, false); return err }); err != nil {
			failed.Add(1)
			lastErr = err
		}
	}
	stop()
	<-done
	if failed.Load() > 0 {
		t.Errorf("%d of %d batches were not recorded while another instance recorded events of their users: %v", failed.Load(), batches, lastErr)
	}
}

// measureSlowest records events of a user one after the other, from before a batch begins until after it has ended, and tells how many were
// recorded meanwhile and how long the slowest took.
func measureSlowest(t *testing.T, l *Ledger, user int64, batch func() error) (n int, slowest, elapsed time.Duration) {
	t.Helper()
	mustRecord(t, l, RecordRequest{UserID: user, Event: deposit(1, 1), Actor: "single"})
	done := make(chan error)
	started := time.Now()
	go func() { done <- batch() }()
	for {
		start := time.Now()
		if _, err := retryOnLockTimeout(func() error {
			_, err := l.Record(context.Background(), RecordRequest{UserID: user, Event: deposit(1, 1), Actor: "single"})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, time.Since(start))
		select {
		case err := <-done:
			if err != nil {
				t.Fatal("batch:", err)
			}
			return n, slowest, time.Since(started)
		default:
			n++
		}
	}
}

// TestBatch_doesNotDelayOtherUsers measures how long an event of a user waits while a batch of other users is recorded at the same instance, and,
// as the negative control, one of a user whom the batch has too.
func TestBatch_doesNotDelayOtherUsers(t *testing.T) {
	pool := pgtest.Pool(t)
	l := New(pool, nil)
	b := &Batch{Events: randomStream(6, 3*chunkSize, 500), Actor: "batch"}
	batch := func() error { _, err := l.RecordAll(t.Context(), b, false); return err }
	n, slowest, elapsed := measureSlowest(t, l, 1000, batch)
	t.Logf("another user: %d events in %s, the slowest took %s", n, elapsed, slowest)
	if slowest > elapsed/2 {
		t.Errorf("an event of another user took %s of the %s that the batch took", slowest, elapsed)
	}
	n, slowest, elapsed = measureSlowest(t, l, 1, batch)
	t.Logf("a user of the batch: %d events in %s, the slowest took %s", n, elapsed, slowest)
	if slowest < elapsed/2 {
		t.Errorf("an event of a user of the batch took %s of the %s that the batch took: the measure shows nothing", slowest, elapsed)
	}
}

// TestBatch_doesNotStarveSingles lets one caller send small batches one after the other. Events of their users take their turn between them.
func TestBatch_doesNotStarveSingles(t *testing.T) {
	pool := pgtest.Pool(t)
	l := New(pool, nil)
	ctx, stop := context.WithCancel(t.Context())
	var batches, maxOvertakes, n atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if _, err := l.RecordAll(context.Background(), &Batch{Events: randomStream(uint64(batches.Load()), 50, 6), Actor: "batch"}, false); err != nil {
				t.Error(err)
			}
			batches.Add(1)
		}
	}()
	started := time.Now()
	concurrently(6, func(i int) {
		for time.Since(started) < 3*time.Second {
			before := batches.Load()
			if _, err := l.Record(context.Background(), RecordRequest{UserID: int64(1 + i), Event: deposit(1, 1), Actor: "single"}); err != nil {
				t.Error(err)
			}
			overtakes := batches.Load() - before
			for old := maxOvertakes.Load(); overtakes > old && !maxOvertakes.CompareAndSwap(old, overtakes); old = maxOvertakes.Load() {
			}
			n.Add(1)
		}
	})
	stop()
	<-done
	t.Logf("%d batches and %d single events; %d batches went before an event that was there already", batches.Load(), n.Load(), maxOvertakes.Load())
	if maxOvertakes.Load() > 10 {
		t.Errorf("an event had to wait for %d batches of its user that came later", maxOvertakes.Load())
	}
}
