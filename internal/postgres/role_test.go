package postgres_test

import (
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
)

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
	if has, err := postgres.HasOwnerRights(t.Context(), owner); err != nil || !has {
		t.Errorf("as the owner: %v, %v; want true", has, err)
	}
	for _, c := range []struct {
		sql  string
		want bool
	}{
		{"GRANT SELECT ON change TO labledger_server", false},
		{"GRANT UPDATE ON change TO labledger_server", true},
		{"REVOKE UPDATE ON change FROM labledger_server", false},
		{"GRANT TRUNCATE ON change TO labledger_server", true},
		{"REVOKE ALL ON change FROM labledger_server", false},
		{"ALTER TABLE change OWNER TO labledger_server; REVOKE ALL ON change FROM labledger_server", true},
	} {
		pgtest.WantValue(t, database, c.sql+"; SELECT 'done'", "done")
		if has, err := postgres.HasOwnerRights(t.Context(), server); err != nil || has != c.want {
			t.Errorf("as the server after %s: %v, %v; want %v", c.sql, has, err, c.want)
		}
	}
}
