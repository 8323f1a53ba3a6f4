package e2e

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"labledger/internal/pgtest"
)

// told is the one text that a query answers, asked on a connection of its own.
func told(t *testing.T, url, sql string) (text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }() // it was only read
	if err := conn.QueryRow(ctx, sql).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}

// connected are the roles of those who are connected to a database, without the one who asks.
const connected = `
	SELECT coalesce(string_agg(DISTINCT usename, ' '), '')
	FROM pg_stat_activity
	WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`

// The private database is made and kept by its owner, and served by a role that may do less.
func TestServesAsARoleOfItsOwn(t *testing.T) {
	t.Parallel()
	state := stateDir(t)
	s := start(t, "STATE_DIR="+state)
	url, err := os.ReadFile(filepath.Join(state, "url"))
	if err != nil {
		t.Fatal(err)
	}
	owner := strings.TrimSpace(string(url))
	// A connection that has been closed, such as our own, is seen for a moment longer.
	alone := func() bool { return told(t, owner, connected) == "labledger_server" }
	s.await("the owner's connections to end", alone)
	s.send(http.MethodPatch, "/site/1", `{"name": "Renamed"}`, http.StatusOK)
	s.send(http.MethodPost, "/event", `{"type": "deposit", "amount": "10.00", "user_id": 1, "time": 1}`, http.StatusOK)
	s.await("the server to be alone on its database", alone)
	want(t, "the last change", told(t, owner, "SELECT concat_ws(' ', actor, after ->> 'name') FROM change WHERE row_key = '1' AND action = 'update'"), "anonymous Renamed")
	succeed(t, []string{"STATE_DIR=" + state}, "", "ledger", "verify") // beside it, as the owner
	s.stop(syscall.SIGTERM)
}

// A given database is served as whoever its URL names.
func TestRoleOfAGivenDatabase(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	server := pgtest.ServerURL(database)
	refused := fail(t, []string{"DATABASE_URL=" + server}, "")
	says(t, refused, "not up to date", "labledger migrate up", "owner", "labledger_server")
	says(t, fail(t, []string{"DATABASE_URL=" + server}, "", "migrate", "up"), "labledger migrate up", "owner")
	succeed(t, []string{"DATABASE_URL=" + database}, "", "migrate", "up")

	s := start(t, "DATABASE_URL="+server)
	s.send(http.MethodPost, "/site/1", site("One"), http.StatusOK)
	s.await("the server to be alone on its database", func() bool { return told(t, database, connected) == "labledger_server" })
	s.stop(syscall.SIGTERM)

	const signedIn = "AUTH=required"
	for _, c := range []struct {
		url  string
		env  []string
		warn int
	}{
		{database, []string{signedIn}, 1},
		{database, nil, 0},
		{server, []string{signedIn}, 0},
	} {
		s := launch(t, t.TempDir(), append(c.env, "DATABASE_URL="+c.url, "JWT_SECRET=qX8vT3mZr1LkP0sYc7HnWf5GbUe2JdAo9RiKtNzVw4E")...)
		s.await("the server to listen", func() bool { return strings.Contains(s.stdout.String(), "listening") })
		s.stop(syscall.SIGTERM)
		out := s.stdout.String()
		if n := strings.Count(out, "rewrite the history"); n != c.warn {
			t.Errorf("%s %v: warned %d times, not %d: %s", c.url, c.env, n, c.warn, out)
		}
		if c.warn > 0 {
			says(t, out, "labledger_server", "ALTER ROLE", "migrate up")
		}
	}

	// A version of the schema that the role cannot even read.
	succeed(t, []string{"DATABASE_URL=" + database}, "", "migrate", "down")
	says(t, fail(t, []string{"DATABASE_URL=" + server}, ""), "not up to date", "labledger migrate up")
}
