package sse_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"labledger/api/rest"
	"labledger/api/sse"
	"labledger/internal/apitest"
	"labledger/internal/auth"
	"labledger/internal/pgtest"
)

// This file tests that a live stream ends with the session or API token of its client.

// A revocation is a way in which a session or an API token ends.
type revocation struct {
	name         string
	usesAPIToken bool
	revoke       func(ts *apitest.Server, s apitest.Session, admin string)
}

var revocations = []revocation{
	{"revoked", false, func(ts *apitest.Server, s apitest.Session, _ string) {
		other := ts.CreateSession(s.AccountID).Access
		ts.MustSend(other, "PUT", "/auth/token/"+s.ID.String(), `{"revoke": true}`)
	}},
	{"logged out", false, func(ts *apitest.Server, s apitest.Session, _ string) {
		ts.MustSend(s.Access, "POST", "/auth/logout", "")
	}},
	{"disabled", false, disable},
	{"deleted", false, func(ts *apitest.Server, s apitest.Session, _ string) {
		ts.MustSend(s.Access, "DELETE", "/account", "")
	}},
	{"password changed", false, func(ts *apitest.Server, s apitest.Session, _ string) {
		ts.MustSend(s.Access, "PATCH", "/account",
			`{"password": "a new horse for the battery", "current_password": "`+apitest.Password+`"}`)
	}},
	{"API token revoked", true, func(ts *apitest.Server, s apitest.Session, _ string) {
		id := apitest.Value[int64](ts, "SELECT id FROM api_token WHERE account_id = $1", s.AccountID)
		ts.MustSend(s.Access, "DELETE", fmt.Sprint("/api/v1/tokens/", id), "")
	}},
	{"API token of a disabled user", true, disable},
}

func disable(ts *apitest.Server, s apitest.Session, admin string) {
	ts.MustSend(admin, "PATCH", fmt.Sprint("/api/v1/users/", s.AccountID), `{"disabled": true}`)
}

// openStream opens a stream as the holder of a token, who must be authorized.
func openStream(t *testing.T, server *httptest.Server, token string) *sse.Listener {
	t.Helper()
	l := tryStream(t, server, token)
	if l.StatusCode != http.StatusOK {
		t.Fatalf("opening a stream: %s", l.Status)
	}
	l.Next(t)
	return l
}

// tryStream opens a stream as the holder of a token.
func tryStream(t *testing.T, server *httptest.Server, token string) *sse.Listener {
	t.Helper()
	l, err := sse.Listen(t.Context(), server.Client(), server.URL+"/api/v1/stream", "Authorization: Bearer "+token)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// recordEvent records an event, which all streams must receive.
func recordEvent(t *testing.T, ts *apitest.Server, token string, streams ...*sse.Listener) {
	t.Helper()
	ts.MustSend(token, "POST", "/event", `{"type": "deposit", "amount": "1", "user_id": 1, "time": 1}`)
	for _, l := range streams {
		l.NextData(t)
	}
}

// TestStream_endsWithSession: a stream ends with its session or token, even if another instance revoked it. Streams of
// other users stay open.
func TestStream_endsWithSession(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	server := ts.NewInstance().Listen()
	admin := ts.CreateSession(ts.CreateAccount("boss", rest.Admin))
	others := []*sse.Listener{
		openStream(t, server, ts.SignIn("bystander", rest.Viewer)),
		openStream(t, server, ts.CreateAPIToken(admin.AccountID, rest.Viewer)),
	}
	var sessions []apitest.Session
	var streams []*sse.Listener
	for i, r := range revocations {
		s := ts.CreateSession(ts.CreateAccount(fmt.Sprint("user ", i), rest.Viewer))
		token := s.Access
		if r.usesAPIToken {
			token = ts.CreateAPIToken(s.AccountID, rest.Viewer)
		}
		sessions, streams = append(sessions, s), append(streams, openStream(t, server, token))
	}
	first := ts.CreateSession(ts.CreateAccount("first", rest.Viewer))
	firstStream := openStream(t, server, first.Access)
	ts.MustSend(first.Access, "POST", "/auth/logout", "")
	firstStream.WaitClosed(t) // so the server has checked all streams
	recordEvent(t, ts, admin.Access, append(streams, others...)...)
	for i, r := range revocations {
		r.revoke(ts, sessions[i], admin.Access)
	}
	for i, r := range revocations {
		t.Run(r.name, func(t *testing.T) { streams[i].WaitClosed(t) })
	}
	recordEvent(t, ts, admin.Access, others...)
}

// TestStream_endsWithAccessToken: a stream ends when its access token expires. Another stream of the session stays
// open.
func TestStream_endsWithAccessToken(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	server := ts.Listen()
	s := ts.CreateSession(ts.CreateAccount("ann", rest.Operator))
	active := openStream(t, server, s.Access)
	for validity := 2 * time.Second; ; validity *= 2 { // longer if the token expires before the stream is open
		expires := time.Now().Add(validity).Truncate(time.Second)
		token := ts.Options.Access.Keys.SignAccessToken(s.AccountID, s.ID, expires.Add(-auth.AccessTokenTTL))
		expiring := tryStream(t, server, token)
		if expiring.StatusCode == http.StatusUnauthorized && validity < pgtest.WaitTimeout {
			continue
		}
		if expiring.StatusCode != http.StatusOK {
			t.Fatalf("opening a stream with a token valid for %v: %s", validity, expiring.Status)
		}
		expiring.WaitClosed(t)
		if time.Now().Before(expires) {
			t.Errorf("the stream ended before %s, when its token expires", expires)
		}
		break
	}
	recordEvent(t, ts, s.Access, active)
}
