//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// An osUser is the operating system user that runs PostgreSQL's programs: the current user, or an unprivileged one when
// Labledger runs as root, since Postgres refuses to run as root.
type osUser struct {
	name     string
	uid, gid int
	setuid   bool // the current user is root, so programs must be started as this user
}

// candidates lists the users that may run Postgres, the preferred one first.
func candidates() ([]osUser, error) {
	if uid := os.Geteuid(); uid != 0 {
		return []osUser{{name: userName(uid), uid: uid, gid: os.Getegid()}}, nil
	}
	var users []osUser
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if err := errors.Join(uidErr, gidErr); err != nil || uid <= 0 {
			continue
		}
		users = append(users, osUser{name: name, uid: uid, gid: gid, setuid: true})
	}
	if len(users) == 0 {
		return nil, errors.New("PostgreSQL does not run as root, and this machine has no user named postgres or nobody: " +
			"start labledger as an unprivileged user, or set DATABASE_URL")
	}
	return users, nil
}

// chooseUser returns the user for the data in dir: the owner of dir, or the preferred user when dir does not exist.
func chooseUser(dir string) (osUser, error) {
	users, err := candidates()
	if err != nil {
		return osUser{}, err
	}
	owner, err := ownerOf(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return users[0], nil
	}
	if err != nil {
		return osUser{}, err
	}
	for _, u := range users {
		if u.uid == owner {
			return u, nil
		}
	}
	return osUser{}, errWrongOwner(dir, owner, users[0])
}

// errWrongOwner returns an error for a path that belongs to another user than u.
func errWrongOwner(path string, owner int, u osUser) error {
	current := userName(os.Geteuid())
	if u.setuid {
		current += ", its Postgres as " + u.name
	}
	message := fmt.Sprintf("%s belongs to %s, but labledger runs as %s: run it as %[2]s, or use another state directory",
		path, userName(owner), current)
	// A mistyped state directory must not lead to chown -R /usr, so chown is suggested for labledger's directories only.
	if exists(filepath.Join(path, "lock")) || filepath.Base(path) == "postgres" {
		message += fmt.Sprintf(", or stop labledger and run chown -R %s %s", u.name, path)
	}
	return errors.New(message)
}

// command prepares a program to run as u in dir.
func (u osUser) command(ctx context.Context, dir, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	// The working directory of labledger may be inaccessible to u, and PostgreSQL's programs need an accessible one.
	cmd.Dir = dir
	// The environment is not inherited: PGDATA, PGOPTIONS or a missing locale would change what the program does.
	// LC_ALL=C keeps messages in English.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "HOME=" + dir}
	// With a process group of its own, Postgres does not receive Ctrl-C in the terminal: labledger first drains requests.
	// Pdeathsig is no substitute: the kernel sends it when the forking *thread* ends, and Go ends threads at any time.
	// The next start finds and stops a server that outlived its labledger.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if u.setuid {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(u.uid), Gid: uint32(u.gid)}
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// canAccess reports whether u can enter dir, which also depends on the permissions of all parent directories.
func (u osUser) canAccess(dir string) bool {
	return u.command(context.Background(), dir, "true").Run() == nil
}

// chown makes u the owner of path when labledger runs as root; otherwise it does nothing.
func (u osUser) chown(path string) error {
	if !u.setuid {
		return nil
	}
	return os.Lchown(path, u.uid, u.gid)
}

// mkdir creates a directory that only u and root can enter, or restricts an existing one.
func (u osUser) mkdir(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	return errors.Join(os.Chmod(path, 0o700), u.chown(path))
}

// ownerOf returns the user ID of the owner of path.
func ownerOf(path string) (uid int, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return int(info.Sys().(*syscall.Stat_t).Uid), nil
}

// userName returns the name of a user ID, or "uid 1234" when it has none.
func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return "uid " + strconv.Itoa(uid)
}
