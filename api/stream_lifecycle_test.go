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

// This file tests how streams begin and end.

func TestStream_rejectsBadRequests(t *testing.T) {
	pool := pgtest.Pool(t)
	h := serveStream(t, pool, nil, func(h *streamHandler) { h.hub.maxClients = 2 })
	id := ".1.01890a5d-ac96-774b-bcce-b302099a8057"
	for _, c := range []struct{ query, header, want string }{
		{"?user=1", "", `400 user: is unknown; did you mean "user_id"?`},
		{"?user_id=x", "", "400 user_id: must be an integer."},
		{"?kind=alerts&user_id=-1", "", "400 user_id: must be from 0 to 9007199254740991; kind: must be event or alert."},
		{"?kind=event&kind=alert", "", "400 kind: is given more than once"},
		{"?last_event_id=", "", "400 last_event_id: must be the id of a message"},
		{"?last_event_id=1" + id, "Last-Event-ID: 00", "400 Last-Event-ID: must be the id of a message"},
		{"", "Last-Event-ID: -1" + id, "400 Last-Event-ID: must"},
		{"", "Last-Event-ID: 9223372036854775808" + id, "400 Last-Event-ID: must"},
		{"", "Last-Event-ID: 1" + strings.Replace(id, "1", "3", 1), "400 Last-Event-ID: must"},
		{"", "Last-Event-ID: 1" + id + "0", "400 Last-Event-ID: must"},
		{"", "Last-Event-ID: 9223372036854775807" + id, "400 Last-Event-ID: is of no message of this database"},
		{"", "Accept: application/json", "406 Accept"},
		{"", "Accept: text/event-stream;q=0, */*", "406 Accept"},
	} {
		r, _ := http.NewRequest("GET", h.URL+"/api/v1/stream"+c.query, nil)
		if name, value, ok := strings.Cut(c.header, ": "); ok {
			r.Header.Set(name, value)
		}
		response, err := h.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var p Problem
		if err := json.NewDecoder(response.Body).Decode(&p); err != nil || response.StatusCode != p.Status || !strings.HasPrefix(fmt.Sprint(p.Status, " ", p.Detail), c.want) {
			t.Errorf("%+v: %d %s %v", c, p.Status, p.Detail, err)
		}
		response.Body.Close()
	}
	response, err := h.Client().Head(h.URL)
	if err != nil || response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != mediaTypeEventStream {
		t.Errorf("HEAD: %v %v", response, err)
	}
	h.listen(t, "", "").nextMessage(t)
	second := h.listen(t, "", "")
	second.nextMessage(t)
	if third := h.listen(t, "", ""); third.StatusCode != http.StatusServiceUnavailable || third.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: %v", third.Response)
	}
	second.cancel()
	waitFor(t, "the place of a client that has gone is free", func() bool { return h.listen(t, "", "").StatusCode == http.StatusOK })
}
func TestStream_heartbeat(t *testing.T) {
	h := serveStream(t, pgtest.Pool(t), nil, func(h *streamHandler) { h.heartbeatInterval = 50 * time.Millisecond })
	l := h.listen(t, "", "")
	l.nextMessage(t)
	for start := time.Now(); time.Since(start) < time.Second; { // longer than the server's own bounds
		if m := l.nextMessage(t); m != (message{comment: "still here"}) {
			t.Errorf("%+v", m)
		}
	}
}

// addLarge adds more to the ledger than the network takes in for a client that does not read.
func addLarge(t *testing.T, pool *pgxpool.Pool) (events int) {
	t.Helper()
	const many = 40
	for range many {
		_, err := pool.Exec(t.Context(), `INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts, alert_codes, created_at, actor)
			VALUES (1, $1, 'deposit', 1, 1, 1, 'medium', 1, jsonb_build_object('x', repeat('x', 100000)), '{}', now(), 'test')`, uuid.Must(uuid.NewV7()))
		if err != nil {
			t.Fatal(err)
		}
	}
	return many
}

// openStuckClient is a client that asks for everything and does not read it.
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

// TestStream_slowClient: a client that does not read is cut off; meanwhile others read on.
func TestStream_slowClient(t *testing.T) {
	pool := pgtest.Pool(t)
	h := serveStream(t, pool, nil, func(h *streamHandler) { h.writeTimeout = time.Second })
	events := addLarge(t, pool)
	slow := h.openStuckClient(t)
	waitFor(t, "the slow client is there", func() bool { return h.clients() == 1 })
	fast := h.listen(t, "", "0")
	fast.collect(t, events)
	waitFor(t, "the slow client is cut off", func() bool { return h.clients() == 1 })
	_ = slow.SetReadDeadline(time.Now().Add(time.Second)) // what the network still holds trickles in
	if body, _ := io.ReadAll(slow); strings.Count(string(body), "\nid: ") >= events {
		t.Error("the slow client was served to the end")
	}
	fast.expectSilence(t, 10*time.Millisecond)
}

