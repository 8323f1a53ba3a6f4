//go:build compose

// The tests of the compose stacks, with the tag compose: they build the images and run both stacks, so they need Docker, and ten
// minutes or so. `make compose` runs them.
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

// A composeStack is a project of Docker Compose, of the test's own, on a copy of the tree.
type composeStack struct {
	dir     string   // the copy
	project string   // also the tag of its images
	files   []string // of Compose
	env     []string
	port    string // of the API, or of the proxy
	tlsPort string
}

const (
	composeNetwork = "172.30.38" // the network in front, apart from the one of a stack that is in use
	buildTimeout   = 8 * time.Minute
	composeTimeout = 3 * time.Minute // for any other command
)

// newComposeStack copies the tree and sees to it that nothing is left in the end. It starts nothing.
func newComposeStack(t *testing.T, name string, files ...string) *composeStack {
	t.Helper()
	if out, err := runCommand("", nil, nil, 30*time.Second, "docker", "info", "--format", "{{.ServerVersion}}"); err != nil {
		t.Fatalf("these tests need Docker, and it does not run: %v\n%s", err, out)
	}
	if out, err := runCommand("", nil, nil, 30*time.Second, "docker", "compose", "version"); err != nil {
		t.Fatalf("these tests need Docker Compose, and it does not run: %v\n%s", err, out)
	}
	s := &composeStack{dir: t.TempDir(), project: "labledger-test-" + name + "-" + randomHex(3), files: files, port: freePort(t), tlsPort: freePort(t)}
	s.env = []string{"COMPOSE_PROJECT_NAME=" + s.project, "VERSION=" + s.project, "LABLEDGER_PORT=" + s.port, "LABLEDGER_TLS_PORT=" + s.tlsPort,
		"LABLEDGER_NET=" + composeNetwork, "LABLEDGER_ADDRESS=127.0.0.1", "REQUESTS_PER_SECOND=200", "TRUSTED_PROXIES="}
	paths, err := runCommand("..", nil, nil, time.Minute, "git", "ls-files", "-z", "-co", "--exclude-standard")
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.SplitSeq(strings.TrimSuffix(paths, "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join("..", path))
		if os.IsNotExist(err) {
			continue // taken away, and that is not committed yet
		}
		info, statErr := os.Stat(filepath.Join("..", path))
		if err != nil || statErr != nil {
			t.Fatal(err, statErr)
		}
		s.writeFile(t, path, string(text), info.Mode().Perm())
	}
	t.Cleanup(func() { s.tearDown(t) })
	return s
}

// writeFile puts a file into the copy.
func (s *composeStack) writeFile(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	path = filepath.Join(s.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}

// tearDown tells why it failed, takes the stack down, and looks for what was left.
func (s *composeStack) tearDown(t *testing.T) {
	if t.Failed() {
		ps, _ := s.tryCompose(time.Minute, "ps", "-a")
		t.Logf("the containers:\n%s", ps)
		services, _ := s.tryCompose(time.Minute, "config", "--services")
		for _, service := range strings.Fields(services) {
			log, _ := s.tryCompose(time.Minute, "logs", "--no-color", "--tail", "30", service)
			t.Logf("the log of %s:\n%s", service, log)
		}
	}
	if out, err := s.tryCompose(composeTimeout, "--profile", "*", "down", "-v", "--remove-orphans", "--rmi", "local", "--timeout", "10"); err != nil {
		t.Errorf("the stack does not go down: %v\n%s", err, out)
	}
	for _, kind := range []string{"container", "volume", "network"} {
		args := []string{kind, "ls", "-q", "--filter", "label=com.docker.compose.project=" + s.project}
		if kind == "container" {
			args = append(args, "-a")
		}
		if remaining, err := runCommand("", nil, nil, time.Minute, "docker", args...); err != nil || remaining != "" {
			t.Errorf("left of the stack, %s: %s %v", kind, remaining, err)
		}
	}
	images, err := runCommand("", nil, nil, time.Minute, "docker", "image", "ls", "-q", "--filter", "reference=*:"+s.project)
	if ids := strings.Fields(images); err == nil && len(ids) > 0 {
		_, err = runCommand("", nil, nil, time.Minute, "docker", append([]string{"image", "rm", "--force"}, ids...)...)
	}
	if err != nil {
		t.Errorf("the images do not go: %v", err)
	}
}

// withOverride is the same stack with one more file of Compose, of this text.
func (s *composeStack) withOverride(t *testing.T, name, text string) *composeStack {
	t.Helper()
	s.writeFile(t, name, text, 0o644)
	return s.withFile(name)
}

func (s *composeStack) withFile(name string) *composeStack {
	stack := *s
	stack.files = append(append([]string(nil), s.files...), name)
	return &stack
}

// withEnv is the same stack with another environment for Compose.
func (s *composeStack) withEnv(env ...string) *composeStack {
	stack := *s
	stack.env = append(append([]string(nil), s.env...), env...)
	return &stack
}

// tryCompose runs docker compose, and answers what it printed; the error has what it complained of.
func (s *composeStack) tryCompose(timeout time.Duration, args ...string) (string, error) {
	return s.tryComposeStdin("", timeout, args...)
}

// tryComposeStdin does so with something on standard input.
func (s *composeStack) tryComposeStdin(stdin string, timeout time.Duration, args ...string) (string, error) {
	composeArgs := []string{"compose", "--ansi", "never"}
	for _, f := range s.files {
		composeArgs = append(composeArgs, "-f", f)
	}
	return runCommand(s.dir, s.env, []byte(stdin), timeout, "docker", append(composeArgs, args...)...)
}

// compose runs docker compose and must succeed.
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

// psql runs a statement as the owner of the database in production, and answers its rows, fields apart by |.
func (s *composeStack) psql(t *testing.T, statement string) string {
	t.Helper()
	return strings.TrimSpace(s.compose(t, "exec", "-T", "db", "psql", "-X", "-U", "labledger", "-d", "labledger", "-At", "-v", "ON_ERROR_STOP=1", "-c", statement))
}

// containerID is the id of the container of a service.
func (s *composeStack) containerID(t *testing.T, service string) string {
	t.Helper()
	id := strings.TrimSpace(s.compose(t, "ps", "-aq", service))
	if id == "" || strings.Contains(id, "\n") {
		t.Fatalf("%s has not one container: %q", service, id)
	}
	return id
}

// docker runs docker and must succeed.
func (s *composeStack) docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := runCommand(s.dir, s.env, nil, composeTimeout, "docker", args...)
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out)
}

// runCommand runs a program for so long at most. It answers its standard output.
func runCommand(dir string, env []string, stdin []byte, limit time.Duration, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	var out, complaints bytes.Buffer
	c.Dir, c.Env, c.Stdin, c.Stdout, c.Stderr = dir, append(os.Environ(), env...), bytes.NewReader(stdin), &out, &complaints
	c.WaitDelay = 5 * time.Second
	err := c.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("not done within %v", limit)
	}
	if err != nil {
		text := complaints.String()
		err = fmt.Errorf("%w: %s", err, text[max(0, len(text)-4000):])
	}
	return out.String(), err
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// waitUntil asks every so often until it is so.
func waitUntil(t *testing.T, what string, timeout time.Duration, condition func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !condition() {
		if time.Since(start) > timeout {
			t.Fatalf("%s: not within %v", what, timeout)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return time.Since(start)
}
