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

	"labledger/internal/postgres"
)

// Cluster is a private Postgres under a state directory, reached through a Unix socket by its owner and root alone.
// Its methods may be called from several goroutines.
type Cluster struct {
	layout     layout
	user       osUser
	binDir     string
	socketDir  string
	disposable bool
	attached   bool // another process runs it, we only use it
	logger     *slog.Logger
	locks      []*os.File

	ctx       context.Context // ends when Stop is called
	cancel    context.CancelFunc
	stopNow   chan struct{} // closed when Stop may wait no longer
	closeOnce sync.Once
	done      chan struct{}
	err       error // why it ended; read after done
}

// Start starts the private Postgres of stateDir, creating both as needed, and returns once it answers.
// The cluster is durable (fsync on), restarts by itself when its server dies, and must be stopped with Stop.
//
// What a killed labledger left behind is cleared away: a server that still runs is stopped, an unfinished initdb redone.
// As root, Postgres runs as user postgres, else nobody; where that user cannot enter stateDir the data go
// to /var/lib/labledger and a file in stateDir says so (see Dir).
//
// Errors: ErrNoBinaries, ErrInUse (another live process holds stateDir), else text for the operator,
// with the end of Postgres's log when it would not start.
func Start(ctx context.Context, stateDir string, log *slog.Logger) (*Cluster, error) {
	return start(ctx, stateDir, log, false)
}

// StartDisposable is Start for tests: nothing is synced to disk, and the server's time zone is Canada/Newfoundland.
// The data do not survive a crash of the machine.
func StartDisposable(ctx context.Context, stateDir string, log *slog.Logger) (*Cluster, error) {
	return start(ctx, stateDir, log, true)
}

// attachTimeout is how long Use waits for another process's Postgres.
const attachTimeout = 30 * time.Second

// StartOrAttach is Start, except that when another live process holds stateDir it attaches to that process's Postgres.
// Stop then only lets go of it. It waits up to half a minute for a Postgres that is just starting or stopping.
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
			return nil, fmt.Errorf("%w; its Postgres cannot be used either: %w", err, attachErr)
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

	if c.layout, err = openLayout(stateDir); err != nil {
		return c, err
	}
	// Others may pass through the state directory, not look into the data: Postgres's user must get there.
	if err := os.MkdirAll(c.layout.stateDir, 0o755); err != nil {
		return c, err
	}
	if err := c.lock(c.layout.lockFile()); err != nil {
		return c, wrapPermission(c.layout.stateDir, err)
	}
	if c.user, err = c.layout.resolve(log); err != nil {
		return c, err
	}
	// A state directory that was copied points to the same place as the original: the place has a lock of its own.
	if err := c.lock(c.layout.root + "/lock"); err != nil {
		return c, wrapPermission(c.layout.root, err)
	}

	major, err := c.layout.majorVersion()
	if err != nil {
		return c, err
	}
	if c.binDir, err = postgres.FindServer(major); err != nil {
		return c, err
	}
	if err := stopOrphan(ctx, c.layout, c.user, c.binDir, log); err != nil {
		return c, err
	}
	if err := rotateLog(c.layout.logFile()); err != nil {
		return c, err
	}
	if c.socketDir, err = c.layout.makeSocketDir(c.user); err != nil {
		return c, err
	}
	// Written before the server is up, so that a temporary socket folder is found again whatever happens to us.
	if err := os.WriteFile(c.layout.urlFile(), []byte(c.URL()+"\n"), 0o644); err != nil {
		return c, err
	}
	if major == 0 {
		log.Info("creating a private Postgres", "dir", c.layout.dataDir(), "user", c.user.name)
		if err := initdb(ctx, c.layout, c.user, c.binDir, disposable); err != nil {
			return c, err
		}
	}
	p, err := c.launch(ctx)
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

// attach finds the Postgres that another process runs on stateDir.
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

// URL returns the address of the database, without a password, for pgx and for psql.
func (c *Cluster) URL() string { return socketURL(c.socketDir, superuser, databaseName) }

// ServerURL is URL for postgres.ServerRole, which may do less than the owner.
func (c *Cluster) ServerURL() string {
	return socketURL(c.socketDir, postgres.ServerRole, databaseName)
}

// Dir returns the folder that really holds the data.
func (c *Cluster) Dir() string { return c.layout.dataDir() }

