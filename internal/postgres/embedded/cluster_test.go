package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/embedded"
)

// startCluster starts a cluster and stops it when the test ends.
func startCluster(t *testing.T, dir string) *embedded.Cluster {
	t.Helper()
	c, err := embedded.Start(t.Context(), dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopCluster(t, c) })
	return c
}

func stopCluster(t *testing.T, c *embedded.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := c.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// postmasterPid is the pid in the cluster's pid file.
func postmasterPid(t *testing.T, dataDir string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dataDir, "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func isAlive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func TestCluster_keepsData(t *testing.T) {
	dir := pgtest.StateDir(t)
	before := runtime.NumGoroutine()
	c := startCluster(t, dir)
	if !c.IsNew() {
		t.Error("New is false before the first MarkReady")
	}
	pgtest.WantValue(t, c.URL(), "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7); SELECT n FROM kept", "7")
	for setting, value := range map[string]string{
		"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "data_checksums": "on", "TimeZone": "UTC",
		"listen_addresses": "", "server_encoding": "UTF8", "unix_socket_permissions": "0700",
	} {
		pgtest.WantValue(t, c.URL(), "SHOW "+setting, value)
	}
	if info, err := os.Stat(filepath.Join(dir, "postgres", "run")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("socket folder: %v, %v", info, err)
	}

	psql, err := postgres.FindClient("psql")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(psql, "-XAt", c.URL(), "-c", "SELECT n FROM kept").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "7" {
		t.Errorf("psql: %s, %v", out, err)
	}

	pid := postmasterPid(t, c.Dir())
	if group, err := syscall.Getpgid(pid); err != nil || group != pid {
		t.Errorf("process group %d, %v; want its own, or Ctrl-C would stop Postgres before we have drained", group, err)
	}
	stopCluster(t, c)
	stopCluster(t, c)
	if isAlive(pid) {
		t.Error("Postgres lives on after Stop")
	}
	select {
	case <-c.Done():
	default:
		t.Error("Done is open after Stop")
	}
	if c.Err() != nil {
		t.Error("a clean stop has an error:", c.Err())
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before the start", runtime.NumGoroutine(), before)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "url")); err == nil {
		t.Error("the url file outlives the server")
	}

	c = startCluster(t, dir) // the first was stopped before MarkInitialized: still new
	pgtest.WantValue(t, c.URL(), "SELECT n FROM kept", "7")
	if !c.IsNew() {
		t.Error("New is false though MarkReady was never called")
	}
	if err := c.MarkInitialized(); err != nil {
		t.Fatal(err)
	}
	if c.IsNew() {
		t.Error("New is true after MarkReady")
	}
	stopCluster(t, c)
	if c = startCluster(t, dir); c.IsNew() {
		t.Error("New is true after a restart")
	}
}

func TestStart_replacesOrphanedServer(t *testing.T) {
	t.Parallel()
	dir := pgtest.StateDir(t)
	helper := exec.Command(os.Args[0])
	helper.Env = append(os.Environ(), helperDir+"="+dir)
	out, err := helper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := helper.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	if !strings.HasPrefix(line, "up ") {
		helper.Process.Kill()
		t.Fatal("helper: ", line)
	}
	if _, err := embedded.Start(t.Context(), dir, quiet); !errors.Is(err, embedded.ErrInUse) ||
		!strings.Contains(err.Error(), strconv.Itoa(helper.Process.Pid)) {
		t.Errorf("got %v, want ErrInUse with pid %d", err, helper.Process.Pid)
	}
	pid := postmasterPid(t, filepath.Join(dir, "postgres", "data"))
	helper.Process.Kill()
	helper.Wait()
	if !isAlive(pid) {
		t.Fatal("Postgres ended with its labledger: this test shows nothing")
	}

	c := startCluster(t, dir)
	pgtest.WantValue(t, c.URL(), "SELECT 1", "1")
	if now := postmasterPid(t, c.Dir()); now == pid {
		t.Error("the leftover was not replaced")
	}
}

func TestStart_removesStaleFiles(t *testing.T) {
	t.Parallel()
	dir := pgtest.StateDir(t)
	place := filepath.Join(dir, "postgres")

	// An initdb that was cut short, both really and as an older leftover.
	if err := os.MkdirAll(filepath.Join(place, "initdb-old", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // it would have belonged to Postgres's user
		uid, gid := postgresUser(t)
		if err := os.Chown(place, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if c, err := embedded.StartDisposable(ctx, dir, quiet); err == nil {
		stopCluster(t, c)
		t.Fatal("started in 300 ms: this test shows nothing")
	}
	c, err := embedded.StartDisposable(t.Context(), dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	stopCluster(t, c)
	if left, _ := filepath.Glob(filepath.Join(place, "initdb-*")); len(left) > 0 {
		t.Error("left behind:", left)
	}

	// A pid file whose pid now is another program's; and the lock of a socket likewise.
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { other.Process.Kill(); other.Wait() }()
	pidFile := strconv.Itoa(other.Process.Pid) + "\n" + c.Dir() + "\n1700000000\n5432\n" + place + "/run\n\n"
	if err := os.MkdirAll(filepath.Join(place, "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{filepath.Join(c.Dir(), "postmaster.pid"), filepath.Join(place, "run", ".s.PGSQL.5432.lock")} {
		if err := os.WriteFile(name, []byte(pidFile), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err = embedded.StartDisposable(t.Context(), dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	pgtest.WantValue(t, c.URL(), "SELECT 1", "1")
	if !isAlive(other.Process.Pid) {
		t.Error("a program that is not ours was stopped")
	}
	stopCluster(t, c)

	// A start that fails shows why.
	conf := filepath.Join(c.Dir(), "postgresql.auto.conf")
	if err := os.WriteFile(conf, []byte("no_such_setting = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err = embedded.StartDisposable(t.Context(), dir, quiet); err == nil || !strings.Contains(err.Error(), "no_such_setting") {
		t.Errorf("got %v, want the end of the log", err)
	}

	if err := embedded.Remove(t.Context(), dir, quiet); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("Wipe left the state directory")
	}
}

func TestStart_longStateDir(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(pgtest.StateDir(t), strings.Repeat("long, and blank+&", 8))
	c, err := embedded.StartDisposable(t.Context(), dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopCluster(t, c) })
	pgtest.WantValue(t, c.URL(), "SELECT 1", "1")
	_, socket, _ := strings.Cut(c.URL(), "host=")
	socket, _, _ = strings.Cut(socket, "&")
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("socket folder %s: %v, %v", socket, info, err)
	}
	used, err := embedded.StartOrAttach(t.Context(), dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	pgtest.WantValue(t, used.URL(), "SELECT 1", "1")
	stopCluster(t, c)
	if _, err := os.Stat(socket); err == nil {
		t.Error("the temporary socket folder outlives the server")
	}
}

func TestStart_stateDirInUse(t *testing.T) {
	t.Parallel()
	c := pgtest.NewCluster(t)
	dir := filepath.Dir(filepath.Dir(c.Dir()))
	if _, err := embedded.Start(t.Context(), dir, quiet); !errors.Is(err, embedded.ErrInUse) {
		t.Errorf("got %v, want ErrInUse", err)
	}
	if err := embedded.Remove(t.Context(), dir, quiet); !errors.Is(err, embedded.ErrInUse) {
		t.Errorf("Wipe: got %v, want ErrInUse", err)
	}
	used, err := embedded.StartOrAttach(t.Context(), dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if used.URL() != c.URL() || used.Dir() != c.Dir() || used.IsNew() != c.IsNew() {
		t.Errorf("attached to %s in %s, want %s in %s", used.URL(), used.Dir(), c.URL(), c.Dir())
	}
	if err := used.MarkInitialized(); err != nil || c.IsNew() {
		t.Errorf("MarkReady through the attached one: %v, New %v", err, c.IsNew())
	}
	stopCluster(t, used)
	stopCluster(t, used)
	<-used.Done()
	pgtest.WantValue(t, c.URL(), "SELECT 1", "1")

	// A data folder that was copied away with its pid file must not stop the original's server.
	pid := postmasterPid(t, c.Dir())
	twin := pgtest.StateDir(t)
	if out, err := exec.Command("cp", "-a", filepath.Join(dir, "postgres"), twin).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	copied, err := embedded.StartDisposable(t.Context(), twin, quiet)
	if err != nil {
		t.Fatal(err)
	}
	pgtest.WantValue(t, copied.URL(), "SELECT 1", "1")
	stopCluster(t, copied)
	if !isAlive(pid) {
		t.Error("starting a copy stopped the original")
	}
}

func TestCluster_restartsAfterKill(t *testing.T) {
	t.Parallel()
	c := pgtest.NewCluster(t)
	pgtest.WantValue(t, c.URL(), "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7); SELECT n FROM kept", "7")
	for range 2 {
		pid := postmasterPid(t, c.Dir())
		began := time.Now()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for {
			got, err := pgtest.Value(c.URL(), "SELECT n FROM kept")
			if err == nil && got == "7" && postmasterPid(t, c.Dir()) != pid {
				break
			}
			if time.Since(began) > 20*time.Second {
				t.Fatal("not back after 20 s:", err)
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Logf("back after %s", time.Since(began).Round(time.Millisecond))
	}
	select {
	case <-c.Done():
		t.Error("Done is closed though the server came back")
	default:
	}

	// While it cannot come back, Stop still ends it at once.
	conf := filepath.Join(c.Dir(), "postgresql.auto.conf")
	good, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(conf, []byte("no_such_setting = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(postmasterPid(t, c.Dir()), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	began := time.Now()
	stopCluster(t, c)
	<-c.Done()
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("stopping a cluster that cannot come back took %s", took)
	}
	if err := os.WriteFile(conf, good, 0o644); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(filepath.Dir(c.Dir()))
	if c, err = embedded.StartDisposable(t.Context(), dir, quiet); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopCluster(t, c) })
	pgtest.WantValue(t, c.URL(), "SELECT n FROM kept", "7")

	// No time to stop: it ends at once and says so.
	pid := postmasterPid(t, c.Dir())
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	stopped, err := embedded.StartDisposable(t.Context(), pgtest.StateDir(t), quiet)
	if err != nil {
		t.Fatal(err)
	}
	other := postmasterPid(t, stopped.Dir())
	if err := stopped.Stop(gone); err == nil || isAlive(other) {
		t.Errorf("a hurried stop: error %v, server alive %v; want an error and none", err, isAlive(other))
	}
	if !isAlive(pid) {
		t.Error("the other cluster was stopped as well")
	}
}

// TestStart_inaccessibleStateDir starts in a folder like a clone in /root, which only its owner can enter.
func TestStart_inaccessibleStateDir(t *testing.T) {
	t.Parallel()
	dir := pgtest.StateDir(t)
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(dir, "state")
	c, err := embedded.StartDisposable(t.Context(), state, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopCluster(t, c) })
	pgtest.WantValue(t, c.URL(), "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7); SELECT n FROM kept", "7")
	data := c.Dir()
	stopCluster(t, c)
	if os.Geteuid() == 0 { // not below dir, which is deleted anyhow
		t.Cleanup(func() { os.RemoveAll(filepath.Dir(data)) })
	}

	inside := filepath.Join(state, "postgres", "data")
	if os.Geteuid() == 0 {
		if !strings.HasPrefix(data, "/var/lib/labledger/") {
			t.Errorf("data in %s, where its user cannot go", data)
		}
		b, err := os.ReadFile(filepath.Join(state, "postgres.path"))
		if err != nil || strings.TrimSpace(string(b)) != filepath.Dir(data) {
			t.Errorf("pointer: %q, %v", b, err)
		}
		twin := filepath.Join(dir, "twin") // a copied clone points to the same data
		if out, err := exec.Command("cp", "-a", state, twin).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		again, err := embedded.StartDisposable(t.Context(), state, quiet)
		if err != nil {
			t.Fatal(err)
		}
		second, err := embedded.StartDisposable(t.Context(), twin, quiet)
		if !errors.Is(err, embedded.ErrInUse) {
			t.Errorf("two on the same data: got %v, want ErrInUse", err)
		}
		if err == nil {
			stopCluster(t, second)
		}
		stopCluster(t, again)
	} else if data != inside {
		t.Errorf("data in %s, want %s", data, inside)
	}

	moved := filepath.Join(dir, "moved")
	if err := os.Rename(state, moved); err != nil {
		t.Fatal(err)
	}
	c, err = embedded.StartDisposable(t.Context(), moved, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopCluster(t, c) })
	pgtest.WantValue(t, c.URL(), "SELECT n FROM kept", "7")
	data = c.Dir()
	stopCluster(t, c)
	if err := embedded.Remove(t.Context(), moved, quiet); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("Wipe left the data")
	}
}

func TestStart_stateDirOfAnotherUser(t *testing.T) {
	t.Parallel()
	state := "/usr/lib" // root's
	if os.Geteuid() == 0 {
		state = pgtest.StateDir(t)
		place := filepath.Join(state, "postgres")
		if err := os.Mkdir(place, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(place, 54321, 54321); err != nil {
			t.Fatal(err)
		}
	}
	_, err := embedded.Start(t.Context(), state, quiet)
	if err == nil || !strings.Contains(err.Error(), "belongs to") || !strings.Contains(err.Error(), "use another state directory") {
		t.Fatalf("got %v, want who owns it and what to do", err)
	}
	// Nobody is told to chown what labledger did not make.
	if ours := os.Geteuid() == 0; strings.Contains(err.Error(), "chown") != ours {
		t.Errorf("got %v", err)
	}
}

// postgresUser is whom Postgres runs as when we are root.
func postgresUser(t *testing.T) (uid, gid int) {
	t.Helper()
	info, err := os.Stat(pgtest.Cluster().Dir())
	if err != nil {
		t.Fatal(err)
	}
	s := info.Sys().(*syscall.Stat_t)
	return int(s.Uid), int(s.Gid)
}

// A cluster has the server's role from its first start on, and data that were made without it get it at the next.
func TestStart_createsServerRole(t *testing.T) {
	dir := pgtest.StateDir(t)
	c := startCluster(t, dir)
	const who = "SELECT concat_ws(' ', session_user, rolsuper, rolcreaterole, rolcreatedb, current_database()) FROM pg_roles WHERE rolname = session_user"
	pgtest.WantValue(t, c.ServerURL(), who, "labledger_server f f f labledger")
	if _, err := pgtest.Value(c.ServerURL(), "CREATE TABLE mine (n int)"); err == nil {
		t.Error("it may make tables")
	}
	if _, err := pgtest.Value(c.URL(), "DROP ROLE "+postgres.ServerRole); err != nil {
		t.Fatal(err)
	}
	stopCluster(t, c)
	pgtest.WantValue(t, startCluster(t, dir).ServerURL(), who, "labledger_server f f f labledger")
}
