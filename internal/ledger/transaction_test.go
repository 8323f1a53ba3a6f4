package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/pgtest"
)

// In the tests of transactions, a caller creates a site for each event, with the ID of the event as name.

// withSites returns a request that also creates the sites of the events.
func withSites(events ...RecordRequest) TxRequest {
	return TxRequest{Events: events, Begin: setActor, End: createSites}
}

func setActor(ctx context.Context, q *db.Queries) error {
	return q.SetRequestContext(ctx, db.SetRequestContextParams{Actor: "ada", Role: "admin", RequestID: "request 1"})
}

func createSites(ctx context.Context, q *db.Queries, results []Result) error {
	for _, r := range results {
		if _, err := q.CreateSite(ctx, db.CreateSiteParams{Name: r.EventID.String()}); err != nil {
			return err
		}
	}
	return nil
}

// countOrphans returns the number of events of containers without a site, and of sites without an event.
func countOrphans(t *testing.T, pool *pgxpool.Pool) int {
	t.Helper()
	return pgtest.QueryValue[int](t, pool, `SELECT count(*)
		FROM (SELECT id::text FROM event WHERE container_uuid IS NOT NULL) AS event
		FULL JOIN site ON site.name = event.id
		WHERE event.id IS NULL OR site.id IS NULL`)
}

// requireRows fails the test unless event and site have these numbers of rows. Without events, there must be no states
// and no alerts.
func requireRows(t *testing.T, pool *pgxpool.Pool, events, sites int) {
	t.Helper()
	if n := countRows(t, pool, "event"); n != events {
		t.Errorf("%d events are stored, want %d", n, events)
	}
	if n := countRows(t, pool, "site"); n != sites {
		t.Errorf("%d sites are stored, want %d", n, sites)
	}
	if events > 0 {
		return
	}
	for _, table := range []string{"user_state", "alert"} {
		if n := countRows(t, pool, table); n != 0 {
			t.Errorf("%d rows of %s are stored, want none", n, table)
		}
	}
}

// custody returns the events of a transfer: user from returns a container, user to checks it out.
func custody(from, to, time int64) []RecordRequest {
	container := uuid.New()
	return []RecordRequest{
		{UserID: from, Event: deposit(1, time), Actor: "ada", ContainerUUID: &container},
		{UserID: to, Event: withdrawal(1, time), Actor: "ada", ContainerUUID: &container},
	}
}

// checkOut returns the event of a check-out.
func checkOut(user, time int64) RecordRequest { return custody(user, user, time)[1] }

// TestRecordTx records events of several users, two of the same user, and what its caller stores.
func TestRecordTx(t *testing.T) {
	t.Parallel()
	var committed [2]int
	l := New(pgtest.Pool(t), func(events, alerts int) {
		committed = [2]int{committed[0] + events, committed[1] + alerts}
	})
	l.timeouts = patient
	large := RecordRequest{UserID: 3, Event: withdrawal(500, 70)}
	request := withSites(append(custody(9, 3, 50), checkOut(9, 60), large)...)
	request.End = func(ctx context.Context, q *db.Queries, results []Result) error {
		return createSites(ctx, q, results[:3])
	}
	results, err := l.RecordTx(t.Context(), request, false)
	if err != nil {
		t.Fatal(err)
	}
	b := &Batch{}
	for _, e := range request.Events {
		b.Events = append(b.Events, UserEvent{e.UserID, e.Event})
	}
	requireRecorded(t, l.pool, b, results)
	if !slices.Equal(results[3].Codes, []int32{1100}) || committed != [2]int{4, 1} {
		t.Errorf("codes %v, %v events and alerts committed", results[3].Codes, committed)
	}
	for i, r := range results {
		stored := pgtest.QueryValue[*uuid.UUID](t, l.pool, "SELECT container_uuid FROM event WHERE id = $1", r.EventID)
		want := request.Events[i].ContainerUUID
		if (stored == nil) != (want == nil) || want != nil && *stored != *want {
			t.Errorf("event %d has container %v, want %v", i, stored, want)
		}
	}
	const changes = "SELECT count(*) FROM change WHERE actor = 'ada' AND request_id = 'request 1'"
	if n := pgtest.QueryValue[int](t, l.pool, changes); n != 3 {
		t.Errorf("%d changes have the actor of Begin, want 3", n)
	}
	if n := countOrphans(t, l.pool); n != 0 {
		t.Errorf("%d events or sites are alone", n)
	}
	auditLedger(t, l.pool).requireClean(t)
	requireVerified(t, l)
	waitIdle(t, l)
}

