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
)

// What lies where. In the state directory:
//
//	lock           held by the live process; holds its pid
//	url            the URL of the running Postgres, for psql and for Use
//	postgres.path  only when the data lies elsewhere: says where
//	postgres/      the place, unless it lies elsewhere
//
// and in the place: data, postgres.log, run (the socket).
type layout struct {
	stateDir string // absolute
	root     string
}

func (l layout) lockFile() string     { return filepath.Join(l.stateDir, "lock") }
func (l layout) urlFile() string      { return filepath.Join(l.stateDir, "url") }
func (l layout) redirectFile() string { return filepath.Join(l.stateDir, "postgres.path") }
func (l layout) defaultRoot() string  { return filepath.Join(l.stateDir, "postgres") }
func (l layout) dataDir() string      { return filepath.Join(l.root, "data") }
func (l layout) logFile() string      { return filepath.Join(l.root, "postgres.log") }
func (l layout) pidFile() string      { return filepath.Join(l.dataDir(), "postmaster.pid") }

// initializedFile is the mark of MarkInitialized. It lies in the data, so that it lives and dies with them.
func (l layout) initializedFile() string { return filepath.Join(l.dataDir(), "labledger.ready") }

// fallbackParent is the parent of places whose state directory the unprivileged user cannot enter.
const fallbackParent = "/var/lib/labledger"

// fallbackRoot is the durable place for a state directory that cannot hold the data itself.
func (l layout) fallbackRoot() string {
	return filepath.Join(fallbackParent, fmt.Sprintf("%x", sha256.Sum256([]byte(l.stateDir)))[:12])
}

// openLayout reads where things of stateDir lie, without creating anything.
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
		// A pointer to a place that was deleted: the owner wants to start afresh.
		if place := strings.TrimSpace(string(b)); exists(place) {
			l.root = place
		}
	case !errors.Is(err, fs.ErrNotExist):
		return layout{}, wrapPermission(l.stateDir, err)
	}
	return l, nil
}

// resolve chooses the place if there is none yet, makes it, and returns the account that owns it.
func (l *layout) resolve(log *slog.Logger) (osUser, error) {
	as, err := chooseUser(l.root)
	if err != nil {
		return as, wrapPermission(l.stateDir, err)
	}
	fresh := !exists(l.root)
	if err := as.mkdir(l.root); err != nil {
		return as, wrapPermission(l.stateDir, err)
	}
	if as.canAccess(l.root) {
		return as, nil
	}
	if !fresh {
		return as, fmt.Errorf("user %s, who runs Postgres, can no longer reach the data in %s: let it pass every folder above (chmod o+x)",
			as.name, l.root)
	}
	// A clone in /root, say. The data must still be safe for good, so not in a temporary folder.
	if err := os.Remove(l.root); err != nil {
		return as, err
	}
	l.root = l.fallbackRoot()
	if exists(l.dataDir()) {
		log.Warn("found the database of an earlier labledger for this state directory; delete the folder to start afresh", "dir", l.root)
	}
	if err := os.MkdirAll(fallbackParent, 0o755); err != nil {
		return as, err
	}
	if as, err = chooseUser(l.root); err != nil {
		return as, err
	}
	if err := as.mkdir(l.root); err != nil {
		return as, err
	}
	if !as.canAccess(l.root) {
		return as, fmt.Errorf("user %s, who runs Postgres, can reach neither %s nor %s: use another state directory, or set DATABASE_URL",
			as.name, l.defaultRoot(), l.root)
	}
	log.Info("the database lies outside of the state directory, which its user cannot enter", "user", as.name, "dir", l.root)
	return as, os.WriteFile(l.redirectFile(), []byte(l.root+"\n"), 0o644)
}

// maxSocketPath is the longest name of a Unix socket, in bytes: 107 on Linux, 103 on macOS; the smaller one for both.
const maxSocketPath = 103

// tempSocketPrefix marks socket folders in the temporary folder as ours.
const tempSocketPrefix = "labledger-"

// makeSocketDir makes the folder for the socket: in the place, or when that path is too long, in the temporary folder.
// Only the account and root can enter it; that, and no password, is what guards the database.
func (l layout) makeSocketDir(as osUser) (string, error) {
	l.removeSocketDir() // of a run that was killed: a socket's lock file with a reused pid would stop Postgres
	dir := filepath.Join(l.root, "run")
	if fitsSocketPath(dir) {
		return dir, as.mkdir(dir)
	}
	for _, temp := range tempDirs() {
		if !fitsSocketPath(filepath.Join(temp, tempSocketPrefix+"0123456789")) {
			continue
		}
		dir, err := os.MkdirTemp(temp, tempSocketPrefix)
		if err != nil {
			return "", err
		}
		if err := as.mkdir(dir); err != nil {
			return "", err
		}
		if as.canAccess(dir) {
			return dir, nil
		}
		os.Remove(dir)
	}
	return "", fmt.Errorf("%s is too long a path for a Unix socket, and the temporary folder cannot hold it either: use a shorter state directory", l.root)
}

// tempDirs are the temporary folders to try; that of the environment may itself be too long or closed.
func tempDirs() []string { return []string{filepath.Clean(os.TempDir()), "/tmp"} }

func fitsSocketPath(dir string) bool {
	return len(filepath.Join(dir, ".s.PGSQL.5432")) <= maxSocketPath
}

// removeSocketDir forgets the socket: the folder and the url file that names it.
func (l layout) removeSocketDir() {
	if b, err := os.ReadFile(l.urlFile()); err == nil {
		dir := socketDirOf(strings.TrimSpace(string(b)))
		// Only what makeSocketDir itself makes is deleted, whatever the file says.
		if strings.HasPrefix(filepath.Base(dir), tempSocketPrefix) && slices.Contains(tempDirs(), filepath.Dir(dir)) {
			os.RemoveAll(dir)
		}
	}
	os.RemoveAll(filepath.Join(l.root, "run"))
	os.Remove(l.urlFile())
}

// socketURL is the URL of a database behind the socket in dir, for pgx and psql alike.
func socketURL(dir, user, database string) string {
	// libpq does not read + as a space; the slashes may stay, and the URL stays readable.
	host := strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(dir))
	return "postgres://" + user + "@/" + database + "?host=" + host + "&port=5432"
}

// socketDirOf is the folder in a socketURL, "" if it has none.
func socketDirOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return u.Query().Get("host")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