// TestStream_shutdown: when the server stops, clients are let go at once and cleanly, and those that do not read do not hold it up.
func TestStream_shutdown(t *testing.T) {
	pool := pgtest.Pool(t)
	shutdown := make(chan struct{})
	h := serveStream(t, pool, shutdown, func(h *streamHandler) { h.writeTimeout = time.Hour })
	idle := h.listen(t, "", "")
	idle.nextMessage(t)
	addLarge(t, pool)
	h.openStuckClient(t)
	waitFor(t, "the slow client is there", func() bool { return h.clients() == 2 })
	idle.nextData(t)
	time.Sleep(300 * time.Millisecond) // until it is stuck
	start := time.Now()
	close(shutdown)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		for range idle.messages {
		}
	}()
	if err := h.Config.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if elapsed := time.Since(start); elapsed > 3*time.Second {
		t.Errorf("it took %v to stop", elapsed)
	}
	if <-closed; idle.err != io.EOF {
		t.Errorf("the stream ended with %v", idle.err)
	}
	if resp := doRequest(h.Config.Handler, "GET", "/", ""); resp.Code != http.StatusServiceUnavailable {
		t.Errorf("a stream opened while the server stops: %d", resp.Code)
	}
}

// TestStream_cleanEnd: also when a client was last written to longer ago than it is waited for.
func TestStream_cleanEnd(t *testing.T) {
	shutdown := make(chan struct{})
	h := serveStream(t, pgtest.Pool(t), shutdown, func(h *streamHandler) { h.writeTimeout = 20 * time.Millisecond })
	var open []*listener
	for range 50 {
		l := h.listen(t, "", "")
		l.nextMessage(t)
		open = append(open, l)
	}
	time.Sleep(2 * h.stream.writeTimeout)
	close(shutdown)
	for _, l := range open {
		if m, more := <-l.messages; more || l.err != io.EOF {
			t.Errorf("%+v, %v", m, l.err)
		}
	}
}

// TestStream_hubStopsWhenIdle: the hub sleeps without clients, and wakes again with the next one.
func TestStream_hubStopsWhenIdle(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, nil)
	running := func() bool { return leaktest.InType((*hub).run)+leaktest.InType((*subscriber).wait) > 0 }
	for range 3 {
		var open []*listener
		for range 5 {
			l := s.listen(t, "", "")
			l.nextMessage(t)
			open = append(open, l)
		}
		event := addEvent(t, pool, 1)
		for _, l := range open {
			if rows, _ := l.collect(t, 1); rows[0] != event {
				t.Error(rows)
			}
		}
		if !running() {
			t.Fatal("the test does not find what runs")
		}
		for _, l := range open {
			l.cancel()
		}
		waitFor(t, "nothing is left running", func() bool { return !running() })
		for range 3 {
			s.stream.wake() // for nobody
		}
	}
}

// postmasterPID is the process to kill; 0 while there is none.
func postmasterPID(c *embedded.Cluster) int {
	file, _ := os.ReadFile(filepath.Join(c.Dir(), "postmaster.pid"))
	line, _, _ := strings.Cut(string(file), "\n")
	pid, _ := strconv.Atoi(line)
	return pid
}

// TestStream_survivesPostgresCrash kills Postgres under open streams: they stay open, and miss nothing that is written afterwards.
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
	h := serveStream(t, pool, nil, func(h *streamHandler) { h.heartbeatInterval = 200 * time.Millisecond })
	active := h.listen(t, "", "0")
	for round := range 3 {
		before := addEvent(t, pool, 1)
		if rows, _ := active.collect(t, 1); rows[0] != before {
			t.Fatal(rows)
		}
		// A transaction number that is given out and lost in the crash: the next transaction gets the same one.
		openTx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		addEvent(t, openTx, 1)
		rollback(openTx)
		idle := h.listen(t, "?user_id=2", "")
		idle.nextMessage(t)
		killed := postmasterPID(cluster)
		if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "Postgres is back", func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			pid := postmasterPID(cluster) // the backends of the killed one live on for a moment, and may still answer
			return pid > 0 && pid != killed && pool.QueryRow(ctx, "SELECT 1").Scan(new(int)) == nil
		})
		pool.Reset() // such a backend knows nothing of what comes now, and the stream would end as if that had been lost
		own, foreign := addEvent(t, pool, 2), addEvent(t, pool, 1)
		if rows, _ := active.collect(t, 2); !slices.Equal(rows, []string{own, foreign}) {
			t.Errorf("round %d: %q", round, rows)
		}
		if rows, _ := idle.collect(t, 1); rows[0] != own {
			t.Errorf("round %d: %q", round, rows)
		}
		idle.cancel()
	}
	// And one that is being read while Postgres is away.
	all := 3*3 + addLarge(t, pool)
	late := h.listen(t, "", "0")
	late.collect(t, 1)
	if err := syscall.Kill(postmasterPID(cluster), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if rows, _ := late.collect(t, all-1); len(rows) != len(slices.Compact(slices.Sorted(slices.Values(rows)))) {
		t.Errorf("something came twice: %q", rows)
	}
	if err := cluster.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	response, err := h.Client().Get(h.URL)
	if err != nil || response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("without a database: %v %v", response, err)
	}
	for range 3 {
		if m := late.nextMessage(t); m.comment == "" {
			t.Errorf("without a database: %+v", m)
		}
	}
}
