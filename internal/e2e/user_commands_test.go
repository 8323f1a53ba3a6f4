package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	secret = "m2Vf8rQx1TzL6pYk0HsWb4NcJ7dGuE9aXiRo5vKtZ3M" // of a test's server
	grace  = "amazing grace 1906"                          // password of an account in a test
)

// accountChanges are what the history says of the account of a name: who did what, and what it was then.
func accountChanges(t *testing.T, url, name string) []string {
	t.Helper()
	return strings.Split(told(t, url, fmt.Sprintf(`
		SELECT string_agg(concat_ws(' ', actor, action, after ->> 'role', coalesce(after ->> 'risk', '-'), after ->> 'disabled', request_id), E'\n' ORDER BY id)
		FROM change
		WHERE table_name = 'account' AND after ->> 'username' = '%s'`, name)), "\n")
}

func TestUser(t *testing.T) {
	t.Parallel()
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	env := migrated(t, true)
	url := strings.TrimPrefix(env[0], "DATABASE_URL=")
	list := func() string { t.Helper(); return succeed(t, env, "", "user", "list") }
	want(t, "the mock data", list(), `ID  USERNAME  ROLE    RISK  DISABLED  PASSWORD  LAST SIGN-IN
1   Bob       viewer  -     no        no        -
2   Jane      viewer  -     no        no        -
3   Harry     viewer  -     no        no        -
`)
	// What each says, and what is true after it: role, risk, disabled.
	var done []string
	for _, c := range []struct{ args, stdin, says, then string }{
		{"create grace", grace + "\n", "grace was created: account 4, role viewer, with a password.", "insert viewer - false"},
		{"role grace operator", "", "The role of grace is operator now.", "update operator - false"},
		{"risk grace high", "", "The risk level of grace is high now.", "update operator high false"},
		{"disable grace", "", "grace is disabled. The sessions and API tokens of the account have ended.", "update operator high true"},
		{"disable grace", "", "grace is disabled. The sessions and API tokens of the account have ended.", ""},
		{"risk grace none", "", "grace has no risk level now, which counts as medium.", "update operator - true"},
		{"enable grace", "", "grace is enabled: it may do what its role allows.", "update operator - false"},
		{"password grace", grace + " too\r\n", "grace has a new password. The sessions and API tokens of the account have ended.", ""},
		{"role grace admin", "", "The role of grace is admin now.", "update admin - false"},
	} {
		r := run(t, env, c.stdin, append([]string{"user"}, strings.Fields(c.args)...)...)
		if r.code != 0 || r.stdout != c.says+"\n" || r.stderr != "" {
			t.Errorf("%s: exit code %d, %q, %q; want %q", c.args, r.code, r.stdout, r.stderr, c.says)
		}
		if c.then != "" {
			done = append(done, who.Username+" "+c.then)
		}
	}
	want(t, "history", strings.Join(accountChanges(t, url, "grace"), "\n"), strings.Join(done, "\n"))

	want(t, "create with all", succeed(t, env, grace, "user", "create", "Zoë B.", "--role", "operator", "--country", "Iceland", "--risk=low"),
		"Zoë B. was created: account 5, role operator, with a password.\n")
	want(t, "create without a password", succeed(t, env, "", "user", "create", "gate", "--no-password"),
		"gate was created: account 6, role viewer, without a password, so that nobody can sign in to it.\n")
	want(t, "a password for the directory", succeed(t, env, grace, "user", "password", "Bob"),
		"Bob has a new password. The sessions and API tokens of the account have ended.\n")
	execute(t, url, "INSERT INTO account (username) VALUES (E'\\x1b[2Jno\\tbody')")
	execute(t, url, "INSERT INTO session (account_id, created_at, expires_at) VALUES (5, '2026-03-01 12:00Z', now()), (5, '2026-01-01Z', now())")
	want(t, "list", list(), `ID  USERNAME           ROLE      RISK  DISABLED  PASSWORD  LAST SIGN-IN
1   Bob                viewer    -     no        yes       -
2   Jane               viewer    -     no        no        -
3   Harry              viewer    -     no        no        -
4   grace              admin     -     no        yes       -
5   Zoë B.             operator  low   no        yes       2026-03-01T12:00:00Z
6   gate               viewer    -     no        no        -
7   "\x1b[2Jno\tbody"  viewer    -     no        no        -
`)
	want(t, "country", told(t, url, "SELECT country FROM account WHERE id = 5"), "Iceland")

	// The password itself is kept nowhere, and its hash is not in the history.
	for _, table := range []string{"change", "account", "credential"} {
		if text := told(t, url, "SELECT coalesce(string_agg(row::text, ''), '') FROM "+table+" AS row"); strings.Contains(text, grace) || table == "change" && strings.Contains(text, "argon2id") {
			t.Errorf("the password is in table %s", table)
		}
	}
	s := start(t, env...)
	login(t, s, "grace", grace, http.StatusUnauthorized)
	login(t, s, "grace", grace+" too", http.StatusOK)
	login(t, s, "Zoë B.", grace, http.StatusOK)
}

