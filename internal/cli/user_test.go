package cli_test

import (
	"fmt"
	"net/http"
	"os/user"
	"regexp"
	"strings"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

const password = programtest.SamplePassword

// accountChanges returns the history of an account: actor, action, role, risk level and disabled of each change.
func accountChanges(t *testing.T, url, name string) string {
	t.Helper()
	return mustValue(t, url, fmt.Sprintf(`
		SELECT string_agg(concat_ws(' ', actor, action, after ->> 'role', coalesce(after ->> 'risk', '-'),
			after ->> 'disabled', request_id), E'\n' ORDER BY id)
		FROM change
		WHERE table_name = 'account' AND after ->> 'username' = '%s'`, name))
}

const (
	revoked         = " All sessions and API tokens of the account are revoked."
	revokedAndReset = " All sessions and API tokens of the account are revoked, and failed sign-ins no longer count."
)

func TestUser(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	assertEqual(t, "accounts of the mock data", mustRun(t, env, "", "user", "list"),
		`ID  USERNAME  NAME  ROLE    RISK  DISABLED  PASSWORD  LAST SIGN-IN
1   Bob       -     viewer  -     no        no        -
2   Jane      -     viewer  -     no        no        -
3   Harry     -     viewer  -     no        no        -
`)
	t.Run("changes", func(t *testing.T) { checkUserChanges(t, env) })
	t.Run("create and list", func(t *testing.T) { checkUserCreateAndList(t, env) })
	t.Run("no secrets in the database", func(t *testing.T) {
		for _, table := range []string{"change", "account", "credential"} {
			text := mustValue(t, databaseURL(env), "SELECT coalesce(string_agg(row::text, ''), '') FROM "+table+" AS row")
			if strings.Contains(text, password) || table == "change" && strings.Contains(text, "argon2id") {
				t.Errorf("table %s contains a password or its hash", table)
			}
		}
	})
	s := startServer(t, env...)
	s.Login("grace", password, http.StatusUnauthorized)
	s.Login("grace", password+" too", http.StatusOK)
	s.Login("Zoë B.", password, http.StatusOK)
}

// checkUserChanges creates an account and changes it. The history names the OS user.
func checkUserChanges(t *testing.T, env []string) {
	t.Helper()
	osUser, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	var history []string
	for _, c := range []struct{ args, stdin, stdout, change string }{
		{"create grace", password + "\n", "Created account 4: grace, role viewer.", "insert viewer - false"},
		{"role grace operator", "", "Set the role of grace to operator.", "update operator - false"},
		{"risk grace high", "", "Set the risk level of grace to high.", "update operator high false"},
		{"disable grace", "", "Disabled grace." + revoked, "update operator high true"},
		{"disable grace", "", "Disabled grace." + revoked, ""},
		{"risk grace none", "", "Removed the risk level of grace, which now counts as medium.", "update operator - true"},
		{"enable grace", "", "Enabled grace.", "update operator - false"},
		{"password grace", password + " too\r\n", "Set a new password for grace." + revokedAndReset, ""},
		{"role grace admin", "", "Set the role of grace to admin.", "update admin - false"},
	} {
		r := run(t, env, c.stdin, append([]string{"user"}, strings.Fields(c.args)...)...)
		if r.Code != 0 || r.Stdout != c.stdout+"\n" || r.Stderr != "" {
			t.Errorf("%s: exit code %d, %q, %q; want %q", c.args, r.Code, r.Stdout, r.Stderr, c.stdout)
		}
		if c.change != "" {
			history = append(history, "os:"+osUser.Username+" "+c.change)
		}
	}
	assertEqual(t, "history", accountChanges(t, databaseURL(env), "grace"), strings.Join(history, "\n"))
}

// checkUserCreateAndList creates accounts with other flags and names, and lists them.
func checkUserCreateAndList(t *testing.T, env []string) {
	t.Helper()
	url := databaseURL(env)
	assertEqual(t, "create with all flags",
		mustRun(t, env, password, "user", "create", "Zoë B.", "--role", "operator", "--country", "Iceland", "--risk=low",
			"--display-name", "Zoë Barnes", "--email", "zoe@example.org"),
		"Created account 5: Zoë B., role operator.\n")
	assertEqual(t, "create without a password",
		mustRun(t, env, "", "user", "create", "gate", "--no-password"),
		"Created account 6: gate, role viewer, without a password: sign-in is not possible.\n")
	assertEqual(t, "first password of an account",
		mustRun(t, env, password, "user", "password", "Bob"),
		"Set a new password for Bob."+revokedAndReset+"\n")
	execScript(t, url, "INSERT INTO account (username) VALUES (E'\\x1b[2Jno\\tbody')")
	execScript(t, url, `INSERT INTO session (account_id, created_at, expires_at)
		VALUES (5, '2026-03-01 12:00Z', now()), (5, '2026-01-01Z', now())`)
	assertEqual(t, "list", mustRun(t, env, "", "user", "list"),
		`ID  USERNAME           NAME        ROLE      RISK  DISABLED  PASSWORD  LAST SIGN-IN
1   Bob                -           viewer    -     no        yes       -
2   Jane               -           viewer    -     no        no        -
3   Harry              -           viewer    -     no        no        -
4   grace              -           admin     -     no        yes       -
5   Zoë B.             Zoë Barnes  operator  low   no        yes       2026-03-01T12:00:00Z
6   gate               -           viewer    -     no        no        -
7   "\x1b[2Jno\tbody"  -           viewer    -     no        no        -
`)
	assertEqual(t, "other fields", mustValue(t, url, "SELECT concat(country, ' ', email) FROM account WHERE id = 5"),
		"Iceland zoe@example.org")
}

func TestUser_rejectsInvalidChanges(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	mustRun(t, env, password+"\n", "user", "create", "grace")
	accounts := func() string {
		t.Helper()
		return mustValue(t, databaseURL(env), `SELECT string_agg(concat(account, password_hash), ' ' ORDER BY id)
			FROM account LEFT JOIN credential ON account_id = id`)
	}
	before := accounts()
	for _, c := range []struct {
		args  []string
		stdin string
		want  []string
	}{
		{[]string{"create", "Bob"}, password, []string{"already", "without a password", "user password", "user role"}},
		{[]string{"create", "Bob", "--no-password"}, "", []string{"already", "without a password"}},
		{[]string{"create", "grace", "--role", "admin"}, password + " too", []string{"already", "user password"}},
		{[]string{"create", "grace", "--no-password"}, "", []string{"already"}},
		{[]string{"create", "ada"}, "", []string{"nothing was changed", "no password on standard input"}},
		{[]string{"create", "ada"}, "\n", []string{"nothing was changed", "at least 8 characters"}},
		{[]string{"create", "ada"}, "football\n", []string{"nothing was changed", "most common"}},
		{[]string{"create", "ada"}, "P@ssw0rd\n", []string{"most common"}},
		{[]string{"create", "ada lovelace"}, "Ada Lovelace\n", []string{"must not be the username"}},
		{[]string{"create", "ada"}, strings.Repeat("long ", 2000), []string{"at most 128 characters"}},
		{[]string{"create", "ada"}, "not UTF-8 \xff\n", []string{"valid UTF-8"}},
		{[]string{"create", "Grace"}, password, []string{"nothing was changed", "Grace looks like", "user list"}},
		{[]string{"create", "os:root"}, password, []string{"nothing was changed", "without the prefix os or db"}},
		{[]string{"create", " "}, password, []string{"nothing was changed", "username not blank"}},
		{[]string{"create", strings.Repeat("a", 101)}, password, []string{"username at most 100 characters"}},
		{[]string{"create", "ada", "--display-name= "}, password, []string{"nothing was changed", "display name not blank"}},
		{[]string{"create", "ada", "--email=ada"}, password, []string{"email an address with one at sign"}},
		{[]string{"password", "Grace"}, password + " too", []string{"no account Grace", "user list"}},
		{[]string{"password", "grace"}, "short", []string{"nothing was changed", "at least 8 characters"}},
		{[]string{"password", "grace"}, "", []string{"no password on standard input"}},
		{[]string{"role", "missing", "admin"}, "", []string{"no account missing"}},
		{[]string{"risk", "missing", "none"}, "", []string{"no account missing"}},
		{[]string{"disable", "missing"}, "", []string{"no account missing"}},
		{[]string{"enable", "mis\x1bsing"}, "", []string{`no account "mis\x1bsing"`}},
	} {
		r := run(t, env, c.stdin, append([]string{"user"}, c.args...)...)
		if r.Code != 1 || r.Stdout != "" || strings.Contains(r.Stderr, "goroutine ") {
			t.Errorf("%q: exit code %d, want 1; %s%s", c.args, r.Code, r.Stdout, r.Stderr)
		}
		assertContains(t, r.Stderr, c.want...)
		if stdin := strings.TrimSpace(c.stdin); stdin != "" && strings.Contains(r.Stderr, stdin) {
			t.Errorf("%q: error contains the password: %s", c.args, r.Stderr)
		}
	}
	assertEqual(t, "accounts", accounts(), before)
}

// Invalid arguments change nothing. No argument or flag takes a password, because other users can see arguments.
func TestUser_rejectsInvalidArguments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{
		{"user", "expected one of"},
		{"user create", "<name>"},
		{"user rename a b", "unexpected argument rename"},
		{"user create ada --role boss", `"viewer","operator","admin"`},
		{"user role ada boss", `"viewer","operator","admin"`},
		{"user role ada", "<role>"},
		{"user create ada --risk=none", `"low","medium","high"`},
		{"user risk ada extreme", `"low","medium","high","none"`},
		{"user create ada sesame", "unexpected argument"},
		{"user create ada --password=sesame", "unknown flag"},
		{"user password ada sesame", "unexpected argument"},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			dir := stateDir(t, "state")
			r := run(t, []string{"STATE_DIR=" + dir}, "", strings.Fields(c.args)...)
			if r.Code == 0 || r.Code == 1 || r.Stdout != "" {
				t.Errorf("exit code %d, %s", r.Code, r.Stdout)
			}
			assertContains(t, r.Stderr, "usage: labledger user", c.want)
			assertNotExists(t, dir)
		})
	}
}

