//go:build unix

package programtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"labledger/internal/pgtest"
)

// Env returns the environment of a process under test: PATH, an empty HOME, vars, and PORT=0 (any free port) unless
// vars set another one. Nothing else of the test's own environment is passed on.
func Env(t testing.TB, vars ...string) []string {
	t.Helper()
	home := t.TempDir() // no .psqlrc, no .pgpass
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C.UTF-8", "PORT=0"}, vars...)
}

// Command returns a command that runs the program in an empty directory. env holds "NAME=value" strings: see Env.
func Command(t testing.TB, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(Program(t), args...)
	cmd.Dir, cmd.Env = t.TempDir(), Env(t, env...)
	return cmd
}

// Result is the outcome of a process that has exited.
type Result struct {
	Stdout, Stderr string
	Code           int // -1 if a signal ended the process
}

// Exec runs a command to its end. A nonzero exit code is not an error; a command that does not end within
// pgtest.WaitTimeout is.
func Exec(cmd *exec.Cmd) (Result, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return Result{}, err
	}
	// An interrupted command stops its Postgres.
	interrupt := time.AfterFunc(pgtest.WaitTimeout, func() { _ = cmd.Process.Signal(syscall.SIGINT) })
	kill := time.AfterFunc(pgtest.WaitTimeout+5*time.Second, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	kill.Stop()
	result := Result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
	if !interrupt.Stop() {
		return result, fmt.Errorf("%q did not end within %s\n%s%s", cmd.Args, pgtest.WaitTimeout, &stdout, &stderr)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return result, err
	}
	return result, nil
}

// Run runs the program to its end and returns the result.
func Run(t testing.TB, env []string, stdin string, args ...string) Result {
	t.Helper()
	cmd := Command(t, env, args...)
	cmd.Stdin = strings.NewReader(stdin)
	r, err := Exec(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// MustRun runs a command that must succeed and returns its standard output.
func MustRun(t testing.TB, env []string, stdin string, args ...string) string {
	t.Helper()
	r := Run(t, env, stdin, args...)
	if r.Code != 0 {
		t.Fatalf("labledger %q: exit code %d\n%s%s", args, r.Code, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

// MustFail runs a command that must fail without a panic and returns its standard error.
func MustFail(t testing.TB, env []string, stdin string, args ...string) string {
	t.Helper()
	r := Run(t, env, stdin, args...)
	if r.Code == 0 {
		t.Errorf("labledger %q: exit code 0, want a failure\n%s%s", args, r.Stdout, r.Stderr)
	}
	if strings.Contains(r.Stderr, "goroutine ") {
		t.Errorf("labledger %q panicked: %s", args, r.Stderr)
	}
	return r.Stderr
}
