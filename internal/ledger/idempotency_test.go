package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/pgtest"
)

// keyedRequest returns an event with an idempotency key. The hash depends on user and amount.
func keyedRequest(key string, user, amount int64) RecordRequest {
	return RecordRequest{
		UserID: user,
		Event:  withdrawal(amount, 10),
		Actor:  "ada",
		Key:    key,
		Hash:   [32]byte{1, byte(user), byte(amount)},
	}
}

func countRows(t *testing.T, pool *pgxpool.Pool, table string) int {
	t.Helper()
	return pgtest.QueryValue[int](t, pool, "SELECT count(*) FROM "+table)
}

// sameEvent reports whether two results are of the same event.
func sameEvent(a, b Result) bool {
	return a.EventID == b.EventID && a.AlertID == b.AlertID && a.UserID == b.UserID && slices.Equal(a.Codes, b.Codes)
}

// A group with repeated requests only records nothing, so it wakes no stream.
func TestRecord_repeatIsNoCommit(t *testing.T) {
	t.Parallel()
	var commits atomic.Int64
	l := New(openPool(t, pgtest.Database(t)), func(int, int) { commits.Add(1) })
	l.timeouts = patient
	for n := range 2 {
		mustRecord(t, l, keyedRequest("key", 7, 1))
		if got := commits.Load(); got != 1 {
			t.Errorf("after request %d: %d commits are reported, want 1", n+1, got)
		}
	}
}

func TestKeyRepeated(t *testing.T) {
	t.Parallel()
	one, two := twoInstances(t)
	for _, amount := range []int64{1, 200} { // without and with an alert
		key := fmt.Sprint("key ", amount)
		first := mustRecord(t, one, keyedRequest(key, 7, amount))
		if first.Replayed {
			t.Error("the first request counts as a repetition")
		}
		mustRecord(t, one, RecordRequest{UserID: 7, Event: deposit(5, 20)}) // changes the state in between
		pgtest.Exec(t, one.pool, "UPDATE rule SET enabled = NOT enabled WHERE code = 1100")
		for _, l := range []*Ledger{one, two} {
			if again := mustRecord(t, l, keyedRequest(key, 7, amount)); !sameEvent(again, first) || !again.Replayed {
				t.Errorf("first %+v, repeated %+v", first, again)
			}
			again, err := l.Simulate(t.Context(), keyedRequest(key, 7, amount))
			if err != nil || !sameEvent(again, first) || !again.Replayed {
				t.Errorf("first %+v, simulated %+v, %v", first, again, err)
			}
		}
	}
	if n := countRows(t, one.pool, "event"); n != 4 {
		t.Errorf("got %d events, want 4", n)
	}
	other := keyedRequest("key 1", 7, 1)
	other.Actor = "bob"
	if r := mustRecord(t, one, other); r.Replayed {
		t.Error("the key of another caller counts as used")
	}
	auditLedger(t, one.pool).requireClean(t)
	waitIdle(t, one, two)
}

func TestKeyReused(t *testing.T) {
	t.Parallel()
	one, two := twoInstances(t)
	mustRecord(t, one, keyedRequest("k", 7, 200))
	for name, r := range map[string]RecordRequest{
		"amount": keyedRequest("k", 7, 201), "user": keyedRequest("k", 8, 200),
		"smaller user ID": keyedRequest("k", 6, 200),
	} {
		for _, l := range []*Ledger{one, two} {
			if got, err := l.Record(t.Context(), r); !errors.Is(err, ErrKeyReused) {
				t.Errorf("different %s: %+v, %v", name, got, err)
			}
			if got, err := l.Simulate(t.Context(), r); !errors.Is(err, ErrKeyReused) {
				t.Errorf("simulation with a different %s: %+v, %v", name, got, err)
			}
			b := &Batch{Events: []UserEvent{{r.UserID, r.Event}}, Actor: r.Actor, Key: r.Key, Hash: [32]byte{99}}
			if _, err := l.RecordAll(t.Context(), b, false); !errors.Is(err, ErrKeyReused) {
				t.Errorf("batch with a different %s: %v", name, err)
			}
		}
	}
	if n := countRows(t, one.pool, "event"); n != 1 {
		t.Errorf("got %d events, want 1", n)
	}
}

