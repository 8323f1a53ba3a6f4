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

// A principalCase is somebody who calls, in one of the states that there are.
type principalCase struct {
	name   string
	token  string // "" for none
	role   role   // public for those who are nobody
	api    bool   // comes with an API token
	cookie bool   // the token comes as a cookie
	owns   bool   // the todo, the session and the API token that are addressed
}

// owed is what the gate owes a caller: 401, 403, or 0 for neither. It is said here anew, not asked of the code.
func (c principalCase) owed(rt route, path string) int {
	others := rt.method != http.MethodGet && strings.Contains(path, "/todo") && strings.Contains(path, "{id}") && !c.owns && c.role != admin
	switch {
	case rt.role == public:
		return 0
	case c.role == public:
		return http.StatusUnauthorized
	case rt.role == self && c.api, rt.role == operator && c.role == viewer, rt.role == admin && c.role != admin, others:
		return http.StatusForbidden
	}
	return 0
}

// missing tells what there is for its owner alone: to others it looks as if it were not there, admins included.
func (c principalCase) missing(rt route, path string) bool {
	return !c.owns && rt.role == self && variable.MatchString(path)
}

// principals makes everybody. The rows with the sample ids are the owner's, all else is nobody's in particular.
func principals(l *lab) []principalCase {
	keys := l.options.Access.Keys
	vera, oscar, ada, owner := l.account("vera", viewer), l.account("oscar", operator), l.account("root", admin), l.account("owner", viewer)
	another, disabled, lowered, changed := l.account("another", operator), l.account("disabled", admin), l.account("lowered", admin), l.account("changed", admin)

	session := l.session(owner)
	l.exec("UPDATE session SET id = $1 WHERE id = $2", sampleSession, session.id)
	session.access = keys.SignAccessToken(owner, uuid.MustParse(sampleSession), time.Now())
	l.apiToken(owner, viewer) // number 1
	l.exec("INSERT INTO todo (id, description, status, owner) VALUES (1, 'Mine', 'open', 'owner')")
	l.exec("INSERT INTO container (uuid, description, freezer_id) VALUES ($1, 'Plasma', 1)", examples["uuid"])
	for _, sql := range []string{
		`INSERT INTO attachment (name, url, type, size, sha256) VALUES ('a.txt', '/media/aa/` + strings.Repeat("a", 26) + `.txt', 'text/plain', 1, repeat('0', 64))`,
		`INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts, alert_codes, alert_id, created_at, actor)
			VALUES (1, '` + sampleEvent + `', 'deposit', 250, 1, 1, 'medium', 1, '{}', '{123}', '` + sampleAlert + `', now(), 'oscar')`,
		`INSERT INTO alert (user_id, id, event_id, alert_codes, time, risk, ruleset_id, reasons, created_at, changed_at, actor)
			SELECT user_id, '` + sampleAlert + `', id, '{123}', time, risk, ruleset_id, '[]', created_at, created_at, actor FROM event`,
	} {
		l.exec(sql)
	}

	expired, out, off, old, less := l.session(ada), l.session(ada), l.session(disabled), l.session(changed), l.session(lowered)
	offToken, oldToken, lessToken := l.apiToken(disabled, admin), l.apiToken(changed, admin), l.apiToken(lowered, admin)
	endedToken, revokedToken := l.apiToken(ada, admin), l.apiToken(ada, admin)
	for _, token := range []string{out.access, off.access, old.access, less.access, offToken, oldToken, lessToken, endedToken, revokedToken} {
		l.good(token, "GET", "/api/v1/users", "") // all of them were admins once
	}
	l.good(out.access, "POST", "/auth/logout", "")
	l.good(old.access, "PATCH", "/account", `{"password": "a new horse for the battery", "current_password": "`+labPassword+`"}`)
	boss := l.session(ada).access
	l.good(boss, "PATCH", fmt.Sprint("/api/v1/users/", disabled), `{"disabled": true}`)
	l.good(boss, "PATCH", fmt.Sprint("/api/v1/users/", lowered), `{"role": "viewer"}`)
	hash, _ := auth.HashAPIToken(endedToken)
	l.exec("UPDATE api_token SET expires_at = now() - interval '1 second' WHERE hash = $1", hash)
	hash, _ = auth.HashAPIToken(revokedToken)
	l.exec("UPDATE api_token SET revoked_at = now() WHERE hash = $1", hash)

	return []principalCase{
		{name: "anonymous"},
		{name: "viewer", token: l.session(vera).access, role: viewer},
		{name: "operator", token: l.session(oscar).access, role: operator},
		{name: "admin", token: boss, role: admin},
		{name: "owner", token: session.access, role: viewer, owns: true},
		{name: "another user", token: l.session(another).access, role: operator},
		{name: "disabled", token: off.access},
		{name: "expired", token: keys.SignAccessToken(ada, expired.id, time.Now().Add(-auth.AccessTokenTTL))},
		{name: "logged out", token: out.access},
		{name: "password changed", token: old.access},
		{name: "role lowered", token: less.access, role: viewer},
		{name: "garbage", token: "garbage"},
		{name: "viewer, by cookie", token: l.session(vera).access, role: viewer, cookie: true},
		{name: "admin, by cookie", token: l.session(ada).access, role: admin, cookie: true},
		{name: "logged out, by cookie", token: out.access, cookie: true},
		{name: "API token as a cookie", token: l.apiToken(ada, admin), cookie: true},
		{name: "API token of a viewer", token: l.apiToken(vera, viewer), role: viewer, api: true},
		{name: "API token of an operator", token: l.apiToken(oscar, operator), role: operator, api: true},
		{name: "API token of an admin", token: l.apiToken(ada, admin), role: admin, api: true},
		{name: "API token of an admin for reading", token: l.apiToken(ada, viewer), role: viewer, api: true},
		{name: "API token of an admin whose role was lowered", token: lessToken, role: viewer, api: true},
		{name: "API token of somebody disabled", token: offToken},
		{name: "API token from before the password changed", token: oldToken},
		{name: "API token that has expired", token: endedToken},
		{name: "API token that was revoked", token: revokedToken},
	}
}

