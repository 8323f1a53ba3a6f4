package schema_test

import (
	"errors"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

// psqlFile runs a file with psql, as a developer does, and returns its output and exit code. It may be called from any
// goroutine.
func psqlFile(t *testing.T, url, file string, args ...string) (output string, exitCode int) {
	t.Helper()
	psql, err := postgres.FindClient("psql", 0)
	if err != nil {
		t.Error(err)
		return "", -1
	}
	target, password, options := postgres.ForLibpq(url)
	command := osexec.Command(psql, append([]string{"-X", "-f", file, "-d", target}, args...)...)
	command.Env = postgres.ClientEnv(password, options)
	out, err := command.CombinedOutput()
	var exit *osexec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Error(err)
		return "", -1
	}
	return string(out), command.ProcessState.ExitCode()
}

// wantCreated checks that create_tables.sql succeeds and prints nothing.
func wantCreated(t *testing.T, url string, args ...string) {
	t.Helper()
	if out, code := psqlFile(t, url, "create_tables.sql", args...); code != 0 || out != "" {
		t.Errorf("create_tables.sql: exit code %d, output %s", code, out)
	}
}

// wantRefused checks that create_tables.sql fails with a message and changes nothing.
func wantRefused(t *testing.T, url, message string, args ...string) {
	t.Helper()
	before := contents(t, url)
	out, code := psqlFile(t, url, "create_tables.sql", args...)
	if code != 3 || !strings.Contains(out, message) {
		t.Errorf("exit code %d, want 3; the output must contain %q:\n%s", code, message, out)
	}
	if after := contents(t, url); after != before {
		t.Errorf("the database was changed from\n%s\nto\n%s", before, after)
	}
}

// contents returns the objects and rows of a database.
func contents(t *testing.T, url string) string {
	t.Helper()
	pool := pgtest.Connect(t, url)
	lines := queryStrings(t, pool, catalogQuery)
	for _, table := range queryStrings(t, pool,
		`SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1`) {
		lines = append(lines, table)
		lines = append(lines, queryStrings(t, pool, "SELECT t::text FROM "+table+" AS t ORDER BY 1")...)
	}
	return strings.Join(lines, "\n")
}

// objects returns the schema of a database, without rows.
func objects(t *testing.T, url string) string {
	t.Helper()
	return strings.Join(queryStrings(t, pgtest.Connect(t, url), installedQuery), "\n")
}

// TestCreateTables runs the documented commands on each state of a database.
func TestCreateTables(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	migrated := objects(t, url)

	wantCreated(t, url) // the template has the mock data
	pgtest.WantValue(t, url, "SELECT count(*) FROM site", "0")
	if got := objects(t, url); got != migrated {
		t.Errorf("another schema:\n%s\n--- migrated:\n%s", got, migrated)
	}
	for range 2 {
		if out, code := psqlFile(t, url, "mock_data.sql", "-q"); code != 0 || out != "" {
			t.Errorf("mock_data.sql: exit code %d, output %s", code, out)
		}
		pgtest.WantValue(t, url, "SELECT string_agg(id || ' ' || name, ', ' ORDER BY id) FROM site",
			"1 Site 1, 2 Site 2, 3 Site 3")
	}
	pgtest.WantValue(t, url, "SELECT string_agg(DISTINCT actor, ', ') FROM change WHERE table_name <> 'rule'",
		"os:mock data")
	wantCreated(t, url)
	wantCreated(t, url)

	// The server accepts the result as migrated.
	if from, to, err := migrate.Up(t.Context(), url, schema.Files); err != nil || from != to {
		t.Errorf("the server migrates the created schema: %d to %d, %v", from, to, err)
	}
}

func TestCreateTables_emptyDatabase(t *testing.T) {
	t.Parallel()
	url := emptyDatabase(t)
	wantCreated(t, url)
	if got, want := objects(t, url), objects(t, pgtest.Database(t)); got != want {
		t.Errorf("another schema:\n%s\n--- migrated:\n%s", got, want)
	}
}

// emptyDatabase returns the URL of a new database without tables.
func emptyDatabase(t *testing.T) string {
	t.Helper()
	url := pgtest.Database(t)
	if _, _, err := migrate.Down(t.Context(), url, schema.Files, 0); err != nil {
		t.Fatal(err)
	}
	pgtest.ExecScript(t, url, "DROP TABLE schema_migrations")
	return url
}

