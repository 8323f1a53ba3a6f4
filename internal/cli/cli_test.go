package cli_test

import (
	"strings"
	"testing"
)

func TestHelp(t *testing.T) {
	t.Parallel()
	out := mustRun(t, nil, "", "help")
	assertEqual(t, "--help", mustRun(t, nil, "", "--help"), out)
	for _, command := range []string{
		"serve", "migrate up", "migrate down", "migrate status", "seed", "export", "import", "psql", "version", "help",
	} {
		assertContains(t, out, "\n  "+command+" ")
	}
	for _, name := range []string{
		"HOST", "PORT", "DATABASE_URL", "READ_DATABASE_URL", "STATE_DIR", "AUTH", "LOG_LEVEL", "LOG_FORMAT",
		"OTEL_EXPORTER_OTLP_ENDPOINT",
	} {
		assertContains(t, out, "($"+name+")", "--"+strings.ReplaceAll(strings.ToLower(name), "_", "-")+"=")
	}
	assertContains(t, out, `"127.0.0.1"`, `"5000"`, "insecure-open", "debug",
		"OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER", "OTEL_SDK_DISABLED")
}

// Invalid arguments have an exit code other than 0 and 1, and change nothing.
func TestUsageErrors(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"bogus"}, {"--bogus"}, {"serve", "bogus"}, {"serve", "--bogus"}, {"migrate"}, {"migrate", "sideways"},
		{"migrate", "down", "many"}, {"export"}, {"export", "sites", "--format", "xml"}, {"export", "sites", "more"},
		{"import", "sites"}, {"import"}, {"version", "bogus"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			dir := stateDir(t, "state")
			r := run(t, []string{"STATE_DIR=" + dir}, "", args...)
			if r.Code == 0 || r.Code == 1 { // 1 is for errors at run time
				t.Errorf("exit code %d", r.Code)
			}
			assertContains(t, r.Stdout+r.Stderr, "usage: labledger")
			assertContains(t, r.Stderr, "labledger: error:")
			assertNotExists(t, dir)
		})
	}
}

// Standard output may be redirected into a file, so the usage of a mistyped command goes to standard error.
func TestUsageGoesToStderr(t *testing.T) {
	t.Parallel()
	if r := run(t, nil, "", "export", "sites", "--fromat", "csv"); r.Stdout != "" {
		t.Errorf("standard output: %.60q", r.Stdout)
	}
}

func TestFlagsOverrideEnvironment(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	database := databaseURL(env)
	sites := mustRun(t, env, "", "export", "sites")
	unreachable := []string{"DATABASE_URL=postgres://127.0.0.1:1/no"}
	assertEqual(t, "flag after the command",
		mustRun(t, unreachable, "", "export", "sites", "--database-url", database), sites)
	assertEqual(t, "flag before the command",
		mustRun(t, nil, "", "--database-url="+database, "export", "sites"), sites)
	assertEqual(t, "flag before psql",
		mustRun(t, nil, "", "--database-url="+database, "psql", "-Atc", "SELECT name FROM site WHERE id = 1"), "Site 1\n")
}
