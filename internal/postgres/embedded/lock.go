//go:build unix

package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// ErrInUse is wrapped by the error of Start and Wipe when another live process holds the state directory.
var ErrInUse = errors.New("state directory is in use")

// acquireLock takes the lock for as long as the returned file is open. The kernel frees it when we die, however we die,
// so a lock file left behind means nothing by itself.
func acquireLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		f.Close()
		return nil, fmt.Errorf("%w: labledger with pid %s holds %s; stop that one, or give this one another state directory",
			ErrInUse, lockPID(path), path)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	// The pid is for people; losing it costs only a worse message.
	if f.Truncate(0) == nil {
		fmt.Fprintln(f, os.Getpid())
	}
	return f, nil
}

// releaseLock frees the lock. Closing alone is not enough: a child that another goroutine is just forking has a copy of the file until it execs.
func releaseLock(f *os.File) {
	syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	f.Close()
}

// lockPID reads the pid from a lock file.
func lockPID(path string) string {
	b, err := os.ReadFile(path)
	if pid := strings.TrimSpace(string(b)); err == nil && pid != "" {
		return pid
	}
	return "unknown"
}

// wrapPermission turns "permission denied" inside a state directory into who owns it and what to do.
func wrapPermission(path string, err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	owner, statErr := ownerOf(path)
	if statErr != nil || owner == os.Geteuid() {
		return err
	}
	as, accErr := candidates()
	if accErr != nil {
		return err
	}
	return errWrongOwner(path, owner, as[0])
}