// TestPrincipals sends each call that there is on behalf of everybody. What is refused is sent as it is, and must change nothing; what is
// allowed is a dry run, and must go well: who was refused for a wrong reason would not notice a missing guard.
func TestPrincipals(t *testing.T) {
	l := newLab(t)
	cases := principals(l)
	table := routes(parts{metrics: newMetrics(nil, "")})
	refresh := l.options.Access.Keys.SignRefreshToken(auth.RefreshClaims{Session: uuid.MustParse(sampleSession), Generation: 1})
	bodies := map[string]string{
		"/auth/login":   `{"username": "owner", "password": "` + labPassword + `"}`,
		"/auth/refresh": `{"refresh_token": "` + refresh + `"}`,
	}
	before := l.digest()
	var nobody string              // what those who are nobody are told
	answers := map[string]string{} // of public routes
	refused := 0
	for i, c := range cases {
		for _, rt := range table {
			for _, path := range rt.paths {
				body := bodies[path]
				if body == "" {
					body = sampleBody(t, rt, path)
				}
				target, owed := samplePath(path), c.owed(rt, path)
				if rt.endpoint.plain == nil {
					target += neededQuery(newBinder(rt.endpoint.in, rt.method, variables(path)))
				}
				if rt.method != http.MethodGet && owed == 0 {
					target += "?dry_run=true"
				}
				methods := []string{rt.method}
				if rt.method == http.MethodGet {
					methods = append(methods, http.MethodHead)
				}
				for _, method := range methods {
					w := l.askBriefly(c, method, target, body, headers(rt, i)...)
					what := fmt.Sprintf("%s: %s %s", c.name, method, target)
					inUse := w.Code == http.StatusConflict && rt.method == http.MethodDelete // the cascade is not asked for
					switch {
					case strings.HasPrefix(path, "/media/") && w.Code == http.StatusNotFound: // there is no such file
					case path == "/auth/refresh" && w.Code == http.StatusBadRequest: // it takes no dry run
					case owed == 0 && c.missing(rt, path) && w.Code == http.StatusNotFound:
					case owed == 0 && !c.missing(rt, path) && (w.Code/100 == 2 || inUse):
					case owed != 0 && w.Code == owed:
						refused++
					default:
						t.Errorf("%s: %d %s", what, w.Code, w.Body)
					}
					if owed == http.StatusUnauthorized && method != http.MethodHead {
						if nobody == "" {
							nobody = without(w.Body.String())
						}
						if without(w.Body.String()) != nobody || w.Header().Get("WWW-Authenticate") == "" {
							t.Errorf("%s: %v %s differs from %s", what, w.Header(), w.Body, nobody)
						}
					}
					if rt.role == public && path != "/auth/session" && !strings.HasPrefix(path, "/app") { // which tells each who they are, and has a nonce
						answer := fmt.Sprint(w.Code, " ")
						if rt.method == http.MethodGet {
							answer += without(w.Body.String())
						}
						if first, asked := answers[method+path]; asked && answer != first {
							t.Errorf("%s: %s; others are told %s", what, answer, first)
						}
						answers[method+path] = answer
					}
				}
			}
		}
		if l.digest() != before {
			t.Fatalf("%s has changed something", c.name)
		}
	}
	if len(answers) < len(publicRoutes) || refused < 1000 {
		t.Errorf("only %d public routes, and %d refusals", len(answers), refused)
	}
	for _, name := range []string{"anonymous", "viewer", "operator", "admin", "owner", "another user", "disabled", "expired", "logged out", "password changed", "role lowered", "garbage"} {
		if !slices.ContainsFunc(cases, func(c principalCase) bool { return c.name == name }) {
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
	b := newBinder(rt.endpoint.in, rt.method, variables(path))
	switch {
	case len(b.names) == 0:
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

// headers let each case come from an address of its own, and say what a form is.
func headers(rt route, i int) []string {
	all := []string{fmt.Sprint("X-Forwarded-For: 198.51.100.", i)}
	if rt.endpoint.form {
		all = append(all, "Content-Type: multipart/form-data; boundary=X")
	}
	return all
}

// askBriefly is ask, but hangs up on an answer that has no end.
func (l *lab) askBriefly(who principalCase, method, target, body string, header ...string) *httptest.ResponseRecorder {
	token := who.token
	if who.cookie {
		token, header = "", append(header, "Cookie: "+accessCookie+"="+who.token, sameOrigin)
	}
	if target != streamPath || method == http.MethodHead {
		return l.ask(token, method, target, body, header...)
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
	l.ServeHTTP(hangUp{w, cancel}, r)
	return w
}

// hangUp ends a request with the first thing that is written.
type hangUp struct {
	*httptest.ResponseRecorder
	cancel context.CancelFunc
}

func (h hangUp) Write(p []byte) (int, error) {
	h.cancel()
	return h.ResponseRecorder.Write(p)
}
