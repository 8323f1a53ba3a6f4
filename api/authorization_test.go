package api_test

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

	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/auth"
)

// A callerCase is a caller with one kind of credentials.
type callerCase struct {
	name         string
	token        string // "" for none
	role         role   // public if the credentials are missing or invalid
	usesAPIToken bool
	usesCookie   bool // sends the token as a cookie
	isOwner      bool // owns the sample todo, session and API token
}

// expectedDenial returns the status that a caller must get: 401, 403, or 0 for neither. It restates the rules
// independently of the code under test.
func (c callerCase) expectedDenial(rt route, path string) int {
	changesTodo := rt.method != http.MethodGet && strings.Contains(path, "/todo") && strings.Contains(path, "{id}")
	switch {
	case rt.role == public:
		return 0
	case c.role == public:
		return http.StatusUnauthorized
	case rt.role == sessionOnly && c.usesAPIToken,
		rt.role == operator && c.role == viewer,
		rt.role == admin && c.role != admin,
		changesTodo && !c.isOwner && c.role != admin:
		return http.StatusForbidden
	}
	return 0
}

// expectsNotFound reports whether the row is visible to its owner only, so that even admins get 404.
func (c callerCase) expectsNotFound(rt route, path string) bool {
	return !c.isOwner && rt.role == sessionOnly && pathVariable.MatchString(path)
}