// TestKeyReused_inOneGroup commits valid, repeated and reused keys in one group. Errors affect only their own event.
func TestKeyReused_inOneGroup(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLedger(pool)
	var requests []RecordRequest
	for i := range int64(10) {
		mustRecord(t, l, keyedRequest(fmt.Sprint(i), i, 50))
		requests = append(requests, keyedRequest(fmt.Sprint(i), i+20, 50), keyedRequest(fmt.Sprint(i), i, 50),
			keyedRequest(fmt.Sprint("new ", i), i+40, 50))
	}
	for i, e := range enqueueAll(l, requests...) {
		<-e.done
		got := [3]bool{errors.Is(e.err, ErrKeyReused), e.prior != nil, e.result.EventID != uuid.Nil}
		want := [3]bool{}
		want[i%3] = true
		if got != want || e.err != nil && i%3 != 0 {
			t.Errorf("key %q of user %d: reused, repeated, new: %v, %v; want %v", e.Key, e.UserID, got, e.err, want)
		}
	}
	waitIdle(t, l)
	if n := countRows(t, pool, "event"); n != 20 {
		t.Errorf("got %d events, want 20", n)
	}
	auditLedger(t, pool).requireClean(t)
}

// TestDuplicateRequest_whileFirstIsInProgress repeats a request while the first one waits for the lock of its user: at
// the same instance, and at another one.
func TestDuplicateRequest_whileFirstIsInProgress(t *testing.T) {
	t.Parallel()
	one, two := twoInstances(t)
	r := keyedRequest("k", 1, 200)
	unlock := lockUsers(t, one.pool, 1)
	var results [2]Result
	var errs [2]error
	var wg sync.WaitGroup
	for i, l := range []*Ledger{one, two} {
		wg.Go(func() { results[i], errs[i] = l.Record(context.Background(), r) })
		pgtest.WaitFor(t, "the request to wait for a lock", func() bool { return countLockWaiters(t, one.pool) == i+1 })
	}
	ctx, cancel := context.WithTimeout(t.Context(), pgtest.WaitTimeout)
	defer cancel()
	if got, err := one.Record(ctx, r); !errors.Is(err, ErrInFlight) {
		t.Errorf("a duplicate at the same instance returned %+v, %v; want ErrInFlight", got, err)
	}
	unlock()
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil || !sameEvent(results[0], results[1]) ||
		results[0].Replayed == results[1].Replayed {
		t.Errorf("got %+v, %v; want one event, and one repetition of it", results, err)
	}
	waitIdle(t, one, two)
	auditLedger(t, one.pool).requireClean(t)
}

// TestDuplicateRequests sends 20 equal requests concurrently, to one instance and to two.
func TestDuplicateRequests(t *testing.T) {
	t.Parallel()
	for instances := 1; instances <= 2; instances++ {
		t.Run(fmt.Sprint(instances, " instances"), func(t *testing.T) {
			t.Parallel()
			one, two := twoInstances(t)
			var inFlight, replayed atomic.Int64
			for round := range 30 {
				var created atomic.Int64
				var seen [20]uuid.UUID
				concurrently(20, func(i int) {
					got, err := []*Ledger{one, two}[i%instances].Record(context.Background(),
						keyedRequest(fmt.Sprint("round ", round), int64(round%3), 200))
					switch {
					case errors.Is(err, ErrInFlight):
						inFlight.Add(1)
						return
					case err != nil:
						t.Error(err)
					case got.Replayed:
						replayed.Add(1)
					default:
						created.Add(1)
					}
					seen[i] = got.EventID
				})
				if created.Load() != 1 {
					t.Errorf("%d of 20 duplicates were recorded", created.Load())
				}
				ids := slices.DeleteFunc(seen[:], func(id uuid.UUID) bool { return id == uuid.Nil })
				if ids = slices.Compact(ids); len(ids) != 1 {
					t.Errorf("the duplicates returned different events: %s", ids)
				}
			}
			t.Logf("%d in flight, %d replayed", inFlight.Load(), replayed.Load())
			if n := countRows(t, one.pool, "event"); n != 30 {
				t.Errorf("got %d events, want 30", n)
			}
			auditLedger(t, one.pool).requireClean(t)
			waitIdle(t, one, two)
		})
	}
}

// TestKeyReused_concurrently sends two different requests with one key to two instances. Their users differ, so only
// the lock of the key serializes them: the second one waits for the first one, which waits for its user.
func TestKeyReused_concurrently(t *testing.T) {
	t.Parallel()
	one, two := twoInstances(t)
	one.timeouts.firstLock, two.timeouts.firstLock = "1min", "1min"
	unlock := lockUsers(t, one.pool, 1)
	first := enqueueAll(one, keyedRequest("k", 1, 200))
	pgtest.WaitForLockWait(t, one.pool)
	second := enqueueAll(two, keyedRequest("k", 2, 200))
	pgtest.WaitFor(t, "the second request to wait for the key", func() bool {
		return countLockWaiters(t, one.pool) == 2 || isDone(second[0])
	})
	unlock()
	waitRecorded(t, first...)
	if <-second[0].done; !errors.Is(second[0].err, ErrKeyReused) {
		t.Errorf("the second request returned %+v, %v; want ErrKeyReused", second[0].result, second[0].err)
	}
	if again := mustRecord(t, one, keyedRequest("k", 1, 200)); !sameEvent(again, first[0].result) {
		t.Errorf("first %+v, repeated %+v", first[0].result, again)
	}
	waitIdle(t, one, two)
}

