package sse

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestStream_heartbeat: an idle stream gets a heartbeat per interval, and outlives the timeouts of the server.
func TestStream_heartbeat(t *testing.T) {
	inBubble(t, func(t *testing.T, s *memoryServer) {
		l := s.listenIdle(t, "")
		for i := range 10 {
			advance(heartbeatInterval - 1)
			early := l.received()
			advance(1)
			if got := l.received(); len(early) > 0 || !slices.Equal(got, []Message{Heartbeat}) {
				t.Errorf("interval %d: got %+v at its end and %+v before, want one heartbeat", i, got, early)
			}
		}
	})
}

// TestStream_heartbeatHasPosition: rows that are filtered out advance the position, which the next heartbeat reports
// once.
func TestStream_heartbeatHasPosition(t *testing.T) {
	inBubble(t, func(t *testing.T, s *memoryServer) {
		l := s.listenIdle(t, "?user_id=2")
		s.source.add(1, 1)
		last := s.source.add(1, 1)
		advance(2 * heartbeatInterval)
		want := []Message{{ID: last, Comment: "heartbeat"}, Heartbeat}
		if got := l.received(); !slices.Equal(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// TestStream_heartbeatBetweenPages: a client gets heartbeats while the server reads many pages without a match.
func TestStream_heartbeatBetweenPages(t *testing.T) {
	inBubble(t, func(t *testing.T, s *memoryServer) {
		const pages = 6
		var ids []string
		for range pages * pageRows {
			ids = append(ids, s.source.add(1, 1))
		}
		s.source.setAfterPage(func() { time.Sleep(heartbeatInterval / 2) })
		l := s.listenIdle(t, "?user_id=2&last_event_id=0")
		advance(pages * heartbeatInterval / 2)
		var want []Message
		for page := 2; page <= pages; page += 2 {
			want = append(want, Message{ID: ids[page*pageRows-1], Comment: "heartbeat"})
		}
		if got := l.received(); !slices.Equal(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// TestStream_largeRows: a page ends with the row that exceeds pageBytes, and the next page is not limited to more rows
// than fit.
func TestStream_largeRows(t *testing.T) {
	inBubble(t, func(t *testing.T, s *memoryServer) {
		l := s.listenIdle(t, "?last_event_id=0")
		advance(pollInterval) // later, the first poll could make the stream read once more
		s.source.takeLimits()
		var ids []string
		for range 6 {
			ids = append(ids, s.source.add(1, pageBytes/2))
		}
		small := s.source.add(1, 1)
		s.stream.Wake()
		wantIDs(t, l, append(ids, small)...)
		if got, want := s.source.takeLimits(), []int{pageRows, 2, 2, 2}; !slices.Equal(got, want) {
			t.Errorf("limits of the pages %v, want %v", got, want)
		}
	})
}

// TestStream_slowClient: a client that does not read is disconnected after writeTimeout. It does not delay other
// clients.
func TestStream_slowClient(t *testing.T) {
	inBubble(t, func(t *testing.T, s *memoryServer) {
		slow := s.dialStream(t)
		fast := s.listenIdle(t, "?last_event_id=0")
		advance(pollInterval)
		id := s.source.add(1, 1)
		s.stream.Wake()
		wantIDs(t, fast, id)
		advance(writeTimeout - pollInterval - 1)
		if n := s.clients(); n != 2 {
			t.Errorf("%d clients before the timeout, want 2", n)
		}
		advance(1)
		if n := s.clients(); n != 1 {
			t.Fatalf("%d clients after the timeout, want 1", n)
		}
		if rest, err := io.ReadAll(slow); len(rest) > 0 || err != nil {
			t.Errorf("the slow client received %q, %v", rest, err)
		}
	})
}

// TestStream_shutdown: a shutdown ends all streams cleanly. Clients that do not read delay it only for closeTimeout.
func TestStream_shutdown(t *testing.T) {
	inBubble(t, func(t *testing.T, s *memoryServer) {
		idle := s.listenIdle(t, "")
		s.dialStream(t)
		if n := s.clients(); n != 2 {
			t.Fatalf("%d clients, want 2", n)
		}
		start := time.Now()
		close(s.shutdown)
		synctest.Wait()
		if n := s.clients(); n != 1 {
			t.Errorf("%d clients after the shutdown began, want only the slow one", n)
		}
		idle.WaitClosed(t)
		w := httptest.NewRecorder()
		s.Handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("stream opened during shutdown: %d", w.Code)
		}
		if err := s.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		const pollInterval = 500 * time.Millisecond // of http.Server.Shutdown
		if elapsed := time.Since(start); elapsed > closeTimeout+pollInterval {
			t.Errorf("the shutdown took %v, want at most %v", elapsed, closeTimeout+pollInterval)
		}
	})
}

// TestStream_endsCleanly: streams end cleanly even if the deadline of the last write has passed.
func TestStream_endsCleanly(t *testing.T) {
	t.Parallel()
	for cause, end := range map[string]func(*memoryServer){
		"shutdown": func(s *memoryServer) { close(s.shutdown) },
		"restore":  func(s *memoryServer) { s.source.truncate(0) },
	} {
		t.Run(cause, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *memoryServer) {
				s.stream.writeTimeout = time.Second
				s.source.add(1, 1)
				l := s.listenIdle(t, "")
				advance(2 * time.Second)
				end(s)
				advance(pollInterval)
				l.WaitClosed(t)
			})
		})
	}
}
