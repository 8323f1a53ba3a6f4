package api

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"labledger/internal/auth"
	"labledger/internal/leaktest"
)

// This file tests that a live stream ends with the session or API token of its client.

// bearerTransport sends a token with each request.
type bearerTransport struct{ token string }

func (b bearerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer "+b.token)
	return http.DefaultTransport.RoundTrip(r)
}

// streamOpener starts an HTTP server and returns a function that opens streams on it.
func (ts *testServer) streamOpener() func(token string) *listener {
	server := ts.listen()
	return func(token string) *listener {
		server.Client().Transport = bearerTransport{token}
		open := (&streamServer{Server: server}).listen(ts.T, "", "")
		if open.StatusCode != http.StatusOK {
			ts.Fatalf("opening a stream: %s", open.Status)
		}
		open.nextMessage(ts.T)
		return open
	}
}

// waitClosed waits until a stream ends. The stream must end cleanly.
func (l *listener) waitClosed(t *testing.T, name string) {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case _, open := <-l.messages:
			if !open {
				if l.err != io.EOF {
					t.Errorf("%s: the stream ended with %v, want EOF", name, l.err)
				}
				return
			}
		case <-timeout:
			t.Errorf("%s: the stream has not ended after a minute", name)
			return
		}
	}
}

// TestStream_endsWithSession: a stream ends soon after its session or token, even if another instance revoked it.
// Streams of other users stay open.
func TestStream_endsWithSession(t *testing.T) {
	a := newTestServer(t)
	b := a.newInstance()
	open := b.streamOpener()
	adminSession := a.createSession(a.createAccount("boss", admin))
	bystander := open(a.createSession(a.createAccount("bystander", viewer)).access)
	apiTokenStream := open(a.createAPIToken(adminSession.accountID, viewer))
	type openStream struct {
		name string
		*listener
		revoke func()
	}
	var streams []openStream
	for i, c := range []struct {
		name         string
		usesAPIToken bool
		revoke       func(s testSession)
	}{
		{"revoked", false, func(s testSession) {
			a.mustSend(a.createSession(s.accountID).access, "PUT", "/auth/token/"+s.id.String(), `{"revoke": true}`)
		}},
		{"logged out", false, func(s testSession) { a.mustSend(s.access, "POST", "/auth/logout", "") }},
		{"disabled", false, func(s testSession) {
			a.mustSend(adminSession.access, "PATCH", fmt.Sprint("/api/v1/users/", s.accountID), `{"disabled": true}`)
		}},
		{"deleted", false, func(s testSession) { a.mustSend(s.access, "DELETE", "/account", "") }},
		{"password changed", false, func(s testSession) {
			a.mustSend(s.access, "PATCH", "/account",
				`{"password": "a new horse for the battery", "current_password": "`+testPassword+`"}`)
		}},
		{"API token revoked", true, func(s testSession) {
			id := scan[int64](a, "SELECT id FROM api_token WHERE account_id = $1", s.accountID)
			a.mustSend(s.access, "DELETE", fmt.Sprint("/api/v1/tokens/", id), "")
		}},
		{"API token of a disabled user", true, func(s testSession) {
			a.mustSend(adminSession.access, "PATCH", fmt.Sprint("/api/v1/users/", s.accountID), `{"disabled": true}`)
		}},
	} {
		s := a.createSession(a.createAccount(fmt.Sprint("user ", i), viewer))
		token := s.access
		if c.usesAPIToken {
			token = a.createAPIToken(s.accountID, viewer)
		}
		streams = append(streams, openStream{c.name, open(token), func() { c.revoke(s) }})
	}
	time.Sleep(2 * sessionPollInterval) // streams stay open without a revocation
	for _, s := range streams {
		select {
		case m, more := <-s.messages:
			if !more {
				t.Fatalf("%s: the stream ended before the revocation", s.name)
			}
			t.Fatalf("%s: unexpected message %+v", s.name, m)
		default:
		}
		s.revoke()
	}
	start := time.Now()
	for _, s := range streams {
		s.waitClosed(t, s.name)
	}
	if elapsed := time.Since(start); elapsed > 20*time.Second {
		t.Errorf("ending the streams took %v, want at most 20s", elapsed)
	}
	a.mustSend(adminSession.access, "POST", "/event", `{"type": "deposit", "amount": "1", "user_id": 1, "time": 1}`)
	bystander.nextData(t)
	apiTokenStream.nextData(t)
}

// TestStream_endsWithAccessToken: a stream ends when its access token expires. Another stream of the session stays
// open.
func TestStream_endsWithAccessToken(t *testing.T) {
	ts := newTestServer(t)
	open := ts.streamOpener()
	s := ts.createSession(ts.createAccount("ann", viewer))
	active := open(s.access)
	issuedAt := time.Now().Add(-auth.AccessTokenTTL + 4*time.Second)
	expiring := open(ts.options.Access.Keys.SignAccessToken(s.accountID, s.id, issuedAt))
	expiring.waitClosed(t, "access token valid for 4s")
	if early := time.Until(issuedAt.Add(auth.AccessTokenTTL)); early > time.Second { // iat has whole seconds
		t.Errorf("the stream ended %v before its access token", early)
	}
	addEvent(t, ts.pool, 1)
	active.nextData(t)
}

// TestSessionWatcher_stopsWhenIdle: one goroutine polls for all streams, stops after the last one, and starts again.
func TestSessionWatcher_stopsWhenIdle(t *testing.T) {
	goroutines := func() int { return leaktest.InFunc((*sessionWatcher).run) }
	waitFor(t, "the watchers of other tests have stopped", func() bool { return goroutines() == 0 })
	ts := newTestServer(t)
	open := ts.streamOpener()
	ann := ts.createAccount("ann", viewer)
	for round := range 2 {
		s := ts.createSession(ann)
		first, second, third := open(s.access), open(s.access), open(ts.createSession(ann).access)
		if n := goroutines(); n != 1 {
			t.Fatalf("%d watchers run, want 1", n)
		}
		first.cancel()
		third.cancel()
		if round == 0 {
			time.Sleep(sessionPollInterval + 100*time.Millisecond)
		}
		if n := goroutines(); n != 1 {
			t.Errorf("%d watchers run with one open stream, want 1", n)
		}
		ts.mustSend(s.access, "POST", "/auth/logout", "")
		second.waitClosed(t, "the last stream")
		waitFor(t, "the watcher has stopped", func() bool { return goroutines() == 0 })
	}
}
