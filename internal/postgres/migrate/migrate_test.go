package migrate_test

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	gomigrate "github.com/golang-migrate/migrate/v4"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"labledger/internal/pgtest"
	"labledger/internal/postgres/migrate"
)

// files is a file system with the given names and contents, and files that are no migrations.
func files(content map[string]string) fstest.MapFS {
	f := fstest.MapFS{
		"embed.go":      {Data: []byte("package schema")},
		"mock_data.sql": {Data: []byte("not SQL")},
	}
	for name, text := range content {
		f[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return f
}

var three = map[string]string{
	"000001_first.up.sql":    "CREATE TABLE first (n int); -- ends in a comment",
	"000001_first.down.sql":  "DROP TABLE first",
	"000002_second.up.sql":   "CREATE TABLE second (n int); CREATE FUNCTION two() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 2; END $$;",
	"000002_second.down.sql": "DROP FUNCTION two; DROP TABLE second;",
	"000003_index.up.sql":    "CREATE INDEX CONCURRENTLY first_n ON first (n)",
	"000003_index.down.sql":  "DROP INDEX CONCURRENTLY first_n",
}

func with(name, text string) fstest.MapFS {
	all := maps.Clone(three)
	all[name] = text
	return files(all)
}

// tables lists what the migrations made.
const tables = "SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '') FROM pg_class WHERE relname IN ('first', 'first_n', 'second', 'third')"

func TestUp_afterDown(t *testing.T) {
	t.Parallel()
	url, f := pgtest.Database(t), files(three)
	up := func(f fs.FS) (uint, uint, error) { return migrate.Up(t.Context(), url, f) }
	down := func(n int) func(fs.FS) (uint, uint, error) {
		return func(f fs.FS) (uint, uint, error) { return migrate.Down(t.Context(), url, f, n) }
	}
	for i, c := range []struct {
		do       func(fs.FS) (uint, uint, error)
		from, to uint
		left     string
	}{
		{up, 0, 3, "first first_n second"},
		{up, 3, 3, "first first_n second"},
		{down(2), 3, 1, "first"},
		{up, 1, 3, "first first_n second"},
		{down(0), 3, 0, ""},
		{down(0), 0, 0, ""},
		{up, 0, 3, "first first_n second"},
		{down(9), 3, 0, ""},
		{up, 0, 3, "first first_n second"},
	} {
		from, to, err := c.do(f)
		if err != nil || from != c.from || to != c.to {
			t.Fatalf("step %d: from %d to %d, %v; want from %d to %d", i, from, to, err, c.from, c.to)
		}
		pgtest.WantValue(t, url, tables, c.left)
	}

	more := with("000004_third.up.sql", "CREATE TABLE third (n int)")
	status, err := migrate.Status(t.Context(), url, more)
	if err != nil || status.Version != 3 || status.Dirty || len(status.Files) != 4 ||
		status.Files[2] != (migrate.Migration{Version: 3, Name: "index", Applied: true}) ||
		status.Files[3] != (migrate.Migration{Version: 4, Name: "third", Applied: false}) {
		t.Errorf("status %+v, %v", status, err)
	}
}

func TestUp_withoutFiles(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	from, to, err := migrate.Up(t.Context(), url, files(nil))
	if err != nil || from != 0 || to != 0 {
		t.Error(from, to, err)
	}
	if from, to, err = migrate.Down(t.Context(), url, files(nil), 0); err != nil || from != 0 || to != 0 {
		t.Error(from, to, err)
	}
}

func TestUp_concurrent(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, to, err := migrate.Up(t.Context(), url, files(three)); err != nil || to != 3 {
				t.Errorf("to %d, %v", to, err)
			}
		})
	}
	all.Wait()
	pgtest.WantValue(t, url, tables, "first first_n second")
}

