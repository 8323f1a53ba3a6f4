package e2e

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

// TestMake_run starts the server with make, in the repository, and stops it as Ctrl-C does.
func TestMake_run(t *testing.T) {
	t.Parallel()
	state := stateDir(t)
	var out programtest.Output
	cmd := exec.Command("make", "run")
	cmd.Dir = "../.."
	cmd.Env = programtest.Env(t, append(goEnv(t), "STATE_DIR="+state)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		cmd.Wait()
		close(exited)
	}()
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-exited
	})
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	pgtest.WaitFor(t, "make run to print the address", func() bool {
		select {
		case <-exited:
			t.Fatalf("make run ended: %s", out.String())
		default:
		}
		return address.MatchString(out.String())
	})
	response, err := http.Get(address.FindString(out.String()) + "/site/1")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || string(body) != programtest.Site1 {
		t.Errorf("/site/1: %s, %v", body, err)
	}
	syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
	<-exited
	programtest.AssertNoPostgres(t, state)
}

// goEnv returns the variables with which a program in another home directory finds Go's caches.
func goEnv(t *testing.T) (env []string) {
	t.Helper()
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOFLAGS", "GOPROXY", "GOTOOLCHAIN"} {
		value, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, name+"="+strings.TrimSpace(string(value)))
	}
	return env
}

// The CI calls make test.
func TestMake_test(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{"run": "go run .\n", "test": "go test ./...\n"} {
		cmd := exec.Command("make", "--no-print-directory", "-n", target)
		cmd.Dir = "../.."
		cmd.Env = append(os.Environ(), "MAKEFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("make -n %s: %q, %v; want %q", target, out, err, want)
		}
	}
}
