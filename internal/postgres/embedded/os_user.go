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

// osUser is the user that Postgres's programs run as: ourselves, or as root an unprivileged one, since Postgres refuses root.
type osUser struct {
	name     string
	uid, gid int
	setuid   bool // we are root and must step down
}

// candidates lists the users Postgres may run as, the preferred one first.
func candidates() ([]osUser, error) {
	if uid := os.Geteuid(); uid != 0 {
		return []osUser{{name: userName(uid), uid: uid, gid: os.Getegid()}}, nil
	}
	var all []osUser
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2); err != nil || uid <= 0 {
			continue
		}
		all = append(all, osUser{name: name, uid: uid, gid: gid, setuid: true})
	}
	if len(all) == 0 {
		return nil, errors.New("PostgreSQL does not run as root, and this machine has neither a user postgres nor a user nobody: " +
			"start labledger as an ordinary user, or set DATABASE_URL")
	}
	return all, nil
}

// chooseUser returns the user for the data in dir: its owner when dir is there already, else the preferred one.
func chooseUser(dir string) (osUser, error) {
	all, err := candidates()
	if err != nil {
		return osUser{}, err
	}
	owner, err := ownerOf(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return all[0], nil
	}
	if err != nil {
		return osUser{}, err
	}
	for _, a := range all {
		if a.uid == owner {
			return a, nil
		}
	}
	return osUser{}, errWrongOwner(dir, owner, all[0])
}

// errWrongOwner is the message for a state directory that another user made.
func errWrongOwner(path string, owner int, as osUser) error {
	us := userName(os.Geteuid())
	if as.setuid {
		us += ", its Postgres as " + as.name
	}
	message := fmt.Sprintf("%s belongs to %s, but labledger runs as %s: run it as %[2]s, or use another state directory", path, userName(owner), us)
	// Only for folders that labledger made: a mistyped state directory must not lead to chown -R /usr.
	if exists(filepath.Join(path, "lock")) || filepath.Base(path) == "postgres" {
		message += fmt.Sprintf(", or hand the files over while nothing runs (chown -R %s %s)", as.name, path)
	}
	return errors.New(message)
}

// command prepares a program of Postgres to run as the account, in dir.
func (a osUser) command(ctx context.Context, dir, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	// Our own working directory may be closed to the account, and a program that cannot say where it is fails.
	cmd.Dir = dir
	// None of our environment: PGDATA, PGOPTIONS or a locale that is not installed would change what runs. C keeps messages in English.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "HOME=" + dir}
	// A group of its own, so that Ctrl-C in the terminal reaches us alone and we stop Postgres after draining.
	// Pdeathsig would not do instead: the kernel sends it when the *thread* that forked ends, and Go ends threads at will.
	// A postmaster that outlives us is found and stopped at the next start.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if a.setuid {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// canAccess tries whether the account can reach dir: a closed folder anywhere above it is enough to say no.
func (a osUser) canAccess(dir string) bool {
	return a.command(context.Background(), dir, "true").Run() == nil
}

// chown hands a file or folder to the account; a no-op unless we are root.
func (a osUser) chown(path string) error {
	if !a.setuid {
		return nil
	}
	return os.Lchown(path, a.uid, a.gid)
}

// mkdir makes a folder that only the account (and root) can enter; one that is there stays.
func (a osUser) mkdir(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	return errors.Join(os.Chmod(path, 0o700), a.chown(path))
}

func ownerOf(path string) (uid int, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return int(info.Sys().(*syscall.Stat_t).Uid), nil
}

// userName is the name of a user id, or "uid 1234" when it has none.
func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return "uid " + strconv.Itoa(uid)
}
