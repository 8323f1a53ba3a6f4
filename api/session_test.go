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

// This file holds how sessions go on and end, at whichever instance.

// A tokenPair is what a client that keeps its tokens itself reads of Tokens.
type tokenPair struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
}

func (ts *testServer) refresh(token string) (status int, got tokenPair) {
	ts.Helper()
	w := ts.send("", "POST", "/auth/refresh", `{"refresh_token": "`+token+`"}`)
	if w.Code == http.StatusOK {
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			ts.Fatal(err)
		}
	}
	return w.Code, got
}

// TestRefresh_concurrent: a client that sends its refresh token many times over, at two instances, gets one successor, and the session lives.
func TestRefresh_concurrent(t *testing.T) {
	ts := newTestServer(t)
	s := ts.createSession(ts.createAccount("ann", viewer))
	instances := []*testServer{ts, ts.newInstance()}
	for round := range 5 {
		var all sync.WaitGroup
		got := make([]tokenPair, 20)
		for i := range got {
			all.Go(func() {
				var status int
				if status, got[i] = instances[i%2].refresh(s.refresh); status != http.StatusOK {
					t.Errorf("round %d: %d", round, status)
				}
			})
		}
		all.Wait()
		for _, g := range got {
			if g.RefreshToken != got[0].RefreshToken || g.RefreshToken == s.refresh || !ts.accepts(g.AccessToken) {
				t.Errorf("round %d: %+v", round, g)
			}
		}
		s.refresh = got[0].RefreshToken
	}
	if n := scan[int](ts, "SELECT generation FROM session"); n != 6 {
		t.Errorf("after five rounds this is refresh token %d", n)
	}
}

// TestRefresh_reuseRevokesSession: an old refresh token ends the session, once it cannot be a repetition of the last call.
func TestRefresh_reuseRevokesSession(t *testing.T) {
	ts := newTestServer(t)
	other := ts.newInstance()
	ann := ts.createAccount("ann", viewer)
	for _, c := range []struct {
		name  string
		turns int           // before the first token is used again
		later time.Duration // after the last turn
		want  int
	}{
		{"a repetition", 1, refreshGrace - 2*time.Second, http.StatusOK},
		{"one turn old, and too late", 1, refreshGrace + time.Second, http.StatusUnauthorized},
		{"two turns old", 2, 0, http.StatusUnauthorized},
		{"five turns old", 5, time.Hour, http.StatusUnauthorized},
	} {
		s, neighbour := ts.createSession(ann), ts.createSession(ann)
		first := s.refresh
		access := s.access
		for range c.turns {
			status, got := ts.refresh(s.refresh)
			if status != http.StatusOK || got.RefreshToken == s.refresh {
				t.Fatalf("%s: %d", c.name, status)
			}
			s.refresh = got.RefreshToken
		}
		ts.exec("UPDATE session SET rotated_at = rotated_at - $1::interval WHERE id = $2", c.later, s.id)
		status, got := ts.refresh(first)
		active := c.want == http.StatusOK
		if status != c.want || active && got.RefreshToken != s.refresh {
			t.Errorf("%s: %d", c.name, status)
		}
		for _, in := range []*testServer{other, ts} {
			if in.accepts(access) != active {
				t.Errorf("%s: alive %v", c.name, !active)
			}
			if status, _ := in.refresh(s.refresh); status != c.want {
				t.Errorf("%s: the newest refresh token: %d", c.name, status)
			}
		}
		if !other.accepts(neighbour.access) {
			t.Errorf("%s: another session has ended, too", c.name)
		}
	}
}

