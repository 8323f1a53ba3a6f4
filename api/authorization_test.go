package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"labledger/api"
	"labledger/api/authn"
	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/auth"
)

// A callerCase is a caller with one kind of credentials.
type callerCase struct {
	name         string
	token        string    // "" for none
	role         rest.Role // Public if the credentials are missing or invalid
	usesAPIToken bool
	usesCookie   bool // sends the token as a cookie
	isOwner      bool // owns the sample todo, view, change set, session and API token
}

// expectedDenial returns the status that a caller must get: 401, 403, or 0 for neither. It restates the rules
// independently of the code under test.
func (c callerCase) expectedDenial(e *rest.Endpoint) int {
	isOwned := strings.Contains(e.Path, "/todo") || strings.Contains(e.Path, "/views") ||
		strings.Contains(e.Path, "/changesets")
	changesOwned := e.Method != http.MethodGet && isOwned &&
		(strings.Contains(e.Path, "{id}") || e.Operation.Describe().Kind == rest.KindMatching)
	switch {
	case e.Role == rest.Public:
		return 0
	case c.role == rest.Public:
		return http.StatusUnauthorized
	case e.Role == rest.SessionOnly && c.usesAPIToken,
		e.Role == rest.Operator && c.role == rest.Viewer,
		e.Role == rest.Admin && c.role != rest.Admin,
		changesOwned && !c.isOwner && c.role != rest.Admin:
		return http.StatusForbidden
	}
	return 0
}

// expectsNotFound reports whether the row is visible to its owner only, so that even admins get 404.
func (c callerCase) expectsNotFound(e *rest.Endpoint) bool {
	return !c.isOwner && e.Role == rest.SessionOnly && pathVariable.MatchString(e.Path)
}

// IDs of rows in the samples of the OpenAPI document.
const (
	sampleSession   = "2f1c0b6e-5a0f-4a4e-9d5b-3a6c9f5f0e11"
	sampleContainer = "123e4567-e89b-12d3-a456-426614174000"
	sampleHeld      = "123e4567-e89b-12d3-a456-426614174001"
	sampleMissing   = "123e4567-e89b-12d3-a456-426614174002"
	sampleEvent     = "01a1b5c8-7000-7000-8000-000000000001"
	sampleAlert     = "01a1b5c8-7000-7000-8000-000000000002"
	sampleRequestID = "4bf92f3577b34da6a3ce929d0e0e4736"
	sampleLink      = "lll_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" // of the user Bob
)

// callerCases creates all callers. The rows with sample IDs belong to the owner.
func callerCases(ts *apitest.Server) []callerCase {
	vera := ts.CreateAccount("vera", rest.Viewer)
	oscar := ts.CreateAccount("oscar", rest.Operator)
	admin := ts.CreateAccount("root", rest.Admin)
	owner := ts.CreateAccount("owner", rest.Viewer)
	another := ts.CreateAccount("another", rest.Operator)
	session := func(account int64) string { return ts.CreateSession(account).Access }
	ownerSession := createSamples(ts, owner)
	return append(formerCallers(ts, admin), []callerCase{
		{name: "anonymous"},
		{name: "garbage", token: "garbage"},
		{name: "viewer", token: session(vera), role: rest.Viewer},
		{name: "operator", token: session(oscar), role: rest.Operator},
		{name: "admin", token: session(admin), role: rest.Admin},
		{name: "owner", token: ownerSession, role: rest.Viewer, isOwner: true},
		{name: "another user", token: session(another), role: rest.Operator},

		{name: "viewer with cookie", token: session(vera), role: rest.Viewer, usesCookie: true},
		{name: "admin with cookie", token: session(admin), role: rest.Admin, usesCookie: true},
		{name: "API token as cookie", token: ts.CreateAPIToken(admin, rest.Admin), usesCookie: true},

		{
			name: "viewer's API token", token: ts.CreateAPIToken(vera, rest.Viewer),
			role: rest.Viewer, usesAPIToken: true,
		},
		{
			name: "operator's API token", token: ts.CreateAPIToken(oscar, rest.Operator),
			role: rest.Operator, usesAPIToken: true,
		},
		{
			name: "admin's API token", token: ts.CreateAPIToken(admin, rest.Admin),
			role: rest.Admin, usesAPIToken: true,
		},
		{
			name: "admin's viewer API token", token: ts.CreateAPIToken(admin, rest.Viewer),
			role: rest.Viewer, usesAPIToken: true,
		},
	}...)
}

