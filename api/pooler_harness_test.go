//go:build pooler

package api_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api"
	"labledger/api/authn"
	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/programtest"
)

// The tests of pooler_test.go need pgbouncer (apt-get install pgbouncer). Run: go test -tags pooler -run Pooler ./api

const (
	poolerMode    = "cache_describe" // the mode that the documentation recommends
	poolerServers = 2                // server connections that all clients share
	poolerClients = 16
	poolerRounds  = 8
	importBytes   = 3 << 19 // one and a half chunks of an import
)

// poolerProgram returns the path of pgbouncer.
func poolerProgram(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/pgbouncer") // not in the PATH of unprivileged users
	}
	if err != nil {
		t.Fatal("pgbouncer is not installed (apt-get install pgbouncer):", err)
	}
	return program
}

// startPooler starts a pgbouncer in transaction mode, unless settings say otherwise, in front of the database at the
// URL direct. It returns the URL of the database behind pgbouncer.
func startPooler(t *testing.T, direct string, settings ...string) string {
	t.Helper()
	u, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "labledger-pooler-") // short, because the path of a socket is limited
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	cmd := exec.Command(poolerProgram(t), writePoolerConfig(t, dir, u, settings))
	cmd.Dir, cmd.Env = dir, []string{"LC_ALL=C"}
	if os.Getuid() == 0 {
		runAsOwner(t, cmd, u.Query().Get("host"), dir)
	}
	exited := launchPooler(t, cmd)
	options := u.Query()
	options.Set("host", dir)
	options.Set("port", "6432")
	u.RawQuery = options.Encode()
	pgtest.WaitFor(t, "pgbouncer to accept connections", func() bool {
		select {
		case <-exited:
			t.Fatal("pgbouncer exited: ", cmd.ProcessState)
		default:
		}
		conn, err := pgx.Connect(t.Context(), u.String())
		if err == nil {
			_ = conn.Close(t.Context())
		}
		return err == nil
	})
	return u.String()
}

// writePoolerConfig writes the configuration for the database at the URL direct. It returns the path of the file.
func writePoolerConfig(t *testing.T, dir string, direct *url.URL, settings []string) string {
	t.Helper()
	path := filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf(`[databases]
%s = host=%s port=%s dbname=%[1]s user=%[4]s
[pgbouncer]
pool_mode = transaction
default_pool_size = %[5]d
max_client_conn = 200
auth_type = any
unix_socket_dir = %[6]s
listen_port = 6432
`, strings.TrimPrefix(direct.Path, "/"), direct.Query().Get("host"), direct.Query().Get("port"),
		direct.User.Username(), poolerServers, dir)
	text += strings.Join(settings, "\n") // the last value counts
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// runAsOwner sets the user of a command to the owner of the socket directory of Postgres, and gives this user the files
// in dir. pgbouncer rejects root, and only the owner can access the socket directory.
func runAsOwner(t *testing.T, cmd *exec.Cmd, socketDir, dir string) {
	t.Helper()
	info, err := os.Stat(socketDir)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(files, dir) {
		if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
}

// launchPooler starts pgbouncer and stops it when the test ends. The channel is closed when it has exited.
func launchPooler(t *testing.T, cmd *exec.Cmd) (exited <-chan struct{}) {
	t.Helper()
	var log programtest.Output
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // callers look at cmd.ProcessState
		close(done)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(pgtest.WaitTimeout):
			_ = cmd.Process.Kill()
			<-done
			t.Error("pgbouncer did not stop")
		}
		if t.Failed() {
			t.Logf("log of pgbouncer:\n%s", &log)
		}
	})
	return done
}

// openPooled opens a connection pool as the program does.
func openPooled(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// onEachServer runs f in a transaction on each connection of pgbouncer to Postgres.
func onEachServer(t *testing.T, pool *pgxpool.Pool, f func(tx pgx.Tx)) {
	t.Helper()
	var open []pgx.Tx // an open transaction occupies its connection, so the next one uses another connection
	for range poolerServers {
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = tx.Rollback(context.Background()) }) // after a failure
		open = append(open, tx)
		f(tx)
	}
	for _, tx := range open {
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// serverConnections inspects each connection of pgbouncer to Postgres. It returns their process IDs and the session
// state that earlier transactions left behind.
func serverConnections(t *testing.T, pool *pgxpool.Pool) (pids []int, leaks []string) {
	t.Helper()
	onEachServer(t, pool, func(tx pgx.Tx) {
		var pid, locks, statements int
		var actor, request, lockTimeout, statementTimeout string
		if err := tx.QueryRow(t.Context(), `SELECT
			pg_backend_pid(),
			coalesce(current_setting('labledger.actor', true), ''),
			coalesce(current_setting('labledger.request_id', true), ''),
			current_setting('lock_timeout'),
			current_setting('statement_timeout'),
			(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
			(SELECT count(*) FROM pg_prepared_statements)`,
		).Scan(&pid, &actor, &request, &lockTimeout, &statementTimeout, &locks, &statements); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(pids, pid) {
			t.Fatalf("two open transactions use server connection %d", pid)
		}
		pids = append(pids, pid)
		hasSettings := actor != "" || request != "" || lockTimeout != "0" || statementTimeout != "0"
		if hasSettings || locks != 0 || statements != 0 {
			leaks = append(leaks, fmt.Sprintf("server connection %d: actor %q, request %q, lock_timeout %s, "+
				"statement_timeout %s, %d advisory locks, %d prepared statements",
				pid, actor, request, lockTimeout, statementTimeout, locks, statements))
		}
	})
	slices.Sort(pids)
	return pids, leaks
}

// newPooledAPI returns an API without authentication whose callers are an actor.
func newPooledAPI(pool *pgxpool.Pool, actor string) http.Handler {
	return api.New(api.Options{
		Pool:    pool,
		Log:     slog.New(slog.DiscardHandler),
		Access:  authn.Options{AnonymousActor: actor},
		Version: "test",
	})
}

// occupyServer occupies a connection of pgbouncer to Postgres until release is called or the test ends. It returns the
// process ID of the connection.
func occupyServer(t *testing.T, pooled string) (pid int, release func()) {
	t.Helper()
	tx, err := pgtest.Connect(t, pooled+"&default_query_exec_mode="+poolerMode).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pgtest.QueryValue[int](t, tx, "SELECT pg_backend_pid()"), func() {
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
