package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"labledger/internal/auth"
)

// A callerCase is somebody who calls, in one of the states that there are.
type callerCase struct {
	name         string
	token        string // "" for none
	role         role   // public for those who are nobody
	usesAPIToken bool   // comes with an API token
	usesCookie   bool   // the token comes as a cookie
	isOwner      bool   // the todo, the session and the API token that are addressed
}

// expectedDenial is what the gate owes a caller: 401, 403, or 0 for neither. It is said here anew, not asked of the code.
func (c callerCase) expectedDenial(rt route, path string) int {
	othersRow := rt.method != http.MethodGet && strings.Contains(path, "/todo") && strings.Contains(path, "{id}") && !c.isOwner && c.role != admin
	switch {
	case rt.role == public:
		return 0
	case c.role == public:
		return http.StatusUnauthorized
	case rt.role == sessionOnly && c.usesAPIToken, rt.role == operator && c.role == viewer, rt.role == admin && c.role != admin, othersRow:
		return http.StatusForbidden
	}
	return 0
}

// expectsNotFound tells what there is for its owner alone: to others it looks as if it were not there, admins included.
func (c callerCase) expectsNotFound(rt route, path string) bool {
	return !c.isOwner && rt.role == sessionOnly && pathVariable.MatchString(path)
}

// callerCases makes everybody. The rows with the sample ids are the owner's, all else is nobody's in particular.
func callerCases(ts *testServer) []callerCase {
	keys := ts.options.Access.Keys
	vera, oscar, admin1, owner := ts.createAccount("vera", viewer), ts.createAccount("oscar", operator), ts.createAccount("root", admin), ts.createAccount("owner", viewer)
	anotherUser, disabledID, loweredID, changedID := ts.createAccount("another", operator), ts.createAccount("disabled", admin), ts.createAccount("lowered", admin), ts.createAccount("changed", admin)

	session := ts.createSession(owner)
	ts.exec("UPDATE session SET id = $1 WHERE id = $2", sampleSession, session.id)
	session.access = keys.SignAccessToken(owner, uuid.MustParse(sampleSession), time.Now())
	ts.createAPIToken(owner, viewer) // number 1
	ts.exec("INSERT INTO todo (id, description, status, owner) VALUES (1, 'Mine', 'open', 'owner')")
	ts.exec("INSERT INTO container (uuid, description, freezer_id) VALUES ($1, 'Plasma', 1)", examples["uuid"])
	for _, sql := range []string{
		`INSERT INTO attachment (name, url, type, size, sha256) VALUES ('a.txt', '/media/aa/` + strings.Repeat("a", 26) + `.txt', 'text/plain', 1, repeat('0', 64))`,
		`INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts, alert_codes, alert_id, created_at, actor)
			VALUES (1, '` + sampleEvent + `', 'deposit', 250, 1, 1, 'medium', 1, '{}', '{123}', '` + sampleAlert + `', now(), 'oscar')`,
		`INSERT INTO alert (user_id, id, event_id, alert_codes, time, risk, ruleset_id, reasons, created_at, changed_at, actor)
			SELECT user_id, '` + sampleAlert + `', id, '{123}', time, risk, ruleset_id, '[]', created_at, created_at, actor FROM event`,
	} {
		ts.exec(sql)
	}

	expired, loggedOut, disabledSession, changedSession, loweredSession := ts.createSession(admin1), ts.createSession(admin1), ts.createSession(disabledID), ts.createSession(changedID), ts.createSession(loweredID)
	disabledToken, changedToken, loweredToken := ts.createAPIToken(disabledID, admin), ts.createAPIToken(changedID, admin), ts.createAPIToken(loweredID, admin)
	endedToken, revokedToken := ts.createAPIToken(admin1, admin), ts.createAPIToken(admin1, admin)
	for _, token := range []string{loggedOut.access, disabledSession.access, changedSession.access, loweredSession.access, disabledToken, changedToken, loweredToken, endedToken, revokedToken} {
		ts.mustSend(token, "GET", "/api/v1/users", "") // all of them were admins once
	}
	ts.mustSend(loggedOut.access, "POST", "/auth/logout", "")
	ts.mustSend(changedSession.access, "PATCH", "/account", `{"password": "a new horse for the battery", "current_password": "`+testPassword+`"}`)
	adminToken := ts.createSession(admin1).access
	ts.mustSend(adminToken, "PATCH", fmt.Sprint("/api/v1/users/", disabledID), `{"disabled": true}`)
	ts.mustSend(adminToken, "PATCH", fmt.Sprint("/api/v1/users/", loweredID), `{"role": "viewer"}`)
	hash, _ := auth.HashAPIToken(endedToken)
	ts.exec("UPDATE api_token SET expires_at = now() - interval '1 second' WHERE hash = $1", hash)
	hash, _ = auth.HashAPIToken(revokedToken)
	ts.exec("UPDATE api_token SET revoked_at = now() WHERE hash = $1", hash)

	return []callerCase{
		{name: "anonymous"},
		{name: "viewer", token: ts.createSession(vera).access, role: viewer},
		{name: "operator", token: ts.createSession(oscar).access, role: operator},
		{name: "admin", token: adminToken, role: admin},
		{name: "owner", token: session.access, role: viewer, isOwner: true},
		{name: "another user", token: ts.createSession(anotherUser).access, role: operator},
		{name: "disabled", token: disabledSession.access},
		{name: "expired", token: keys.SignAccessToken(admin1, expired.id, time.Now().Add(-auth.AccessTokenTTL))},
		{name: "logged out", token: loggedOut.access},
		{name: "password changed", token: changedSession.access},
		{name: "role lowered", token: loweredSession.access, role: viewer},
		{name: "garbage", token: "garbage"},
		{name: "viewer, by cookie", token: ts.createSession(vera).access, role: viewer, usesCookie: true},
		{name: "admin, by cookie", token: ts.createSession(admin1).access, role: admin, usesCookie: true},
		{name: "logged out, by cookie", token: loggedOut.access, usesCookie: true},
		{name: "API token as a cookie", token: ts.createAPIToken(admin1, admin), usesCookie: true},
		{name: "API token of a viewer", token: ts.createAPIToken(vera, viewer), role: viewer, usesAPIToken: true},
		{name: "API token of an operator", token: ts.createAPIToken(oscar, operator), role: operator, usesAPIToken: true},
		{name: "API token of an admin", token: ts.createAPIToken(admin1, admin), role: admin, usesAPIToken: true},
		{name: "API token of an admin for reading", token: ts.createAPIToken(admin1, viewer), role: viewer, usesAPIToken: true},
		{name: "API token of an admin whose role was lowered", token: loweredToken, role: viewer, usesAPIToken: true},
		{name: "API token of somebody disabled", token: disabledToken},
		{name: "API token from before the password changed", token: changedToken},
		{name: "API token that has expired", token: endedToken},
		{name: "API token that was revoked", token: revokedToken},
	}
}

