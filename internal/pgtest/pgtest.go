//go:build unix

// Package pgtest gives tests a real Postgres: one disposable cluster for each test binary, and in it a database for each test.
// It must not know what the schema or the seed hold, and it never skips: no Postgres found is a failure.
package pgtest

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/postgres"
	"labledger/internal/postgres/embedded"
	"labledger/internal/postgres/migrate"
)

const (
	// dirPrefix marks our folders in the temporary folder; the path stays short enough for a Unix socket.
	dirPrefix = "labledger-test-"
	// template is the migrated and seeded database that Database clones.
	template = "template_test"
	// timeout bounds each single thing done to a cluster.
	timeout = time.Minute
)

// logger is quiet: only what a failing test's reader needs.
var logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))

var (
	cluster *embedded.Cluster
	clones  atomic.Int64
)

// Main runs the tests of a package: TestMain calls it and nothing else. It starts the cluster, migrates a template database with files
// (nil for none), fills it with seed (nil for none), runs the tests, stops the cluster and exits the process;
// with status 1 and a message when any of that fails, or when the server's log holds a secret.
func Main(m *testing.M, files fs.FS, seed func(ctx context.Context, url string) error) {
	code, err := run(m, files, seed)
	if err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func run(m *testing.M, files fs.FS, seed func(ctx context.Context, url string) error) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	cleanStale(ctx)
	dir, err := newDir()
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	if cluster, err = embedded.StartDisposable(ctx, dir, logger); err != nil {
		return 1, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		if stopErr := cluster.Stop(ctx); err == nil {
			err = stopErr
		}
	}()
	if err := execAdmin(ctx, "CREATE DATABASE "+template); err != nil {
		return 1, err
	}
	if files != nil {
		if _, _, err := migrate.Up(ctx, databaseURL(template), files); err != nil {
			return 1, err
		}
	}
	if seed != nil {
		if err := seed(ctx, databaseURL(template)); err != nil {
			return 1, fmt.Errorf("seed: %w", err)
		}
	}
	return m.Run(), checkLog(filepath.Join(filepath.Dir(cluster.Dir()), "postgres.log"))
}

// secretPattern is what tokens and hashes of passwords look like, in any package.
var secretPattern = regexp.MustCompile(`eyJ[\w-]{20}|ll[rk]_[\w-]{20}|\$argon2id\$v=`)

// checkLog finds secrets in the log of the server that served all tests.
func checkLog(log string) error {
	text, err := os.ReadFile(log)
	if err != nil {
		return err
	}
	for line := range bytes.Lines(text) {
		if secretPattern.Match(line) {
			return fmt.Errorf("a secret is in the log of Postgres: %s", line)
		}
	}
	return nil
}

// Cluster returns the cluster of this run. Tests that stop or break Postgres use Own instead.
func Cluster() *embedded.Cluster { return cluster }

// Database returns the URL of a fresh clone of the template, dropped when the test ends, whoever is still connected.
func Database(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	name := fmt.Sprintf("test_%d", clones.Add(1))
	// A clone is given all that the template holds, but not the rights to the database itself: those of a migrated one.
	if err := execAdmin(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template+" STRATEGY = FILE_COPY", "REVOKE TEMPORARY ON DATABASE "+name+" FROM PUBLIC"); err != nil {
		t.Fatal("pgtest:", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		if err := execAdmin(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error("pgtest:", err)
		}
	})
	return databaseURL(name)
}

// ServerURL is the URL of a database for the role that the server works as.
func ServerURL(database string) string {
	u, err := url.Parse(database)
	if err != nil {
		panic(err) // Database made it
	}
	u.User = url.User(postgres.ServerRole)
	return u.String()
}

// Pool returns a pool, opened as the program opens its own, on a database of the test's own. It is closed when the test ends;
// a connection that the test did not release fails it.
func Pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return open(t, Database(t))
}

// Pools are two Pools on one database: the owner's, and one of the role that the server works as.
func Pools(t testing.TB) (owner, server *pgxpool.Pool) {
	t.Helper()
	database := Database(t)
	return open(t, database), open(t, ServerURL(database))
}

func open(t testing.TB, database string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), database)
	if err != nil {
		t.Fatal("pgtest:", err)
	}
	t.Cleanup(func() {
		closed := make(chan struct{})
		go func() {
			pool.Close() // waits for every connection
			close(closed)
		}()
		select {
		case <-closed:
		case <-time.After(10 * time.Second):
			t.Errorf("pgtest: %d connections of the pool were never released", pool.Stat().AcquiredConns())
		}
	})
	return pool
}

// NewCluster returns a cluster of the test's own, new and empty, stopped and deleted when the test ends: for tests that stop, kill
// or restart Postgres. It takes about two seconds.
func NewCluster(t testing.TB) *embedded.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	own, err := embedded.StartDisposable(ctx, StateDir(t), logger)
	if err != nil {
		t.Fatal("pgtest:", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		if err := own.Stop(ctx); err != nil {
			t.Error("pgtest:", err)
		}
	})
	return own
}

// StateDir returns an empty state directory that is deleted when the test ends. Unlike t.TempDir its path is short
// and the user that Postgres runs as can enter it.
func StateDir(t testing.TB) string {
	t.Helper()
	dir, err := newDir()
	if err != nil {
		t.Fatal("pgtest:", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error("pgtest:", err)
		}
	})
	return dir
}

func newDir() (string, error) {
	dir, err := os.MkdirTemp("/tmp", dirPrefix)
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755) // as root, Postgres runs as another user
}

// cleanStale clears away what test binaries of the same user left when they were killed, their servers included.
// A folder whose lock is held is in use, and one younger than a minute may be about to be.
func cleanStale(ctx context.Context) {
	dirs, _ := filepath.Glob("/tmp/" + dirPrefix + "*") // the pattern is a constant, so there is no error
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || time.Since(info.ModTime()) < time.Minute || int(info.Sys().(*syscall.Stat_t).Uid) != os.Getuid() {
			continue
		}
		// In use, or damaged: not our business.
		_ = embedded.Remove(ctx, dir, logger)
	}
}

// execAdmin runs statements, one by one, in the cluster's maintenance database.
func execAdmin(ctx context.Context, statements ...string) error {
	conn, err := pgx.Connect(ctx, databaseURL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", strings.ToLower(sql), err)
		}
	}
	return nil
}

// Value runs sql in the database at url. It returns the first value of the last statement's result as text, "" for no row.
func Value(url, sql string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil || len(results) == 0 || len(results[len(results)-1].Rows) == 0 {
		return "", err
	}
	return string(results[len(results)-1].Rows[0][0]), nil
}

// WantValue reports a test error unless Value returns want.
func WantValue(t testing.TB, url, sql, want string) {
	t.Helper()
	if got, err := Value(url, sql); err != nil || got != want {
		t.Errorf("%s: got %q, %v; want %q", sql, got, err, want)
	}
}

// databaseURL is the cluster's URL with another database.
func databaseURL(name string) string {
	u, err := url.Parse(cluster.URL())
	if err != nil {
		panic(err) // the cluster made it
	}
	u.Path = "/" + name
	return u.String()
}
