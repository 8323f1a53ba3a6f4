package deploy

import (
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/programtest"
)

// TestRuns runs the program with the settings and commands of each platform, on a real Postgres.
func TestRuns(t *testing.T) {
	t.Parallel()
	labledger := install(t)
	t.Run("settings", func(t *testing.T) {
		t.Parallel()
		checkSettings(t, labledger)
	})
	t.Run("Heroku", func(t *testing.T) {
		t.Parallel()
		runAsHeroku(t, labledger)
	})
	t.Run("Kubernetes", func(t *testing.T) {
		t.Parallel()
		runContainers(t, labledger, kubernetesContainer(t, "migrate.yaml"), kubernetesContainer(t, "deployment.yaml"))
	})
	t.Run("ECS", func(t *testing.T) {
		t.Parallel()
		migrate, serve := ecsContainer(t, "migrate-task-definition.json"), ecsContainer(t, "task-definition.json")
		runContainers(t, labledger, migrate, serve)
	})
}

// runContainers follows deploy/README.md: the migration, a server, the first admin.
func runContainers(t *testing.T, labledger program, migrate, serve container) {
	owner := pgtest.Database(t)
	const password = "f3b1c8e07a924d56" // any password: the tests' Postgres requires none
	server, err := url.Parse(owner)
	if err != nil {
		t.Fatal(err)
	}
	server.User = url.UserPassword(postgres.ServerRole, password)
	secrets := map[string]string{
		"OWNER_DATABASE_URL": owner, "DATABASE_URL": server.String(), "JWT_SECRET": programtest.SampleSecret,
	}
	rejectSampleSecrets(t, labledger, migrate, serve, secrets)

	// Before the migration, the server does not start.
	serveEnv := localSettings(t, serve.settings(secrets))
	out, code := labledger.run(t, serveEnv, "", serve.args...)
	if code == 0 {
		t.Error("the server starts without a schema")
	}
	assertContains(t, out, "labledger migrate up")

	for range 2 { // the second migration changes nothing
		if out, code := labledger.run(t, migrate.settings(secrets), "", migrate.args...); code != 0 {
			t.Fatalf("%v: exit code %d: %s", migrate.args, code, out)
		}
	}
	s := startServer(t, serveEnv, func() *exec.Cmd { return exec.Command(labledger.path, serve.args...) })
	s.Get("/healthcheck", http.StatusOK)
	s.Get("/readyz", http.StatusOK)
	s.Get("/sites", http.StatusUnauthorized)
	if out, code := labledger.run(t, s.env, "", "health"); code != 0 {
		t.Errorf("labledger health: exit code %d: %s", code, out)
	}
	s.createAdmin(t, labledger)
	s.Stop(syscall.SIGTERM)
	if out, code := labledger.run(t, s.env, "", "health"); code == 0 {
		t.Errorf("labledger health after the server has stopped: exit code 0: %s", out)
	}
}

// rejectSampleSecrets checks that the program rejects each secret of the sample.
func rejectSampleSecrets(t *testing.T, labledger program, migrate, serve container, secrets map[string]string) {
	t.Helper()
	for key, sample := range sampleSecrets(t) {
		_, name, _ := strings.Cut(key, "/")
		c := serve
		if strings.HasPrefix(name, "OWNER_") {
			c = migrate
		}
		env := c.settings(secrets)
		env[name] = sample
		out, code := labledger.run(t, localSettings(t, env), "", c.args...)
		if code == 0 {
			t.Errorf("the program accepts the sample's %s", name)
		}
		assertContains(t, out, name)
		if name != "JWT_SECRET" { // the sample key is rejected because it is too short
			assertContains(t, out, "sample")
		}
	}
}

// settings returns the settings of the container with the values of its secrets.
func (c container) settings(secrets map[string]string) map[string]string {
	env := maps.Clone(c.plain)
	for name := range c.secret {
		env[name] = secrets[name]
	}
	return env
}

// localSettings adapts settings to this machine: loopback, any free port, and a media directory of its own.
func localSettings(t *testing.T, env map[string]string) map[string]string {
	t.Helper()
	env = maps.Clone(env)
	env["HOST"], env["PORT"], env["MEDIA_DIR"] = "127.0.0.1", "0", t.TempDir()
	return env
}

// program is the program, installed in a directory named bin.
type program struct{ path string }

// install builds the program as Heroku does: it installs the packages that go.mod names into a directory named bin.
func install(t *testing.T) program {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "bin")
	packages := strings.Fields(findInFile(t, "go.mod", `(?m)^// \+heroku install (.+)$`))
	args := append([]string{"install", "-buildvcs=false", "-tags", "heroku"}, packages...)
	build := exec.CommandContext(t.Context(), "go", args...)
	build.Dir, build.Env = "..", append(os.Environ(), "GOBIN="+bin)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := os.ReadDir(bin)
	if err != nil || len(files) != 1 || files[0].Name() != "labledger" {
		t.Fatalf("files in bin: %v, %v; want only labledger", files, err)
	}
	return program{filepath.Join(bin, "labledger")}
}

// run runs the program to its end with exactly these settings. It returns standard output and standard error.
func (p program) run(t *testing.T, env map[string]string, stdin string, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.Command(p.path, args...)
	cmd.Stdin = strings.NewReader(stdin)
	return runCommand(t, env, cmd)
}

// runCommand runs a command to its end with exactly these settings. It returns standard output and standard error.
func runCommand(t *testing.T, env map[string]string, cmd *exec.Cmd) (out string, code int) {
	t.Helper()
	cmd.Dir, cmd.Env = t.TempDir(), environ(env)
	r, err := programtest.Exec(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return r.Stdout + r.Stderr, r.Code
}

func environ(settings map[string]string) (env []string) {
	for name, value := range settings {
		env = append(env, name+"="+value)
	}
	return env
}

// server is a running server with its settings.
type server struct {
	*programtest.Server
	env map[string]string
}

// startServer starts a server on a chosen port, as platforms do, and waits until it is ready. It tries another port if
// the port is in use.
func startServer(t *testing.T, env map[string]string, command func() *exec.Cmd) *server {
	t.Helper()
	for range 20 {
		port := strconv.Itoa(20000 + rand.IntN(10000)) // below the ports that the system assigns
		if listener, err := net.Listen("tcp", "127.0.0.1:"+port); err != nil {
			continue
		} else if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		env = maps.Clone(env)
		env["PORT"] = port
		cmd := command()
		cmd.Dir, cmd.Env = t.TempDir(), environ(env)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that signals reach the child of a shell
		s := &server{programtest.Launch(t, cmd), env}
		s.URL = "http://127.0.0.1:" + port
		if s.WaitReady() {
			return s
		}
		if !strings.Contains(s.output(), "is in use") {
			t.Fatalf("the server exited: %s", s.output())
		}
	}
	t.Fatal("no free port")
	return nil
}

func (s *server) output() string { return s.Stdout.String() + s.Stderr.String() }

// createAdmin creates the first admin with the settings of the server, as kubectl exec does, and signs in.
func (s *server) createAdmin(t *testing.T, labledger program) {
	t.Helper()
	const password = programtest.SamplePassword
	if out, code := labledger.run(t, s.env, password+"\n", "user", "create", "ada", "--role", "admin"); code != 0 {
		t.Fatalf("user create: exit code %d: %s", code, out)
	}
	ada := s.Login("ada", password, http.StatusOK)
	s.SendAs(ada, http.MethodGet, "/sites", "", http.StatusOK)
	s.SendAs(ada, http.MethodGet, "/api/v1/users", "", http.StatusOK)
}