// TestAuthorizationMatrix sends each call that there is on behalf of everybody. What is refused is sent as it is, and must change nothing; what is
// allowed is a dry run, and must go well: who was refused for a wrong reason would not notice a missing guard.
func TestAuthorizationMatrix(t *testing.T) {
	ts := newTestServer(t)
	cases := callerCases(ts)
	table := routes(deps{metrics: newMetrics(nil, "")})
	refresh := ts.options.Access.Keys.SignRefreshToken(auth.RefreshClaims{Session: uuid.MustParse(sampleSession), Generation: 1})
	bodies := map[string]string{
		"/auth/login":   `{"username": "owner", "password": "` + testPassword + `"}`,
		"/auth/refresh": `{"refresh_token": "` + refresh + `"}`,
	}
	before := ts.tableDigest()
	var unauthorizedBody string      // what those who are nobody are told
	responses := map[string]string{} // of public routes
	denials := 0
	for i, c := range cases {
		for _, rt := range table {
			for _, path := range rt.paths {
				body := bodies[path]
				if body == "" {
					body = sampleBody(t, rt, path)
				}
				target, denial := samplePath(path), c.expectedDenial(rt, path)
				if rt.endpoint.raw == nil {
					target += requiredQueryString(newBinder(rt.endpoint.in, rt.method, pathVariables(path)))
				}
				if rt.method != http.MethodGet && denial == 0 {
					target += "?dry_run=true"
				}
				methods := []string{rt.method}
				if rt.method == http.MethodGet {
					methods = append(methods, http.MethodHead)
				}
				for _, method := range methods {
					w := ts.sendAs(c, method, target, body, extraHeaders(rt, i)...)
					name := fmt.Sprintf("%s: %s %s", c.name, method, target)
					inUse := w.Code == http.StatusConflict && rt.method == http.MethodDelete // the cascade is not asked for
					switch {
					case strings.HasPrefix(path, "/media/") && w.Code == http.StatusNotFound: // there is no such file
					case path == "/auth/refresh" && w.Code == http.StatusBadRequest: // it takes no dry run
					case denial == 0 && c.expectsNotFound(rt, path) && w.Code == http.StatusNotFound:
					case denial == 0 && !c.expectsNotFound(rt, path) && (w.Code/100 == 2 || inUse):
					case denial != 0 && w.Code == denial:
						denials++
					default:
						t.Errorf("%s: %d %s", name, w.Code, w.Body)
					}
					if denial == http.StatusUnauthorized && method != http.MethodHead {
						if unauthorizedBody == "" {
							unauthorizedBody = withoutRequestFields(w.Body.String())
						}
						if withoutRequestFields(w.Body.String()) != unauthorizedBody || w.Header().Get("WWW-Authenticate") == "" {
							t.Errorf("%s: %v %s differs from %s", name, w.Header(), w.Body, unauthorizedBody)
						}
					}
					if rt.role == public && path != "/auth/session" && !strings.HasPrefix(path, "/app") { // which tells each who they are, and has a nonce
						text := fmt.Sprint(w.Code, " ")
						if rt.method == http.MethodGet {
							text += withoutRequestFields(w.Body.String())
						}
						if first, seen := responses[method+path]; seen && text != first {
							t.Errorf("%s: %s; others are told %s", name, text, first)
						}
						responses[method+path] = text
					}
				}
			}
		}
		if ts.tableDigest() != before {
			t.Fatalf("%s has changed something", c.name)
		}
	}
	if len(responses) < len(publicRoutes) || denials < 1000 {
		t.Errorf("only %d public routes, and %d refusals", len(responses), denials)
	}
	for _, name := range []string{"anonymous", "viewer", "operator", "admin", "owner", "another user", "disabled", "expired", "logged out", "password changed", "role lowered", "garbage"} {
		if !slices.ContainsFunc(cases, func(c callerCase) bool { return c.name == name }) {
			t.Errorf("nobody is %s", name)
		}
	}
}

