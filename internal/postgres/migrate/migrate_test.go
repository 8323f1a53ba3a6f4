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

	gomigrate "github.com/golang-migrate/migrate/v4"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"labledger/internal/pgtest"
	"labledger/internal/postgres/migrate"
)

// files returns a file system with content, by name, and with files that are not migrations.
func files(content map[string]string) fstest.MapFS {
	f := fstest.MapFS{
		"embed.go":          {Data: []byte("package schema")},
		"create_tables.sql": {Data: []byte(`\ir schema.sql`)},
		"mock_data.sql":     {Data: []byte("not SQL")},
	}
	for name, text := range content {
		f[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return f
}

// threeMigrations are three versions; the last one cannot run in a transaction.
var threeMigrations = map[string]string{
	"000001_first.up.sql":   "CREATE TABLE first (n int); -- ends in a comment",
	"000001_first.down.sql": "DROP TABLE first",
	"000002_second.up.sql": "CREATE TABLE second (n int); " +
		"CREATE FUNCTION two() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 2; END $$;",
	"000002_second.down.sql": "DROP FUNCTION two; DROP TABLE second;",
	"000003_index.up.sql":    "CREATE INDEX CONCURRENTLY first_n ON first (n)",
	"000003_index.down.sql":  "DROP INDEX CONCURRENTLY first_n",
}

// with returns threeMigrations with one file added or replaced.
func with(name, text string) fstest.MapFS {
	all := maps.Clone(threeMigrations)
	all[name] = text
	return files(all)
}

// tables lists the tables and indexes of the migrations.
const tables = `
	SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '')
	FROM pg_class
	WHERE relname IN ('first', 'first_n', 'second', 'third')`

func TestUp_afterDown(t *testing.T) {
	t.Parallel()
	url, f := pgtest.Database(t), files(threeMigrations)
	up := func(f fs.FS) (uint, uint, error) { return migrate.Up(t.Context(), url, f) }
	down := func(n int) func(fs.FS) (uint, uint, error) {
		return func(f fs.FS) (uint, uint, error) { return migrate.Down(t.Context(), url, f, n) }
	}
	for i, c := range []struct {
		run      func(fs.FS) (uint, uint, error)
		from, to uint
		tables   string
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
		from, to, err := c.run(f)
		if err != nil || from != c.from || to != c.to {
			t.Fatalf("step %d: from %d to %d, %v; want from %d to %d", i, from, to, err, c.from, c.to)
		}
		pgtest.WantValue(t, url, tables, c.tables)
	}

	more := with("000004_third.up.sql", "CREATE TABLE third (n int)")
	state, err := migrate.Status(t.Context(), url, more)
	if err != nil || state.Version != 3 || state.Dirty || len(state.Files) != 4 ||
		state.Files[2] != (migrate.Migration{Version: 3, Name: "index", Applied: true}) ||
		state.Files[3] != (migrate.Migration{Version: 4, Name: "third", Applied: false}) {
		t.Errorf("state %+v, %v", state, err)
	}
}

func TestUp_withoutFiles(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	from, to, err := migrate.Up(t.Context(), url, files(nil))
	if err != nil || from != 0 || to != 0 {
		t.Errorf("Up: from %d to %d, %v; want from 0 to 0", from, to, err)
	}
	from, to, err = migrate.Down(t.Context(), url, files(nil), 0)
	if err != nil || from != 0 || to != 0 {
		t.Errorf("Down: from %d to %d, %v; want from 0 to 0", from, to, err)
	}
}

func TestUp_concurrent(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, to, err := migrate.Up(t.Context(), url, files(threeMigrations)); err != nil || to != 3 {
				t.Errorf("version %d, %v; want 3", to, err)
			}
		})
	}
	wg.Wait()
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
	if !errors.As(err, &pgErr) || !strings.Contains(err.Error(), "version 4 (third)") ||
		!strings.Contains(err.Error(), "line 2") {
		t.Errorf("got %v, want the migration, the line and Postgres's error", err)
	}
	pgtest.WantValue(t, url, tables, "first first_n second")
	pgtest.WantValue(t, url, "SELECT version::text || dirty FROM schema_migrations", "3false")

	// A failed down migration is rolled back as well, and Up continues from that version.
	broken = with("000002_second.down.sql", "DROP TABLE second; SELECT no_such_column")
	if from, to, err = migrate.Down(t.Context(), url, broken, 0); err == nil || from != 3 || to != 2 {
		t.Errorf("from %d to %d, %v; want from 3 to 2 and an error", from, to, err)
	}
	pgtest.WantValue(t, url, tables, "first second")
	_, to, err = migrate.Up(t.Context(), url, with("000004_third.up.sql", "CREATE TABLE third (n int)"))
	if err != nil || to != 4 {
		t.Errorf("version %d, %v; want 4", to, err)
	}
}

