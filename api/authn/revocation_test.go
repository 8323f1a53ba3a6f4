package authn_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"labledger/api/rest"
	"labledger/db"
	"labledger/internal/apitest"
	"labledger/internal/auth"
	"labledger/internal/pgtest"
)

// This file tests the revocation of sessions and API tokens across instances, and against concurrent requests.

// changePasswordBody changes the password of an account that has the password of apitest.
const changePasswordBody = `{"password": "a new horse for the battery", "current_password": "` + apitest.Password + `"}`

// hashOfAnother is the hash of another password than the accounts have.
var hashOfAnother = sync.OnceValue(func() string {
	hash, err := auth.NewPasswords().Hash(context.Background(), "another")
	if err != nil {
		panic(err)
	}
	return hash
})

// A revocationCase ends a session. helper is another session of the account.
type revocationCase struct {
	name         string
	revoke       func(ts *apitest.Server, boss string, s, helper apitest.Session)
	want         int  // status of an admin request afterwards
	wholeAccount bool // also affects the other sessions and the API tokens of the account
}

// patchUser changes an account as an admin.
func patchUser(ts *apitest.Server, boss string, account int64, body string) {
	ts.Helper()
	ts.MustSend(boss, "PATCH", fmt.Sprint("/api/v1/users/", account), body)
}

var revocationCases = []revocationCase{
	{"logout", func(ts *apitest.Server, _ string, s, _ apitest.Session) {
		ts.MustSend(s.Access, "POST", "/auth/logout", "")
	}, http.StatusUnauthorized, false},
	{"revoked", func(ts *apitest.Server, _ string, s, helper apitest.Session) {
		ts.MustSend(helper.Access, "PUT", "/auth/token/"+s.ID.String(), `{"revoke": true}`)
	}, http.StatusUnauthorized, false},
	{"disabled", func(ts *apitest.Server, boss string, s, _ apitest.Session) {
		patchUser(ts, boss, s.AccountID, `{"disabled": true}`)
	}, http.StatusUnauthorized, true},
	{"disabled and enabled again", func(ts *apitest.Server, boss string, s, _ apitest.Session) {
		patchUser(ts, boss, s.AccountID, `{"disabled": true}`)
		patchUser(ts, boss, s.AccountID, `{"disabled": false}`)
	}, http.StatusUnauthorized, true},
	{"password changed", func(ts *apitest.Server, _ string, _, helper apitest.Session) {
		ts.MustSend(helper.Access, "PATCH", "/account", changePasswordBody)
	}, http.StatusUnauthorized, true},
	{"password changed in psql", func(ts *apitest.Server, _ string, s, _ apitest.Session) {
		ts.Exec("UPDATE credential SET password_hash = $1 WHERE account_id = $2", hashOfAnother(), s.AccountID)
	}, http.StatusUnauthorized, true},
	{"deleted", func(ts *apitest.Server, boss string, s, _ apitest.Session) {
		ts.MustSend(boss, "DELETE", fmt.Sprint("/api/v1/users/", s.AccountID), "")
	}, http.StatusUnauthorized, true},
	{"own account deleted", func(ts *apitest.Server, _ string, _, helper apitest.Session) {
		ts.MustSend(helper.Access, "DELETE", "/account", "")
	}, http.StatusUnauthorized, true},
	{"role lowered", func(ts *apitest.Server, boss string, s, _ apitest.Session) {
		patchUser(ts, boss, s.AccountID, `{"role": "operator"}`)
	}, http.StatusForbidden, true},
	{"control: nothing revoked", func(*apitest.Server, string, apitest.Session, apitest.Session) {}, http.StatusOK, true},
}

