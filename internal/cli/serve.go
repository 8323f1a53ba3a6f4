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
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api"
	"labledger/api/authn"
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
	s := &server{config: c, log: c.serverLogger(), shutdownStarted: make(chan struct{})}
	defer s.close()
	err := s.open(ctx)
	if ctx.Err() != nil {
		return nil // a stop during startup is not an error
	}
	if err != nil {
		return err
	}
	return s.run(ctx)
}

// A server holds what `labledger serve` opens. close closes it in reverse order.
type server struct {
	*config
	log             *slog.Logger
	traces          *tracing.Provider
	listener        net.Listener
	database        *database
	replica         *pgxpool.Pool // nil for none
	files           *media.Store
	handler         *drainHandler
	shutdownStarted chan struct{} // closed when the shutdown starts
	closers         []func()
}

func (s *server) close() {
	for _, f := range slices.Backward(s.closers) {
		f()
	}
}

// open opens the port, the database and the media directory, and builds the handler.
func (s *server) open(ctx context.Context) error {
	if s.envFile.path != "" {
		s.log.Info("settings read from a file", "file", s.envFile.path, "settings", s.envFile.set)
	}
	access, err := s.apiAccess()
	if err != nil {
		return err
	}
	if s.traces, err = tracing.New(ctx, s.OTLPEndpoint, version(), s.log); err != nil {
		return err
	}
	s.closers = append(s.closers, s.traces.Close)
	if s.replica, err = s.openReplica(ctx, s.traces.PgxTracer()); err != nil {
		return err
	}
	if s.replica != nil {
		s.closers = append(s.closers, s.replica.Close)
	}
	if err := s.parseBasePath(); err != nil {
		return err
	}
	if s.listener, err = s.listen(); err != nil {
		return err
	}
	s.closers = append(s.closers, func() { _ = s.listener.Close() })
	if err := s.openMigratedDatabase(ctx); err != nil {
		return err
	}
	if access.Keys == nil && s.database.cluster != nil {
		if access.Keys, err = s.loadOrCreateSigningKeys(); err != nil {
			return err
		}
	}
	return s.buildHandler(access)
}

// openMigratedDatabase opens and migrates the database, and drops the privileges of its owner.
func (s *server) openMigratedDatabase(ctx context.Context) (err error) {
	s.database, err = s.openDatabase(ctx, s.log, s.serverURL(), embedded.Start, s.traces.PgxTracer())
	if err != nil {
		return err
	}
	s.closers = append(s.closers, s.database.close)
	if err := s.database.migrateAndSeed(ctx, s.log); err != nil {
		return err
	}
	if err := s.dropPrivileges(ctx, s.log, s.database); err != nil {
		return err
	}
	return s.warnIfNoAdmin(ctx, s.log, s.database)
}

func (s *server) buildHandler(access authn.Options) (err error) {
	if s.files, err = s.mediaStore(); err != nil {
		return err
	}
	app, err := web.New(s.BasePath)
	if err != nil {
		return err
	}
	s.handler = &drainHandler{}
	s.handler.next = api.New(api.Options{
		Pool:             s.database.pool,
		Replica:          s.replica,
		Schema:           s.database.schema,
		Media:            s.files,
		Spool:            s.files,
		BasePath:         s.BasePath,
		App:              api.App{Page: app.ServePage, Static: app.ServeFile},
		Log:              s.log,
		Access:           access,
		Version:          version(),
		Shutdown:         s.shutdownStarted,
		Draining:         s.handler.notReady.Load,
		Tracer:           s.traces.Tracer(),
		TrustTraceparent: s.traces.TrustTraceparent(),
		EventMaxAhead:    time.Duration(s.EventMaxAhead),
	})
	return nil
}

// run serves until ctx is done or the embedded Postgres cannot be kept running.
func (s *server) run(ctx context.Context) error {
	httpServer := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	httpServer.RegisterOnShutdown(func() { close(s.shutdownStarted) })
	maintenanceCtx, stopMaintenance := context.WithCancel(ctx)
	var maintenance sync.WaitGroup
	seals := newSealer(s.database.pool, s.log)
	maintenance.Go(func() { runCleanup(maintenanceCtx, s.database.pool, s.files, s.log) })
	maintenance.Go(func() { seals.run(maintenanceCtx) })
	defer maintenance.Wait()
	defer stopMaintenance()
	s.logListening(s.log, s.listener.Addr(), s.database)
	if err := serveUntil(ctx, httpServer, s.listener, s.database.clusterDone()); err != nil {
		return err
	}
	if ctx.Err() == nil {
		return fmt.Errorf("embedded Postgres cannot be kept running: %w", s.database.cluster.Err())
	}
	err := s.handler.shutdown(httpServer, s.listener, s.DrainDelay, s.log)
	maintenance.Wait() // ctx has ended
	seals.sealRest()
	return err
}

// serveUntil serves until ctx is done, databaseDone is closed, or the listener fails. Except after ctx it closes all
// connections: the contexts of requests end, and none holds a database connection any longer.
func serveUntil(
	ctx context.Context, httpServer *http.Server, listener net.Listener, databaseDone <-chan struct{},
) error {
	serveErr := make(chan error, 1)
	go func() { serveErr <- httpServer.Serve(listener) }()
	select {
	case <-ctx.Done():
		return nil
	case <-databaseDone:
		_ = httpServer.Close() // the caller reports why the database is gone
		return nil
	case err := <-serveErr:
		return errors.Join(err, httpServer.Close())
	}
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
	url := "http://" + address.String() + c.BasePath
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
