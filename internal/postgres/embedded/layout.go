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
	state string // absolute
	place string
}

func (l layout) lock() string    { return filepath.Join(l.state, "lock") }
func (l layout) url() string     { return filepath.Join(l.state, "url") }
func (l layout) pointer() string { return filepath.Join(l.state, "postgres.path") }
func (l layout) inside() string  { return filepath.Join(l.state, "postgres") }
func (l layout) data() string    { return filepath.Join(l.place, "data") }
func (l layout) log() string     { return filepath.Join(l.place, "postgres.log") }
func (l layout) pidFile() string { return filepath.Join(l.data(), "postmaster.pid") }

// ready is the mark of MarkInitialized. It lies in the data, so that it lives and dies with them.
func (l layout) ready() string { return filepath.Join(l.data(), "labledger.ready") }

// elsewhere is the parent of places whose state directory the unprivileged user cannot enter.
const elsewhere = "/var/lib/labledger"

// away is the durable place for a state directory that cannot hold the data itself.
func (l layout) away() string {
	return filepath.Join(elsewhere, fmt.Sprintf("%x", sha256.Sum256([]byte(l.state)))[:12])
}

// openLayout reads where things of stateDir lie, without creating anything.
func openLayout(stateDir string) (layout, error) {
	abs, err := filepath.Abs(stateDir)
	if err != nil {
		return layout{}, err
	}
	l := layout{state: abs}
	l.place = l.inside()
	b, err := os.ReadFile(l.pointer())
	switch {
	case err == nil:
		// A pointer to a place that was deleted: the owner wants to start afresh.
		if place := strings.TrimSpace(string(b)); exists(place) {
			l.place = place
		}
	case !errors.Is(err, fs.ErrNotExist):
		return layout{}, explain(l.state, err)
	}
	return l, nil
}

// settle chooses the place if there is none yet, makes it, and returns the account that owns it.
func (l *layout) settle(log *slog.Logger) (account, error) {
	as, err := pickAccount(l.place)
	if err != nil {
		return as, explain(l.state, err)
	}
	fresh := !exists(l.place)
	if err := as.mkdir(l.place); err != nil {
		return as, explain(l.state, err)
	}
	if as.canEnter(l.place) {
		return as, nil
	}
	if !fresh {
		return as, fmt.Errorf("user %s, who runs Postgres, can no longer reach the data in %s: let it pass every folder above (chmod o+x)",
			as.name, l.place)
	}
	// A clone in /root, say. The data must still be safe for good, so not in a temporary folder.
	if err := os.Remove(l.place); err != nil {
		return as, err
	}
	l.place = l.away()
	if exists(l.data()) {
		log.Warn("found the database of an earlier labledger for this state directory; delete the folder to start afresh", "dir", l.place)
	}
	if err := os.MkdirAll(elsewhere, 0o755); err != nil {
		return as, err
	}
	if as, err = pickAccount(l.place); err != nil {
		return as, err
	}
	if err := as.mkdir(l.place); err != nil {
		return as, err
	}
	if !as.canEnter(l.place) {
		return as, fmt.Errorf("user %s, who runs Postgres, can reach neither %s nor %s: use another state directory, or set DATABASE_URL",
			as.name, l.inside(), l.place)
	}
	log.Info("the database lies outside of the state directory, which its user cannot enter", "user", as.name, "dir", l.place)
	return as, os.WriteFile(l.pointer(), []byte(l.place+"\n"), 0o644)
}

// maxSocketPath is the longest name of a Unix socket, in bytes: 107 on Linux, 103 on macOS; the smaller one for both.
const maxSocketPath = 103

// tempSocketPrefix marks socket folders in the temporary folder as ours.
const tempSocketPrefix = "labledger-"

// socketDir makes the folder for the socket: in the place, or when that path is too long, in the temporary folder.
// Only the account and root can enter it; that, and no password, is what guards the database.
func (l layout) socketDir(as account) (string, error) {
	l.dropSocketDir() // of a run that was killed: a socket's lock file with a reused pid would stop Postgres
	dir := filepath.Join(l.place, "run")
	if fits(dir) {
		return dir, as.mkdir(dir)
	}
	for _, temp := range tempDirs() {
		if !fits(filepath.Join(temp, tempSocketPrefix+"0123456789")) {
			continue
		}
		dir, err := os.MkdirTemp(temp, tempSocketPrefix)
		if err != nil {
			return "", err
		}
		if err := as.mkdir(dir); err != nil {
			return "", err
		}
		if as.canEnter(dir) {
			return dir, nil
		}
		os.Remove(dir)
	}
	return "", fmt.Errorf("%s is too long a path for a Unix socket, and the temporary folder cannot hold it either: use a shorter state directory", l.place)
}

// tempDirs are the temporary folders to try; that of the environment may itself be too long or closed.
func tempDirs() []string { return []string{filepath.Clean(os.TempDir()), "/tmp"} }

func fits(dir string) bool { return len(filepath.Join(dir, ".s.PGSQL.5432")) <= maxSocketPath }

// dropSocketDir forgets the socket: the folder and the url file that names it.
func (l layout) dropSocketDir() {
	if b, err := os.ReadFile(l.url()); err == nil {
		dir := socketOf(strings.TrimSpace(string(b)))
		// Only what socketDir itself makes is deleted, whatever the file says.
		if strings.HasPrefix(filepath.Base(dir), tempSocketPrefix) && slices.Contains(tempDirs(), filepath.Dir(dir)) {
			os.RemoveAll(dir)
		}
	}
	os.RemoveAll(filepath.Join(l.place, "run"))
	os.Remove(l.url())
}

// socketURL is the URL of a database behind the socket in dir, for pgx and psql alike.
func socketURL(dir, user, database string) string {
	// libpq does not read + as a space; the slashes may stay, and the URL stays readable.
	host := strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(dir))
	return "postgres://" + user + "@/" + database + "?host=" + host + "&port=5432"
}

// socketOf is the folder in a socketURL, "" if it has none.
func socketOf(rawURL string) string {
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
