package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api"
	"labledger/internal/apitest"
	"labledger/internal/media"
	"labledger/internal/pgtest"
	"labledger/internal/postgres"
)

// getReadyz requests /readyz.
func getReadyz(ts *apitest.Server) (w *httptest.ResponseRecorder, readiness api.Readiness) {
	ts.Helper()
	w = ts.Send("", "GET", "/readyz", "")
	if err := json.Unmarshal(w.Body.Bytes(), &readiness); err != nil {
		ts.Fatal(err)
	}
	return w, readiness
}

// checkReadyz requests /readyz and compares the status and the checks. A value that ends in … is a prefix.
func checkReadyz(ts *apitest.Server, status int, checks map[string]string) {
	ts.Helper()
	w, got := getReadyz(ts)
	for name, state := range checks {
		if prefix, ok := strings.CutSuffix(state, "…"); ok && strings.HasPrefix(got.Checks[name], prefix) {
			got.Checks[name] = state
		}
	}
	statusText := map[int]string{http.StatusOK: "ready", http.StatusServiceUnavailable: "not ready"}
	if diff := cmp.Diff(api.Readiness{statusText[status], checks}, got); w.Code != status || diff != "" {
		ts.Errorf("status %d, want %d; checks (-want +got):\n%s", w.Code, status, diff)
	}
	if retryAfter := w.Header().Get("Retry-After"); (retryAfter != "") != (status == http.StatusServiceUnavailable) {
		ts.Errorf("status %d has Retry-After %q", w.Code, retryAfter)
	}
}

// TestReadiness_schemaVersion compares versions of the program with versions of the schema. Version 0 accepts any
// schema.
func TestReadiness_schemaVersion(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t, func(o *api.Options) { o.Media = nil })
	current := apitest.Value[int64](ts, "SELECT version FROM schema_migrations")
	programOf := func(version int64) *apitest.Server {
		return ts.NewInstance(func(o *api.Options) { o.Schema = uint(version) })
	}
	healthy := map[string]string{"database": "ok", "schema": "ok", "writable": "ok", "stream": "ok"}
	withSchema := func(schema string) map[string]string {
		return map[string]string{"database": "ok", "schema": schema, "writable": "ok"}
	}

	checkReadyz(ts, http.StatusOK, healthy)
	checkReadyz(programOf(current), http.StatusOK, healthy)

	ts.Exec("UPDATE schema_migrations SET version = 101")
	checkReadyz(programOf(102), http.StatusServiceUnavailable,
		withSchema("too old: the database has version 101, this program requires 102; run labledger migrate up"))
	newer := withSchema("newer: the database has version 101, this program knows 100; update labledger")
	newer["stream"] = "ok"
	checkReadyz(programOf(100), http.StatusOK, newer)
	ts.Exec("UPDATE schema_migrations SET dirty = true")
	checkReadyz(programOf(101), http.StatusServiceUnavailable,
		withSchema("incomplete: the migration to version 101 failed; run labledger migrate up"))

	missing := map[string]string{"database": "ok", "schema": "missing: run labledger migrate up"}
	ts.Exec("DELETE FROM schema_migrations")
	checkReadyz(programOf(current), http.StatusServiceUnavailable, missing)
	ts.Exec("ALTER TABLE schema_migrations RENAME TO elsewhere")
	checkReadyz(programOf(current), http.StatusServiceUnavailable, missing)
	ts.Exec("ALTER TABLE elsewhere RENAME TO schema_migrations")
	ts.Exec("REVOKE SELECT ON schema_migrations FROM labledger_server")
	checkReadyz(programOf(current), http.StatusServiceUnavailable, map[string]string{
		"database": "ok",
		"schema":   "unknown: the role of DATABASE_URL has no permission to read schema_migrations",
	})
}

// TestReadiness_draining: while it shuts down, a server is not ready and runs no other check.
func TestReadiness_draining(t *testing.T) {
	t.Parallel()
	var draining atomic.Bool
	ts := apitest.New(t, func(o *api.Options) { o.Draining = draining.Load })
	ready := map[string]string{"database": "ok", "schema": "ok", "writable": "ok", "stream": "ok", "media": "ok"}
	checkReadyz(ts, http.StatusOK, ready)
	draining.Store(true)
	stopping := map[string]string{"server": "shutting down: …"}
	checkReadyz(ts, http.StatusServiceUnavailable, stopping)
	ts.ServerPool.Close()
	checkReadyz(ts, http.StatusServiceUnavailable, stopping)
	draining.Store(false)
	checkReadyz(ts, http.StatusServiceUnavailable, map[string]string{"database": "unreachable", "media": "ok"})
}

