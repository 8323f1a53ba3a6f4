package authn_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"labledger/api/rest"
	"labledger/db"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// This file tests the refresh and revocation of sessions across instances.

// A tokenPair is the part of Tokens that a client without cookies reads.
type tokenPair struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
}

// refresh exchanges a refresh token. The tokens are empty unless the status is 200.
func (ts *apitest.Server) refresh(token string) (status int, got tokenPair) {
	ts.Helper()
	status, got, err := ts.tryRefresh(token)
	if err != nil {
		ts.Fatal(err)
	}
	return status, got
}

// tryRefresh is refresh for any goroutine: it returns errors instead of failing the test.
func (ts *apitest.Server) tryRefresh(token string) (status int, got tokenPair, err error) {
	w := ts.Send("", "POST", "/auth/refresh", `{"refresh_token": "`+token+`"}`)
	if w.Code == http.StatusOK {
		err = json.Unmarshal(w.Body.Bytes(), &got)
	}
	return w.Code, got, err
}

// trySend sends a request from any goroutine. It returns an error unless the status is 2xx.
func (ts *apitest.Server) trySend(token, method, target, body string) error {
	w := ts.Send(token, method, target, body)
	if w.Code/100 != 2 {
		return fmt.Errorf("%s %s: %d %s", method, target, w.Code, w.Body)
	}
	return nil
}

// TestRefresh_concurrent: concurrent requests with the same refresh token, at two instances, all return the same
// successor, and the session stays active.
func TestRefresh_concurrent(t *testing.T) {
	ts := apitest.New(t)
	s := ts.CreateSession(ts.CreateAccount("ann", rest.Viewer))
	instances := []*apitest.Server{ts, ts.NewInstance()}
	for round := range 5 {
		var wg sync.WaitGroup
		got := make([]tokenPair, 20)
		for i := range got {
			wg.Go(func() {
				status, tokens, err := instances[i%2].tryRefresh(s.Refresh)
				if err != nil || status != http.StatusOK {
					t.Errorf("round %d: status %d: %v", round, status, err)
				}
				got[i] = tokens
			})
		}
		wg.Wait()
		for _, g := range got {
			if g.RefreshToken != got[0].RefreshToken || g.RefreshToken == s.Refresh || !ts.Accepts(g.AccessToken) {
				t.Errorf("round %d: got %+v, want the valid tokens %+v", round, g, got[0])
			}
		}
		s.Refresh = got[0].RefreshToken
	}
	if n := apitest.Value[int](ts, "SELECT generation FROM session"); n != 6 {
		t.Errorf("generation %d after five rounds, want 6", n)
	}
}

// TestRefresh_reuseRevokesSession: an old refresh token revokes the session, unless it may be a retry of the last
// refresh.
func TestRefresh_reuseRevokesSession(t *testing.T) {
	ts := apitest.New(t)
	other := ts.NewInstance()
	ann := ts.CreateAccount("ann", rest.Viewer)
	for _, c := range []struct {
		name      string
		refreshes int           // before the first token is reused
		delay     time.Duration // after the last refresh
		want      int
	}{
		{"retry within the grace period", 1, refreshGrace - 2*time.Second, http.StatusOK},
		{"one refresh old, after the grace period", 1, refreshGrace + time.Second, http.StatusUnauthorized},
		{"two refreshes old", 2, 0, http.StatusUnauthorized},
		{"five refreshes old", 5, time.Hour, http.StatusUnauthorized},
	} {
		s, otherSession := ts.CreateSession(ann), ts.CreateSession(ann)
		first := s.Refresh
		access := s.Access
		for range c.refreshes {
			status, got := ts.refresh(s.Refresh)
			if status != http.StatusOK || got.RefreshToken == s.Refresh {
				t.Fatalf("%s: refresh: status %d", c.name, status)
			}
			s.Refresh = got.RefreshToken
		}
		ts.Exec("UPDATE session SET rotated_at = rotated_at - $1::interval WHERE id = $2", c.delay, s.id)
		status, got := ts.refresh(first)
		active := c.want == http.StatusOK
		if status != c.want || active && got.RefreshToken != s.Refresh {
			t.Errorf("%s: old refresh token: status %d, want %d", c.name, status, c.want)
		}
		for _, instance := range []*apitest.Server{other, ts} {
			if instance.Accepts(access) != active {
				t.Errorf("%s: session active: %v, want %v", c.name, !active, active)
			}
			if status, _ := instance.refresh(s.Refresh); status != c.want {
				t.Errorf("%s: current refresh token: status %d, want %d", c.name, status, c.want)
			}
		}
		if !other.Accepts(otherSession.access) {
			t.Errorf("%s: another session of the account was revoked", c.name)
		}
	}
}

