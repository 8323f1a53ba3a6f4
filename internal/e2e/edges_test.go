package e2e

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"labledger/internal/pgtest"
)

// What was broken once: each of these tests came before its mend.

func TestExportToAFullDisk(t *testing.T) {
	t.Parallel()
	r := run(t, migrated(t, true), "", "export", "sites", "-o", "/dev/full")
	if r.code != 1 || strings.Contains(r.stderr, "goroutine") {
		t.Errorf("exit code %d: %.300s", r.code, r.stderr)
	}
	says(t, r.stderr, "no space")
}

func TestFailedExportDestroysTheOldFile(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	for table, env := range map[string][]string{"cupboards": env, "sites": {"DATABASE_URL=postgres://127.0.0.1:1/x"}} {
		old := file(t, "old.csv", "precious\n")
		fail(t, env, "", "export", table, "-o", old)
		b, err := os.ReadFile(old)
		want(t, "the old file", string(b), "precious\n")
		if err != nil {
			t.Error(err)
		}
	}
}

func TestPieceOfAPasswordIsTold(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"postgres://u:s3cr@etpw@127.0.0.1:1/x", "postgres://u:s3cr@etpw@127.0.0.1:1/x?sslmode=disable"} {
		r := run(t, []string{"DATABASE_URL=" + url}, "")
		if strings.Contains(r.stdout+r.stderr, "etpw") {
			t.Error(r.stdout + r.stderr)
		}
	}
}

func TestReplicaDiesWhileUsed(t *testing.T) {
	t.Parallel()
	own := pgtest.NewCluster(t)
	succeed(t, []string{"DATABASE_URL=" + own.URL()}, "", "migrate", "up")
	s := start(t, "DATABASE_URL="+pgtest.Database(t), "READ_DATABASE_URL="+own.URL())
	s.get("/sites", http.StatusOK)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := own.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	s.get("/sites", http.StatusOK)
}

func TestReplicaWithoutSchema(t *testing.T) {
	t.Parallel()
	s := start(t, "DATABASE_URL="+pgtest.Database(t), "READ_DATABASE_URL="+pgtest.Database(t))
	s.get("/sites", http.StatusOK)
}

// A stop while it starts is a stop, too.
func TestStoppedWhileStarting(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{100 * time.Millisecond, 300 * time.Millisecond, 600 * time.Millisecond} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			state := stateDir(t)
			s := launch(t, t.TempDir(), "STATE_DIR="+state)
			time.Sleep(after)
			s.stop(syscall.SIGTERM)
			want(t, "standard error", s.stderr.String(), "")
			noPostgres(t, state)
		})
	}
}

// The second Ctrl-C of somebody who does not want to wait.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	s := start(t, "DATABASE_URL="+pgtest.Database(t))
	body, _ := upload(t, s)
	defer func() { _ = body.Close() }()
	s.signal(syscall.SIGINT)
	s.awaitDrain()
	began := time.Now()
	s.signal(syscall.SIGINT)
	s.code()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s more", took)
	}
}

// kill PID of a psql session must not do nothing.
func TestPsqlIgnoresSIGTERM(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(binary, "psql", "-c", "SELECT pg_sleep(5)")
	cmd.Env = environment(t, migrated(t, false))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	began := time.Now()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()
	if took := time.Since(began); took > time.Second {
		t.Errorf("it went on for %s, and ended with %s", took, cmd.ProcessState)
	}
}

// What asks for the data must not get the usage.
func TestUsageOnStandardOutput(t *testing.T) {
	t.Parallel()
	if r := run(t, nil, "", "export", "sites", "--fromat", "csv"); r.stdout != "" {
		t.Errorf("standard output: %.60q", r.stdout)
	}
}

func TestReplicaURLIsReadLate(t *testing.T) {
	t.Parallel()
	state := stateDir(t, "state")
	says(t, fail(t, []string{"STATE_DIR=" + state, "READ_DATABASE_URL=nonsense"}, ""), "READ_DATABASE_URL")
	untouched(t, state)
}

func TestImportOfAFolder(t *testing.T) {
	t.Parallel()
	env := migrated(t, false)
	for _, format := range []string{"csv", "ndjson"} {
		message := fail(t, env, "", "import", "sites", t.TempDir(), "--format", format)
		says(t, message, "directory")
		if strings.Contains(message, "not CSV") || strings.Count(message, "directory") > 1 {
			t.Error(message)
		}
	}
}

func TestImportOfJSON(t *testing.T) {
	t.Parallel()
	env := migrated(t, false)
	path := file(t, "sites.json", `[{"name":"x","contact":null,"address":null,"state_or_region":null,"country":null,"postcode_or_zip":null}]`)
	r := run(t, env, "", "import", "sites", path)
	if r.code != 0 {
		t.Error(r.stderr)
	}
}
