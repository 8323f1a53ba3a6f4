//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"labledger/internal/durable"
	"labledger/internal/postgres"
	"labledger/internal/postgres/download"
)

// A Cluster is a PostgreSQL server with its data under a state directory. Only the user that runs it and root can
// connect, through a Unix socket. Its methods are safe for concurrent use.
type Cluster struct {
	layout     layout
	user       osUser
	binDir     string
	socketDir  string
	disposable bool
	attached   bool // another process runs the server
	logger     *slog.Logger
	locks      []*os.File

	ctx       context.Context // cancelled by Stop
	cancel    context.CancelFunc
	stopNow   chan struct{} // closed when the context of Stop ends
	closeOnce sync.Once     // guards closing stopNow, or done when attached
	done      chan struct{}
	err       error // written before done is closed
}

// Start starts the Postgres of stateDir and returns when it accepts connections. It creates the directory and the data
// when they do not exist. The data is durable, and a server that dies is restarted. The caller must call Stop.
//
// Start cleans up after a killed labledger: it stops an orphaned server and repeats an unfinished initdb. As root it
// runs Postgres as user postgres or nobody. When that user cannot enter stateDir, the data is stored under
// /var/lib/labledger, and a file in stateDir contains its path (see Dir).
//
// When no PostgreSQL is installed, Start downloads one (see FindServer).
//
// Errors: postgres.ErrNoBinaries; ErrInUse when another live process holds stateDir; otherwise a message for the
// operator, with the end of Postgres's log when the server did not start.
func Start(ctx context.Context, stateDir string, log *slog.Logger) (*Cluster, error) {
	return start(ctx, stateDir, log, false)
}

// StartDisposable is Start for tests and benchmarks: without fsync, and with the server's time zone set to
// Canada/Newfoundland. The data does not survive a crash of the machine.
func StartDisposable(ctx context.Context, stateDir string, log *slog.Logger) (*Cluster, error) {
	return start(ctx, stateDir, log, true)
}

// attachTimeout bounds how long StartOrAttach waits for another process's Postgres.
const attachTimeout = 30 * time.Second

