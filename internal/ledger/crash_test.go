package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
	"labledger/internal/postgres/embedded"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

// This file checks that each acknowledged event is recorded exactly once, even if Postgres is killed or a response is
// lost.

// ackLog collects the acknowledged results by idempotency key.
type ackLog struct {
	mu       sync.Mutex
	events   map[string]Result
	batches  map[string]int // number of events
	replayed int
	retries  int
}

// writeEvents writes events until the context ends. It retries each event until it is acknowledged. With keys, writer 7
// sends batches.
func (d *ackLog) writeEvents(ctx context.Context, t *testing.T, l *Ledger, writer int, keys bool) {
	random := rand.New(rand.NewPCG(uint64(writer), 4))
	for n := 0; ctx.Err() == nil; n++ {
		key := fmt.Sprintf("%d of writer %d", n, writer)
		retry := func(do func() (replayed bool, err error)) {
			for started := time.Now(); ; {
				replayed, err := do()
				d.mu.Lock()
				if replayed {
					d.replayed++
				}
				if err != nil {
					d.retries++
				}
				d.mu.Unlock()
				if err == nil {
					return
				}
				if errors.Is(err, ErrKeyReused) || time.Since(started) > time.Minute {
					t.Errorf("%s: %v", key, err)
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		}
		if writer == 7 && keys {
			b := &Batch{Events: randomStream(uint64(n), 50, 6), Actor: "batch", Key: key}
			retry(func() (bool, error) {
				a, err := l.RecordAll(context.Background(), b, false)
				return err == nil && a.Replayed, err
			})
			d.mu.Lock()
			d.batches[key] = len(b.Events)
			d.mu.Unlock()
			time.Sleep(50 * time.Millisecond) // leaves time for single events
			continue
		}
		r := RecordRequest{UserID: 1 + random.Int64N(6), Event: randomEvent(random, n), Actor: "single"}
		if keys {
			r.Key = key
		}
		retry(func() (bool, error) {
			got, err := l.Record(context.Background(), r)
			if err == nil {
				d.mu.Lock()
				d.events[key] = got
				d.mu.Unlock()
			}
			return got.Replayed, err
		})
	}
}

// countLost returns the number of acknowledged events and alerts that the ledger does not hold exactly once.
func (d *ackLog) countLost(t *testing.T, pool *pgxpool.Pool) (lost int) {
	t.Helper()
	d.mu.Lock()
	var events, alerts []string
	for _, r := range d.events {
		events = append(events, r.EventID.String())
		if len(r.Codes) > 0 {
			alerts = append(alerts, r.AlertID.String())
		}
	}
	d.mu.Unlock()
	const query = `SELECT (SELECT count(*) FROM event WHERE id = ANY ($1::uuid[]))
		+ (SELECT count(*) FROM alert WHERE id = ANY ($2::uuid[]) AND event_id = ANY ($1))`
	var found int
	pgtest.WaitFor(t, "Postgres", func() bool {
		return pool.QueryRow(context.Background(), query, events, alerts).Scan(&found) == nil
	})
	return len(events) + len(alerts) - found
}

// total returns the number of acknowledged events.
func (d *ackLog) total() int {
	n := len(d.events)
	for _, size := range d.batches {
		n += size
	}
	return n
}

// newCrashDatabase returns a cluster of the test's own, with a migrated database and a pool.
func newCrashDatabase(t *testing.T) (*embedded.Cluster, *pgxpool.Pool) {
	t.Helper()
	cluster := pgtest.NewCluster(t)
	if _, _, err := migrate.Up(t.Context(), cluster.URL(), schema.Files); err != nil {
		t.Fatal(err)
	}
	return cluster, openPool(t, cluster.URL())
}

// requireRestarted waits until the server has restarted after the death of the backend, and closes the connections to
// the processes that are gone.
func requireRestarted(t *testing.T, pool *pgxpool.Pool, backend int) {
	t.Helper()
	pgtest.WaitFor(t, "the restart of Postgres", func() bool {
		var restarted bool
		const query = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)"
		return pool.QueryRow(context.Background(), query, backend).Scan(&restarted) == nil && restarted
	})
	pool.Reset()
}

// TestPostgresKilled_losesNothing repeatedly kills the whole server or one backend while eight writers write.
func TestPostgresKilled_losesNothing(t *testing.T) {
	t.Parallel()
	cluster, pool := newCrashDatabase(t)
	l := newLedger(pool)
	d := &ackLog{events: map[string]Result{}, batches: map[string]int{}}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		concurrently(8, func(writer int) { d.writeEvents(ctx, t, l, writer, true) })
	}()
	acknowledged := func() int {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.events)
	}
	random := rand.New(rand.NewPCG(1, 2))
	var killed int
	for round := range 12 {
		target := acknowledged() + 100
		pgtest.WaitFor(t, "progress of the writers", func() bool { return acknowledged() > target })
		time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
		killed = pgtest.PostmasterPID(t, cluster.Dir())
		if round%2 == 1 {
			pgtest.WaitFor(t, "a session to kill", func() bool {
				const query = `SELECT pid FROM pg_stat_activity
					WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1`
				return pool.QueryRow(context.Background(), query).Scan(&killed) == nil
			})
		}
		if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		target = acknowledged() + 20
		pgtest.WaitFor(t, "progress of the writers after the kill", func() bool { return acknowledged() > target })
		if lost := d.countLost(t, pool); lost != 0 {
			t.Fatalf("after kill %d, %d acknowledged events or alerts are lost or duplicated", round+1, lost)
		}
	}
	stop()
	<-done
	waitIdle(t, l)
	requireRestarted(t, pool, killed)
	t.Logf("%d events acknowledged, %d in batches; %d attempts failed, %d of them after the commit", d.total(),
		d.total()-len(d.events), d.retries, d.replayed)
	if d.retries == 0 {
		t.Error("control: no attempt failed")
	}
	d.requireAllRecorded(t, l)
}

