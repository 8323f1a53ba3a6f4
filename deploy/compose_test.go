//go:build compose

// The tests with the build tag compose build the images and run both compose stacks. They need Docker and take about
// ten minutes. `make compose` runs them.
package deploy_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A composeStack is a Docker Compose project of one test, in a copy of the repository.
type composeStack struct {
	dir     string   // of the copy
	project string   // project name and tag of the images
	files   []string // compose files
	env     []string
	port    string // published port of the API or the proxy
	tlsPort string
	network string // LABLEDGER_NET: the first three numbers of the network of nginx and the API
}

const (
	buildTimeout   = 8 * time.Minute
	composeTimeout = 3 * time.Minute // of all other commands
)

// newComposeStack copies the repository and registers the cleanup. It starts no container.
func newComposeStack(t *testing.T, name string, files ...string) *composeStack {
	t.Helper()
	out, err := runCommand("", nil, nil, 30*time.Second, "docker", "info", "--format", "{{.ServerVersion}}")
	if err != nil {
		t.Fatalf("these tests need Docker, which is not running: %v\n%s", err, out)
	}
	if out, err := runCommand("", nil, nil, 30*time.Second, "docker", "compose", "version"); err != nil {
		t.Fatalf("these tests need Docker Compose, which does not run: %v\n%s", err, out)
	}
	s := &composeStack{
		dir:     t.TempDir(),
		project: "labledger-test-" + name + "-" + randomHex(3),
		files:   files,
		port:    freePort(t),
		tlsPort: freePort(t),
		network: freeNetwork(t),
	}
	s.env = []string{
		"COMPOSE_PROJECT_NAME=" + s.project,
		"VERSION=" + s.project,
		"LABLEDGER_PORT=" + s.port,
		"LABLEDGER_TLS_PORT=" + s.tlsPort,
		"LABLEDGER_NET=" + s.network,
		"LABLEDGER_ADDRESS=127.0.0.1",
		"REQUESTS_PER_SECOND=200",
		"TRUSTED_PROXIES=",
	}
	paths, err := runCommand("..", nil, nil, time.Minute, "git", "ls-files", "-z", "-co", "--exclude-standard")
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.SplitSeq(strings.TrimSuffix(paths, "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join("..", path))
		if os.IsNotExist(err) {
			continue // deleted, but the deletion is not committed
		}
		info, statErr := os.Stat(filepath.Join("..", path))
		if err != nil || statErr != nil {
			t.Fatal(err, statErr)
		}
		s.writeFile(t, path, string(content), info.Mode().Perm())
	}
	t.Cleanup(func() { s.tearDown(t) })
	return s
}

// freeNetwork returns the first three numbers of a network that no other stack has, neither one in use nor one that a
// killed test left.
func freeNetwork(t *testing.T) string {
	t.Helper()
	ids, err := runCommand("", nil, nil, time.Minute, "docker", "network", "ls", "-q")
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"network", "inspect", "--format", "{{range .IPAM.Config}}{{.Subnet}} {{end}}"},
		strings.Fields(ids)...)
	used, err := runCommand("", nil, nil, time.Minute, "docker", args...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 256 {
		if network := fmt.Sprintf("10.214.%d", i); !strings.Contains(used, network+".") {
			return network
		}
	}
	t.Fatalf("all networks 10.214.*.0/24 are in use: %s", used)
	return ""
}

// writeFile writes a file into the copy.
func (s *composeStack) writeFile(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	path = filepath.Join(s.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // independent of the umask
		t.Fatal(err)
	}
}

// tearDown logs the containers of a failed test, removes the stack and checks that nothing of it remains.
func (s *composeStack) tearDown(t *testing.T) {
	if t.Failed() {
		ps, _ := s.tryCompose(time.Minute, "ps", "-a")
		t.Logf("containers:\n%s", ps)
		services, _ := s.tryCompose(time.Minute, "config", "--services")
		for _, service := range strings.Fields(services) {
			log, _ := s.tryCompose(time.Minute, "logs", "--no-color", "--tail", "30", service)
			t.Logf("log of %s:\n%s", service, log)
		}
	}
	down := []string{"--profile", "*", "down", "-v", "--remove-orphans", "--rmi", "local", "--timeout", "10"}
	if out, err := s.tryCompose(composeTimeout, down...); err != nil {
		t.Errorf("removing the stack: %v\n%s", err, out)
	}
	for _, kind := range []string{"container", "volume", "network"} {
		args := []string{kind, "ls", "-q", "--filter", "label=com.docker.compose.project=" + s.project}
		if kind == "container" {
			args = append(args, "-a")
		}
		if remaining, err := runCommand("", nil, nil, time.Minute, "docker", args...); err != nil || remaining != "" {
			t.Errorf("a %s of the stack remains: %s %v", kind, remaining, err)
		}
	}
	images, err := runCommand("", nil, nil, time.Minute,
		"docker", "image", "ls", "-q", "--filter", "reference=*:"+s.project)
	if ids := strings.Fields(images); err == nil && len(ids) > 0 {
		_, err = runCommand("", nil, nil, time.Minute, "docker", append([]string{"image", "rm", "--force"}, ids...)...)
	}
	if err != nil {
		t.Errorf("removing the images: %v", err)
	}
}

