package cli_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

// Commands connect with OWNER_DATABASE_URL if it is set; the server connects with DATABASE_URL.
func TestOwnerURL(t *testing.T) {
	t.Parallel()
	owner := pgtest.Database(t)
	env := []string{"OWNER_DATABASE_URL=" + owner, "DATABASE_URL=" + pgtest.ServerURL(owner)}
	out := mustRun(t, env, "", "migrate", "up")
	if !strings.HasPrefix(out, "schema: 0 → ") || strings.Contains(out, "password") {
		t.Errorf("migrate up: %s", out)
	}
	mustRun(t, env, "", "seed")
	s := startServer(t, env...)
	assertEqual(t, "/site/1", s.Get("/site/1", http.StatusOK), programtest.Site1)
	pgtest.WaitFor(t, "no session but those of the server's role", func() bool { // those of commands may still be ending
		return mustRun(t, env, "", "psql", "-Atc", `SELECT DISTINCT usename FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`) ==
			"labledger_server\n"
	})
	commandIsOwner := mustRun(t, env, "", "psql", "-Atc",
		"SELECT session_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'site')")
	assertEqual(t, "command runs as the owner", strings.TrimSpace(commandIsOwner), "t")
	invalid := []string{"OWNER_DATABASE_URL=postgres://x@127.0.0.1:port/x"}
	assertContains(t, mustFail(t, invalid, "", "migrate", "up"), "OWNER_DATABASE_URL")
}

// TestRestoredHistory_locked: a command that must reset the transaction IDs of a restored history does not wait for the
// locks without an end, since writers would wait behind it. It tries again until it gets them.
func TestRestoredHistory_locked(t *testing.T) {
	t.Parallel()
	env := migrated(t, false)
	const foreign = `INSERT INTO change (actor, table_name, row_key, action, xid)
		VALUES ('', 'site', '1', 'insert', 1000000000000)`
	execScript(t, databaseURL(env), foreign)
	holder, observer := pgtest.Connect(t, databaseURL(env)), pgtest.Connect(t, databaseURL(env))
	pgtest.Exec(t, holder, "begin")
	pgtest.Exec(t, holder, "LOCK TABLE event IN ROW EXCLUSIVE MODE")
	cmd := programtest.Command(t, env, "ledger", "verify")
	result := make(chan error, 1)
	go func() {
		r, err := programtest.Exec(cmd)
		if err == nil && r.Code != 0 {
			err = errors.New(r.Stderr)
		}
		result <- err
	}()
	waiting := func() bool {
		return pgtest.QueryValue[bool](t, observer, `SELECT EXISTS (
			SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`)
	}
	pgtest.WaitFor(t, "the command to wait", waiting)
	pgtest.WaitFor(t, "the command to stop waiting", func() bool { return !waiting() })
	pgtest.Exec(t, holder, "rollback")
	if err := <-result; err != nil {
		t.Error(err)
	}
	if max := mustValue(t, databaseURL(env), "SELECT max(xid) FROM change"); max != "0" {
		t.Error("greatest transaction ID after the reset:", max)
	}
}
