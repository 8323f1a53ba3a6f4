package schema_test

import (
	"slices"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

// TestStorageMigration upgrades a database that has containers, and back. Neither changes their versions or history.
func TestStorageMigration(t *testing.T) {
	t.Parallel()
	pool, up := databaseBefore(t, "storage")
	pgtest.Exec(t, pool, `INSERT INTO container (description, freezer_id)
		SELECT CASE WHEN n % 3 > 0 THEN 'Box ' || n END, 1 + n % 2 FROM generate_series(1, 50) AS n`)
	pgtest.Exec(t, pool, "UPDATE container SET description = 'Changed' WHERE id % 2 = 0")
	pgtest.Exec(t, pool, "DELETE FROM container WHERE id = 7")
	state := func() []string {
		return append(
			queryStrings(t, pool, `SELECT concat_ws(' ', id, uuid, description, freezer_id, version)
				FROM container ORDER BY id`),
			queryStrings(t, pool, `SELECT (to_jsonb(change) - '{changeset_id,undoes_id}'::text[])::text
				FROM change ORDER BY id`)...,
		)
	}
	before := state()
	if err := up(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(state(), before) {
		t.Error("the migration changes containers or their history")
	}
	const place = `SELECT count(*) FROM container
		WHERE depth = 0 AND layout = '' AND thaw_count = 0 AND num_nonnulls(parent_uuid, position, rows) = 0`
	if n := pgtest.QueryValue[int](t, pool, place); n != 49 {
		t.Errorf("%d containers lie directly in their freezers, want 49", n)
	}
	pgtest.Exec(t, pool, "UPDATE container SET freezer_id = freezer_id") // nothing
	if !slices.Equal(state()[49:], before[49:]) {
		t.Error("an update that changes nothing is recorded after the migration")
	}

	// Rows of the new version remain, without what the older version does not know.
	pgtest.Exec(t, pool, `UPDATE container SET rows = 2, columns = 2 WHERE id = 1;
		UPDATE container SET parent_uuid = (SELECT uuid FROM container WHERE id = 1), position = 'B2' WHERE id = 2`)
	before = state()
	url, steps := pool.Config().ConnString(), stepsDownTo(t, "storage")
	if _, _, err := migrate.Down(t.Context(), url, schema.Files, steps); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(state(), before) {
		t.Error("the migration down changes containers or their history")
	}
	pgtest.Exec(t, pool, "UPDATE container SET description = 'Down' WHERE id = 2")
	if err := up(); err != nil {
		t.Error(err)
	}
}

// stepsDownTo returns how many migrations there are from the one with a name.
func stepsDownTo(t *testing.T, name string) int {
	t.Helper()
	all := len(migrations(t, 999999, nil))
	return (all - len(migrations(t, versionOf(t, name)-1, nil))) / 2 // up and down
}
