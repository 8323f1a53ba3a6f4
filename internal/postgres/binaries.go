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

	"labledger/internal/postgres/download"
)

// MinMajor is the oldest major version of PostgreSQL that FindServer accepts.
const MinMajor = 15

// ErrNoBinaries is wrapped by the errors of FindServer and FindClient when this machine has no usable programs.
var ErrNoBinaries = errors.New("programs of PostgreSQL are missing")

// serverPrograms are the programs that run a server. They must be in one directory, so that versions never mix.
var serverPrograms = []string{"postgres", "initdb", "pg_ctl"}

// binDirs are the directories, outside of PATH, where packages install the server programs.
var binDirs = []string{
	"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                                   // RPMs of the PostgreSQL project
	"/usr/libexec/postgresql*",                           // Alpine
	"/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew on Apple silicon
	"/usr/local/opt/postgresql@*/bin",                    // Homebrew on Intel
	"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
}

// installServerHint ends the message about missing server programs.
const installServerHint = `install it:
  Debian, Ubuntu   apt-get install postgresql
  Fedora           dnf install postgresql-server
  macOS            brew install postgresql@17
or set DATABASE_URL to an existing PostgreSQL server`

// installClientHint returns the end of the message about missing client programs.
func installClientHint(minMajor int) string {
	debian, brew := "", "@17"
	if minMajor > 0 {
		debian = fmt.Sprintf("-%d", minMajor)
		brew = fmt.Sprintf("@%d", max(minMajor, 17))
	}
	return `install it:
  Debian, Ubuntu   apt-get install postgresql-client` + debian + `
  Fedora           dnf install postgresql
  macOS            brew install postgresql` + brew + `
https://www.postgresql.org/download has the versions that a distribution lacks`
}

// FindServer returns a directory with postgres, initdb and pg_ctl of the given major version, or of any version from
// MinMajor on when major is 0. It searches PATH, then the usual directories of packages (newest version first), then
// the directory that pg_config reports, then earlier downloads. The error wraps ErrNoBinaries and lists what was searched
// and what to install.
func FindServer(major int) (binDir string, err error) { return defaultFinder().server(major) }

// FindClient returns the path of a client program such as psql or pg_dump, of the major version minMajor or a newer one
// (0: any). It searches the same directories as FindServer. The error wraps ErrNoBinaries.
func FindClient(program string, minMajor int) (string, error) {
	return defaultFinder().client(program, minMajor)
}

// A finder searches directories for programs.
type finder struct {
	path       string   // a list of directories, as in $PATH
	globs      []string // patterns of further directories
	downloaded []string // the directories to search last, so that installed programs win
}

func defaultFinder() finder {
	return finder{path: os.Getenv("PATH"), globs: binDirs, downloaded: download.Cached()}
}

func (f finder) server(wantMajor int) (binDir string, err error) {
	var rejected []string
	for _, dir := range f.dirs() {
		if !hasPrograms(dir, serverPrograms...) {
			continue
		}
		major, err := MajorVersion(filepath.Join(dir, "postgres"))
		switch {
		case err != nil:
			rejected = append(rejected, fmt.Sprintf("%s: %v", dir, err))
		case wantMajor != 0 && major != wantMajor:
			rejected = append(rejected, fmt.Sprintf("%s: version %d cannot read data of version %d", dir, major, wantMajor))
		case major < MinMajor:
			rejected = append(rejected, fmt.Sprintf("%s: version %d is too old, the minimum is %d", dir, major, MinMajor))
		default:
			return dir, nil
		}
	}
	return "", f.notFound(strings.Join(serverPrograms, ", "), rejected, installServerHint)
}

func (f finder) client(program string, minMajor int) (string, error) {
	var rejected []string
	for _, dir := range f.dirs() {
		if !hasPrograms(dir, program) {
			continue
		}
		path := filepath.Join(dir, program)
		if minMajor == 0 {
			return path, nil
		}
		major, err := MajorVersion(path)
		switch {
		case err != nil:
			rejected = append(rejected, fmt.Sprintf("%s: %v", path, err))
		case major < minMajor:
			reason := fmt.Sprintf("%s: version %d is older than the server's version %d", path, major, minMajor)
			rejected = append(rejected, reason)
		default:
			return path, nil
		}
	}
	if minMajor > 0 {
		program += fmt.Sprintf(" %d or newer", minMajor)
	}
	return "", f.notFound(program, rejected, installClientHint(minMajor))
}

// notFound lists the searched directories, the rejected versions and the commands that install the programs.
func (f finder) notFound(programs string, rejected []string, hint string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "searched for %s in\n  PATH (%s)\n  %s\n  the directory that pg_config reports\n",
		programs, f.path, strings.Join(f.globs, "\n  "))
	for _, r := range rejected {
		fmt.Fprintf(&b, "not usable: %s\n", r)
	}
	return fmt.Errorf("%w: %s%s", ErrNoBinaries, b.String(), hint)
}

// dirs lists the directories to search, in order of preference.
func (f finder) dirs() []string {
	var dirs []string
	for _, dir := range filepath.SplitList(f.path) {
		if filepath.IsAbs(dir) { // with "." in PATH, the working directory must not decide which server runs
			dirs = append(dirs, dir)
		}
	}
	inPath := dirs

	var installed []string
	for _, glob := range f.globs {
		matches, _ := filepath.Glob(glob) // fails only for a malformed pattern, and the patterns are constants
		installed = append(installed, matches...)
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
	return append(dirs, f.downloaded...)
}

var digits = regexp.MustCompile(`\d+`)

// lastInteger returns the version in a path, such as 9 in /usr/lib/postgresql/9/bin, so that 17 sorts above 9.
func lastInteger(path string) int {
	all := digits.FindAllString(path, -1)
	if len(all) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(all[len(all)-1])
	return n
}

// hasPrograms reports whether dir contains all programs as executable files.
func hasPrograms(dir string, programs ...string) bool {
	for _, program := range programs {
		info, err := os.Stat(filepath.Join(dir, program))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}

// MajorVersion returns the version that a program of PostgreSQL prints: 15 for "postgres (PostgreSQL) 15.18 (Debian …)".
func MajorVersion(program string) (int, error) {
	out, err := output(program, "--version")
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

// output runs a program for at most 10 seconds and returns its trimmed standard output.
func output(program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, args...).Output()
	return strings.TrimSpace(string(out)), err
}