// golangMigrateUp migrates with golang-migrate alone.
func golangMigrateUp(url string, f fs.FS) error {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	db := stdlib.OpenDB(*cfg)
	defer db.Close()
	driver, err := migratepgx.WithInstance(db, &migratepgx.Config{})
	if err != nil {
		return err
	}
	src, err := iofs.New(f, ".")
	if err != nil {
		return err
	}
	m, err := gomigrate.NewWithInstance("iofs", src, "pgx5", driver)
	if err != nil {
		return err
	}
	defer m.Close()
	return m.Up()
}

// waitForSession waits until a session of the database fulfills a condition on pg_stat_activity.
func waitForSession(t *testing.T, url, what, condition string) {
	t.Helper()
	pgtest.WaitFor(t, what, func() bool {
		return pgtest.MustValue(t, url, `SELECT count(*)::text FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND `+condition) != "0"
	})
}

// waitForSleep waits until a migration runs pg_sleep.
func waitForSleep(t *testing.T, url string) {
	t.Helper()
	waitForSession(t, url, "a migration to run pg_sleep", "wait_event = 'PgSleep'")
}

const terminateSleeper = `SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity
	WHERE datname = current_database() AND wait_event = 'PgSleep'`

const sleepingMigration = "CREATE TABLE second (n int); SELECT pg_sleep(3600);"

func TestUp_repairsDirtyDatabase(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	createVersionTable(t, url, versionTableComment)
	done := make(chan error, 1)
	go func() { done <- golangMigrateUp(url, with("000002_second.up.sql", sleepingMigration)) }()
	waitForSleep(t, url)
	pgtest.WantValue(t, url, terminateSleeper, "true")
	if err := <-done; err == nil {
		t.Fatal("golang-migrate succeeded after its connection was terminated")
	}
	// The negative control: golang-migrate rejects the database from now on.
	var dirty gomigrate.ErrDirty
	if err := golangMigrateUp(url, files(threeMigrations)); !errors.As(err, &dirty) || dirty.Version != 2 {
		t.Fatalf("got %v, want ErrDirty at version 2", err)
	}
	state, err := migrate.Status(t.Context(), url, files(threeMigrations))
	if err != nil || !state.Dirty || state.Files[1].Applied {
		t.Errorf("state %+v, %v; want dirty at version 2", state, err)
	}
	from, to, err := migrate.Up(t.Context(), url, files(threeMigrations))
	if err != nil || from != 1 || to != 3 {
		t.Errorf("from %d to %d, %v; want from 1 to 3", from, to, err)
	}
	pgtest.WantValue(t, url, tables, "first first_n second")

	for _, c := range []struct {
		dirty string // what golang-migrate leaves when it is interrupted in Up or Down
		from  uint
	}{
		{"UPDATE schema_migrations SET version = 1, dirty = true", 0},
		{"UPDATE schema_migrations SET version = -1, dirty = true", 1},
	} {
		if _, _, err := migrate.Down(t.Context(), url, files(threeMigrations), 0); err != nil {
			t.Fatal(err)
		}
		if c.from == 1 {
			pgtest.WantValue(t, url, "CREATE TABLE first (n int)", "")
		}
		pgtest.WantValue(t, url, "INSERT INTO schema_migrations VALUES (1, false); "+c.dirty, "")
		if from, to, err := migrate.Up(t.Context(), url, files(threeMigrations)); err != nil || from != c.from || to != 3 {
			t.Errorf("%s: from %d to %d, %v; want from %d to 3", c.dirty, from, to, err, c.from)
		}
	}
}

