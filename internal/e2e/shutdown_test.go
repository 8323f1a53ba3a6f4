package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

// keepAliveConn is a connection that a proxy keeps open.
type keepAliveConn struct {
	t *testing.T
	net.Conn
	in *bufio.Reader
}

func dialKeepAlive(t *testing.T, s *programtest.Server) *keepAliveConn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &keepAliveConn{t, conn, bufio.NewReader(conn)}
}

// get requests a path. It returns the status, and whether the response closes the connection.
func (c *keepAliveConn) get(path string) (status int, closes bool) {
	c.t.Helper()
	if err := c.SetDeadline(time.Now().Add(waitTimeout)); err != nil {
		c.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path); err != nil {
		c.t.Fatal(err)
	}
	response, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatal(path, err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		c.t.Fatal(err)
	}
	return response.StatusCode, response.Close
}

// A stopping server first fails /readyz, then closes the port, and then closes each connection with its next response.
func TestShutdown_drainsConnections(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.Database(t), "DRAIN_DELAY=2s")
	first, second, idle := dialKeepAlive(t, s), dialKeepAlive(t, s), dialKeepAlive(t, s)
	for _, c := range []*keepAliveConn{first, second, idle} {
		if status, closes := c.get("/readyz"); status != http.StatusOK || closes {
			t.Fatal(status, closes)
		}
	}
	s.Signal(syscall.SIGTERM)
	s.WaitFor("/readyz to fail", func() bool {
		status, _ := first.get("/readyz")
		return status == http.StatusServiceUnavailable
	})
	assertContains(t, s.Get("/readyz", http.StatusServiceUnavailable), `"status":"not ready"`, `"server":"shutting down: `)
	s.Get("/sites", http.StatusOK) // on a new connection
	if status, closes := first.get("/sites"); status != http.StatusOK || closes {
		t.Errorf("while /readyz fails: status %d, closes %t", status, closes)
	}
	s.WaitPortClosed()
	for _, c := range []*keepAliveConn{first, second} {
		if status, closes := c.get("/sites"); status != http.StatusOK || !closes {
			t.Errorf("after the port has closed: status %d, closes %t", status, closes)
		}
	}
	if code := s.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := idle.in.ReadByte(); err != io.EOF {
		t.Errorf("end of an idle connection: %v, want EOF", err)
	}
}

func TestShutdown_secondSignalEndsDrainDelay(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.Database(t), "DRAIN_DELAY=10m")
	s.Signal(syscall.SIGTERM)
	s.WaitFor("the shutdown", func() bool { return strings.Contains(s.Stdout.String(), "stopping") })
	s.Get("/sites", http.StatusOK)
	s.Stop(syscall.SIGTERM)
}

// upload starts to send a CSV of sites and returns once the server reads it. The response arrives after body is closed.
func upload(t *testing.T, s *programtest.Server) (body *io.PipeWriter, response chan string) {
	t.Helper()
	reader, body := io.Pipe()
	reading := make(chan struct{})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(reading) }})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/api/v1/sites", reader)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "text/csv")
	r.Header.Set("Expect", "100-continue") // the server sends 100 when the handler starts to read
	transport := &http.Transport{ExpectContinueTimeout: waitTimeout}
	t.Cleanup(transport.CloseIdleConnections)
	response = make(chan string, 1)
	go func() {
		resp, err := transport.RoundTrip(r)
		if err != nil {
			_ = reader.CloseWithError(err)
			response <- err.Error()
			return
		}
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		response <- fmt.Sprint(resp.StatusCode, " ", string(text), err)
	}()
	select {
	case <-reading:
	case text := <-response:
		t.Fatal(text)
	}
	const rows = "name,contact,address,state_or_region,country,postcode_or_zip\nSlow 1,,,,,\n"
	if _, err := io.WriteString(body, rows); err != nil {
		t.Fatal(err)
	}
	return body, response
}

func TestShutdown_finishesRunningRequests(t *testing.T) {
	t.Parallel()
	state := stateDir(t)
	s := startServer(t, "STATE_DIR="+state)
	body, response := upload(t, s)
	s.Signal(syscall.SIGTERM)
	s.WaitPortClosed()
	if _, err := io.WriteString(body, "Slow 2,,,,,\n"); err != nil {
		t.Fatal(err)
	}
	if err := body.Close(); err != nil {
		t.Fatal(err)
	}
	assertEqual(t, "the slow upload", <-response, `200 {"created":2,"updated":0,"cleared":0}`+"\n<nil>")
	if code := s.Wait(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	assertNoPostgres(t, state)
	assertContains(t, mustRun(t, []string{"STATE_DIR=" + state}, "", "export", "sites"), "Slow 1", "Slow 2")
}

func TestShutdown_abortsRequestsAfterTimeout(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	s := startServer(t, "DATABASE_URL="+url)
	body, response := upload(t, s)
	start := time.Now()
	s.Signal(syscall.SIGTERM)
	if code := s.Wait(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	const shutdownTimeout = 10 * time.Second // see internal/cli
	if took := time.Since(start); took < shutdownTimeout {
		t.Errorf("exit after %s, want at least %s", took, shutdownTimeout)
	}
	assertContains(t, s.Stdout.String(), "requests aborted", "deadline exceeded")
	_ = body.Close()
	if text := <-response; strings.HasPrefix(text, "200") {
		t.Errorf("response to the aborted upload: %s", text)
	}
	rows := mustRun(t, []string{"DATABASE_URL=" + url}, "", "export", "sites")
	if strings.Contains(rows, "Slow") {
		t.Errorf("some rows of the aborted upload are stored:\n%s", rows)
	}
}

func TestShutdown_secondSignalAbortsRequests(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.Database(t))
	body, _ := upload(t, s)
	defer func() { _ = body.Close() }()
	s.Signal(syscall.SIGINT)
	s.WaitPortClosed()
	s.Stop(syscall.SIGINT)
	// Without the second signal, the cause would be the timeout.
	assertContains(t, s.Stdout.String(), "requests aborted", context.Canceled.Error())
}

// A signal during startup stops the server and its Postgres without an error, whatever the phase of the startup.
func TestShutdown_duringStartup(t *testing.T) {
	t.Parallel()
	exists := func(name string) func(state string) bool {
		return func(state string) bool {
			_, err := os.Stat(filepath.Join(state, name))
			return err == nil
		}
	}
	for name, reached := range map[string]func(state string) bool{
		"state directory created": exists("."),
		"initdb running":          exists("postgres/data"),
		"Postgres starting":       exists("postgres/data/postmaster.pid"),
		"Postgres running":        exists("url"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := stateDir(t, "state")
			s := programtest.Launch(t, programtest.Command(t, []string{"STATE_DIR=" + state}))
			s.WaitFor(name, func() bool { return reached(state) })
			s.Stop(syscall.SIGTERM)
			if text := s.Stderr.String(); !strings.Contains(text, "Labledger listens on") { // unless it was faster
				assertEqual(t, "standard error", text, "")
			}
			assertNoPostgres(t, state)
		})
	}
}