// TestRecord_storesContainer records single events of a container: one in a commit of its own, and a group.
func TestRecord_storesContainer(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	mustRecord(t, l, checkOut(1, 1))
	nilUUID := RecordRequest{UserID: 2, Event: deposit(1, 1), ContainerUUID: &uuid.Nil}
	waitRecorded(t, enqueueAll(l, checkOut(1, 1), RecordRequest{UserID: 1, Event: deposit(1, 1)}, nilUUID)...)
	const query = "SELECT count(container_uuid) * 10 + count(*) FROM event"
	if n := pgtest.QueryValue[int](t, l.pool, query); n != 34 {
		t.Errorf("the counts of containers and events are %d, want 34", n)
	}
}

var errCaller = errors.New("error of the caller")

// TestRecordTx_storesNothing: a dry run, an error of the caller and an error that the caller hides store nothing, and
// do not affect the next transaction.
func TestRecordTx_storesNothing(t *testing.T) {
	t.Parallel()
	hideError := func(ctx context.Context, q *db.Queries) error {
		if q.SetLockTimeout(ctx, db.SetLockTimeoutParams{LockTimeout: "never"}) == nil {
			return errors.New("the control statement did not fail")
		}
		return nil
	}
	for name, c := range map[string]struct {
		change func(r *TxRequest)
		dryRun bool
		want   error
	}{
		"dry run": {func(*TxRequest) {}, true, nil},
		"error of Begin": {func(r *TxRequest) {
			r.Begin = func(context.Context, *db.Queries) error { return errCaller }
		}, false, errCaller},
		"error of End": {func(r *TxRequest) {
			r.End = func(ctx context.Context, q *db.Queries, results []Result) error {
				return errors.Join(createSites(ctx, q, results), errCaller)
			}
		}, false, errCaller},
		"error of End in a dry run": {func(r *TxRequest) {
			r.End = func(context.Context, *db.Queries, []Result) error { return errCaller }
		}, true, errCaller},
		"hidden error of Begin": {func(r *TxRequest) { r.Begin = hideError }, false, pgx.ErrTxCommitRollback},
		"hidden error of End": {func(r *TxRequest) {
			r.End = func(ctx context.Context, q *db.Queries, _ []Result) error { return hideError(ctx, q) }
		}, false, pgx.ErrTxCommitRollback},
		"no events":       {func(r *TxRequest) { r.Events = nil }, false, errNoEvents},
		"idempotency key": {func(r *TxRequest) { r.Events[1].Key = "k" }, false, errTxKey},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			committed := false
			l := New(pgtest.Pool(t), func(int, int) { committed = true })
			request := withSites(custody(1, 2, 1)...)
			request.Events[1].Event = withdrawal(500, 1)
			c.change(&request)
			results, err := l.RecordTx(t.Context(), request, c.dryRun)
			if !errors.Is(err, c.want) || committed {
				t.Errorf("error %v, want %v; onCommit was called: %v", err, c.want, committed)
			}
			if err == nil && (len(results) != 2 || !slices.Equal(results[1].Codes, []int32{1100})) {
				t.Errorf("results %+v", results)
			}
			requireRows(t, l.pool, 0, 0)
			waitIdle(t, l)
			if _, err := l.RecordTx(t.Context(), withSites(custody(1, 2, 1)...), false); err != nil {
				t.Error("afterwards:", err)
			}
			requireRows(t, l.pool, 2, 2)
		})
	}
}

