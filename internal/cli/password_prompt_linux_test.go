package cli_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

// pseudoTerminal is a terminal on which the program runs. Its ioctls exist on Linux only.
type pseudoTerminal struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	output programtest.Output
	read   chan struct{} // closed when the program has closed the terminal
	seen   int           // bytes of output before the next prompt
}

func startOnTerminal(t *testing.T, env []string, args ...string) *pseudoTerminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	p := &pseudoTerminal{t: t, master: master, read: make(chan struct{})}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil { // unlocks the slave
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p.cmd = programtest.Command(t, env, args...)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = slave, slave, slave
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true} // Ctrl-C needs a controlling terminal
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	_ = slave.Close()
	go func() {
		defer close(p.read)
		b := make([]byte, 1024)
		for {
			n, err := master.Read(b)
			_, _ = p.output.Write(b[:n])
			if err != nil {
				return
			}
		}
	}()
	return p
}

// echoes reports whether the terminal shows what is typed.
func (p *pseudoTerminal) echoes() bool {
	p.t.Helper()
	state, err := unix.IoctlGetTermios(int(p.master.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// typeAt types a line when the program has printed a prompt and turned echo off.
func (p *pseudoTerminal) typeAt(prompt, line string) {
	p.t.Helper()
	pgtest.WaitFor(p.t, fmt.Sprintf("the prompt %q without echo", prompt), func() bool {
		echoes := p.echoes() // before the output, because the program prints the prompt first
		i := strings.Index(p.output.String()[p.seen:], prompt)
		if echoes || i < 0 {
			return false
		}
		p.seen += i + len(prompt)
		return true
	})
	out, err := exec.Command("ps", "-ww", "-o", "args=", "-p", fmt.Sprint(p.cmd.Process.Pid)).Output()
	if err != nil || strings.Contains(string(out), password) {
		p.t.Errorf("arguments in ps: %s, %v", out, err)
	}
	if _, err := p.master.WriteString(line); err != nil {
		p.t.Fatal(err)
	}
}

// wait waits for the program to exit and returns the output of the terminal and the exit code.
func (p *pseudoTerminal) wait() (output string, code int) {
	p.t.Helper()
	done := make(chan struct{})
	go func() {
		_ = p.cmd.Wait()
		<-p.read
		close(done)
	}()
	pgtest.WaitFor(p.t, "the program to exit", func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
	if !p.echoes() {
		p.t.Error("echo is still off")
	}
	return strings.ReplaceAll(p.output.String(), "\r\n", "\n"), p.cmd.ProcessState.ExitCode()
}

// On a terminal, the password is typed twice without echo.
func TestUserPassword_promptsOnTerminal(t *testing.T) {
	t.Parallel()
	env := migrated(t, false)
	const first, second = "Password for grace: ", "Repeat the password: "

	p := startOnTerminal(t, env, "user", "create", "grace")
	p.typeAt(first, password+"\n")
	p.typeAt(second, password+"\n")
	output, code := p.wait()
	assertEqual(t, "terminal", output, first+"\n"+second+"\nCreated account 1: grace, role viewer.\n")
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	s := startServer(t, env...)
	s.Login("grace", password, http.StatusOK)

	p = startOnTerminal(t, env, "user", "password", "grace")
	p.typeAt(first, password+" too\n")
	p.typeAt(second, password+" two\n")
	output, code = p.wait()
	assertEqual(t, "terminal", output, first+"\n"+second+"\nlabledger: nothing was changed: the passwords differ\n")
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}

	p = startOnTerminal(t, env, "user", "password", "grace")
	const ctrlC = "\x03"
	p.typeAt(first, ctrlC)
	output, code = p.wait()
	assertContains(t, output, "interrupted; nothing was changed")
	if code != 1 {
		t.Errorf("exit code %d after Ctrl-C, want 1", code)
	}
	s.Login("grace", password, http.StatusOK)
}

// A signal ends a command that waits for a password.
func TestUserCreate_isInterruptible(t *testing.T) {
	t.Parallel()
	env := migrated(t, false)
	cmd := programtest.Command(t, env, "user", "create", "grace")
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(in.Close(), out.Close()) }()
	if _, err := out.WriteString("a line without its end"); err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = in
	s := programtest.Launch(t, cmd)
	s.WaitFor("the command to read the password", func() bool {
		unread, err := unix.IoctlGetInt(int(out.Fd()), unix.TIOCINQ)
		return err == nil && unread == 0
	})
	s.Signal(syscall.SIGINT)
	if code := s.Wait(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	assertEqual(t, "standard error", s.Stderr.String(), "labledger: interrupted; nothing was changed\n")
	assertEqual(t, "accounts", mustValue(t, databaseURL(env), "SELECT count(*)::text FROM account"), "0")
}

// Stored text does not control the terminal. A file gets it unchanged.
func TestExport_terminal(t *testing.T) {
	t.Parallel()
	env := migrated(t, false)
	mustRun(t, env, "", "psql", "-qc", `INSERT INTO site (name) VALUES (E'\x1b]0;title\x07 é')`)
	output, code := startOnTerminal(t, env, "export", "sites").wait()
	if code != 0 || strings.Contains(output, "\x1b") || !strings.Contains(output, `\x1b]0;title\x07 é`) {
		t.Errorf("on a terminal: exit code %d, %q", code, output)
	}
	if out := mustRun(t, env, "", "export", "sites"); !strings.Contains(out, "\x1b]0;title\a é") {
		t.Errorf("in a file: %q", out)
	}
}