// TestRevocation_allInstances: a revocation by one instance takes effect at the other with the next request.
func TestRevocation_allInstances(t *testing.T) {
	a := apitest.New(t)
	b := a.newInstance()
	adminSession := a.createSession(a.createAccount("boss", rest.Admin)).Access
	n := 0
	for name, c := range map[string]struct {
		revoke       func(s, helper apitest.Session)
		want         int  // status of an admin request afterwards
		wholeAccount bool // also affects other sessions and API tokens of the account
	}{
		"logout": {func(s, _ apitest.Session) { a.mustSend(s.Access, "POST", "/auth/logout", "") }, 401, false},
		"revoked": {func(s, helper apitest.Session) {
			a.mustSend(helper.access, "PUT", "/auth/token/"+s.id.String(), `{"revoke": true}`)
		}, 401, false},
		"disabled": {func(s, _ apitest.Session) {
			a.mustSend(adminSession, "PATCH", fmt.Sprint("/api/v1/users/", s.accountID), `{"disabled": true}`)
		}, 401, true},
		"disabled and enabled again": {func(s, _ apitest.Session) {
			a.mustSend(adminSession, "PATCH", fmt.Sprint("/api/v1/users/", s.accountID), `{"disabled": true}`)
			a.mustSend(adminSession, "PATCH", fmt.Sprint("/api/v1/users/", s.accountID), `{"disabled": false}`)
		}, 401, true},
		"password": {func(_, helper apitest.Session) {
			a.mustSend(helper.access, "PATCH", "/account",
				`{"password": "a new horse for the battery", "current_password": "`+apitest.Password+`"}`)
		}, 401, true},
		"password changed in psql": {func(s, _ apitest.Session) {
			a.exec("UPDATE credential SET password_hash = $1 WHERE account_id = $2", cachedHash("another"), s.accountID)
		}, 401, true},
		"deleted": {func(s, _ apitest.Session) {
			a.mustSend(adminSession, "DELETE", fmt.Sprint("/api/v1/users/", s.accountID), "")
		}, 401, true},
		"own account deleted": {func(_, helper apitest.Session) {
			a.mustSend(helper.access, "DELETE", "/account", "")
		}, 401, true},
		"role lowered": {func(s, _ apitest.Session) {
			a.mustSend(adminSession, "PATCH", fmt.Sprint("/api/v1/users/", s.accountID), `{"role": "operator"}`)
		}, 403, true},
		"control": {func(apitest.Session, apitest.Session) {}, 200, true}, // revokes nothing
	} {
		n++
		id := a.createAccount(fmt.Sprint("user ", n), rest.Admin)
		s, helper, token := a.createSession(id), a.createSession(id), a.createAPIToken(id, rest.Admin)
		status := func(token string) int { return b.send(token, "GET", "/api/v1/users/0", "").Code }
		for _, valid := range []string{s.Access, helper.access, token} {
			if status(valid) != http.StatusNotFound {
				t.Fatalf("%s: token rejected before the revocation", name)
			}
		}
		c.revoke(s, helper)
		wantOther := c.want
		if !c.wholeAccount {
			wantOther = http.StatusOK
		}
		for _, e := range []struct {
			name, token string
			want        int
		}{
			{"session", s.Access, c.want},
			{"another session", helper.access, wantOther},
			{"API token", token, wantOther},
		} {
			if e.want == http.StatusOK {
				e.want = http.StatusNotFound // user 0 does not exist
			}
			if got := status(e.token); got != e.want {
				t.Errorf("%s: %s: status %d, want %d", name, e.name, got, e.want)
			}
		}
		if got, _ := b.refresh(s.Refresh); (got == http.StatusOK) == (c.want == http.StatusUnauthorized) {
			t.Errorf("%s: refresh token: status %d", name, got)
		}
	}
}

