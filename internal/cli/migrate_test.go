package cli_test

import (
	"fmt"
	"strings"
	"testing"

	"labledger/internal/pgtest"
)

func TestMigrate(t *testing.T) {
	t.Parallel()
	last := newestVersion(t)
	env := []string{"DATABASE_URL=" + pgtest.Database(t)}
	status := func(when string, applied int) {
		t.Helper()
		lines := strings.Split(strings.TrimSpace(mustRun(t, env, "", "migrate", "status")), "\n")
		if len(lines) != last {
			t.Fatalf("%s: %d lines for %d migrations:\n%s", when, len(lines), last, strings.Join(lines, "\n"))
		}
		for i, line := range lines {
			state := "missing"
			if i < applied {
				state = "applied"
			}
			if words := strings.Fields(line); len(words) != 3 || words[0] != fmt.Sprint(i+1) || words[1] != state {
				t.Errorf("%s: %q, want migration %d %s", when, line, i+1, state)
			}
		}
	}
	migrate := func(want string, args ...string) {
		t.Helper()
		out := mustRun(t, env, "", append([]string{"migrate"}, args...)...)
		assertEqual(t, strings.Join(args, " "), out, "schema: "+want+"\n")
	}
	tables := func() string {
		t.Helper()
		return mustRun(t, env, "", "psql", "-Atc", `SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class
			WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')`)
	}
	empty := tables()
	status("new", 0)
	migrate(fmt.Sprintf("0 → %d", last), "up")
	status("up", last)
	full := tables()
	assertContains(t, full, "site", "change", "instrument")
	migrate(fmt.Sprintf("%d → %[1]d", last), "up")
	migrate(fmt.Sprintf("%d → %d", last, last-1), "down")
	status("down", last-1)
	migrate(fmt.Sprintf("%d → %d", last-1, last), "up")
	status("up again", last)
	assertEqual(t, "tables after down and up", tables(), full)
	migrate(fmt.Sprintf("%d → 0", last), "down", fmt.Sprint(last))
	status("all down", 0)
	if strings.Contains(tables(), "site") {
		t.Errorf("tables after all down: %s; before up: %s", tables(), empty)
	}
	assertContains(t, mustFail(t, env, "", "migrate", "down", "0"), "at least 1")
	migrate(fmt.Sprintf("0 → %d", last), "up")
	assertEqual(t, "tables after all down and up", tables(), full)
}