func TestUserRefused(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	succeed(t, env, grace+"\n", "user", "create", "grace")
	url := strings.TrimPrefix(env[0], "DATABASE_URL=")
	state := func() string {
		t.Helper()
		return told(t, url, "SELECT string_agg(concat(account, password_hash), ' ' ORDER BY id) FROM account LEFT JOIN credential ON account_id = id")
	}
	before := state()
	for _, c := range []struct {
		args  []string
		stdin string
		words []string
	}{
		{[]string{"create", "Bob"}, grace, []string{"already", "without a password", "user password", "user role"}},
		{[]string{"create", "Bob", "--no-password"}, "", []string{"already", "without a password"}},
		{[]string{"create", "grace", "--role", "admin"}, grace + " too", []string{"already", "user password"}},
		{[]string{"create", "grace", "--no-password"}, "", []string{"already"}},
		{[]string{"create", "ada"}, "", []string{"nothing was changed", "no password on standard input"}},
		{[]string{"create", "ada"}, "\n", []string{"nothing was changed", "at least 8 characters"}},
		{[]string{"create", "ada"}, "football\n", []string{"nothing was changed", "most common"}},
		{[]string{"create", "ada"}, "P@ssw0rd\n", []string{"most common"}},
		{[]string{"create", "ada lovelace"}, "Ada Lovelace\n", []string{"must not be the username"}},
		{[]string{"create", "ada"}, strings.Repeat("long ", 2000), []string{"at most 128 characters"}},
		{[]string{"create", "ada"}, "not UTF-8 \xff\n", []string{"valid UTF-8"}},
		{[]string{"create", " "}, grace, []string{"nothing was changed", "username not blank"}},
		{[]string{"create", strings.Repeat("a", 101)}, grace, []string{"username at most 100 characters"}},
		{[]string{"password", "Grace"}, grace + " too", []string{"there is no account Grace", "user list"}},
		{[]string{"password", "grace"}, "short", []string{"nothing was changed", "at least 8 characters"}},
		{[]string{"password", "grace"}, "", []string{"no password on standard input"}},
		{[]string{"role", "nobody", "admin"}, "", []string{"there is no account nobody"}},
		{[]string{"risk", "nobody", "none"}, "", []string{"there is no account nobody"}},
		{[]string{"disable", "nobody"}, "", []string{"there is no account nobody"}},
		{[]string{"enable", "no\x1bbody"}, "", []string{`there is no account "no\x1bbody"`}},
	} {
		r := run(t, env, c.stdin, append([]string{"user"}, c.args...)...)
		if r.code != 1 || r.stdout != "" || strings.Contains(r.stderr, "goroutine ") {
			t.Errorf("%q: exit code %d, want 1; %s%s", c.args, r.code, r.stdout, r.stderr)
		}
		says(t, r.stderr, c.words...)
		if password := strings.TrimSpace(c.stdin); password != "" && strings.Contains(r.stderr, password) {
			t.Errorf("%q: the password is told: %s", c.args, r.stderr)
		}
	}
	want(t, "accounts", state(), before)
}

// Wrong words are the command line's own fault: nothing is touched. There is no way to put a password there, where all can see it.
func TestUserWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, says string }{
		{"user", "expected one of"}, {"user create", "<name>"}, {"user rename a b", "unexpected argument rename"},
		{"user create ada --role boss", `"viewer","operator","admin"`}, {"user role ada boss", `"viewer","operator","admin"`}, {"user role ada", "<role>"},
		{"user create ada --risk=none", `"low","medium","high"`}, {"user risk ada extreme", `"low","medium","high","none"`},
		{"user create ada sesame", "unexpected argument"}, {"user create ada --password=sesame", "unknown flag"}, {"user password ada sesame", "unexpected argument"},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			dir := stateDir(t, "state")
			r := run(t, []string{"STATE_DIR=" + dir}, "", strings.Fields(c.args)...)
			if r.code == 0 || r.code == 1 || r.stdout != "" {
				t.Errorf("exit code %d, %s", r.code, r.stdout)
			}
			says(t, r.stderr, "usage: labledger user", c.says)
			untouched(t, dir)
		})
	}
}

