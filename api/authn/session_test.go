package authn_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"labledger/api/authn"
	"labledger/api/rest"
	"labledger/internal/apitest"
)

// This file tests the refresh of sessions across instances.

// A tokenPair is the part of Tokens that a client without cookies reads.
type tokenPair struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
}

// refresh exchanges a refresh token. The tokens are empty unless the status is 200. It may be called from any
// goroutine.
func refresh(ts *apitest.Server, token string) (status int, got tokenPair, err error) {
	w := ts.Send("", "POST", "/auth/refresh", `{"refresh_token": "`+token+`"}`)
	if w.Code == http.StatusOK {
		err = json.Unmarshal(w.Body.Bytes(), &got)
	}
	return w.Code, got, err
}

// mustRefresh is refresh, but fails the test on an error.
func mustRefresh(ts *apitest.Server, token string) (status int, got tokenPair) {
	ts.Helper()
	status, got, err := refresh(ts, token)
	if err != nil {
		ts.Fatal(err)
	}
	return status, got
}

// TestRefresh_concurrent: concurrent requests with the same refresh token, at two instances, all return the same
// successor, and the session stays active.
func TestRefresh_concurrent(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	s := ts.CreateSession(ts.CreateAccount("ann", rest.Viewer))
	instances := []*apitest.Server{ts, ts.NewInstance()}
	for round := range 5 {
		var wg sync.WaitGroup
		got := make([]tokenPair, 20)
		for i := range got {
			wg.Go(func() {
				status, tokens, err := refresh(instances[i%2], s.Refresh)
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
	t.Parallel()
	ts := apitest.New(t)
	other := ts.NewInstance()
	ann := ts.CreateAccount("ann", rest.Viewer)
	for _, c := range []struct {
		name      string
		refreshes int           // before the first token is reused
		delay     time.Duration // after the last refresh
		want      int
	}{
		{"retry within the grace period", 1, authn.RefreshGrace / 2, http.StatusOK},
		{"one refresh old, after the grace period", 1, authn.RefreshGrace + time.Second, http.StatusUnauthorized},
		{"two refreshes old", 2, 0, http.StatusUnauthorized},
		{"five refreshes old", 5, time.Hour, http.StatusUnauthorized},
	} {
		s, otherSession := ts.CreateSession(ann), ts.CreateSession(ann)
		first := s.Refresh
		access := s.Access
		for range c.refreshes {
			status, got := mustRefresh(ts, s.Refresh)
			if status != http.StatusOK || got.RefreshToken == s.Refresh {
				t.Fatalf("%s: refresh: status %d", c.name, status)
			}
			s.Refresh = got.RefreshToken
		}
		ts.Exec("UPDATE session SET rotated_at = now() - $1::interval WHERE id = $2", c.delay, s.ID)
		status, got := mustRefresh(ts, first)
		active := c.want == http.StatusOK
		if status != c.want || active && got.RefreshToken != s.Refresh {
			t.Errorf("%s: old refresh token: status %d, want %d", c.name, status, c.want)
		}
		for _, instance := range []*apitest.Server{other, ts} {
			if instance.Accepts(access) != active {
				t.Errorf("%s: session active: %v, want %v", c.name, !active, active)
			}
			if status, _ := mustRefresh(instance, s.Refresh); status != c.want {
				t.Errorf("%s: current refresh token: status %d, want %d", c.name, status, c.want)
			}
		}
		if !other.Accepts(otherSession.Access) {
			t.Errorf("%s: another session of the account was revoked", c.name)
		}
	}
}

// TestRefresh_rejectsDryRun: with a dry run, the thief of a refresh token could obtain each next token without ever
// using one twice, so the theft would go undetected.
func TestRefresh_rejectsDryRun(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	s := ts.CreateSession(ts.CreateAccount("ann", rest.Viewer))
	w := ts.Send("", "POST", "/auth/refresh?dry_run=true", `{"refresh_token": "`+s.Refresh+`"}`)
	if w.Code != http.StatusBadRequest || strings.Contains(w.Body.String(), "access_token") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
