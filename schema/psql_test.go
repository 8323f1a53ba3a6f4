package schema_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	osexec "os/exec"
	"slices"
	"strings"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

// TestSchemaSQL compares schema.sql with the directory: it includes every migration, in order, and sets the newest
// version.
func TestSchemaSQL(t *testing.T) {
	t.Parallel()
	migrations, err := fs.Glob(schema.Files, "*.up.sql")
	if err != nil {
		t.Fatal(err)
	}
	text, err := fs.ReadFile(schema.Files, "schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	var included []string
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, `\ir `); ok {
			included = append(included, strings.TrimSpace(name))
		}
	}
	if !slices.Equal(included, migrations) {
		t.Errorf("schema.sql includes\n%s\nwant\n%s", strings.Join(included, "\n"), strings.Join(migrations, "\n"))
	}
	insert := fmt.Sprintf("INSERT INTO schema_migrations VALUES (%d, false);", len(migrations))
	if !strings.Contains(string(text), insert) {
		t.Errorf("schema.sql does not contain %q", insert)
	}
}

// TestPsqlInstall compares a schema installed by psql with the migrated one: its objects, their privileges and the
// version.
func TestPsqlInstall(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	psql, err := postgres.FindClient("psql", 0)
	if err != nil {
		t.Fatal(err)
	}
	url := pgtest.Database(t)
	pool, err := postgres.Open(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	query := strings.TrimSuffix(catalogQuery, "ORDER BY 1") + `
		UNION ALL SELECT concat_ws(' ', relname, (
			SELECT string_agg(entry, ',' ORDER BY entry) FROM unnest(relacl::text[]) AS entry
		)) FROM pg_class WHERE relnamespace = 'public'::regnamespace
		UNION ALL SELECT concat_ws(' ', 'version', version, dirty) FROM schema_migrations
		ORDER BY 1`
	migrated := queryStrings(t, pool, query)
	if _, _, err := migrate.Down(ctx, url, schema.Files, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(ctx, "DROP TABLE schema_migrations"); err != nil {
		t.Fatal(err)
	}
	target, password := postgres.WithoutPassword(url)
	command := osexec.Command(psql, "-X", "-q", "-f", "schema.sql", "-d", target)
	command.Env = append(os.Environ(), "PGPASSWORD="+password)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("psql -f schema.sql: %v\n%s", err, output)
	}
	if len(output) > 0 {
		t.Errorf("psql -f schema.sql printed %s", output)
	}
	installed := queryStrings(t, pool, query)
	if got, want := strings.Join(installed, "\n"), strings.Join(migrated, "\n"); got != want {
		t.Errorf("psql installs another schema:\n%s\n--- migrated:\n%s", got, want)
	}
	if from, to, err := migrate.Up(ctx, url, schema.Files); err != nil || from != to {
		t.Errorf("the server migrates the installed schema: %d to %d, %v", from, to, err)
	}
}
