package api

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

	"labledger/db"
)

// This file tests the refresh and revocation of sessions across instances.

// A tokenPair is the part of Tokens that a client without cookies reads.
type tokenPair struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
}

// refresh exchanges a refresh token. The tokens are empty unless the status is 200.
func (ts *testServer) refresh(token string) (status int, got tokenPair) {
	ts.Helper()
	status, got, err := ts.tryRefresh(token)
	if err != nil {
		ts.Fatal(err)
	}
	return status, got
}

// tryRefresh is refresh for any goroutine: it returns errors instead of failing the test.
func (ts *testServer) tryRefresh(token string) (status int, got tokenPair, err error) {
	w := ts.send("", "POST", "/auth/refresh", `{"refresh_token": "`+token+`"}`)
	if w.Code == http.StatusOK {
		err = json.Unmarshal(w.Body.Bytes(), &got)
	}
	return w.Code, got, err
}

// trySend sends a request from any goroutine. It returns an error unless the status is 2xx.
func (ts *testServer) trySend(token, method, target, body string) error {
	w := ts.send(token, method, target, body)
	if w.Code/100 != 2 {
		return fmt.Errorf("%s %s: %d %s", method, target, w.Code, w.Body)
	}
	return nil
}

// TestRefresh_concurrent: concurrent requests with the same refresh token, at two instances, all return the same
// successor, and the session stays active.
func TestRefresh_concurrent(t *testing.T) {
	ts := newTestServer(t)
	s := ts.createSession(ts.createAccount("ann", viewer))
	instances := []*testServer{ts, ts.newInstance()}
	for round := range 5 {
		var wg sync.WaitGroup
		got := make([]tokenPair, 20)
		for i := range got {
			wg.Go(func() {
				status, tokens, err := instances[i%2].tryRefresh(s.refresh)
				if err != nil || status != http.StatusOK {
					t.Errorf("round %d: status %d: %v", round, status, err)
				}
				got[i] = tokens
			})
		}
		wg.Wait()
		for _, g := range got {
			if g.RefreshToken != got[0].RefreshToken || g.RefreshToken == s.refresh || !ts.accepts(g.AccessToken) {
				t.Errorf("round %d: got %+v, want the valid tokens %+v", round, g, got[0])
			}
		}
		s.refresh = got[0].RefreshToken
	}
	if n := scan[int](ts, "SELECT generation FROM session"); n != 6 {
		t.Errorf("generation %d after five rounds, want 6", n)
	}
}

// TestRefresh_reuseRevokesSession: an old refresh token revokes the session, unless it may be a retry of the last
// refresh.
func TestRefresh_reuseRevokesSession(t *testing.T) {
	ts := newTestServer(t)
	other := ts.newInstance()
	ann := ts.createAccount("ann", viewer)
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
		s, otherSession := ts.createSession(ann), ts.createSession(ann)
		first := s.refresh
		access := s.access
		for range c.refreshes {
			status, got := ts.refresh(s.refresh)
			if status != http.StatusOK || got.RefreshToken == s.refresh {
				t.Fatalf("%s: refresh: status %d", c.name, status)
			}
			s.refresh = got.RefreshToken
		}
		ts.exec("UPDATE session SET rotated_at = rotated_at - $1::interval WHERE id = $2", c.delay, s.id)
		status, got := ts.refresh(first)
		active := c.want == http.StatusOK
		if status != c.want || active && got.RefreshToken != s.refresh {
			t.Errorf("%s: old refresh token: status %d, want %d", c.name, status, c.want)
		}
		for _, instance := range []*testServer{other, ts} {
			if instance.accepts(access) != active {
				t.Errorf("%s: session active: %v, want %v", c.name, !active, active)
			}
			if status, _ := instance.refresh(s.refresh); status != c.want {
				t.Errorf("%s: current refresh token: status %d, want %d", c.name, status, c.want)
			}
		}
		if !other.accepts(otherSession.access) {
			t.Errorf("%s: another session of the account was revoked", c.name)
		}
	}
}