// createSamples creates the rows with sample IDs, which belong to an owner. It returns the access token of the session.
func createSamples(ts *apitest.Server, owner int64) (access string) {
	session := ts.CreateSession(owner)
	ts.Exec("UPDATE session SET id = $1 WHERE id = $2", sampleSession, session.ID)
	ts.CreateAPIToken(owner, rest.Viewer) // gets ID 1
	ts.Exec(`INSERT INTO password_link (account_id, hash, expires_at)
		VALUES (1, sha256($1::text::bytea), now() + interval '1 hour')`, sampleLink)
	ts.Exec("INSERT INTO todo (id, description, status, owner) VALUES (1, 'Mine', 'open', 'owner')")
	ts.Exec("INSERT INTO view (id, name, noun, query, shared, owner) VALUES (1, 'Mine', 'sites', 'q=x', true, 'owner')")
	ts.Exec(`WITH context AS MATERIALIZED (SELECT set_request_context('owner', 'operator', $1))
		UPDATE site SET country = 'Chile' FROM context WHERE id = 3`, sampleRequestID)
	ts.Exec("INSERT INTO container (uuid, description, freezer_id) VALUES ($1, 'Plasma', 1)", sampleContainer)
	ts.Exec("INSERT INTO container (uuid, description, freezer_id) VALUES ($1, 'Serum', 1)", sampleHeld)
	ts.Exec("INSERT INTO container (uuid, freezer_id, status) VALUES ($1, 1, 'missing')", sampleMissing)
	ts.Exec("INSERT INTO checkout (container_uuid, holder) VALUES ($1, 'Jane')", sampleHeld) // gets ID 1
	ts.Exec("INSERT INTO stocktake (id, freezer_id) VALUES (1, 2)")
	ts.Exec("SELECT scan_code(1, '123', NULL, NULL)")
	ts.Exec(`INSERT INTO attachment (name, url, type, size, sha256)
		VALUES ('a.txt', $1, 'text/plain', 1, repeat('0', 64))`, "/media/aa/"+strings.Repeat("a", 26)+".txt")
	ts.Exec(`INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts, alert_codes,
			alert_id, created_at, actor)
		VALUES (1, $1, 'deposit', 250, 1, 1, 'medium', 1, '{}', '{123}', $2, now(), 'oscar')`, sampleEvent, sampleAlert)
	ts.Exec(`INSERT INTO alert (user_id, id, event_id, alert_codes, time, risk, ruleset_id, reasons, created_at,
			changed_at, actor)
		SELECT user_id, alert_id, id, '{123}', time, risk, ruleset_id, '[]', created_at, created_at, actor FROM event`)
	return ts.Options.Access.Keys.SignAccessToken(owner, uuid.MustParse(sampleSession), time.Now())
}

