package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/leaktest"
	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/embedded"
)

func TestStream_rejectsBadRequests(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, func(h *streamHandler) { h.hub.maxClients = 2 })
	idSuffix := ".1.01890a5d-ac96-774b-bcce-b302099a8057"
	const badID = "must be the ID of a message of this stream, such as 748.1.01890a5d-ac96-774b-bcce-b302099a8057, or 0."
	for _, c := range []struct{ query, header, want string }{
		{"?user=1", "", `400 user: is unknown; did you mean "user_id"?`},
		{"?user_id=x", "", "400 user_id: must be an integer."},
		{"?kind=alerts&user_id=-1", "", "400 user_id: must be from 0 to 9007199254740991; kind: must be event or alert."},
		{"?kind=event&kind=alert", "", "400 kind: is given more than once."},
		{"?last_event_id=", "", "400 last_event_id: " + badID},
		{"?last_event_id=1" + idSuffix, "Last-Event-ID: 00", "400 Last-Event-ID: " + badID},
		{"", "Last-Event-ID: -1" + idSuffix, "400 Last-Event-ID: " + badID},
		{"", "Last-Event-ID: 9223372036854775808" + idSuffix, "400 Last-Event-ID: " + badID},
		{"", "Last-Event-ID: 1" + strings.Replace(idSuffix, "1", "3", 1), "400 Last-Event-ID: " + badID},
		{"", "Last-Event-ID: 1" + idSuffix + "0", "400 Last-Event-ID: " + badID},
		{"", "Last-Event-ID: 9223372036854775807" + idSuffix, "400 Last-Event-ID: is an unknown position " +
			"(the database may have been restored); restart from 0."},
		{"", "Accept: application/json", `406 Accept "application/json" matches no available media type; ` +
			"use text/event-stream."},
		{"", "Accept: text/event-stream;q=0, */*", `406 Accept "text/event-stream;q=0, */*" matches no available ` +
			"media type; use text/event-stream."},
	} {
		r, _ := http.NewRequest("GET", s.URL+"/api/v1/stream"+c.query, nil)
		if name, value, ok := strings.Cut(c.header, ": "); ok {
			r.Header.Set(name, value)
		}
		response, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var p Problem
		err = json.NewDecoder(response.Body).Decode(&p)
		got := fmt.Sprint(p.Status, " ", p.Detail)
		if err != nil || response.StatusCode != p.Status || got != c.want {
			t.Errorf("%q, header %q: got %q, want %q: %v", c.query, c.header, got, c.want, err)
		}
		response.Body.Close()
	}
	response, err := s.Client().Head(s.URL)
	if err != nil || response.StatusCode != http.StatusOK ||
		response.Header.Get("Content-Type") != mediaTypeEventStream {
		t.Errorf("HEAD: %v %v", response, err)
	}
	s.listen(t, "", "").nextMessage(t)
	second := s.listen(t, "", "")
	second.nextMessage(t)
	third := s.listen(t, "", "")
	if third.StatusCode != http.StatusServiceUnavailable || third.Header.Get("Retry-After") == "" {
		t.Errorf("stream above the limit: %v", third.Response)
	}
	second.cancel()
	waitFor(t, "a disconnected client frees its slot", func() bool {
		return s.listen(t, "", "").StatusCode == http.StatusOK
	})
}

func TestStream_heartbeat(t *testing.T) {
	s := serveStream(t, pgtest.Pool(t), nil, func(h *streamHandler) { h.heartbeatInterval = 50 * time.Millisecond })
	l := s.listen(t, "", "")
	l.nextMessage(t)
	for start := time.Now(); time.Since(start) < time.Second; { // longer than the timeouts of the server
		if m := l.nextMessage(t); m != (message{comment: "heartbeat"}) {
			t.Errorf("got %+v, want a heartbeat", m)
		}
	}
}