func TestUp_rollsBackFailedStep(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	broken := with("000004_third.up.sql", "CREATE TABLE third (n int);\nSELECT no_such_column;")
	from, to, err := migrate.Up(t.Context(), url, broken)
	if from != 0 || to != 3 {
		t.Errorf("from %d to %d, want 0 to 3", from, to)
	}
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || !strings.Contains(err.Error(), "version 4 (third)") || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("got %v, want the file, the line and Postgres's error", err)
	}
	pgtest.WantValue(t, url, tables, "first first_n second")
	pgtest.WantValue(t, url, "SELECT version::text || dirty FROM schema_migrations", "3false")

	// A way down that fails is undone just the same, and the way up goes on from there.
	broken = with("000002_second.down.sql", "DROP TABLE second; SELECT no_such_column")
	if from, to, err = migrate.Down(t.Context(), url, broken, 0); err == nil || from != 3 || to != 2 {
		t.Errorf("from %d to %d, %v; want from 3 to 2 and an error", from, to, err)
	}
	pgtest.WantValue(t, url, tables, "first second")
	if _, to, err = migrate.Up(t.Context(), url, with("000004_third.up.sql", "CREATE TABLE third (n int)")); err != nil || to != 4 {
		t.Errorf("to %d, %v", to, err)
	}
}

// golangMigrateUp migrates as golang-migrate does by itself.
func golangMigrateUp(t *testing.T, url string, f fs.FS) error {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*cfg)
	defer db.Close()
	driver, err := migratepgx.WithInstance(db, &migratepgx.Config{})
	if err != nil {
		t.Fatal(err)
	}
	src, err := iofs.New(f, ".")
	if err != nil {
		t.Fatal(err)
	}
	m, err := gomigrate.NewWithInstance("iofs", src, "pgx5", driver)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	return m.Up()
}

// waitForSleep waits for a migration's pg_sleep to begin.
func waitForSleep(t *testing.T, url string) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		got, err := pgtest.Value(url, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'")
		if err != nil || time.Since(began) > 10*time.Second {
			t.Fatal("no migration sleeps:", err)
		}
		if got != "0" {
			return
		}
	}
}

const terminateSleeper = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"

var sleepingMigration = "CREATE TABLE second (n int); SELECT pg_sleep(20);"

func TestUp_repairsDirtyDatabase(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	ended := make(chan error, 1)
	go func() { ended <- golangMigrateUp(t, url, with("000002_second.up.sql", sleepingMigration)) }()
	waitForSleep(t, url)
	pgtest.WantValue(t, url, terminateSleeper, "true")
	if err := <-ended; err == nil {
		t.Fatal("golang-migrate survived its kill")
	}
	// The negative control: by itself it now refuses for ever.
	var dirty gomigrate.ErrDirty
	if err := golangMigrateUp(t, url, files(three)); !errors.As(err, &dirty) || dirty.Version != 2 {
		t.Fatalf("got %v, want ErrDirty at 2: nothing to heal", err)
	}
	if status, err := migrate.Status(t.Context(), url, files(three)); err != nil || !status.Dirty || status.Files[1].Applied {
		t.Errorf("status %+v, %v; want dirty at 2", status, err)
	}
	from, to, err := migrate.Up(t.Context(), url, files(three))
	if err != nil || from != 1 || to != 3 {
		t.Errorf("from %d to %d, %v; want from 1 to 3", from, to, err)
	}
	pgtest.WantValue(t, url, tables, "first first_n second")

	for _, c := range []struct {
		mark string // as golang-migrate leaves it when cut short on the way
		from uint
	}{
		{"UPDATE schema_migrations SET version = 1, dirty = true", 0},
		{"UPDATE schema_migrations SET version = -1, dirty = true", 1},
	} {
		if _, _, err := migrate.Down(t.Context(), url, files(three), 0); err != nil {
			t.Fatal(err)
		}
		if c.from == 1 {
			pgtest.WantValue(t, url, "CREATE TABLE first (n int)", "")
		}
		pgtest.WantValue(t, url, "INSERT INTO schema_migrations VALUES (1, false); "+c.mark, "")
		if from, to, err := migrate.Up(t.Context(), url, files(three)); err != nil || from != c.from || to != 3 {
			t.Errorf("%s: from %d to %d, %v; want from %d to 3", c.mark, from, to, err, c.from)
		}
	}
}