// revocations are the changes that a concurrent login must respect, as SQL with the parameters account ID and new hash.
var revocations = map[string]string{
	"password": "UPDATE credential SET password_hash = $2 WHERE account_id = $1",
	"disabled": "UPDATE account SET disabled = true WHERE id = $1 AND $2 <> ''",
}

// TestLogin_concurrentRevocation runs a login and a revocation concurrently, in both orders. The second one waits for
// the first, and no session that used the old credentials stays active.
func TestLogin_concurrentRevocation(t *testing.T) {
	ts := apitest.New(t)
	for name, sql := range revocations {
		// The login arrives while the revocation is in progress.
		id := ts.CreateAccount(name+" first", rest.Viewer)
		tx, err := ts.Pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), sql, id, cachedHash("another")); err != nil {
			t.Fatal(err)
		}
		loginStatus := make(chan int)
		go func() { loginStatus <- ts.Login(name+" first", apitest.Password, "").Code }()
		pgtest.WaitFor(t, "the login waits for the revocation", func() bool {
			select {
			case code := <-loginStatus:
				t.Fatalf("%s: the login did not wait for the revocation: status %d", name, code)
			default:
			}
			return ts.anyLockWait()
		})
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if code := <-loginStatus; code != http.StatusUnauthorized {
			t.Errorf("%s: login during the revocation: status %d, want 401", name, code)
		}
		ts.checkNoActiveSession(name+" first", id)

		// The revocation arrives while the login is in progress.
		id = ts.CreateAccount(name+" second", rest.Viewer)
		if tx, err = ts.ServerPool.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		params := db.CreateSessionParams{Seconds: 900, AccountID: id, PasswordHash: cachedHash(apitest.Password)}
		if _, err := db.New(tx).CreateSession(t.Context(), params); err != nil {
			t.Fatal(err)
		}
		updateErr := make(chan error)
		go func() {
			_, err := ts.Pool.Exec(context.Background(), sql, id, cachedHash("another"))
			updateErr <- err
		}()
		pgtest.WaitFor(t, "the revocation waits for the login", ts.anyLockWait)
		if err := errors.Join(tx.Commit(t.Context()), <-updateErr); err != nil {
			t.Fatal(err)
		}
		if n := apitest.Value[int](ts, "SELECT count(*) FROM session WHERE account_id = $1", id); n != 1 {
			t.Fatalf("%s: %d sessions, want 1", name, n)
		}
		ts.checkNoActiveSession(name+" second", id)
		if _, err := db.New(ts.ServerPool).CreateSession(t.Context(), params); !errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("%s: session created after the revocation: %v", name, err)
		}
	}
}

// anyLockWait reports whether a connection to the database waits for a lock.
func (ts *apitest.Server) anyLockWait() bool {
	ts.Helper()
	return apitest.Value[bool](ts, `SELECT EXISTS (
		SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`)
}

func (ts *apitest.Server) checkNoActiveSession(name string, account int64) {
	ts.Helper()
	n := apitest.Value[int](ts, "SELECT count(*) FROM session WHERE account_id = $1 AND revoked_at IS NULL", account)
	if n != 0 {
		ts.Errorf("%s: %d sessions are still active", name, n)
	}
}

