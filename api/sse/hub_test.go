package sse

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"labledger/api/rest"
)

// since returns the times as durations after start.
func since(start time.Time, times []time.Time) (durations []time.Duration) {
	for _, t := range times {
		durations = append(durations, t.Sub(start))
	}
	return durations
}

// TestHub_pollSchedule: a wakeup causes a poll immediately and several soon afterwards, in case an older transaction
// holds the row back. Without wakeups there is one poll per pollInterval.
func TestHub_pollSchedule(t *testing.T) {
	inBubble(t, func(t *testing.T, s *memoryServer) {
		s.listenIdle(t, "")
		advance(10*pollInterval + pollInterval/2)
		s.source.takeEnds()
		start := time.Now()
		s.stream.Wake()
		advance(2 * time.Second)
		want := []time.Duration{0, 5e6, 25e6, 75e6, 575e6, 1075e6, 1575e6}
		if got := since(start, s.source.takeEnds()); !slices.Equal(got, want) {
			t.Errorf("polls after a wakeup at %v, want %v", got, want)
		}
	})
}

// TestHub_notified: a notification of another instance causes a poll immediately.
func TestHub_notified(t *testing.T) {
	inBubble(t, func(t *testing.T, s *memoryServer) {
		l := s.listenIdle(t, "")
		advance(pollInterval + pollInterval/2)
		id := s.source.add(1, 1)
		wantIDs(t, l)
		s.source.notified <- struct{}{}
		wantIDs(t, l, id)
	})
}

// TestAnnouncer: many commits cause few notifications, the first one immediately and one after the last commit. A
// failed notification delays no later one.
func TestAnnouncer(t *testing.T) {
	inBubble(t, func(t *testing.T, s *memoryServer) {
		start := time.Now()
		for time.Since(start) < 5*notifyInterval {
			s.stream.Wake()
			advance(notifyInterval / 10)
		}
		s.source.setError(errors.New("no database"))
		s.stream.Wake()
		advance(notifyInterval)
		s.source.setError(nil)
		advance(time.Second)
		s.stream.Wake()
		advance(time.Second)
		want := []time.Duration{0, 20e6, 40e6, 60e6, 80e6, 100e6, 120e6, 1120e6}
		if got := since(start, s.source.sent); !slices.Equal(got, want) {
			t.Errorf("notifications at %v, want %v", got, want)
		}
		if s.stream.announcer.running {
			t.Error("the goroutine of the announcer did not end")
		}
	})
}

// TestHub_wakeupsAreLimited: many wakeups cause one poll per pollBackoff[0].
func TestHub_wakeupsAreLimited(t *testing.T) {
	inBubble(t, func(t *testing.T, s *memoryServer) {
		s.listenIdle(t, "")
		advance(pollInterval)
		s.source.takeEnds()
		const polls = 20
		for start := time.Now(); time.Since(start) < polls*pollBackoff[0]; advance(pollBackoff[0] / 10) {
			s.stream.Wake()
		}
		if got := len(s.source.takeEnds()); got < polls || got > polls+1 {
			t.Errorf("%d polls in %d times the shortest delay", got, polls)
		}
	})
}

// TestHub_wakeDuringPoll: a commit during a poll, after its snapshot, causes another poll soon afterwards.
func TestHub_wakeDuringPoll(t *testing.T) {
	inBubble(t, func(t *testing.T, s *memoryServer) {
		l := s.listenIdle(t, "")
		advance(pollInterval + pollInterval/2)
		var id string
		s.source.setAfterEnd(func() {
			if id == "" {
				id = s.source.add(1, 1)
				s.stream.Wake()
				time.Sleep(time.Second)
			}
		})
		s.stream.Wake()
		advance(time.Second)
		wantIDs(t, l, id)
	})
}

// TestHub_sharesPollsAndPages: many clients at one position cause no more polls and no more reads of pages than one.
func TestHub_sharesPollsAndPages(t *testing.T) {
	inBubble(t, func(t *testing.T, s *memoryServer) {
		var listeners []*Listener
		for range 50 {
			listeners = append(listeners, s.listenIdle(t, ""))
		}
		advance(pollInterval)
		s.source.takeEnds()
		s.source.takeLimits()
		advance(10 * pollInterval)
		if polls, pages := len(s.source.takeEnds()), len(s.source.takeLimits()); polls != 10 || pages != 0 {
			t.Errorf("%d polls and %d pages in 10 poll intervals, want 10 and 0", polls, pages)
		}
		id := s.source.add(1, 1) // by another process: no wakeup
		advance(pollInterval)
		for _, l := range listeners {
			wantIDs(t, l, id)
		}
		if pages := len(s.source.takeLimits()); pages != 1 {
			t.Errorf("%d pages read for one row, want 1", pages)
		}
	})
}

// TestHub_wakesBusyClient: a row that becomes visible while a client reads or receives the page before it is sent
// afterwards, without a further wakeup.
func TestHub_wakesBusyClient(t *testing.T) {
	inBubble(t, func(t *testing.T, s *memoryServer) {
		l := s.listenIdle(t, "")
		advance(pollInterval)
		var second string
		s.source.setAfterPage(func() {
			if second == "" {
				second = s.source.add(1, 1)
				s.stream.Wake()
				time.Sleep(time.Second) // until the hub has seen the second row
			}
		})
		first := s.source.add(1, 1)
		s.stream.Wake()
		advance(time.Second)
		wantIDs(t, l, first, second)
	})
}

