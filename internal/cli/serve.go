package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api"
	"labledger/db"
	"labledger/internal/ledger"
	"labledger/internal/media"
	"labledger/internal/postgres"
	"labledger/internal/postgres/embedded"
	"labledger/internal/tracing"
	"labledger/web"
)

// Bounds of a connection. Each is longer than the ones inside: see statement.go of package api.
const (
	headerTime = 5 * time.Second
	readTime   = 15 * time.Second
	writeTime  = 15 * time.Second
	idleTime   = 2 * time.Minute
	drainTime  = 10 * time.Second
	maxHeader  = 32 << 10 // bytes
)

// anonymous is who the history says made a change while the server is open to everyone.
const anonymous = "anonymous"

type serveCmd struct{}

// Run serves until it is told to stop, then lets the requests under way finish.
func (serveCmd) Run(ctx context.Context, c *config) error {
	access, err := c.access()
	if err != nil {
		return err
	}
	log := c.logger()
	traces, err := tracing.New(ctx, c.OTLPEndpoint, version(), log)
	if err != nil {
		return err
	}
	replica, err := c.replica(ctx, traces.PgxTracer())
	if err != nil {
		return err
	}
	if replica != nil {
		defer replica.Close()
	}
	listener, err := c.listen()
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // the server has closed it, unless it never got that far
	d, err := c.open(ctx, log, c.server(), embedded.Start, traces.PgxTracer())
	if err == nil {
		defer d.close()
		err = d.ready(ctx, log)
	}
	if err == nil {
		err = c.stepDown(ctx, log, d)
	}
	if err == nil {
		err = c.missAdmin(ctx, log, d)
	}
	if err == nil && access.Keys == nil && d.cluster != nil {
		access.Keys, err = c.keptKeys()
	}
	if ctx.Err() != nil {
		return nil // stopped while it started
	}
	if err != nil {
		return err
	}
	ending := make(chan struct{})
	files, err := c.media()
	if err != nil {
		return err
	}
	app, err := web.New()
	if err != nil {
		return err
	}
	stopper := &stopper{}
	stopper.next = api.New(api.Options{
		Pool: d.pool, Media: files, App: api.App{Page: app.ServePage, Static: app.ServeFile}, Replica: replica,
		Log: log, AnonymousActor: anonymous, Access: access, Version: version(), Schema: d.schema, Shutdown: ending, Draining: stopper.draining.Load,
		Tracer: traces.Tracer(), TrustTraceparent: traces.TrustTraceparent(),
	})
	server := &http.Server{
		Handler:           stopper,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(func() { close(ending) })
	defer traces.Close()
	house, leave := context.WithCancel(ctx)
	var kept sync.WaitGroup
	kept.Go(func() { keepHouse(house, d.pool, files, log) })
	defer kept.Wait()
	defer leave()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	c.announce(log, listener.Addr(), d)
	select {
	case err := <-failed:
		return err
	case <-d.gone():
		return fmt.Errorf("its Postgres cannot be kept running: %w", d.cluster.Err())
	case <-ctx.Done():
	}
	return stopper.drain(server, listener, c.DrainDelay, log)
}

// Idempotency keys are promised for a day, sessions that have ended are shown for a month, attempts to sign in count for a quarter of an hour.
const (
	keyAge     = 48 * time.Hour
	sessionAge = 30 * 24 * time.Hour
	attemptAge = time.Hour
	strayAge   = time.Hour // a file whose attachment is not there by then was given up on the way
	houseEvery = time.Hour
)

// keepHouse forgets what nobody needs any longer, now and then, until ctx ends.
func keepHouse(ctx context.Context, pool *pgxpool.Pool, files *media.Store, log *slog.Logger) {
	l := ledger.New(pool, nil)
	for {
		keys, err1 := l.DeleteExpiredKeys(ctx, keyAge)
		sessions, err2 := db.New(pool).DeleteExpiredSessions(ctx, db.DeleteExpiredSessionsParams{Before: time.Now().Add(-sessionAge), Seconds: int32(attemptAge.Seconds())})
		strays, err3 := files.RemoveOrphans(strayAge, func(urls []string) ([]string, error) {
			return db.New(pool).ListOrphanedURLs(ctx, db.ListOrphanedURLsParams{Urls: urls})
		})
		err := errors.Join(err1, err2, err3)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Warn("what is old stays for now", "error", err.Error())
		case keys > 0 || sessions > 0 || strays > 0:
			log.Info("what is old was forgotten", "idempotency_keys", keys, "sessions", sessions, "files", strays)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(houseEvery):
		}
	}
}

// media is the folder of uploaded files.
func (c *config) media() (*media.Store, error) {
	dir := c.MediaDir
	if dir == "" {
		dir = filepath.Join(c.StateDir, "media")
	}
	if c.MediaDir != "" { // the other one is made when it is needed
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("MEDIA_DIR: %w", err)
		}
	}
	return media.NewStore(dir), nil
}

// stepDown goes on as the server's role, which may do no more than requests need. A given database says itself who works on it; when that
// is somebody who could rewrite the history, and others than its owner get to the server, the operator is told how to do better.
func (c *config) stepDown(ctx context.Context, log *slog.Logger, d *database) error {
	if d.cluster != nil {
		pool, err := postgres.Open(ctx, d.cluster.ServerURL(), postgres.WithTracer(d.tracer))
		if err != nil {
			return err
		}
		d.pool.Close()
		d.pool = pool
		return nil
	}
	if c.loopback() && !c.required() {
		return nil
	}
	may, err := postgres.HasOwnerRights(ctx, d.pool)
	if err == nil && may {
		log.Warn("the role of DATABASE_URL may change the schema and rewrite the history, which the server never needs. " +
			"Let it connect as " + postgres.ServerRole + " (once, as the owner: ALTER ROLE " + postgres.ServerRole + " PASSWORD '…'); " +
			"only `labledger migrate up` needs the owner's URL")
	}
	return err
}

// replica is what lists are read from; nil when there is none.
func (c *config) replica(ctx context.Context, tracer pgx.QueryTracer) (*pgxpool.Pool, error) {
	if c.ReadDatabaseURL == "" {
		return nil, nil
	}
	pool, err := postgres.Open(ctx, c.ReadDatabaseURL, postgres.WithTracer(tracer))
	if err != nil {
		return nil, fmt.Errorf("READ_DATABASE_URL: %w", err)
	}
	return pool, nil
}

// listen takes the port before anything else is started.
func (c *config) listen() (net.Listener, error) {
	address := net.JoinHostPort(c.Host, c.Port)
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken: another program, perhaps another labledger, listens there. Stop it, or choose another port: PORT=5001", address)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", address, err)
	}
	return listener, nil
}

// announce says where everything is. People who start the private cluster also get something to try.
func (c *config) announce(log *slog.Logger, address net.Addr, d *database) {
	url := "http://" + address.String()
	if d.cluster == nil {
		log.Info("listening", "url", url, "version", version())
		return
	}
	log.Info("listening", "url", url, "version", version(), "data", d.cluster.Dir())
	fmt.Fprintf(os.Stderr, `
Labledger listens on %[1]s
Its data is in %[2]s

Try:
  curl %[1]s/site/1
  curl %[1]s/instruments
  curl -X PATCH %[1]s/site/2 -H 'Content-Type: application/json' -d '{"country": "Iceland"}'

In a browser: %[1]s
All calls, with their SQL: %[1]s/docs
Ctrl-C stops it.

`, url, d.cluster.Dir())
}

// operator is who the history says made the changes of a command.
func operator() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "command line"
}