func TestBatch_idempotencyKey(t *testing.T) {
	t.Parallel()
	one, two := twoInstances(t)
	b := &Batch{Events: randomStream(8, 12_000, 30), Actor: "ada", Key: "k", Hash: [32]byte{1}}
	a, err := one.RecordAll(t.Context(), b, false)
	if err != nil {
		t.Fatal(err)
	}
	first := batchResults(t, a)
	requireRecorded(t, one.pool, b, first)
	mustRecord(t, two, RecordRequest{UserID: 3, Event: deposit(1, 1)})
	for _, l := range []*Ledger{one, two} {
		again, err := l.RecordAll(t.Context(), b, false)
		if err != nil {
			t.Fatal(err)
		}
		if !again.Replayed || a.Replayed {
			t.Error("Replayed must be false for the first batch and true for the repeated one")
		}
		second := batchResults(t, again)
		if !slices.EqualFunc(first, second, sameEvent) {
			t.Errorf("the repeated batch returned different results: first %d, then %d", len(first), len(second))
		}
	}
	single := RecordRequest{UserID: 3, Event: deposit(1, 1), Actor: "ada", Key: "k", Hash: [32]byte{2}}
	if _, err := two.Record(t.Context(), single); !errors.Is(err, ErrKeyReused) {
		t.Errorf("single event with the key of a batch: %v", err)
	}
	b.Hash = [32]byte{3}
	if _, err := two.RecordAll(t.Context(), b, false); !errors.Is(err, ErrKeyReused) {
		t.Errorf("different batch with the same key: %v", err)
	}
	if n := countRows(t, one.pool, "event"); n != len(b.Events)+1 {
		t.Errorf("got %d events, want %d", n, len(b.Events)+1)
	}
}

// TestBatch_duplicateRequests sends one batch twice concurrently, to one instance and to two.
func TestBatch_duplicateRequests(t *testing.T) {
	t.Parallel()
	for instances := 1; instances <= 2; instances++ {
		one, two := twoInstances(t)
		b := &Batch{Events: randomStream(8, 3000, 30), Actor: "ada", Key: "k"}
		var created atomic.Int64
		concurrently(2, func(i int) {
			a, err := []*Ledger{one, two}[i%instances].RecordAll(context.Background(), b, false)
			if errors.Is(err, ErrInFlight) {
				return
			}
			if err != nil {
				t.Error(err)
			} else if !a.Replayed {
				created.Add(1)
			}
		})
		if n := countRows(t, one.pool, "event"); n != len(b.Events) || created.Load() != 1 {
			t.Errorf("%d instances: duplicates of a batch of %d events stored %d events; %d batches were recorded",
				instances, len(b.Events), n, created.Load())
		}
	}
}

func TestDeleteExpiredKeys(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLedger(pool)
	now := time.Now()
	l.now = func() time.Time { return now.Add(-48 * time.Hour) }
	old := mustRecord(t, l, keyedRequest("old", 1, 200))
	pgtest.Exec(t, pool, `INSERT INTO idempotency (user_id, caller, key, request_hash, first_id, last_id, created_at)
		SELECT 2, 'bob', n::text, '', gen_random_uuid(), gen_random_uuid(), now() - interval '3 days'
		FROM generate_series(1, 2500) AS n`)
	l.now = func() time.Time { return now }
	recent := mustRecord(t, l, keyedRequest("recent", 1, 200))
	oldest := now.Add(-72*time.Hour - time.Minute)
	if n, err := DeleteExpiredKeys(t.Context(), db.New(pool), oldest); n != 0 || err != nil {
		t.Errorf("deleted %d keys, %v; want 0", n, err)
	}
	if n, err := DeleteExpiredKeys(t.Context(), db.New(pool), now.Add(-24*time.Hour)); n != 2501 || err != nil {
		t.Errorf("deleted %d keys, %v; want 2501", n, err)
	}
	if again := mustRecord(t, l, keyedRequest("old", 1, 200)); again.Replayed || again.EventID == old.EventID {
		t.Error("a deleted key still counts as used")
	}
	if again := mustRecord(t, l, keyedRequest("recent", 1, 200)); !sameEvent(again, recent) || !again.Replayed {
		t.Error("a recent key was deleted")
	}
}
