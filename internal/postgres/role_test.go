package postgres_test

import (
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
)

// Whoever owns the history may rewrite it, or was given that.
func TestHasOwnerRights(t *testing.T) {
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
		pgtest.WantValue(t, database, c.sql+"; SELECT 'done'", "done")
		if may, err := postgres.HasOwnerRights(t.Context(), server); err != nil || may != c.may {
			t.Errorf("after %s: %v, %v", c.sql, may, err)
		}
	}
}