// TestHub_stopsWhenIdle: the hub stops polling without clients and starts again with the next client.
func TestHub_stopsWhenIdle(t *testing.T) {
	inBubble(t, func(t *testing.T, s *memoryServer) {
		for range 3 {
			first, last := s.listenIdle(t, ""), s.listenIdle(t, "")
			first.Cancel()
			id := s.source.add(1, 1)
			advance(pollInterval)
			wantIDs(t, last, id)
			last.Cancel()
			synctest.Wait()
			s.source.takeEnds()
			s.stream.Wake()
			advance(time.Minute)
			if polls := s.source.takeEnds(); len(polls) > 0 {
				t.Errorf("%d polls without clients", len(polls))
			}
		}
	})
}

// TestStream_limits: the server rejects streams above the limit of an account, and above the limit of all. A client
// that disconnects frees its place.
func TestStream_limits(t *testing.T) {
	inBubble(t, func(t *testing.T, s *memoryServer) {
		open := func(account string, want int) *Listener {
			t.Helper()
			l := s.listen(t, "", "Account: "+account)
			if l.StatusCode != want {
				t.Errorf("stream of account %s: %v, want %d", account, l.Response, want)
			}
			return l
		}
		s.stream.quota = rest.NewQuota("streams", 4, 2)
		first := open("1", http.StatusOK)
		open("1", http.StatusOK)
		open("1", http.StatusTooManyRequests)
		open("2", http.StatusOK)
		first.Cancel()
		synctest.Wait()
		open("1", http.StatusOK)
		open("", http.StatusOK)
		open("", http.StatusServiceUnavailable)
		open("3", http.StatusServiceUnavailable)
		if n := s.clients(); n != 4 {
			t.Errorf("%d streams are open, want 4", n)
		}
	})
}

// TestHub_retriesFailedReads: after a failed read, clients wait longer and longer, then read the page again. The
// stream stays open, and misses nothing.
func TestHub_retriesFailedReads(t *testing.T) {
	inBubble(t, func(t *testing.T, s *memoryServer) {
		l := s.listenIdle(t, "")
		advance(pollInterval)
		var attempts []time.Time
		s.source.setAfterPage(func() { attempts = append(attempts, time.Now()) })
		start := time.Now()
		id := s.source.add(1, 1)
		s.source.setAfterEnd(func() { s.source.setError(errors.New("no database")) }) // the poll itself succeeds
		s.stream.Wake()
		advance(12 * time.Second)
		want := []time.Duration{0, 100e6, 300e6, 700e6, 1500e6, 3100e6, 6300e6, 11300e6}
		if got := since(start, attempts); !slices.Equal(got, want) {
			t.Errorf("reads at %v, want %v", got, want)
		}
		wantIDs(t, l)
		s.source.setAfterEnd(nil)
		s.source.setError(nil)
		advance(maxRetryDelay)
		wantIDs(t, l, id)
	})
}

// TestHub_detectsRestore: streams end when the database is replaced by an older copy, and positions in its lost part
// are rejected.
func TestHub_detectsRestore(t *testing.T) {
	inBubble(t, func(t *testing.T, s *memoryServer) {
		kept := s.source.add(1, 1)
		lost := s.source.add(1, 1)
		reader, filtered := s.listen(t, "?last_event_id=0"), s.listen(t, "?user_id=2&last_event_id=0")
		wantIDs(t, reader, kept, lost)
		s.source.truncate(1)
		advance(pollInterval)
		for _, l := range []*Listener{reader, filtered} {
			l.WaitClosed(t)
		}
		if again := s.listen(t, "", "Last-Event-ID: "+lost); again.StatusCode != http.StatusBadRequest {
			t.Errorf("resumed at a lost position: %s", again.Status)
		}
		wantIDs(t, s.listen(t, "", "Last-Event-ID: 0"), kept)
	})
}

// TestPollerWasRestored: a position at or above the horizon of a later poll is from a lost database.
func TestPollerWasRestored(t *testing.T) {
	t.Parallel()
	lastRead := time.Now()
	p := &poller{horizonTime: lastRead.Add(1), horizon: 100}
	for _, c := range []struct {
		xid      int64
		lastRead time.Time
		want     bool
	}{{99, lastRead, false}, {100, lastRead, true}, {100, lastRead.Add(2), false}, {0, lastRead, false}} {
		if got := p.wasRestored(position{xid: c.xid}, c.lastRead); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

// TestHub_failedPollIsNoRestore: a failed poll returns no horizon, and rows read since the last successful poll may lie
// above the old one. A stream must not end for that reason.
func TestHub_failedPollIsNoRestore(t *testing.T) {
	t.Parallel()
	h := newHub(&memorySource{err: errors.New("no database")}, nil)
	p := &poller{ctx: t.Context(), horizon: 100, horizonTime: time.Now()}
	lastRead := time.Now()
	if _, err := h.poll(p); err == nil {
		t.Fatal("the poll succeeded without a database")
	}
	if p.wasRestored(position{xid: 100}, lastRead) {
		t.Error("a failed poll looks like a restored database")
	}
}
