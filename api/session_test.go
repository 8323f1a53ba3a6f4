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

func (l *lab) refresh(token string) (status int, got tokenPair) {
	l.Helper()
	w := l.ask("", "POST", "/auth/refresh", `{"refresh_token": "`+token+`"}`)
	if w.Code == http.StatusOK {
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			l.Fatal(err)
		}
	}
	return w.Code, got
}

// TestRefreshAtOnce: a client that sends its refresh token many times over, at two instances, gets one successor, and the session lives.
func TestRefreshAtOnce(t *testing.T) {
	l := newLab(t)
	s := l.session(l.account("ann", viewer))
	instances := []*lab{l, l.twin()}
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
			if g.RefreshToken != got[0].RefreshToken || g.RefreshToken == s.refresh || !l.lives(g.AccessToken) {
				t.Errorf("round %d: %+v", round, g)
			}
		}
		s.refresh = got[0].RefreshToken
	}
	if n := scan[int](l, "SELECT generation FROM session"); n != 6 {
		t.Errorf("after five rounds this is refresh token %d", n)
	}
}

// TestRefreshReuse: an old refresh token ends the session, once it cannot be a repetition of the last call.
func TestRefreshReuse(t *testing.T) {
	l := newLab(t)
	other := l.twin()
	ann := l.account("ann", viewer)
	for _, c := range []struct {
		name  string
		turns int           // before the first token is used again
		later time.Duration // after the last turn
		want  int
	}{
		{"a repetition", 1, graceTime - 2*time.Second, http.StatusOK},
		{"one turn old, and too late", 1, graceTime + time.Second, http.StatusUnauthorized},
		{"two turns old", 2, 0, http.StatusUnauthorized},
		{"five turns old", 5, time.Hour, http.StatusUnauthorized},
	} {
		s, neighbour := l.session(ann), l.session(ann)
		first := s.refresh
		access := s.access
		for range c.turns {
			status, got := l.refresh(s.refresh)
			if status != http.StatusOK || got.RefreshToken == s.refresh {
				t.Fatalf("%s: %d", c.name, status)
			}
			s.refresh = got.RefreshToken
		}
		l.exec("UPDATE session SET rotated_at = rotated_at - $1::interval WHERE id = $2", c.later, s.id)
		status, got := l.refresh(first)
		alive := c.want == http.StatusOK
		if status != c.want || alive && got.RefreshToken != s.refresh {
			t.Errorf("%s: %d", c.name, status)
		}
		for _, in := range []*lab{other, l} {
			if in.lives(access) != alive {
				t.Errorf("%s: alive %v", c.name, !alive)
			}
			if status, _ := in.refresh(s.refresh); status != c.want {
				t.Errorf("%s: the newest refresh token: %d", c.name, status)
			}
		}
		if !other.lives(neighbour.access) {
			t.Errorf("%s: another session has ended, too", c.name)
		}
	}
}

