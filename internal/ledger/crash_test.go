package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

// This file holds that what was acknowledged is there, and once, whatever is killed and whichever answer is lost.

// diary is what the ledger has acknowledged, by key.
type diary struct {
	mu       sync.Mutex
	events   map[string]Result
	batches  map[string]int // number of events
	replayed int
	retries  int
}

// write writes events until it is told to stop, each until it is acknowledged. With keys, one in eight sends batches.
func (d *diary) write(ctx context.Context, t *testing.T, l *Ledger, writer int, keys bool) {
	random := rand.New(rand.NewPCG(uint64(writer), 4))
	for n := 0; ctx.Err() == nil; n++ {
		key := fmt.Sprintf("%d of writer %d", n, writer)
		again := func(f func() (replayed bool, err error)) {
			for began := time.Now(); ; {
				replayed, err := f()
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
				if errors.Is(err, ErrKeyReused) || time.Since(began) > time.Minute {
					t.Errorf("%s: %v", key, err)
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		}
		if writer == 7 && keys {
			b := &Batch{Events: someStream(uint64(n), 50, 6), Actor: "batch", Key: key}
			again(func() (bool, error) {
				a, err := l.RecordAll(context.Background(), b, false)
				return err == nil && a.Replayed, err
			})
			d.mu.Lock()
			d.batches[key] = len(b.Events)
			d.mu.Unlock()
			time.Sleep(50 * time.Millisecond) // see TestBatchesStarveNobody
			continue
		}
		r := RecordRequest{UserID: 1 + random.Int64N(6), Event: someEvent(random, n), Actor: "single"}
		if keys {
			r.Key = key
		}
		again(func() (bool, error) {
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

// lost counts the acknowledged events that the ledger does not have exactly once, with their alerts.
func (d *diary) lost(t *testing.T, pool *pgxpool.Pool) (lost int) {
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
	const there = `SELECT (SELECT count(*) FROM event WHERE id = ANY ($1::uuid[])) + (SELECT count(*) FROM alert WHERE id = ANY ($2::uuid[]) AND event_id = ANY ($1))`
	var found int
	await(t, "Postgres to answer", func() bool { return pool.QueryRow(context.Background(), there, events, alerts).Scan(&found) == nil })
	return len(events) + len(alerts) - found
}

// total is how many events were acknowledged.
func (d *diary) total() int {
	n := len(d.events)
	for _, size := range d.batches {
		n += size
	}
	return n
}

// TestPostgresKilled kills Postgres again and again, now all of it and now one of its processes, while eight writers write.
func TestPostgresKilled(t *testing.T) {
	cluster := pgtest.NewCluster(t)
	if _, _, err := migrate.Up(t.Context(), cluster.URL(), schema.Files); err != nil {
		t.Fatal(err)
	}
	pool := openPool(t, cluster.URL())
	l := New(pool, nil)
	d := &diary{events: map[string]Result{}, batches: map[string]int{}}
	ctx, stop := context.WithCancel(t.Context())
	written := make(chan struct{})
	go func() {
		defer close(written)
		atOnce(8, func(writer int) { d.write(ctx, t, l, writer, true) })
	}()
	acknowledged := func() int {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.events)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 12 {
		enough := acknowledged() + 100
		await(t, "writers to go on", func() bool { return acknowledged() > enough })
		time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
		pid := postmaster(t, cluster.Dir())
		if round%2 == 1 {
			await(t, "a session to kill", func() bool {
				const any = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1`
				return pool.QueryRow(context.Background(), any).Scan(&pid) == nil
			})
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		enough = acknowledged() + 20
		await(t, "writers to go on after the kill", func() bool { return acknowledged() > enough })
		if lost := d.lost(t, pool); lost != 0 {
			t.Fatalf("after kill %d, %d acknowledged events or alerts are not there once", round+1, lost)
		}
	}
	stop()
	<-written
	idle(t, l)
	t.Logf("%d events were acknowledged, %d in batches; %d tries failed, and %d of these had been recorded", d.total(), d.total()-len(d.events), d.retries, d.replayed)
	if d.retries == 0 {
		t.Error("no try failed: this test shows nothing")
	}
	d.check(t, l)
}

// check compares everything that was acknowledged with what the ledger holds.
func (d *diary) check(t *testing.T, l *Ledger) {
	t.Helper()
	if lost := d.lost(t, l.pool); lost != 0 {
		t.Errorf("%d acknowledged events or alerts are not there once", lost)
	}
	if n := count(t, l.pool, "event"); n != d.total() {
		t.Errorf("%d events are recorded, %d were acknowledged", n, d.total())
	}
	if n := count(t, l.pool, "idempotency"); n != len(d.events)+len(d.batches) {
		t.Errorf("%d keys are kept, %d were acknowledged", n, len(d.events)+len(d.batches))
	}
	auditLedger(t, l.pool).clean(t)
}

func postmaster(t *testing.T, data string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// cutConn is a connection that breaks, now and then, between a commit and the answer to it.
type cutConn struct {
	net.Conn
	cut func() bool
}

func (c cutConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if bytes.Contains(p[:n], []byte("COMMIT\x00")) && c.cut() {
		_ = c.Close() // it is broken
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// lossy is a pool that loses one answer in four to a commit.
func lossy(t *testing.T, url string) (pool *pgxpool.Pool, lost *atomic.Int64) {
	t.Helper()
	lost = &atomic.Int64{}
	config := openPool(t, url).Config()
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return cutConn{conn, func() bool {
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

// TestAnswersLost loses the answer to one commit in four. With keys every event is there once; without them, as the negative control, what is
// tried again is there twice.
func TestAnswersLost(t *testing.T) {
	for _, keys := range []bool{true, false} {
		t.Run(fmt.Sprint("keys ", keys), func(t *testing.T) {
			pool, lost := lossy(t, pgtest.Database(t))
			l := New(pool, nil)
			d := &diary{events: map[string]Result{}, batches: map[string]int{}}
			ctx, stop := context.WithCancel(t.Context())
			written := make(chan struct{})
			go func() {
				defer close(written)
				atOnce(8, func(writer int) { d.write(ctx, t, l, writer, keys) })
			}()
			await(t, "answers to be lost", func() bool { return lost.Load() >= 15 })
			stop()
			<-written
			idle(t, l)
			n := value[int](t, pool, "SELECT count(*) FROM event")
			t.Logf("%d answers were lost, %d tries replayed; %d events were acknowledged, %d are recorded", lost.Load(), d.replayed, d.total(), n)
			if keys {
				d.check(t, l)
			} else if n <= d.total() {
				t.Error("without keys nothing is there twice: this test shows nothing")
			}
		})
	}
}