// callerCases creates all callers. The rows with sample IDs belong to the owner.
func callerCases(ts *apitest.Server) []callerCase {
	keys := ts.Options.Access.Keys
	vera := ts.CreateAccount("vera", rest.Viewer)
	oscar := ts.CreateAccount("oscar", rest.Operator)
	admin1 := ts.CreateAccount("root", rest.Admin)
	owner := ts.CreateAccount("owner", rest.Viewer)
	anotherUser := ts.CreateAccount("another", rest.Operator)
	disabledID := ts.CreateAccount("disabled", rest.Admin)
	loweredID := ts.CreateAccount("lowered", rest.Admin)
	changedID := ts.CreateAccount("changed", rest.Admin)

	session := ts.CreateSession(owner)
	ts.Exec("UPDATE session SET id = $1 WHERE id = $2", sampleSession, session.id)
	session.Access = keys.SignAccessToken(owner, uuid.MustParse(sampleSession), time.Now())
	ts.CreateAPIToken(owner, rest.Viewer) // gets ID 1
	ts.Exec("INSERT INTO todo (id, description, status, owner) VALUES (1, 'Mine', 'open', 'owner')")
	ts.Exec("INSERT INTO container (uuid, description, freezer_id) VALUES ($1, 'Plasma', 1)", examples["uuid"])
	for _, sql := range []string{
		`INSERT INTO attachment (name, url, type, size, sha256)
			VALUES ('a.txt', '/media/aa/` + strings.Repeat("a", 26) + `.txt', 'text/plain', 1, repeat('0', 64))`,
		`INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts, alert_codes,
				alert_id, created_at, actor)
			VALUES (1, '` + sampleEvent + `', 'deposit', 250, 1, 1, 'medium', 1, '{}', '{123}',
				'` + sampleAlert + `', now(), 'oscar')`,
		`INSERT INTO alert (user_id, id, event_id, alert_codes, time, risk, ruleset_id, reasons, created_at, changed_at,
				actor)
			SELECT user_id, '` + sampleAlert + `', id, '{123}', time, risk, ruleset_id, '[]', created_at, created_at, actor
			FROM event`,
	} {
		ts.Exec(sql)
	}

	expired := ts.CreateSession(admin1)
	loggedOut := ts.CreateSession(admin1)
	disabledSession := ts.CreateSession(disabledID)
	changedSession := ts.CreateSession(changedID)
	loweredSession := ts.CreateSession(loweredID)
	disabledToken := ts.CreateAPIToken(disabledID, rest.Admin)
	changedToken := ts.CreateAPIToken(changedID, rest.Admin)
	loweredToken := ts.CreateAPIToken(loweredID, rest.Admin)
	endedToken := ts.CreateAPIToken(admin1, rest.Admin)
	revokedToken := ts.CreateAPIToken(admin1, rest.Admin)
	for _, token := range []string{
		loggedOut.access, disabledSession.access, changedSession.access, loweredSession.access,
		disabledToken, changedToken, loweredToken, endedToken, revokedToken,
	} {
		ts.MustSend(token, "GET", "/api/v1/users", "") // all are valid admin tokens before the changes below
	}
	ts.MustSend(loggedOut.access, "POST", "/auth/logout", "")
	ts.MustSend(changedSession.access, "PATCH", "/account",
		`{"password": "a new horse for the battery", "current_password": "`+apitest.Password+`"}`)
	adminToken := ts.CreateSession(admin1).Access
	ts.MustSend(adminToken, "PATCH", fmt.Sprint("/api/v1/users/", disabledID), `{"disabled": true}`)
	ts.MustSend(adminToken, "PATCH", fmt.Sprint("/api/v1/users/", loweredID), `{"role": "viewer"}`)
	hash, _ := auth.HashAPIToken(endedToken)
	ts.Exec("UPDATE api_token SET expires_at = now() - interval '1 second' WHERE hash = $1", hash)
	hash, _ = auth.HashAPIToken(revokedToken)
	ts.Exec("UPDATE api_token SET revoked_at = now() WHERE hash = $1", hash)

	return []callerCase{
		{name: "anonymous"},
		{name: "viewer", token: ts.CreateSession(vera).Access, role: rest.Viewer},
		{name: "operator", token: ts.CreateSession(oscar).Access, role: rest.Operator},
		{name: "admin", token: adminToken, role: rest.Admin},
		{name: "owner", token: session.Access, role: rest.Viewer, isOwner: true},
		{name: "another user", token: ts.CreateSession(anotherUser).Access, role: rest.Operator},
		{name: "disabled", token: disabledSession.access},
		{name: "expired", token: keys.SignAccessToken(admin1, expired.id, time.Now().Add(-auth.AccessTokenTTL))},
		{name: "logged out", token: loggedOut.access},
		{name: "password changed", token: changedSession.access},
		{name: "role lowered", token: loweredSession.access, role: rest.Viewer},
		{name: "garbage", token: "garbage"},
		{name: "viewer with cookie", token: ts.CreateSession(vera).Access, role: rest.Viewer, usesCookie: true},
		{name: "admin with cookie", token: ts.CreateSession(admin1).Access, role: rest.Admin, usesCookie: true},
		{name: "logged out with cookie", token: loggedOut.access, usesCookie: true},
		{name: "API token as cookie", token: ts.CreateAPIToken(admin1, rest.Admin), usesCookie: true},
		{name: "viewer's API token", token: ts.CreateAPIToken(vera, rest.Viewer), role: rest.Viewer, usesAPIToken: true},
		{name: "operator's API token", token: ts.CreateAPIToken(oscar, rest.Operator), role: rest.Operator, usesAPIToken: true},
		{name: "admin's API token", token: ts.CreateAPIToken(admin1, rest.Admin), role: rest.Admin, usesAPIToken: true},
		{name: "admin's viewer API token", token: ts.CreateAPIToken(admin1, rest.Viewer), role: rest.Viewer, usesAPIToken: true},
		{name: "API token of a former admin", token: loweredToken, role: rest.Viewer, usesAPIToken: true},
		{name: "API token of a disabled account", token: disabledToken},
		{name: "API token from before a password change", token: changedToken},
		{name: "expired API token", token: endedToken},
		{name: "revoked API token", token: revokedToken},
	}
}