// TestRecordTx_manyAtOnce starts many transactions, some of the same user. All wait for their turn, and succeed.
func TestRecordTx_manyAtOnce(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	var running, most atomic.Int64
	concurrently(40, func(i int) {
		request := withSites(checkOut(int64(1+i%2*i), int64(i)))
		request.End = func(ctx context.Context, q *db.Queries, results []Result) error {
			n := running.Add(1)
			defer running.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			return createSites(ctx, q, results)
		}
		if _, err := l.RecordTx(context.Background(), request, false); err != nil {
			t.Errorf("transaction %d: %v", i, err)
		}
	})
	if most.Load() > maxTransactions+maxLockWaiters {
		t.Errorf("%d transactions ran at once", most.Load())
	}
	requireRows(t, l.pool, 40, 40)
	auditLedger(t, l.pool).requireClean(t)
	waitIdle(t, l)
}

// TestRecordTx_cancelledWhileWaiting cancels a transaction that waits for its turn.
func TestRecordTx_cancelledWhileWaiting(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	for range maxTransactions {
		l.txSlots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := l.RecordTx(ctx, withSites(checkOut(1, 1)), false)
		done <- err
	}()
	reserved := func() int { return len(l.reserved) }
	pgtest.WaitFor(t, "the transaction to wait", func() bool { return countLocked(l, reserved) == 1 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled transaction returned %v", err)
	}
	for range maxTransactions {
		<-l.txSlots
	}
	waitIdle(t, l)
	requireRows(t, l.pool, 0, 0)
}

// TestRecordTx_lockedUser: a transaction of a locked user waits, without delaying those of other users. If the lock
// lasts too long, it fails.
func TestRecordTx_lockedUser(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	l.timeouts.firstLock = "1ms"
	unlock := lockUsers(t, l.pool, 1)
	request := withSites(custody(2, 1, 1)...)
	begun := 0
	request.Begin = func(ctx context.Context, q *db.Queries) error {
		begun++
		return setActor(ctx, q)
	}
	done := make(chan error)
	go func() {
		_, err := l.RecordTx(context.Background(), request, false)
		done <- err
	}()
	pgtest.WaitFor(t, "the retry", func() bool { return len(l.lockWaiters) == 1 && len(l.txSlots) == 0 })
	for range 2 * maxTransactions {
		if _, err := l.RecordTx(t.Context(), withSites(checkOut(3, 1)), false); err != nil {
			t.Error("another user:", err)
		}
	}
	unlock()
	if err := <-done; err != nil || begun != 2 {
		t.Errorf("error %v, %d calls of Begin; want none and 2", err, begun)
	}
	requireRows(t, l.pool, 2+2*maxTransactions, 2+2*maxTransactions)

	l.timeouts.retryLock = "1ms"
	lockUsers(t, l.pool, 1)
	if _, err := l.RecordTx(t.Context(), request, false); sqlstate(err) != pgerrcode.LockNotAvailable {
		t.Errorf("error %v, want a lock timeout", err)
	}
	requireRows(t, l.pool, 2+2*maxTransactions, 2+2*maxTransactions)
	waitIdle(t, l)
}

// TestRecordTx_lockTimeoutOfCaller: a lock timeout of End is an error of the caller, and not retried. Statements of End
// have no lock timeout.
func TestRecordTx_lockTimeoutOfCaller(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	l.timeouts.firstLock = "1ms"
	request := withSites(checkOut(1, 1))
	ended := 0
	request.End = func(context.Context, *db.Queries, []Result) error {
		ended++
		return &pgconn.PgError{Code: pgerrcode.LockNotAvailable}
	}
	_, err := l.RecordTx(t.Context(), request, false)
	if sqlstate(err) != pgerrcode.LockNotAvailable || ended != 1 {
		t.Errorf("error %v after %d calls of End, want a lock timeout after 1", err, ended)
	}

	conn := pgtest.Connect(t, l.pool.Config().ConnConfig.ConnString())
	pgtest.Exec(t, conn, "begin")
	pgtest.Exec(t, conn, "LOCK TABLE site IN ACCESS EXCLUSIVE MODE")
	done := make(chan error)
	go func() {
		_, err := l.RecordTx(context.Background(), withSites(checkOut(1, 1)), false)
		done <- err
	}()
	pgtest.WaitForLockWait(t, l.pool)
	pgtest.Exec(t, l.pool, "SELECT pg_sleep(0.02)") // longer than the lock timeout
	pgtest.Exec(t, conn, "commit")
	if err := <-done; err != nil {
		t.Error("after a lock of the table:", err)
	}
	requireRows(t, l.pool, 1, 1)
}

// TestRecordTx_reservesUsers: a single event of a user of a transaction waits in the queue until its end. A transaction
// waits for earlier single events.
func TestRecordTx_reservesUsers(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	request := withSites(checkOut(1, 1))
	var single []*pendingEvent
	later := make(chan error)
	request.End = func(ctx context.Context, q *db.Queries, results []Result) error {
		single = enqueueAll(l, RecordRequest{UserID: 1, Event: deposit(1, 1), Actor: "single"})
		mustRecord(t, l, RecordRequest{UserID: 2, Event: deposit(1, 1)}) // by a group without the event of user 1
		waitQueued(t, l, 1)
		go func() {
			r := TxRequest{Events: []RecordRequest{{UserID: 1, Event: deposit(1, 1), Actor: "later"}}}
			_, err := l.RecordTx(context.Background(), r, false)
			later <- err
		}()
		return createSites(ctx, q, results)
	}
	if _, err := l.RecordTx(t.Context(), request, false); err != nil {
		t.Error(err)
	}
	waitRecorded(t, single...)
	if err := <-later; err != nil {
		t.Error(err)
	}
	requireActors(t, l.pool, "ada", "single", "later")
	waitIdle(t, l)
}

// TestRecordTx_locksInAscendingOrder starts a transaction of users 2 and 1 while another session has locked user 1. It
// must wait for user 1 without holding user 2.
func TestRecordTx_locksInAscendingOrder(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	l.timeouts.firstLock = "1min" // so that the first attempt gets the lock
	pgtest.Exec(t, l.pool, "INSERT INTO user_state (user_id) VALUES (1), (2)")
	unlock := lockUsers(t, l.pool, 1)
	done := make(chan error)
	go func() {
		_, err := l.RecordTx(context.Background(), withSites(custody(2, 1, 1)...), false)
		done <- err
	}()
	pgtest.WaitForLockWait(t, l.pool)
	pgtest.Exec(t, l.pool, "SELECT FROM user_state WHERE user_id = 2 FOR UPDATE NOWAIT")
	unlock()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestRecordTx_oppositeTransfers transfers containers from user 1 to user 2 and back at the same time, at one instance
// and at two. TestDeadlocksAreCounted is the negative control.
func TestRecordTx_oppositeTransfers(t *testing.T) {
	t.Parallel()
	for instances := 1; instances <= 2; instances++ {
		t.Run(fmt.Sprint(instances, " instances"), func(t *testing.T) {
			t.Parallel()
			one, two := twoInstances(t)
			n := scaled(30)
			concurrently(8, func(i int) {
				l := []*Ledger{one, two}[i%instances]
				for time := range int64(n) {
					from := int64(1 + i/2%2)
					transfer := withSites(custody(from, 3-from, time)...)
					if _, err := l.RecordTx(context.Background(), transfer, false); err != nil {
						t.Errorf("transfer from user %d: %v", from, err)
					}
				}
			})
			requireRows(t, one.pool, 16*n, 16*n)
			auditLedger(t, one.pool).requireClean(t)
			waitIdle(t, one, two)
			requireNoDeadlock(t, one.pool, two.pool)
		})
	}
}