// TestRevocation_allInstances: what ends at one instance has ended at the other one with the very next request.
func TestRevocation_allInstances(t *testing.T) {
	a := newTestServer(t)
	b := a.newInstance()
	adminSession := a.createSession(a.createAccount("boss", admin)).access
	n := 0
	for name, c := range map[string]struct {
		end  func(s, helper testSession)
		role int  // what an admin's call answers afterwards
		all  bool // other sessions and API tokens of the account end, too
	}{
		"logout": {func(s, _ testSession) { a.mustSend(s.access, "POST", "/auth/logout", "") }, 401, false},
		"revoked": {func(s, helper testSession) {
			a.mustSend(helper.access, "PUT", "/auth/token/"+s.id.String(), `{"revoke": true}`)
		}, 401, false},
		"disabled": {func(s, _ testSession) {
			a.mustSend(adminSession, "PATCH", fmt.Sprint("/api/v1/users/", s.accountID), `{"disabled": true}`)
		}, 401, true},
		"disabled, and enabled again": {func(s, _ testSession) {
			a.mustSend(adminSession, "PATCH", fmt.Sprint("/api/v1/users/", s.accountID), `{"disabled": true}`)
			a.mustSend(adminSession, "PATCH", fmt.Sprint("/api/v1/users/", s.accountID), `{"disabled": false}`)
		}, 401, true},
		"password": {func(_, helper testSession) {
			a.mustSend(helper.access, "PATCH", "/account", `{"password": "a new horse for the battery", "current_password": "`+testPassword+`"}`)
		}, 401, true},
		"password, in psql": {func(s, _ testSession) {
			a.exec("UPDATE credential SET password_hash = $1 WHERE account_id = $2", cachedHash("another"), s.accountID)
		}, 401, true},
		"deleted": {func(s, _ testSession) {
			a.mustSend(adminSession, "DELETE", fmt.Sprint("/api/v1/users/", s.accountID), "")
		}, 401, true},
		"deleted by itself": {func(_, helper testSession) { a.mustSend(helper.access, "DELETE", "/account", "") }, 401, true},
		"role": {func(s, _ testSession) {
			a.mustSend(adminSession, "PATCH", fmt.Sprint("/api/v1/users/", s.accountID), `{"role": "operator"}`)
		}, 403, true},
		"nothing": {func(testSession, testSession) {}, 200, true}, // or this could not fail
	} {
		n++
		id := a.createAccount(fmt.Sprint("user ", n), admin)
		s, helper, token := a.createSession(id), a.createSession(id), a.createAPIToken(id, admin)
		status := func(token string) int { return b.send(token, "GET", "/api/v1/users/0", "").Code }
		for _, good := range []string{s.access, helper.access, token} {
			if status(good) != http.StatusNotFound {
				t.Fatalf("%s: not good before", name)
			}
		}
		c.end(s, helper)
		want, rest := c.role, c.role
		if !c.all {
			rest = http.StatusOK
		}
		for _, e := range []struct {
			what, token string
			want        int
		}{{"the session", s.access, want}, {"another session", helper.access, rest}, {"an API token", token, rest}} {
			if e.want == http.StatusOK {
				e.want = http.StatusNotFound // of that user
			}
			if got := status(e.token); got != e.want {
				t.Errorf("%s: %s: %d", name, e.what, got)
			}
		}
		if got, _ := b.refresh(s.refresh); (got == http.StatusOK) == (want == http.StatusUnauthorized) {
			t.Errorf("%s: the refresh token: %d", name, got)
		}
	}
}

// The two things that a login must not slip past, as they are in SQL.
var revocations = map[string]string{
	"password": "UPDATE credential SET password_hash = $2 WHERE account_id = $1",
	"disabled": "UPDATE account SET disabled = true WHERE id = $1 AND $2 <> ''",
}

// TestLogin_concurrentRevocation lets a login and a change of the password, or the end of an account, meet in the database, in both orders. Whoever
// comes second must wait for the first, and no session may be left that began with what was good before.
func TestLogin_concurrentRevocation(t *testing.T) {
	ts := newTestServer(t)
	for name, sql := range revocations {
		// The change is under way when the login comes.
		id := ts.createAccount(name+" first", viewer)
		tx, err := ts.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), sql, id, cachedHash("another")); err != nil {
			t.Fatal(err)
		}
		answered := make(chan int)
		go func() { answered <- ts.login(name+" first", testPassword, "").Code }()
		waitFor(t, "the login waits for the change", func() bool {
			select {
			case code := <-answered:
				t.Fatalf("%s: a login has passed a change under way: %d", name, code)
			default:
			}
			return scan[bool](ts, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')")
		})
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if code := <-answered; code != http.StatusUnauthorized {
			t.Errorf("%s: a login that met the change: %d", name, code)
		}
		ts.checkNoActiveSession(name+" first", id)

		// The login is under way when the change comes.
		id = ts.createAccount(name+" second", viewer)
		if tx, err = ts.serverPool.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		begun := db.CreateSessionParams{Seconds: 900, AccountID: id, PasswordHash: cachedHash(testPassword)}
		if _, err := db.New(tx).CreateSession(t.Context(), begun); err != nil {
			t.Fatal(err)
		}
		changed := make(chan error)
		go func() {
			_, err := ts.pool.Exec(context.Background(), sql, id, cachedHash("another"))
			changed <- err
		}()
		waitFor(t, "the change waits for the login", func() bool {
			return scan[bool](ts, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')")
		})
		if err := errors.Join(tx.Commit(t.Context()), <-changed); err != nil {
			t.Fatal(err)
		}
		if n := scan[int](ts, "SELECT count(*) FROM session WHERE account_id = $1", id); n != 1 {
			t.Fatalf("%s: %d sessions", name, n)
		}
		ts.checkNoActiveSession(name+" second", id)
		if _, err := db.New(ts.serverPool).CreateSession(t.Context(), begun); !errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("%s: a session after the change: %v", name, err)
		}
	}
}

