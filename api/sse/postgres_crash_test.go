package sse_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/sse"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/embedded"
)

// A crashTest has a stream on a Postgres of its own, which its methods kill.
type crashTest struct {
	cluster *embedded.Cluster
	pool    *pgxpool.Pool
	server  *server
	events  int // in the ledger
}

// TestStream_survivesPostgresCrash kills Postgres while streams are open. They stay open and miss nothing that is
// written afterwards.
func TestStream_survivesPostgresCrash(t *testing.T) {
	t.Parallel()
	c := crashTest{cluster: pgtest.NewCluster(t)}
	if err := apitest.MigrateAndSeed(t.Context(), c.cluster.URL()); err != nil {
		t.Fatal(err)
	}
	var err error
	if c.pool, err = postgres.Open(t.Context(), c.cluster.URL()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.pool.Close)
	c.server = serve(t, c.pool)
	active := c.server.listen(t, "", "0")
	for range 2 {
		c.crashWhileIdle(t, active)
	}
	c.crashWhileReading(t, active)
	c.stop(t, active)
}

// crashWhileIdle kills Postgres while streams wait for new rows.
func (c *crashTest) crashWhileIdle(t *testing.T, active *sse.Listener) {
	t.Helper()
	wantNext(t, addEvent(t, c.pool, 1), active)
	// The crash loses this transaction ID; the next transaction gets the same one.
	tx, err := c.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	addEvent(t, tx, 1)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	filtered := c.server.listen(t, "?user_id=2", "")
	filtered.Next(t)
	c.kill(t)
	userEvent, otherEvent := addEvent(t, c.pool, 2), addEvent(t, c.pool, 1)
	wantNext(t, userEvent, active, filtered)
	wantNext(t, otherEvent, active)
	filtered.Cancel()
	c.events += 3
}

// crashWhileReading kills Postgres while a client reads more than the network buffers hold. The active stream misses
// nothing either.
func (c *crashTest) crashWhileReading(t *testing.T, active *sse.Listener) {
	t.Helper()
	facts := `{"x": "` + strings.Repeat("x", 100_000) + `"}`
	var large []string
	for range 40 {
		large = append(large, addEventWithFacts(t, c.pool, 1, facts))
		c.events++
	}
	late := c.server.listen(t, "", "0")
	rows, _ := collect(t, late, 1)
	c.kill(t)
	more, _ := collect(t, late, c.events-1)
	rows = slices.Sorted(slices.Values(append(rows, more...)))
	if n := len(slices.Compact(rows)); n != c.events {
		t.Errorf("received %d different rows of %d", n, c.events)
	}
	late.Cancel()
	if rows, _ := collect(t, active, len(large)); !slices.Equal(rows, large) {
		t.Errorf("active stream: got %q, want %q", rows, large)
	}
}

// stop stops Postgres. Open streams get heartbeats, and new ones are rejected.
func (c *crashTest) stop(t *testing.T, open *sse.Listener) {
	t.Helper()
	if err := c.cluster.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	rejected := c.server.listen(t, "", "")
	if rejected.StatusCode != http.StatusServiceUnavailable || rejected.Header.Get("Retry-After") == "" {
		t.Errorf("new stream without a database: %v", rejected.Response)
	}
	for len(open.Messages()) > 0 {
		<-open.Messages()
	}
	for range 3 {
		if m := open.Next(t); m != sse.Heartbeat {
			t.Errorf("open stream without a database: got %+v, want a heartbeat", m)
		}
	}
}

// kill kills Postgres and waits until it has restarted.
func (c *crashTest) kill(t *testing.T) {
	t.Helper()
	killed := c.postmasterPID()
	if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	pgtest.WaitFor(t, "Postgres has restarted", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		pid := c.postmasterPID() // backends of the killed server may still respond for a moment
		return pid > 0 && pid != killed && c.pool.QueryRow(ctx, "SELECT 1").Scan(new(int)) == nil
	})
	c.pool.Reset() // an old backend does not see new rows, so the stream would end as after a restore
}

// postmasterPID returns the process ID of Postgres, or 0 if it is not running.
func (c *crashTest) postmasterPID() int {
	file, _ := os.ReadFile(filepath.Join(c.cluster.Dir(), "postmaster.pid"))
	line, _, _ := strings.Cut(string(file), "\n")
	pid, _ := strconv.Atoi(line)
	return pid
}