// StartOrAttach is Start, except that it attaches to the Postgres of another live process that holds stateDir. Stop
// then leaves that server running. While that Postgres starts or stops, StartOrAttach retries for 30 seconds.
func StartOrAttach(ctx context.Context, stateDir string, log *slog.Logger) (*Cluster, error) {
	for started := time.Now(); ; {
		c, err := Start(ctx, stateDir, log)
		if !errors.Is(err, ErrInUse) {
			return c, err
		}
		c, attachErr := attach(ctx, stateDir, log)
		if attachErr == nil {
			return c, nil
		}
		if ctx.Err() != nil || time.Since(started) > attachTimeout {
			return nil, fmt.Errorf("%w; attaching to its Postgres failed: %w", err, attachErr)
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func start(ctx context.Context, stateDir string, log *slog.Logger, disposable bool) (c *Cluster, err error) {
	c = newCluster(log)
	c.disposable = disposable
	defer func() {
		if err != nil {
			c.releaseResources()
			c = nil
		}
	}()
	if err := c.acquireStateDir(stateDir); err != nil {
		return c, err
	}
	p, err := c.prepareAndLaunch(ctx)
	if err != nil {
		return c, err
	}
	go c.supervise(p)
	return c, nil
}

func newCluster(log *slog.Logger) *Cluster {
	c := &Cluster{logger: log, stopNow: make(chan struct{}), done: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// acquireStateDir creates and locks the state directory and the root, and chooses the user.
func (c *Cluster) acquireStateDir(stateDir string) (err error) {
	if c.layout, err = openLayout(stateDir); err != nil {
		return err
	}
	// The user of Postgres must be able to pass through the state directory; the data itself is private to that user.
	if err := os.MkdirAll(c.layout.stateDir, 0o755); err != nil {
		return err
	}
	if err := c.lock(c.layout.lockFile()); err != nil {
		return wrapPermission(c.layout.stateDir, err)
	}
	if c.user, err = c.layout.resolve(c.logger); err != nil {
		return err
	}
	// A copied state directory may redirect to the same root as the original, so the root has a lock of its own.
	if err := c.lock(c.layout.rootLockFile()); err != nil {
		return wrapPermission(c.layout.root, err)
	}
	return nil
}

// prepareAndLaunch cleans up after an earlier process, creates the data when there is none, and starts the server.
func (c *Cluster) prepareAndLaunch(ctx context.Context) (*postmaster, error) {
	major, err := c.layout.majorVersion()
	if err != nil {
		return nil, err
	}
	if c.binDir, err = FindServer(ctx, major); err != nil {
		return nil, err
	}
	if err := stopOrphan(ctx, c.layout, c.user, c.binDir, c.logger); err != nil {
		return nil, err
	}
	if err := rotateLog(c.layout.logFile()); err != nil {
		return nil, err
	}
	if c.socketDir, err = c.layout.makeSocketDir(c.user); err != nil {
		return nil, err
	}
	// Written before the server starts, so that the next start finds a temporary socket directory even after a crash.
	if err := os.WriteFile(c.layout.urlFile(), []byte(c.URL()+"\n"), 0o644); err != nil {
		return nil, err
	}
	if major == 0 {
		c.logger.Info("creating the embedded Postgres", "dir", c.layout.dataDir(), "user", c.user.name)
		if err := initdb(ctx, c.layout, c.user, c.binDir, c.disposable); err != nil {
			return nil, err
		}
	}
	return c.launch(ctx)
}

// FindServer is postgres.FindServer, except that it downloads a pinned build when no PostgreSQL is installed.
func FindServer(ctx context.Context, major int) (binDir string, err error) {
	binDir, err = postgres.FindServer(major)
	if !errors.Is(err, postgres.ErrNoBinaries) {
		return binDir, err
	}
	binDir, downloadErr := download.Server(ctx, major)
	if downloadErr != nil {
		return "", fmt.Errorf("%w\n%w", err, downloadErr)
	}
	return binDir, nil
}

// attach connects to the Postgres that another process runs on stateDir.
func attach(ctx context.Context, stateDir string, log *slog.Logger) (*Cluster, error) {
	l, err := openLayout(stateDir)
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(l.urlFile())
	if err != nil {
		return nil, err
	}
	c := newCluster(log)
	c.layout, c.attached, c.socketDir = l, true, socketDirOf(strings.TrimSpace(string(b)))
	if err := ping(ctx, c.URL()); err != nil {
		return nil, wrapPermission(c.socketDir, err)
	}
	if c.user, err = chooseUser(l.root); err != nil {
		return nil, err
	}
	return c, nil
}

// URL returns the URL of the database for its owner. It contains no password, and both pgx and psql accept it.
func (c *Cluster) URL() string { return socketURL(c.socketDir, superuser, databaseName) }

// ServerURL returns the URL of the database for postgres.ServerRole, which has fewer privileges than the owner.
func (c *Cluster) ServerURL() string {
	return socketURL(c.socketDir, postgres.ServerRole, databaseName)
}

// Dir returns the data directory.
func (c *Cluster) Dir() string { return c.layout.dataDir() }

// IsNew reports whether MarkInitialized was never called for this data, by any process.
func (c *Cluster) IsNew() bool { return !exists(c.layout.initializedFile()) }

// MarkInitialized makes IsNew return false, durably. It returns the errors of the file system.
func (c *Cluster) MarkInitialized() error {
	f, err := os.OpenFile(c.layout.initializedFile(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close(), c.user.chown(c.layout.initializedFile()), durable.SyncDir(c.layout.dataDir()))
}

// Done returns a channel that is closed when the cluster has ended for good: after Stop, or when its server died and
// could not be restarted. A successful restart does not close it. Err returns the reason.
func (c *Cluster) Done() <-chan struct{} { return c.done }

// Err returns why the cluster ended; nil while it runs and after a clean Stop.
func (c *Cluster) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// Stop shuts the server down and waits until it has exited. Postgres rolls open transactions back. When ctx ends first,
// Stop forces an immediate shutdown and returns an error: the next start then runs crash recovery, but no committed
// data is lost. Stop may be called more than once.
func (c *Cluster) Stop(ctx context.Context) error {
	c.cancel()
	if c.attached {
		c.closeOnce.Do(func() { close(c.done) })
		return nil
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		c.closeOnce.Do(func() { close(c.stopNow) })
		<-c.done
	}
	return c.err
}

// A server that dies is restarted at once, then with increasing delays until restartTimeout ends.
const (
	minRestartDelay  = 50 * time.Millisecond
	maxRestartDelay  = 5 * time.Second
	restartTimeout   = 2 * time.Minute
	logCheckInterval = time.Minute
)

// supervise runs until Stop: it restarts a server that dies, and rotates its log.
func (c *Cluster) supervise(p *postmaster) {
	defer close(c.done)
	defer c.releaseResources()
	tick := time.NewTicker(logCheckInterval)
	defer tick.Stop()
	for {
		select {
		case <-c.ctx.Done():
			c.err = p.stop(c.stopNow)
			return
		case <-p.exited:
			if c.ctx.Err() != nil {
				return
			}
			c.logger.Error("Postgres died; restarting it", "state", p.cmd.ProcessState.String(), "log", c.layout.logFile())
			if p = c.restart(); p == nil {
				return
			}
		case <-tick.C:
			if err := rotateLog(c.layout.logFile()); err != nil {
				c.logger.Warn("rotating Postgres's log failed", "error", err)
			}
		}
	}
}

// restart starts the server again. It returns nil after Stop, or with c.err set after restartTimeout.
func (c *Cluster) restart() *postmaster {
	started := time.Now()
	for delay := minRestartDelay; ; delay = min(2*delay, maxRestartDelay) {
		p, err := c.launch(c.ctx)
		if err == nil {
			c.logger.Info("Postgres is running again", "after", time.Since(started).Round(time.Millisecond).String())
			return p
		}
		if c.ctx.Err() != nil {
			return nil
		}
		if time.Since(started) > restartTimeout {
			c.err = fmt.Errorf("the embedded Postgres died and could not be restarted within %s: %w", restartTimeout, err)
			c.logger.Error("Postgres could not be restarted", "error", c.err)
			return nil
		}
		c.logger.Warn("restarting Postgres failed", "error", err, "next_attempt_in", delay.String())
		select {
		case <-c.ctx.Done():
			return nil
		case <-time.After(delay):
		}
	}
}

// launch starts the server and creates its database and role when they are missing.
func (c *Cluster) launch(ctx context.Context) (*postmaster, error) {
	p, err := c.startPostmaster(ctx)
	if err != nil {
		return nil, err
	}
	if err := ensureDatabase(ctx, c.socketDir); err != nil {
		p.stop(closedChan)
		return nil, err
	}
	return p, nil
}

// lock acquires the lock at path until releaseResources.
func (c *Cluster) lock(path string) error {
	f, err := acquireLock(path)
	if err == nil {
		c.locks = append(c.locks, f)
	}
	return err
}

// releaseResources frees everything but the server. It releases the locks last, so that the next holder finds no
// partial cleanup.
func (c *Cluster) releaseResources() {
	c.cancel()
	if c.socketDir != "" {
		c.layout.removeSocketDir()
	}
	for _, f := range c.locks {
		releaseLock(f)
	}
}

// Remove deletes stateDir and its Postgres with all data, also when the data is outside of stateDir. It stops an
// orphaned server first. It returns ErrInUse when a live process holds stateDir.
func Remove(ctx context.Context, stateDir string, log *slog.Logger) error {
	l, err := openLayout(stateDir)
	if err != nil {
		return err
	}
	c := newCluster(log)
	defer c.releaseResources()
	err = c.lock(l.lockFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil // there is no state directory
	}
	if err != nil {
		return wrapPermission(l.stateDir, err)
	}
	if exists(l.dataDir()) {
		if err := c.lock(l.rootLockFile()); err != nil {
			return wrapPermission(l.root, err)
		}
		if c.user, err = chooseUser(l.root); err != nil {
			return err
		}
		major, err := l.majorVersion()
		if err != nil {
			return err
		}
		if c.binDir, err = postgres.FindServer(major); err != nil {
			return err
		}
		if err := stopOrphan(ctx, l, c.user, c.binDir, log); err != nil {
			return err
		}
	}
	l.removeSocketDir()
	return errors.Join(os.RemoveAll(l.root), os.RemoveAll(l.stateDir))
}
