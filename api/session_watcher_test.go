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

// bearerTransport sends a token with each request.
type bearerTransport struct{ token string }

func (s bearerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer "+s.token)
	return http.DefaultTransport.RoundTrip(r)
}

// streamOpener opens live streams at a lab.
func (ts *testServer) streamOpener() func(token string) *listener {
	server := httptest.NewServer(ts.Handler)
	ts.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return func(token string) *listener {
		server.Client().Transport = bearerTransport{token}
		open := (&streamServer{Server: server}).listen(ts.T, "", "")
		if open.StatusCode != http.StatusOK {
			ts.Fatalf("the stream is refused: %s", open.Status)
		}
		open.nextMessage(ts.T)
		return open
	}
}

// waitClosed waits for the end of a stream, and tells how long it took. It must be a clean one.
func (l *listener) waitClosed(t *testing.T, name string) time.Duration {
	t.Helper()
	start, timeout := time.Now(), time.After(10*time.Second)
	for {
		select {
		case _, open := <-l.messages:
			if !open {
				if l.err != io.EOF {
					t.Errorf("%s: it ended with %v", name, l.err)
				}
				return time.Since(start)
			}
		case <-timeout:
			t.Errorf("%s: it goes on", name)
			return 0
		}
	}
}

// TestStream_endsWithSession: within three seconds, at an instance that did not hear of it. Streams of others go on.
func TestStream_endsWithSession(t *testing.T) {
	a := newTestServer(t)
	b := a.newInstance()
	open := b.streamOpener()
	adminSession := a.createSession(a.createAccount("boss", admin))
	bystander := open(a.createSession(a.createAccount("bystander", viewer)).access)
	script := open(a.createAPIToken(adminSession.accountID, viewer))
	type ending struct {
		what string
		*listener
		end func()
	}
	var all []ending
	for i, c := range []struct {
		what string
		api  bool
		end  func(s testSession)
	}{
		{"revoked", false, func(s testSession) {
			a.mustSend(a.createSession(s.accountID).access, "PUT", "/auth/token/"+s.id.String(), `{"revoke": true}`)
		}},
		{"logged out", false, func(s testSession) { a.mustSend(s.access, "POST", "/auth/logout", "") }},
		{"disabled", false, func(s testSession) {
			a.mustSend(adminSession.access, "PATCH", fmt.Sprint("/api/v1/users/", s.accountID), `{"disabled": true}`)
		}},
		{"deleted", false, func(s testSession) { a.mustSend(s.access, "DELETE", "/account", "") }},
		{"a new password", false, func(s testSession) {
			a.mustSend(s.access, "PATCH", "/account", `{"password": "a new horse for the battery", "current_password": "`+testPassword+`"}`)
		}},
		{"an API token that is revoked", true, func(s testSession) {
			a.mustSend(s.access, "DELETE", fmt.Sprint("/api/v1/tokens/", scan[int64](a, "SELECT id FROM api_token WHERE account_id = $1", s.accountID)), "")
		}},
		{"an API token of somebody disabled", true, func(s testSession) {
			a.mustSend(adminSession.access, "PATCH", fmt.Sprint("/api/v1/users/", s.accountID), `{"disabled": true}`)
		}},
	} {
		s := a.createSession(a.createAccount(fmt.Sprint("user ", i), viewer))
		token := s.access
		if c.api {
			token = a.createAPIToken(s.accountID, viewer)
		}
		all = append(all, ending{c.what, open(token), func() { c.end(s) }})
	}
	time.Sleep(2 * sessionPollInterval) // nothing ends for no reason
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
		e.waitClosed(t, e.what)
	}
	if elapsed := time.Since(start); elapsed > 3*time.Second {
		t.Errorf("it took %v", elapsed)
	}
	a.mustSend(adminSession.access, "POST", "/event", `{"type": "deposit", "amount": "1", "user_id": 1, "time": 1}`)
	bystander.nextData(t)
	script.nextData(t)
}

// TestStream_endsWithAccessToken: who cannot get another one has seen enough.
func TestStream_endsWithAccessToken(t *testing.T) {
	ts := newTestServer(t)
	open := ts.streamOpener()
	s := ts.createSession(ts.createAccount("ann", viewer))
	later := open(s.access) // of the same session
	short := open(ts.options.Access.Keys.SignAccessToken(s.accountID, s.id, time.Now().Add(-auth.AccessTokenTTL+4*time.Second)))
	if elapsed := short.waitClosed(t, "an access token of four seconds"); elapsed < time.Second || elapsed > 7*time.Second {
		t.Errorf("it ended after %v", elapsed)
	}
	addEvent(t, ts.pool, 1)
	later.nextData(t)
}

// TestSessionWatcher_stopsWhenIdle: it works while there is something to watch, once for all, and wakes again.
func TestSessionWatcher_stopsWhenIdle(t *testing.T) {
	goroutines := func() int { return leaktest.InFunc((*sessionWatcher).run) }
	waitFor(t, "nothing is left of other tests", func() bool { return goroutines() == 0 })
	ts := newTestServer(t)
	open := ts.streamOpener()
	ann := ts.createAccount("ann", viewer)
	for round := range 2 {
		s := ts.createSession(ann)
		first, second, third := open(s.access), open(s.access), open(ts.createSession(ann).access)
		if n := goroutines(); n != 1 {
			t.Fatalf("%d are at work", n)
		}
		first.cancel()
		third.cancel()
		if round == 0 {
			time.Sleep(sessionPollInterval + 100*time.Millisecond)
		}
		if n := goroutines(); n != 1 {
			t.Errorf("one stream is left, and %d are at work", n)
		}
		ts.mustSend(s.access, "POST", "/auth/logout", "")
		second.waitClosed(t, "the last stream")
		waitFor(t, "nobody is at work", func() bool { return goroutines() == 0 })
	}
}
