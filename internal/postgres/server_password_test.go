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

// requireServerPassword makes a cluster require a password of the server's role, and log all statements.
func requireServerPassword(t *testing.T, owner string) {
	t.Helper()
	for _, sql := range []string{
		"ALTER SYSTEM SET log_statement = 'all'",
		`COPY (
			SELECT 'local all labledger_server scram-sha-256'
			UNION ALL SELECT 'local all all trust'
			ORDER BY 1 DESC
		) TO PROGRAM 'cat > pg_hba.conf'`,
		"SELECT pg_reload_conf()",
	} {
		if _, err := pgtest.Value(owner, sql); err != nil {
			t.Fatal(err)
		}
	}
	hba, err := pgtest.Value(owner, `
		SELECT string_agg(type || ' ' || user_name[1] || ' ' || auth_method, ', ' ORDER BY line_number)
		FROM pg_hba_file_rules`)
	if err != nil || !strings.HasPrefix(hba, "local labledger_server scram-sha-256") {
		t.Fatalf("pg_hba.conf: %s, %v", hba, err)
	}
}

// TestSetUpServerRole_password uses a cluster that requires a password of the server's role, and logs all statements.
func TestSetUpServerRole_password(t *testing.T) {
	t.Parallel()
	cluster := pgtest.NewCluster(t)
	owner := cluster.URL()
	requireServerPassword(t, owner)
	serverURL := func(password string) string {
		u, err := url.Parse(cluster.ServerURL())
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(postgres.ServerRole, password)
		return u.String()
	}
	setPassword := func(password string, wantChanged bool) {
		t.Helper()
		change, err := postgres.SetUpServerRole(t.Context(), owner, serverURL(password))
		if err != nil || change.PasswordSet != wantChanged || change.Created {
			t.Errorf("%s: %+v, %v; want a new password: %v", password, change, err, wantChanged)
		}
		pgtest.WantValue(t, serverURL(password), "SELECT session_user", postgres.ServerRole)
	}
	const first, second = "first pass-word", `sec'ond "\$ {}`
	if _, err := pgtest.Value(serverURL(first), "SELECT 1"); err == nil {
		t.Fatal("the cluster requires no password: this test proves nothing")
	}
	setPassword(first, true)
	setPassword(first, false)
	setPassword(second, true)
	if _, err := pgtest.Value(serverURL(first), "SELECT 1"); err == nil {
		t.Error("the old password is still valid")
	}
	// The URL of the owner, or one without a password, changes nothing.
	for _, other := range []string{owner, cluster.ServerURL()} {
		change, err := postgres.SetUpServerRole(t.Context(), owner, other)
		if change.PasswordSet || change.Created || err != nil {
			t.Errorf("%s: %+v, %v; want no change", other, change, err)
		}
	}
	// Postgres would normalize a password with other characters.
	_, err := postgres.SetUpServerRole(t.Context(), owner, serverURL("pässword"))
	if err == nil || !strings.Contains(err.Error(), "ASCII") {
		t.Errorf("a password with an umlaut: %v", err)
	}
	b, err := os.ReadFile(filepath.Join(filepath.Dir(cluster.Dir()), "postgres.log"))
	if err != nil {
		t.Fatal(err)
	}
	log := string(b)
	if !strings.Contains(log, "ALTER ROLE") || strings.Contains(log, first) || strings.Contains(log, "ond \"") {
		t.Error("the log contains no ALTER ROLE, or contains a password")
	}
}
