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

// helperMode makes this binary, started again, one of two others: a test binary that is killed, or one whose seed fails.
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
		Main(m, files, func(context.Context, string) error { return errors.New("no seed today") })
	}
	Main(m, files, seed)
}

func TestDatabase_isIsolatedClone(t *testing.T) {
	one, two := Pool(t), Pool(t)
	if _, err := one.Exec(t.Context(), "DELETE FROM thing"); err != nil {
		t.Fatal(err)
	}
	var zone string
	var n int
	if err := two.QueryRow(t.Context(), "SELECT n, (SELECT reset_val FROM pg_settings WHERE name = 'fsync') FROM thing").Scan(&n, &zone); err != nil || n != 7 || zone != "off" {
		t.Errorf("n %d, fsync %s, %v; want 7, off", n, zone, err)
	}
	conn, err := pgx.Connect(t.Context(), Database(t)) // not through Open, which sets UTC
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), "SHOW timezone").Scan(&zone); err != nil || zone != "Canada/Newfoundland" {
		t.Errorf("time zone %s, %v", zone, err)
	}
}

func TestDatabase_isDropped(t *testing.T) {
	t.Run("clone", func(t *testing.T) {
		conn, err := pgx.Connect(t.Context(), Database(t)) // left open: WITH FORCE
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
	var left int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname LIKE 'test\\_%'").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d clones left, %v", left, err)
	}
}

func TestMain_failingSeed(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperMode+"=failing")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "no seed today") {
		t.Errorf("got %v, %s", err, out)
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
		t.Fatal("a live run was reaped:", err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if err := os.Chtimes(dir, old, old); err != nil {
		t.Fatal(err)
	}
	cleanStale(t.Context())
	if _, err := os.Stat(dir); err == nil {
		t.Error("the leftover of a killed run was not reaped")
	}
	left, _ := exec.Command("ps", "-eo", "args").Output()
	if strings.Contains(string(left), dir) {
		t.Error("its server still runs")
	}
}

func TestCheckLog(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	for text, leaky := range map[string]bool{
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
		if err := checkLog(log); (err != nil) != leaky {
			t.Errorf("%q: %v", text, err)
		}
	}
	if checkLog(log+"s") == nil {
		t.Error("a log that is not there holds no secret?")
	}
}
