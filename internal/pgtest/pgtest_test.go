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

func seed(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "INSERT INTO thing VALUES (7)")
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
	if _, err := first.Exec(t.Context(), "DELETE FROM thing"); err != nil {
		t.Fatal(err)
	}
	var n int
	var fsync string
	err := second.QueryRow(t.Context(), `
		SELECT n, (SELECT reset_val FROM pg_settings WHERE name = 'fsync') FROM thing`).Scan(&n, &fsync)
	if err != nil || n != 7 || fsync != "off" {
		t.Errorf("n %d, fsync %s, %v; want 7, off", n, fsync, err)
	}
	conn, err := pgx.Connect(t.Context(), Database(t)) // postgres.Open would set UTC
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var timeZone string
	err = conn.QueryRow(t.Context(), "SHOW timezone").Scan(&timeZone)
	if err != nil || timeZone != "Canada/Newfoundland" {
		t.Errorf("time zone %s, %v; want Canada/Newfoundland", timeZone, err)
	}
}

func TestDatabase_isDropped(t *testing.T) {
	t.Run("clone", func(t *testing.T) {
		conn, err := pgx.Connect(t.Context(), Database(t)) // left open on purpose
		if err != nil {
			t.Fatal(err)
		}
		_ = conn
	})
	conn, err := pgx.Connect(t.Context(), databaseURL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var clones int
	err = conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_database WHERE datname LIKE 'test\_%'`).Scan(&clones)
	if err != nil || clones != 0 {
		t.Errorf("%d clones exist, %v; want 0", clones, err)
	}
}

func TestMain_failingSeed(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperMode+"=failing")
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
