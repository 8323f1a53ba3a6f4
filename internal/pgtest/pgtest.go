//go:build unix

// Package pgtest gives tests a real Postgres: one disposable cluster per test binary, and one database per test. It
// must not know what the schema or the seed hold. It never skips a test: a missing Postgres is a failure.
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
	"strconv"
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
	// dirPrefix marks the package's directories. Their paths are short enough for a Unix socket.
	dirPrefix = "labledger-test-"
	// memoryDir is a file system in memory, where the files of a database are created three times as fast as on a disk.
	// It is used while it has minMemory free bytes.
	memoryDir = "/dev/shm"
	minMemory = 8 << 30
	// template is the migrated and seeded database that Database clones.
	template = "template_test"
	// timeout bounds each operation on a cluster or a database.
	timeout = time.Minute
	// startTimeout bounds the start of a cluster: on a loaded machine initdb alone may take half a minute.
	startTimeout = 2 * time.Minute
	// downloadTimeout bounds the download of PostgreSQL on machines without one.
	downloadTimeout = 30 * time.Minute
)

// logger shows only errors, beside the output of a failing test.
var logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))

var (
	cluster *embedded.Cluster
	clones  atomic.Int64
)

// Main runs the tests of a package; TestMain calls only Main. It starts the cluster, applies the migrations in files to
// a template database, calls seed with the template's URL, runs the tests, stops the cluster and exits the
// process. files and seed may be nil. The exit code is 1 when any step fails or the server's log contains a secret.
func Main(m *testing.M, files fs.FS, seed func(ctx context.Context, url string) error) {
	code, err := run(m, files, seed)
	if err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func run(m *testing.M, files fs.FS, seed func(ctx context.Context, url string) error) (code int, err error) {
	postgres.IgnoreEnvironment()
	_ = step(timeout, func(ctx context.Context) error {
		cleanStale(ctx)
		return nil
	})
	if err := step(downloadTimeout, findServer); err != nil {
		return 1, err
	}
	dir, err := newDir()
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	if cluster, err = startCluster(dir); err != nil {
		return 1, err
	}
	defer func() {
		if stopErr := step(timeout, cluster.Stop); err == nil {
			err = stopErr
		}
	}()
	err = step(timeout, func(ctx context.Context) error { return execAdmin(ctx, "CREATE DATABASE "+template) })
	if err != nil {
		return 1, err
	}
	if files != nil {
		err := step(timeout, func(ctx context.Context) error {
			_, _, err := migrate.Up(ctx, databaseURL(template), files)
			return err
		})
		if err != nil {
			return 1, err
		}
	}
	if seed != nil {
		err := step(timeout, func(ctx context.Context) error { return seed(ctx, databaseURL(template)) })
		if err != nil {
			return 1, fmt.Errorf("seed: %w", err)
		}
	}
	return m.Run(), checkLog(filepath.Join(filepath.Dir(cluster.Dir()), "postgres.log"))
}

// findServer downloads PostgreSQL when none is installed, before the shorter timeouts begin. It appends the directory
// to PATH: programs under test have an empty home directory, so they would download it again.
func findServer(ctx context.Context) error {
	binDir, err := embedded.FindServer(ctx, 0)
	if err != nil {
		return err
	}
	return os.Setenv("PATH", os.Getenv("PATH")+string(os.PathListSeparator)+binDir)
}

// step calls run with a timeout.
func step(timeout time.Duration, run func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return run(ctx)
}

func startCluster(dir string) (c *embedded.Cluster, err error) {
	err = step(startTimeout, func(ctx context.Context) (err error) {
		c, err = embedded.StartDisposable(ctx, dir, logger)
		return err
	})
	return c, err
}

// secretPattern matches tokens and password hashes of all packages.
var secretPattern = regexp.MustCompile(`eyJ[\w-]{20}|ll[rk]_[\w-]{20}|\$argon2id\$v=`)

// checkLog returns an error when the server's log contains a secret.
func checkLog(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for line := range bytes.Lines(text) {
		if secretPattern.Match(line) {
			return fmt.Errorf("the log of Postgres contains a secret: %s", line)
		}
	}
	return nil
}

// Cluster returns the cluster that all tests share. Tests that stop or break Postgres use NewCluster.
func Cluster() *embedded.Cluster { return cluster }

// Database returns the URL of a new clone of the template. The clone is dropped when the test ends, even with open
// connections.
func Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", clones.Add(1))
	err := step(timeout, func(ctx context.Context) error {
		return execAdmin(ctx,
			"CREATE DATABASE "+name+" TEMPLATE "+template+" STRATEGY = FILE_COPY",
			// A clone does not inherit privileges on the database itself, which the migrations revoke.
			"REVOKE TEMPORARY ON DATABASE "+name+" FROM PUBLIC")
	})
	if err != nil {
		t.Fatal("pgtest:", err)
	}
	return dropAtCleanup(t, name)
}

