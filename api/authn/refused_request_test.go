package authn_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"labledger/api"
	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/programtest"
)

// This file tests that Postgres does not run the statement of a refused request.

// A refusedCaller must not use some routes.
type refusedCaller struct {
	name, token string
	status      int
	refused     func(required rest.Role) bool
}

// refusedCallers creates callers with valid and with invalid credentials.
func refusedCallers(ts *apitest.Server) []refusedCaller {
	ts.Helper()
	viewer, operator, admin := ts.CreateAccount("vera", rest.Viewer), ts.CreateAccount("oscar", rest.Operator),
		ts.CreateAccount("root", rest.Admin)
	revoked, expired := ts.CreateSession(admin), ts.CreateSession(admin)
	ts.Exec("UPDATE session SET revoked_at = now() WHERE id = $1", revoked.ID)
	ts.Exec("UPDATE session SET expires_at = now() WHERE id = $1", expired.ID)
	revokedToken := ts.CreateAPIToken(admin, rest.Admin)
	ts.Exec("UPDATE api_token SET revoked_at = now()")
	disabled := ts.CreateAccount("disabled", rest.Admin)
	disabledSession, disabledToken := ts.CreateSession(disabled), ts.CreateAPIToken(disabled, rest.Admin)
	ts.Exec("UPDATE account SET disabled = true WHERE id = $1", disabled)
	always := func(rest.Role) bool { return true }
	above := func(held rest.Role) func(rest.Role) bool {
		return func(required rest.Role) bool { return required > held && required <= rest.Admin }
	}
	sessionOnly := func(required rest.Role) bool { return required == rest.SessionOnly }
	return []refusedCaller{
		{"revoked session", revoked.Access, http.StatusUnauthorized, always},
		{"expired session", expired.Access, http.StatusUnauthorized, always},
		{"session of a disabled account", disabledSession.Access, http.StatusUnauthorized, always},
		{"revoked API token", revokedToken, http.StatusUnauthorized, always},
		{"API token of a disabled account", disabledToken, http.StatusUnauthorized, always},
		{"viewer", ts.CreateSession(viewer).Access, http.StatusForbidden, above(rest.Viewer)},
		{"operator", ts.CreateSession(operator).Access, http.StatusForbidden, above(rest.Operator)},
		{"admin's viewer API token", ts.CreateAPIToken(admin, rest.Viewer), http.StatusForbidden, above(rest.Viewer)},
		{"viewer's admin API token", ts.CreateAPIToken(viewer, rest.Admin), http.StatusForbidden, above(rest.Viewer)},
		{"admin's API token", ts.CreateAPIToken(admin, rest.Admin), http.StatusForbidden, sessionOnly},
	}
}

// TestRefusedRequests_runNoStatement sends every request as every caller that must not send it, and reads on the wire
// what Postgres did: it failed the check and skipped what was sent after it.
func TestRefusedRequests_runNoStatement(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	callers := refusedCallers(ts)
	recorded, wire := recordedInstance(ts)
	before := ts.TableDigest()
	refused, skipping := 0, map[rest.Kind]int{}
	for _, route := range samples(t, ts) {
		for _, c := range callers {
			if !c.refused(route.Role) {
				continue
			}
			for form, s := range route.variants() {
				w := sendOnce(recorded, c.token, s)
				statements := wire.take().statements
				if w.Code != c.status || !refusedByCheck(statements) {
					t.Errorf("%s: %s %s%s: %d, want %d; statements: %v",
						c.name, s.Method, s.target, form, w.Code, c.status, statements)
				}
				refused++
				if len(statements) > 1 {
					skipping[s.kind]++
				}
			}
		}
	}
	if ts.TableDigest() != before {
		t.Error("a refused request changed the database")
	}
	// The check must have been followed by a statement, or this test shows nothing.
	if refused < 1500 || skipping[rest.KindOne] < 200 || skipping[rest.KindList] < 100 || skipping[rest.KindCreate] < 20 {
		t.Errorf("%d refused requests, in which Postgres skipped statements by kind: %v", refused, skipping)
	}
}

