package schema_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

// newProtectedServer starts a PostgreSQL server that requires passwords of all roles but the owner's. It returns a
// function that makes the URL of a role for a database; without a role, of the owner.
func newProtectedServer(t *testing.T) func(database, role, password string) string {
	t.Helper()
	cluster := pgtest.NewCluster(t)
	pgtest.ExecScript(t, cluster.URL(), `
		COPY (SELECT unnest(ARRAY[format('local all %I trust', current_user), 'local all all scram-sha-256']))
			TO PROGRAM 'cat > pg_hba.conf';
		SELECT pg_reload_conf()`)
	return func(database, role, password string) string {
		u, err := url.Parse(cluster.URL())
		if err != nil {
			t.Fatal(err)
		}
		u.Path = "/" + database
		if role != "" {
			u.User = url.UserPassword(role, password)
		}
		return u.String()
	}
}

// TestSetUpServerRole_twoDatabases has two databases on one PostgreSQL server.
func TestSetUpServerRole_twoDatabases(t *testing.T) {
	t.Parallel()
	urlOf := newProtectedServer(t)
	create := func(database string) {
		t.Helper()
		pgtest.ExecScript(t, urlOf("postgres", "", ""), "CREATE DATABASE "+database)
		if _, _, err := migrate.Up(t.Context(), urlOf(database, "", ""), schema.Files); err != nil {
			t.Fatal(err)
		}
	}
	setUp := func(database, role, password string) (postgres.ServerRoleChange, error) {
		return postgres.SetUpServerRole(t.Context(), urlOf(database, "", ""), urlOf(database, role, password))
	}
	mustSetUp := func(database, role, password string, created, passwordSet bool) {
		t.Helper()
		change, err := setUp(database, role, password)
		if err != nil || change != (postgres.ServerRoleChange{Role: role, Created: created, PasswordSet: passwordSet}) {
			t.Errorf("%s of %s: %+v, %v; want created %v, password set %v", role, database, change, err, created, passwordSet)
		}
		pgtest.WantValue(t, urlOf(database, role, password), "SELECT count(*) FROM site", "0")
	}
	const roleA, roleB = postgres.ServerRole, "labledger_server_b"
	create("a")
	mustSetUp("a", roleA, "secret-a", false, true)
	create("b")
	if _, err := setUp("b", roleA, "secret-b"); !errors.Is(err, postgres.ErrSharedRole) ||
		!strings.Contains(err.Error(), "privileges in a,") || !strings.Contains(err.Error(), roleB) {
		t.Errorf("got %v, want ErrSharedRole with the remedy", err)
	}
	mustSetUp("a", roleA, "secret-a", false, false) // not locked out
	mustSetUp("b", roleB, "secret-b", true, true)
	mustSetUp("b", roleB, "secret-b", false, false)
	mustSetUp("a", roleA, "another secret", false, true) // no longer shared

	ownerB, err := postgres.Open(t.Context(), urlOf("b", "", ""))
	if err != nil {
		t.Fatal(err)
	}
	defer ownerB.Close()
	pgtest.Exec(t, ownerB, "GRANT SELECT ON site TO labledger_server") // as a later migration does
	mustSetUp("b", roleB, "secret-b", false, false)
	assertPrivilegesOf(t, ownerB, roleB)
	const privileges = `SELECT count(*) FROM pg_shdepend
		WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND refobjid = 'labledger_server'::regrole`
	if n := pgtest.QueryValue[int](t, ownerB, privileges); n != 0 {
		t.Errorf("labledger_server has privileges on %d objects of the other database", n)
	}
	for database, server := range map[string]string{
		"a": urlOf("a", roleB, "secret-b"), "b": urlOf("b", roleA, "another secret"),
	} {
		if _, err := pgtest.Value(server, "SELECT FROM site"); err == nil || !strings.Contains(err.Error(), "42501") {
			t.Errorf("the server of the other database reads %s: %v", database, err)
		}
	}
}

func TestSetUpServerRole_withoutRightToCreateRoles(t *testing.T) {
	t.Parallel()
	urlOf := newProtectedServer(t)
	pgtest.ExecScript(t, urlOf("postgres", "", ""), "CREATE ROLE plain LOGIN PASSWORD 'p'; ")
	pgtest.ExecScript(t, urlOf("postgres", "", ""), "CREATE DATABASE c OWNER plain")
	owner := urlOf("c", "plain", "p")
	_, err := postgres.SetUpServerRole(t.Context(), owner, urlOf("c", "server_c", "s"))
	if err == nil || !strings.Contains(err.Error(), `CREATE ROLE "server_c" LOGIN`) {
		t.Errorf("got %v, want an error with the statement", err)
	}
}
