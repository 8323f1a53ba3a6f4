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
	as         account
	bin        string
	socket     string
	disposable bool
	attached   bool // another process runs it, we only use it
	log        *slog.Logger
	locks      []*os.File

	life     context.Context // ends when Stop is called
	end      context.CancelFunc
	hurry    chan struct{} // closed when Stop may wait no longer
	hurryOne sync.Once
	done     chan struct{}
	err      error // why it ended; read after done
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

// attachLimit is how long Use waits for another process's Postgres.
const attachLimit = 30 * time.Second

// StartOrAttach is Start, except that when another live process holds stateDir it attaches to that process's Postgres.
// Stop then only lets go of it. It waits up to half a minute for a Postgres that is just starting or stopping.
func StartOrAttach(ctx context.Context, stateDir string, log *slog.Logger) (*Cluster, error) {
	for began := time.Now(); ; {
		c, err := Start(ctx, stateDir, log)
		if !errors.Is(err, ErrInUse) {
			return c, err
		}
		c, attachErr := attach(ctx, stateDir, log)
		if attachErr == nil {
			return c, nil
		}
		if ctx.Err() != nil || time.Since(began) > attachLimit {
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
			c.release()
			c = nil
		}
	}()

	if c.layout, err = openLayout(stateDir); err != nil {
		return c, err
	}
	// Others may pass through the state directory, not look into the data: Postgres's user must get there.
	if err := os.MkdirAll(c.layout.state, 0o755); err != nil {
		return c, err
	}
	if err := c.lock(c.layout.lock()); err != nil {
		return c, explain(c.layout.state, err)
	}
	if c.as, err = c.layout.settle(log); err != nil {
		return c, err
	}
	// A state directory that was copied points to the same place as the original: the place has a lock of its own.
	if err := c.lock(c.layout.place + "/lock"); err != nil {
		return c, explain(c.layout.place, err)
	}

	major, err := c.layout.madeBy()
	if err != nil {
		return c, err
	}
	if c.bin, err = postgres.FindServer(major); err != nil {
		return c, err
	}
	if err := endLeftover(ctx, c.layout, c.as, c.bin, log); err != nil {
		return c, err
	}
	if err := boundLog(c.layout.log()); err != nil {
		return c, err
	}
	if c.socket, err = c.layout.socketDir(c.as); err != nil {
		return c, err
	}
	// Written before the server is up, so that a temporary socket folder is found again whatever happens to us.
	if err := os.WriteFile(c.layout.url(), []byte(c.URL()+"\n"), 0o644); err != nil {
		return c, err
	}
	if major == 0 {
		log.Info("creating a private Postgres", "dir", c.layout.data(), "user", c.as.name)
		if err := initdb(ctx, c.layout, c.as, c.bin, disposable); err != nil {
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
	c := &Cluster{log: log, hurry: make(chan struct{}), done: make(chan struct{})}
	c.life, c.end = context.WithCancel(context.Background())
	return c
}

// attach finds the Postgres that another process runs on stateDir.
func attach(ctx context.Context, stateDir string, log *slog.Logger) (*Cluster, error) {
	l, err := openLayout(stateDir)
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(l.url())
	if err != nil {
		return nil, err
	}
	c := newCluster(log)
	c.layout, c.attached, c.socket = l, true, socketOf(strings.TrimSpace(string(b)))
	if err := ping(ctx, c.URL()); err != nil {
		return nil, explain(c.socket, err)
	}
	if c.as, err = pickAccount(l.place); err != nil {
		return nil, err
	}
	return c, nil
}

// URL returns the address of the database, without a password, for pgx and for psql.
func (c *Cluster) URL() string { return socketURL(c.socket, superuser, dbName) }

// ServerURL is URL for postgres.ServerRole, which may do less than the owner.
func (c *Cluster) ServerURL() string { return socketURL(c.socket, postgres.ServerRole, dbName) }

// Dir returns the folder that really holds the data.
func (c *Cluster) Dir() string { return c.layout.data() }

// IsNew reports whether MarkInitialized was never called in the life of these data, over all starts.
func (c *Cluster) IsNew() bool { return !exists(c.layout.ready()) }

// MarkInitialized ends the time in which New is true; it survives a power cut. The error is the file system's.
func (c *Cluster) MarkInitialized() error {
	f, err := os.OpenFile(c.layout.ready(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close(), c.as.own(c.layout.ready()), syncDir(c.layout.data()))
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
	c.end()
	if c.attached {
		c.hurryOne.Do(func() { close(c.done) })
		return nil
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		c.hurryOne.Do(func() { close(c.hurry) })
		<-c.done
	}
	return c.err
}

// How often a server that died is started again: at once, then with growing pauses, until it answers or restartLimit is over.
const (
	firstPause   = 50 * time.Millisecond
	longestPause = 5 * time.Second
	restartLimit = 2 * time.Minute
	logCheck     = time.Minute
)

// supervise owns the server until Stop: it starts it again when it dies, and keeps its log bounded.
func (c *Cluster) supervise(p *postmaster) {
	defer close(c.done)
	defer c.release()
	tick := time.NewTicker(logCheck)
	defer tick.Stop()
	for {
		select {
		case <-c.life.Done():
			c.err = p.stop(c.hurry)
			return
		case <-p.exited:
			if c.life.Err() != nil {
				return
			}
			c.log.Error("Postgres died; starting it again", "how", p.cmd.ProcessState.String(), "log", c.layout.log())
			if p = c.restart(); p == nil {
				return
			}
		case <-tick.C:
			if err := boundLog(c.layout.log()); err != nil {
				c.log.Warn("cannot shorten Postgres's log", "error", err)
			}
		}
	}
}

// restart brings the server back; nil when Stop was called or, with c.err set, when it will not come back.
func (c *Cluster) restart() *postmaster {
	began := time.Now()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		p, err := c.launch(c.life)
		if err == nil {
			c.log.Info("Postgres is back", "after", time.Since(began).Round(time.Millisecond).String())
			return p
		}
		if c.life.Err() != nil {
			return nil
		}
		if time.Since(began) > restartLimit {
			c.err = fmt.Errorf("the private Postgres died and did not come back within %s: %w", restartLimit, err)
			c.log.Error("giving up on Postgres", "error", c.err)
			return nil
		}
		c.log.Warn("Postgres did not start yet", "error", err, "next_try", pause.String())
		select {
		case <-c.life.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// launch starts the server and sees to its database.
func (c *Cluster) launch(ctx context.Context) (*postmaster, error) {
	p, err := launch(ctx, c.layout, c.as, c.bin, c.socket, c.disposable, c.log)
	if err != nil {
		return nil, err
	}
	if err := ensureDatabase(ctx, c.socket); err != nil {
		p.stop(closed)
		return nil, err
	}
	return p, nil
}

func (c *Cluster) lock(path string) error {
	f, err := lockFile(path)
	if err == nil {
		c.locks = append(c.locks, f)
	}
	return err
}

// release lets go of everything outside of the server. The locks come last: who gets them finds nothing half done.
func (c *Cluster) release() {
	c.end()
	if c.socket != "" {
		c.layout.dropSocketDir()
	}
	for _, f := range c.locks {
		unlock(f)
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
	defer c.release()
	err = c.lock(l.lock())
	if errors.Is(err, fs.ErrNotExist) {
		return nil // no state directory
	}
	if err != nil {
		return explain(l.state, err)
	}
	if exists(l.data()) {
		if err := c.lock(l.place + "/lock"); err != nil {
			return explain(l.place, err)
		}
		if c.as, err = pickAccount(l.place); err != nil {
			return err
		}
		major, err := l.madeBy()
		if err != nil {
			return err
		}
		if c.bin, err = postgres.FindServer(major); err != nil {
			return err
		}
		if err := endLeftover(ctx, l, c.as, c.bin, log); err != nil {
			return err
		}
	}
	l.dropSocketDir()
	return errors.Join(os.RemoveAll(l.place), os.RemoveAll(l.state))
}
