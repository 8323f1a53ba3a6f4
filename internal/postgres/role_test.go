package postgres_test

import (
	"errors"
	"testing"
	"testing/fstest"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
)

// A cluster has the server's role from its first start on, and data that were made without it get it at the next.
func TestServerRole(t *testing.T) {
	dir := pgtest.StateDir(t)
	c := up(t, dir)
	const who = "SELECT concat_ws(' ', session_user, rolsuper, rolcreaterole, rolcreatedb, current_database()) FROM pg_roles WHERE rolname = session_user"
	want(t, c.ServerURL(), who, "labledger_server f f f labledger")
	if _, err := query(c.ServerURL(), "CREATE TABLE mine (n int)"); err == nil {
		t.Error("it may make tables")
	}
	if _, err := query(c.URL(), "DROP ROLE "+postgres.ServerRole); err != nil {
		t.Fatal(err)
	}
	stop(t, c)
	want(t, up(t, dir).ServerURL(), who, "labledger_server f f f labledger")
}

// A role that may not change the schema is told who must, and may start when nothing is to be changed.
func TestMigrateAsServerRole(t *testing.T) {
	database := pgtest.Database(t)
	server := pgtest.ServerURL(database)
	files := fstest.MapFS{
		"000001_a.up.sql": {Data: []byte("CREATE TABLE change (n int); GRANT SELECT ON schema_migrations, change TO labledger_server")},
	}
	refused := func(what string) {
		t.Helper()
		if _, _, err := postgres.Migrate(t.Context(), server, files); !errors.Is(err, postgres.ErrNotOwner) {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("an empty database")
	if _, _, err := postgres.Migrate(t.Context(), database, files); err != nil {
		t.Fatal(err)
	}
	if _, to, err := postgres.Migrate(t.Context(), server, files); err != nil || to != 1 {
		t.Errorf("a database that is up to date: %d, %v", to, err)
	}
	files["000002_b.up.sql"] = &fstest.MapFile{Data: []byte("ALTER TABLE change ADD COLUMN m int")}
	refused("an older database")
	want(t, database, "REVOKE SELECT ON schema_migrations FROM labledger_server; SELECT 'revoked'", "revoked")
	refused("a database whose version it may not read")
}

// Whoever owns the history may rewrite it, or was given that.
func TestMayRewrite(t *testing.T) {
	database := pgtest.Database(t)
	owner, err := postgres.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	server, err := postgres.Open(t.Context(), pgtest.ServerURL(database))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if _, err := owner.Exec(t.Context(), "CREATE TABLE change (n int)"); err != nil {
		t.Fatal(err)
	}
	if may, err := postgres.HasOwnerRights(t.Context(), owner); err != nil || !may {
		t.Errorf("the owner: %v, %v", may, err)
	}
	for _, c := range []struct {
		sql string
		may bool
	}{
		{"GRANT SELECT ON change TO labledger_server", false},
		{"GRANT UPDATE ON change TO labledger_server", true},
		{"REVOKE UPDATE ON change FROM labledger_server", false},
		{"GRANT TRUNCATE ON change TO labledger_server", true},
		{"REVOKE ALL ON change FROM labledger_server", false},
		{"ALTER TABLE change OWNER TO labledger_server; REVOKE ALL ON change FROM labledger_server", true},
	} {
		want(t, database, c.sql+"; SELECT 'done'", "done")
		if may, err := postgres.HasOwnerRights(t.Context(), server); err != nil || may != c.may {
			t.Errorf("after %s: %v, %v", c.sql, may, err)
		}
	}
}
