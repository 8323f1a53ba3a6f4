//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/internal/postgres"
)

// maxLogSize is the size of postgres.log in bytes from which it is rotated. One older file is kept.
const maxLogSize = 10 << 20

// serverArgs returns the server's settings as command line arguments, which override every configuration file.
func serverArgs(socketDir string, disposable bool) []string {
	settings := []string{
		"listen_addresses=", // the Unix socket only
		"port=5432",
		// The value is a list. Quotes keep a comma or a space in the path from separating entries.
		`unix_socket_directories="` + strings.ReplaceAll(socketDir, `"`, `""`) + `"`,
		"unix_socket_permissions=0700",
		"max_connections=100",
		"shared_buffers=128MB",
		"timezone=UTC",
		"log_timezone=UTC",
		"logging_collector=off",
		"log_destination=stderr",
		"log_checkpoints=off",
		"log_autovacuum_min_duration=-1",
		"log_line_prefix=%m [%p] ",
		"fsync=on",
		"full_page_writes=on",
		"synchronous_commit=on",
	}
	if disposable { // the last value of a setting counts
		// synchronous_commit stays on. Without fsync it costs almost nothing, and without it a killed server loses
		// commits, which a crash test could not distinguish from a defect of labledger.
		settings = append(settings,
			"fsync=off",
			"full_page_writes=off",
			"max_connections=200",
			"timezone=Canada/Newfoundland", // its half-hour offset and DST expose time zone errors
		)
	}
	args := make([]string, 0, 2*len(settings))
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	return args
}

// A postmaster is a running server process.
type postmaster struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process has been waited for
}

// startPostmaster starts the server process and waits until it accepts connections. It waits as long as the process
// lives and ctx lasts: crash recovery may take minutes, and would start again from the beginning after a stop.
func (c *Cluster) startPostmaster(ctx context.Context) (*postmaster, error) {
	l := c.layout
	logFile, err := os.OpenFile(l.logFile(), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, wrapPermission(l.root, err)
	}
	defer logFile.Close() // the child has a copy
	logStart, err := logFile.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}

	args := append([]string{"-D", l.dataDir()}, serverArgs(c.socketDir, c.disposable)...)
	cmd := c.user.command(context.Background(), l.dataDir(), filepath.Join(c.binDir, "postgres"), args...)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start Postgres as user %s: %w", c.user.name, err)
	}
	p := &postmaster{cmd: cmd, exited: make(chan struct{})}
	go func() {
		cmd.Wait()
		close(p.exited)
	}()

	const reportInterval = 10 * time.Second
	started, reports := time.Now(), 0
	for {
		err := ping(ctx, socketURL(c.socketDir, superuser, "postgres"))
		if err == nil {
			return p, nil
		}
		var invalid *pgconn.ParseConfigError
		if errors.As(err, &invalid) { // the environment makes every connection impossible
			p.stop(closedChan)
			return nil, fmt.Errorf("connect to the embedded Postgres: %w", err)
		}
		select {
		case <-p.exited:
			return nil, fmt.Errorf("the embedded Postgres did not start (%v); the end of %s:\n%s",
				cmd.ProcessState, l.logFile(), logSince(logFile, logStart))
		case <-ctx.Done():
			p.stop(closedChan)
			return nil, fmt.Errorf("the embedded Postgres did not start in time: %w; the end of %s:\n%s",
				context.Cause(ctx), l.logFile(), logSince(logFile, logStart))
		case <-time.After(20 * time.Millisecond):
		}
		if n := int(time.Since(started) / reportInterval); n > reports {
			reports = n
			c.logger.Warn("waiting for Postgres to start; after a crash it first runs recovery",
				"seconds", n*int(reportInterval/time.Second), "log", l.logFile())
		}
	}
}

// closedChan is a closed channel.
var closedChan = func() chan struct{} {
	ch := make(chan struct{})
	close(ch)
	return ch
}()

// ping opens and closes a connection.
func ping(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// killTimeout bounds an immediate shutdown; after it the process is killed.
const killTimeout = 5 * time.Second

// stop requests a fast shutdown, in which Postgres rolls open transactions back and writes a checkpoint, and returns
// when the process has exited. When stopNow is closed it requests an immediate shutdown and returns an error, since the
// next start must run recovery.
func (p *postmaster) stop(stopNow <-chan struct{}) error {
	p.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-p.exited:
		if !p.cmd.ProcessState.Success() {
			return fmt.Errorf("the embedded Postgres did not shut down cleanly (%v); it will recover at the next start",
				p.cmd.ProcessState)
		}
		return nil
	case <-stopNow:
	}
	p.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-p.exited:
	case <-time.After(killTimeout):
		p.cmd.Process.Kill()
		<-p.exited
	}
	return errors.New("the embedded Postgres had no time to shut down cleanly; it will recover at the next start")
}

