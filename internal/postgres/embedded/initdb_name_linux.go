package embedded

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// setNamespace makes cmd run in a user namespace in which its user ID is that of a user with a name. Files keep their
// real owner. It reports false when /etc/passwd names no user but root.
func setNamespace(cmd *exec.Cmd, _ string, u osUser) bool {
	named := namedUser("/etc/passwd")
	if named == 0 {
		return false
	}
	cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
	cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: named, HostID: u.uid, Size: 1}}
	cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: u.gid, HostID: u.gid, Size: 1}}
	return true
}

// namedUser returns the ID of the first user in the passwd file that is not root, or 0 when there is none.
func namedUser(passwd string) int {
	f, err := os.Open(passwd)
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) < 3 || fields[0] == "" {
			continue
		}
		if uid, err := strconv.Atoi(fields[2]); err == nil && uid > 0 {
			return uid
		}
	}
	return 0
}
