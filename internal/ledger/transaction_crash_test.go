package ledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/pgtest"
)

// This file checks that an event and the rows of its caller are stored together or not at all, even if Postgres is
// killed.

// killTransaction kills the only session with an open transaction, and with it the whole server. It returns the
// session's process ID, or an error.
func killTransaction(pool *pgxpool.Pool) (pid int, err error) {
	const query = `SELECT pid FROM pg_stat_activity
		WHERE datname = current_database() AND state = 'idle in transaction'`
	if err := pool.QueryRow(context.Background(), query).Scan(&pid); err != nil {
		return 0, err
	}
	return pid, syscall.Kill(pid, syscall.SIGKILL)
}

// TestRecordTx_killed kills the transaction at its begin, after the insert of the event and after that of the caller's
// row. Nothing is stored. In the negative control, event and row have a transaction each, and the event stays alone.
func TestRecordTx_killed(t *testing.T) {
	t.Parallel()
	_, pool := newCrashDatabase(t)
	l := newLedger(pool)
	for point := range 3 {
		var killed int
		killAt := func(current int) (err error) {
			if current == point {
				killed, err = killTransaction(pool)
			}
			return err
		}
		request := withSites(checkOut(1, 1))
		request.Events[0].Event = withdrawal(500, 1) // with an alert
		request.Begin = func(context.Context, *db.Queries) error { return killAt(0) }
		request.End = func(ctx context.Context, q *db.Queries, results []Result) error {
			if err := killAt(1); err != nil {
				return err
			}
			if err := createSites(ctx, q, results); err != nil {
				return err
			}
			return killAt(2)
		}
		if _, err := l.RecordTx(t.Context(), request, false); err == nil || killed == 0 {
			t.Errorf("killed at point %d, process %d: no error", point, killed)
		}
		requireRestarted(t, pool, killed)
		requireRows(t, pool, 0, 0)
	}
	if _, err := l.RecordTx(t.Context(), withSites(checkOut(1, 1)), false); err != nil {
		t.Error("after the kills:", err)
	}
	requireRows(t, pool, 1, 1)
	waitIdle(t, l)

	r := mustRecord(t, l, checkOut(1, 1))
	var killed int
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) (err error) {
		if err := createSites(t.Context(), db.New(tx), []Result{r}); err != nil {
			return err
		}
		killed, err = killTransaction(pool)
		return err
	})
	if err == nil {
		t.Error("control: the second transaction was committed")
	}
	requireRestarted(t, pool, killed)
	if n := countOrphans(t, pool); n != 1 {
		t.Errorf("control: %d events or sites are alone, want 1; the test proves nothing", n)
	}
}

// TestPostgresKilled_keepsTransactionsWhole repeatedly kills the whole server or one backend while transactions are
// recorded.
func TestPostgresKilled_keepsTransactionsWhole(t *testing.T) {
	t.Parallel()
	cluster, pool := newCrashDatabase(t)
	l := newLedger(pool)
	d := &ackLog{events: map[string]Result{}}
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for writer := range 4 {
		writers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(writer), 28))
			for n := 0; ctx.Err() == nil; n++ {
				results, err := l.RecordTx(context.Background(), withSites(randomCustody(random, n)...), false)
				d.mu.Lock()
				for i, r := range results {
					d.events[fmt.Sprint(writer, n, i)] = r
				}
				if err != nil {
					d.retries++
				}
				d.mu.Unlock()
				if err != nil {
					time.Sleep(5 * time.Millisecond)
				}
			}
		})
	}
	acknowledged := func() int {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.events)
	}
	random := rand.New(rand.NewPCG(1, 29))
	var killed int
	for round := range 6 {
		target := acknowledged() + 50
		pgtest.WaitFor(t, "progress of the writers", func() bool { return acknowledged() > target })
		time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
		killed = pgtest.PostmasterPID(t, cluster.Dir())
		if round%2 == 1 {
			pgtest.WaitFor(t, "a transaction to kill", func() bool {
				const query = `SELECT pid FROM pg_stat_activity
					WHERE datname = current_database() AND state = 'idle in transaction' LIMIT 1`
				return pool.QueryRow(context.Background(), query).Scan(&killed) == nil
			})
		}
		if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	writers.Wait()
	waitIdle(t, l)
	requireRestarted(t, pool, killed)
	if d.retries == 0 {
		t.Error("control: no attempt failed")
	}
	if lost := d.countLost(t, pool); lost != 0 {
		t.Errorf("%d acknowledged events or alerts are lost or duplicated", lost)
	}
	if n := countOrphans(t, pool); n != 0 {
		t.Errorf("%d events or sites are alone", n)
	}
	t.Logf("%d events acknowledged; %d attempts failed", len(d.events), d.retries)
	auditLedger(t, pool).requireClean(t)
	requireVerified(t, l)
}