// TestRevocation_allInstances: a revocation by one instance takes effect at the other with the next request.
func TestRevocation_allInstances(t *testing.T) {
	t.Parallel()
	a := apitest.New(t)
	b := a.NewInstance()
	boss := a.SignIn("boss", rest.Admin)
	for _, c := range revocationCases {
		id := a.CreateAccount(c.name, rest.Admin)
		s, helper, token := a.CreateSession(id), a.CreateSession(id), a.CreateAPIToken(id, rest.Admin)
		status := func(token string) int { return b.Send(token, "GET", "/api/v1/users/1", "").Code }
		for _, valid := range []string{s.Access, helper.Access, token} {
			if status(valid) != http.StatusOK {
				t.Fatalf("%s: token rejected before the revocation", c.name)
			}
		}
		c.revoke(a, boss, s, helper)
		wantOther := c.want
		if !c.wholeAccount {
			wantOther = http.StatusOK
		}
		for _, e := range []struct {
			name, token string
			want        int
		}{
			{"session", s.Access, c.want},
			{"another session", helper.Access, wantOther},
			{"API token", token, wantOther},
		} {
			if got := status(e.token); got != e.want {
				t.Errorf("%s: %s: status %d, want %d", c.name, e.name, got, e.want)
			}
		}
		if got, _ := mustRefresh(b, s.Refresh); (got == http.StatusOK) == (c.want == http.StatusUnauthorized) {
			t.Errorf("%s: refresh token: status %d", c.name, got)
		}
	}
}

// credentialChanges are the changes that a concurrent login must respect, as SQL with the parameters account ID and new
// hash.
var credentialChanges = map[string]string{
	"password": "UPDATE credential SET password_hash = $2 WHERE account_id = $1",
	"disabled": "UPDATE account SET disabled = true WHERE id = $1 AND $2 <> ''",
}

// duringChange makes a change to an account in a transaction, starts the request meanwhile, and commits when the
// request waits for the transaction. It returns the status of the request.
func duringChange(ts *apitest.Server, sql string, account int64, request func() (status int)) (status int) {
	ts.Helper()
	tx, err := ts.Pool.Begin(ts.Context())
	if err != nil {
		ts.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }() // no effect after the commit
	pgtest.Exec(ts, tx, sql, account, hashOfAnother())
	done := make(chan int, 1)
	go func() { done <- request() }()
	pgtest.WaitForLockWait(ts, ts.Pool)
	if err := tx.Commit(ts.Context()); err != nil {
		ts.Fatal(err)
	}
	return <-done
}

// TestLogin_duringRevocation: a login that arrives while a revocation is in progress waits for it and then fails.
func TestLogin_duringRevocation(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	for name, sql := range credentialChanges {
		id := ts.CreateAccount(name, rest.Viewer)
		status := duringChange(ts, sql, id, func() int { return ts.Login(name, apitest.Password, "").Code })
		if status != http.StatusUnauthorized {
			t.Errorf("%s: status %d, want 401", name, status)
		}
		checkNoActiveSession(ts, name, id)
	}
}

// TestRevocation_duringLogin: a revocation that arrives while a login is in progress waits for it and then ends the new
// session.
func TestRevocation_duringLogin(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	for name, sql := range credentialChanges {
		id := ts.CreateAccount(name, rest.Viewer)
		hash := apitest.Value[string](ts, "SELECT password_hash FROM credential WHERE account_id = $1", id)
		params := db.CreateSessionParams{Seconds: 900, AccountID: id, PasswordHash: hash}
		login, err := ts.ServerPool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.New(login).CreateSession(t.Context(), params); err != nil {
			t.Fatal(err)
		}
		revoked := make(chan error, 1)
		go func() {
			_, err := ts.Pool.Exec(context.Background(), sql, id, hashOfAnother())
			revoked <- err
		}()
		pgtest.WaitForLockWait(t, ts.Pool)
		if err := errors.Join(login.Commit(t.Context()), <-revoked); err != nil {
			t.Fatal(err)
		}
		if n := apitest.Value[int](ts, "SELECT count(*) FROM session WHERE account_id = $1", id); n != 1 {
			t.Fatalf("%s: %d sessions, want 1", name, n)
		}
		checkNoActiveSession(ts, name, id)
		if _, err := db.New(ts.ServerPool).CreateSession(t.Context(), params); !errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("%s: session created after the revocation: %v", name, err)
		}
	}
}