// ensureDatabase creates the database and the server's role when they are missing: at the first start, after an
// interrupted first start, and for the data of earlier versions.
func ensureDatabase(ctx context.Context, socketDir string) error {
	conn, err := pgx.Connect(ctx, socketURL(socketDir, superuser, "postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, sql := range []string{"CREATE DATABASE " + databaseName, "CREATE ROLE " + postgres.ServerRole + " LOGIN"} {
		if _, err := conn.Exec(ctx, sql); err != nil && !isPresent(err) {
			return err
		}
	}
	return nil
}

// isPresent reports whether a statement failed because the database or the role already exists. A standby, which is
// read-only, has both from its primary.
func isPresent(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code == pgerrcode.DuplicateDatabase ||
		pgErr.Code == pgerrcode.DuplicateObject || pgErr.Code == pgerrcode.ReadOnlySQLTransaction)
}

// stopOrphan stops a server that outlived the labledger that started it. The caller holds the locks, so no live
// labledger uses that server.
func stopOrphan(ctx context.Context, l layout, user osUser, binDir string, log *slog.Logger) error {
	pid, isPostgres, err := findOrphan(l)
	if err != nil || pid == 0 {
		return err
	}
	if !isPostgres {
		// Another program has the PID now, for instance after a reboot. Postgres cannot know that and would not start.
		log.Info("removing a stale PID file of Postgres", "file", l.pidFile(), "pid", pid)
		return os.Remove(l.pidFile())
	}
	log.Warn("stopping an orphaned Postgres of a killed labledger", "pid", pid)
	pgCtl := filepath.Join(binDir, "pg_ctl")
	var out []byte
	for _, mode := range []string{"fast", "immediate"} {
		cmd := user.command(ctx, l.root, pgCtl, "stop", "-D", l.dataDir(), "-m", mode, "-w", "-t", "30")
		if out, err = cmd.CombinedOutput(); err == nil || !isAlive(pid) {
			return nil
		}
	}
	return fmt.Errorf(
		"an orphaned Postgres with PID %d still runs on %s and cannot be stopped; kill it, then start again: %w\n%s",
		pid, l.dataDir(), err, postgres.LastLines(string(out), 5))
}

// findOrphan returns the PID in postmaster.pid when a process with it lives, otherwise 0. isPostgres reports whether
// that process is a Postgres that runs on this data.
func findOrphan(l layout) (pid int, isPostgres bool, err error) {
	b, err := os.ReadFile(l.pidFile())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, wrapPermission(l.root, err)
	}
	firstLine, _, _ := strings.Cut(string(b), "\n")
	pid, err = strconv.Atoi(strings.TrimSpace(firstLine))
	if err != nil || pid <= 0 || !isAlive(pid) {
		return 0, false, nil // Postgres removes such a file itself, after checking for orphaned backends
	}
	return pid, isPostgresOn(pid, l.dataDir()), nil
}

func isAlive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// isPostgresOn reports whether the process is a postmaster that runs on dataDir, which is its working directory.
func isPostgresOn(pid int, dataDir string) bool {
	if runtime.GOOS != "linux" {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		out, err := exec.CommandContext(ctx, "ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
		return err == nil && strings.Contains(string(out), "postgres") && strings.Contains(string(out), dataDir)
	}
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	name, err := os.ReadFile(filepath.Join(proc, "comm"))
	if err != nil || !strings.HasPrefix(string(name), "postgres") {
		return false
	}
	cwd, cwdErr := os.Stat(filepath.Join(proc, "cwd"))
	want, wantErr := os.Stat(dataDir)
	return cwdErr == nil && wantErr == nil && os.SameFile(cwd, want)
}

// rotateLog copies a log of at least maxLogSize to postgres.log.1 and truncates it. It does not rename the file, since
// the server keeps it open.
func rotateLog(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Size() < maxLogSize {
		return nil
	}
	src, err := os.Open(path)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(path+".1", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, io.LimitReader(src, 2*maxLogSize))
	return errors.Join(err, dst.Close(), os.Truncate(path, 0))
}

// logSince returns the last lines that were written to f after offset.
func logSince(f *os.File, offset int64) string {
	const window = 16 << 10
	if info, err := f.Stat(); err == nil && info.Size()-offset > window {
		offset = info.Size() - window
	}
	b, err := io.ReadAll(io.NewSectionReader(f, offset, window))
	if err != nil {
		return err.Error()
	}
	return postgres.LastLines(string(b), 15)
}
