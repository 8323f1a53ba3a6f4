package pgtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"

	"labledger/internal/postgres/embedded"
)

var files = fstest.MapFS{"000001_thing.up.sql": {Data: []byte("CREATE TABLE thing (n int)")}}

func seed(_ context.Context, url string) error {
	_, err := Value(url, "INSERT INTO thing VALUES (7)")
	return err
}

// helperMode is the environment variable that selects what this test binary does when a test runs it: "killed" starts a
// cluster and waits until it is killed, "failing" runs Main with a seed that fails.
const helperMode = "PGTEST_HELPER"

func TestMain(m *testing.M) {
	switch os.Getenv(helperMode) {
	case "killed":
		dir, err := newDir()
		if err == nil {
			_, err = embedded.StartDisposable(context.Background(), dir, logger)
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(dir)
		select {}
	case "failing":
		Main(m, files, func(context.Context, string) error { return errors.New("seed failed on purpose") })
	}
	Main(m, files, seed)
}

func TestDatabase_isIsolatedClone(t *testing.T) {
	first, second := Pool(t), Pool(t)
	Exec(t, first, "DELETE FROM thing")
	var n int
	var fsync string
	err := second.QueryRow(t.Context(), `
		SELECT n, (SELECT reset_val FROM pg_settings WHERE name = 'fsync') FROM thing`).Scan(&n, &fsync)
	if err != nil || n != 7 || fsync != "off" {
		t.Errorf("n %d, fsync %s, %v; want 7, off", n, fsync, err)
	}
	WantValue(t, Database(t), "SHOW timezone", "Canada/Newfoundland") // postgres.Open would set UTC
}

func TestDatabase_isDropped(t *testing.T) {
	t.Run("clone", func(t *testing.T) {
		conn, err := pgx.Connect(t.Context(), Database(t)) // left open on purpose
		if err != nil {
			t.Fatal(err)
		}
		_ = conn
	})
	WantValue(t, databaseURL("postgres"), `SELECT count(*) FROM pg_database WHERE datname LIKE 'test\_%'`, "0")
}

func TestMain_failingSeed(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperMode+"=failing", "PGSERVICE=nowhere") // PG… variables have no effect
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "seed failed on purpose") {
		t.Errorf("got %v, output %s; want a failure with the error of the seed", err, out)
	}
}

func TestCleanStale(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperMode+"=killed")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dir, _ := bufio.NewReader(out).ReadString('\n')
	dir = strings.TrimSpace(dir)
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(dir, old, old); err != nil {
		t.Fatal(dir, err)
	}
	cleanStale(t.Context())
	if _, err := os.Stat(dir + "/url"); err != nil {
		t.Fatal("the directory of a live process was deleted:", err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if err := os.Chtimes(dir, old, old); err != nil {
		t.Fatal(err)
	}
	cleanStale(t.Context())
	if _, err := os.Stat(dir); err == nil {
		t.Error("the directory of a killed process was not deleted")
	}
	processes, _ := exec.Command("ps", "-eo", "args").Output()
	if strings.Contains(string(processes), dir) {
		t.Error("the server of the killed process still runs")
	}
}

func TestCheckLog(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	for text, wantErr := range map[string]bool{
		"":                          false,
		"ERROR: no such table llk_": false,
		"STATEMENT: SELECT 'llk_abcdefghijklmnopqrstuvwxyz'":            true,
		"first\nDETAIL: Failing row contains ($argon2id$v=19$m=1)\nend": true,
		"Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.x.y":           true,
		"llr_short": false,
	} {
		if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := checkLog(log); (err != nil) != wantErr {
			t.Errorf("%q: got error %v, want one: %v", text, err, wantErr)
		}
	}
	if checkLog(log+"s") == nil {
		t.Error("a missing log is no error")
	}
}

// An empty text is not nil, unlike NULL and a missing row or column: MustValue rejects only those.
func TestFirstValue(t *testing.T) {
	url := Database(t)
	for sql, want := range map[string]string{
		"SELECT ''":             `""`,
		"SELECT NULL; SELECT 7": `"7"`,
		"SELECT 7; SELECT NULL": "nil",
		"SELECT 7 WHERE false":  "nil",
		"SELECT":                "nil",
	} {
		value, err := firstValue(url, sql)
		got := "nil"
		if value != nil {
			got = fmt.Sprintf("%q", value)
		}
		if err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", sql, got, err, want)
		}
	}
	if _, err := firstValue(url, "SELECT 7; SELECT 1/0"); err == nil {
		t.Error("the error of the last statement is lost")
	}
}

// WaitForLockWait returns while a statement waits for a lock, and not before.
func TestWaitForLockWait(t *testing.T) {
	pool := Pool(t)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	Exec(t, tx, "SELECT pg_advisory_xact_lock(1)")
	done := make(chan error, 1)
	go func() {
		_, err := pool.Exec(context.Background(), "SELECT pg_advisory_xact_lock(1)")
		done <- err
	}()
	WaitForLockWait(t, pool)
	select {
	case err := <-done:
		t.Errorf("the statement does not wait: %v", err)
	default:
	}
	if err := errors.Join(tx.Commit(t.Context()), <-done); err != nil {
		t.Error(err)
	}
}