// TestRevocation_allInstances: a revocation by one instance takes effect at the other with the next request.
func TestRevocation_allInstances(t *testing.T) {
	a := newTestServer(t)
	b := a.newInstance()
	adminSession := a.createSession(a.createAccount("boss", admin)).access
	n := 0
	for name, c := range map[string]struct {
		revoke       func(s, helper testSession)
		want         int  // status of an admin request afterwards
		wholeAccount bool // also affects other sessions and API tokens of the account
	}{
		"logout": {func(s, _ testSession) { a.mustSend(s.access, "POST", "/auth/logout", "") }, 401, false},
		"revoked": {func(s, helper testSession) {
			a.mustSend(helper.access, "PUT", "/auth/token/"+s.id.String(), `{"revoke": true}`)
		}, 401, false},
		"disabled": {func(s, _ testSession) {
			a.mustSend(adminSession, "PATCH", fmt.Sprint("/api/v1/users/", s.accountID), `{"disabled": true}`)
		}, 401, true},
		"disabled and enabled again": {func(s, _ testSession) {
			a.mustSend(adminSession, "PATCH", fmt.Sprint("/api/v1/users/", s.accountID), `{"disabled": true}`)
			a.mustSend(adminSession, "PATCH", fmt.Sprint("/api/v1/users/", s.accountID), `{"disabled": false}`)
		}, 401, true},
		"password": {func(_, helper testSession) {
			a.mustSend(helper.access, "PATCH", "/account",
				`{"password": "a new horse for the battery", "current_password": "`+testPassword+`"}`)
		}, 401, true},
		"password changed in psql": {func(s, _ testSession) {
			a.exec("UPDATE credential SET password_hash = $1 WHERE account_id = $2", cachedHash("another"), s.accountID)
		}, 401, true},
		"deleted": {func(s, _ testSession) {
			a.mustSend(adminSession, "DELETE", fmt.Sprint("/api/v1/users/", s.accountID), "")
		}, 401, true},
		"own account deleted": {func(_, helper testSession) {
			a.mustSend(helper.access, "DELETE", "/account", "")
		}, 401, true},
		"role lowered": {func(s, _ testSession) {
			a.mustSend(adminSession, "PATCH", fmt.Sprint("/api/v1/users/", s.accountID), `{"role": "operator"}`)
		}, 403, true},
		"control": {func(testSession, testSession) {}, 200, true}, // revokes nothing
	} {
		n++
		id := a.createAccount(fmt.Sprint("user ", n), admin)
		s, helper, token := a.createSession(id), a.createSession(id), a.createAPIToken(id, admin)
		status := func(token string) int { return b.send(token, "GET", "/api/v1/users/0", "").Code }
		for _, valid := range []string{s.access, helper.access, token} {
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
			{"session", s.access, c.want},
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
		if got, _ := b.refresh(s.refresh); (got == http.StatusOK) == (c.want == http.StatusUnauthorized) {
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
	ts := newTestServer(t)
	for name, sql := range revocations {
		// The login arrives while the revocation is in progress.
		id := ts.createAccount(name+" first", viewer)
		tx, err := ts.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), sql, id, cachedHash("another")); err != nil {
			t.Fatal(err)
		}
		loginStatus := make(chan int)
		go func() { loginStatus <- ts.login(name+" first", testPassword, "").Code }()
		waitFor(t, "the login waits for the revocation", func() bool {
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
		id = ts.createAccount(name+" second", viewer)
		if tx, err = ts.serverPool.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		params := db.CreateSessionParams{Seconds: 900, AccountID: id, PasswordHash: cachedHash(testPassword)}
		if _, err := db.New(tx).CreateSession(t.Context(), params); err != nil {
			t.Fatal(err)
		}
		updateErr := make(chan error)
		go func() {
			_, err := ts.pool.Exec(context.Background(), sql, id, cachedHash("another"))
			updateErr <- err
		}()
		waitFor(t, "the revocation waits for the login", ts.anyLockWait)
		if err := errors.Join(tx.Commit(t.Context()), <-updateErr); err != nil {
			t.Fatal(err)
		}
		if n := scan[int](ts, "SELECT count(*) FROM session WHERE account_id = $1", id); n != 1 {
			t.Fatalf("%s: %d sessions, want 1", name, n)
		}
		ts.checkNoActiveSession(name+" second", id)
		if _, err := db.New(ts.serverPool).CreateSession(t.Context(), params); !errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("%s: session created after the revocation: %v", name, err)
		}
	}
}

// anyLockWait reports whether a connection to the database waits for a lock.
func (ts *testServer) anyLockWait() bool {
	ts.Helper()
	return scan[bool](ts, `SELECT EXISTS (
		SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`)
}

func (ts *testServer) checkNoActiveSession(name string, account int64) {
	ts.Helper()
	n := scan[int](ts, "SELECT count(*) FROM session WHERE account_id = $1 AND revoked_at IS NULL", account)
	if n != 0 {
		ts.Errorf("%s: %d sessions are still active", name, n)
	}
}

// TestLogin_revocationRace runs logins and revocations concurrently over HTTP, at two instances.
func TestLogin_revocationRace(t *testing.T) {
	ts := newTestServer(t)
	instances := []*testServer{ts, ts.newInstance()}
	adminSession := ts.createSession(ts.createAccount("boss", admin)).access
	statuses := map[int]int{}
	for round := range 18 {
		name := fmt.Sprint("user ", round)
		id := ts.createAccount(name, viewer)
		token := ts.createSession(id).access
		var wg sync.WaitGroup
		codes := make([]int, 3)
		for i := range codes {
			wg.Go(func() {
				codes[i] = instances[i%2].login(name, testPassword, fmt.Sprint("198.51.100.", round)).Code
			})
		}
		revoke := func() error {
			if round%3 == 0 {
				return ts.trySend(token, "PATCH", "/account",
					`{"password": "a new horse for the battery", "current_password": "`+testPassword+`"}`)
			}
			time.Sleep(time.Duration(rand.Int64N(int64(60 * time.Millisecond))))
			if round%3 == 1 {
				_, err := ts.pool.Exec(context.Background(), revocations["password"], id, cachedHash("another"))
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
	ts := newTestServer(t)
	for name, sql := range revocations {
		id := ts.createAccount(name, viewer)
		s := ts.createSession(id)
		tx, err := ts.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), sql, id, cachedHash("another")); err != nil {
			t.Fatal(err)
		}
		refreshStatus := make(chan int)
		go func() {
			code, _, err := ts.tryRefresh(s.refresh)
			if err != nil {
				t.Error(err)
			}
			refreshStatus <- code
		}()
		waitFor(t, "the refresh waits for the revocation", ts.anyLockWait)
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
	ts := newTestServer(t)
	s := ts.createSession(ts.createAccount("ann", viewer))
	w := ts.send("", "POST", "/auth/refresh?dry_run=true", `{"refresh_token": "`+s.refresh+`"}`)
	if w.Code != http.StatusBadRequest || strings.Contains(w.Body.String(), "access_token") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestPasswordChange_concurrentRevocation: a revoked session cannot change the password, even if the request arrived
// before the revocation was committed.
func TestPasswordChange_concurrentRevocation(t *testing.T) {
	ts := newTestServer(t)
	for name, sql := range revocations {
		id := ts.createAccount(name, viewer)
		attackerToken := ts.createSession(id).access
		tx, err := ts.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), sql, id, cachedHash("another")); err != nil {
			t.Fatal(err)
		}
		patchStatus := make(chan int)
		go func() {
			patchStatus <- ts.send(attackerToken, "PATCH", "/account",
				`{"password": "the attacker's password", "current_password": "`+testPassword+`"}`).Code
		}()
		waitFor(t, "the attacker's request waits for the revocation", ts.anyLockWait)
		const currentHash = "SELECT password_hash FROM credential WHERE account_id = $1"
		before := scan[string](ts, currentHash, id)
		if name == "password" {
			before = cachedHash("another")
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if code := <-patchStatus; code/100 == 2 || scan[string](ts, currentHash, id) != before {
			t.Errorf("%s: a revoked session changed the password: status %d", name, code)
		}
	}
}