// DatabaseWithEncoding returns the URL of a new, empty database with an encoding. The database is dropped when the test
// ends.
func DatabaseWithEncoding(t testing.TB, encoding string) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", clones.Add(1))
	err := step(timeout, func(ctx context.Context) error {
		return execAdmin(ctx, "CREATE DATABASE "+name+" ENCODING '"+encoding+"' LOCALE 'C' TEMPLATE template0")
	})
	if err != nil {
		t.Fatal("pgtest:", err)
	}
	return dropAtCleanup(t, name)
}

// dropAtCleanup drops a database when the test ends, and returns its URL.
func dropAtCleanup(t testing.TB, name string) string {
	t.Helper()
	t.Cleanup(func() {
		err := step(timeout, func(ctx context.Context) error {
			return execAdmin(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
		})
		if err != nil {
			t.Error("pgtest:", err)
		}
	})
	return databaseURL(name)
}

// ServerURL returns the URL of a database for the server's role.
func ServerURL(database string) string {
	u, err := url.Parse(database)
	if err != nil {
		panic(err) // Database returns valid URLs
	}
	u.User = url.User(postgres.ServerRole)
	return u.String()
}

// Pool returns a pool of the owner on a new database, opened as the program opens its own. It is closed when the test
// ends; a connection that is still acquired then is a test error.
func Pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return open(t, Database(t))
}

// Pools returns two pools like Pool on one database: of its owner, and of the server's role.
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
			pool.Close() // waits until all connections are released
			close(closed)
		}()
		select {
		case <-closed:
		case <-time.After(WaitTimeout):
			t.Errorf("pgtest: %d connections of the pool were never released", pool.Stat().AcquiredConns())
		}
	})
	return pool
}

// NewCluster returns a new, empty cluster for tests that stop, kill or reconfigure Postgres. It is stopped and deleted
// when the test ends. Its start takes about two seconds.
func NewCluster(t testing.TB) *embedded.Cluster {
	t.Helper()
	return startClusterIn(t, StateDir(t))
}

// startClusterIn starts a cluster, which is stopped when the test ends.
func startClusterIn(t testing.TB, dir string) *embedded.Cluster {
	t.Helper()
	c, err := startCluster(dir)
	if err != nil {
		t.Fatal("pgtest:", err)
	}
	t.Cleanup(func() {
		if err := step(timeout, c.Stop); err != nil {
			t.Error("pgtest:", err)
		}
	})
	return c
}

// StateDir returns an empty state directory that is deleted when the test ends. Unlike with t.TempDir, the path is
// short, and the user that runs Postgres can enter it.
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
	parent := "/tmp"
	var memory syscall.Statfs_t
	if err := syscall.Statfs(memoryDir, &memory); err == nil && memory.Bavail*uint64(memory.Bsize) >= minMemory {
		parent = memoryDir
	}
	dir, err := os.MkdirTemp(parent, dirPrefix)
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755) // when the tests run as root, Postgres runs as another user
}

// PostmasterPID returns the process ID of the Postgres that runs on a data directory.
func PostmasterPID(t testing.TB, dataDir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dataDir, "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// cleanStale deletes the directories of killed test binaries of the same user and stops their servers. It skips
// directories whose lock is held, and those younger than a minute, which may not be locked yet.
func cleanStale(ctx context.Context) {
	dirs, _ := filepath.Glob("/tmp/" + dirPrefix + "*") // the patterns are valid
	inMemory, _ := filepath.Glob(memoryDir + "/" + dirPrefix + "*")
	for _, dir := range append(dirs, inMemory...) {
		info, err := os.Lstat(dir)
		if err != nil || time.Since(info.ModTime()) < time.Minute ||
			int(info.Sys().(*syscall.Stat_t).Uid) != os.Getuid() {
			continue
		}
		_ = embedded.Remove(ctx, dir, logger) // fails when the directory is in use or damaged
	}
}

// execAdmin runs each statement in the cluster's maintenance database.
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

// databaseURL returns the URL of another database of the cluster.
func databaseURL(name string) string {
	u, err := url.Parse(cluster.URL())
	if err != nil {
		panic(err) // the cluster's URL is valid
	}
	u.Path = "/" + name
	return u.String()
}