// addLarge inserts more data than the network buffers hold for a client that does not read. It returns the number of
// events.
func addLarge(t *testing.T, pool *pgxpool.Pool) (events int) {
	t.Helper()
	const insert = `INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts,
			alert_codes, created_at, actor)
		VALUES (1, $1, 'deposit', 1, 1, 1, 'medium', 1, jsonb_build_object('x', repeat('x', 100000)), '{}', now(), 'test')`
	const n = 40
	for range n {
		if _, err := pool.Exec(t.Context(), insert, uuid.Must(uuid.NewV7())); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// openStuckClient opens a stream from the beginning and does not read it.
func (s *streamServer) openStuckClient(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	fmt.Fprintf(conn, "GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 0\r\n\r\n")
	return conn
}

func (s *streamServer) clients() int {
	s.stream.hub.mu.Lock()
	defer s.stream.hub.mu.Unlock()
	return s.stream.hub.clients
}

// TestStream_slowClient: a client that does not read is disconnected and does not delay other clients.
func TestStream_slowClient(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, func(h *streamHandler) { h.writeTimeout = time.Second })
	events := addLarge(t, pool)
	slow := s.openStuckClient(t)
	waitFor(t, "the slow client is connected", func() bool { return s.clients() == 1 })
	fast := s.listen(t, "", "0")
	fast.collect(t, events)
	waitFor(t, "the slow client is disconnected", func() bool { return s.clients() == 1 })
	_ = slow.SetReadDeadline(time.Now().Add(time.Second)) // read what is left in network buffers
	if body, _ := io.ReadAll(slow); strings.Count(string(body), "\nid: ") >= events {
		t.Error("the slow client received all events")
	}
	fast.expectSilence(t, 10*time.Millisecond)
}

// TestStream_shutdown: a shutdown ends all streams cleanly and soon; clients that do not read do not delay it.
func TestStream_shutdown(t *testing.T) {
	pool := pgtest.Pool(t)
	shutdown := make(chan struct{})
	s := serveStream(t, pool, shutdown, func(h *streamHandler) { h.writeTimeout = time.Hour })
	idle := s.listen(t, "", "")
	idle.nextMessage(t)
	addLarge(t, pool)
	s.openStuckClient(t)
	waitFor(t, "the slow client is connected", func() bool { return s.clients() == 2 })
	idle.nextData(t)
	time.Sleep(300 * time.Millisecond) // until the write blocks
	start := time.Now()
	close(shutdown)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for range idle.messages {
		}
	}()
	if err := s.Config.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if elapsed := time.Since(start); elapsed > 20*time.Second {
		t.Errorf("shutdown took %v, want at most 20s", elapsed)
	}
	if <-drained; idle.err != io.EOF {
		t.Errorf("the stream ended with %v, want EOF", idle.err)
	}
	if resp := doRequest(s.Config.Handler, "GET", "/", ""); resp.Code != http.StatusServiceUnavailable {
		t.Errorf("stream opened during shutdown: %d", resp.Code)
	}
}

// TestStream_cleanEnd: a shutdown ends streams cleanly even if the deadline of the last write has passed.
func TestStream_cleanEnd(t *testing.T) {
	shutdown := make(chan struct{})
	s := serveStream(t, pgtest.Pool(t), shutdown, func(h *streamHandler) { h.writeTimeout = 20 * time.Millisecond })
	var listeners []*listener
	for range 50 {
		l := s.listen(t, "", "")
		l.nextMessage(t)
		listeners = append(listeners, l)
	}
	time.Sleep(2 * s.stream.writeTimeout)
	close(shutdown)
	for _, l := range listeners {
		if m, more := <-l.messages; more || l.err != io.EOF {
			t.Errorf("got message %+v, error %v; want EOF", m, l.err)
		}
	}
}

