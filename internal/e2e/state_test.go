package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"labledger/internal/programtest"
)

// One server uses a state directory at a time. A second one fails and leaves the first one alone.
func TestStateDir_isLocked(t *testing.T) {
	t.Parallel()
	state := stateDir(t)
	data := filepath.Join(state, "postgres", "data")
	first := startServer(t, "STATE_DIR="+state)
	pid := postmasterPID(t, data)
	for range 2 {
		message := mustFail(t, []string{"STATE_DIR=" + state}, "")
		assertContains(t, message, "in use", fmt.Sprint(first.PID()), state)
	}
	if now := postmasterPID(t, data); now != pid || !processAlive(pid) {
		t.Errorf("PID of the first server's Postgres: %d, was %d", now, pid)
	}
	assertEqual(t, "/site/1", first.Get("/site/1", http.StatusOK), programtest.Site1)
	first.Send(http.MethodPatch, "/site/1", `{"name": "Unharmed"}`, http.StatusOK)
	first.Stop(syscall.SIGINT)
}

// A port in use fails the start before Postgres is started.
func TestServe_failsFastIfPortIsInUse(t *testing.T) {
	t.Parallel()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	_, port, _ := net.SplitHostPort(other.Addr().String())
	state := stateDir(t, "state")
	r := run(t, []string{"STATE_DIR=" + state, "PORT=" + port}, "")
	if r.Code == 0 || r.Duration > 30*time.Second {
		t.Errorf("exit code %d after %s", r.Code, r.Duration)
	}
	assertContains(t, r.Stderr, other.Addr().String(), "in use", "PORT=")
	assertNotExists(t, state)

	_ = other.Close()
	s := startServer(t, "STATE_DIR="+state, "PORT="+port)
	assertEqual(t, "address", s.URL, "http://127.0.0.1:"+port)
}

// The path of a Unix socket is limited to about 108 bytes, so a long state directory has its socket elsewhere.
func TestStateDir_longPath(t *testing.T) {
	t.Parallel()
	state := stateDir(t, strings.Repeat("long ", 20), strings.Repeat("länger,", 10))
	s := startServer(t, "STATE_DIR="+state)
	assertEqual(t, "/site/1", s.Get("/site/1", http.StatusOK), programtest.Site1)
	text, err := os.ReadFile(filepath.Join(state, "url"))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	socketDir := u.Query().Get("host")
	if _, err := os.Stat(socketDir); err != nil {
		t.Error(err)
	}
	name := mustRun(t, []string{"STATE_DIR=" + state}, "", "psql", "-Atc", "SELECT name FROM site WHERE id = 1")
	assertEqual(t, "psql", name, "Site 1\n")
	s.Stop(syscall.SIGINT)
	assertNoPostgres(t, state)
	assertNotExists(t, socketDir)
}

// As root, Postgres runs as an unprivileged user. If that user cannot enter the state directory, the data is elsewhere.
func TestStateDir_inaccessibleToPostgresUser(t *testing.T) {
	t.Parallel()
	const fallback = "/var/lib/labledger"
	if _, err := os.Stat(fallback); os.IsNotExist(err) {
		t.Cleanup(func() { _ = os.Remove(fallback) }) // fails if another process uses it
	}
	state := stateDir(t, "closed", "state")
	if err := os.Mkdir(filepath.Dir(state), 0o700); err != nil {
		t.Fatal(err)
	}
	parent := state
	if os.Getuid() == 0 {
		parent = fallback
	}
	dataRE := regexp.MustCompile(`Data directory: (.*)`)
	var first string
	for range 2 {
		s := startServer(t, "STATE_DIR="+state)
		s.WaitFor("the data directory", func() bool { return dataRE.MatchString(s.Stderr.String()) })
		data := dataRE.FindStringSubmatch(s.Stderr.String())[1]
		if !strings.HasPrefix(data, parent+"/") {
			t.Fatalf("data directory %q, want it below %s", data, parent)
		}
		if first == "" {
			first = data
			assertEqual(t, "/site/1", s.Get("/site/1", http.StatusOK), programtest.Site1)
			s.Send(http.MethodDelete, "/site/3", "", http.StatusOK)
		}
		assertEqual(t, "data directory after a restart", data, first)
		s.Get("/site/3", http.StatusNotFound)
		s.Stop(syscall.SIGTERM)
	}
	assertNoPostgres(t, filepath.Dir(first))
}