func TestUp_connectionTerminated(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	slow := with("000002_second.up.sql", sleepingMigration)

	ended := make(chan error, 1)
	go func() {
		_, _, err := migrate.Up(context.Background(), url, slow)
		ended <- err
	}()
	waitForSleep(t, url)
	pgtest.WantValue(t, url, terminateSleeper, "true")
	if err := <-ended; err == nil {
		t.Fatal("it survived its kill")
	}
	pgtest.WantValue(t, url, "SELECT version::text || dirty FROM schema_migrations", "1false")

	// The same when the caller gives up.
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _, err := migrate.Up(ctx, url, slow)
		ended <- err
	}()
	waitForSleep(t, url)

	// One that waits for its turn gives up with its own context.
	short, cancelShort := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancelShort()
	if _, _, err := migrate.Up(short, url, files(three)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	cancel()
	if err := <-ended; err == nil {
		t.Fatal("it went on for a caller that is gone")
	}

	if from, to, err := migrate.Up(t.Context(), url, files(three)); err != nil || from != 1 || to != 3 {
		t.Errorf("from %d to %d, %v; want from 1 to 3", from, to, err)
	}
	pgtest.WantValue(t, url, tables, "first first_n second")
}

func TestUp_rejectsNewerDatabase(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	if _, _, err := migrate.Up(t.Context(), url, with("000005_third.up.sql", "CREATE TABLE third (n int)")); err != nil {
		t.Fatal(err)
	}
	_, _, err := migrate.Up(t.Context(), url, files(three))
	if !errors.Is(err, migrate.ErrNewerDatabase) || !strings.Contains(err.Error(), "knows schema 3, the database is at 5: run a newer labledger") {
		t.Errorf("got %v", err)
	}
	if _, _, err = migrate.Down(t.Context(), url, files(three), 1); !errors.Is(err, migrate.ErrNewerDatabase) {
		t.Errorf("down: got %v", err)
	}
	if status, err := migrate.Status(t.Context(), url, files(three)); err != nil || status.Version != 5 {
		t.Errorf("status %+v, %v", status, err)
	}
}

// TestUp_needsNoRightsWhenUpToDate: a program may run as a role that can only read and write rows.
func TestUp_needsNoRightsWhenUpToDate(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	if _, _, err := migrate.Up(t.Context(), url, files(three)); err != nil {
		t.Fatal(err)
	}
	pgtest.WantValue(t, url, "CREATE ROLE reader LOGIN; GRANT SELECT ON schema_migrations TO reader", "")
	t.Cleanup(func() { pgtest.WantValue(t, url, "DROP OWNED BY reader; DROP ROLE reader", "") })
	asReader := strings.Replace(url, "labledger@", "reader@", 1)
	if from, to, err := migrate.Up(t.Context(), asReader, files(three)); err != nil || from != 3 || to != 3 {
		t.Errorf("from %d to %d, %v", from, to, err)
	}
	if _, _, err := migrate.Up(t.Context(), asReader, with("000004_third.up.sql", "CREATE TABLE third (n int)")); err == nil {
		t.Error("a reader migrated: this test shows nothing")
	}
}

// A role that may not change the schema is told who must, and may start when nothing is to be changed.
func TestUp_asServerRole(t *testing.T) {
	database := pgtest.Database(t)
	server := pgtest.ServerURL(database)
	files := fstest.MapFS{
		"000001_a.up.sql": {Data: []byte("CREATE TABLE change (n int); GRANT SELECT ON schema_migrations, change TO labledger_server")},
	}
	refused := func(what string) {
		t.Helper()
		if _, _, err := migrate.Up(t.Context(), server, files); !errors.Is(err, migrate.ErrNotOwner) {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("an empty database")
	if _, _, err := migrate.Up(t.Context(), database, files); err != nil {
		t.Fatal(err)
	}
	if _, to, err := migrate.Up(t.Context(), server, files); err != nil || to != 1 {
		t.Errorf("a database that is up to date: %d, %v", to, err)
	}
	files["000002_b.up.sql"] = &fstest.MapFile{Data: []byte("ALTER TABLE change ADD COLUMN m int")}
	refused("an older database")
	pgtest.WantValue(t, database, "REVOKE SELECT ON schema_migrations FROM labledger_server; SELECT 'revoked'", "revoked")
	refused("a database whose version it may not read")
}
