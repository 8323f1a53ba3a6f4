package cli_test

import (
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
	serverRole := mustRun(t, env, "", "psql", "-Atc", `SELECT DISTINCT usename FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`)
	assertEqual(t, "role of the server", strings.TrimSpace(serverRole), "labledger_server")
	commandIsOwner := mustRun(t, env, "", "psql", "-Atc",
		"SELECT session_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'site')")
	assertEqual(t, "command runs as the owner", strings.TrimSpace(commandIsOwner), "t")
	invalid := []string{"OWNER_DATABASE_URL=postgres://x@127.0.0.1:port/x"}
	assertContains(t, mustFail(t, invalid, "", "migrate", "up"), "OWNER_DATABASE_URL")
}
