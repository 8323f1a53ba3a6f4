package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"labledger/api"
	"labledger/internal/media"
	"labledger/internal/postgres"
	"labledger/internal/tracing"
	"labledger/web"
)

// Bounds of a connection. Each is longer than the ones inside: see statement.go of package api.
const (
	headerTimeout   = 5 * time.Second
	readTimeout     = 15 * time.Second
	writeTimeout    = 15 * time.Second
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 10 * time.Second
	maxHeaderBytes  = 32 << 10 // bytes
)

// anonymousActor is who the history says made a change while the server is open to everyone.
const anonymousActor = "anonymous"

type serveCmd struct{}

// Run serves until it is told to stop, then lets the requests under way finish.
func (serveCmd) Run(ctx context.Context, c *config) error {
	access, err := c.apiAccess()
	if err != nil {
		return err
	}
	log := c.serverLogger()
	traces, err := tracing.New(ctx, c.OTLPEndpoint, version(), log)
	if err != nil {
		return err
	}
	replica, err := c.openReplica(ctx, traces.PgxTracer())
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
	d, err := c.openDatabase(ctx, log, c.serverURL(), postgres.Start, traces.PgxTracer())
	if err == nil {
		defer d.close()
		err = d.migrateAndSeed(ctx, log)
	}
	if err == nil {
		err = c.dropPrivileges(ctx, log, d)
	}
	if err == nil {
		err = c.warnIfNoAdmin(ctx, log, d)
	}
	if err == nil && access.Keys == nil && d.cluster != nil {
		access.Keys, err = c.loadOrCreateSigningKeys()
	}
	if ctx.Err() != nil {
		return nil // stopped while it started
	}
	if err != nil {
		return err
	}
	ending := make(chan struct{})
	files, err := c.mediaStore()
	if err != nil {
		return err
	}
	app, err := web.New()
	if err != nil {
		return err
	}
	stopper := &drainHandler{}
	stopper.next = api.New(api.Options{
		Pool: d.pool, Media: files, App: api.App{Page: app.ServePage, Static: app.ServeFile}, Replica: replica,
		Log: log, AnonymousActor: anonymousActor, Access: access, Version: version(), Schema: d.schema, Shutdown: ending, Draining: stopper.notReady.Load,
		Tracer: traces.Tracer(), TrustTraceparent: traces.TrustTraceparent(),
	})
	server := &http.Server{
		Handler:           stopper,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(func() { close(ending) })
	defer traces.Close()
	house, leave := context.WithCancel(ctx)
	var kept sync.WaitGroup
	kept.Go(func() { runCleanup(house, d.pool, files, log) })
	defer kept.Wait()
	defer leave()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	c.logListening(log, listener.Addr(), d)
	select {
	case err := <-failed:
		return err
	case <-d.clusterDone():
		return fmt.Errorf("its Postgres cannot be kept running: %w", d.cluster.Err())
	case <-ctx.Done():
	}
	return stopper.shutdown(server, listener, c.DrainDelay, log)
}

// mediaStore is the folder of uploaded files.
func (c *config) mediaStore() (*media.Store, error) {
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

// logListening says where everything is. People who start the private cluster also get something to try.
func (c *config) logListening(log *slog.Logger, address net.Addr, d *database) {
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
