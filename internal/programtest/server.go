//go:build unix

package programtest

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"labledger/internal/pgtest"
)

// Output collects the output of a process and can be read while the process runs.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String returns the output so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Server is a running process that serves the API.
type Server struct {
	URL            string // such as http://127.0.0.1:34567
	Stdout, Stderr Output

	t      testing.TB
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process has exited
}

// Launch starts a command that serves, without waiting for it. If the command has a process group of its own, signals
// go to the whole group. The server is stopped when the test ends.
func Launch(t testing.TB, cmd *exec.Cmd) *Server {
	t.Helper()
	s := &Server{t: t, cmd: cmd, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &s.Stdout, &s.Stderr, time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // callers look at cmd.ProcessState
		close(s.exited)
	}()
	t.Cleanup(func() {
		s.Signal(syscall.SIGINT)
		s.Wait()
		if t.Failed() {
			out := s.Stdout.String()
			t.Logf("output of the server:\n…%s%s", out[max(0, len(out)-2000):], &s.Stderr)
		}
	})
	return s
}

// Start starts the program as a server and waits until it responds. If the server still runs when the test ends, it
// must exit with code 0.
func Start(t testing.TB, env ...string) *Server {
	t.Helper()
	return StartIn(t, t.TempDir(), env...)
}

var listenURL = regexp.MustCompile(`http://[0-9.]+:\d+`)

// StartIn is Start with a working directory.
func StartIn(t testing.TB, dir string, env ...string) *Server {
	t.Helper()
	cmd := Command(t, env)
	cmd.Dir = dir
	s := Launch(t, cmd)
	s.WaitFor("the server to print its address", func() bool {
		s.URL = listenURL.FindString(s.Stdout.String() + s.Stderr.String())
		return s.URL != ""
	})
	s.Get("/healthcheck", http.StatusOK)
	t.Cleanup(func() {
		select {
		case <-s.exited:
		default:
			s.Stop(syscall.SIGINT)
		}
	})
	return s
}

// WaitFor waits until condition returns true. It fails the test if the server exits before.
func (s *Server) WaitFor(what string, condition func() bool) {
	s.t.Helper()
	for start := time.Now(); !condition(); {
		select {
		case <-s.exited:
			s.t.Fatalf("server exited (%s) while waiting for %s\n%s%s", s.cmd.ProcessState, what, &s.Stdout, &s.Stderr)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Since(start) > pgtest.WaitTimeout {
			s.t.Fatalf("timeout while waiting for %s", what)
		}
	}
}

// PID returns the process ID of the server.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Exited returns a channel that is closed when the server has exited.
func (s *Server) Exited() <-chan struct{} { return s.exited }

// Signal sends a signal to the server, unless it has exited.
func (s *Server) Signal(sig syscall.Signal) {
	select {
	case <-s.exited:
		return
	default:
	}
	if attr := s.cmd.SysProcAttr; attr != nil && attr.Setpgid {
		_ = syscall.Kill(-s.PID(), sig)
		return
	}
	_ = s.cmd.Process.Signal(sig)
}

// Wait waits until the server exits and returns its exit code, or -1 if a signal ended it.
func (s *Server) Wait() int {
	s.t.Helper()
	select {
	case <-s.exited:
	case <-time.After(pgtest.WaitTimeout):
		s.Signal(syscall.SIGKILL)
		<-s.exited
		s.t.Errorf("server did not exit within %s", pgtest.WaitTimeout)
	}
	return s.cmd.ProcessState.ExitCode()
}

// Stop sends a signal to the server and checks that it exits with code 0.
func (s *Server) Stop(sig syscall.Signal) {
	s.t.Helper()
	s.Signal(sig)
	if code := s.Wait(); code != 0 {
		s.t.Errorf("exit code %d after %s, want 0", code, sig)
	}
}

// Kill ends the server with SIGKILL and waits for it.
func (s *Server) Kill() {
	s.t.Helper()
	s.Signal(syscall.SIGKILL)
	s.Wait()
}

// WaitReady waits until /readyz returns 200. It returns false if the server exits before.
func (s *Server) WaitReady() bool {
	s.t.Helper()
	for start := time.Now(); time.Since(start) < pgtest.WaitTimeout; {
		if status, _, err := Request(http.MethodGet, s.URL+"/readyz", nil, ""); err == nil && status == http.StatusOK {
			return true
		}
		select {
		case <-s.exited:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	s.t.Fatal("timeout while waiting for /readyz")
	return false
}

// WaitPortClosed waits until the server accepts no new connections.
func (s *Server) WaitPortClosed() {
	s.t.Helper()
	s.WaitFor("the port to close", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
}

// Get requests a path, checks the status and returns the body.
func (s *Server) Get(path string, wantStatus int) string {
	s.t.Helper()
	return s.Send(http.MethodGet, path, "", wantStatus)
}

// Send sends a JSON body, or none if body is empty. It checks the status and returns the body of the response.
func (s *Server) Send(method, path, body string, wantStatus int) string {
	s.t.Helper()
	return s.SendAs(nil, method, path, body, wantStatus)
}

// SendAs is Send with additional headers, such as those that Login returns.
func (s *Server) SendAs(header http.Header, method, path, body string, wantStatus int) string {
	s.t.Helper()
	status, response, err := Request(method, s.URL+path, header, body)
	if err != nil {
		s.t.Fatal(err)
	}
	if status != wantStatus {
		s.t.Fatalf("%s %s: status %d, want %d: %s", method, path, status, wantStatus, response)
	}
	return response
}

// Request sends one request on a new connection. The Content-Type is JSON unless header sets another one.
func Request(method, url string, header http.Header, body string) (status int, response string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), pgtest.WaitTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Close = true
	r.Header.Set("Content-Type", "application/json")
	for name, values := range header {
		r.Header[name] = values
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}
