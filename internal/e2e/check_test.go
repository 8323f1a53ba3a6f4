package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"labledger/internal/pgtest"
)

// sampleSettings are the lines of sample files, as compose reads them.
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

// What stands in the sample files is refused, all of it at once, and by whatever would use it.
func TestSamplesRefused(t *testing.T) {
	t.Parallel()
	env := append(sampleSettings(t, ".env.prod.sample", ".env.prod.db.sample"), "AUTH=required")
	says(t, fail(t, env, "", "check"), "JWT_SECRET", "DATABASE_URL is still", "OWNER_DATABASE_URL is still", "POSTGRES_PASSWORD is still", "openssl rand")
	secret := "JWT_SECRET=5mT9qWx2ZcR8vN4kLs7pYd3fHb6gJa1e"
	says(t, fail(t, append(env, secret), "", "serve"), "DATABASE_URL is still")
	says(t, fail(t, env, "", "migrate", "up"), "OWNER_DATABASE_URL is still")
	says(t, fail(t, append(env, "OWNER_DATABASE_URL="+pgtest.Database(t)), "", "migrate", "up"), "DATABASE_URL is still")

	good := []string{
		secret, "AUTH=required", "POSTGRES_PASSWORD=aaa",
		"DATABASE_URL=postgres://labledger_server:bbb@db/labledger", "OWNER_DATABASE_URL=postgres://labledger:aaa@db/labledger",
	}
	says(t, succeed(t, good, "", "check"), "fit to run")
	says(t, fail(t, append(good, "POSTGRES_PASSWORD=ccc"), "", "check"), "they are one")
}

// Commands work as the owner when its URL is given; the server does not.
func TestOwnerURL(t *testing.T) {
	t.Parallel()
	owner := pgtest.Database(t)
	env := []string{"OWNER_DATABASE_URL=" + owner, "DATABASE_URL=" + pgtest.ServerURL(owner)}
	if out := succeed(t, env, "", "migrate", "up"); !strings.HasPrefix(out, "schema: 0 → ") || strings.Contains(out, "password") {
		t.Error(out)
	}
	succeed(t, env, "", "seed")
	s := start(t, env...)
	want(t, "/site/1", s.get("/site/1", http.StatusOK), site1)
	want(t, "who the server is", strings.TrimSpace(succeed(t, env, "", "psql", "-Atc",
		"SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'")), "labledger_server")
	want(t, "who a command is", strings.TrimSpace(succeed(t, env, "", "psql", "-Atc", "SELECT session_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'site')")), "t")
	says(t, fail(t, []string{"OWNER_DATABASE_URL=postgres://x@127.0.0.1:port/x"}, "", "migrate", "up"), "OWNER_DATABASE_URL")
}

// health is for the checks of containers, which have no other program to ask with.
func TestHealth(t *testing.T) {
	t.Parallel()
	s := start(t, "DATABASE_URL="+pgtest.Database(t))
	port := "PORT=" + s.url[strings.LastIndexByte(s.url, ':')+1:]
	for _, host := range []string{"127.0.0.1", "0.0.0.0", "", "localhost"} {
		says(t, succeed(t, []string{port, "HOST=" + host}, "", "health"), `"status":"ready"`)
	}
	for answer, word := range map[string]string{`{"status":"not ready"}`: "not ready", "<html>": "no labledger"} {
		status := http.StatusOK
		if word == "not ready" {
			status = http.StatusServiceUnavailable
		}
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, answer) // whoever reads it is under test
		}))
		says(t, fail(t, []string{"PORT=" + other.URL[strings.LastIndexByte(other.URL, ':')+1:]}, "", "health"), word)
		other.Close()
	}
	says(t, fail(t, []string{"PORT=1"}, "", "health"), "connection refused")
}