func checkNoActiveSession(ts *apitest.Server, name string, account int64) {
	ts.Helper()
	n := apitest.Value[int](ts, "SELECT count(*) FROM session WHERE account_id = $1 AND revoked_at IS NULL", account)
	if n != 0 {
		ts.Errorf("%s: %d sessions are still active", name, n)
	}
}

// TestLogin_revocationRace runs logins and a revocation concurrently over HTTP, at two instances. In half of the rounds
// the revocation starts after the first login. The tests above force each order; this one tries any.
func TestLogin_revocationRace(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	instances := []*apitest.Server{ts, ts.NewInstance()}
	boss := ts.SignIn("boss", rest.Admin)
	statuses := map[int]int{}
	for round := range 12 {
		name := fmt.Sprint("user ", round)
		id := ts.CreateAccount(name, rest.Viewer)
		token := ts.CreateSession(id).Access
		firstLogin := make(chan struct{})
		if round%2 == 0 {
			close(firstLogin)
		}
		var wg sync.WaitGroup
		codes := make([]int, 3)
		for i := range codes {
			wg.Go(func() {
				codes[i] = instances[i%2].Login(name, apitest.Password, fmt.Sprint("198.51.100.", round)).Code
				if i == 0 && round%2 == 1 {
					close(firstLogin)
				}
			})
		}
		wg.Go(func() {
			<-firstLogin
			if err := revokeAll(instances[1], round%3, boss, token, id); err != nil {
				t.Errorf("round %d: %v", round, err)
			}
		})
		wg.Wait()
		checkNoActiveSession(ts, name, id)
		for _, code := range codes {
			statuses[code]++
		}
	}
	if statuses[http.StatusOK]+statuses[http.StatusUnauthorized] != 3*12 {
		t.Errorf("statuses of the logins: %v, want 200 and 401 only", statuses)
	}
	t.Logf("statuses of the logins: %v", statuses)
}

// revokeAll ends all sessions of an account in one of three ways. It may be called from any goroutine.
func revokeAll(ts *apitest.Server, way int, boss, token string, account int64) error {
	method, target, body := "PATCH", "/account", changePasswordBody
	switch way {
	case 1:
		_, err := ts.Pool.Exec(context.Background(), credentialChanges["password"], account, hashOfAnother())
		return err
	case 2:
		token, target, body = boss, fmt.Sprint("/api/v1/users/", account), `{"disabled": true}`
	}
	if w := ts.Send(token, method, target, body); w.Code != http.StatusOK {
		return fmt.Errorf("%s %s: %d %s", method, target, w.Code, w.Body)
	}
	return nil
}

// TestRefresh_duringRevocation: a refresh waits for a concurrent revocation and then fails.
func TestRefresh_duringRevocation(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	for name, sql := range credentialChanges {
		id := ts.CreateAccount(name, rest.Viewer)
		s := ts.CreateSession(id)
		status := duringChange(ts, sql, id, func() int {
			status, _, err := refresh(ts, s.Refresh)
			if err != nil {
				t.Error(err)
			}
			return status
		})
		if status != http.StatusUnauthorized {
			t.Errorf("%s: status %d, want 401", name, status)
		}
		checkNoActiveSession(ts, name, id)
	}
}

// TestPasswordChange_duringRevocation: a revoked session cannot change the password, even if the request arrived before
// the revocation was committed.
func TestPasswordChange_duringRevocation(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	const currentHash = "SELECT password_hash FROM credential WHERE account_id = $1"
	for name, sql := range credentialChanges {
		id := ts.CreateAccount(name, rest.Viewer)
		attackerToken := ts.CreateSession(id).Access
		want := apitest.Value[string](ts, currentHash, id)
		if name == "password" {
			want = hashOfAnother()
		}
		status := duringChange(ts, sql, id, func() int {
			return ts.Send(attackerToken, "PATCH", "/account",
				`{"password": "the attacker's password", "current_password": "`+apitest.Password+`"}`).Code
		})
		if status/100 == 2 || apitest.Value[string](ts, currentHash, id) != want {
			t.Errorf("%s: a revoked session changed the password: status %d", name, status)
		}
	}
}
