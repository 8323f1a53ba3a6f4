package schema_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

// TestPsqlFiles compares the files for psql with the directory: schema.sql includes every migration, create_tables.sql
// reverts each, and both name the newest version.
func TestPsqlFiles(t *testing.T) {
	t.Parallel()
	up, upErr := fs.Glob(schema.Files, "*.up.sql")
	down, downErr := fs.Glob(schema.Files, "*.down.sql")
	if err := errors.Join(upErr, downErr); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(down)
	for name, want := range map[string]struct {
		included []string
		version  string
	}{
		"schema.sql":        {up, fmt.Sprintf("INSERT INTO schema_migrations VALUES (%d, false);", len(up))},
		"create_tables.sql": {append(down, "schema.sql"), fmt.Sprintf("IS DISTINCT FROM %d\n", len(up))},
	} {
		text, err := fs.ReadFile(schema.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		var included []string
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(strings.TrimSpace(line), `\ir `); ok {
				included = append(included, name)
			}
		}
		if !slices.Equal(included, want.included) {
			t.Errorf("%s includes\n%s\nwant\n%s", name, strings.Join(included, "\n"), strings.Join(want.included, "\n"))
		}
		if !strings.Contains(string(text), want.version) {
			t.Errorf("%s does not contain %q", name, want.version)
		}
	}
}

// installedQuery lists the objects of a schema, their privileges and the version.
var installedQuery = strings.TrimSuffix(catalogQuery, "ORDER BY 1") + `
	UNION ALL SELECT concat_ws(' ', relname, (
		SELECT string_agg(entry, ',' ORDER BY entry) FROM unnest(relacl::text[]) AS entry
	)) FROM pg_class WHERE relnamespace = 'public'::regnamespace
	UNION ALL SELECT concat_ws(' ', 'version', version, dirty) FROM schema_migrations
	ORDER BY 1`

// TestPsqlInstall compares a schema installed by psql with the migrated one: its objects, their privileges and the
// version.
func TestPsqlInstall(t *testing.T) {
	t.Parallel()
	migrated, url := objects(t, pgtest.Database(t)), emptyDatabase(t)
	if output, code := psqlFile(t, url, "schema.sql"); code != 0 || output != "" {
		t.Errorf("psql -f schema.sql: exit code %d, output %s", code, output)
	}
	if installed := objects(t, url); installed != migrated {
		t.Errorf("psql installs another schema:\n%s\n--- migrated:\n%s", installed, migrated)
	}
	if from, to, err := migrate.Up(t.Context(), url, schema.Files); err != nil || from != to {
		t.Errorf("the server migrates the installed schema: %d to %d, %v", from, to, err)
	}
}