// TestReadiness_mediaDirectory: a server without a usable media directory remains ready, and the check creates no
// directory.
func TestReadiness_mediaDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for mediaDir, state := range map[string]string{
		dir:                              "ok",
		filepath.Join(dir, "not", "yet"): "ok",
		filepath.Join(file, "media"):     "a file exists in place of the directory",
	} {
		ts := apitest.New(t, func(o *api.Options) { o.Media = media.NewStore(mediaDir) })
		checkReadyz(ts, http.StatusOK, map[string]string{
			"database": "ok", "schema": "ok", "writable": "ok", "stream": "ok", "media": state,
		})
	}
	if _, err := os.Stat(filepath.Join(dir, "not")); err == nil {
		t.Error("the check has created the directory")
	}
}

// TestReadiness_replica: a server remains ready if its replica is down or does not respond.
func TestReadiness_replica(t *testing.T) {
	t.Parallel()
	primary := pgtest.NewCluster(t)
	if err := apitest.MigrateAndSeed(t.Context(), primary.URL()); err != nil {
		t.Fatal(err)
	}
	standby := pgtest.NewStandby(t, primary)
	open := func(url string) *pgxpool.Pool {
		pool, err := postgres.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		return pool
	}
	newServer := func(url string) *apitest.Server {
		return apitest.New(t, func(o *api.Options) { o.Media, o.Pool, o.Replica = nil, open(primary.URL()), open(url) })
	}
	// waitForReplica waits for a state of the replica, since some depend on the time. All other checks must pass.
	waitForReplica := func(ts *apitest.Server, state string) {
		t.Helper()
		pgtest.WaitFor(t, "the replica to be "+state, func() bool {
			w, got := getReadyz(ts)
			current := got.Checks["replica"]
			want := map[string]string{"database": "ok", "schema": "ok", "writable": "ok", "stream": "ok", "replica": current}
			if w.Code != http.StatusOK || !maps.Equal(got.Checks, want) {
				t.Fatal(w.Code, w.Body)
			}
			return current == state
		})
	}
	const fallbackNote = "; the primary serves lists"

	waitForReplica(newServer(primary.URL()), "is not a replica"+fallbackNote)
	ts := newServer(standby.URL())
	waitForReplica(ts, "ok") // a slow response makes it unreachable
	if err := standby.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitForReplica(ts, "unreachable"+fallbackNote)

	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections and never responds
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	ts = newServer("postgres://reader@" + silent.Addr().String() + "/lab?sslmode=disable")
	waitForReplica(ts, "unreachable"+fallbackNote)
}

// TestReadiness_streamDelay: the check and the metric show for how long a transaction of this database has held back the
// stream, and the check names it. A transaction of another database holds nothing back.
func TestReadiness_streamDelay(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t, func(o *api.Options) { o.Media, o.Access.AuthRequired = nil, false })
	stream := func() string {
		_, readiness := getReadyz(ts)
		return readiness.Checks["stream"]
	}
	foreign := beginWrite(t, pgtest.Pool(t))
	own := beginWrite(t, ts.Pool)
	pid := pgtest.QueryValue[int](t, own, "SELECT pg_backend_pid()")
	pgtest.Exec(t, ts.Pool, `INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts,
			alert_codes, created_at, actor)
		VALUES (1, gen_random_uuid(), 'deposit', 1, 1, 1, 'medium', 1, '{}', '{}', now() - interval '400 seconds', 'ann')`)
	want := fmt.Sprintf("waits for the transaction of process %d (role labledger, application labledger)", pid)
	if got := stream(); !strings.HasPrefix(got, "withholds rows for 4") || !strings.HasSuffix(got, want) {
		t.Errorf("stream: %q", got)
	}
	if got, err := strconv.ParseFloat(scrape(t, ts)["labledger_stream_delay_seconds"], 64); err != nil || got < 400 {
		t.Errorf("the metric is %v, %v; want at least 400", got, err)
	}
	if err := own.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, metric := stream(), scrape(t, ts)["labledger_stream_delay_seconds"]; got != "ok" || metric != "0" {
		t.Errorf("after the commit: %q, the metric is %s; want ok and 0", got, metric)
	}
	if err := foreign.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// beginWrite begins a transaction that has a transaction ID.
func beginWrite(t *testing.T, pool *pgxpool.Pool) pgx.Tx {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) }) // after a failure
	pgtest.Exec(t, tx, "SELECT pg_current_xact_id()")
	return tx
}