// withOverride returns the stack with an additional compose file of this content.
func (s *composeStack) withOverride(t *testing.T, name, text string) *composeStack {
	t.Helper()
	s.writeFile(t, name, text, 0o644)
	return s.withFile(name)
}

// withFile returns the stack with an additional compose file of the repository.
func (s *composeStack) withFile(name string) *composeStack {
	stack := *s
	stack.files = append(append([]string(nil), s.files...), name)
	return &stack
}

// withEnv returns the stack with additional environment variables.
func (s *composeStack) withEnv(env ...string) *composeStack {
	stack := *s
	stack.env = append(append([]string(nil), s.env...), env...)
	return &stack
}

// tryCompose runs docker compose and returns its standard output. The error includes standard error.
func (s *composeStack) tryCompose(timeout time.Duration, args ...string) (string, error) {
	return s.tryComposeStdin("", timeout, args...)
}

// tryComposeStdin does the same with a standard input.
func (s *composeStack) tryComposeStdin(stdin string, timeout time.Duration, args ...string) (string, error) {
	composeArgs := []string{"compose", "--ansi", "never"}
	for _, f := range s.files {
		composeArgs = append(composeArgs, "-f", f)
	}
	return runCommand(s.dir, s.env, []byte(stdin), timeout, "docker", append(composeArgs, args...)...)
}

// compose runs docker compose and fails the test on an error.
func (s *composeStack) compose(t *testing.T, args ...string) string {
	t.Helper()
	timeout := composeTimeout
	for _, arg := range args {
		if arg == "build" || arg == "--build" {
			timeout = buildTimeout
		}
	}
	out, err := s.tryCompose(timeout, args...)
	if err != nil {
		t.Fatalf("docker compose %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// psql runs a statement as the owner of the production database. It returns the rows, with fields separated by |.
func (s *composeStack) psql(t *testing.T, statement string) string {
	t.Helper()
	out, err := s.tryPSQL(statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return out
}

// tryPSQL does the same, but returns the error, which includes standard error.
func (s *composeStack) tryPSQL(statement string) (string, error) {
	out, err := s.tryCompose(composeTimeout, "exec", "-T", "db",
		"psql", "-X", "-U", "labledger", "-d", "labledger", "-At", "-v", "ON_ERROR_STOP=1", "-c", statement)
	return strings.TrimSpace(out), err
}

// containerID returns the ID of the only container of a service.
func (s *composeStack) containerID(t *testing.T, service string) string {
	t.Helper()
	id := strings.TrimSpace(s.compose(t, "ps", "-aq", service))
	if id == "" || strings.Contains(id, "\n") {
		t.Fatalf("%s: container IDs %q, want one", service, id)
	}
	return id
}

// docker runs docker and fails the test on an error.
func (s *composeStack) docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := runCommand(s.dir, s.env, nil, composeTimeout, "docker", args...)
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out)
}

// runCommand runs a program and returns its standard output. The error includes standard error.
func runCommand(
	dir string, env []string, stdin []byte, timeout time.Duration, name string, args ...string,
) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin = bytes.NewReader(stdin)
	cmd.Stdout = &stdout
	cmd.Stderr = &stderr
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("timeout after %v", timeout)
	}
	if err != nil {
		text := stderr.String()
		err = fmt.Errorf("%w: %s", err, text[max(0, len(text)-4000):])
	}
	return stdout.String(), err
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

// waitUntil polls the condition until it is true. It returns how long that took.
func waitUntil(t *testing.T, what string, timeout time.Duration, condition func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !condition() {
		if time.Since(start) > timeout {
			t.Fatalf("%s: timeout after %v", what, timeout)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return time.Since(start)
}
