package cli_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

// emptyDatabase returns the URL of a new database without any objects.
func emptyDatabase(t *testing.T) string {
	t.Helper()
	other := pgtest.Database(t)
	u, err := url.Parse(other)
	if err != nil {
		t.Fatal(err)
	}
	u.Path += "_empty"
	name := strings.TrimPrefix(u.Path, "/")
	execScript(t, other, "CREATE DATABASE "+name)
	t.Cleanup(func() { execScript(t, other, "DROP DATABASE "+name+" WITH (FORCE)") })
	return u.String()
}

// A backup of a database that is being written to is consistent, and can be restored elsewhere.
// Only this test of backups runs in parallel: it counts the scratch databases of the whole cluster.
func TestBackup(t *testing.T) {
	t.Parallel()
	database, file := pgtest.Database(t), filepath.Join(t.TempDir(), "it.dump")
	env := []string{"DATABASE_URL=" + database}
	mustRun(t, env, "", "seed")
	execScript(t, database, `INSERT INTO account (username, risk, role) VALUES ('ann', 'low', 'operator');
		INSERT INTO credential (account_id, password_hash) SELECT id, '$argon2id$test' FROM account WHERE username = 'ann'`)
	stop := make(chan struct{})
	writer := make(chan error, 1)
	go func() {
		const write = `INSERT INTO site (name) VALUES ('written meanwhile');
			UPDATE site SET contact = 'changed meanwhile' WHERE id = 2`
		for {
			select {
			case <-stop:
				writer <- nil
				return
			default:
			}
			if _, err := pgtest.Value(database, write); err != nil {
				writer <- err
				return
			}
		}
	}()
	r := run(t, env, "", "backup", file)
	close(stop)
	if err := <-writer; err != nil {
		t.Fatal("write during the backup:", err)
	}
	if r.Code != 0 {
		t.Fatalf("exit code %d: %s", r.Code, r.Stderr)
	}
	assertContains(t, r.Stdout, file, "rows in", "verified by a restore")
	const scratch = "SELECT count(*)::text FROM pg_database WHERE datname LIKE 'labledger\\_%'"
	assertEqual(t, "scratch databases after the backup", mustValue(t, database, scratch), "0")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the backup: %v, %v; want only the owner to read it", info, err)
	}
	if files, err := os.ReadDir(filepath.Dir(file)); err != nil || len(files) != 1 {
		t.Errorf("files %v, %v; want only the backup", files, err)
	}
	assertContains(t, mustFail(t, env, "", "backup", file), "already exists")

	empty := emptyDatabase(t)
	restore := []string{"DATABASE_URL=" + empty}
	assertContains(t, mustRun(t, restore, "", "restore", file), "restored:", "rows in")
	const account = `SELECT username || ' ' || risk || ' ' || role || ' ' || password_hash
		FROM account JOIN credential ON account_id = id`
	assertEqual(t, "restored account", mustValue(t, empty, account), "ann low operator $argon2id$test")
	// The constraints and triggers are restored, and the server can use the database.
	assertContains(t, sqlError(t, empty, "DELETE FROM change"), "would lose history")
	assertContains(t, sqlError(t, empty, "INSERT INTO site (name) VALUES (' ')"), "site_name_not_blank")
	s := startServer(t, "DATABASE_URL="+pgtest.ServerURL(empty))
	s.Get("/site/1", 200)
	s.Stop(syscall.SIGINT)

	assertContains(t, mustFail(t, restore, "", "restore", file), "not empty", "nothing was changed")
}