// sampleBody is a body that the call takes; "" when it takes none.
func sampleBody(t *testing.T, rt route, path string) string {
	t.Helper()
	if rt.method == http.MethodGet || rt.method == http.MethodDelete {
		return ""
	}
	b := newBinder(rt.endpoint.in, rt.method, pathVariables(path))
	switch {
	case len(b.bodyNames) == 0:
		return ""
	case rt.endpoint.form:
		return "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\na\r\n--X--\r\n"
	}
	text, err := json.Marshal(exampleBody(rt, b))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// extraHeaders let each case come from an address of its own, and say what a form is.
func extraHeaders(rt route, i int) []string {
	all := []string{fmt.Sprint("X-Forwarded-For: 198.51.100.", i)}
	if rt.endpoint.form {
		all = append(all, "Content-Type: multipart/form-data; boundary=X")
	}
	return all
}

// sendAs is ask, but hangs up on an answer that has no end.
func (ts *testServer) sendAs(caller callerCase, method, target, body string, header ...string) *httptest.ResponseRecorder {
	token := caller.token
	if caller.usesCookie {
		token, header = "", append(header, "Cookie: "+accessCookie+"="+caller.token, sameOrigin)
	}
	if target != streamPath || method == http.MethodHead {
		return ts.send(token, method, target, body, header...)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, target, nil).WithContext(ctx)
	r.Body, r.ContentLength = http.NoBody, 0
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	ts.ServeHTTP(cancelOnWrite{w, cancel}, r)
	return w
}

// cancel ends a request with the first thing that is written.
type cancelOnWrite struct {
	*httptest.ResponseRecorder
	cancel context.CancelFunc
}

func (h cancelOnWrite) Write(p []byte) (int, error) {
	h.cancel()
	return h.ResponseRecorder.Write(p)
}
