//go:build unix

package embedded

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// superuser owns the private cluster; databaseName is the one database it serves.
const (
	superuser    = "labledger"
	databaseName = "labledger"
)

// majorVersion returns the major version whose initdb made the data, 0 when there are none yet.
func (l layout) majorVersion() (int, error) {
	if !exists(l.dataDir()) {
		return 0, nil
	}
	b, err := os.ReadFile(filepath.Join(l.dataDir(), "PG_VERSION"))
	if err != nil {
		return 0, fmt.Errorf("%s is not the data of a PostgreSQL: move it away and start again (%w)", l.dataDir(), err)
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}

// initdb makes new data. It works in a folder of another name and renames at the end, so that data either is whole or is not there;
// what an interrupted run left is wiped. Each run has its own name: an initdb that outlived its labledger may still be writing.
func initdb(ctx context.Context, l layout, as osUser, bin string, disposable bool) error {
	old, err := filepath.Glob(filepath.Join(l.root, "initdb-*"))
	if err != nil {
		return err
	}
	for _, dir := range old {
		os.RemoveAll(dir)
	}

	// Checksums from day one: pg_rewind needs them, and they cannot be switched on while running.
	args := []string{"-k", "-U", superuser, "--encoding=UTF8", "--auth-local=trust", "--auth-host=reject"}
	if disposable {
		args = append(args, "--no-sync")
	}
	var out []byte
	for _, locale := range []string{"C.UTF-8", "C"} { // C.UTF-8 knows letters beyond ASCII, but not every system has it
		temp, err := os.MkdirTemp(l.root, "initdb-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp) // after the rename: nothing there
		if err := as.chown(temp); err != nil {
			return err
		}
		cmd := as.command(ctx, l.root, filepath.Join(bin, "initdb"), append(args, "--locale="+locale, "-D", temp)...)
		out, err = cmd.CombinedOutput()
		if err == nil {
			if err := os.Rename(temp, l.dataDir()); err != nil {
				return err
			}
			return syncDir(l.root)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !strings.Contains(string(out), "locale") {
			break
		}
	}
	return fmt.Errorf("initdb could not make a database in %s as user %s; it said:\n%s", l.root, as.name, lastLines(string(out), 15))
}

// syncDir makes a rename in dir survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