// TestRefusedRequests_revealNoErrors: a refused caller gets the same response to a malformed request as to a valid one,
// and learns nothing about the request.
func TestRefusedRequests_revealNoErrors(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	callers := refusedCallers(ts)
	names := []string{"revoked session", "revoked API token", "viewer", "admin's API token"} // one of each kind
	tested := 0
	for _, route := range samples(t, ts) {
		malformed := map[string]sample{}
		edit := func(name string, change func(s *sample)) {
			s := route
			change(&s)
			malformed[name] = s
		}
		edit("unknown parameter", func(s *sample) { s.target += "?nonsense=1" })
		edit("not acceptable", func(s *sample) { s.headers = append(slices.Clone(s.headers), "Accept: x/y") })
		edit("invalid body", func(s *sample) { s.body = "{" })
		edit("unknown field", func(s *sample) { s.body = `{"nonsense": 1}` })
		if strings.Contains(route.Path, "{") {
			edit("invalid key", func(s *sample) { s.target = pathVariable.ReplaceAllString(s.Path, "~") })
		}
		for _, c := range callers {
			if !c.refused(route.Role) || !slices.Contains(names, c.name) {
				continue
			}
			want := apitest.WithoutRequestFields(sendOnce(ts, c.token, route).Body.String())
			for name, s := range malformed {
				w := sendOnce(ts, c.token, s)
				if got := apitest.WithoutRequestFields(w.Body.String()); w.Code != c.status || got != want {
					t.Errorf("%s: %s %s, %s: %d %s, want %d %s", c.name, s.Method, s.target, name, w.Code, got, c.status, want)
				}
				tested++
			}
		}
	}
	if tested < 1500 {
		t.Errorf("only %d requests", tested)
	}
}

// TestRefusedRequests_logCaller: the log names the user whose role is too low. An invalid token names no user.
func TestRefusedRequests_logCaller(t *testing.T) {
	t.Parallel()
	log := &programtest.Output{}
	ts := apitest.New(t, func(o *api.Options) { o.Log = slog.New(slog.NewJSONHandler(log, nil)) })
	users := map[string]string{
		"viewer": "vera", "operator": "oscar", "admin's viewer API token": "root", "viewer's admin API token": "vera",
		"admin's API token": "root",
	}
	for _, c := range refusedCallers(ts) {
		want := users[c.name]
		if c.status == http.StatusUnauthorized {
			want = "anonymous"
		}
		target := "/api/v1/users"
		if !c.refused(rest.Admin) {
			target = "/auth/token"
		}
		for _, accept := range []string{"application/json", "text/csv"} { // the check of CSV runs alone
			w := ts.Send(c.token, "GET", target, "", "Accept: "+accept)
			lines := strings.Split(strings.TrimSpace(log.String()), "\n")
			if last := lines[len(lines)-1]; w.Code != c.status || !strings.Contains(last, `"actor":"`+want+`"`) {
				t.Errorf("%s: %s: %d, want %d and the actor %s: %s", c.name, target, w.Code, c.status, want, last)
			}
		}
	}
}

// refusedByCheck reports whether Postgres ran nothing but the check, which failed.
func refusedByCheck(statements []wireStatement) bool {
	for i, s := range statements {
		if i == 0 && (!s.isCheck() || s.outcome != failed) || i > 0 && s.outcome != skipped {
			return false
		}
	}
	return len(statements) > 0
}

// sendOnce sends a request and cancels it when the response is written, which ends a stream.
func sendOnce(ts *apitest.Server, token string, s sample) *httptest.ResponseRecorder {
	var w *httptest.ResponseRecorder
	cancelled := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		w = httptest.NewRecorder()
		ts.ServeHTTP(cancelOnWrite{w, cancel}, r.WithContext(ctx))
	})
	apitest.Do(cancelled, s.Method, s.target, s.body, append(s.headers, "Authorization: Bearer "+token)...)
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
