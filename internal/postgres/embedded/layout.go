//go:build unix

package embedded

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"labledger/internal/durable"
)

// A layout knows the paths of an embedded Postgres. The state directory contains:
//
//	lock           locked by the live process; contains its PID
//	url            the URL of the running server, for psql and StartOrAttach
//	postgres.path  the path of the root, only when that is outside of the state directory
//	postgres/      the root, unless postgres.path names another
//
// The root contains data, postgres.log, run (the socket) and a lock of its own.
type layout struct {
	stateDir string // absolute
	root     string
}

func (l layout) lockFile() string     { return filepath.Join(l.stateDir, "lock") }
func (l layout) urlFile() string      { return filepath.Join(l.stateDir, "url") }
func (l layout) redirectFile() string { return filepath.Join(l.stateDir, "postgres.path") }
func (l layout) defaultRoot() string  { return filepath.Join(l.stateDir, "postgres") }
func (l layout) rootLockFile() string { return filepath.Join(l.root, "lock") }
func (l layout) dataDir() string      { return filepath.Join(l.root, "data") }
func (l layout) logFile() string      { return filepath.Join(l.root, "postgres.log") }
func (l layout) pidFile() string      { return filepath.Join(l.dataDir(), "postmaster.pid") }

// initializedFile is created by MarkInitialized. It is in the data directory so that both are deleted together.
func (l layout) initializedFile() string { return filepath.Join(l.dataDir(), "labledger.ready") }

// fallbackParent is the parent of roots whose state directory the user of Postgres cannot enter.
const fallbackParent = "/var/lib/labledger"

// fallbackRoot returns the root for a state directory that the user of Postgres cannot enter.
func (l layout) fallbackRoot() string {
	return filepath.Join(fallbackParent, fmt.Sprintf("%x", sha256.Sum256([]byte(l.stateDir)))[:12])
}

// openLayout returns the layout of stateDir. It creates nothing.
func openLayout(stateDir string) (layout, error) {
	abs, err := filepath.Abs(stateDir)
	if err != nil {
		return layout{}, err
	}
	l := layout{stateDir: abs}
	l.root = l.defaultRoot()
	b, err := os.ReadFile(l.redirectFile())
	switch {
	case err == nil:
		// A redirect to a deleted directory is ignored: the operator deleted the data to start with an empty database.
		if root := strings.TrimSpace(string(b)); exists(root) {
			l.root = root
		}
	case !errors.Is(err, fs.ErrNotExist):
		return layout{}, wrapPermission(l.stateDir, err)
	}
	return l, nil
}

// resolve creates the root when it does not exist, and returns the user that owns it. It moves a new root to
// fallbackRoot when that user cannot enter the state directory.
func (l *layout) resolve(log *slog.Logger) (osUser, error) {
	user, err := chooseUser(l.root)
	if err != nil {
		return user, wrapPermission(l.stateDir, err)
	}
	isNew := !exists(l.root)
	if err := user.mkdir(l.root); err != nil {
		return user, wrapPermission(l.stateDir, err)
	}
	if user.canAccess(l.root) {
		return user, nil
	}
	if !isNew {
		return user, fmt.Errorf("user %s, which runs Postgres, can no longer access the data in %s: "+
			"permit it to enter all parent directories (chmod o+x)", user.name, l.root)
	}
	// For instance a clone in /root. A temporary directory would not be durable.
	if err := os.Remove(l.root); err != nil {
		return user, err
	}
	l.root = l.fallbackRoot()
	if exists(l.dataDir()) {
		log.Warn("using the existing database of this state directory; delete its directory to start with an empty one",
			"dir", l.root)
	}
	if err := os.MkdirAll(fallbackParent, 0o755); err != nil {
		return user, err
	}
	if user, err = chooseUser(l.root); err != nil {
		return user, err
	}
	if err := user.mkdir(l.root); err != nil {
		return user, err
	}
	if !user.canAccess(l.root) {
		return user, fmt.Errorf("user %s, which runs Postgres, can access neither %s nor %s: "+
			"use another state directory, or set DATABASE_URL", user.name, l.defaultRoot(), l.root)
	}
	log.Info("storing the database outside of the state directory, which the user of Postgres cannot enter",
		"user", user.name, "dir", l.root)
	return user, l.writeRedirect()
}

