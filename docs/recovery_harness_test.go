package docs_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"labledger/internal/programtest"
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
	"labledger/internal/postgres"
)

// A ward is where a database is harmed and healed: a folder with the data, the archive, and what was recovered, of the user that Postgres runs as.
type ward struct {
	t      *testing.T
	page   page
	dir    string
	bin    string
	owner  *syscall.Credential // nil: ourselves
	socket string
	ran    map[string]bool // blocks of the page
}

func newWard(t *testing.T) *ward {
	t.Helper()
	w := &ward{t: t, page: recoveryPage(t), dir: pgtest.StateDir(t), ran: map[string]bool{}}
	var err error
	if w.bin, err = postgres.Find(); err == nil {
		w.bin, err = filepath.EvalSymlinks(filepath.Join(w.bin, "postgres")) // beside which all of its programs are
	}
	if err != nil {
		t.Fatal(err)
	}
	w.bin = filepath.Dir(w.bin)
	if os.Geteuid() == 0 { // Postgres refuses root
		u, err := user.Lookup("postgres")
		if err != nil {
			u, err = user.Lookup("nobody")
		}
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32) // a number, on Unix
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		w.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	w.socket = filepath.Join(w.dir, "run")
	for _, folder := range []string{"", "run", "archive", "deploy", "media", "copy"} {
		path := filepath.Join(w.dir, folder)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if w.owner != nil && folder != "media" && folder != "copy" { // those are the server's
			if err := os.Chown(path, int(w.owner.Uid), int(w.owner.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	lock, err := os.Create(filepath.Join(w.dir, "lock")) // or another run of tests takes the folder for one that a killed run left
	if err == nil {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Close() }) // the folder has gone
	script, err := os.ReadFile("../../deploy/recovery-base.sh")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "deploy/recovery-base.sh"), []byte(w.here(string(script))), 0o644); err != nil {
		t.Fatal(err)
	}
	w.sweepAfter()
	return w
}

// sweepAfter stops every Postgres of the ward when the test ends, however it ends: pg_ctl's are no children of ours.
func (w *ward) sweepAfter() {
	w.t.Helper()
	janitor := exec.Command("sh", "-c", `
		cat > /dev/null
		for file in "$1"/*/postmaster.pid "$1"/recovered/*/postmaster.pid; do
			pid=$(head -n 1 "$file") && kill -QUIT "$pid" && while kill -0 "$pid"; do sleep 0.1; done
		done 2>/dev/null
		rm -rf "$1"`, "sh", w.dir)
	janitor.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C must not reach it
	life, err := janitor.StdinPipe()
	if err == nil {
		err = janitor.Start()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		over := time.AfterFunc(waitTimeout, func() { _ = janitor.Process.Kill() })
		defer over.Stop()
		if err := errors.Join(life.Close(), janitor.Wait()); err != nil {
			w.t.Error("cannot clear away:", err)
		}
	})
}

var places = regexp.MustCompile(`(^|[^\w.])(/archive|/var/lib/postgresql/recovered)\b`)

// here leads a text from the folders of the page to those of the ward.
func (w *ward) here(text string) string {
	return places.ReplaceAllStringFunc(text, func(place string) string {
		start := strings.Index(place, "/")
		return place[:start] + filepath.Join(w.dir, filepath.Base(place[start:]))
	})
}

func (w *ward) url(socket, role string) string {
	return "postgres://" + role + "@/labledger?host=" + socket
}

// command is a program that runs as the owner of the data.
func (w *ward) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = w.dir, []string{"PATH=" + w.bin + ":" + os.Getenv("PATH"), "HOME=" + w.dir, "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: w.owner}
	return cmd
}

// A live Postgres is a child of ours, which is waited for from the beginning.
type live struct {
	process *os.Process
	ended   chan error
}

