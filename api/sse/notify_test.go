package sse_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"labledger/api/sse"
	"labledger/internal/ledger"
	"labledger/internal/pgtest"
	"labledger/internal/rules"
)

// listenerPID returns the process ID of the connection that listens for notifications, or 0.
func listenerPID(t *testing.T, q pgtest.Querier) int {
	t.Helper()
	return pgtest.QueryValue[int](t, q, `SELECT coalesce(max(pid), 0) FROM pg_stat_activity
		WHERE datname = current_database() AND query = 'listen labledger_stream' AND state = 'idle'`)
}

// TestStream_wakesOtherInstance: a commit wakes the streams of another instance, which does not poll otherwise. It does
// so again after the connection for notifications has broken.
func TestStream_wakesOtherInstance(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	first, second := serve(t, pool), serve(t, pool)
	second.stream.PollOnlyWhenWoken()
	l := second.listen(t, "", "")
	previous := 0
	for range 2 {
		pgtest.WaitFor(t, "the other instance to listen", func() bool {
			pid := listenerPID(t, pool)
			return pid != 0 && pid != previous
		})
		for range 20 { // a single event could be found by the polls of an earlier wakeup
			want := addEvent(t, pool, 1)
			first.stream.Wake()
			if got := rowKey(t, l.NextData(t)); got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
		}
		previous = listenerPID(t, pool)
		pgtest.Exec(t, pool, "SELECT pg_terminate_backend($1)", previous)
	}
}

// TestStream_wakesAfterVoid: a void wakes the streams of its instance and of another one, which do not poll otherwise.
// They send the marked alert. A stream that is opened later sends the event with its void.
func TestStream_wakesAfterVoid(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	first, second := serve(t, pool), serve(t, pool)
	first.stream.PollOnlyWhenWoken()
	second.stream.PollOnlyWhenWoken()
	l := ledger.New(pool, func(int, int) { first.stream.Wake() })
	streams := []*sse.Listener{first.listen(t, "?kind=alert", ""), second.listen(t, "?kind=alert", "")}
	pgtest.WaitFor(t, "both instances to listen", func() bool {
		return pgtest.QueryValue[int](t, pool, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND query = 'listen labledger_stream' AND state = 'idle'`) == 2
	})
	events := map[string]uuid.UUID{} // with their voids
	for range 10 {                   // a single alert could be found by the polls of an earlier wakeup
		event := rules.Event{Type: rules.Withdraw, Amount: 1_000_000, Time: 1000}
		r, err := l.Record(t.Context(), ledger.RecordRequest{UserID: 1, Event: event, Actor: "ada"})
		if err != nil {
			t.Fatal(err)
		}
		for i, stream := range streams {
			if got, want := rowKey(t, stream.NextData(t)), fmt.Sprintf("alert %s 1", r.AlertID); got != want {
				t.Fatalf("stream %d: got %s, want %s", i, got, want)
			}
		}
		void, err := l.Void(t.Context(), ledger.VoidRequest{EventID: r.EventID, Reason: "x", Actor: "ada"}, false)
		if err != nil {
			t.Fatal(err)
		}
		for i, stream := range streams {
			m := stream.NextData(t)
			if got, want := rowKey(t, m), fmt.Sprintf("alert %s 2", r.AlertID); got != want {
				t.Fatalf("stream %d: got %s, want %s", i, got, want)
			}
			if !strings.Contains(m.Data, fmt.Sprintf(`"void_id":"%s"`, void.ID)) {
				t.Errorf("stream %d: %s lacks the void %s", i, m.Data, void.ID)
			}
		}
		events["event "+r.EventID.String()] = void.ID
	}
	resumed := serve(t, pool).listen(t, "?kind=event", "0")
	for range events {
		m := resumed.NextData(t)
		if void := events[rowKey(t, m)]; !strings.Contains(m.Data, fmt.Sprintf(`"void_id":"%s"`, void)) {
			t.Errorf("%s lacks the void %s", m.Data, void)
		}
	}
}

// TestStream_stopsListening: an instance without streams holds no connection for notifications.
func TestStream_stopsListening(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	s := serve(t, pool)
	l := s.listen(t, "", "")
	pgtest.WaitFor(t, "the instance to listen", func() bool { return listenerPID(t, pool) != 0 })
	l.Cancel()
	pgtest.WaitFor(t, "the instance to stop listening", func() bool { return listenerPID(t, pool) == 0 })
}
