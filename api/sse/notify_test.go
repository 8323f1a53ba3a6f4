package sse_test

import (
	"testing"

	"labledger/internal/pgtest"
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