// TestStream_hubStopsWhenIdle: the hub stops polling without clients and starts again with the next client.
func TestStream_hubStopsWhenIdle(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, nil)
	running := func() bool { return leaktest.InType((*hub).run)+leaktest.InType((*subscriber).wait) > 0 }
	for range 3 {
		var listeners []*listener
		for range 5 {
			l := s.listen(t, "", "")
			l.nextMessage(t)
			listeners = append(listeners, l)
		}
		event := addEvent(t, pool, 1)
		for _, l := range listeners {
			if rows, _ := l.collect(t, 1); rows[0] != event {
				t.Errorf("got %s, want %s", rows[0], event)
			}
		}
		if !running() {
			t.Fatal("no goroutine of the hub found while streams are open")
		}
		for _, l := range listeners {
			l.cancel()
		}
		waitFor(t, "all goroutines of the hub have ended", func() bool { return !running() })
		for range 3 {
			s.stream.wake() // without clients
		}
	}
}

// postmasterPID returns the process ID of the Postgres server, or 0 if it is not running.
func postmasterPID(c *embedded.Cluster) int {
	file, _ := os.ReadFile(filepath.Join(c.Dir(), "postmaster.pid"))
	line, _, _ := strings.Cut(string(file), "\n")
	pid, _ := strconv.Atoi(line)
	return pid
}

// TestStream_survivesPostgresCrash kills Postgres while streams are open. They stay open and miss nothing that is
// written afterwards.
func TestStream_survivesPostgresCrash(t *testing.T) {
	cluster := pgtest.NewCluster(t)
	if err := migrateAndSeed(t.Context(), cluster.URL()); err != nil {
		t.Fatal(err)
	}
	pool, err := postgres.Open(t.Context(), cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	s := serveStream(t, pool, nil, func(h *streamHandler) { h.heartbeatInterval = 200 * time.Millisecond })
	active := s.listen(t, "", "0")
	for round := range 3 {
		before := addEvent(t, pool, 1)
		if rows, _ := active.collect(t, 1); rows[0] != before {
			t.Fatalf("round %d: got %s, want %s", round, rows[0], before)
		}
		// The crash loses this transaction ID; the next transaction gets the same one.
		openTx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		addEvent(t, openTx, 1)
		rollback(openTx)
		idle := s.listen(t, "?user_id=2", "")
		idle.nextMessage(t)
		killedPID := postmasterPID(cluster)
		if err := syscall.Kill(killedPID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "Postgres has restarted", func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			pid := postmasterPID(cluster) // backends of the killed server may still respond for a moment
			return pid > 0 && pid != killedPID && pool.QueryRow(ctx, "SELECT 1").Scan(new(int)) == nil
		})
		pool.Reset() // an old backend does not see new rows, so the stream would end as after a restore
		userEvent, otherEvent := addEvent(t, pool, 2), addEvent(t, pool, 1)
		if rows, _ := active.collect(t, 2); !slices.Equal(rows, []string{userEvent, otherEvent}) {
			t.Errorf("round %d: active stream got %q, want %q", round, rows, []string{userEvent, otherEvent})
		}
		if rows, _ := idle.collect(t, 1); rows[0] != userEvent {
			t.Errorf("round %d: filtered stream got %s, want %s", round, rows[0], userEvent)
		}
		idle.cancel()
	}
	// A stream that is being read during the crash.
	all := 3*3 + addLarge(t, pool)
	late := s.listen(t, "", "0")
	late.collect(t, 1)
	if err := syscall.Kill(postmasterPID(cluster), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if rows, _ := late.collect(t, all-1); len(rows) != len(slices.Compact(slices.Sorted(slices.Values(rows)))) {
		t.Errorf("duplicate messages: %q", rows)
	}
	if err := cluster.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	response, err := s.Client().Get(s.URL)
	if err != nil || response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("new stream without a database: %v %v", response, err)
	}
	for range 3 {
		if m := late.nextMessage(t); m.comment == "" {
			t.Errorf("open stream without a database: got %+v, want a heartbeat", m)
		}
	}
}