// IsNew reports whether MarkInitialized was never called in the life of these data, over all starts.
func (c *Cluster) IsNew() bool { return !exists(c.layout.initializedFile()) }

// MarkInitialized ends the time in which New is true; it survives a power cut. The error is the file system's.
func (c *Cluster) MarkInitialized() error {
	f, err := os.OpenFile(c.layout.initializedFile(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close(), c.user.chown(c.layout.initializedFile()), syncDir(c.layout.dataDir()))
}

// Done is closed when the cluster has ended for good: after Stop, or when its server died and could not be started again.
// A server that dies and comes back does not close it. Err tells which it was.
func (c *Cluster) Done() <-chan struct{} { return c.done }

// Err returns why the cluster ended, nil while it runs and after a clean Stop.
func (c *Cluster) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// Stop shuts the server down and waits until it is gone; open transactions are rolled back. When ctx ends first the server
// is stopped at once, which costs repairs at the next start but no committed data, and the error says so.
// Stopping twice is harmless.
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

// How often a server that died is started again: at once, then with growing pauses, until it answers or restartTimeout is over.
const (
	minRestartDelay  = 50 * time.Millisecond
	maxRestartDelay  = 5 * time.Second
	restartTimeout   = 2 * time.Minute
	logCheckInterval = time.Minute
)

// supervise owns the server until Stop: it starts it again when it dies, and keeps its log bounded.
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
			c.logger.Error("Postgres died; starting it again", "how", p.cmd.ProcessState.String(), "log", c.layout.logFile())
			if p = c.restart(); p == nil {
				return
			}
		case <-tick.C:
			if err := rotateLog(c.layout.logFile()); err != nil {
				c.logger.Warn("cannot shorten Postgres's log", "error", err)
			}
		}
	}
}

// restart brings the server back; nil when Stop was called or, with c.err set, when it will not come back.
func (c *Cluster) restart() *postmaster {
	started := time.Now()
	for delay := minRestartDelay; ; delay = min(2*delay, maxRestartDelay) {
		p, err := c.launch(c.ctx)
		if err == nil {
			c.logger.Info("Postgres is back", "after", time.Since(started).Round(time.Millisecond).String())
			return p
		}
		if c.ctx.Err() != nil {
			return nil
		}
		if time.Since(started) > restartTimeout {
			c.err = fmt.Errorf("the private Postgres died and did not come back within %s: %w", restartTimeout, err)
			c.logger.Error("giving up on Postgres", "error", c.err)
			return nil
		}
		c.logger.Warn("Postgres did not start yet", "error", err, "next_try", delay.String())
		select {
		case <-c.ctx.Done():
			return nil
		case <-time.After(delay):
		}
	}
}

// launch starts the server and sees to its database.
func (c *Cluster) launch(ctx context.Context) (*postmaster, error) {
	p, err := launch(ctx, c.layout, c.user, c.binDir, c.socketDir, c.disposable, c.logger)
	if err != nil {
		return nil, err
	}
	if err := ensureDatabase(ctx, c.socketDir); err != nil {
		p.stop(closedChan)
		return nil, err
	}
	return p, nil
}

func (c *Cluster) lock(path string) error {
	f, err := acquireLock(path)
	if err == nil {
		c.locks = append(c.locks, f)
	}
	return err
}

// releaseResources lets go of everything outside of the server. The locks come last: who gets them finds nothing half done.
func (c *Cluster) releaseResources() {
	c.cancel()
	if c.socketDir != "" {
		c.layout.removeSocketDir()
	}
	for _, f := range c.locks {
		releaseLock(f)
	}
}

// Remove deletes stateDir and the private Postgres in it, wherever its data lie; a server that outlived its labledger is stopped first.
// Nothing is left to get back. Errors: ErrInUse when a live process holds it.
func Remove(ctx context.Context, stateDir string, log *slog.Logger) error {
	l, err := openLayout(stateDir)
	if err != nil {
		return err
	}
	c := newCluster(log)
	defer c.releaseResources()
	err = c.lock(l.lockFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil // no state directory
	}
	if err != nil {
		return wrapPermission(l.stateDir, err)
	}
	if exists(l.dataDir()) {
		if err := c.lock(l.root + "/lock"); err != nil {
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