// TestLogin_revocationRace runs logins and revocations concurrently over HTTP, at two instances.
func TestLogin_revocationRace(t *testing.T) {
	ts := apitest.New(t)
	instances := []*apitest.Server{ts, ts.NewInstance()}
	adminSession := ts.CreateSession(ts.CreateAccount("boss", rest.Admin)).Access
	statuses := map[int]int{}
	for round := range 18 {
		name := fmt.Sprint("user ", round)
		id := ts.CreateAccount(name, rest.Viewer)
		token := ts.CreateSession(id).Access
		var wg sync.WaitGroup
		codes := make([]int, 3)
		for i := range codes {
			wg.Go(func() {
				codes[i] = instances[i%2].login(name, apitest.Password, fmt.Sprint("198.51.100.", round)).Code
			})
		}
		revoke := func() error {
			if round%3 == 0 {
				return ts.trySend(token, "PATCH", "/account",
					`{"password": "a new horse for the battery", "current_password": "`+apitest.Password+`"}`)
			}
			time.Sleep(time.Duration(rand.Int64N(int64(60 * time.Millisecond))))
			if round%3 == 1 {
				_, err := ts.Pool.Exec(context.Background(), revocations["password"], id, cachedHash("another"))
				return err
			}
			return instances[1].trySend(adminSession, "PATCH", fmt.Sprint("/api/v1/users/", id), `{"disabled": true}`)
		}
		wg.Go(func() {
			if err := revoke(); err != nil {
				t.Errorf("round %d: %v", round, err)
			}
		})
		wg.Wait()
		ts.checkNoActiveSession(name, id)
		for _, code := range codes {
			statuses[code]++
		}
	}
	for code := range statuses {
		if !slices.Contains([]int{http.StatusOK, http.StatusUnauthorized}, code) {
			t.Errorf("statuses of the logins: %v, want 200 and 401 only", statuses)
		}
	}
	if statuses[http.StatusOK] == 0 || statuses[http.StatusUnauthorized] == 0 {
		t.Errorf("logins and revocations did not overlap: %v", statuses)
	}
}

// TestRefresh_concurrentRevocation: a refresh waits for a concurrent revocation and then fails.
func TestRefresh_concurrentRevocation(t *testing.T) {
	ts := apitest.New(t)
	for name, sql := range revocations {
		id := ts.CreateAccount(name, rest.Viewer)
		s := ts.CreateSession(id)
		tx, err := ts.Pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), sql, id, cachedHash("another")); err != nil {
			t.Fatal(err)
		}
		refreshStatus := make(chan int)
		go func() {
			code, _, err := ts.tryRefresh(s.Refresh)
			if err != nil {
				t.Error(err)
			}
			refreshStatus <- code
		}()
		pgtest.WaitFor(t, "the refresh waits for the revocation", ts.anyLockWait)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if code := <-refreshStatus; code != http.StatusUnauthorized {
			t.Errorf("%s: status %d, want 401", name, code)
		}
		ts.checkNoActiveSession(name, id)
	}
}

// TestRefresh_rejectsDryRun: with a dry run, the thief of a refresh token could obtain each next token without ever
// using one twice, so the theft would go undetected.
func TestRefresh_rejectsDryRun(t *testing.T) {
	ts := apitest.New(t)
	s := ts.CreateSession(ts.CreateAccount("ann", rest.Viewer))
	w := ts.Send("", "POST", "/auth/refresh?dry_run=true", `{"refresh_token": "`+s.Refresh+`"}`)
	if w.Code != http.StatusBadRequest || strings.Contains(w.Body.String(), "access_token") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestPasswordChange_concurrentRevocation: a revoked session cannot change the password, even if the request arrived
// before the revocation was committed.
func TestPasswordChange_concurrentRevocation(t *testing.T) {
	ts := apitest.New(t)
	for name, sql := range revocations {
		id := ts.CreateAccount(name, rest.Viewer)
		attackerToken := ts.CreateSession(id).Access
		tx, err := ts.Pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), sql, id, cachedHash("another")); err != nil {
			t.Fatal(err)
		}
		patchStatus := make(chan int)
		go func() {
			patchStatus <- ts.Send(attackerToken, "PATCH", "/account",
				`{"password": "the attacker's password", "current_password": "`+apitest.Password+`"}`).Code
		}()
		pgtest.WaitFor(t, "the attacker's request waits for the revocation", ts.anyLockWait)
		const currentHash = "SELECT password_hash FROM credential WHERE account_id = $1"
		before := apitest.Value[string](ts, currentHash, id)
		if name == "password" {
			before = cachedHash("another")
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if code := <-patchStatus; code/100 == 2 || apitest.Value[string](ts, currentHash, id) != before {
			t.Errorf("%s: a revoked session changed the password: status %d", name, code)
		}
	}
}
