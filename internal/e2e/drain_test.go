package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"labledger/internal/pgtest"
)

// A connection that a proxy keeps.
type kept struct {
	t *testing.T
	net.Conn
	in *bufio.Reader
}

func keep(t *testing.T, s *server) *kept {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // it may be closed
	return &kept{t, conn, bufio.NewReader(conn)}
}

// get asks for a path, and tells the status and whether the answer was the connection's last.
func (k *kept) get(path string) (status int, last bool) {
	k.t.Helper()
	_ = k.SetDeadline(time.Now().Add(patience)) // of an open connection
	if _, err := fmt.Fprintf(k, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path); err != nil {
		k.t.Fatal(err)
	}
	answer, err := http.ReadResponse(k.in, nil)
	if err != nil {
		k.t.Fatal(path, err)
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		k.t.Fatal(err)
	}
	return answer.StatusCode, answer.Close
}

// Told to stop, a server first only says so, then takes no new connections, and answers on the ones it has until they have been told.
func TestDrain(t *testing.T) {
	t.Parallel()
	s := start(t, "DATABASE_URL="+pgtest.Database(t), "DRAIN_DELAY=2s")
	first, second, idle := keep(t, s), keep(t, s), keep(t, s)
	for _, k := range []*kept{first, second, idle} {
		if status, last := k.get("/readyz"); status != http.StatusOK || last {
			t.Fatal(status, last)
		}
	}
	s.signal(syscall.SIGTERM)
	s.await("readyz to say no", func() bool {
		status, _ := first.get("/readyz")
		return status == http.StatusServiceUnavailable
	})
	says(t, s.get("/readyz", http.StatusServiceUnavailable), "not ready", "stopping")
	s.get("/sites", http.StatusOK) // on a new connection
	if status, last := first.get("/sites"); status != http.StatusOK || last {
		t.Errorf("while it only says so: %d, last %v", status, last)
	}
	s.await("the port to close", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err == nil {
			_ = conn.Close() // it was only to see
		}
		return err != nil
	})
	for _, k := range []*kept{first, second} {
		if status, last := k.get("/sites"); status != http.StatusOK || !last {
			t.Errorf("after the port has closed: %d, last %v", status, last)
		}
	}
	if code := s.code(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := idle.in.ReadByte(); err != io.EOF {
		t.Errorf("an idle connection ended by %v", err)
	}
}

// Being told twice cuts the waiting short.
func TestDrainTwice(t *testing.T) {
	t.Parallel()
	s := start(t, "DATABASE_URL="+pgtest.Database(t), "DRAIN_DELAY=10m")
	s.signal(syscall.SIGTERM)
	s.await("it to say that it stops", func() bool { return strings.Contains(s.stdout.String(), "stopping") })
	s.get("/sites", http.StatusOK)
	s.stop(syscall.SIGTERM)
}
