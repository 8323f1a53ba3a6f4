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

// ErrInUse is wrapped by the errors of Start and Remove when another live process holds the state directory.
var ErrInUse = errors.New("the state directory is in use")

// acquireLock locks path for as long as the returned file is open. The kernel releases the lock when the process ends,
// so an existing lock file does not mean that the lock is held.
func acquireLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		f.Close()
		return nil, fmt.Errorf("%w: labledger with PID %s holds %s; stop that process, or use another state directory",
			ErrInUse, lockPID(path), path)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	// The PID only serves the message above, so a failed write is ignored.
	if f.Truncate(0) == nil {
		fmt.Fprintln(f, os.Getpid())
	}
	return f, nil
}

// releaseLock unlocks and closes f. Closing alone is not enough: a child process that another goroutine is starting
// holds a copy of the file until it calls exec.
func releaseLock(f *os.File) {
	syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	f.Close()
}

// lockPID returns the PID in a lock file, or "unknown".
func lockPID(path string) string {
	b, err := os.ReadFile(path)
	if pid := strings.TrimSpace(string(b)); err == nil && pid != "" {
		return pid
	}
	return "unknown"
}

// wrapPermission replaces a permission error on path with errWrongOwner when another user owns path.
func wrapPermission(path string, err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	owner, statErr := ownerOf(path)
	if statErr != nil || owner == os.Geteuid() {
		return err
	}
	users, usersErr := candidates()
	if usersErr != nil {
		return err
	}
	return errWrongOwner(path, owner, users[0])
}
