package cli_test

import (
	"testing"

	"labledger/internal/pgtest"
)

func TestSeed_isIdempotent(t *testing.T) {
	t.Parallel()
	env := []string{"DATABASE_URL=" + pgtest.Database(t)}
	export := func() (text string) {
		t.Helper()
		for _, table := range []string{"sites", "freezers", "computers", "containers", "instruments", "changes"} {
			text += mustRun(t, env, "", "export", table)
		}
		return text
	}
	assertEqual(t, "output of seed", mustRun(t, env, "", "seed"), "")
	seeded := export()
	assertContains(t, seeded, "John Smith", "Site 3", "Computer 2", "-40C")
	mustRun(t, env, "", "seed")
	assertEqual(t, "tables after a second seed", export(), seeded)

	mustRun(t, env, "", "psql", "-qc", "UPDATE site SET name = 'Mine' WHERE id = 1")
	changed := export()
	mustRun(t, env, "", "seed")
	assertEqual(t, "tables after a change and another seed", export(), changed)
}

func TestSeed_demo(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	tables := func() (text string) {
		t.Helper()
		for _, table := range []string{"sites", "users", "containers", "changes"} {
			text += mustRun(t, env, "", "export", table)
		}
		return text
	}

	mustRun(t, env, "", "psql", "-qc", "INSERT INTO site (name) VALUES ('Mine')")
	before := tables()
	assertContains(t, mustFail(t, env, "", "seed", "--demo"), "changes: 1, events: 0", "Nothing was changed")
	assertEqual(t, "tables after a refused demo", tables(), before)

	env = migrated(t, true)
	assertContains(t, mustRun(t, env, "", "seed", "--demo"), "3000 containers, 5000 events")
	assertContains(t, mustRun(t, env, "", "ledger", "verify"), "no differences")
	before = tables()
	assertContains(t, before, "Site 3", "Biobank North", "technician12", "Minus80-B2")
	assertContains(t, mustFail(t, env, "", "seed", "--demo"), "events: 5000", "Nothing was changed")
	assertEqual(t, "tables after a second demo", tables(), before)
}
