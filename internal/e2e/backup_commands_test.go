package e2e

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"labledger/internal/pgtest"
)

// emptyDatabase is a database of this run's cluster in which there is nothing.
func emptyDatabase(t *testing.T) string {
	t.Helper()
	beside := pgtest.Database(t)
	u, err := url.Parse(beside)
	if err != nil {
		t.Fatal(err)
	}
	u.Path += "_empty"
	name := strings.TrimPrefix(u.Path, "/")
	execute(t, beside, "CREATE DATABASE "+name)
	t.Cleanup(func() { execute(t, beside, "DROP DATABASE "+name+" WITH (FORCE)") })
	return u.String()
}

// TestBackup backs a database up while others write to it, and restores it elsewhere. No other test of backups runs beside it.
func TestBackup(t *testing.T) {
	t.Parallel()
	database, file := pgtest.Database(t), filepath.Join(t.TempDir(), "it.dump")
	env := []string{"DATABASE_URL=" + database}
	succeed(t, env, "", "seed")
	execute(t, database, `INSERT INTO account (username, risk, role) VALUES ('ann', 'low', 'operator');
		INSERT INTO credential (account_id, password_hash) SELECT id, '$argon2id$test' FROM account WHERE username = 'ann'`)
	stop := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				execute(t, database, "INSERT INTO site (name) VALUES ('made meanwhile'); UPDATE site SET contact = 'changed meanwhile' WHERE id = 2")
			}
		}
	}()
	out := succeed(t, env, "", "backup", file)
	close(stop)
	<-stopped
	says(t, out, file, "rows of", "proven by a restore")
	if left := told(t, database, "SELECT count(*)::text FROM pg_database WHERE datname LIKE 'labledger_verify%'"); left != "0" {
		t.Errorf("%s scratch databases were left", left)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the file: %v %v", info, err)
	}
	if files, err := os.ReadDir(filepath.Dir(file)); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
	says(t, fail(t, env, "", "backup", file), "is there already")

	empty := emptyDatabase(t)
	says(t, succeed(t, []string{"DATABASE_URL=" + empty}, "", "restore", file), "restored:", "rows of")
	const known = "SELECT username || ' ' || risk || ' ' || role || ' ' || password_hash FROM account JOIN credential ON account_id = id"
	want(t, "an account", told(t, empty, known), "ann low operator $argon2id$test")
	// What guards the data guards them here, and the server can work there.
	says(t, refusedBy(t, empty, "DELETE FROM change"), "would lose history")
	says(t, refusedBy(t, empty, "INSERT INTO site (name) VALUES (' ')"), "site_name_not_blank")
	s := start(t, "DATABASE_URL="+pgtest.ServerURL(empty))
	s.get("/site/1", 200)
	s.stop(os.Interrupt)

	says(t, fail(t, []string{"DATABASE_URL=" + empty}, "", "restore", file), "not empty", "Nothing was changed")
}

func refusedBy(t *testing.T, database, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }() // its work is done
	if _, err = conn.Exec(t.Context(), sql); err == nil {
		t.Fatalf("%s goes through", sql)
	}
	return err.Error()
}

// TestRestoreIsWhole restores what is broken, and finds the database as it was.
func TestRestoreIsWhole(t *testing.T) {
	database, dir := pgtest.Database(t), t.TempDir()
	file := filepath.Join(dir, "it.dump")
	succeed(t, []string{"DATABASE_URL=" + database}, "", "seed")
	succeed(t, []string{"DATABASE_URL=" + database}, "", "backup", file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	empty := emptyDatabase(t)
	for name, broken := range map[string][]byte{"cut off": text[:len(text)*9/10], "no dump": []byte("SELECT 1;"), "empty": nil} {
		at := filepath.Join(dir, name)
		if err := os.WriteFile(at, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		says(t, fail(t, []string{"DATABASE_URL=" + empty}, "", "restore", at), "nothing was restored", "pg_restore")
		want(t, "tables after "+name, told(t, empty, "SELECT count(*)::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"), "0")
	}
	says(t, fail(t, []string{"DATABASE_URL=" + empty}, "", "restore", filepath.Join(dir, "nothing")), "no such file")
	says(t, fail(t, []string{"DATABASE_URL=" + empty}, "", "restore", dir), "not a file")
	// A role that may make no databases cannot prove a backup, and is told how to do without.
	owned := []string{"DATABASE_URL=" + guarded(t, "s3cret/word")}
	succeed(t, owned, "", "seed")
	out := fail(t, owned, "", "backup", filepath.Join(dir, "owned"))
	says(t, out, "could not be proven", "scratch database", "permission denied")
	if strings.Contains(out, "s3cret") {
		t.Errorf("the password is told: %s", out)
	}
	succeed(t, owned, "", "backup", "--unproven", filepath.Join(dir, "owned"))
	says(t, fail(t, []string{"DATABASE_URL=" + pgtest.ServerURL(database)}, "", "backup", filepath.Join(dir, "by the server")), "nothing was backed up", "pg_dump", "permission denied")
}
