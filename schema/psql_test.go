package schema_test

import (
	"context"
	"os"
	run "os/exec"
	"strings"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

// TestPsql makes the schema by hand, as the README says, and holds it against the migrated one: its objects, who may do what, and the number.
func TestPsql(t *testing.T) {
	ctx := context.Background()
	program, err := postgres.FindClient("psql")
	if err != nil {
		t.Fatal(err)
	}
	url := pgtest.Database(t)
	pool, err := postgres.Open(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	whole := strings.TrimSuffix(everything, "ORDER BY 1") + `
		UNION ALL SELECT concat_ws(' ', relname, (SELECT string_agg(entry, ',' ORDER BY entry) FROM unnest(relacl::text[]) AS entry)) FROM pg_class WHERE relnamespace = 'public'::regnamespace
		UNION ALL SELECT concat_ws(' ', 'version', version, dirty) FROM schema_migrations ORDER BY 1`
	migrated := texts(t, pool, whole)
	if _, _, err := migrate.Down(ctx, url, schema.Files, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(ctx, "DROP TABLE schema_migrations"); err != nil {
		t.Fatal(err)
	}
	target, password := postgres.WithoutPassword(url)
	command := run.Command(program, "-X", "-q", "-f", "schema.sql", "-d", target)
	command.Env = append(os.Environ(), "PGPASSWORD="+password)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	byHand := texts(t, pool, whole)
	if m, h := strings.Join(migrated, "\n"), strings.Join(byHand, "\n"); m != h {
		t.Errorf("by hand it is another schema:\n%s\n--- migrated:\n%s", h, m)
	}
	if from, to, err := migrate.Up(ctx, url, schema.Files); err != nil || from != to {
		t.Errorf("the server does not find it up to date: %d to %d, %v", from, to, err)
	}
}
