package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"labledger/internal/pgtest"
	"labledger/internal/postgres/embedded"
)

// The tests of this package run the real program, as a process of its own, on a real Postgres.

// binary is the program under test. Its folder holds nothing else, and every user can read it.
var binary string

// life is held open, and nothing is written to it, for as long as this process runs.
var life io.Closer

func TestMain(m *testing.M) {
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, "cannot build the program under test:", err)
		os.Exit(1)
	}
	pgtest.Main(m, nil, nil)
}

// build makes the binary. pgtest.Main ends the process, so a shell that sees our end, however it comes, deletes it.
func build() error {
	dir, err := os.MkdirTemp("/tmp", "labledger-binary-")
	if err != nil {
		return err
	}
	janitor := exec.Command("sh", "-c", `cat; rm -rf "$1"`, "sh", dir)
	janitor.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C must not reach it
	if life, err = janitor.StdinPipe(); err != nil {
		return err
	}
	if err := janitor.Start(); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	binary = filepath.Join(dir, "labledger")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "../..").CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// patience bounds everything that a test waits for.
const patience = time.Minute

// stateDir is a fresh folder for a private cluster. At the end of the test all of it is deleted, wherever the data lie,
// and a Postgres that a killed server left behind is stopped.
func stateDir(t *testing.T, below ...string) string {
	t.Helper()
	dir := filepath.Join(append([]string{pgtest.StateDir(t)}, below...)...)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := embedded.Remove(ctx, dir, slog.New(slog.DiscardHandler)); err != nil {
			t.Error("cannot wipe the state folder:", err)
		}
	})
	return dir
}

// environment is what a process under test sees: nothing of ours but the way to programs, then what is given.
// Without a PORT among that, a server takes any free one.
func environment(t *testing.T, given []string) []string {
	t.Helper()
	home := t.TempDir() // no .psqlrc, no .pgpass
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C.UTF-8", "PORT=0"}, given...)
}

// result is a program that has ended.
type result struct {
	stdout, stderr string
	code           int
	took           time.Duration
}

// run runs the program to its end. env are "NAME=value"s.
func run(t *testing.T, env []string, stdin string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = environment(t, env)
	cmd.WaitDelay = time.Second
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) } // so that it stops its Postgres
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	began := time.Now()
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("labledger %q did not end within %s\n%s%s", args, patience, &stdout, &stderr)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode(), time.Since(began)}
}

// succeed is run for what must work; it returns standard output.
func succeed(t *testing.T, env []string, stdin string, args ...string) string {
	t.Helper()
	r := run(t, env, stdin, args...)
	if r.code != 0 {
		t.Fatalf("labledger %q: exit code %d\n%s%s", args, r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// fail is run for what must be refused; it returns standard error.
func fail(t *testing.T, env []string, stdin string, args ...string) string {
	t.Helper()
	r := run(t, env, stdin, args...)
	if r.code == 0 {
		t.Errorf("labledger %q: exit code 0; want a failure\n%s%s", args, r.stdout, r.stderr)
	}
	if strings.Contains(r.stderr, "goroutine ") {
		t.Errorf("labledger %q panicked: %s", args, r.stderr)
	}
	return r.stderr
}

// says fails the test unless text holds all the words, in whatever case.
func says(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(strings.ToLower(text), strings.ToLower(word)) {
			t.Errorf("there is no %q in: %s", word, text)
		}
	}
}

// transcript is output that is read while it is written.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *transcript) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *transcript) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// server is a running `labledger`.
type server struct {
	t              *testing.T
	process        *os.Process
	stdout, stderr transcript
	url            string        // http://127.0.0.1:port
	ended          chan struct{} // closed when the process is gone
	state          *os.ProcessState
}

// launch starts a server without waiting for it. It is stopped when the test ends.
func launch(t *testing.T, dir string, env ...string) *server {
	t.Helper()
	s := &server{t: t, ended: make(chan struct{})}
	cmd := exec.Command(binary)
	cmd.Dir, cmd.Env = dir, environment(t, env)
	cmd.Stdout, cmd.Stderr = &s.stdout, &s.stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.process = cmd.Process
	go func() {
		_ = cmd.Wait() // the state tells it
		s.state = cmd.ProcessState
		close(s.ended)
	}()
	t.Cleanup(func() {
		s.signal(syscall.SIGINT)
		s.code()
		if t.Failed() {
			out := s.stdout.String()
			t.Logf("the server wrote\n…%s%s", out[max(0, len(out)-2000):], &s.stderr)
		}
	})
	return s
}

var address = regexp.MustCompile(`http://[0-9.]+:\d+`)

// start starts a server and waits until it answers.
func start(t *testing.T, env ...string) *server {
	t.Helper()
	return startIn(t, t.TempDir(), env...)
}

// startIn is start in a working directory.
func startIn(t *testing.T, dir string, env ...string) *server {
	t.Helper()
	s := launch(t, dir, env...)
	s.await("the server to say where it listens", func() bool {
		s.url = address.FindString(s.stdout.String() + s.stderr.String())
		return s.url != ""
	})
	s.get("/healthcheck", http.StatusOK)
	return s
}

// await waits until something has come true while the server runs.
func (s *server) await(what string, done func() bool) {
	s.t.Helper()
	for began := time.Now(); !done(); {
		select {
		case <-s.ended:
			s.t.Fatalf("the server ended (%s) before %s\n%s%s", s.state, what, &s.stdout, &s.stderr)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Since(began) > patience {
			s.t.Fatal("waited too long for " + what)
		}
	}
}

func (s *server) signal(sig os.Signal) {
	_ = s.process.Signal(sig) // one that has ended needs none
}

// code waits for the server's end and returns its exit code; -1 when a signal ended it.
func (s *server) code() int {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		_ = s.process.Kill()
		<-s.ended
		s.t.Errorf("the server did not end within %s", patience)
	}
	return s.state.ExitCode()
}

// stop ends the server by a signal and expects that it ends well.
func (s *server) stop(sig os.Signal) {
	s.t.Helper()
	s.signal(sig)
	if code := s.code(); code != 0 {
		s.t.Errorf("exit code %d after %s; want 0", code, sig)
	}
}

// get asks for a path and returns the body.
func (s *server) get(path string, want int) string {
	s.t.Helper()
	return s.send(http.MethodGet, path, "", want)
}

// send sends JSON, or nothing when body is empty.
func (s *server) send(method, path, body string, want int) string {
	s.t.Helper()
	status, answer, err := exchange(method, s.url+path, http.Header{"Content-Type": {"application/json"}}, body)
	if err != nil {
		s.t.Fatal(err)
	}
	if status != want {
		s.t.Fatalf("%s %s: status %d, want %d: %s", method, path, status, want, answer)
	}
	return answer
}

// exchange is one request on a connection of its own.
func exchange(method, url string, header http.Header, body string) (status int, answer string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header, r.Close = header, true
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	b, err := io.ReadAll(response.Body)
	return response.StatusCode, string(b), err
}

// postmaster is the process id of the private Postgres with these data.
func postmaster(t *testing.T, data string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// alive reports whether a process runs. One that has ended may keep its number until somebody asks how it ended.
func alive(pid int) bool {
	out, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}

// noPostgres fails the test when a Postgres still runs on a state folder.
func noPostgres(t *testing.T, state string) {
	t.Helper()
	out, err := exec.Command("ps", "-eo", "args").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, state+"/") {
			t.Errorf("still running: %s", line)
		}
	}
}
