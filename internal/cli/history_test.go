package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"labledger/internal/pgtest"
)

// sealAll seals all changes of a database, as a server does.
func sealAll(t *testing.T, database string) {
	t.Helper()
	for range 2 {
		mustValue(t, database, "SELECT seal_history(0)")
	}
}

func TestHistoryVerify(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	database := databaseURL(env)
	assertContains(t, mustRun(t, env, "", "history", "verify"),
		"0 seals, 0 sealed changes: no differences\n", " changes are not sealed yet\n")
	sealAll(t, database)
	execScript(t, database, "INSERT INTO site (name) VALUES ('new')")
	count := mustValue(t, database, "SELECT count(*)::text FROM change")
	last := mustValue(t, database, "SELECT last_id::text FROM history_seal")
	newest := mustValue(t, database, "SELECT format('%s:%s', id, encode(chain, 'hex')) FROM history_seal")
	clean := mustRun(t, env, "", "history", "verify")
	assertContains(t, clean, "1 seals, ", " sealed changes: no differences\n1 changes are not sealed yet\n",
		"use --expect", "\nnewest seal: "+newest+"\n")
	if out := mustRun(t, env, "", "history", "verify", "--expect", newest); strings.Contains(out, "--expect") {
		t.Errorf("with the newest seal: %s", out)
	}
	assertContains(t, mustFail(t, env, "", "history", "verify", "--expect", "1:0", "--expect", "x"),
		`--expect: must be the ID of a seal, a colon and 64 hexadecimal digits, got "1:0"`, `got "x"`)

	execScript(t, database, "SET session_replication_role = replica; UPDATE change SET actor = 'mallory' WHERE id = 2")
	r := run(t, env, "", "history", "verify")
	if r.Code != 1 || r.Stderr != "" {
		t.Errorf("verify of a changed row: exit code %d, %s", r.Code, r.Stderr)
	}
	assertContains(t, r.Stdout, "seal 1, changes 1 to "+last+", sealed at ", ": a row of the history was changed\n",
		"  recorded:   root ", "  recomputed: root ", "\n  Compare the changes of this range",
		" sealed changes: 1 differences\n")

	execScript(t, database, `SET session_replication_role = replica;
		DELETE FROM change WHERE id > 1; DELETE FROM history_seal`)
	assertContains(t, mustRun(t, env, "", "history", "verify"), "0 seals", "1 changes are not sealed yet")
	r = run(t, env, "", "history", "verify", "--expect", newest)
	if r.Code != 1 {
		t.Errorf("verify of %s changes cut to 1: exit code %d", count, r.Code)
	}
	assertContains(t, r.Stdout, "seal 1: the expected seal is missing\n", "recorded:   0 seals", "recomputed: seal "+newest)
}

var loggedSeal = regexp.MustCompile(`"msg":"history sealed","seal":(\d+),"last_change":(\d+),"changes":\d+,` +
	`"root":"[0-9a-f]{64}","chain":"([0-9a-f]{64})"`)

// The server seals at its start and at its graceful shutdown. Its log has what history verify expects.
func TestServe_sealsHistory(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	database := databaseURL(env)
	const seals = "SELECT count(*)::text FROM history_seal"
	s := startServer(t, "DATABASE_URL="+pgtest.ServerURL(database), "LOG_FORMAT=json")
	s.WaitFor("the first seal", func() bool { return mustValue(t, database, seals) == "1" })
	s.Send("PATCH", "/site/1", `{"name": "Renamed"}`, 200)
	s.Stop(syscall.SIGTERM)
	logged := loggedSeal.FindAllStringSubmatch(s.Stdout.String(), -1)
	if len(logged) != 2 {
		t.Fatalf("%d seals logged, want 2:\n%s", len(logged), s.Stdout.String())
	}
	assertEqual(t, "last sealed change", logged[1][2], mustValue(t, database, "SELECT max(id)::text FROM change"))
	assertContains(t, mustRun(t, env, "", "history", "verify",
		"--expect", logged[0][1]+":"+logged[0][3], "--expect", logged[1][1]+":"+logged[1][3]),
		"2 seals, ", ": no differences\n0 changes are not sealed yet\n")
}

// A backup has its newest seal in a file beside it. A restore elsewhere keeps the seals, although it resets the
// transaction IDs.
func TestBackup_seal(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	database, file := databaseURL(env), filepath.Join(t.TempDir(), "it.dump")
	sealAll(t, database)
	newest := mustValue(t, database, "SELECT format('%s:%s', id, encode(chain, 'hex')) FROM history_seal")
	assertContains(t, mustRun(t, env, "", "backup", "--no-verify", file), "newest seal: "+newest+", also in "+file+".seal.json\n")
	text, err := os.ReadFile(file + ".seal.json")
	if err != nil {
		t.Fatal(err)
	}
	var stored map[string]any
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatal(err)
	}
	if stored["seal"] != newest || stored["backup"] != "it.dump" || len(stored) != 5 {
		t.Errorf("stored seal: %s, want %s", text, newest)
	}
	if files, err := os.ReadDir(filepath.Dir(file)); err != nil || len(files) != 2 {
		t.Errorf("files %v, %v; want the backup and its seal", files, err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	assertContains(t, mustFail(t, env, "", "backup", file), ".seal.json already exists")
	if err := os.Remove(file + ".seal.json"); err != nil {
		t.Fatal(err)
	}
	mustRun(t, env, "", "backup", "--no-verify", file)

	target := pgtest.NewCluster(t).URL()
	restored := []string{"DATABASE_URL=" + target}
	mustRun(t, restored, "", "restore", file)
	if got := mustValue(t, target, "SELECT max(xid)::text FROM change"); got != "0" {
		t.Errorf("greatest transaction ID %s; want 0, as after a restore into a younger cluster", got)
	}
	execScript(t, target, "INSERT INTO site (name) VALUES ('after the restore')")
	sealAll(t, target)
	assertContains(t, mustRun(t, restored, "", "history", "verify", "--expect", newest),
		"2 seals, ", ": no differences\n0 changes are not sealed yet\n")
}

// A backup of a schema from before the seals has none.
func TestBackup_schemaWithoutSeals(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	execScript(t, databaseURL(env), `DROP FUNCTION seal_history;
		DROP TABLE history_seal, history_seal_pending; UPDATE schema_migrations SET version = version - 1`)
	file := filepath.Join(t.TempDir(), "it.dump")
	if out := mustRun(t, env, "", "backup", "--no-verify", file); strings.Contains(out, "seal") {
		t.Errorf("backup: %s", out)
	}
	assertNotExists(t, file+".seal.json")
}
