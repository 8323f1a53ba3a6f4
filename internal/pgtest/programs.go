//go:build unix

package pgtest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"labledger/internal/postgres"
	"labledger/internal/postgres/embedded"
)

// ServerDir returns the directory with the server programs of PostgreSQL that the tests use.
func ServerDir(t testing.TB) (dir string) {
	t.Helper()
	err := step(downloadTimeout, func(ctx context.Context) (err error) {
		if dir, err = embedded.FindServer(ctx, 0); err == nil {
			dir, err = filepath.EvalSymlinks(filepath.Join(dir, "postgres")) // all programs are beside the real one
		}
		return err
	})
	if err != nil {
		t.Fatal("pgtest:", err)
	}
	return filepath.Dir(dir)
}

// Client returns the path of a client program that is not older than the servers of the tests. A missing program is a
// failure, with the name of the package to install: the download of PostgreSQL contains no client programs.
func Client(t testing.TB, program string) string {
	t.Helper()
	dir := ServerDir(t)
	if path := filepath.Join(dir, program); isFile(path) {
		return path
	}
	major, err := postgres.MajorVersion(filepath.Join(dir, "postgres"))
	if err != nil {
		t.Fatal("pgtest:", err)
	}
	path, err := postgres.FindClient(program, major)
	if err != nil {
		t.Fatal("pgtest:", err)
	}
	return path
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
