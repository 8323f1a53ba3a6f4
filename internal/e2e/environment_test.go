package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

// The embedded Postgres has its own settings, so no variable of PostgreSQL's clients has an effect on it.
func TestEmbeddedPostgres_ignoresPGVariables(t *testing.T) {
	t.Parallel()
	for name, vars := range map[string][]string{
		"read only": {"PGOPTIONS=-c default_transaction_read_only=on"},
		"elsewhere": {
			"PGSERVICE=nowhere", "PGHOST=203.0.113.1", "PGHOSTADDR=203.0.113.1", "PGPORT=1", "PGUSER=x", "PGDATABASE=x",
			"PGPASSWORD=x", "PGTARGETSESSIONATTRS=standby", "PGCONNECT_TIMEOUT=soon", "PGSSLMODE=verify-full",
			"PGMINPROTOCOLVERSION=3.2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := append([]string{"STATE_DIR=" + stateDir(t)}, vars...)
			s := startServer(t, env...)
			s.Send(http.MethodPatch, "/site/1", `{"contact": "Ada"}`, http.StatusOK)
			first, _, _ := strings.Cut(vars[0], "=")
			assertContains(t, s.Stdout.String(), "variables ignored", first, "DATABASE_URL")
			out := mustRun(t, env, "", "psql", "-Atc", "SELECT contact FROM site WHERE id = 1")
			assertEqual(t, "psql beside the server", out, "Ada\n")
			mustRun(t, env, "", "psql", "-Atc", "UPDATE site SET contact = 'Eve' WHERE id = 1")
			mustRun(t, env, "", "backup", filepath.Join(t.TempDir(), "it.dump"))
			s.Stop(syscall.SIGTERM)
		})
	}
}

// An empty variable counts as unset.
func TestEmptyVariables(t *testing.T) {
	t.Parallel()
	t.Run("STATE_DIR", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Dir(stateDir(t, "var")) // cleans up dir/var
		s := startServerIn(t, dir, "STATE_DIR=")
		s.Stop(syscall.SIGTERM)
		assertNotExists(t, filepath.Join(dir, "lock"))
		if _, err := os.Stat(filepath.Join(dir, "var", "lock")); err != nil {
			t.Error(err)
		}
	})
	t.Run("PORT", func(t *testing.T) {
		t.Parallel()
		env := []string{"HOST=203.0.113.9", "PORT=", "AUTH=insecure-open", "STATE_DIR=" + stateDir(t, "state")}
		assertContains(t, mustFail(t, env, ""), "cannot listen on 203.0.113.9:5000")
	})
	t.Run("HOST", func(t *testing.T) {
		t.Parallel()
		env := []string{"HOST=", "PORT=65536", "STATE_DIR=" + stateDir(t, "state")}
		assertContains(t, mustFail(t, env, ""), "cannot listen on 127.0.0.1:65536")
	})
}

func TestHost_bracketedIPv6(t *testing.T) {
	t.Parallel()
	env := []string{"HOST=[::1]", "PORT=65536", "STATE_DIR=" + stateDir(t, "state")}
	message := mustFail(t, env, "") // fails the test if AUTH=required, the default off loopback, asked for a key
	assertContains(t, message, "cannot listen on [::1]:65536")
}

// secretInFile is part of the values in the files of TestEnvFile. It must not appear in any output.
const secretInFile = "Zr8k2mQ5"

func TestEnvFile(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(".env", "# settings\nexport DATABASE_URL='"+database+"'\nLOG_LEVEL=nonsense\nPATH=/nowhere\nREGISTRATION=\n"+
		"JWT_SECRET=\""+secretInFile+"-m2Vf8rQx1TzL6pYk0HsWb4NcJ\"\n")
	write("other.env", "DATABASE_URL="+database+"\nLOG_LEVEL=debug\n")

	t.Run("environment wins", func(t *testing.T) {
		s := startServerIn(t, dir, "LOG_LEVEL=info")
		s.Send(http.MethodPost, "/site/1", siteJSON("From the file"), http.StatusOK)
		s.Stop(syscall.SIGTERM)
		assertEqual(t, "site", mustValue(t, database, "SELECT name FROM site WHERE id = 1"), "From the file")
		out := s.Stdout.String() + s.Stderr.String()
		assertContains(t, out, "settings read from a file", `"settings":["DATABASE_URL","JWT_SECRET"]`)
		if strings.Contains(out, secretInFile) {
			t.Error("the log contains a value of the file")
		}
		assertNotExists(t, filepath.Join(dir, "var"))
	})
	t.Run("ENV_FILE", func(t *testing.T) {
		s := startServerIn(t, dir, "ENV_FILE=other.env")
		assertContains(t, s.Stdout.String(), "other.env")
		s.Stop(syscall.SIGTERM)
	})
	runIn := func(dir string, env ...string) programtest.Result {
		t.Helper()
		cmd := programtest.Command(t, env, "check")
		cmd.Dir = dir
		r, err := programtest.Exec(cmd)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(r.Stdout+r.Stderr, secretInFile) {
			t.Errorf("output contains a value of the file: %s%s", r.Stdout, r.Stderr)
		}
		return r
	}
	t.Run("check", func(t *testing.T) {
		r := runIn(dir, "LOG_LEVEL=info")
		assertEqual(t, "output", r.Stdout, ".env sets DATABASE_URL, JWT_SECRET\n"+
			".env has LOG_LEVEL, which the environment overrides\n"+
			".env has PATH, which labledger does not use\nconfiguration OK\n")
		if r := runIn(dir, "LOG_LEVEL=", "ENV_FILE="); r.Code == 0 {
			t.Error("the invalid LOG_LEVEL of the file is accepted")
		}
	})
	t.Run("errors", func(t *testing.T) {
		write("broken", "JWT_SECRET=\""+secretInFile+"\nLOG_LEVEL=info")
		write("no-name", secretInFile)
		folder := filepath.Join(dir, "sub")
		if err := os.MkdirAll(filepath.Join(folder, ".env"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			dir, env string
			want     []string
		}{
			{dir, "ENV_FILE=missing.env", []string{"ENV_FILE", "missing.env", "no such file"}},
			{dir, "ENV_FILE=broken", []string{"broken", "NAME=value"}},
			{dir, "ENV_FILE=no-name", []string{"no-name", "NAME=value"}},
			{dir, "ENV_FILE=/dev/zero", []string{"/dev/zero", "larger"}},
			{folder, "", []string{".env", "directory", "ENV_FILE=/dev/null"}},
		} {
			r := runIn(c.dir, c.env)
			if r.Code != 1 {
				t.Errorf("%s: exit code %d, want 1", c.env, r.Code)
			}
			assertContains(t, r.Stderr, c.want...)
		}
		if r := runIn(folder, "ENV_FILE=/dev/null"); r.Code != 0 {
			t.Error(r.Stderr)
		}
	})
}
