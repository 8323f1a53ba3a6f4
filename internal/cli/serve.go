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
	"labledger/internal/postgres/embedded"
	"labledger/internal/tracing"
	"labledger/web"
)

// Limits of a connection. The read and write timeouts are longer than the timeouts of a request in package api.
// Handlers that need more time extend the deadlines of their connection.
const (
	headerTimeout   = 5 * time.Second
	readTimeout     = 15 * time.Second
	writeTimeout    = 15 * time.Second
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 10 * time.Second
	maxHeaderBytes  = 32 << 10
)

// anonymousActor is the actor that the history records for requests without a caller, on an open server.
const anonymousActor = "anonymous"

type serveCmd struct{}

// Run serves until ctx is done, then shuts down gracefully.
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
	defer func() { _ = listener.Close() }()
	d, err := c.openDatabase(ctx, log, c.serverURL(), embedded.Start, traces.PgxTracer())
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
		return nil // a stop during startup is not an error
	}
	if err != nil {
		return err
	}
	shutdownStarted := make(chan struct{})
	files, err := c.mediaStore()
	if err != nil {
		return err
	}
	app, err := web.New()
	if err != nil {
		return err
	}
	handler := &drainHandler{}
	handler.next = api.New(api.Options{
		Pool:             d.pool,
		Replica:          replica,
		Schema:           d.schema,
		Media:            files,
		App:              api.App{Page: app.ServePage, Static: app.ServeFile},
		Log:              log,
		Access:           access,
		Version:          version(),
		Shutdown:         shutdownStarted,
		Draining:         handler.notReady.Load,
		Tracer:           traces.Tracer(),
		TrustTraceparent: traces.TrustTraceparent(),
	})
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(func() { close(shutdownStarted) })
	defer traces.Close()
	backgroundCtx, stopBackground := context.WithCancel(ctx)
	var background sync.WaitGroup
	background.Go(func() { runCleanup(backgroundCtx, d.pool, files, log) })
	defer background.Wait()
	defer stopBackground()
	serveErr := make(chan error, 1)
	go func() { serveErr <- server.Serve(listener) }()
	c.logListening(log, listener.Addr(), d)
	select {
	case err := <-serveErr:
		return err
	case <-d.clusterDone():
		return fmt.Errorf("embedded Postgres cannot be kept running: %w", d.cluster.Err())
	case <-ctx.Done():
	}
	return handler.shutdown(server, listener, c.DrainDelay, log)
}

// mediaStore returns the store of uploaded files. It creates a configured directory; the store creates the default one
// with the first file.
func (c *config) mediaStore() (*media.Store, error) {
	if c.MediaDir == "" {
		return media.NewStore(filepath.Join(c.StateDir, "media")), nil
	}
	if err := os.MkdirAll(c.MediaDir, 0o755); err != nil {
		return nil, fmt.Errorf("MEDIA_DIR: %w", err)
	}
	return media.NewStore(c.MediaDir), nil
}

// listen opens the port. It runs before the database starts, so that a port in use fails at once.
func (c *config) listen() (net.Listener, error) {
	address := net.JoinHostPort(c.Host, c.Port)
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program, perhaps another labledger; "+
			"stop it, or choose another port: PORT=5001", address)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", address, err)
	}
	return listener, nil
}

// logListening logs the server's address. With the embedded Postgres it also prints sample requests on standard error.
func (c *config) logListening(log *slog.Logger, address net.Addr, d *database) {
	url := "http://" + address.String()
	if d.cluster == nil {
		log.Info("listening", "url", url, "version", version())
		return
	}
	log.Info("listening", "url", url, "version", version(), "data", d.cluster.Dir())
	// tools/postman.sh and internal/programtest read the address from the first line.
	fmt.Fprintf(os.Stderr, `
Labledger listens on %[1]s
Data directory: %[2]s

Try:
  curl %[1]s/site/1
  curl %[1]s/instruments
  curl -X PATCH %[1]s/site/2 -H 'Content-Type: application/json' -d '{"country": "Iceland"}'

Web app: %[1]s
API reference with SQL: %[1]s/docs
Stop with Ctrl-C.

`, url, d.cluster.Dir())
}
