package api

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"labledger/internal/auth"
	"labledger/internal/leaktest"
)

// This file holds that a live stream ends with what its client came with.

// signedIn sends a token with each request.
type signedIn struct{ token string }

func (s signedIn) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer "+s.token)
	return http.DefaultTransport.RoundTrip(r)
}

// streams opens live streams at a lab.
func (l *lab) streams() func(token string) *listener {
	server := httptest.NewServer(l.Handler)
	l.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return func(token string) *listener {
		server.Client().Transport = signedIn{token}
		open := (&streamServer{Server: server}).listen(l.T, "", "")
		if open.StatusCode != http.StatusOK {
			l.Fatalf("the stream is refused: %s", open.Status)
		}
		open.any(l.T)
		return open
	}
}

// ends waits for the end of a stream, and tells how long it took. It must be a clean one.
func (l *listener) ends(t *testing.T, what string) time.Duration {
	t.Helper()
	start, up := time.Now(), time.After(10*time.Second)
	for {
		select {
		case _, open := <-l.messages:
			if !open {
				if l.err != io.EOF {
					t.Errorf("%s: it ended with %v", what, l.err)
				}
				return time.Since(start)
			}
		case <-up:
			t.Errorf("%s: it goes on", what)
			return 0
		}
	}
}

// TestStreamEndsWithSession: within three seconds, at an instance that did not hear of it. Streams of others go on.
func TestStreamEndsWithSession(t *testing.T) {
	a := newLab(t)
	b := a.twin()
	open := b.streams()
	boss := a.session(a.account("boss", admin))
	bystander := open(a.session(a.account("bystander", viewer)).access)
	script := open(a.apiToken(boss.account, viewer))
	type ending struct {
		what string
		*listener
		end func()
	}
	var all []ending
	for i, c := range []struct {
		what string
		api  bool
		end  func(s labSession)
	}{
		{"revoked", false, func(s labSession) {
			a.good(a.session(s.account).access, "PUT", "/auth/token/"+s.id.String(), `{"revoke": true}`)
		}},
		{"logged out", false, func(s labSession) { a.good(s.access, "POST", "/auth/logout", "") }},
		{"disabled", false, func(s labSession) {
			a.good(boss.access, "PATCH", fmt.Sprint("/api/v1/users/", s.account), `{"disabled": true}`)
		}},
		{"deleted", false, func(s labSession) { a.good(s.access, "DELETE", "/account", "") }},
		{"a new password", false, func(s labSession) {
			a.good(s.access, "PATCH", "/account", `{"password": "a new horse for the battery", "current_password": "`+labPassword+`"}`)
		}},
		{"an API token that is revoked", true, func(s labSession) {
			a.good(s.access, "DELETE", fmt.Sprint("/api/v1/tokens/", scan[int64](a, "SELECT id FROM api_token WHERE account_id = $1", s.account)), "")
		}},
		{"an API token of somebody disabled", true, func(s labSession) {
			a.good(boss.access, "PATCH", fmt.Sprint("/api/v1/users/", s.account), `{"disabled": true}`)
		}},
	} {
		s := a.session(a.account(fmt.Sprint("user ", i), viewer))
		token := s.access
		if c.api {
			token = a.apiToken(s.account, viewer)
		}
		all = append(all, ending{c.what, open(token), func() { c.end(s) }})
	}
	time.Sleep(2 * vigilPause) // nothing ends for no reason
	for _, e := range all {
		select {
		case m, more := <-e.messages:
			if !more {
				t.Fatalf("%s: the stream has ended before", e.what)
			}
			t.Fatalf("%s: %+v", e.what, m)
		default:
		}
		e.end()
	}
	start := time.Now()
	for _, e := range all {
		e.ends(t, e.what)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
	a.good(boss.access, "POST", "/event", `{"type": "deposit", "amount": "1", "user_id": 1, "time": 1}`)
	bystander.next(t)
	script.next(t)
}

// TestStreamEndsWithAccessToken: who cannot get another one has seen enough.
func TestStreamEndsWithAccessToken(t *testing.T) {
	l := newLab(t)
	open := l.streams()
	s := l.session(l.account("ann", viewer))
	later := open(s.access) // of the same session
	short := open(l.options.Access.Keys.SignAccessToken(s.account, s.id, time.Now().Add(-auth.AccessTokenTTL+4*time.Second)))
	if took := short.ends(t, "an access token of four seconds"); took < time.Second || took > 7*time.Second {
		t.Errorf("it ended after %v", took)
	}
	addEvent(t, l.pool, 1)
	later.next(t)
}

// TestVigilLeavesNothing: it works while there is something to watch, once for all, and wakes again.
func TestVigilLeavesNothing(t *testing.T) {
	working := func() int { return leaktest.InFunc((*vigil).work) }
	eventually(t, "nothing is left of other tests", func() bool { return working() == 0 })
	l := newLab(t)
	open := l.streams()
	ann := l.account("ann", viewer)
	for round := range 2 {
		s := l.session(ann)
		first, second, third := open(s.access), open(s.access), open(l.session(ann).access)
		if n := working(); n != 1 {
			t.Fatalf("%d are at work", n)
		}
		first.hangUp()
		third.hangUp()
		if round == 0 {
			time.Sleep(vigilPause + 100*time.Millisecond)
		}
		if n := working(); n != 1 {
			t.Errorf("one stream is left, and %d are at work", n)
		}
		l.good(s.access, "POST", "/auth/logout", "")
		second.ends(t, "the last stream")
		eventually(t, "nobody is at work", func() bool { return working() == 0 })
	}
}