// TestEndsEverywhere: what ends at one instance has ended at the other one with the very next request.
func TestEndsEverywhere(t *testing.T) {
	a := newLab(t)
	b := a.twin()
	boss := a.session(a.account("boss", admin)).access
	n := 0
	for name, c := range map[string]struct {
		end  func(s, helper labSession)
		role int  // what an admin's call answers afterwards
		all  bool // other sessions and API tokens of the account end, too
	}{
		"logout": {func(s, _ labSession) { a.good(s.access, "POST", "/auth/logout", "") }, 401, false},
		"revoked": {func(s, helper labSession) {
			a.good(helper.access, "PUT", "/auth/token/"+s.id.String(), `{"revoke": true}`)
		}, 401, false},
		"disabled": {func(s, _ labSession) {
			a.good(boss, "PATCH", fmt.Sprint("/api/v1/users/", s.account), `{"disabled": true}`)
		}, 401, true},
		"disabled, and enabled again": {func(s, _ labSession) {
			a.good(boss, "PATCH", fmt.Sprint("/api/v1/users/", s.account), `{"disabled": true}`)
			a.good(boss, "PATCH", fmt.Sprint("/api/v1/users/", s.account), `{"disabled": false}`)
		}, 401, true},
		"password": {func(_, helper labSession) {
			a.good(helper.access, "PATCH", "/account", `{"password": "a new horse for the battery", "current_password": "`+labPassword+`"}`)
		}, 401, true},
		"password, in psql": {func(s, _ labSession) {
			a.exec("UPDATE credential SET password_hash = $1 WHERE account_id = $2", hashOf("another"), s.account)
		}, 401, true},
		"deleted":           {func(s, _ labSession) { a.good(boss, "DELETE", fmt.Sprint("/api/v1/users/", s.account), "") }, 401, true},
		"deleted by itself": {func(_, helper labSession) { a.good(helper.access, "DELETE", "/account", "") }, 401, true},
		"role": {func(s, _ labSession) {
			a.good(boss, "PATCH", fmt.Sprint("/api/v1/users/", s.account), `{"role": "operator"}`)
		}, 403, true},
		"nothing": {func(labSession, labSession) {}, 200, true}, // or this could not fail
	} {
		n++
		id := a.account(fmt.Sprint("user ", n), admin)
		s, helper, token := a.session(id), a.session(id), a.apiToken(id, admin)
		status := func(token string) int { return b.ask(token, "GET", "/api/v1/users/0", "").Code }
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
var closings = map[string]string{
	"password": "UPDATE credential SET password_hash = $2 WHERE account_id = $1",
	"disabled": "UPDATE account SET disabled = true WHERE id = $1 AND $2 <> ''",
}

// TestLoginAgainstClosing lets a login and a change of the password, or the end of an account, meet in the database, in both orders. Whoever
// comes second must wait for the first, and no session may be left that began with what was good before.
func TestLoginAgainstClosing(t *testing.T) {
	l := newLab(t)
	for name, sql := range closings {
		// The change is under way when the login comes.
		id := l.account(name+" first", viewer)
		tx, err := l.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), sql, id, hashOf("another")); err != nil {
			t.Fatal(err)
		}
		answered := make(chan int)
		go func() { answered <- l.login(name+" first", labPassword, "").Code }()
		eventually(t, "the login waits for the change", func() bool {
			select {
			case code := <-answered:
				t.Fatalf("%s: a login has passed a change under way: %d", name, code)
			default:
			}
			return scan[bool](l, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')")
		})
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if code := <-answered; code != http.StatusUnauthorized {
			t.Errorf("%s: a login that met the change: %d", name, code)
		}
		l.noneLive(name+" first", id)

		// The login is under way when the change comes.
		id = l.account(name+" second", viewer)
		if tx, err = l.work.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		begun := db.CreateSessionParams{Seconds: 900, AccountID: id, PasswordHash: hashOf(labPassword)}
		if _, err := db.New(tx).CreateSession(t.Context(), begun); err != nil {
			t.Fatal(err)
		}
		changed := make(chan error)
		go func() {
			_, err := l.pool.Exec(context.Background(), sql, id, hashOf("another"))
			changed <- err
		}()
		eventually(t, "the change waits for the login", func() bool {
			return scan[bool](l, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')")
		})
		if err := errors.Join(tx.Commit(t.Context()), <-changed); err != nil {
			t.Fatal(err)
		}
		if n := scan[int](l, "SELECT count(*) FROM session WHERE account_id = $1", id); n != 1 {
			t.Fatalf("%s: %d sessions", name, n)
		}
		l.noneLive(name+" second", id)
		if _, err := db.New(l.work).CreateSession(t.Context(), begun); !errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("%s: a session after the change: %v", name, err)
		}
	}
}

func (l *lab) noneLive(what string, account int64) {
	l.Helper()
	if n := scan[int](l, "SELECT count(*) FROM session WHERE account_id = $1 AND revoked_at IS NULL", account); n != 0 {
		l.Errorf("%s: %d sessions live on", what, n)
	}
}

// TestLoginRaces is the same by chance, over HTTP, at two instances.
func TestLoginRaces(t *testing.T) {
	l := newLab(t)
	instances := []*lab{l, l.twin()}
	boss := l.session(l.account("boss", admin)).access
	statuses := map[int]int{}
	for round := range 18 {
		name := fmt.Sprint("user ", round)
		id := l.account(name, viewer)
		me := l.session(id).access
		var all sync.WaitGroup
		codes := make([]int, 3)
		for i := range codes {
			all.Go(func() { codes[i] = instances[i%2].login(name, labPassword, fmt.Sprint("198.51.100.", round)).Code })
		}
		all.Go(func() {
			if round%3 == 0 {
				l.good(me, "PATCH", "/account", `{"password": "a new horse for the battery", "current_password": "`+labPassword+`"}`)
				return
			}
			time.Sleep(time.Duration(rand.Int64N(int64(60 * time.Millisecond))))
			if round%3 == 1 {
				l.exec(closings["password"], id, hashOf("another"))
			} else {
				instances[1].good(boss, "PATCH", fmt.Sprint("/api/v1/users/", id), `{"disabled": true}`)
			}
		})
		all.Wait()
		l.noneLive(name, id)
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

// TestRefreshAgainstClosing: nor does a session that is being refreshed come back to life.
func TestRefreshAgainstClosing(t *testing.T) {
	l := newLab(t)
	for name, sql := range closings {
		id := l.account(name, viewer)
		s := l.session(id)
		tx, err := l.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), sql, id, hashOf("another")); err != nil {
			t.Fatal(err)
		}
		answered := make(chan int)
		go func() {
			code, _ := l.refresh(s.refresh)
			answered <- code
		}()
		eventually(t, "the refresh waits", func() bool {
			return scan[bool](l, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')")
		})
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if code := <-answered; code != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, code)
		}
		l.noneLive(name, id)
	}
}

// TestRefreshDryRun: there is none. Or whoever stole one refresh token took each next one out of a dry run, with an access token each time, and
// never used one twice, which is what would give him away.
func TestRefreshDryRun(t *testing.T) {
	l := newLab(t)
	s := l.session(l.account("ann", viewer))
	w := l.ask("", "POST", "/auth/refresh?dry_run=true", `{"refresh_token": "`+s.refresh+`"}`)
	if w.Code != http.StatusBadRequest || strings.Contains(w.Body.String(), "access_token") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestPasswordAgainstClosing: who was thrown out meanwhile gives the account no new password. Or a thief who is fast enough has the last word.
func TestPasswordAgainstClosing(t *testing.T) {
	l := newLab(t)
	for name, sql := range closings {
		id := l.account(name, viewer)
		thief := l.session(id).access
		tx, err := l.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), sql, id, hashOf("another")); err != nil {
			t.Fatal(err)
		}
		answered := make(chan int)
		go func() {
			answered <- l.ask(thief, "PATCH", "/account", `{"password": "the password of the thief", "current_password": "`+labPassword+`"}`).Code
		}()
		eventually(t, "the thief waits for the change", func() bool {
			return scan[bool](l, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')")
		})
		before := scan[string](l, "SELECT password_hash FROM credential WHERE account_id = $1", id)
		if name == "password" {
			before = hashOf("another")
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if code := <-answered; code/100 == 2 || scan[string](l, "SELECT password_hash FROM credential WHERE account_id = $1", id) != before {
			t.Errorf("%s: a new password by who was thrown out meanwhile: %d", name, code)
		}
	}
}