// formerCallers creates callers whose credentials were valid credentials of admins and have lost their rights since.
func formerCallers(ts *apitest.Server, admin int64) []callerCase {
	disabled := ts.CreateAccount("disabled", rest.Admin)
	lowered := ts.CreateAccount("lowered", rest.Admin)
	changed := ts.CreateAccount("changed", rest.Admin)
	session := func(account int64) string { return ts.CreateSession(account).Access }
	apiToken := func(account int64) string { return ts.CreateAPIToken(account, rest.Admin) }
	expired := ts.Options.Access.Keys.SignAccessToken(admin, ts.CreateSession(admin).ID,
		time.Now().Add(-auth.AccessTokenTTL)) // is the only one that is not valid at first
	all := []callerCase{
		{name: "disabled", token: session(disabled)},
		{name: "logged out", token: session(admin)},
		{name: "password changed", token: session(changed)},
		{name: "role lowered", token: session(lowered), role: rest.Viewer},
		{name: "API token of a former admin", token: apiToken(lowered), role: rest.Viewer, usesAPIToken: true},
		{name: "API token of a disabled account", token: apiToken(disabled)},
		{name: "API token from before a password change", token: apiToken(changed)},
		{name: "expired API token", token: apiToken(admin)},
		{name: "revoked API token", token: apiToken(admin)},
	}
	tokens := map[string]string{}
	for _, c := range all {
		tokens[c.name] = c.token
		ts.MustSend(c.token, "GET", "/api/v1/users", "")
	}
	ts.MustSend(tokens["logged out"], "POST", "/auth/logout", "")
	ts.MustSend(tokens["password changed"], "PATCH", "/account",
		`{"password": "a new horse for the battery", "current_password": "`+apitest.Password+`"}`)
	adminToken := session(admin)
	ts.MustSend(adminToken, "PATCH", fmt.Sprint("/api/v1/users/", disabled), `{"disabled": true}`)
	ts.MustSend(adminToken, "PATCH", fmt.Sprint("/api/v1/users/", lowered), `{"role": "viewer"}`)
	hash, _ := auth.HashAPIToken(tokens["expired API token"])
	ts.Exec("UPDATE api_token SET expires_at = now() - interval '1 second' WHERE hash = $1", hash)
	hash, _ = auth.HashAPIToken(tokens["revoked API token"])
	ts.Exec("UPDATE api_token SET revoked_at = now() WHERE hash = $1", hash)
	return append(all,
		callerCase{name: "expired", token: expired},
		callerCase{name: "logged out with cookie", token: tokens["logged out"], usesCookie: true})
}

// TestAuthorizationMatrix sends every request as every caller. A request that must be denied is sent for real and must
// change nothing. A request that must be allowed is sent as a dry run and must succeed, since a failure for another
// reason would hide a missing check.
func TestAuthorizationMatrix(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	m := newMatrix(ts)
	before := ts.TableDigest()
	for i, c := range m.cases {
		for _, e := range m.endpoints {
			m.send(c, i, e)
		}
		if ts.TableDigest() != before {
			t.Fatalf("%s changed the database", c.name)
		}
	}
	if len(m.publicResponses) < len(publicRoutes) || m.denials < 1000 {
		t.Errorf("only %d public routes and %d denials were tested", len(m.publicResponses), m.denials)
	}
	for _, name := range []string{
		"anonymous", "viewer", "operator", "admin", "owner", "another user", "disabled", "expired", "logged out",
		"password changed", "role lowered", "garbage",
	} {
		if !slices.ContainsFunc(m.cases, func(c callerCase) bool { return c.name == name }) {
			t.Errorf("no caller is %q", name)
		}
	}
}

// A matrix is all callers, all endpoints, and what the requests so far have shown.
type matrix struct {
	*apitest.Server
	cases            []callerCase
	endpoints        []*rest.Endpoint
	samples          map[string]sampleRequest
	denials          int
	unauthorizedBody string            // must be the same for all unauthenticated requests
	publicResponses  map[string]string // first response of each public route
}

func newMatrix(ts *apitest.Server) *matrix {
	m := &matrix{
		Server: ts, cases: callerCases(ts), endpoints: api.Endpoints(), publicResponses: map[string]string{},
	}
	m.samples = sampleRequests(ts.T, m.endpoints)
	claims := auth.RefreshClaims{Session: uuid.MustParse(sampleSession), Generation: 1}
	for path, body := range map[string]string{
		"/auth/login":   `{"username": "owner", "password": "` + apitest.Password + `"}`,
		"/auth/refresh": `{"refresh_token": "` + ts.Options.Access.Keys.SignRefreshToken(claims) + `"}`,
	} {
		m.samples["POST "+path] = sampleRequest{target: path, body: body}
	}
	return m
}

// send sends the sample of an endpoint as the caller number i, and as HEAD for a read.
func (m *matrix) send(c callerCase, i int, e *rest.Endpoint) {
	sample := m.samples[e.Method+" "+e.Path]
	header := append(sample.header, fmt.Sprint("X-Forwarded-For: 198.51.100.", i)) // each is rate-limited apart
	methods := []string{e.Method}
	target := sample.target
	switch {
	case e.Method == http.MethodGet:
		methods = append(methods, http.MethodHead)
	case c.expectedDenial(e) == 0:
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		target += separator + "dry_run=true"
	}
	for _, method := range methods {
		w := sendAs(m.Server, c, method, target, sample.body, header...)
		name := fmt.Sprintf("%s: %s %s", c.name, method, target)
		m.checkStatus(name, c, e, w)
		if w.Code == http.StatusUnauthorized && method != http.MethodHead {
			m.checkUnauthorized(name, w)
		}
		m.checkPublic(name, method, e, w)
	}
}

