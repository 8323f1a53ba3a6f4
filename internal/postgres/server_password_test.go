package postgres_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
)

// SetServerPassword gives the server's role the password of its URL, in a cluster that asks for passwords, and says it to no log.
func TestSetServerPassword(t *testing.T) {
	c := pgtest.NewCluster(t)
	owner := c.URL()
	// Whoever is not the owner needs a password from now on.
	for _, sql := range []string{
		"ALTER SYSTEM SET log_statement = 'all'",
		"COPY (SELECT 'local all labledger_server scram-sha-256' UNION ALL SELECT 'local all all trust' ORDER BY 1 DESC) TO PROGRAM 'cat > pg_hba.conf'",
		"SELECT pg_reload_conf()",
	} {
		if _, err := pgtest.Value(owner, sql); err != nil {
			t.Fatal(err)
		}
	}
	if hba, err := pgtest.Value(owner, "SELECT string_agg(type || ' ' || user_name[1] || ' ' || auth_method, ', ' ORDER BY line_number) FROM pg_hba_file_rules"); err != nil || !strings.HasPrefix(hba, "local labledger_server scram-sha-256") {
		t.Fatalf("pg_hba.conf: %s, %v", hba, err)
	}
	server := func(password string) string {
		u, err := url.Parse(c.ServerURL())
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(postgres.ServerRole, password)
		return u.String()
	}
	admit := func(password string, changes bool) {
		t.Helper()
		changed, err := postgres.SetServerPassword(t.Context(), owner, server(password))
		if err != nil || changed != changes {
			t.Errorf("%s: changed %v, %v", password, changed, err)
		}
		pgtest.WantValue(t, server(password), "SELECT session_user", postgres.ServerRole)
	}
	const first, second = "first pass-word", `sec'ond "\$ {}`
	if _, err := pgtest.Value(server(first), "SELECT 1"); err == nil {
		t.Fatal("the cluster asks for no password: this test shows nothing")
	}
	admit(first, true)
	admit(first, false)
	admit(second, true)
	if _, err := pgtest.Value(server(first), "SELECT 1"); err == nil {
		t.Error("the old password is still good")
	}
	// Whoever is not the server's role, or brings no password, changes nothing.
	for _, other := range []string{owner, c.ServerURL()} {
		if changed, err := postgres.SetServerPassword(t.Context(), owner, other); changed || err != nil {
			t.Errorf("%v, %v", changed, err)
		}
	}
	if _, err := postgres.SetServerPassword(t.Context(), owner, server("pässword")); err == nil || !strings.Contains(err.Error(), "ASCII") {
		t.Errorf("a password that PostgreSQL would normalise: %v", err)
	}
	data, err := pgtest.Value(owner, "SHOW data_directory")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(data), "postgres.log"))
	if err != nil {
		t.Fatal(err)
	}
	log := string(text)
	if !strings.Contains(log, "ALTER ROLE") || strings.Contains(log, first) || strings.Contains(log, "ond \"") {
		t.Error("the log holds no ALTER ROLE, or a password")
	}
}