// Another transaction may create an account with the same name after the check for a free name.
func TestUserCreate_losesRaceForName(t *testing.T) {
	t.Parallel()
	env := migrated(t, false)
	url := databaseURL(env)
	conn := pgtest.Connect(t, url)
	pgtest.Exec(t, conn, "BEGIN; INSERT INTO account (username, country) VALUES ('grace', 'first')")
	cmd := programtest.Command(t, env, "user", "create", "grace")
	cmd.Stdin = strings.NewReader(password)
	type outcome struct {
		programtest.Result
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		r, err := programtest.Exec(cmd)
		done <- outcome{r, err}
	}()
	pgtest.WaitForLockWait(t, pgtest.Connect(t, url))
	pgtest.Exec(t, conn, "COMMIT")
	r := <-done
	if r.err != nil {
		t.Fatal(r.err)
	}
	if r.Code != 1 || r.Stdout != "" {
		t.Errorf("exit code %d, %s", r.Code, r.Stdout)
	}
	assertContains(t, r.Stderr, "account grace already exists", "user password")
	account := mustValue(t, url, `SELECT concat(max(country), count(*), count(account_id))
		FROM account LEFT JOIN credential ON account_id = id`)
	assertEqual(t, "account", account, "first10")
}

// An invitation sets the first password, and a reset another one. Each link works once.
func TestUserLink(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	linkRE := regexp.MustCompile(`^(.+) for Bob, valid once and until (20[-0-9T:]+Z):\n(\S+)/app/password#(lll_\S+)\n$`)
	link := func(want string, args ...string) (token string) {
		t.Helper()
		out := mustRun(t, env, "", append([]string{"user", "link", "Bob"}, args...)...)
		match := linkRE.FindStringSubmatch(out)
		if match == nil || match[1]+" at "+match[3] != want {
			t.Fatalf("got %q, want %s", out, want)
		}
		return match[4]
	}
	invitation := link("Invitation at https://lab.example.org/x", "--server", "https://lab.example.org/x/")
	s := startServer(t, env...)
	use := func(token, password string, want int) {
		t.Helper()
		body := fmt.Sprintf(`{"token": %q, "password": %q}`, token, password)
		response, err := http.Post(s.URL+"/auth/password", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("status %d, want %d", response.StatusCode, want)
		}
	}
	use(invitation, password, http.StatusOK)
	use(invitation, password, http.StatusNotFound)
	s.Login("Bob", password, http.StatusOK)
	reset := link("Password reset at http://127.0.0.1:5000/lab",
		"--host", "0.0.0.0", "--port", "5000", "--base-path", "/lab")
	for _, server := range []string{
		"lab.example.org", "ftp://lab.example.org", "https://", "https://lab.example.org/?x", "https://a:b@lab.example.org",
	} {
		assertContains(t, mustFail(t, env, "", "user", "link", "Bob", "--server", server), "--server must be a URL")
	}
	mustRun(t, env, "", "user", "disable", "Bob")
	assertContains(t, mustFail(t, env, "", "user", "link", "Bob"), "is disabled", "user enable")
	assertContains(t, mustFail(t, env, "", "user", "link", "nobody"), "no account nobody")
	mustRun(t, env, "", "user", "enable", "Bob")
	use(reset, password, http.StatusNotFound)
}
