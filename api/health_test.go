package api

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"labledger/internal/media"
	"labledger/internal/pgtest"
	"labledger/internal/postgres"
)

// readyz asks, and compares what was checked. A value that ends in … stands for a beginning.
func (l *lab) readyz(status int, checks map[string]string) {
	l.Helper()
	w := l.ask("", "GET", "/readyz", "")
	var got Readiness
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		l.Fatal(err)
	}
	for name, state := range checks {
		if start, cut := strings.CutSuffix(state, "…"); cut && strings.HasPrefix(got.Checks[name], start) {
			got.Checks[name] = state
		}
	}
	words := map[int]string{http.StatusOK: "ready", http.StatusServiceUnavailable: "not ready"}
	if diff := cmp.Diff(Readiness{words[status], checks}, got); w.Code != status || diff != "" {
		l.Errorf("status %d, want %d; checks (-want +got):\n%s", w.Code, status, diff)
	}
	if again := w.Header().Get("Retry-After"); (again != "") != (status == http.StatusServiceUnavailable) {
		l.Errorf("status %d with Retry-After %q", w.Code, again)
	}
}

func TestReadinessOfTheSchema(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { o.Media = nil })
	at := scan[int64](l, "SELECT version FROM schema_migrations")
	program := func(version int64) *lab {
		other := *l
		other.options.Schema = uint(version)
		return other.twin()
	}
	good := map[string]string{"database": "ok", "schema": "ok", "writable": "ok"}
	with := func(schema string) map[string]string {
		return map[string]string{"database": "ok", "schema": schema, "writable": "ok"}
	}

	l.readyz(http.StatusOK, good) // whatever it is
	program(at).readyz(http.StatusOK, good)

	l.exec("UPDATE schema_migrations SET version = 101")
	program(102).readyz(http.StatusServiceUnavailable, with("too old: the database is at 101, this program needs 102; run labledger migrate up"))
	program(100).readyz(http.StatusOK, with("newer: the database is at 101, this program knows 100; run a newer labledger"))
	l.exec("UPDATE schema_migrations SET dirty = true")
	program(101).readyz(http.StatusServiceUnavailable, with("broken off at 101: run labledger migrate up"))

	missing := map[string]string{"database": "ok", "schema": "missing: run labledger migrate up"}
	l.exec("DELETE FROM schema_migrations")
	program(at).readyz(http.StatusServiceUnavailable, missing)
	l.exec("ALTER TABLE schema_migrations RENAME TO elsewhere")
	program(at).readyz(http.StatusServiceUnavailable, missing)
	l.exec("ALTER TABLE elsewhere RENAME TO schema_migrations; REVOKE SELECT ON schema_migrations FROM labledger_server")
	program(at).readyz(http.StatusServiceUnavailable, map[string]string{"database": "ok", "schema": "unknown: the role of DATABASE_URL may not read schema_migrations"})
}

// A server that stops says so, and asks nobody else.
func TestReadinessOfAServerThatStops(t *testing.T) {
	t.Parallel()
	var stops atomic.Bool
	l := newLab(t, func(o *Options) { o.Draining = stops.Load })
	fine := map[string]string{"database": "ok", "schema": "ok", "writable": "ok", "media": "ok"}
	l.readyz(http.StatusOK, fine)
	stops.Store(true)
	stopping := map[string]string{"server": "stopping: …"}
	l.readyz(http.StatusServiceUnavailable, stopping)
	l.work.Close()
	l.readyz(http.StatusServiceUnavailable, stopping)
	stops.Store(false)
	l.readyz(http.StatusServiceUnavailable, map[string]string{"database": "cannot be reached", "media": "ok"})
}

// Without its folder of files a server still answers almost everything.
func TestReadinessOfTheFolderOfFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for folder, state := range map[string]string{dir: "ok", filepath.Join(dir, "not", "yet"): "ok", filepath.Join(file, "media"): "a file exists in place of the directory"} {
		l := newLab(t, func(o *Options) { o.Media = media.NewStore(folder) })
		l.readyz(http.StatusOK, map[string]string{"database": "ok", "schema": "ok", "writable": "ok", "media": state})
	}
	if _, err := os.Stat(filepath.Join(dir, "not")); err == nil {
		t.Error("to check the folder has made it")
	}
}

// A replica that is down, or does not answer, does not make a server unready, nor keep who asks waiting.
func TestReadinessOfTheReplica(t *testing.T) {
	t.Parallel()
	own := pgtest.NewCluster(t)
	if err := migrateAndSeed(t.Context(), own.URL()); err != nil {
		t.Fatal(err)
	}
	reads := func(url string) *lab {
		pool, err := postgres.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		return newLab(t, func(o *Options) { o.Media, o.Replica = nil, pool })
	}
	with := func(state string) map[string]string {
		return map[string]string{"database": "ok", "schema": "ok", "writable": "ok", "replica": state}
	}
	const meanwhile = "; lists are read from the primary meanwhile"

	l := reads(own.URL())
	l.readyz(http.StatusOK, with("ok"))
	if err := own.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.readyz(http.StatusOK, with("cannot be reached"+meanwhile))
	token := l.apiToken(l.account("reader", viewer), viewer)
	l.good(token, "GET", "/sites", "")
	l.readyz(http.StatusOK, with("failed a moment ago, and is left alone for 10s"+meanwhile))

	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and never says a word
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	l = reads("postgres://somebody@" + silent.Addr().String() + "/lab?sslmode=disable")
	began := time.Now()
	l.readyz(http.StatusOK, with("cannot be reached"+meanwhile))
	if took := time.Since(began); took > replicaTime+time.Second {
		t.Errorf("a replica that does not answer kept it waiting for %s", took)
	}
}
