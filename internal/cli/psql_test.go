package cli_test

import (
	"net/http"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

const instrumentTable = ` site_id | site_name | computer_id | freezer_id |    name    
---------+-----------+-------------+------------+------------
       1 | Site 1    |           1 |            | Computer 1
       1 | Site 1    |           2 |            | Computer 2
       1 | Site 1    |             |          1 | -20C
       1 | Site 1    |             |          2 | -40C
(4 rows)

`

// psql, like all other commands, works on the embedded Postgres, whether a server runs or not.
func TestPsql_embeddedPostgres(t *testing.T) {
	t.Parallel()
	osUser, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	state := stateDir(t)
	env := []string{"STATE_DIR=" + state}
	data := filepath.Join(state, "postgres", "data")
	checkPsql := func(when string) {
		t.Helper()
		r := run(t, env, "", "psql", "-c", "SELECT * FROM instrument")
		if r.Code != 0 || r.Stderr != "" {
			t.Errorf("%s: exit code %d, %s", when, r.Code, r.Stderr)
		}
		assertEqual(t, when, r.Stdout, instrumentTable)
		for _, c := range []struct {
			code int
			args []string
		}{
			{1, []string{"psql", "-c", "SELECT FROM nowhere"}},
			{1, []string{"psql", "--no-such-flag"}},
			{3, []string{"psql", "-v", "ON_ERROR_STOP=1", "-f", "-"}},
		} {
			r := run(t, env, "SELECT 1/0;", c.args...)
			if r.Code != c.code || r.Stderr == "" || strings.Contains(r.Stderr, "labledger:") {
				t.Errorf("%s: %q: exit code %d, want %d; %s", when, c.args, r.Code, c.code, r.Stderr)
			}
		}
		assertEqual(t, when+", from standard input", mustRun(t, env, "SELECT 6 * 7;", "psql", "-At"), "42\n")
	}

	checkPsql("in a new state directory")
	assertNoPostgres(t, state)

	s := startServer(t, env...)
	pid := postmasterPID(t, data)
	checkPsql("beside a server")
	mustRun(t, env, "", "psql", "-qc", "UPDATE site SET name = 'By hand' WHERE id = 1")
	assertContains(t, s.Get("/site/1", http.StatusOK), "By hand")
	s.Send(http.MethodPatch, "/site/1", `{"name": "Site 1"}`, http.StatusOK)
	changes := s.History("/site/1/history")
	if len(changes) != 3 || changes[1].RequestID != nil || changes[1].Action != "update" ||
		changes[1].Actor != "os:"+osUser.Username || changes[2].RequestID == nil || changes[2].Actor != "anonymous" {
		t.Errorf("history %+v", changes)
	}
	mustRun(t, env, programtest.SiteHeader+"2,Imported,,,,,\n", "import", "sites", "-")
	assertContains(t, s.Get("/site/2", http.StatusOK), "Imported")
	assertContains(t, mustRun(t, env, "", "export", "sites"), "Imported")
	assertContains(t, mustRun(t, env, "", "migrate", "status"), "applied")
	if !processAlive(pid) || postmasterPID(t, data) != pid {
		t.Error("a command stopped the server's Postgres")
	}
	s.Stop(syscall.SIGINT)
	assertNoPostgres(t, state)

	checkPsql("after the server has stopped")
	assertContains(t, mustRun(t, env, "", "export", "sites"), "Imported")
	assertNoPostgres(t, state)
}

func TestPsql_doesNotMigrateExternalDatabase(t *testing.T) {
	t.Parallel()
	env := []string{"DATABASE_URL=" + pgtest.Database(t)}
	out := mustRun(t, env, "", "psql", "-Atc", "SELECT count(*) FROM pg_class WHERE relname = 'site'")
	assertEqual(t, "tables", out, "0\n")
}

// All users of the machine can see the arguments of a process, so the password goes to psql in its environment.
func TestPsql_hidesPassword(t *testing.T) {
	t.Parallel()
	const password = "p%ss w:rd/"
	env := []string{"DATABASE_URL=" + passwordDatabase(t, password)}
	args := mustRun(t, env, "\\! ps -ww -o args= -p $PPID\n", "psql", "-At")
	assertContains(t, args, "psql", "-At")
	if strings.Contains(args, password) || strings.Contains(args, "p%25ss") {
		t.Errorf("arguments contain the password: %s", args)
	}
	out := mustRun(t, env, "", "psql", "-Atc", "SELECT current_user LIKE 'test%role'")
	assertEqual(t, "psql with a password", out, "t\n")
}

// A URL may contain settings for pgx and for the session, which libpq does not know.
func TestClients_settingsInURL(t *testing.T) {
	env := migrated(t, true)
	const settings = "&default_query_exec_mode=cache_describe&pool_max_conns=4&statement_timeout=5s"
	env[0] += settings
	assertEqual(t, "psql", mustRun(t, env, "", "psql", "-Atc", "SHOW statement_timeout"), "5s\n")
	file := filepath.Join(t.TempDir(), "it.dump")
	mustRun(t, env, "", "backup", file)
	mustRun(t, []string{"DATABASE_URL=" + emptyDatabase(t) + settings}, "", "restore", file)
}

func TestPsql_forwardsSIGTERM(t *testing.T) {
	t.Parallel()
	env := migrated(t, false)
	s := programtest.Launch(t, programtest.Command(t, env, "psql", "-c", "SELECT pg_sleep(3600)"))
	s.WaitFor("the query to run", func() bool {
		const running = "SELECT count(*)::text FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(3600)'"
		return mustValue(t, databaseURL(env), running) == "1"
	})
	s.Signal(syscall.SIGTERM)
	s.Wait() // fails the test if psql does not exit
}

// PGHOSTADDR would lead psql and pg_dump to another server than pgx, which does not know this variable.
func TestPsql_ignoresPGHOSTADDR(t *testing.T) {
	t.Parallel()
	env := append(migrated(t, false), "PGHOSTADDR=203.0.113.1", "PGCONNECT_TIMEOUT=2")
	assertEqual(t, "psql", mustRun(t, env, "", "psql", "-Atc", "SELECT 6 * 7"), "42\n")
	mustRun(t, env, "", "backup", "--no-verify", filepath.Join(t.TempDir(), "it.dump"))
}