// What people made is dropped only with force=1.
func TestCreateTables_refuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ sql, message string }{
		"update": {"UPDATE site SET contact = 'Ada' WHERE id = 2",
			"people made 1 changes and recorded 0 events"},
		"insert and delete": {"INSERT INTO site (name) VALUES ('Site 4'); DELETE FROM site WHERE name = 'Site 4'",
			"people made 2 changes and recorded 0 events"},
		"rule": {"UPDATE rule SET title = 'Other' WHERE code = (SELECT min(code) FROM rule)",
			"people made 1 changes and recorded 0 events"},
		"caller of the API": {"SET labledger.actor = 'Bob'; UPDATE site SET contact = 'Ada' WHERE id = 2",
			"people made 1 changes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Database(t)
			pgtest.ExecScript(t, url, c.sql)
			wantRefused(t, url, c.message)
			wantRefused(t, url, "psql -v force=1 drops them", "-v", "force=0")
			wantCreated(t, url, "-v", "force=1")
			pgtest.WantValue(t, url, "SELECT count(*) FROM change WHERE table_name <> 'rule'", "0")
			wantCreated(t, url)
		})
	}
}

// create_tables.sql never touches tables that it does not know.
func TestCreateTables_foreignObjects(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.ExecScript(t, url, `
		CREATE TABLE foreign_table AS SELECT 7 AS n;
		CREATE FUNCTION foreign_function() RETURNS int LANGUAGE sql RETURN 8`)
	wantCreated(t, url)
	pgtest.WantValue(t, url, "SELECT n + foreign_function() FROM foreign_table", "15")
	pgtest.WantValue(t, url, "SELECT similarity('site', 'site')", "1")

	pgtest.ExecScript(t, url, "UPDATE schema_migrations SET version = version - 1")
	wantRefused(t, url, "Run labledger migrate up first")
	wantRefused(t, url, "Run labledger migrate up first", "-v", "force=1")

	other := emptyDatabase(t)
	pgtest.ExecScript(t, other, `
		CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);
		INSERT INTO schema_migrations VALUES (9, false)`)
	wantRefused(t, other, "another version of the schema", "-v", "force=1")
}

// A writer that is still open when create_tables.sql starts is counted if it commits.
func TestCreateTables_waitsForWriters(t *testing.T) {
	t.Parallel()
	for _, commits := range []bool{true, false} {
		url := pgtest.Database(t)
		observer, writer := pgtest.Connect(t, url), pgtest.Connect(t, url)
		mustExec(t, writer, "BEGIN")
		mustExec(t, writer, "INSERT INTO site (name) VALUES ('Site 4')")
		type result struct {
			output string
			code   int
		}
		done := make(chan result, 1)
		go func() {
			output, code := psqlFile(t, url, "create_tables.sql")
			done <- result{output, code}
		}()
		pgtest.WaitForLockWait(t, observer)
		if commits {
			mustExec(t, writer, "COMMIT")
			if got := <-done; got.code != 3 || !strings.Contains(got.output, "people made 1 changes") {
				t.Errorf("after a commit: %+v", got)
			}
			pgtest.WantValue(t, url, "SELECT count(*) FROM site", "4")
		} else {
			mustExec(t, writer, "ROLLBACK")
			if got := <-done; got.code != 0 {
				t.Errorf("after a rollback: %+v", got)
			}
			pgtest.WantValue(t, url, "SELECT count(*) FROM site", "0")
		}
	}
}

// The control of TestCreateTables_waitsForWriters: without the lock, the writer's row is dropped.
func TestCreateTables_withoutLock(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("create_tables.sql")
	if err != nil {
		t.Fatal(err)
	}
	const lock = "LOCK TABLE change, event IN ACCESS EXCLUSIVE MODE;"
	if strings.Count(string(text), lock) != 1 {
		t.Fatalf("create_tables.sql does not contain %q", lock)
	}
	files, err := filepath.Glob("*.sql")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, file := range files {
		absolute, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(absolute, filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	unlocked := filepath.Join(dir, "unlocked.sql")
	if err := os.WriteFile(unlocked, []byte(strings.Replace(string(text), lock, "", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	url := pgtest.Database(t)
	observer, writer := pgtest.Connect(t, url), pgtest.Connect(t, url)
	mustExec(t, writer, "BEGIN")
	mustExec(t, writer, "INSERT INTO site (name) VALUES ('Site 4')")
	done := make(chan int, 1)
	go func() {
		_, code := psqlFile(t, url, unlocked)
		done <- code
	}()
	pgtest.WaitForLockWait(t, observer) // for the tables that it drops, after the check
	mustExec(t, writer, "COMMIT")
	if code := <-done; code != 0 {
		t.Errorf("exit code %d: TestCreateTables_waitsForWriters proves nothing", code)
	}
}
