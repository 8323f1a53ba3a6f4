package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MinMajor is the oldest major version of PostgreSQL that FindServer accepts.
const MinMajor = 15

// ErrNoBinaries is wrapped by the error of FindServer and FindClient when this machine has no usable PostgreSQL.
var ErrNoBinaries = errors.New("no PostgreSQL on this machine")

// serverPrograms are what a private cluster needs; they must lie in one folder, so that versions never mix.
var serverPrograms = []string{"postgres", "initdb", "pg_ctl"}

// binDirs are where packages put the server's programs when they do not put them in PATH.
var binDirs = []string{
	"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                                   // PostgreSQL's own RPMs
	"/usr/libexec/postgresql*",                           // Alpine
	"/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew on Apple silicon
	"/usr/local/opt/postgresql@*/bin",                    // Homebrew on Intel
	"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
}

// installHint ends every message about missing programs.
const installHint = `install it:
  Debian, Ubuntu   apt-get install postgresql
  Fedora           dnf install postgresql-server
  macOS            brew install postgresql@17
or set DATABASE_URL to a PostgreSQL that runs elsewhere`

// FindServer returns the folder that holds postgres, initdb and pg_ctl of one PostgreSQL of the major version, or of any from MinMajor on when
// major is 0. It looks in PATH, then in the folders where packages put them (newest version first), then asks pg_config.
// The error wraps ErrNoBinaries and says what was searched and what to install.
func FindServer(major int) (bin string, err error) {
	bin, _, err = defaultFinder().server(major)
	return bin, err
}

// FindClient returns the path of a program like psql or pg_dump: from PATH, else from the folders that FindServer searches.
// The error wraps ErrNoBinaries.
func FindClient(program string) (string, error) {
	return defaultFinder().client(program)
}

// finder says where to look; tests hand in their own.
type finder struct {
	path  string // folders as in $PATH
	globs []string
}

func defaultFinder() finder { return finder{path: os.Getenv("PATH"), globs: binDirs} }

// server finds the programs of the wanted major version, or of any from MinMajor on when want is 0.
func (s finder) server(want int) (bin string, major int, err error) {
	var refused []string
	for _, dir := range s.dirs() {
		if !hasPrograms(dir, serverPrograms...) {
			continue
		}
		major, err := majorVersion(filepath.Join(dir, "postgres"))
		switch {
		case err != nil:
			refused = append(refused, fmt.Sprintf("%s: %v", dir, err))
		case want != 0 && major != want:
			refused = append(refused, fmt.Sprintf("%s: version %d, but the data here was made by version %d", dir, major, want))
		case major < MinMajor:
			refused = append(refused, fmt.Sprintf("%s: version %d is too old, at least %d is needed", dir, major, MinMajor))
		default:
			return dir, major, nil
		}
	}
	return "", 0, s.notFound(strings.Join(serverPrograms, ", "), refused)
}

func (s finder) client(program string) (string, error) {
	for _, dir := range s.dirs() {
		if hasPrograms(dir, program) {
			return filepath.Join(dir, program), nil
		}
	}
	return "", s.notFound(program, nil)
}

// notFound is the message for the person who has to repair it.
func (s finder) notFound(what string, refused []string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "looked for %s in\n  PATH (%s)\n  %s\n  the folder that pg_config names\n",
		what, s.path, strings.Join(s.globs, "\n  "))
	for _, r := range refused {
		fmt.Fprintf(&b, "not usable: %s\n", r)
	}
	return fmt.Errorf("%w: %s%s", ErrNoBinaries, b.String(), installHint)
}

// dirs lists the candidates in order of preference.
func (s finder) dirs() []string {
	var dirs []string
	for _, dir := range filepath.SplitList(s.path) {
		if filepath.IsAbs(dir) { // "." in PATH must not decide which database server runs
			dirs = append(dirs, dir)
		}
	}
	inPath := dirs

	var installed []string
	for _, glob := range s.globs {
		found, _ := filepath.Glob(glob) // the only error is a bad pattern, and the patterns are constants
		installed = append(installed, found...)
	}
	slices.SortStableFunc(installed, func(a, b string) int { return lastInteger(b) - lastInteger(a) })
	dirs = append(dirs, installed...)

	for _, dir := range inPath {
		if !hasPrograms(dir, "pg_config") {
			continue
		}
		if out, err := output(filepath.Join(dir, "pg_config"), "--bindir"); err == nil {
			dirs = append(dirs, out)
		}
		break
	}
	return dirs
}

var digits = regexp.MustCompile(`\d+`)

// lastInteger is the version in a folder's name (9 in /usr/lib/postgresql/9/bin), compared as a number: 17 comes after 9.
func lastInteger(path string) int {
	all := digits.FindAllString(path, -1)
	if len(all) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(all[len(all)-1])
	return n
}

// hasPrograms reports whether dir has every one of the programs, executable.
func hasPrograms(dir string, programs ...string) bool {
	for _, p := range programs {
		info, err := os.Stat(filepath.Join(dir, p))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}

// majorVersion asks a postgres program for its major version: "postgres (PostgreSQL) 15.18 (Debian …)" is 15.
func majorVersion(postgres string) (int, error) {
	out, err := output(postgres, "--version")
	if err != nil {
		return 0, err
	}
	_, version, _ := strings.Cut(out, ") ")
	major, err := strconv.Atoi(digits.FindString(version))
	if err != nil {
		return 0, fmt.Errorf("cannot read a version from %q", out)
	}
	return major, nil
}

// output runs a program that answers at once and returns its trimmed output.
func output(program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, args...).Output()
	return strings.TrimSpace(string(out)), err
}
