package postgres_test

import (
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
)

func TestHasOwnerRights(t *testing.T) {
	t.Parallel()
	owner, server := pgtest.Pools(t)
	pgtest.Exec(t, owner, "CREATE TABLE change (n int)")
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
		pgtest.Exec(t, owner, c.sql)
		if has, err := postgres.HasOwnerRights(t.Context(), server); err != nil || has != c.want {
			t.Errorf("as the server after %s: %v, %v; want %v", c.sql, has, err, c.want)
		}
	}
}
