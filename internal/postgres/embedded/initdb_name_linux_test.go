package embedded_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/postgres/embedded"
)

// namelessID is a user and group ID that has no name on any usual system.
const namelessID = 54321

// TestStart_userWithoutName starts clusters as a user ID that no passwd file contains.
func TestStart_userWithoutName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		nameSource string
		starts     bool
	}{
		{"namespace", true},
		{"library", embedded.WrapperLibrary() != ""},
		{"none", false}, // the control: initdb really lacks a name
	} {
		t.Run(c.nameSource, func(t *testing.T) {
			t.Parallel()
			dir := pgtest.StateDir(t)
			helper := namelessHelper(t, dir, c.nameSource)
			line := startHelper(t, helper)
			if !c.starts {
				want := "needs a name for user ID 54321, and this system has none: install libnss-wrapper"
				if !strings.Contains(line, want) {
					t.Errorf("got %q, want an error that contains %q", line, want)
				}
				return
			}
			url, ok := strings.CutPrefix(strings.TrimSpace(line), "started ")
			if !ok {
				t.Fatal(line)
			}
			pgtest.WantValue(t, url, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7); SELECT n FROM kept", "7")
			checkOwner(t, dir)
			helper.Process.Kill()
			helper.Wait()

			if os.Geteuid() != 0 {
				return // helpers in two namespaces cannot look at each other's processes
			}
			// The next process replaces the orphaned server and keeps the data.
			helper = namelessHelper(t, dir, "none")
			if line := startHelper(t, helper); !strings.HasPrefix(line, "started ") {
				t.Fatal(line)
			}
			pgtest.WantValue(t, url, "SELECT n FROM kept", "7")
		})
	}
}

// namelessHelper returns a command that runs a cluster in dir as namelessID. Its server is killed when the test ends.
func namelessHelper(t *testing.T, dir, nameSource string) *exec.Cmd {
	t.Helper()
	helper := exec.Command(copyTestBinary(t))
	helper.Env = append(os.Environ(), helperDir+"="+dir, helperNameSource+"="+nameSource)
	if os.Geteuid() == 0 {
		helper.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: namelessID, Gid: namelessID}}
		if err := os.Chown(dir, namelessID, namelessID); err != nil {
			t.Fatal(err)
		}
	} else {
		helper.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: namelessID, HostID: os.Geteuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: namelessID, HostID: os.Getegid(), Size: 1}},
		}
	}
	t.Cleanup(func() {
		if helper.Process != nil && helper.ProcessState == nil {
			helper.Process.Kill()
			helper.Wait()
		}
		data := filepath.Join(dir, "postgres", "data")
		if _, err := os.Stat(filepath.Join(data, "postmaster.pid")); err != nil {
			return
		}
		pid := pgtest.PostmasterPID(t, data)
		syscall.Kill(pid, syscall.SIGQUIT)
		pgtest.WaitFor(t, "the server to end", func() bool { return !isAlive(pid) })
	})
	return helper
}

// copyTestBinary copies this test binary to a directory that every user can enter.
func copyTestBinary(t *testing.T) string {
	t.Helper()
	from, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	path := filepath.Join(pgtest.StateDir(t), "test")
	syscall.ForkLock.RLock() // a process that starts meanwhile would keep the copy open, and Linux would not run it
	defer syscall.ForkLock.RUnlock()
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// checkOwner checks that the user ID outside of all namespaces owns the data, if the tests run as root.
func checkOwner(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"postgres/data", "postgres/data/base", "postgres/data/PG_VERSION"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		owner := info.Sys().(*syscall.Stat_t)
		if os.Geteuid() == 0 && (owner.Uid != namelessID || owner.Gid != namelessID) {
			t.Errorf("%s belongs to %d:%d, want %d", name, owner.Uid, owner.Gid, namelessID)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "postgres", "initdb-*")); len(left) > 0 {
		t.Error("initdb left", left)
	}
}
