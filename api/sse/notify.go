package sse

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"labledger/db"
	"labledger/internal/postgres"
)

// This file tells the streams of other instances that this one has committed: by a notification of Postgres, which only
// wakes them up. A lost one costs a poll interval and nothing else.

// Bounds of notifications.
const (
	notifyInterval = 20 * time.Millisecond // between two notifications; the first one is sent at once
	notifyTimeout  = 5 * time.Second
	minListenRetry = time.Second // after a lost connection
	maxListenRetry = 30 * time.Second
)

// An announcer sends notifications. Its goroutine runs only while there is something to send.
type announcer struct {
	send func(ctx context.Context) error

	mu      sync.Mutex
	pending bool
	running bool
}

// announce causes a notification soon. It never blocks. A notification is not part of the transaction that it follows,
// because Postgres commits transactions with notifications one after the other.
func (a *announcer) announce() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pending = true
	if !a.running {
		a.running = true
		go a.run()
	}
}

func (a *announcer) run() {
	for a.takePending() {
		ctx, cancel := context.WithTimeout(context.Background(), notifyTimeout)
		_ = a.send(ctx) // after an error the other instances poll
		cancel()
		time.Sleep(notifyInterval)
	}
}

// takePending reports whether there is something to send. If not, the goroutine must end.
func (a *announcer) takePending() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.running, a.pending = a.pending, false
	return a.running
}

func (l *ledger) notify(ctx context.Context) error {
	return db.New(l.pool).NotifyStream(ctx, db.NotifyStreamParams{Instance: l.instance})
}

// errPooled reports a connection through a pooler, which would leave the LISTEN with a session of other clients.
var errPooled = errors.New("notifications do not arrive through a connection pooler")

// listen calls wake after each commit of another instance, until ctx is done. It returns at once if a pooler prevents
// that.
func (l *ledger) listen(ctx context.Context, wake func()) {
	retry := minListenRetry
	for {
		err := l.receive(ctx, func() {
			retry = minListenRetry
			wake()
		})
		if errors.Is(err, errPooled) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(retry):
		}
		retry = min(2*retry, maxListenRetry)
	}
}

// receive listens on a connection of its own until that fails. It calls wake when it begins to listen, for the commits
// before, and after each notification of another instance.
func (l *ledger) receive(ctx context.Context, wake func()) error {
	cfg := l.pool.Config().ConnConfig
	cfg.Tracer = nil
	cfg.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler { // there is no statement to cancel
		return &pgconn.DeadlineContextWatcherHandler{Conn: conn.Conn()}
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() {
		closeCtx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Close(closeCtx)
	}()
	switch pooled, err := postgres.IsPooled(ctx, conn); {
	case err != nil:
		return err
	case pooled:
		return errPooled
	}
	if _, err := conn.Exec(ctx, "listen labledger_stream"); err != nil {
		return err
	}
	wake()
	for {
		notification, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if notification.Payload != l.instance {
			wake()
		}
	}
}