// writeRedirect records where the root is. It is durable, because the data would otherwise seem to be lost.
func (l layout) writeRedirect() error {
	tmp, err := os.CreateTemp(l.stateDir, filepath.Base(l.redirectFile())+".part-*")
	if err != nil {
		return err
	}
	_, err = tmp.WriteString(l.root + "\n")
	err = errors.Join(err, tmp.Chmod(0o644))
	if err == nil {
		err = durable.Replace(tmp, l.redirectFile())
	}
	if err != nil {
		_ = tmp.Close()
		_ = os.Remove(tmp.Name())
	}
	return err
}

// maxSocketPath is the maximum length of a Unix socket's path in bytes. Linux permits 107, macOS 103.
const maxSocketPath = 103

// tempSocketPrefix marks socket directories of labledger in the temporary directory.
const tempSocketPrefix = "labledger-"

// makeSocketDir creates the directory of the socket: in the root, or in the temporary directory when that path is too
// long. Only user and the root user can enter it. These permissions protect the database, which requires no password.
func (l layout) makeSocketDir(user osUser) (string, error) {
	// A killed server leaves its socket's lock file. If the PID in it is in use again, Postgres would refuse to start.
	l.removeSocketDir()
	dir := filepath.Join(l.root, "run")
	if fitsSocketPath(dir) {
		return dir, user.mkdir(dir)
	}
	for _, temp := range tempDirs() {
		if !fitsSocketPath(filepath.Join(temp, tempSocketPrefix+"0123456789")) {
			continue
		}
		dir, err := os.MkdirTemp(temp, tempSocketPrefix)
		if err != nil {
			return "", err
		}
		if err := user.mkdir(dir); err != nil {
			return "", err
		}
		if user.canAccess(dir) {
			return dir, nil
		}
		os.Remove(dir)
	}
	return "", fmt.Errorf("the path %s is too long for a Unix socket, and the temporary directory cannot hold it either: "+
		"use a shorter state directory", l.root)
}

// tempDirs lists the temporary directories to try. The one of the environment may be too long or inaccessible.
func tempDirs() []string { return []string{filepath.Clean(os.TempDir()), "/tmp"} }

// fitsSocketPath reports whether the path of a socket in dir is short enough.
func fitsSocketPath(dir string) bool {
	return len(filepath.Join(dir, ".s.PGSQL.5432")) <= maxSocketPath
}

// removeSocketDir deletes the socket's directory and the file with its URL.
func (l layout) removeSocketDir() {
	if b, err := os.ReadFile(l.urlFile()); err == nil {
		dir := socketDirOf(strings.TrimSpace(string(b)))
		// The file might contain any path: only a directory that makeSocketDir could have created is deleted.
		if strings.HasPrefix(filepath.Base(dir), tempSocketPrefix) && slices.Contains(tempDirs(), filepath.Dir(dir)) {
			os.RemoveAll(dir)
		}
	}
	os.RemoveAll(filepath.Join(l.root, "run"))
	os.Remove(l.urlFile())
}

// socketURL returns the URL of a database behind the socket in dir, in a form that both pgx and libpq accept.
func socketURL(dir, user, database string) string {
	// libpq does not decode + as a space. Slashes are valid unescaped and keep the URL readable.
	host := strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(dir))
	return "postgres://" + user + "@/" + database + "?host=" + host + "&port=5432"
}

// socketDirOf returns the directory in a socketURL, or "".
func socketDirOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return u.Query().Get("host")
}

// exists reports whether os.Stat succeeds for path.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
