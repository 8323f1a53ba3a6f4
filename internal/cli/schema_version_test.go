package cli_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"labledger/internal/pgtest"
	"labledger/schema"
)

// newestVersion returns the schema version that the program needs.
func newestVersion(t *testing.T) int {
	t.Helper()
	files, err := fs.Glob(schema.Files, "*.up.sql")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// schemaState returns the schema version of a database, and a digest of its tables, functions, history and passwords.
// It changes if a command migrates the database or writes to it.
func schemaState(t *testing.T, url string) string {
	t.Helper()
	return mustValue(t, url, `
		SELECT concat_ws(' ', (SELECT version FROM schema_migrations), md5(concat(
			(SELECT string_agg(oid::regclass::text, ' ' ORDER BY oid) FROM pg_class),
			(SELECT string_agg(oid::regprocedure::text, ' ' ORDER BY oid) FROM pg_proc),
			(SELECT string_agg(change::text, ' ' ORDER BY id) FROM change),
			(SELECT string_agg(credential::text, ' ' ORDER BY account_id) FROM credential))))`)
}

// previousSchema returns the environment of commands on a database with mock data whose schema is one version old.
func previousSchema(t *testing.T) (env []string) {
	t.Helper()
	env = migrated(t, true)
	mustRun(t, env, "", "migrate", "down")
	return env
}

// Commands that need the schema of the program change nothing on an older one and name the fix.
func TestCommands_rejectPreviousSchema(t *testing.T) {
	t.Parallel()
	needed := newestVersion(t)
	want := []string{
		fmt.Sprintf("at version %d,", needed-1), fmt.Sprintf("needs version %d:", needed), "`labledger migrate up`",
	}
	env := previousSchema(t)
	before := schemaState(t, databaseURL(env))
	for _, command := range []string{
		"export sites", "import sites -", "replay", "ledger verify", "ledger rebuild", "user list",
		"user create ada --no-password", "user password Bob", "user role Bob admin", "user risk Bob low",
		"user disable Bob", "user enable Bob",
	} {
		r := run(t, env, password+"\n", strings.Fields(command)...)
		if r.Code != 1 || r.Stdout != "" {
			t.Errorf("%s: exit code %d, want 1; standard output %q", command, r.Code, r.Stdout)
		}
		assertContains(t, r.Stderr, want...)
		assertEqual(t, "schema after "+command, schemaState(t, databaseURL(env)), before)
	}

	execScript(t, databaseURL(env), "UPDATE schema_migrations SET dirty = true")
	assertContains(t, mustFail(t, env, "", "export", "sites"), "interrupted", want[2])

	empty := []string{"DATABASE_URL=" + pgtest.Database(t)}
	assertContains(t, mustFail(t, empty, "", "export", "sites"), "at version 0,", want[2])
}

// Commands that work on any schema do not migrate.
func TestCommands_keepPreviousSchema(t *testing.T) {
	t.Parallel()
	env := previousSchema(t)
	before := schemaState(t, databaseURL(env))
	backup := filepath.Join(t.TempDir(), "old.dump")
	for _, args := range [][]string{
		{"psql", "-Atc", "SELECT"}, {"migrate", "status"}, {"backup", "--no-verify", backup},
	} {
		mustRun(t, env, "", args...)
		assertEqual(t, "schema after "+args[0], schemaState(t, databaseURL(env)), before)
	}
	t.Run("restore migrates the old backup", func(t *testing.T) {
		restored := emptyDatabase(t)
		mustRun(t, []string{"DATABASE_URL=" + restored}, "", "restore", backup)
		assertVersion(t, restored, newestVersion(t))
	})
}

// A newer schema is compatible: during a rolling upgrade, commands of the old program work.
func TestCommands_acceptNewerSchema(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	execScript(t, databaseURL(env), "UPDATE schema_migrations SET version = version + 1")
	assertContains(t, mustRun(t, env, "", "export", "sites"), "Site 1")
	assertContains(t, mustFail(t, env, "", "migrate", "up"), "newer than this program")
}

// After a restore with pg_restore, the history has transaction IDs of another cluster, which an export must not skip.
func TestExport_restoredHistory(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	want := mustRun(t, env, "", "export", "changes")
	assertContains(t, want, "Site 1")
	execScript(t, databaseURL(env), `SET session_replication_role = replica;
		UPDATE change SET xid = xid + 1000000000000`)
	assertEqual(t, "history after a restore", mustRun(t, env, "", "export", "changes"), want)
}

func TestCommands_migratePreviousSchema(t *testing.T) {
	t.Parallel()
	for name, command := range map[string]func(t *testing.T, env []string){
		"migrate up": func(t *testing.T, env []string) { mustRun(t, env, "", "migrate", "up") },
		"seed":       func(t *testing.T, env []string) { mustRun(t, env, "", "seed") },
		"serve":      func(t *testing.T, env []string) { startServer(t, env...).Get("/site/1", http.StatusOK) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := previousSchema(t)
			command(t, env)
			assertVersion(t, databaseURL(env), newestVersion(t))
		})
	}
}

// The embedded Postgres of an older program is treated like any other database.
func TestCommands_keepPreviousSchemaOfEmbeddedPostgres(t *testing.T) {
	t.Parallel()
	env := []string{"STATE_DIR=" + stateDir(t)}
	version := func() string {
		t.Helper()
		return mustRun(t, env, "", "psql", "-Atc", "SELECT version FROM schema_migrations")
	}
	needed := newestVersion(t)
	assertEqual(t, "version after the first command", version(), fmt.Sprintln(needed))
	mustRun(t, env, "", "migrate", "down")
	assertEqual(t, "version after migrate down and psql", version(), fmt.Sprintln(needed-1))
	assertContains(t, mustFail(t, env, "", "export", "sites"), "`labledger migrate up`")
	assertEqual(t, "version after export", version(), fmt.Sprintln(needed-1))
	mustRun(t, env, "", "migrate", "up")
	assertContains(t, mustRun(t, env, "", "export", "sites"), "Site 1")
}

// assertVersion fails the test unless the schema of a database has a version.
func assertVersion(t *testing.T, url string, want int) {
	t.Helper()
	assertEqual(t, "schema version", mustValue(t, url, "SELECT version::text FROM schema_migrations"), fmt.Sprint(want))
}
