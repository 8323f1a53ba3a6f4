package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"labledger/internal/programtest"
)

const (
	secret   = programtest.SampleSecret
	password = programtest.SamplePassword
)

const noAdminWarning = "no admin can sign in; create one: labledger user create NAME --role admin"

// A server that requires sign-in warns until an admin exists. Changes by commands apply to the next request.
func TestAuth_accountsFromTheCommandLine(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	authEnv := append([]string{"AUTH=required", "JWT_SECRET=" + secret}, env...)
	s := startServer(t, authEnv...)
	n := strings.Count(s.Stdout.String(), noAdminWarning)
	if n != 1 || !strings.Contains(s.Stdout.String(), `"level":"WARN"`) {
		t.Errorf("%d warnings that there is no admin, want 1: %s", n, &s.Stdout)
	}
	s.Send(http.MethodPatch, "/site/1", `{"name": "Mine"}`, http.StatusUnauthorized)
	s.Login("grace", password, http.StatusUnauthorized)
	mustRun(t, env, password, "user", "create", "grace", "--role", "admin")
	grace := s.Login("grace", password, http.StatusOK)
	s.SendAs(grace, http.MethodPatch, "/site/1", `{"name": "Renamed"}`, http.StatusOK)
	var changes []programtest.Change
	history := s.SendAs(grace, http.MethodGet, "/site/1/history", "", http.StatusOK)
	if err := json.Unmarshal([]byte(history), &changes); err != nil {
		t.Fatal(err)
	}
	if last := changes[len(changes)-1]; last.Actor != "grace" || last.Action != "update" || last.RequestID == nil {
		t.Errorf("last change %+v", last)
	}

	mustRun(t, env, "", "user", "role", "grace", "viewer")
	s.SendAs(grace, http.MethodPatch, "/site/1", `{"name": "Again"}`, http.StatusForbidden)
	mustRun(t, env, "", "user", "role", "grace", "admin")
	s.SendAs(grace, http.MethodPatch, "/site/1", `{"name": "Again"}`, http.StatusOK)
	mustRun(t, env, "", "user", "disable", "grace")
	s.SendAs(grace, http.MethodPatch, "/site/1", `{"name": "Too late"}`, http.StatusUnauthorized)
	s.Login("grace", password, http.StatusUnauthorized)
	mustRun(t, env, "", "user", "enable", "grace")
	s.SendAs(grace, http.MethodGet, "/site/1", "", http.StatusUnauthorized) // the old session stays revoked
	grace = s.Login("grace", password, http.StatusOK)
	mustRun(t, env, password+" too", "user", "password", "grace")
	s.SendAs(grace, http.MethodGet, "/site/1", "", http.StatusUnauthorized)
	s.Login("grace", password, http.StatusUnauthorized)
	s.Login("grace", password+" too", http.StatusOK)
	s.Stop(syscall.SIGTERM)

	// A disabled admin, and one without a password, cannot sign in. An open server needs no admin.
	for _, c := range []struct {
		env     []string
		command string
		warns   bool
	}{
		{authEnv, "enable grace", false},
		{authEnv, "disable grace", true},
		{env, "disable grace", false},
		{authEnv, "role Bob admin", true},
	} {
		mustRun(t, env, "", append([]string{"user"}, strings.Fields(c.command)...)...)
		s := startServer(t, c.env...)
		if strings.Contains(s.Stdout.String(), noAdminWarning) != c.warns {
			t.Errorf("after %q, %d settings: want a warning: %t; %s", c.command, len(c.env), c.warns, &s.Stdout)
		}
		s.Stop(syscall.SIGTERM)
	}
}

// Instances with the same key accept each other's tokens, whether the key comes from a variable or a file.
func TestAuth_sharedSigningKey(t *testing.T) {
	t.Parallel()
	env := append([]string{"AUTH=required"}, migrated(t, true)...)
	mustRun(t, env, password, "user", "create", "grace")
	fromVariable := startServer(t, append([]string{"JWT_SECRET=" + secret}, env...)...)
	fromFile := startServer(t, append([]string{"JWT_SECRET_FILE=" + writeFile(t, "secret", secret+"\n")}, env...)...)
	otherSecret := writeFile(t, "other", strings.ToLower(secret))
	otherKey := startServer(t, append([]string{"JWT_SECRET_FILE=" + otherSecret}, env...)...)
	grace := fromFile.Login("grace", password, http.StatusOK)
	fromVariable.SendAs(grace, http.MethodGet, "/site/1", "", http.StatusOK)
	fromFile.SendAs(grace, http.MethodGet, "/site/1", "", http.StatusOK)
	otherKey.SendAs(grace, http.MethodGet, "/site/1", "", http.StatusUnauthorized)
}

// The error for a rejected secret names the fix but not the secret. TestConfig_rejected has the other rejected
// settings.
func TestAuth_errorsHideSecrets(t *testing.T) {
	t.Parallel()
	for _, weak := range []string{
		"zq81-short", strings.Repeat("zq81", 10), "my-password-is-my-password-and-yours", strings.Repeat("x", 40),
	} {
		for name, value := range map[string]string{"JWT_SECRET": weak, "JWT_SECRET_FILE": writeFile(t, "secret", weak+"\n")} {
			env := []string{"AUTH=required", name + "=" + value, "DATABASE_URL=postgres://nobody@127.0.0.1:1/nothing"}
			r := run(t, env, "")
			if r.Code != 1 || strings.Contains(r.Stdout+r.Stderr, weak) {
				t.Errorf("%s: exit code %d; %s%s", name, r.Code, r.Stdout, r.Stderr)
			}
			assertContains(t, r.Stderr, "labledger: "+name+": the secret ", "use 32 random bytes")
		}
	}
}

// With the embedded Postgres, the signing key is stored in the state directory, so sessions survive a restart.
func TestAuth_storedSigningKey(t *testing.T) {
	t.Parallel()
	state := stateDir(t)
	env := []string{"AUTH=required", "STATE_DIR=" + state}
	s := startServer(t, env...)
	mustRun(t, env, password, "user", "create", "grace", "--role=admin")
	grace := s.Login("grace", password, http.StatusOK)
	path := filepath.Join(state, "jwt_secret")
	key, err := os.ReadFile(path)
	if err != nil || len(key) != 44 {
		t.Fatalf("%d bytes in %s, %v", len(key), path, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%s: mode %v, %v", path, info.Mode(), err)
	}
	if strings.Contains(s.Stdout.String()+s.Stderr.String(), strings.TrimSpace(string(key))) {
		t.Error("output contains the key")
	}
	s.Stop(syscall.SIGTERM)
	s = startServer(t, env...)
	s.SendAs(grace, http.MethodPatch, "/site/1", `{"name": "Renamed"}`, http.StatusOK)
	if afterRestart, err := os.ReadFile(path); err != nil || string(afterRestart) != string(key) {
		t.Error("key differs after a restart", err)
	}
	s.Stop(syscall.SIGTERM)

	other := stateDir(t)
	startServer(t, "AUTH=required", "STATE_DIR="+other).Stop(syscall.SIGTERM)
	if otherKey, err := os.ReadFile(filepath.Join(other, "jwt_secret")); err != nil || string(otherKey) == string(key) {
		t.Error("two state directories have the same key", err)
	}
}
