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
)

// Where the program keeps its own Postgres, and whom it shares it with.

func TestSecondServerOnTheSameState(t *testing.T) {
	t.Parallel()
	state := stateDir(t)
	first := start(t, "STATE_DIR="+state)
	pid := postmaster(t, filepath.Join(state, "postgres", "data"))
	for range 2 {
		says(t, fail(t, []string{"STATE_DIR=" + state}, ""), "in use", fmt.Sprint(first.process.Pid), state)
	}
	if now := postmaster(t, filepath.Join(state, "postgres", "data")); now != pid || !alive(pid) {
		t.Errorf("the first one's Postgres was %d, is %d", pid, now)
	}
	want(t, "/site/1", first.get("/site/1", http.StatusOK), site1)
	first.send(http.MethodPatch, "/site/1", `{"name": "Unharmed"}`, http.StatusOK)
	first.stop(syscall.SIGINT)
}

func TestPortTaken(t *testing.T) {
	t.Parallel()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	_, port, _ := net.SplitHostPort(other.Addr().String())
	state := stateDir(t, "state")
	r := run(t, []string{"STATE_DIR=" + state, "PORT=" + port}, "")
	if r.code == 0 || r.took > 5*time.Second {
		t.Errorf("exit code %d after %s", r.code, r.took)
	}
	says(t, r.stderr, other.Addr().String(), "taken", "PORT=")
	untouched(t, state)

	_ = other.Close()
	s := start(t, "STATE_DIR="+state, "PORT="+port)
	want(t, "address", s.url, "http://127.0.0.1:"+port)
}

// untouched fails the test when there is something at path.
func untouched(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); err == nil {
		entries, _ := os.ReadDir(path)
		t.Errorf("%s was made: %v", path, entries)
	}
}

// The name of a Unix socket has room for about 108 bytes.
func TestLongStateDir(t *testing.T) {
	t.Parallel()
	state := stateDir(t, strings.Repeat("long ", 20), strings.Repeat("länger,", 10))
	s := start(t, "STATE_DIR="+state)
	want(t, "/site/1", s.get("/site/1", http.StatusOK), site1)
	b, err := os.ReadFile(filepath.Join(state, "url"))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	socket := u.Query().Get("host")
	if _, err := os.Stat(socket); err != nil {
		t.Error(err)
	}
	want(t, "psql", succeed(t, []string{"STATE_DIR=" + state}, "", "psql", "-Atc", "SELECT name FROM site WHERE id = 1"), "Site 1\n")
	s.stop(syscall.SIGINT)
	noPostgres(t, state)
	untouched(t, socket)
}

// As root, Postgres runs as a user who may be kept out of the state folder; the data then lie elsewhere.
func TestStateDirOfAClosedFolder(t *testing.T) {
	t.Parallel()
	const elsewhere = "/var/lib/labledger"
	if _, err := os.Stat(elsewhere); os.IsNotExist(err) {
		t.Cleanup(func() { _ = os.Remove(elsewhere) }) // unless others use it by now
	}
	state := stateDir(t, "closed", "state")
	if err := os.Mkdir(filepath.Dir(state), 0o700); err != nil {
		t.Fatal(err)
	}
	parent := state
	if os.Getuid() == 0 {
		parent = elsewhere
	}
	placed := regexp.MustCompile(`Its data is in (.*)`)
	var first string
	for range 2 {
		s := start(t, "STATE_DIR="+state)
		s.await("the server to say where its data is", func() bool { return placed.MatchString(s.stderr.String()) }) // after it listens
		found := placed.FindStringSubmatch(s.stderr.String())
		if found == nil || !strings.HasPrefix(found[1], parent+"/") {
			t.Fatalf("the data is at %q, want it below %s", found, parent)
		}
		if first == "" {
			first = found[1]
			want(t, "/site/1", s.get("/site/1", http.StatusOK), site1)
			s.send(http.MethodDelete, "/site/3", "", http.StatusOK)
		}
		want(t, "data folder", found[1], first)
		s.get("/site/3", http.StatusNotFound)
		s.stop(syscall.SIGTERM)
	}
	noPostgres(t, filepath.Dir(first))
}
