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
