//go:build unix

// Package programtest builds the program and runs it as a separate process, for tests of the command line and of the
// whole program. It knows the program only from outside: its environment, arguments, output, signals and HTTP API.
//
// Functions that take a testing.TB fail that test and must be called from its goroutine. Exec, Request and
// PostEvent return errors and may be called from any goroutine.
package programtest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// Program returns the path of the program under test. It is built once per test process.
func Program(t testing.TB) string {
	t.Helper()
	return Build(t, ".")
}

var (
	buildMu sync.Mutex
	builds  = map[string]func() (string, error){} // by package
	janitor []io.Closer                           // stdin of the janitors, open until this process ends
)

// Build builds a main package once per test process and returns the path of the binary. pkg is its directory, relative
// to the module root. All users can execute the binary; its directory contains nothing else and is deleted when the
// process ends.
func Build(t testing.TB, pkg string) string {
	t.Helper()
	buildMu.Lock()
	once := builds[pkg]
	if once == nil {
		once = sync.OnceValues(func() (string, error) { return build(pkg) })
		builds[pkg] = once
	}
	buildMu.Unlock()
	path, err := once()
	if err != nil {
		t.Fatalf("build %s: %v", pkg, err)
	}
	return path
}

func build(pkg string) (path string, err error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("/tmp", "labledger-binary-")
	if err != nil {
		return "", err
	}
	if err := removeAtExit(dir); err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	name := filepath.Base(pkg)
	if pkg == "." {
		name = "labledger"
	}
	path = filepath.Join(dir, name)
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", path, "./"+pkg)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
}

// removeAtExit deletes a directory when this process ends, even if it is killed: a shell waits for the end of its
// standard input, which this process holds open.
func removeAtExit(dir string) error {
	cmd := exec.Command("sh", "-c", `cat; rm -rf "$1"`, "sh", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C must not reach it
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	buildMu.Lock()
	janitor = append(janitor, stdin)
	buildMu.Unlock()
	return cmd.Start()
}

// moduleRoot returns the directory of go.mod at or above the working directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod at or above the working directory")
		}
		dir = parent
	}
}
