package docs_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

// recoveryEnv is an installation for the procedure of the document: a directory with the data, the archive and the
// recovered data. They belong to the user that Postgres runs as.
type recoveryEnv struct {
	t      *testing.T
	doc    document
	dir    string
	bin    string              // directory of the server programs of PostgreSQL
	path   string              // PATH with all programs of PostgreSQL
	owner  *syscall.Credential // of the data; nil for the user of this process
	socket string              // directory of the socket
	ran    map[string]bool     // blocks of the document
}

func newRecoveryEnv(t *testing.T) *recoveryEnv {
	t.Helper()
	e := &recoveryEnv{t: t, doc: readRecoveryDoc(t), dir: pgtest.StateDir(t), ran: map[string]bool{}}
	e.socket = filepath.Join(e.dir, "run")
	e.bin = pgtest.ServerDir(t)
	e.path = e.bin + ":" + filepath.Dir(pgtest.Client(t, "pg_basebackup")) + ":" + os.Getenv("PATH")
	if os.Geteuid() == 0 {
		e.owner = postgresUser(t)
	}
	for _, name := range []string{"", "run", "archive", "deploy", "media", "copy"} {
		path := filepath.Join(e.dir, name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if e.owner != nil && name != "media" && name != "copy" { // those belong to the server
			if err := os.Chown(path, int(e.owner.Uid), int(e.owner.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	e.lock()
	script, err := os.ReadFile(backupScript)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(e.dir, "deploy", filepath.Base(backupScript))
	if err := os.WriteFile(copied, []byte(e.localPaths(string(script))), 0o644); err != nil {
		t.Fatal(err)
	}
	e.cleanUpAtExit()
	return e
}

// postgresUser returns an unprivileged user for Postgres, which refuses to run as root.
func postgresUser(t *testing.T) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// lock marks the directory as in use. Without a lock, package pgtest would delete it as the leftover of a killed run.
func (e *recoveryEnv) lock() {
	e.t.Helper()
	lock, err := os.Create(filepath.Join(e.dir, "lock"))
	if err == nil {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = lock.Close() })
}

// cleanUpAtExit stops every Postgres of the installation and deletes its directory when the test ends, even if this
// process is killed. The servers that pg_ctl starts are not child processes.
func (e *recoveryEnv) cleanUpAtExit() {
	e.t.Helper()
	janitor := exec.Command("sh", "-c", `
		cat > /dev/null
		for file in "$1"/*/postmaster.pid "$1"/recovered/*/postmaster.pid; do
			pid=$(head -n 1 "$file") && kill -QUIT "$pid" && while kill -0 "$pid"; do sleep 0.1; done
		done 2>/dev/null
		rm -rf "$1"`, "sh", e.dir)
	janitor.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C must not reach it
	stdin, err := janitor.StdinPipe()
	if err == nil {
		err = janitor.Start()
	}
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() {
		timeout := time.AfterFunc(waitTimeout, func() { _ = janitor.Process.Kill() })
		defer timeout.Stop()
		if err := errors.Join(stdin.Close(), janitor.Wait()); err != nil {
			e.t.Error("cleanup:", err)
		}
	})
}

var documentPathRE = regexp.MustCompile(`(^|[^\w.])(/archive|/var/lib/postgresql/recovered)\b`)

// localPaths replaces the directories of the document by those of the installation.
func (e *recoveryEnv) localPaths(text string) string {
	return documentPathRE.ReplaceAllStringFunc(text, func(match string) string {
		start := strings.Index(match, "/")
		return match[:start] + filepath.Join(e.dir, filepath.Base(match[start:]))
	})
}

// url returns the URL of the database labledger for a role.
func (e *recoveryEnv) url(socketDir, role string) string {
	return "postgres://" + role + "@/labledger?host=" + socketDir
}

// command returns a command that runs as the owner of the data.
func (e *recoveryEnv) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = e.dir, []string{"PATH=" + e.path, "HOME=" + e.dir, "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: e.owner}
	return cmd
}

// postgresServer is a Postgres that this process has started.
type postgresServer struct {
	process *os.Process
	exited  chan error
}

// startPostgres starts Postgres on a data directory, with the settings of deploy/archive.yml.
func (e *recoveryEnv) startPostgres(dataDir string) postgresServer {
	e.t.Helper()
	args := archiveCommand(e.t)
	for i := range args {
		args[i] = e.localPaths(args[i])
	}
	// The time zone reveals times that are printed without their offset.
	args = append(args, "-D"+dataDir, "-clisten_addresses=", "-cunix_socket_directories="+e.socket, "-cfsync=off",
		"-ctimezone=Canada/Newfoundland")
	cmd := e.command(filepath.Join(e.bin, args[0]), args[1:]...)
	log, err := os.OpenFile(filepath.Join(e.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	p := postgresServer{cmd.Process, make(chan error, 1)}
	go func() { p.exited <- cmd.Wait() }()
	ctx, cancel := context.WithTimeout(e.t.Context(), waitTimeout)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, "postgres://labledger@/postgres?host="+e.socket)
		if err == nil {
			_ = conn.Close(ctx)
			return p
		}
		select {
		case <-ctx.Done():
			text, _ := os.ReadFile(log.Name())
			e.t.Fatalf("Postgres accepts no connections: %v\n%s", err, text)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stopPostgres sends a signal to Postgres and waits for its exit, which must be clean unless the signal is SIGKILL.
func (e *recoveryEnv) stopPostgres(p postgresServer, sig syscall.Signal) {
	e.t.Helper()
	_ = p.process.Signal(sig) // fails if it has exited
	select {
	case err := <-p.exited:
		if err != nil && sig != syscall.SIGKILL {
			e.t.Error("exit of Postgres:", err)
		}
	case <-time.After(waitTimeout):
		e.t.Fatalf("Postgres does not exit after %s", sig)
	}
}

// shell is a running bash in which an operator types. Variables that one block sets are available to the next ones.
type shell struct {
	env     *recoveryEnv
	process *os.Process
	in      io.WriteCloser
	out     *bufio.Reader
}

// shell starts a bash as a user, with additional variables.
func (e *recoveryEnv) shell(user *syscall.Credential, variables ...string) *shell {
	e.t.Helper()
	cmd := e.command("bash", "--norc")
	cmd.SysProcAttr.Credential = user
	cmd.Env = append(cmd.Env,
		"PATH="+filepath.Dir(programtest.Program(e.t))+":"+e.path, "OPTIONS=-c fsync=off",
		"PGHOST="+e.socket, "PGUSER=labledger", "PGDATABASE=labledger", "DATABASE_URL="+e.url(e.socket, "labledger"))
	cmd.Env = append(cmd.Env, variables...)
	reader, writer, err := os.Pipe()
	if err != nil {
		e.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = writer, writer
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		e.t.Fatal(err)
	}
	_ = writer.Close()
	s := &shell{e, cmd.Process, in, bufio.NewReader(reader)}
	e.t.Cleanup(func() {
		defer s.startTimeout()()
		_ = in.Close()
		_ = cmd.Wait()
		_ = reader.Close()
	})
	return s
}

// startTimeout kills the shell and its children after waitTimeout, which ends a read from it, unless stop is called
// before.
func (s *shell) startTimeout() (stop func() bool) {
	return time.AfterFunc(waitTimeout, func() { _ = syscall.Kill(-s.process.Pid, syscall.SIGKILL) }).Stop
}

// run runs commands. It returns the output as a terminal would show it, and the status of the last command.
func (s *shell) run(commands string) (output string, status int) {
	s.env.t.Helper()
	defer s.startTimeout()()
	const marker = "=== status "
	if _, err := io.WriteString(s.in, commands+"\nprintf '\\n"+marker+"%d\\n' $?\n"); err != nil {
		s.env.t.Fatal(err)
	}
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			s.env.t.Fatalf("$ %s\n%s\ndoes not end: %v", commands, output, err)
		}
		if code, isMarker := strings.CutPrefix(line, marker); isMarker {
			status, err := strconv.Atoi(strings.TrimSpace(code))
			if err != nil {
				s.env.t.Fatal(err)
			}
			return strings.TrimSuffix(output, "\n"), status
		}
		output += line
	}
}

// mustRun runs commands of which the last one must succeed.
func (s *shell) mustRun(commands string) string {
	s.env.t.Helper()
	output, status := s.run(commands)
	if status != 0 {
		s.env.t.Fatalf("$ %s\nstatus %d:\n%s", commands, status, output)
	}
	return output
}

// mustRunBlocks runs blocks of the document.
func (s *shell) mustRunBlocks(names ...string) (output string) {
	s.env.t.Helper()
	for _, name := range names {
		output += s.mustRun(s.env.block(name))
	}
	return output
}

// block returns a block of the document with the paths of the installation.
func (e *recoveryEnv) block(name string) string {
	e.t.Helper()
	text := e.doc.blocks[name]
	if text == "" {
		e.t.Fatalf("%s has no block %q", recoveryDoc, name)
	}
	e.ran[name] = true
	return e.localPaths(text)
}