// TestAuthorizationMatrix sends every request as every caller. A request that must be denied is sent for real and must
// change nothing. A request that must be allowed is sent as a dry run and must succeed, since a failure for another
// reason would hide a missing check.
func TestAuthorizationMatrix(t *testing.T) {
	ts := apitest.New(t)
	cases := callerCases(ts)
	table := routes(deps{metrics: newMetrics(nil, "")})
	refreshClaims := auth.RefreshClaims{Session: uuid.MustParse(sampleSession), Generation: 1}
	refresh := ts.Options.Access.Keys.SignRefreshToken(refreshClaims)
	bodies := map[string]string{
		"/auth/login":   `{"username": "owner", "password": "` + apitest.Password + `"}`,
		"/auth/refresh": `{"refresh_token": "` + refresh + `"}`,
	}
	before := ts.TableDigest()
	var unauthorizedBody string      // must be the same for all unauthenticated requests
	responses := map[string]string{} // first response of each public route
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
					inUse := w.Code == http.StatusConflict && rt.method == http.MethodDelete // without cascade
					switch {
					case strings.HasPrefix(path, "/media/") && w.Code == http.StatusNotFound: // the file does not exist
					case path == "/auth/refresh" && w.Code == http.StatusBadRequest: // rejects dry runs
					case denial == 0 && c.expectsNotFound(rt, path) && w.Code == http.StatusNotFound:
					case denial == 0 && !c.expectsNotFound(rt, path) && (w.Code/100 == 2 || inUse):
					case denial != 0 && w.Code == denial:
						denials++
					default:
						t.Errorf("%s: %d %s", name, w.Code, w.Body)
					}
					if denial == http.StatusUnauthorized && method != http.MethodHead {
						if unauthorizedBody == "" {
							unauthorizedBody = apitest.WithoutRequestFields(w.Body.String())
						}
						sameBody := apitest.WithoutRequestFields(w.Body.String()) == unauthorizedBody
						if !sameBody || w.Header().Get("WWW-Authenticate") == "" {
							t.Errorf("%s: %v %s differs from %s", name, w.Header(), w.Body, unauthorizedBody)
						}
					}
					// /auth/session depends on the caller, and the app page has a nonce.
					if rt.role == public && path != "/auth/session" && !strings.HasPrefix(path, "/app") {
						text := fmt.Sprint(w.Code, " ")
						if rt.method == http.MethodGet {
							text += apitest.WithoutRequestFields(w.Body.String())
						}
						if first, seen := responses[method+path]; seen && text != first {
							t.Errorf("%s: got %s; another caller got %s", name, text, first)
						}
						responses[method+path] = text
					}
				}
			}
		}
		if ts.TableDigest() != before {
			t.Fatalf("%s changed the database", c.name)
		}
	}
	if len(responses) < len(publicRoutes) || denials < 1000 {
		t.Errorf("only %d public routes and %d denials were tested", len(responses), denials)
	}
	for _, name := range []string{
		"anonymous", "viewer", "operator", "admin", "owner", "another user", "disabled", "expired", "logged out",
		"password changed", "role lowered", "garbage",
	} {
		if !slices.ContainsFunc(cases, func(c callerCase) bool { return c.name == name }) {
			t.Errorf("no caller is %q", name)
		}
	}
}

// sampleBody returns a valid body for a route, or "" if the route accepts none.
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
		return sampleForm
	}
	text, err := json.Marshal(exampleBody(rt, b))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sampleForm is a multipart form with the boundary X and one file.
const sampleForm = "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\na\r\n--X--\r\n"

// extraHeaders returns headers with a separate client address for each case, and the Content-Type of a form.
func extraHeaders(rt route, i int) []string {
	all := []string{fmt.Sprint("X-Forwarded-For: 198.51.100.", i)}
	if rt.endpoint.form {
		all = append(all, "Content-Type: multipart/form-data; boundary=X")
	}
	return all
}

// sendAs sends a request as a caller. It cancels a stream after the first write.
func (ts *apitest.Server) sendAs(
	caller callerCase, method, target, body string, header ...string,
) *httptest.ResponseRecorder {
	token := caller.token
	if caller.usesCookie {
		token, header = "", append(header, "Cookie: "+accessCookie+"="+caller.token, sameOrigin)
	}
	if target != streamPath || method == http.MethodHead {
		return ts.Send(token, method, target, body, header...)
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

// cancelOnWrite cancels a request when its response is written.
type cancelOnWrite struct {
	*httptest.ResponseRecorder
	cancel context.CancelFunc
}

func (w cancelOnWrite) Write(p []byte) (int, error) {
	w.cancel()
	return w.ResponseRecorder.Write(p)
}
