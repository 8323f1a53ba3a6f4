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

// This file tests batches that run concurrently with other batches and with single events.

// sqlstate returns the SQLSTATE of an error, or "".
func sqlstate(err error) string {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code
	}
	return ""
}

// retryOnLockTimeout calls do until it does not fail with a lock timeout, as clients of the API do. It returns the
// number of timeouts.
func retryOnLockTimeout(do func() error) (timeouts int, err error) {
	for ; timeouts < 100; timeouts++ {
		if err = do(); sqlstate(err) != "55P03" {
			return timeouts, err
		}
	}
	return timeouts, err
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
	pool := pgtest.Pool(t)
	pgtest.Exec(t, pool, "INSERT INTO user_state (user_id) VALUES (1), (2)")
	var ready sync.WaitGroup
	ready.Add(2)
	concurrently(2, func(i int) {
		conn, err := pgx.ConnectConfig(context.Background(), pool.Config().ConnConfig)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close(context.Background()) }()
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

// TestBatch_concurrentBatches records two batches of more than one chunk with common users, at one instance and at two.
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
					l := []*Ledger{one, two}[i%instances]
					results[i], err = l.RecordAll(context.Background(), batches[i], false)
					return err
				})
				if timeouts > 0 {
					t.Logf("batch %d: %d lock timeouts", i, timeouts)
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

// TestBatch_withConcurrentSingles records a batch while both instances record single events of the same users.
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
	t.Logf("%d single events, %d lock timeouts", singles.Load(), timeouts.Load())
	requireRecorded(t, one.pool, b, batchResults(t, a))
	auditLedger(t, one.pool).requireClean(t)
	waitIdle(t, one, two)
	requireNoDeadlock(t, one.pool, two.pool)
}

// TestBatch_withConcurrentInstance records batches while another instance keeps recording events of the same users.
// Their IDs ascend with the clock, past the time at which the batch starts. The batches must be recorded all the same.
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
					user := 1 + random.Int64N(loadUsers)
					r := RecordRequest{UserID: user, Event: randomEvent(random, 100), Actor: "single"}
					_, err := two.Record(context.Background(), r)
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
		_, err := retryOnLockTimeout(func() error { _, err := one.RecordAll(t.Context(), b, false); return err })
		if err != nil {
			failed.Add(1)
			lastErr = err
		}
	}
	stop()
	<-done
	if failed.Load() > 0 {
		t.Errorf("%d of %d batches failed while another instance recorded events of the same users: %v", failed.Load(),
			batches, lastErr)
	}
}

// measureSlowest records events of a user one by one while the batch runs. It returns their number, the latency of the
// slowest, and the duration of the batch.
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

// TestBatch_doesNotDelayOtherUsers measures the latency of a user's events while a batch of other users runs at the
// same instance. The negative control is a user of the batch.
func TestBatch_doesNotDelayOtherUsers(t *testing.T) {
	pool := pgtest.Pool(t)
	l := New(pool, nil)
	b := &Batch{Events: randomStream(6, 3*chunkSize, 500), Actor: "batch"}
	batch := func() error { _, err := l.RecordAll(t.Context(), b, false); return err }
	n, slowest, elapsed := measureSlowest(t, l, 1000, batch)
	t.Logf("other user: %d events in %s, slowest %s", n, elapsed, slowest)
	if slowest > elapsed/2 {
		t.Errorf("an event of another user took %s; the batch took %s", slowest, elapsed)
	}
	n, slowest, elapsed = measureSlowest(t, l, 1, batch)
	t.Logf("user of the batch: %d events in %s, slowest %s", n, elapsed, slowest)
	if slowest < elapsed/2 {
		t.Errorf("control: an event of a user of the batch took only %s; the batch took %s", slowest, elapsed)
	}
}

// TestBatch_doesNotStarveSingles sends small batches one after the other. Single events of the same users must be
// recorded between them.
func TestBatch_doesNotStarveSingles(t *testing.T) {
	pool := pgtest.Pool(t)
	l := New(pool, nil)
	ctx, stop := context.WithCancel(t.Context())
	var batches, maxOvertakes, n atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			b := &Batch{Events: randomStream(uint64(batches.Load()), 50, 6), Actor: "batch"}
			if _, err := l.RecordAll(context.Background(), b, false); err != nil {
				t.Error(err)
			}
			batches.Add(1)
		}
	}()
	started := time.Now()
	concurrently(6, func(i int) {
		for time.Since(started) < 3*time.Second {
			before := batches.Load()
			r := RecordRequest{UserID: int64(1 + i), Event: deposit(1, 1), Actor: "single"}
			if _, err := l.Record(context.Background(), r); err != nil {
				t.Error(err)
			}
			storeMax(&maxOvertakes, batches.Load()-before)
			n.Add(1)
		}
	})
	stop()
	<-done
	t.Logf("%d batches, %d single events; at most %d batches overtook a single event", batches.Load(), n.Load(),
		maxOvertakes.Load())
	if maxOvertakes.Load() > 10 {
		t.Errorf("%d later batches overtook a single event, want at most 10", maxOvertakes.Load())
	}
}