// voidEvents voids acknowledged events until the context ends, and sends the IDs of those of which the void was
// acknowledged. It retries each void. A void that was stored although an attempt failed is acknowledged by ErrVoided.
func (d *ackLog) voidEvents(ctx context.Context, t *testing.T, l *Ledger, acknowledged chan<- uuid.UUID) {
	defer close(acknowledged)
	voided := map[string]bool{}
	for ctx.Err() == nil {
		var next Result
		d.mu.Lock()
		for key, r := range d.events { // in random order
			if !voided[key] {
				voided[key], next = true, r
				break
			}
		}
		d.mu.Unlock()
		if next.EventID == uuid.Nil {
			time.Sleep(time.Millisecond)
			continue
		}
		for started, failed := time.Now(), false; ; failed = true {
			r := VoidRequest{EventID: next.EventID, Reason: "x", Actor: "ada"}
			_, err := l.Void(context.Background(), r, false)
			if err == nil || failed && errors.Is(err, ErrVoided) {
				break
			}
			if errors.Is(err, ErrVoided) || errors.Is(err, ErrNoEvent) || time.Since(started) > time.Minute {
				t.Errorf("void %s: %v", next.EventID, err)
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
		acknowledged <- next.EventID
	}
}

// TestPostgresKilled_keepsVoids repeatedly kills the whole server or one backend while events are recorded and voided.
// Each acknowledged void is stored once, and the ledger follows from its events and voids.
func TestPostgresKilled_keepsVoids(t *testing.T) {
	t.Parallel()
	cluster, pool := newCrashDatabase(t)
	l := newLedger(pool)
	d := &ackLog{events: map[string]Result{}, batches: map[string]int{}}
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for writer := range 3 {
		writers.Go(func() { d.writeEvents(ctx, t, l, writer, true) })
	}
	voids := make(chan uuid.UUID, 10_000)
	writers.Go(func() { d.voidEvents(ctx, t, l, voids) })
	var killed int
	for round := range 6 {
		target := len(voids) + 10
		pgtest.WaitFor(t, "voids", func() bool { return len(voids) > target })
		killed = pgtest.PostmasterPID(t, cluster.Dir())
		if round%2 == 1 {
			pgtest.WaitFor(t, "a void to kill", func() bool {
				const query = `SELECT pid FROM pg_stat_activity
					WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%event_void%' LIMIT 1`
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
	acknowledged := 0
	stored := readVoids(t, pool)
	for event := range voids {
		acknowledged++
		if _, ok := stored[event]; !ok {
			t.Errorf("the acknowledged void of event %s is lost", event)
		}
	}
	if len(stored) != acknowledged {
		t.Errorf("%d voids are stored, %d were acknowledged", len(stored), acknowledged)
	}
	changed := requireOracleAgrees(t, l)
	t.Logf("%d voids changed what %d events fired; %d attempts failed", acknowledged, changed, d.retries)
	requireVerified(t, l)
}

// requireAllRecorded compares the acknowledged events with the ledger.
func (d *ackLog) requireAllRecorded(t *testing.T, l *Ledger) {
	t.Helper()
	if lost := d.countLost(t, l.pool); lost != 0 {
		t.Errorf("%d acknowledged events or alerts are lost or duplicated", lost)
	}
	if n := countRows(t, l.pool, "event"); n != d.total() {
		t.Errorf("%d events recorded, %d acknowledged", n, d.total())
	}
	if n := countRows(t, l.pool, "idempotency"); n != len(d.events)+len(d.batches) {
		t.Errorf("%d keys stored, %d acknowledged", n, len(d.events)+len(d.batches))
	}
	auditLedger(t, l.pool).requireClean(t)
}

// lossyConn is a connection that sometimes breaks between a commit and its response.
type lossyConn struct {
	net.Conn
	drop func() bool
}

func (c lossyConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if bytes.Contains(p[:n], []byte("COMMIT\x00")) && c.drop() {
		_ = c.Close()
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// openLossyPool opens a pool that loses one commit response in four.
func openLossyPool(t *testing.T, url string) (pool *pgxpool.Pool, lost *atomic.Int64) {
	t.Helper()
	lost = &atomic.Int64{}
	config := openPool(t, url).Config()
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return lossyConn{conn, func() bool {
			if rand.IntN(4) != 0 {
				return false
			}
			lost.Add(1)
			return true
		}}, err
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool, lost
}

// TestLostCommitResponses loses one commit response in four. With keys each event is recorded once. Without keys, as
// the negative control, retries record duplicates.
func TestLostCommitResponses(t *testing.T) {
	t.Parallel()
	for _, keys := range []bool{true, false} {
		t.Run(fmt.Sprint("keys ", keys), func(t *testing.T) {
			pool, lost := openLossyPool(t, pgtest.Database(t))
			l := newLedger(pool)
			d := &ackLog{events: map[string]Result{}, batches: map[string]int{}}
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				concurrently(8, func(writer int) { d.writeEvents(ctx, t, l, writer, keys) })
			}()
			pgtest.WaitFor(t, "lost responses", func() bool { return lost.Load() >= 15 })
			stop()
			<-done
			waitIdle(t, l)
			n := pgtest.QueryValue[int](t, pool, "SELECT count(*) FROM event")
			t.Logf("%d responses lost, %d attempts replayed; %d events acknowledged, %d recorded", lost.Load(),
				d.replayed, d.total(), n)
			if keys {
				d.requireAllRecorded(t, l)
			} else if n <= d.total() {
				t.Error("control: without keys there are no duplicates")
			}
		})
	}
}
