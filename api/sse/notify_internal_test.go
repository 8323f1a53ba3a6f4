package sse

import (
	"context"
	"testing"

	"labledger/internal/pgtest"
)

// TestListen_wakesAtFirst: an instance that begins to listen is woken, because commits before then are not announced to
// it.
func TestListen_wakesAtFirst(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.listen(ctx, stop)
	}()
	defer func() { <-ended }()
	defer stop()
	pgtest.WaitFor(t, "the wakeup", func() bool { return ctx.Err() != nil })
}

// TestReceive_ignoresOwn: an instance is woken by the notification of another instance, but not by its own.
func TestReceive_ignoresOwn(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	conn := pgtest.Connect(t, l.pool.Config().ConnConfig.ConnString())
	pgtest.Exec(t, conn, "listen labledger_stream")
	if err := l.notify(t.Context()); err != nil {
		t.Fatal(err)
	}
	own, err := conn.WaitForNotification(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, conn, "unlisten *")
	wakeups := 0
	err = l.receive(t.Context(), func() {
		switch wakeups++; wakeups {
		case 1: // It listens. Notifications of one transaction arrive together.
			const notify = "SELECT pg_notify('labledger_stream', unnest($1::text[]))"
			pgtest.Exec(t, l.pool, notify, []string{own.Payload, "another instance"})
		case 2: // The error of the connection arrives after both.
			pgtest.Exec(t, l.pool, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND query = 'listen labledger_stream'`)
		}
	})
	if wakeups != 2 {
		t.Errorf("%d wakeups until %v, want 2", wakeups, err)
	}
}