func (ts *testServer) checkNoActiveSession(name string, account int64) {
	ts.Helper()
	if n := scan[int](ts, "SELECT count(*) FROM session WHERE account_id = $1 AND revoked_at IS NULL", account); n != 0 {
		ts.Errorf("%s: %d sessions live on", name, n)
	}
}

// TestLogin_revocationRace is the same by chance, over HTTP, at two instances.
func TestLogin_revocationRace(t *testing.T) {
	ts := newTestServer(t)
	instances := []*testServer{ts, ts.newInstance()}
	adminSession := ts.createSession(ts.createAccount("boss", admin)).access
	statuses := map[int]int{}
	for round := range 18 {
		name := fmt.Sprint("user ", round)
		id := ts.createAccount(name, viewer)
		me := ts.createSession(id).access
		var all sync.WaitGroup
		codes := make([]int, 3)
		for i := range codes {
			all.Go(func() { codes[i] = instances[i%2].login(name, testPassword, fmt.Sprint("198.51.100.", round)).Code })
		}
		all.Go(func() {
			if round%3 == 0 {
				ts.mustSend(me, "PATCH", "/account", `{"password": "a new horse for the battery", "current_password": "`+testPassword+`"}`)
				return
			}
			time.Sleep(time.Duration(rand.Int64N(int64(60 * time.Millisecond))))
			if round%3 == 1 {
				ts.exec(revocations["password"], id, cachedHash("another"))
			} else {
				instances[1].mustSend(adminSession, "PATCH", fmt.Sprint("/api/v1/users/", id), `{"disabled": true}`)
			}
		})
		all.Wait()
		ts.checkNoActiveSession(name, id)
		for _, code := range codes {
			statuses[code]++
		}
	}
	for code := range statuses {
		if !slices.Contains([]int{http.StatusOK, http.StatusUnauthorized}, code) {
			t.Errorf("logins answered %v", statuses)
		}
	}
	if statuses[http.StatusOK] == 0 || statuses[http.StatusUnauthorized] == 0 {
		t.Errorf("they never met: %v", statuses)
	}
}

// TestRefresh_concurrentRevocation: nor does a session that is being refreshed come back to life.
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
		answered := make(chan int)
		go func() {
			code, _ := ts.refresh(s.refresh)
			answered <- code
		}()
		waitFor(t, "the refresh waits", func() bool {
			return scan[bool](ts, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')")
		})
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if code := <-answered; code != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, code)
		}
		ts.checkNoActiveSession(name, id)
	}
}

// TestRefresh_rejectsDryRun: there is none. Or whoever stole one refresh token took each next one out of a dry run, with an access token each time, and
// never used one twice, which is what would give him away.
func TestRefresh_rejectsDryRun(t *testing.T) {
	ts := newTestServer(t)
	s := ts.createSession(ts.createAccount("ann", viewer))
	w := ts.send("", "POST", "/auth/refresh?dry_run=true", `{"refresh_token": "`+s.refresh+`"}`)
	if w.Code != http.StatusBadRequest || strings.Contains(w.Body.String(), "access_token") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestPasswordChange_concurrentRevocation: who was thrown out meanwhile gives the account no new password. Or a thief who is fast enough has the last word.
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
		answered := make(chan int)
		go func() {
			answered <- ts.send(attackerToken, "PATCH", "/account", `{"password": "the password of the thief", "current_password": "`+testPassword+`"}`).Code
		}()
		waitFor(t, "the thief waits for the change", func() bool {
			return scan[bool](ts, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')")
		})
		before := scan[string](ts, "SELECT password_hash FROM credential WHERE account_id = $1", id)
		if name == "password" {
			before = cachedHash("another")
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if code := <-answered; code/100 == 2 || scan[string](ts, "SELECT password_hash FROM credential WHERE account_id = $1", id) != before {
			t.Errorf("%s: a new password by who was thrown out meanwhile: %d", name, code)
		}
	}
}
