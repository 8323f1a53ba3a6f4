package migrate_test

import (
	"errors"
	"strings"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/postgres/migrate"
)

// versionTableComment is the comment that schema/schema.sql sets as well.
const versionTableComment = "labledger schema set 2: the version of the schema, which labledger migrate maintains"

// versionTable shows schema_migrations: its rows and its comment.
const versionTable = `
	SELECT concat_ws(' | ',
		(SELECT string_agg(version || ' ' || dirty, ', ') FROM schema_migrations),
		coalesce(obj_description('schema_migrations'::regclass, 'pg_class'), 'no comment'))`

// createVersionTable creates schema_migrations as golang-migrate does, with a comment unless that is "".
func createVersionTable(t *testing.T, url, comment string) {
	t.Helper()
	sql := "CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)"
	if comment != "" {
		sql += "; COMMENT ON TABLE schema_migrations IS '" + comment + "'"
	}
	pgtest.WantValue(t, url, sql, "")
}

func TestOldSchemaSet_isRejected(t *testing.T) {
	t.Parallel()
	for _, row := range []string{"8, false", "1, false", "2, true", "-1, true"} {
		url := pgtest.Database(t)
		createVersionTable(t, url, "")
		pgtest.WantValue(t, url, "CREATE TABLE first (n int); GRANT SELECT ON schema_migrations TO labledger_server; "+
			"INSERT INTO schema_migrations VALUES ("+row+")", "")
		before, err := pgtest.Value(url, versionTable)
		if err != nil {
			t.Fatal(err)
		}

		for name, call := range map[string]func() error{
			"Up":     func() error { _, _, err := migrate.Up(t.Context(), url, files(threeMigrations)); return err },
			"Down":   func() error { _, _, err := migrate.Down(t.Context(), url, files(threeMigrations), 0); return err },
			"Status": func() error { _, err := migrate.Status(t.Context(), url, files(threeMigrations)); return err },
			"Up as the server's role": func() error {
				_, _, err := migrate.Up(t.Context(), pgtest.ServerURL(url), files(threeMigrations))
				return err
			},
		} {
			err := call()
			if !errors.Is(err, migrate.ErrOldSchema) || !strings.Contains(err.Error(), "create a new database") {
				t.Errorf("%s at %s: got %v, want ErrOldSchema with a fix", name, row, err)
			}
		}
		pgtest.WantValue(t, url, versionTable, before)
		pgtest.WantValue(t, url, tables, "first")
	}
}

func TestUp_marksSchemaSet(t *testing.T) {
	t.Parallel()
	const marked = "3 false | " + versionTableComment
	for name, prepare := range map[string]func(url string){
		"new database":         func(string) {},
		"empty version table":  func(url string) { createVersionTable(t, url, "") },
		"marked version table": func(url string) { createVersionTable(t, url, versionTableComment) },
	} {
		t.Run(name, func(t *testing.T) {
			url := pgtest.Database(t)
			prepare(url)
			for range 2 {
				if _, to, err := migrate.Up(t.Context(), url, files(threeMigrations)); err != nil || to != 3 {
					t.Fatalf("version %d, %v; want 3", to, err)
				}
				pgtest.WantValue(t, url, versionTable, marked)
				if _, to, err := migrate.Down(t.Context(), url, files(threeMigrations), 0); err != nil || to != 0 {
					t.Fatalf("version %d, %v; want 0", to, err)
				}
			}
		})
	}
}

// TestUp_acceptsPsqlInstall covers a schema that psql created, as schema/schema.sql does.
func TestUp_acceptsPsqlInstall(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	createVersionTable(t, url, versionTableComment)
	pgtest.WantValue(t, url, "INSERT INTO schema_migrations VALUES (3, false)", "")
	from, to, err := migrate.Up(t.Context(), url, files(threeMigrations))
	if err != nil || from != 3 || to != 3 {
		t.Errorf("from %d to %d, %v; want from 3 to 3", from, to, err)
	}
	state, err := migrate.Status(t.Context(), url, files(threeMigrations))
	if err != nil || state.Version != 3 {
		t.Errorf("state %+v, %v; want version 3", state, err)
	}
}
