//go:build unix

package embedded

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"labledger/internal/durable"
	"labledger/internal/postgres"
)

const (
	superuser    = "labledger" // owns the cluster
	databaseName = "labledger"
)

// majorVersion returns the major version of PostgreSQL that created the data, 0 when there is no data.
func (l layout) majorVersion() (int, error) {
	if !exists(l.dataDir()) {
		return 0, nil
	}
	b, err := os.ReadFile(filepath.Join(l.dataDir(), "PG_VERSION"))
	if err != nil {
		return 0, fmt.Errorf("%s is not a PostgreSQL data directory: move it away and start again (%w)", l.dataDir(), err)
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}

// initdb creates the data directory. It works in a temporary directory and renames that at the end, so that the data
// directory is either complete or absent. It deletes what interrupted runs left. Each run uses another temporary
// directory, since an initdb that outlived its labledger may still be writing to its own.
func initdb(ctx context.Context, l layout, user osUser, binDir string, disposable bool) error {
	removeTemporary(l.root)
	defer removeTemporary(l.root)

	// pg_rewind needs checksums (-k), and they cannot be enabled while the server runs.
	args := []string{"-k", "-U", superuser, "--encoding=UTF8", "--auth-local=trust", "--auth-host=reject"}
	if disposable {
		args = append(args, "--no-sync")
	}
	var (
		out []byte
		err error
	)
	for _, locale := range []string{"C.UTF-8", "C"} { // C.UTF-8 classifies non-ASCII letters, but some systems lack it
		temp, mkdirErr := os.MkdirTemp(l.root, "initdb-")
		if mkdirErr != nil {
			return mkdirErr
		}
		if err := user.chown(temp); err != nil {
			return err
		}
		out, err = runInitdb(ctx, l, user, binDir, append(args, "--locale="+locale, "-D", temp))
		if err == nil {
			return durable.Rename(temp, l.dataDir())
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !strings.Contains(string(out), "locale") {
			break
		}
	}
	return fmt.Errorf("initdb failed in %s as user %s: %w; its output:\n%s",
		l.root, user.name, err, postgres.LastLines(string(out), 15))
}

// removeTemporary deletes the temporary files and directories of initdb.
func removeTemporary(root string) {
	paths, _ := filepath.Glob(filepath.Join(root, "initdb-*")) // fails only for a malformed pattern
	for _, path := range paths {
		os.RemoveAll(path)
	}
}