func (m *matrix) checkStatus(name string, c callerCase, e *rest.Endpoint, w *httptest.ResponseRecorder) {
	denial := c.expectedDenial(e)
	inUse := w.Code == http.StatusConflict && e.Method == http.MethodDelete // without cascade
	switch {
	case strings.HasPrefix(e.Path, "/media/") && w.Code == http.StatusNotFound: // the file does not exist
	case e.Path == "/auth/refresh" && w.Code == http.StatusBadRequest: // rejects dry runs
	case denial == 0 && c.expectsNotFound(e) && w.Code == http.StatusNotFound:
	case denial == 0 && !c.expectsNotFound(e) && (w.Code/100 == 2 || inUse):
	case denial != 0 && w.Code == denial:
		m.denials++
	default:
		m.Errorf("%s: %d %s", name, w.Code, w.Body)
	}
}

// checkUnauthorized checks that the response does not depend on the reason.
func (m *matrix) checkUnauthorized(name string, w *httptest.ResponseRecorder) {
	body := apitest.WithoutRequestFields(w.Body.String())
	if m.unauthorizedBody == "" {
		m.unauthorizedBody = body
	}
	if body != m.unauthorizedBody || w.Header().Get("WWW-Authenticate") == "" {
		m.Errorf("%s: %v %s differs from %s", name, w.Header(), w.Body, m.unauthorizedBody)
	}
}

// checkPublic checks that the response of a public route does not depend on the caller.
func (m *matrix) checkPublic(name, method string, e *rest.Endpoint, w *httptest.ResponseRecorder) {
	// /auth/session depends on the caller, and the app page has a nonce.
	if e.Role != rest.Public || e.Path == "/auth/session" || strings.HasPrefix(e.Path, "/app") {
		return
	}
	text := fmt.Sprint(w.Code, " ")
	if e.Method == http.MethodGet {
		text += apitest.WithoutRequestFields(w.Body.String())
	}
	if first, seen := m.publicResponses[method+e.Path]; seen && text != first {
		m.Errorf("%s: got %s; another caller got %s", name, text, first)
	}
	m.publicResponses[method+e.Path] = text
}

// sendAs sends a request as a caller. It cancels a stream after the first write.
func sendAs(
	ts *apitest.Server, caller callerCase, method, target, body string, header ...string,
) *httptest.ResponseRecorder {
	token := caller.token
	if caller.usesCookie {
		token = ""
		cookie := authn.AccessCookieName("", false) + "=" + caller.token
		header = append(header, "Cookie: "+cookie, "Sec-Fetch-Site: same-origin")
	}
	if target != "/api/v1/stream" || method == http.MethodHead {
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

// TestTakeover: a user who registers the name of an operating system user does not own what that user imported.
func TestTakeover(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	command := api.New(api.Options{
		Pool: ts.Pool, Log: ts.Options.Log, Access: authn.Options{AnonymousActor: "os:deploy"}, Version: "test",
	})
	r := httptest.NewRequest(http.MethodPost, "/todo", strings.NewReader(`{"description": "d", "status": "open"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	command.ServeHTTP(w, r)
	if w.Code != http.StatusCreated {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	path := w.Header().Get("Location")
	for _, name := range []string{"deploy", "oS:deploy", "\u043es:deploy"} {
		body := fmt.Sprintf(`{"username": %q, "password": %q}`, name, apitest.Password)
		if w := ts.Send("", "POST", "/auth/register", body); (w.Code == http.StatusCreated) != (name == "deploy") {
			t.Errorf("registration of %s: %d %s", name, w.Code, w.Body)
		}
	}
	account := apitest.Value[int64](ts, "SELECT id FROM account WHERE username = 'deploy'")
	patched := ts.Send(ts.CreateSession(account).Access, "PATCH", path, `{"status": "done"}`)
	if patched.Code != http.StatusForbidden {
		t.Errorf("change of the todo of the command line: %d %s", patched.Code, patched.Body)
	}
}
