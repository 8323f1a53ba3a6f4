package postgres_test

import (
	"os"
	"path/filepath"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
)

// An old pg_restore in PATH does not fail on the dump of a newer pg_dump: the restore finds the one of the server's
// version.
func TestVerifyDump_skipsOldPgRestore(t *testing.T) {
	pgtest.Client(t, "pg_restore")
	dir := t.TempDir()
	const script = "#!/bin/sh\n[ $1 = --version ] || exit 1\necho 'pg_restore (PostgreSQL) 9.6.24'\n"
	if err := os.WriteFile(filepath.Join(dir, "pg_restore"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	database := pgtest.Database(t)
	pgtest.ExecScript(t, database, "CREATE TABLE sample AS SELECT 1")
	file, err := os.Create(filepath.Join(dir, "dump"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if _, err := postgres.Dump(t.Context(), database, file); err != nil {
		t.Fatal(err)
	}
	restored, err := postgres.VerifyDump(t.Context(), database, file.Name())
	if err != nil || restored.Total() != 1 {
		t.Errorf("restored %d rows, %v; want 1", restored.Total(), err)
	}
}