// Somebody may take a name after it was found free.
func TestUserCreateTwice(t *testing.T) {
	t.Parallel()
	env := migrated(t, false)
	url := strings.TrimPrefix(env[0], "DATABASE_URL=")
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "BEGIN; INSERT INTO account (username, country) VALUES ('grace', 'first')"); err != nil {
		t.Fatal(err)
	}
	answer := make(chan result, 1)
	go func() { answer <- run(t, env, grace, "user", "create", "grace") }()
	const waiting = "SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
	for began := time.Now(); told(t, url, waiting) != "1"; time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatal("the command does not wait for the other one")
		}
	}
	if _, err := conn.Exec(ctx, "COMMIT"); err != nil {
		t.Fatal(err)
	}
	r := <-answer
	if r.code != 1 || r.stdout != "" {
		t.Errorf("exit code %d, %s", r.code, r.stdout)
	}
	says(t, r.stderr, "there is an account grace already", "user password")
	want(t, "account", told(t, url, "SELECT concat(max(country), count(*), count(account_id)) FROM account LEFT JOIN credential ON account_id = id"), "first10")
}

// Whoever changes his mind is not waited for.
func TestUserCreateStopped(t *testing.T) {
	t.Parallel()
	env := migrated(t, false)
	cmd := exec.Command(binary, "user", "create", "grace")
	cmd.Env = environment(t, env)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe() // nothing comes
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close() }()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	url := strings.TrimPrefix(env[0], "DATABASE_URL=")
	for began := time.Now(); told(t, url, "SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%ListAccounts%' AND pid <> pg_backend_pid()") == "0"; {
		if time.Sleep(5 * time.Millisecond); time.Since(began) > patience {
			t.Fatal("the command does not look whether the name is free")
		}
	}
	_ = cmd.Process.Signal(syscall.SIGINT) // one that has ended needs none
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		t.Fatal("it waits for a password nobody wants to give")
	}
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	says(t, stderr.String(), "labledger: ")
}

// login signs in, and returns the header with which one is who one is.
func login(t *testing.T, s *server, name, password string, status int) http.Header {
	t.Helper()
	body, err := json.Marshal(map[string]string{"username": name, "password": password})
	if err != nil {
		t.Fatal(err)
	}
	var tokens struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(s.send(http.MethodPost, "/auth/login", string(body), status)), &tokens); err != nil {
		t.Fatal(err)
	}
	return http.Header{"Authorization": {"Bearer " + tokens.Access}, "Content-Type": {"application/json"}}
}

// as sends a request as somebody.
func (s *server) as(who http.Header, method, path, body string, want int) string {
	s.t.Helper()
	status, answer, err := exchange(method, s.url+path, who.Clone(), body)
	if err != nil {
		s.t.Fatal(err)
	}
	if status != want {
		s.t.Fatalf("%s %s: status %d, want %d: %s", method, path, status, want, answer)
	}
	return answer
}

const noAdmin = "there is no admin who can sign in. Make one: labledger user create NAME --role admin"

// From a server that lets nobody in to its first admin, and back.
func TestFirstAdmin(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	locked := append([]string{"AUTH=required", "JWT_SECRET=" + secret}, env...)
	s := start(t, locked...)
	if n := strings.Count(s.stdout.String(), noAdmin); n != 1 || !strings.Contains(s.stdout.String(), `"level":"WARN"`) {
		t.Errorf("%d warnings that there is no admin, want 1: %s", n, &s.stdout)
	}
	s.send(http.MethodPatch, "/site/1", `{"name": "Mine"}`, http.StatusUnauthorized)
	login(t, s, "grace", grace, http.StatusUnauthorized)
	succeed(t, env, grace, "user", "create", "grace", "--role", "admin")
	who := login(t, s, "grace", grace, http.StatusOK)
	s.as(who, http.MethodPatch, "/site/1", `{"name": "Renamed"}`, http.StatusOK)
	var changes []change
	if err := json.Unmarshal([]byte(s.as(who, http.MethodGet, "/site/1/history", "", http.StatusOK)), &changes); err != nil {
		t.Fatal(err)
	}
	if last := changes[len(changes)-1]; last.Actor != "grace" || last.Action != "update" || last.RequestID == nil {
		t.Errorf("the history says %+v", last)
	}

	// What is done beside the server holds from the next request on.
	succeed(t, env, "", "user", "role", "grace", "viewer")
	s.as(who, http.MethodPatch, "/site/1", `{"name": "Again"}`, http.StatusForbidden)
	succeed(t, env, "", "user", "role", "grace", "admin")
	s.as(who, http.MethodPatch, "/site/1", `{"name": "Again"}`, http.StatusOK)
	succeed(t, env, "", "user", "disable", "grace")
	s.as(who, http.MethodPatch, "/site/1", `{"name": "Too late"}`, http.StatusUnauthorized)
	login(t, s, "grace", grace, http.StatusUnauthorized)
	succeed(t, env, "", "user", "enable", "grace")
	s.as(who, http.MethodGet, "/site/1", "", http.StatusUnauthorized) // what has ended does not come back
	who = login(t, s, "grace", grace, http.StatusOK)
	succeed(t, env, grace+" too", "user", "password", "grace")
	s.as(who, http.MethodGet, "/site/1", "", http.StatusUnauthorized)
	login(t, s, "grace", grace, http.StatusUnauthorized)
	login(t, s, "grace", grace+" too", http.StatusOK)
	s.stop(syscall.SIGTERM)

	// An admin who is disabled, or has no password, is none; where nobody need sign in, none is missed.
	for _, c := range []struct {
		env   []string
		how   string
		warns bool
	}{
		{locked, "enable grace", false}, {locked, "disable grace", true}, {env, "disable grace", false}, {locked, "role Bob admin", true},
	} {
		succeed(t, env, "", append([]string{"user"}, strings.Fields(c.how)...)...)
		s := start(t, c.env...)
		if strings.Contains(s.stdout.String(), noAdmin) != c.warns {
			t.Errorf("after %q, %d settings: want a warning: %t; %s", c.how, len(c.env), c.warns, &s.stdout)
		}
		s.stop(syscall.SIGTERM)
	}
}

