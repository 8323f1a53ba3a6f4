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

func TestStreamRefuses(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, func(s *stream) { s.hub.most = 2 })
	id := ".1.01890a5d-ac96-774b-bcce-b302099a8057"
	for _, c := range []struct{ query, header, want string }{
		{"?user=1", "", `400 user: is not known here; did you mean "user_id"?`},
		{"?user_id=x", "", "400 user_id: must be a whole number."},
		{"?kind=alerts&user_id=-1", "", "400 user_id: must be from 0 to 9007199254740991; kind: must be event or alert."},
		{"?kind=event&kind=alert", "", "400 kind: is given more than once"},
		{"?last_event_id=", "", "400 last_event_id: must be the id of a message"},
		{"?last_event_id=1" + id, "Last-Event-ID: 00", "400 Last-Event-ID: must be the id of a message"},
		{"", "Last-Event-ID: -1" + id, "400 Last-Event-ID: must"},
		{"", "Last-Event-ID: 9223372036854775808" + id, "400 Last-Event-ID: must"},
		{"", "Last-Event-ID: 1" + strings.Replace(id, "1", "3", 1), "400 Last-Event-ID: must"},
		{"", "Last-Event-ID: 1" + id + "0", "400 Last-Event-ID: must"},
		{"", "Last-Event-ID: 9223372036854775807" + id, "400 Last-Event-ID: is of no message of this database"},
		{"", "Accept: application/json", "406 There is no"},
		{"", "Accept: text/event-stream;q=0, */*", "406 There is no"},
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
		if err := json.NewDecoder(response.Body).Decode(&p); err != nil || response.StatusCode != p.Status || !strings.HasPrefix(fmt.Sprint(p.Status, " ", p.Detail), c.want) {
			t.Errorf("%+v: %d %s %v", c, p.Status, p.Detail, err)
		}
		response.Body.Close()
	}
	response, err := s.Client().Head(s.URL)
	if err != nil || response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != eventStream {
		t.Errorf("HEAD: %v %v", response, err)
	}
	s.listen(t, "", "").any(t)
	second := s.listen(t, "", "")
	second.any(t)
	if third := s.listen(t, "", ""); third.StatusCode != http.StatusServiceUnavailable || third.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: %v", third.Response)
	}
	second.hangUp()
	eventually(t, "the place of a client that has gone is free", func() bool { return s.listen(t, "", "").StatusCode == http.StatusOK })
}
func TestStreamHeartbeat(t *testing.T) {
	s := serveStream(t, pgtest.Pool(t), nil, func(s *stream) { s.heartbeat = 50 * time.Millisecond })
	l := s.listen(t, "", "")
	l.any(t)
	for start := time.Now(); time.Since(start) < time.Second; { // longer than the server's own bounds
		if m := l.any(t); m != (message{comment: "still here"}) {
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

// stuck is a client that asks for everything and does not read it.
func (s *streamServer) stuck(t *testing.T) net.Conn {
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

// TestStreamSlowClient: a client that does not read is cut off; meanwhile others read on.
func TestStreamSlowClient(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, func(s *stream) { s.patience = time.Second })
	events := addLarge(t, pool)
	slow := s.stuck(t)
	eventually(t, "the slow client is there", func() bool { return s.clients() == 1 })
	fast := s.listen(t, "", "0")
	fast.take(t, events)
	eventually(t, "the slow client is cut off", func() bool { return s.clients() == 1 })
	_ = slow.SetReadDeadline(time.Now().Add(time.Second)) // what the network still holds trickles in
	if body, _ := io.ReadAll(slow); strings.Count(string(body), "\nid: ") >= events {
		t.Error("the slow client was served to the end")
	}
	fast.silent(t, 10*time.Millisecond)
}

// TestStreamEnds: when the server stops, clients are let go at once and cleanly, and those that do not read do not hold it up.
func TestStreamEnds(t *testing.T) {
	pool := pgtest.Pool(t)
	ending := make(chan struct{})
	s := serveStream(t, pool, ending, func(s *stream) { s.patience = time.Hour })
	idle := s.listen(t, "", "")
	idle.any(t)
	addLarge(t, pool)
	s.stuck(t)
	eventually(t, "the slow client is there", func() bool { return s.clients() == 2 })
	idle.next(t)
	time.Sleep(300 * time.Millisecond) // until it is stuck
	start := time.Now()
	close(ending)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range idle.messages {
		}
	}()
	if err := s.Config.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	if <-ended; idle.err != io.EOF {
		t.Errorf("the stream ended with %v", idle.err)
	}
	if answer := call(s.Config.Handler, "GET", "/", ""); answer.Code != http.StatusServiceUnavailable {
		t.Errorf("a stream opened while the server stops: %d", answer.Code)
	}
}

// TestStreamEndsCleanly: also when a client was last written to longer ago than it is waited for.
func TestStreamEndsCleanly(t *testing.T) {
	ending := make(chan struct{})
	s := serveStream(t, pgtest.Pool(t), ending, func(s *stream) { s.patience = 20 * time.Millisecond })
	var open []*listener
	for range 50 {
		l := s.listen(t, "", "")
		l.any(t)
		open = append(open, l)
	}
	time.Sleep(2 * s.stream.patience)
	close(ending)
	for _, l := range open {
		if m, more := <-l.messages; more || l.err != io.EOF {
			t.Errorf("%+v, %v", m, l.err)
		}
	}
}

// TestStreamLeavesNothing: the hub sleeps without clients, and wakes again with the next one.
func TestStreamLeavesNothing(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, nil)
	running := func() bool { return leaktest.InType((*hub).run)+leaktest.InType((*streamClient).wait) > 0 }
	for range 3 {
		var open []*listener
		for range 5 {
			l := s.listen(t, "", "")
			l.any(t)
			open = append(open, l)
		}
		event := addEvent(t, pool, 1)
		for _, l := range open {
			if rows, _ := l.take(t, 1); rows[0] != event {
				t.Error(rows)
			}
		}
		if !running() {
			t.Fatal("the test does not find what runs")
		}
		for _, l := range open {
			l.hangUp()
		}
		eventually(t, "nothing is left running", func() bool { return !running() })
		for range 3 {
			s.stream.wake() // for nobody
		}
	}
}

// postmaster is the process to kill; 0 while there is none.
func postmaster(c *embedded.Cluster) int {
	file, _ := os.ReadFile(filepath.Join(c.Dir(), "postmaster.pid"))
	line, _, _ := strings.Cut(string(file), "\n")
	pid, _ := strconv.Atoi(line)
	return pid
}

// TestStreamOutlivesPostgres kills Postgres under open streams: they stay open, and miss nothing that is written afterwards.
func TestStreamOutlivesPostgres(t *testing.T) {
	own := pgtest.NewCluster(t)
	if err := migrateAndSeed(t.Context(), own.URL()); err != nil {
		t.Fatal(err)
	}
	pool, err := postgres.Open(t.Context(), own.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	s := serveStream(t, pool, nil, func(s *stream) { s.heartbeat = 200 * time.Millisecond })
	live := s.listen(t, "", "0")
	for round := range 3 {
		before := addEvent(t, pool, 1)
		if rows, _ := live.take(t, 1); rows[0] != before {
			t.Fatal(rows)
		}
		// A transaction number that is given out and lost in the crash: the next transaction gets the same one.
		lost, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		addEvent(t, lost, 1)
		rollback(lost)
		idle := s.listen(t, "?user_id=2", "")
		idle.any(t)
		killed := postmaster(own)
		if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "Postgres is back", func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			pid := postmaster(own) // the backends of the killed one live on for a moment, and may still answer
			return pid > 0 && pid != killed && pool.QueryRow(ctx, "SELECT 1").Scan(new(int)) == nil
		})
		pool.Reset() // such a backend knows nothing of what comes now, and the stream would end as if that had been lost
		mine, others := addEvent(t, pool, 2), addEvent(t, pool, 1)
		if rows, _ := live.take(t, 2); !slices.Equal(rows, []string{mine, others}) {
			t.Errorf("round %d: %q", round, rows)
		}
		if rows, _ := idle.take(t, 1); rows[0] != mine {
			t.Errorf("round %d: %q", round, rows)
		}
		idle.hangUp()
	}
	// And one that is being read while Postgres is away.
	all := 3*3 + addLarge(t, pool)
	late := s.listen(t, "", "0")
	late.take(t, 1)
	if err := syscall.Kill(postmaster(own), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if rows, _ := late.take(t, all-1); len(rows) != len(slices.Compact(slices.Sorted(slices.Values(rows)))) {
		t.Errorf("something came twice: %q", rows)
	}
	if err := own.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	response, err := s.Client().Get(s.URL)
	if err != nil || response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("without a database: %v %v", response, err)
	}
	for range 3 {
		if m := late.any(t); m.comment == "" {
			t.Errorf("without a database: %+v", m)
		}
	}
}
