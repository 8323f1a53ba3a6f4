package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
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
	"time"

	"github.com/jackc/pgx/v5"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
)

// TestRuns runs the program with the very settings and commands of each platform, on a real Postgres.
func TestRuns(t *testing.T) {
	labledger := install(t)
	t.Run("settings", func(t *testing.T) { t.Parallel(); checkSettings(t, labledger) })
	t.Run("Heroku", func(t *testing.T) { t.Parallel(); runAsHeroku(t, labledger) })
	t.Run("Kubernetes", func(t *testing.T) {
		t.Parallel()
		platform(t, labledger, kubernetesContainer(t, "migrate.yaml"), kubernetesContainer(t, "deployment.yaml"))
	})
	t.Run("ECS", func(t *testing.T) {
		t.Parallel()
		platform(t, labledger, ecsContainer(t, "migrate-task-definition.json"), ecsContainer(t, "task-definition.json"))
	})
}

// platform does what deploy/README.md says: the migration, the servers, the first admin.
func platform(t *testing.T, labledger program, migrate, serve container) {
	owner := pgtest.Database(t)
	const password = "f3b1c8e07a924d56" // the tests' Postgres asks for none
	server, err := url.Parse(owner)
	if err != nil {
		t.Fatal(err)
	}
	server.User = url.UserPassword(postgres.ServerRole, password)
	values := map[string]string{"OWNER_DATABASE_URL": owner, "DATABASE_URL": server.String(), "JWT_SECRET": "qX8vT3mZr1LkP0sYc7HnWf5GbUe2JdAo9RiKtNzVw4E"}
	env := func(c container) map[string]string {
		all := maps.Clone(c.plain)
		for name := range c.secret {
			all[name] = values[name]
		}
		return all
	}

	// With the secrets of the sample nothing starts.
	for key, sample := range sampleSecrets(t) {
		_, name, _ := strings.Cut(key, "/")
		c := serve
		if strings.HasPrefix(name, "OWNER_") {
			c = migrate
		}
		wrong := env(c)
		wrong[name] = sample
		out, code := labledger.run(t, here(t, wrong), "", c.args...)
		if code == 0 {
			t.Errorf("it starts with the sample's %s", name)
		}
		assertContains(t, out, name)
		if name != "JWT_SECRET" { // which is too short as well
			assertContains(t, out, "sample")
		}
	}

	// A server that comes before the migration says what is missing.
	out, code := labledger.run(t, here(t, env(serve)), "", serve.args...)
	if code == 0 {
		t.Error("it serves without a schema")
	}
	assertContains(t, out, "labledger migrate up")

	for range 2 {
		if out, code := labledger.run(t, env(migrate), "", migrate.args...); code != 0 {
			t.Fatalf("%v: exit code %d: %s", migrate.args, code, out)
		}
	}
	s := labledger.start(t, here(t, env(serve)), func(port string) *exec.Cmd { return exec.Command(labledger.path, serve.args...) })
	s.get("/healthcheck", "", http.StatusOK)
	s.get("/readyz", "", http.StatusOK)
	s.get("/sites", "", http.StatusUnauthorized)
	if out, code := labledger.run(t, s.env, "", "health"); code != 0 {
		t.Errorf("labledger health: exit code %d: %s", code, out)
	}
	s.admin(labledger) // by the server's own settings, as kubectl exec would
	s.stop(serve.grace)
	if out, code := labledger.run(t, s.env, "", "health"); code == 0 {
		t.Errorf("labledger health, of a server that is gone: %s", out)
	}
}

// here are settings as this machine can have them: on loopback, on any port, and with a folder of its own.
func here(t *testing.T, env map[string]string) map[string]string {
	t.Helper()
	env = maps.Clone(env)
	env["HOST"], env["PORT"], env["MEDIA_DIR"] = "127.0.0.1", "0", t.TempDir()
	return env
}

// A program is one that is installed in a folder named bin.
type program struct{ path string }

// install builds the program as Heroku does: what go.mod says is to be installed, into a folder named bin.
func install(t *testing.T) program {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "bin")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	packages := strings.Fields(findInFile(t, "go.mod", `(?m)^// \+heroku install (.+)$`))
	build := exec.CommandContext(ctx, "go", append([]string{"install", "-buildvcs=false", "-tags", "heroku"}, packages...)...)
	build.Dir, build.Env = "..", append(os.Environ(), "GOBIN="+bin)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	there, err := os.ReadDir(bin)
	if err != nil || len(there) != 1 || there[0].Name() != "labledger" {
		t.Fatalf("%v is in bin; want labledger alone (%v)", there, err)
	}
	return program{filepath.Join(bin, "labledger")}
}

