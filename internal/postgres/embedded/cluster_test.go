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

func isAlive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func TestCluster_keepsData(t *testing.T) {
	dir := pgtest.StateDir(t)
	before := runtime.NumGoroutine()
	c := startCluster(t, dir)
	if !c.IsNew() {
		t.Error("IsNew is false before MarkInitialized")
	}
	pgtest.WantValue(t, c.URL(), "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7); SELECT n FROM kept", "7")
	for setting, value := range map[string]string{
		"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "data_checksums": "on", "TimeZone": "UTC",
		"listen_addresses": "", "server_encoding": "UTF8", "unix_socket_permissions": "0700",
	} {
		pgtest.WantValue(t, c.URL(), "SHOW "+setting, value)
	}
	if info, err := os.Stat(filepath.Join(dir, "postgres", "run")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("socket directory: %v, %v", info, err)
	}

	psql, err := postgres.FindClient("psql")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(psql, "-XAt", c.URL(), "-c", "SELECT n FROM kept").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "7" {
		t.Errorf("psql: %s, %v", out, err)
	}

	pid := pgtest.PostmasterPID(t, c.Dir())
	if group, err := syscall.Getpgid(pid); err != nil || group != pid {
		t.Errorf("process group %d, %v; want its own, so that Ctrl-C does not stop Postgres", group, err)
	}
	stopCluster(t, c)
	stopCluster(t, c)
	if isAlive(pid) {
		t.Error("Postgres still runs after Stop")
	}
	select {
	case <-c.Done():
	default:
		t.Error("Done is open after Stop")
	}
	if c.Err() != nil {
		t.Error("Err after a clean stop:", c.Err())
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before the start", runtime.NumGoroutine(), before)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "url")); err == nil {
		t.Error("the url file exists after Stop")
	}

	c = startCluster(t, dir) // MarkInitialized has not been called yet
	pgtest.WantValue(t, c.URL(), "SELECT n FROM kept", "7")
	if !c.IsNew() {
		t.Error("IsNew is false after a restart without MarkInitialized")
	}
	if err := c.MarkInitialized(); err != nil {
		t.Fatal(err)
	}
	if c.IsNew() {
		t.Error("IsNew is true after MarkInitialized")
	}
	stopCluster(t, c)
	if c = startCluster(t, dir); c.IsNew() {
		t.Error("IsNew is true after MarkInitialized and a restart")
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
	if !strings.HasPrefix(line, "started ") {
		helper.Process.Kill()
		t.Fatal("helper: ", line)
	}
	if _, err := embedded.Start(t.Context(), dir, quiet); !errors.Is(err, embedded.ErrInUse) ||
		!strings.Contains(err.Error(), strconv.Itoa(helper.Process.Pid)) {
		t.Errorf("got %v, want ErrInUse with PID %d", err, helper.Process.Pid)
	}
	pid := pgtest.PostmasterPID(t, filepath.Join(dir, "postgres", "data"))
	helper.Process.Kill()
	helper.Wait()
	if !isAlive(pid) {
		t.Fatal("Postgres ended together with its labledger: this test proves nothing")
	}

	c := startCluster(t, dir)
	pgtest.WantValue(t, c.URL(), "SELECT 1", "1")
	if now := pgtest.PostmasterPID(t, c.Dir()); now == pid {
		t.Error("the orphaned server was not replaced")
	}
}

func TestStart_removesStaleFiles(t *testing.T) {
	t.Parallel()
	dir := pgtest.StateDir(t)
	root := filepath.Join(dir, "postgres")

	// Interrupted runs of initdb: one from earlier, and one that ends with its context.
	if err := os.MkdirAll(filepath.Join(root, "initdb-old", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // as a real run would have
		uid, gid := postgresUser(t)
		if err := os.Chown(root, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if c, err := embedded.StartDisposable(ctx, dir, quiet); err == nil {
		stopCluster(t, c)
		t.Fatal("initdb ended within 300 ms: this test proves nothing")
	}
	c, err := embedded.StartDisposable(t.Context(), dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	stopCluster(t, c)
	if leftovers, _ := filepath.Glob(filepath.Join(root, "initdb-*")); len(leftovers) > 0 {
		t.Error("not removed:", leftovers)
	}

	// A PID file and the lock file of a socket whose PID belongs to another program.
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { other.Process.Kill(); other.Wait() }()
	pidFile := strconv.Itoa(other.Process.Pid) + "\n" + c.Dir() + "\n1700000000\n5432\n" + root + "/run\n\n"
	if err := os.MkdirAll(filepath.Join(root, "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		filepath.Join(c.Dir(), "postmaster.pid"),
		filepath.Join(root, "run", ".s.PGSQL.5432.lock"),
	} {
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
		t.Error("the other program was stopped")
	}
	stopCluster(t, c)

	// The error of a failed start contains the end of the log.
	conf := filepath.Join(c.Dir(), "postgresql.auto.conf")
	if err := os.WriteFile(conf, []byte("no_such_setting = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = embedded.StartDisposable(t.Context(), dir, quiet)
	if err == nil || !strings.Contains(err.Error(), "no_such_setting") {
		t.Errorf("got %v, want the end of the log", err)
	}

	if err := embedded.Remove(t.Context(), dir, quiet); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("Remove did not delete the state directory")
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
		t.Errorf("socket directory %s: %v, %v", socket, info, err)
	}
	attached, err := embedded.StartOrAttach(t.Context(), dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	pgtest.WantValue(t, attached.URL(), "SELECT 1", "1")
	stopCluster(t, c)
	if _, err := os.Stat(socket); err == nil {
		t.Error("the temporary socket directory exists after Stop")
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
		t.Errorf("Remove: got %v, want ErrInUse", err)
	}
	attached, err := embedded.StartOrAttach(t.Context(), dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if attached.URL() != c.URL() || attached.Dir() != c.Dir() || attached.IsNew() != c.IsNew() {
		t.Errorf("attached to %s in %s, want %s in %s", attached.URL(), attached.Dir(), c.URL(), c.Dir())
	}
	if err := attached.MarkInitialized(); err != nil || c.IsNew() {
		t.Errorf("MarkInitialized through the attached cluster: %v, IsNew %v", err, c.IsNew())
	}
	stopCluster(t, attached)
	stopCluster(t, attached)
	<-attached.Done()
	pgtest.WantValue(t, c.URL(), "SELECT 1", "1")

	// Starting a copy of the data, with its PID file, does not stop the server of the original.
	pid := pgtest.PostmasterPID(t, c.Dir())
	copyDir := pgtest.StateDir(t)
	if out, err := exec.Command("cp", "-a", filepath.Join(dir, "postgres"), copyDir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	copied, err := embedded.StartDisposable(t.Context(), copyDir, quiet)
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
		pid := pgtest.PostmasterPID(t, c.Dir())
		started := time.Now()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for {
			got, err := pgtest.Value(c.URL(), "SELECT n FROM kept")
			if err == nil && got == "7" && pgtest.PostmasterPID(t, c.Dir()) != pid {
				break
			}
			if time.Since(started) > 20*time.Second {
				t.Fatal("not restarted after 20 s:", err)
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Logf("restarted after %s", time.Since(started).Round(time.Millisecond))
	}
	select {
	case <-c.Done():
		t.Error("Done is closed after a successful restart")
	default:
	}

	// Stop returns quickly while restarts fail.
	conf := filepath.Join(c.Dir(), "postgresql.auto.conf")
	good, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(conf, []byte("no_such_setting = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pgtest.PostmasterPID(t, c.Dir()), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	started := time.Now()
	stopCluster(t, c)
	<-c.Done()
	if took := time.Since(started); took > 20*time.Second {
		t.Errorf("Stop took %s while restarts failed", took)
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

	// With an ended context, Stop kills the server and returns an error.
	pid := pgtest.PostmasterPID(t, c.Dir())
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	stopped, err := embedded.StartDisposable(t.Context(), pgtest.StateDir(t), quiet)
	if err != nil {
		t.Fatal(err)
	}
	other := pgtest.PostmasterPID(t, stopped.Dir())
	if err := stopped.Stop(ended); err == nil || isAlive(other) {
		t.Errorf("Stop with an ended context: error %v, server alive %v; want an error and false", err, isAlive(other))
	}
	if !isAlive(pid) {
		t.Error("the other cluster was stopped as well")
	}
}

// TestStart_inaccessibleStateDir starts in a directory that only its owner can enter, such as a clone in /root.
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
	if os.Geteuid() == 0 { // then it is outside of dir
		t.Cleanup(func() { os.RemoveAll(filepath.Dir(data)) })
	}

	defaultDir := filepath.Join(state, "postgres", "data")
	if os.Geteuid() == 0 {
		if !strings.HasPrefix(data, "/var/lib/labledger/") {
			t.Errorf("data in %s, which its user cannot enter", data)
		}
		b, err := os.ReadFile(filepath.Join(state, "postgres.path"))
		if err != nil || strings.TrimSpace(string(b)) != filepath.Dir(data) {
			t.Errorf("postgres.path: %q, %v", b, err)
		}
		copyDir := filepath.Join(dir, "copy") // a copy redirects to the same data
		if out, err := exec.Command("cp", "-a", state, copyDir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		original, err := embedded.StartDisposable(t.Context(), state, quiet)
		if err != nil {
			t.Fatal(err)
		}
		second, err := embedded.StartDisposable(t.Context(), copyDir, quiet)
		if !errors.Is(err, embedded.ErrInUse) {
			t.Errorf("a second server on the same data: got %v, want ErrInUse", err)
		}
		if err == nil {
			stopCluster(t, second)
		}
		stopCluster(t, original)
	} else if data != defaultDir {
		t.Errorf("data in %s, want %s", data, defaultDir)
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
		t.Error("Remove did not delete the data")
	}
}

func TestStart_stateDirOfAnotherUser(t *testing.T) {
	t.Parallel()
	state := "/usr/lib" // belongs to root
	if os.Geteuid() == 0 {
		state = pgtest.StateDir(t)
		root := filepath.Join(state, "postgres")
		if err := os.Mkdir(root, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(root, 54321, 54321); err != nil {
			t.Fatal(err)
		}
	}
	_, err := embedded.Start(t.Context(), state, quiet)
	if err == nil || !strings.Contains(err.Error(), "belongs to") ||
		!strings.Contains(err.Error(), "use another state directory") {
		t.Fatalf("got %v, want the owner and a fix", err)
	}
	// The error suggests chown only for a directory of labledger, which /usr/lib is not.
	if want := os.Geteuid() == 0; strings.Contains(err.Error(), "chown") != want {
		t.Errorf("got %v; mentions chown: want %v", err, want)
	}
}

// postgresUser returns the user that runs Postgres when the tests run as root.
func postgresUser(t *testing.T) (uid, gid int) {
	t.Helper()
	info, err := os.Stat(pgtest.Cluster().Dir())
	if err != nil {
		t.Fatal(err)
	}
	s := info.Sys().(*syscall.Stat_t)
	return int(s.Uid), int(s.Gid)
}

// TestStart_createsServerRole covers the first start, and data without the role.
func TestStart_createsServerRole(t *testing.T) {
	dir := pgtest.StateDir(t)
	c := startCluster(t, dir)
	const session = `
		SELECT concat_ws(' ', session_user, rolsuper, rolcreaterole, rolcreatedb, current_database())
		FROM pg_roles
		WHERE rolname = session_user`
	pgtest.WantValue(t, c.ServerURL(), session, "labledger_server f f f labledger")
	if _, err := pgtest.Value(c.ServerURL(), "CREATE TABLE mine (n int)"); err == nil {
		t.Error("the server's role may create tables")
	}
	if _, err := pgtest.Value(c.URL(), "DROP ROLE "+postgres.ServerRole); err != nil {
		t.Fatal(err)
	}
	stopCluster(t, c)
	pgtest.WantValue(t, startCluster(t, dir).ServerURL(), session, "labledger_server f f f labledger")
}
