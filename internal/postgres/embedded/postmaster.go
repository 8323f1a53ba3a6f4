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

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/internal/postgres"
)

// maxLogSize bounds postgres.log, in bytes; one older file of about the same size is kept beside it.
const maxLogSize = 10 << 20

// serverArgs are the server's, given on its command line so that no file of the cluster overrules them.
func serverArgs(socketDir string, disposable bool) []string {
	all := []string{
		"listen_addresses=", // the Unix socket only
		"port=5432",
		// The value is a list; quoted, a comma or a blank in the path is no separator.
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
	if disposable { // the last one given counts
		// synchronous_commit stays on: without fsync it costs next to nothing, and off, a killed server loses commits
		// although the machine lives, which a test of just that must be able to tell from a defect of ours.
		all = append(all,
			"fsync=off",
			"full_page_writes=off",
			"max_connections=200",
			"timezone=Canada/Newfoundland", // odd offsets and DST flush out time bugs
		)
	}
	args := make([]string, 0, 2*len(all))
	for _, s := range all {
		args = append(args, "-c", s)
	}
	return args
}

// postmaster is one running server process.
type postmaster struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed once the process is gone and reaped
}

// launch starts the server on l.data and waits until it answers. It waits as long as the process lives and ctx lasts:
// recovery after a crash may take minutes, and stopping it would only make it begin again.
func launch(ctx context.Context, l layout, as osUser, bin, socketDir string, disposable bool, log *slog.Logger) (*postmaster, error) {
	out, err := os.OpenFile(l.logFile(), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, wrapPermission(l.root, err)
	}
	defer out.Close() // the child has its own copy
	logStart, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}

	args := append([]string{"-D", l.dataDir()}, serverArgs(socketDir, disposable)...)
	cmd := as.command(context.Background(), l.dataDir(), filepath.Join(bin, "postgres"), args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start Postgres as user %s: %w", as.name, err)
	}
	p := &postmaster{cmd: cmd, exited: make(chan struct{})}
	go func() { // ends with the process; whoever holds p ends that
		cmd.Wait()
		close(p.exited)
	}()

	started, reported := time.Now(), 0
	for {
		err := ping(ctx, socketURL(socketDir, superuser, "postgres"))
		if err == nil {
			return p, nil
		}
		select {
		case <-p.exited:
			return nil, fmt.Errorf("the private Postgres did not start (%v); the end of %s:\n%s", cmd.ProcessState, l.logFile(), logSince(out, logStart))
		case <-ctx.Done():
			p.stop(closedChan)
			return nil, fmt.Errorf("the private Postgres did not answer in time: %w; the end of %s:\n%s", context.Cause(ctx), l.logFile(), logSince(out, logStart))
		case <-time.After(20 * time.Millisecond):
		}
		if waits := int(time.Since(started) / (10 * time.Second)); waits > reported {
			reported = waits
			log.Warn("still waiting for Postgres to start; after a crash it first repairs its data", "seconds", waits*10, "log", l.logFile())
		}
	}
}

// closedChan is a channel that is closed from the beginning.
var closedChan = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// ping connects once.
func ping(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// killTimeout is how long an immediate shutdown may take before the process is killed.
const killTimeout = 5 * time.Second

// stop ends the server: fast (open transactions roll back, everything is written), and once hurry is closed, at once,
// which leaves repairs to the next start and is an error. It returns when the process is gone.
func (p *postmaster) stop(stopNow <-chan struct{}) error {
	p.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-p.exited:
		if !p.cmd.ProcessState.Success() {
			return fmt.Errorf("the private Postgres did not stop cleanly (%v); it repairs its data at the next start", p.cmd.ProcessState)
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
	return errors.New("there was no time to stop Postgres cleanly; it repairs its data at the next start")
}

// ensureDatabase creates the one database of the cluster and the server's role when they are missing: on the first start, when that was
// cut short, and for data that an earlier version made.
func ensureDatabase(ctx context.Context, socketDir string) error {
	conn, err := pgx.Connect(ctx, socketURL(socketDir, superuser, "postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, create := range []string{"CREATE DATABASE " + databaseName, "CREATE ROLE " + postgres.ServerRole + " LOGIN"} {
		_, err := conn.Exec(ctx, create)
		var pgErr *pgconn.PgError
		if errors.As(err, &pgErr) && (pgErr.Code == "42P04" || pgErr.Code == "42710") { // it is there
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stopOrphan stops a postmaster that outlived the labledger that started it. The caller holds the lock, so nobody uses it.
func stopOrphan(ctx context.Context, l layout, as osUser, bin string, log *slog.Logger) error {
	pid, ours, err := findOrphan(l)
	if err != nil || pid == 0 {
		return err
	}
	if !ours {
		// The pid now belongs to another program, for instance after a reboot. Postgres itself cannot tell and would refuse to start.
		log.Info("removing a stale pid file of Postgres", "file", l.pidFile(), "pid", pid)
		return os.Remove(l.pidFile())
	}
	log.Warn("Postgres still runs from a labledger that was killed; stopping it", "pid", pid)
	var out []byte
	for _, mode := range []string{"fast", "immediate"} {
		cmd := as.command(ctx, l.root, filepath.Join(bin, "pg_ctl"), "stop", "-D", l.dataDir(), "-m", mode, "-w", "-t", "30")
		if out, err = cmd.CombinedOutput(); err == nil || !isAlive(pid) {
			return nil
		}
	}
	return fmt.Errorf("a Postgres with pid %d still runs on %s and cannot be stopped (kill it, then start again): %w\n%s",
		pid, l.dataDir(), err, lastLines(string(out), 5))
}

// findOrphan reads postmaster.pid: the pid there if a process with it lives, and whether that is a Postgres on our data.
func findOrphan(l layout) (pid int, ours bool, err error) {
	b, err := os.ReadFile(l.pidFile())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, wrapPermission(l.root, err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err = strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 0 || !isAlive(pid) {
		return 0, false, nil // Postgres clears such a file itself, and checks for orphaned backends as it does
	}
	return pid, isPostgresOn(pid, l.dataDir()), nil
}

func isAlive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// isPostgresOn reports whether the process is a postgres whose working directory is data, as every postmaster's is.
func isPostgresOn(pid int, data string) bool {
	if runtime.GOOS != "linux" {
		out, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
		return err == nil && strings.Contains(string(out), "postgres") && strings.Contains(string(out), data)
	}
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	name, err := os.ReadFile(filepath.Join(proc, "comm"))
	if err != nil || !strings.HasPrefix(string(name), "postgres") {
		return false
	}
	cwd, err1 := os.Stat(filepath.Join(proc, "cwd"))
	want, err2 := os.Stat(data)
	return err1 == nil && err2 == nil && os.SameFile(cwd, want)
}

// rotateLog keeps the log below maxLogSize: what is there moves to postgres.log.1 by copying, since the server keeps the file open.
func rotateLog(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Size() < maxLogSize {
		return nil
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(path+".1", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, io.LimitReader(from, 2*maxLogSize))
	return errors.Join(err, to.Close(), os.Truncate(path, 0))
}

// logSince returns the last lines written after begin.
func logSince(f *os.File, begin int64) string {
	const window = 16 << 10
	if info, err := f.Stat(); err == nil && info.Size()-begin > window {
		begin = info.Size() - window
	}
	b, err := io.ReadAll(io.NewSectionReader(f, begin, window))
	if err != nil {
		return err.Error()
	}
	return lastLines(string(b), 15)
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