// bounded ends a command that runs for too long.
func bounded(t *testing.T, cmd func(context.Context) *exec.Cmd) (out string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	c := cmd(ctx)
	c.WaitDelay = time.Second
	text, err := c.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("%v: %v, within %s: %s", c.Args, err, waitTimeout, text)
	}
	return string(text), c.ProcessState.ExitCode()
}

// run runs the program to its end, with these settings and no others.
func (p program) run(t *testing.T, env map[string]string, stdin string, args ...string) (out string, code int) {
	t.Helper()
	return bounded(t, func(ctx context.Context) *exec.Cmd {
		cmd := exec.CommandContext(ctx, p.path, args...)
		cmd.Dir, cmd.Env, cmd.Stdin = t.TempDir(), list(env), strings.NewReader(stdin)
		return cmd
	})
}

func list(env map[string]string) (all []string) {
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	return all
}

// A server is a command that serves.
type server struct {
	t     *testing.T
	env   map[string]string
	url   string
	out   bytes.Buffer // to be read when it has ended
	pid   int
	ended chan struct{}
	code  int
}

// start starts a server on a port that it is given, as platforms do, and waits until it is ready.
func (p program) start(t *testing.T, env map[string]string, command func(port string) *exec.Cmd) *server {
	t.Helper()
	for range 20 {
		port := strconv.Itoa(20000 + rand.IntN(10000)) // not from where the system takes ports for connections
		if listener, err := net.Listen("tcp", "127.0.0.1:"+port); err != nil {
			continue
		} else if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		env = maps.Clone(env)
		env["PORT"] = port
		s := &server{t: t, env: env, url: "http://127.0.0.1:" + port, ended: make(chan struct{})}
		cmd := command(port)
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = t.TempDir(), list(env), &s.out, &s.out, time.Second
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a shell's child ends with it
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		s.pid = cmd.Process.Pid
		go func() {
			_ = cmd.Wait() // the state tells it
			s.code = cmd.ProcessState.ExitCode()
			close(s.ended)
		}()
		t.Cleanup(func() {
			_ = syscall.Kill(-s.pid, syscall.SIGKILL) // it has ended, unless the test has failed
			<-s.ended
			if t.Failed() {
				t.Logf("the server wrote\n%s", &s.out)
			}
		})
		if s.ready() {
			return s
		}
		if !strings.Contains(s.out.String(), "is taken") {
			t.Fatalf("the server ended (%d): %s", s.code, &s.out)
		}
	}
	t.Fatal("no port is free")
	return nil
}

// ready waits until /readyz answers 200; it is false when the server ends before.
func (s *server) ready() bool {
	s.t.Helper()
	for began := time.Now(); time.Since(began) < waitTimeout; time.Sleep(20 * time.Millisecond) {
		select {
		case <-s.ended:
			return false
		default:
		}
		if status, _, err := s.ask(http.MethodGet, "/readyz", "", ""); err == nil && status == http.StatusOK {
			return true
		}
	}
	s.t.Fatal("waited too long for /readyz")
	return false
}

func (s *server) ask(method, path, token, body string) (status int, answer string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Close = true
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

func (s *server) get(path, token string, want int) {
	s.t.Helper()
	if status, answer, err := s.ask(http.MethodGet, path, token, ""); err != nil || status != want {
		s.t.Errorf("GET %s: %d %s %v; want %d", path, status, answer, err, want)
	}
}

// admin makes the first admin with the server's own settings, and signs in.
func (s *server) admin(p program) {
	s.t.Helper()
	const password = "countess of lovelace"
	if out, code := p.run(s.t, s.env, password+"\n", "user", "create", "ada", "--role", "admin"); code != 0 {
		s.t.Fatalf("user create: exit code %d: %s", code, out)
	}
	status, answer, err := s.ask(http.MethodPost, "/auth/login", "", `{"username": "ada", "password": "`+password+`"}`)
	if err != nil || status != http.StatusOK {
		s.t.Fatalf("signing in: %d %s %v", status, answer, err)
	}
	var tokens struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(answer), &tokens); err != nil {
		s.t.Fatal(err)
	}
	s.get("/sites", tokens.Access, http.StatusOK)
	s.get("/api/v1/users", tokens.Access, http.StatusOK)
}

// stop ends the server as platforms do, which kill what has not ended within grace.
func (s *server) stop(grace time.Duration) {
	s.t.Helper()
	if err := syscall.Kill(-s.pid, syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-s.ended:
		if s.code != 0 {
			s.t.Errorf("exit code %d", s.code)
		}
	case <-time.After(grace):
		s.t.Errorf("it did not end within %s", grace)
	}
}

// execute runs SQL.
func execute(t *testing.T, url, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }() // everything is committed by then
	if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
