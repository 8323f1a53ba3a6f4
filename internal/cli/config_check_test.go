package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"labledger/internal/pgtest"
)

// sampleSettings returns the lines of sample files as Compose reads them.
func sampleSettings(t *testing.T, files ...string) (env []string) {
	t.Helper()
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join("../..", file))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				env = append(env, line)
			}
		}
	}
	return env
}

// check reports all sample secrets at once, and every command rejects those that it uses.
func TestCheck_rejectsSampleSecrets(t *testing.T) {
	t.Parallel()
	env := append(sampleSettings(t, ".env.prod.sample", ".env.prod.db.sample"), "AUTH=required")
	assertContains(t, mustFail(t, env, "", "check"), "JWT_SECRET", "DATABASE_URL still contains",
		"OWNER_DATABASE_URL still contains", "POSTGRES_PASSWORD still contains", "openssl rand")
	secret := "JWT_SECRET=5mT9qWx2ZcR8vN4kLs7pYd3fHb6gJa1e"
	assertContains(t, mustFail(t, append(env, secret), "", "serve"), "DATABASE_URL still contains")
	assertContains(t, mustFail(t, env, "", "migrate", "up"), "OWNER_DATABASE_URL still contains")
	owner := append(env, "OWNER_DATABASE_URL="+pgtest.Database(t))
	assertContains(t, mustFail(t, owner, "", "migrate", "up"), "DATABASE_URL still contains")

	valid := []string{
		secret, "AUTH=required", "POSTGRES_PASSWORD=aaa",
		"DATABASE_URL=postgres://labledger_server:bbb@db/labledger",
		"OWNER_DATABASE_URL=postgres://labledger:aaa@db/labledger",
	}
	assertContains(t, mustRun(t, valid, "", "check"), "configuration OK")
	assertContains(t, mustFail(t, append(valid, "POSTGRES_PASSWORD=ccc"), "", "check"), "different passwords")
}