func TestUp_connectionTerminated(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	slow := with("000002_second.up.sql", sleepingMigration)

	done := make(chan error, 1)
	go func() {
		_, _, err := migrate.Up(context.Background(), url, slow)
		done <- err
	}()
	waitForSleep(t, url)
	pgtest.WantValue(t, url, terminateSleeper, "true")
	if err := <-done; err == nil {
		t.Fatal("Up succeeded after its connection was terminated")
	}
	pgtest.WantValue(t, url, "SELECT version::text || dirty FROM schema_migrations", "1false")

	// Cancelling the context has the same effect.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _, err := migrate.Up(ctx, url, slow)
		done <- err
	}()
	waitForSleep(t, url)

	// A call that waits for the lock returns when its context ends.
	waiterCtx, cancelWaiter := context.WithCancel(context.Background())
	waiterDone := make(chan error, 1)
	go func() {
		_, _, err := migrate.Up(waiterCtx, url, files(threeMigrations))
		waiterDone <- err
	}()
	waitForSession(t, url, "a second call to try the lock", "state = 'idle' AND query LIKE '%pg_try_advisory_lock%'")
	select {
	case err := <-waiterDone:
		t.Fatal("a second call does not wait for the lock:", err)
	default:
	}
	cancelWaiter()
	if err := <-waiterDone; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
	cancel()
	if err := <-done; err == nil {
		t.Fatal("Up succeeded after its context was cancelled")
	}

	if from, to, err := migrate.Up(t.Context(), url, files(threeMigrations)); err != nil || from != 1 || to != 3 {
		t.Errorf("from %d to %d, %v; want from 1 to 3", from, to, err)
	}
	pgtest.WantValue(t, url, tables, "first first_n second")
}

func TestUp_rejectsNewerDatabase(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	newer := with("000005_third.up.sql", "CREATE TABLE third (n int)")
	if _, _, err := migrate.Up(t.Context(), url, newer); err != nil {
		t.Fatal(err)
	}
	_, _, err := migrate.Up(t.Context(), url, files(threeMigrations))
	const message = "knows schema version 3, the database is at 5: run a newer labledger"
	if !errors.Is(err, migrate.ErrNewerDatabase) || !strings.Contains(err.Error(), message) {
		t.Errorf("Up: got %v, want ErrNewerDatabase with both versions", err)
	}
	if _, _, err = migrate.Down(t.Context(), url, files(threeMigrations), 1); !errors.Is(err, migrate.ErrNewerDatabase) {
		t.Errorf("Down: got %v, want ErrNewerDatabase", err)
	}
	state, err := migrate.Status(t.Context(), url, files(threeMigrations))
	if err != nil || state.Version != 5 {
		t.Errorf("Status: got %+v, %v; want version 5", state, err)
	}
}

// TestUp_needsNoRightsWhenUpToDate uses a role that may only read the version.
func TestUp_needsNoRightsWhenUpToDate(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	if _, _, err := migrate.Up(t.Context(), url, files(threeMigrations)); err != nil {
		t.Fatal(err)
	}
	pgtest.WantValue(t, url, "CREATE ROLE reader LOGIN; GRANT SELECT ON schema_migrations TO reader", "")
	t.Cleanup(func() { pgtest.WantValue(t, url, "DROP OWNED BY reader; DROP ROLE reader", "") })
	asReader := strings.Replace(url, "labledger@", "reader@", 1)
	from, to, err := migrate.Up(t.Context(), asReader, files(threeMigrations))
	if err != nil || from != 3 || to != 3 {
		t.Errorf("from %d to %d, %v; want from 3 to 3", from, to, err)
	}
	missing := with("000004_third.up.sql", "CREATE TABLE third (n int)")
	if _, _, err := migrate.Up(t.Context(), asReader, missing); err == nil {
		t.Error("the role may migrate: this test proves nothing")
	}
}

func TestUp_asServerRole(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	server := pgtest.ServerURL(database)
	files := fstest.MapFS{
		"000001_a.up.sql": {Data: []byte(
			"CREATE TABLE change (n int); GRANT SELECT ON schema_migrations, change TO labledger_server")},
	}
	wantNotOwner := func(situation string) {
		t.Helper()
		if _, _, err := migrate.Up(t.Context(), server, files); !errors.Is(err, migrate.ErrNotOwner) {
			t.Errorf("%s: got %v, want ErrNotOwner", situation, err)
		}
	}
	wantNotOwner("empty database")
	if _, _, err := migrate.Up(t.Context(), database, files); err != nil {
		t.Fatal(err)
	}
	if _, to, err := migrate.Up(t.Context(), server, files); err != nil || to != 1 {
		t.Errorf("database up to date: version %d, %v; want 1", to, err)
	}
	files["000002_b.up.sql"] = &fstest.MapFile{Data: []byte("ALTER TABLE change ADD COLUMN m int")}
	wantNotOwner("missing migration")
	pgtest.WantValue(t, database, "REVOKE SELECT ON schema_migrations FROM labledger_server; SELECT 'revoked'", "revoked")
	wantNotOwner("unreadable version")
}
