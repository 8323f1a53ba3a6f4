package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
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
	"labledger/internal/programtest"
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
	t.Run("settings", func(t *testing.T) { checkSettings(t, c, dir) })

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
	pgtest.WaitFor(t, "the cluster's goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
	if _, err := os.Stat(filepath.Join(dir, "url")); err == nil {
		t.Error("the url file exists after Stop")
	}
	t.Run("restart", func(t *testing.T) { checkRestart(t, dir) })
}

// checkSettings checks the settings of a new cluster, and that psql accepts its URL.
func checkSettings(t *testing.T, c *embedded.Cluster, dir string) {
	t.Helper()
	for setting, value := range map[string]string{
		"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "data_checksums": "on", "TimeZone": "UTC",
		"listen_addresses": "", "server_encoding": "UTF8", "unix_socket_permissions": "0700",
	} {
		pgtest.WantValue(t, c.URL(), "SHOW "+setting, value)
	}
	if info, err := os.Stat(filepath.Join(dir, "postgres", "run")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("socket directory: %v, %v", info, err)
	}
	psql, err := postgres.FindClient("psql", 0)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(psql, "-XAt", c.URL(), "-c", "SELECT n FROM kept").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "7" {
		t.Errorf("psql: %s, %v", out, err)
	}
}

// checkRestart checks that a cluster keeps its data and is new until MarkInitialized.
func checkRestart(t *testing.T, dir string) {
	t.Helper()
	c := startCluster(t, dir)
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

// With settings that make every connection impossible, Start fails instead of waiting for ever.
func TestStart_invalidClientSettings(t *testing.T) {
	t.Parallel()
	dir := pgtest.StateDir(t)
	helper := exec.Command(os.Args[0])
	helper.Env = append(os.Environ(), helperDir+"="+dir, "PGSERVICE=nowhere")
	out, err := programtest.Exec(helper)
	if err != nil {
		t.Fatal(err)
	}
	if out.Code != 1 || !strings.Contains(out.Stdout, "failed to read service") {
		t.Errorf("exit code %d, output %s; want an error about the service", out.Code, out.Stdout)
	}
	programtest.AssertNoPostgres(t, dir)
}

func TestStart_replacesOrphanedServer(t *testing.T) {
	t.Parallel()
	dir := pgtest.StateDir(t)
	helper := exec.Command(os.Args[0])
	helper.Env = append(os.Environ(), helperDir+"="+dir)
	if line := startHelper(t, helper); !strings.HasPrefix(line, "started ") {
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

// startHelper starts a process that runs a cluster and returns its first line of output.
func startHelper(t *testing.T, helper *exec.Cmd) string {
	t.Helper()
	out, err := helper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := helper.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	return line
}

func TestStart_removesStaleFiles(t *testing.T) {
	t.Parallel()
	dir := pgtest.StateDir(t)
	root := filepath.Join(dir, "postgres")
	interruptInitdb(t, dir)
	c, err := embedded.StartDisposable(t.Context(), dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	stopCluster(t, c)
	if leftovers, _ := filepath.Glob(filepath.Join(root, "initdb-*")); len(leftovers) > 0 {
		t.Error("not removed:", leftovers)
	}
	t.Run("PID of another program", func(t *testing.T) { checkForeignPID(t, dir, c.Dir()) })

	// The error of a failed start contains the end of the log.
	breakSettings(t, c)
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

// interruptInitdb leaves two interrupted runs of initdb: one from earlier, and one that ends with its context.
func interruptInitdb(t *testing.T, dir string) {
	t.Helper()
	root := filepath.Join(dir, "postgres")
	if err := os.MkdirAll(filepath.Join(root, "initdb-old", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // as a real run would have
		uid, gid := postgresUser(t)
		if err := os.Chown(root, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		c, err := embedded.StartDisposable(ctx, dir, quiet)
		if err == nil {
			err = c.Stop(context.Background())
			done <- errors.Join(err, errors.New("initdb ended before it was interrupted: this test proves nothing"))
			return
		}
		done <- nil
	}()
	pgtest.WaitFor(t, "initdb to write files", func() bool {
		files, _ := filepath.Glob(filepath.Join(root, "initdb-*", "PG_VERSION"))
		return len(files) > 0
	})
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// checkForeignPID starts a cluster whose PID file and socket lock file have the PID of another program.
func checkForeignPID(t *testing.T, dir, dataDir string) {
	t.Helper()
	root := filepath.Join(dir, "postgres")
	other := exec.Command("sleep", "3600")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { other.Process.Kill(); other.Wait() }()
	pidFile := strconv.Itoa(other.Process.Pid) + "\n" + dataDir + "\n1700000000\n5432\n" + root + "/run\n\n"
	if err := os.MkdirAll(filepath.Join(root, "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		filepath.Join(dataDir, "postmaster.pid"),
		filepath.Join(root, "run", ".s.PGSQL.5432.lock"),
	} {
		if err := os.WriteFile(name, []byte(pidFile), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := embedded.StartDisposable(t.Context(), dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	pgtest.WantValue(t, c.URL(), "SELECT 1", "1")
	if !isAlive(other.Process.Pid) {
		t.Error("the other program was stopped")
	}
	stopCluster(t, c)
}

// breakSettings makes the next starts of a cluster fail until repair is called.
func breakSettings(t *testing.T, c *embedded.Cluster) (repair func()) {
	t.Helper()
	conf := filepath.Join(c.Dir(), "postgresql.auto.conf")
	good, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text []byte) {
		if err := os.WriteFile(conf, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write([]byte("no_such_setting = 1\n"))
	return func() { write(good) }
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
		pid := killPostmaster(t, c)
		pgtest.WaitFor(t, "the restart", func() bool {
			got, err := pgtest.Value(c.URL(), "SELECT n FROM kept")
			return err == nil && got == "7" && pgtest.PostmasterPID(t, c.Dir()) != pid
		})
	}
	select {
	case <-c.Done():
		t.Error("Done is closed after a successful restart")
	default:
	}
}

// killPostmaster kills the server of a cluster and returns its PID.
func killPostmaster(t *testing.T, c *embedded.Cluster) (pid int) {
	t.Helper()
	pid = pgtest.PostmasterPID(t, c.Dir())
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	return pid
}

// Stop ends the attempts to restart a server. The cluster gives up by itself after two minutes, with an error.
func TestStop_whileRestartsFail(t *testing.T) {
	t.Parallel()
	dir := pgtest.StateDir(t)
	var log programtest.Output
	logger := slog.New(slog.NewTextHandler(&log, nil))
	c, err := embedded.StartDisposable(t.Context(), dir, logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopCluster(t, c) })
	pgtest.WantValue(t, c.URL(), "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7); SELECT n FROM kept", "7")
	repair := breakSettings(t, c)
	killPostmaster(t, c)
	pgtest.WaitFor(t, "two failed restarts", func() bool {
		return strings.Count(log.String(), "restarting Postgres failed") >= 2
	})
	stopCluster(t, c)
	<-c.Done()
	repair()
	if c, err = embedded.StartDisposable(t.Context(), dir, quiet); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopCluster(t, c) })
	pgtest.WantValue(t, c.URL(), "SELECT n FROM kept", "7")
}

// With an ended context, Stop kills the server and returns an error.
func TestStop_endedContext(t *testing.T) {
	t.Parallel()
	c, err := embedded.StartDisposable(t.Context(), pgtest.StateDir(t), quiet)
	if err != nil {
		t.Fatal(err)
	}
	pid := pgtest.PostmasterPID(t, c.Dir())
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Stop(ended); err == nil || isAlive(pid) {
		t.Errorf("Stop with an ended context: error %v, server alive %v; want an error and false", err, isAlive(pid))
	}
	if !isAlive(pgtest.PostmasterPID(t, pgtest.Cluster().Dir())) {
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
	if defaultDir := filepath.Join(state, "postgres", "data"); os.Geteuid() == 0 {
		t.Cleanup(func() { os.RemoveAll(filepath.Dir(data)) }) // outside of dir
		t.Run("data elsewhere", func(t *testing.T) { checkRedirect(t, state, data) })
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

// checkRedirect checks where the data is if the tests run as root, and that a copy of the state directory does not
// start a second server on it.
func checkRedirect(t *testing.T, state, data string) {
	t.Helper()
	if !strings.HasPrefix(data, "/var/lib/labledger/") {
		t.Errorf("data in %s, which its user cannot enter", data)
	}
	b, err := os.ReadFile(filepath.Join(state, "postgres.path"))
	if err != nil || strings.TrimSpace(string(b)) != filepath.Dir(data) {
		t.Errorf("postgres.path: %q, %v", b, err)
	}
	copyDir := state + "-copy" // redirects to the same data
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
	t.Parallel()
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