// start starts Postgres on data as deploy/archive.yml does.
func (w *ward) start(data string) live {
	w.t.Helper()
	words := archiveCommand(w.t)
	for i := range words {
		words[i] = w.here(words[i])
	}
	// fsync is the machine's affair; the zone flushes out moments without one.
	words = append(words, "-D"+data, "-clisten_addresses=", "-cunix_socket_directories="+w.socket, "-cfsync=off", "-ctimezone=Canada/Newfoundland")
	cmd := w.command(filepath.Join(w.bin, words[0]), words[1:]...)
	log, err := os.OpenFile(filepath.Join(w.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the child has its own
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	p := live{cmd.Process, make(chan error, 1)}
	go func() { p.Exited() <- cmd.Wait() }() // the janitor ends it at the latest
	ctx, cancel := context.WithTimeout(w.t.Context(), waitTimeout)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, "postgres://labledger@/postgres?host="+w.socket)
		if err == nil {
			_ = conn.Close(ctx) // it answers
			return p
		}
		select {
		case <-ctx.Done():
			text, _ := os.ReadFile(log.Name())
			w.t.Fatalf("Postgres does not answer: %v\n%s", err, text)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// end ends a Postgres and waits until it is gone.
func (w *ward) end(p live, by syscall.Signal) {
	w.t.Helper()
	_ = p.process.Signal(by) // one that has ended needs none
	select {
	case err := <-p.Exited():
		if err != nil && by != syscall.SIGKILL { // which is no good end
			w.t.Error("Postgres did not end well:", err)
		}
	case <-time.After(waitTimeout):
		w.t.Fatalf("Postgres does not end after %s", by)
	}
}

// A shell is one bash in which a person types: what one block sets, the next one has.
type shell struct {
	ward    *ward
	process *os.Process
	in      io.WriteCloser
	out     *bufio.Reader
}

func (w *ward) shell(owner *syscall.Credential, variables ...string) *shell {
	w.t.Helper()
	cmd := w.command("bash", "--norc")
	cmd.SysProcAttr.Credential = owner
	cmd.Env = append(cmd.Env, "PATH="+w.bin+":"+filepath.Dir(programtest.Program(t))+":"+os.Getenv("PATH"),
		"OPTIONS=-c fsync=off", "PGHOST="+w.socket, "PGUSER=labledger", "PGDATABASE=labledger", "DATABASE_URL="+w.URL(w.socket, "labledger"))
	cmd.Env = append(cmd.Env, variables...)
	reader, writer, err := os.Pipe()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = writer, writer
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	_ = writer.Close() // the child has its own
	s := &shell{w, cmd.Process, in, bufio.NewReader(reader)}
	w.t.Cleanup(func() {
		defer s.bound()()
		_ = in.Close()
		_ = cmd.Wait() // it may have been killed
		_ = reader.Close()
	})
	return s
}

// bound kills the shell, with all that it waits for, when something takes too long; reading from it ends then.
func (s *shell) bound() (stop func() bool) {
	return time.AfterFunc(waitTimeout, func() { _ = syscall.Kill(-s.PID(), syscall.SIGKILL) }).Stop
}

// types runs a command and returns what a terminal would show, and the status of its last part.
func (s *shell) types(command string) (output string, status int) {
	s.ward.t.Helper()
	defer s.bound()()
	const prompt = "=== ready, "
	if _, err := io.WriteString(s.in, command+"\nprintf '\\n"+prompt+"%d\\n' $?\n"); err != nil {
		s.ward.t.Fatal(err)
	}
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			s.ward.t.Fatalf("$ %s\n%s\nnever ends: %v", command, output, err)
		}
		if code, isPrompt := strings.CutPrefix(line, prompt); isPrompt {
			status, err := strconv.Atoi(strings.TrimSpace(code))
			if err != nil {
				s.ward.t.Fatal(err)
			}
			return strings.TrimSuffix(output, "\n"), status
		}
		output += line
	}
}

// do is types for what must work.
func (s *shell) do(command string) string {
	s.ward.t.Helper()
	output, status := s.types(command)
	if status != 0 {
		s.ward.t.Fatalf("$ %s\nstatus %d:\n%s", command, status, output)
	}
	return output
}

// follow runs blocks of the page.
func (s *shell) follow(names ...string) (output string) {
	s.ward.t.Helper()
	for _, name := range names {
		output += s.do(s.ward.block(name))
	}
	return output
}

func (w *ward) block(name string) string {
	w.t.Helper()
	text := w.page.blocks[name]
	if text == "" {
		w.t.Fatalf("deploy/recovery.md has no block %q", name)
	}
	w.ran[name] = true
	return w.here(text)
}