// Instances with one key take each other's tokens, wherever they have it from.
func TestSecretFromAFile(t *testing.T) {
	t.Parallel()
	env := append([]string{"AUTH=required"}, migrated(t, true)...)
	succeed(t, env, grace, "user", "create", "grace")
	one := start(t, append([]string{"JWT_SECRET=" + secret}, env...)...)
	two := start(t, append([]string{"JWT_SECRET_FILE=" + file(t, "secret", secret+"\n")}, env...)...)
	three := start(t, append([]string{"JWT_SECRET_FILE=" + file(t, "another", strings.ToLower(secret))}, env...)...)
	who := login(t, two, "grace", grace, http.StatusOK)
	one.as(who, http.MethodGet, "/site/1", "", http.StatusOK)
	two.as(who, http.MethodGet, "/site/1", "", http.StatusOK)
	three.as(who, http.MethodGet, "/site/1", "", http.StatusUnauthorized)
}

// A secret that is refused is not told; what to do is. What else is refused at the start: see TestConfigurationRefused.
func TestBadSecretIsNotTold(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"zq81-short", strings.Repeat("zq81", 10), "my-password-is-my-password-and-yours", strings.Repeat("x", 40),
	} {
		for name, value := range map[string]string{"JWT_SECRET": bad, "JWT_SECRET_FILE": file(t, "secret", bad+"\n")} {
			r := run(t, []string{"AUTH=required", name + "=" + value, "DATABASE_URL=postgres://nobody@127.0.0.1:1/nothing"}, "")
			if r.code != 1 || strings.Contains(r.stdout+r.stderr, bad) {
				t.Errorf("%s: exit code %d; %s%s", name, r.code, r.stdout, r.stderr)
			}
			says(t, r.stderr, "labledger: "+name+": the secret ", "use 32 random bytes")
		}
	}
}

// A private cluster brings its key, which stays: whoever is signed in stays so over a restart.
func TestPrivateSecretIsKept(t *testing.T) {
	t.Parallel()
	state := stateDir(t)
	env := []string{"AUTH=required", "STATE_DIR=" + state}
	s := start(t, env...)
	succeed(t, env, grace, "user", "create", "grace", "--role=admin") // beside it
	who := login(t, s, "grace", grace, http.StatusOK)
	path := filepath.Join(state, "jwt_secret")
	kept, err := os.ReadFile(path)
	if err != nil || len(kept) != 44 {
		t.Fatalf("%d bytes in %s, %v", len(kept), path, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%s: mode %v, %v", path, info.Mode(), err)
	}
	if strings.Contains(s.stdout.String()+s.stderr.String(), strings.TrimSpace(string(kept))) {
		t.Error("the key is told")
	}
	s.stop(syscall.SIGTERM)
	s = start(t, env...)
	s.as(who, http.MethodPatch, "/site/1", `{"name": "Renamed"}`, http.StatusOK)
	if again, err := os.ReadFile(path); err != nil || string(again) != string(kept) {
		t.Error("the key is another one after a restart", err)
	}
	s.stop(syscall.SIGTERM)

	// Another folder has another key.
	other := stateDir(t)
	start(t, "AUTH=required", "STATE_DIR="+other).stop(syscall.SIGTERM)
	if another, err := os.ReadFile(filepath.Join(other, "jwt_secret")); err != nil || string(another) == string(kept) {
		t.Error("two folders have one key", err)
	}
}
