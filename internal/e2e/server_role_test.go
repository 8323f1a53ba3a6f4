package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

// connectedRoles selects the roles of all connections to a database, except its own.
const connectedRoles = `
	SELECT coalesce(string_agg(DISTINCT usename, ' '), '')
	FROM pg_stat_activity
	WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`

// The embedded Postgres is migrated by its owner and served by an unprivileged role.
func TestServerRole_embeddedPostgres(t *testing.T) {
	t.Parallel()
	state := stateDir(t)
	s := startServer(t, "STATE_DIR="+state)
	url, err := os.ReadFile(filepath.Join(state, "url"))
	if err != nil {
		t.Fatal(err)
	}
	owner := strings.TrimSpace(string(url))
	// Postgres lists a connection for a moment after it was closed.
	onlyServerRole := func() bool { return mustValue(t, owner, connectedRoles) == "labledger_server" }
	s.WaitFor("the owner's connections to end", onlyServerRole)
	s.Send(http.MethodPatch, "/site/1", `{"name": "Renamed"}`, http.StatusOK)
	s.Send(http.MethodPost, "/event", `{"type": "deposit", "amount": "10.00", "user_id": 1, "time": 1}`, http.StatusOK)
	s.WaitFor("connections of the server role only", onlyServerRole)
	change := mustValue(t, owner, `SELECT concat_ws(' ', actor, after ->> 'name') FROM change
		WHERE row_key = '1' AND action = 'update'`)
	assertEqual(t, "the last change", change, "anonymous Renamed")
	mustRun(t, []string{"STATE_DIR=" + state}, "", "ledger", "verify") // as the owner, beside the server
	s.Stop(syscall.SIGTERM)
}

// On an external database, the server works as the role of DATABASE_URL. It logs a warning if that role is too
// powerful.
func TestServerRole_externalDatabase(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	server := pgtest.ServerURL(database)
	serverEnv := []string{"DATABASE_URL=" + server}
	assertContains(t, mustFail(t, serverEnv, ""),
		"not up to date", "labledger migrate up", "owner", "labledger_server")
	assertContains(t, mustFail(t, serverEnv, "", "migrate", "up"), "labledger migrate up", "owner")
	mustRun(t, []string{"DATABASE_URL=" + database}, "", "migrate", "up")

	s := startServer(t, "DATABASE_URL="+server)
	s.Send(http.MethodPost, "/site/1", siteJSON("One"), http.StatusOK)
	s.WaitFor("connections of the server role only", func() bool {
		return mustValue(t, database, connectedRoles) == "labledger_server"
	})
	s.Stop(syscall.SIGTERM)

	const required = "AUTH=required"
	for _, c := range []struct {
		url      string
		env      []string
		warnings int
	}{
		{database, []string{required}, 1},
		{database, nil, 0},
		{server, []string{required}, 0},
	} {
		env := append(c.env, "DATABASE_URL="+c.url, "JWT_SECRET="+programtest.SampleSecret)
		s := startServer(t, env...)
		s.Stop(syscall.SIGTERM)
		out := s.Stdout.String()
		if n := strings.Count(out, "rewrite the history"); n != c.warnings {
			t.Errorf("%s %v: %d warnings, want %d: %s", c.url, c.env, n, c.warnings, out)
		}
		if c.warnings > 0 {
			assertContains(t, out, "labledger_server", "ALTER ROLE", "migrate up")
		}
	}

	// After a migration down, the role cannot even read the schema version.
	mustRun(t, []string{"DATABASE_URL=" + database}, "", "migrate", "down")
	assertContains(t, mustFail(t, serverEnv, ""), "not up to date", "labledger migrate up")
}