// Two backups to one file at the same time: the first one to end keeps the file, the other one says so. The file of a
// backup that was killed does not matter.
func TestBackup_twiceAtOnce(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "it.dump")
	if err := os.WriteFile(file+".part", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	database := pgtest.Database(t)
	env := []string{"DATABASE_URL=" + database}
	mustRun(t, env, "", "seed")
	pool, err := pgxpool.New(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	pgtest.Exec(t, tx, "LOCK TABLE site IN ACCESS EXCLUSIVE MODE") // pg_dump waits for it
	results := make(chan programtest.Result, 2)
	start := func() {
		cmd := programtest.Command(t, env, "backup", file)
		go func() {
			r, err := programtest.Exec(cmd)
			if err != nil {
				t.Error(err)
			}
			results <- r
		}()
	}
	waiting := func() int {
		return pgtest.QueryValue[int](t, pool, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'pg_dump'`)
	}
	start()
	pgtest.WaitFor(t, "the first backup", func() bool { return waiting() == 1 })
	start()
	pgtest.WaitFor(t, "the second backup", func() bool { return waiting() == 2 || len(results) > 0 })
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	first, second := <-results, <-results
	if first.Code > second.Code {
		first, second = second, first
	}
	if first.Code != 0 || second.Code != 1 {
		t.Fatalf("exit codes %d and %d, want 0 and 1:\n%s\n%s", first.Code, second.Code, first.Stderr, second.Stderr)
	}
	assertContains(t, second.Stderr, "was created meanwhile")
	assertContains(t, mustRun(t, []string{"DATABASE_URL=" + emptyDatabase(t)}, "", "restore", file), "restored")
	if files, err := os.ReadDir(dir); err != nil || len(files) != 2 {
		t.Errorf("files %v, %v; want the backup and the file that was there", files, err)
	}
}

// sqlError returns the error of a statement that must fail.
func sqlError(t *testing.T, database, sql string) string {
	t.Helper()
	_, err := pgtest.Value(database, sql)
	if err == nil {
		t.Fatalf("%s succeeds", sql)
	}
	return err.Error()
}

// A restore of a damaged file leaves the database empty.
func TestRestore_isAtomic(t *testing.T) {
	database, dir := pgtest.Database(t), t.TempDir()
	file := filepath.Join(dir, "it.dump")
	mustRun(t, []string{"DATABASE_URL=" + database}, "", "seed")
	mustRun(t, []string{"DATABASE_URL=" + database}, "", "backup", file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	empty := emptyDatabase(t)
	restore := []string{"DATABASE_URL=" + empty}
	for name, damaged := range map[string][]byte{
		"truncated": text[:len(text)*9/10], "not a dump": []byte("SELECT 1;"), "empty": nil,
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		assertContains(t, mustFail(t, restore, "", "restore", path), "nothing was restored", "pg_restore")
		const tables = "SELECT count(*)::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
		assertEqual(t, "tables after "+name, mustValue(t, empty, tables), "0")
	}
	assertContains(t, mustFail(t, restore, "", "restore", filepath.Join(dir, "nothing")), "no such file")
	assertContains(t, mustFail(t, restore, "", "restore", dir), "not a regular file")
}

// A role that may not create databases cannot verify a backup. --no-verify skips the verification.
func TestBackup_withoutRightToVerify(t *testing.T) {
	dir := t.TempDir()
	owned := []string{"DATABASE_URL=" + passwordDatabase(t, "s3cret/word")}
	mustRun(t, owned, "", "seed")
	message := mustFail(t, owned, "", "backup", filepath.Join(dir, "owned"))
	assertContains(t, message, "could not be verified", "--no-verify", "scratch database", "permission denied")
	if strings.Contains(message, "s3cret") {
		t.Errorf("error contains the password: %s", message)
	}
	out := mustRun(t, owned, "", "backup", "--no-verify", filepath.Join(dir, "owned"))
	assertContains(t, out, "not verified")

	// The server role cannot even read everything.
	database := pgtest.Database(t)
	mustRun(t, []string{"DATABASE_URL=" + database}, "", "migrate", "up")
	server := []string{"DATABASE_URL=" + pgtest.ServerURL(database)}
	assertContains(t, mustFail(t, server, "", "backup", filepath.Join(dir, "server")),
		"backup failed: pg_dump: exit status 1: pg_dump: error:")
}

// A backup leaves out extensions that the owner of the database cannot read or create again, and keeps the others.
func TestBackup_extensions(t *testing.T) {
	const password = "s3cret/word"
	owned := passwordDatabase(t, password)
	ownerURL, err := url.Parse(owned)
	if err != nil {
		t.Fatal(err)
	}
	role := ownerURL.User.Username()
	superuser := asSuperuser(t, owned)
	execScript(t, superuser, "ALTER ROLE "+role+` CREATEDB;
		CREATE EXTENSION pg_prewarm;
		CREATE SCHEMA job;
		CREATE TABLE job.entry (id int PRIMARY KEY, text text DEFAULT 'x');
		INSERT INTO job.entry VALUES (1);
		ALTER EXTENSION pg_prewarm ADD SCHEMA job;
		ALTER EXTENSION pg_prewarm ADD TABLE job.entry`)
	env := []string{"DATABASE_URL=" + owned}
	mustRun(t, env, "", "seed")
	execScript(t, owned, "CREATE EXTENSION citext; CREATE INDEX extra_idx ON site ((name::citext))")

	// Negative control: the owner cannot read the table of the extension.
	assertContains(t, sqlError(t, owned, "TABLE job.entry"), "permission denied")
	file := filepath.Join(t.TempDir(), "it.dump")
	assertContains(t, mustRun(t, env, "", "backup", file), "verified by a restore")

	target := passwordDatabase(t, password)
	// A database that has only extensions counts as empty.
	execScript(t, asSuperuser(t, target), `CREATE EXTENSION pg_prewarm; CREATE TABLE entry (id int);
		ALTER EXTENSION pg_prewarm ADD TABLE entry`)
	mustRun(t, []string{"DATABASE_URL=" + target}, "", "restore", file)
	const restored = `SELECT string_agg(extname, ' ' ORDER BY extname) || ' ' || to_regclass('extra_idx')
		|| ' ' || coalesce(to_regnamespace('job')::text, 'no schema job') FROM pg_extension`
	assertEqual(t, "restored", mustValue(t, target, restored),
		"citext pg_prewarm pg_trgm plpgsql extra_idx no schema job")
}

// asSuperuser returns the URL of the same database for the superuser.
func asSuperuser(t *testing.T, database string) string {
	t.Helper()
	of, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(pgtest.Cluster().URL())
	if err != nil {
		t.Fatal(err)
	}
	u.Path = of.Path
	return u.String()
}

// A database can have a server role of its own. A restore elsewhere creates it.
func TestRestore_ownServerRole(t *testing.T) {
	const role = "labledger_server_restored"
	asRole := func(database string) string {
		return strings.Replace(pgtest.ServerURL(database), "labledger_server", role, 1)
	}
	database := pgtest.Database(t)
	env := []string{"DATABASE_URL=" + asRole(database), "OWNER_DATABASE_URL=" + database}
	assertContains(t, mustRun(t, env, "", "migrate", "up"), "server role "+role+" created")
	t.Cleanup(func() { execScript(t, database, "DROP OWNED BY "+role+"; DROP ROLE "+role) })
	mustRun(t, env, "", "seed")
	file := filepath.Join(t.TempDir(), "it.dump")
	mustRun(t, env, "", "backup", file)

	target := pgtest.NewCluster(t).URL()
	assertContains(t, mustFail(t, []string{"DATABASE_URL=" + target}, "", "restore", file),
		role, "name it in DATABASE_URL")
	mustRun(t, []string{"DATABASE_URL=" + asRole(target), "OWNER_DATABASE_URL=" + target}, "", "restore", file)
	s := startServer(t, "DATABASE_URL="+asRole(target))
	s.Send("PATCH", "/site/1", `{"name": "Renamed"}`, 200)
	s.Stop(syscall.SIGTERM)
}
