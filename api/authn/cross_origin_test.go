package authn_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"labledger/api"
	"labledger/api/authn"
	"labledger/api/rest"
	"labledger/internal/apitest"
)

// This file tests the protection against requests from pages of other origins.

const sameOrigin = "Sec-Fetch-Site: same-origin"

// A requestSource is the origin of a request, as browsers report it in headers.
type requestSource struct {
	name          string
	headers       []string
	isSameOrigin  bool // proves that the request comes from the server's own origin
	isCrossOrigin bool // proves that the request comes from another origin
}

// requestSources are the sources of requests to http://example.com, the host of httptest.
var requestSources = []requestSource{
	{name: "no headers"},
	{name: "same origin", headers: []string{sameOrigin}, isSameOrigin: true},
	{name: "cross site", headers: []string{"Sec-Fetch-Site: cross-site"}, isCrossOrigin: true},
	{name: "same site", headers: []string{"Sec-Fetch-Site: same-site"}, isCrossOrigin: true},
	{name: "none", headers: []string{"Sec-Fetch-Site: none"}},
	{name: "unknown value", headers: []string{"Sec-Fetch-Site: Same-Origin"}, isCrossOrigin: true},
	{name: "same origin, then cross site", headers: []string{sameOrigin, "Sec-Fetch-Site: cross-site"}},
	{ // no browser sends this combination
		name:         "same origin, but another origin",
		headers:      []string{sameOrigin, "Origin: https://evil.example"},
		isSameOrigin: true,
	},
	{
		name:          "cross site, but the same origin",
		headers:       []string{"Sec-Fetch-Site: cross-site", "Origin: http://example.com"},
		isCrossOrigin: true,
	},
	{name: "own origin", headers: []string{"Origin: http://example.com"}, isSameOrigin: true},
	{ // no browser sends capitals
		name:          "own origin in capitals",
		headers:       []string{"Origin: HTTP://EXAMPLE.COM"},
		isSameOrigin:  true,
		isCrossOrigin: true,
	},
	{ // an unknown proxy may terminate TLS
		name:         "own origin over HTTPS",
		headers:      []string{"Origin: https://example.com"},
		isSameOrigin: true,
	},
	{name: "another origin", headers: []string{"Origin: https://evil.example"}, isCrossOrigin: true},
	{name: "another port", headers: []string{"Origin: http://example.com:8080"}, isCrossOrigin: true},
	{name: "another scheme", headers: []string{"Origin: ftp://example.com"}},
	{name: "same prefix", headers: []string{"Origin: http://example.com.evil.example"}, isCrossOrigin: true},
	{name: "same suffix", headers: []string{"Origin: http://evilexample.com"}, isCrossOrigin: true},
	{name: "subdomain", headers: []string{"Origin: http://app.example.com"}, isCrossOrigin: true},
	{name: "with userinfo", headers: []string{"Origin: http://example.com@evil.example"}, isCrossOrigin: true},
	{name: "null", headers: []string{"Origin: null"}, isCrossOrigin: true},
	{name: "empty origin", headers: []string{"Origin: "}},
	{name: "two origins", headers: []string{"Origin: http://example.com", "Origin: https://evil.example"}},
	{
		name:          "two origins in one header",
		headers:       []string{"Origin: http://example.com, https://evil.example"},
		isCrossOrigin: true,
	},
	{name: "referer", headers: []string{"Referer: http://example.com/app/"}},
}

// A crossOriginTest sends requests of all sources. It counts them, so that a test in which all requests are accepted or
// all are rejected fails.
type crossOriginTest struct {
	*apitest.Server
	openServer        *apitest.Server
	token             string // of an admin's session
	rejected, allowed int
}

// TestCrossOriginRequests sends every method with a cookie, with a token and with neither, from the same origin and
// from others. Changes with a cookie are accepted only from the same origin, changes with a token from anywhere. An
// open server accepts anonymous changes unless the browser reports another origin.
func TestCrossOriginRequests(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	test := crossOriginTest{
		Server:     ts,
		openServer: ts.NewInstance(func(o *api.Options) { o.Access.AuthRequired = false }),
		token:      ts.SignIn("ada", rest.Admin),
	}
	ts.Exec("INSERT INTO todo (id, description, status, owner) VALUES (7, 'Mine', 'open', 'ada')")
	for _, s := range requestSources {
		test.sendAll(s)
		test.signIn(s)
		ts.Exec("DELETE FROM login_attempt")
	}
	if test.rejected < 200 || test.allowed < 500 {
		t.Errorf("only %d requests rejected and %d accepted", test.rejected, test.allowed)
	}
}

// crossOriginCalls are requests with each method. None of them changes anything.
var crossOriginCalls = []struct{ method, target, body string }{
	{"GET", "/sites", ""},
	{"HEAD", "/sites", ""},
	{"OPTIONS", "/sites", ""},
	{"GET", "/account", ""},
	{"POST", "/api/v1/sites?dry_run=true", `{"name": "x"}`},
	{"POST", "/site/1?dry_run=true", `{"name": "x", "contact": null, "address": null, "state_or_region": null,
		"country": null, "postcode_or_zip": null}`},
	{"PUT", "/todo/7?dry_run=true", `{"description": "x", "status": "open"}`},
	{"UPDATE", "/todo/7?dry_run=true", `{"description": "x", "status": "open"}`},
	{"PATCH", "/site/1?dry_run=true", `{"name": "x"}`},
	{"DELETE", "/site/3?dry_run=true", ""},
	{"POST", "/event?dry_run=true", `{"type": "deposit", "amount": 1, "user_id": 1, "time": 1}`},
	{"DELETE", "/account?dry_run=true", ""},
	{"POST", "/auth/logout?dry_run=true", ""},
}

// sendAll sends all calls from a source with each kind of credentials.
func (test *crossOriginTest) sendAll(s requestSource) {
	test.Helper()
	cookie, bearer := "Cookie: "+authn.AccessCookie+"="+test.token, "Authorization: Bearer "+test.token
	for _, c := range crossOriginCalls {
		change := !slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, c.method)
		for _, credentials := range []struct {
			name    string
			server  *apitest.Server
			headers []string
			reject  bool
		}{
			{"cookie", test.Server, []string{cookie}, change && !s.isSameOrigin},
			{"token", test.Server, []string{bearer}, false},
			{"cookie and token", test.Server, []string{cookie, bearer}, false},
			{"no credentials, open server", test.openServer, nil, change && s.isCrossOrigin},
			{"cookie, open server", test.openServer, []string{cookie}, change && !s.isSameOrigin},
		} {
			isOwn := strings.HasPrefix(c.target, "/account") || strings.HasPrefix(c.target, "/auth/")
			if isOwn && len(credentials.headers) == 0 && !credentials.reject {
				continue // anonymous callers have no account
			}
			w := credentials.server.Send("", c.method, c.target, c.body, slices.Concat(s.headers, credentials.headers)...)
			rejected := w.Code == http.StatusForbidden && strings.Contains(w.Body.String(), "Cross-origin request rejected")
			switch {
			case credentials.reject && rejected:
				test.rejected++
			case !credentials.reject && w.Code/100 == 2:
				test.allowed++
			default:
				test.Errorf("%s: %s %s with %s: %d %s", s.name, c.method, c.target, credentials.name, w.Code, w.Body)
			}
		}
	}
}

// signIn checks that another origin can neither log in nor refresh with cookies, nor register an account.
func (test *crossOriginTest) signIn(s requestSource) {
	test.Helper()
	for target, body := range map[string]string{
		"/auth/login?dry_run=true": `{"username": "ada", "password": "` + apitest.Password + `", "cookie": true}`,
		"/auth/refresh":            `{"cookie": true}`,
	} {
		w := test.Send("", "POST", target, body, s.headers...)
		valid := w.Code == http.StatusOK || w.Code == http.StatusUnauthorized && target == "/auth/refresh"
		wronglyRejected := s.isSameOrigin && !s.isCrossOrigin && !valid
		wronglyAccepted := !s.isSameOrigin && w.Code != http.StatusForbidden
		if wronglyRejected || wronglyAccepted || len(w.Header().Values("Set-Cookie")) > 0 {
			test.Errorf("%s: %s: %d %s", s.name, target, w.Code, w.Body)
		}
	}
	w := test.Send("", "POST", "/auth/register?dry_run=true",
		`{"username": "new", "password": "a new horse for the battery"}`, s.headers...)
	if (w.Code == http.StatusForbidden) != s.isCrossOrigin || !s.isCrossOrigin && w.Code != http.StatusCreated {
		test.Errorf("%s: registration: %d %s", s.name, w.Code, w.Body)
	}
}

// TestCrossOriginRequests_scheme: if the scheme of the browser is known, a page with the other scheme is another
// origin.
func TestCrossOriginRequests_scheme(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	ada := ts.SignIn("ada", rest.Admin)
	for _, c := range []struct {
		forwardedProto, origin string
		want                   int
	}{
		{"https", "https://example.com", http.StatusOK},
		{"https", "http://example.com", http.StatusForbidden},
		{"http", "http://example.com", http.StatusOK},
		{"http", "https://example.com", http.StatusForbidden},
		{"", "https://example.com", http.StatusOK},
		{"", "http://example.com", http.StatusOK},
	} {
		cookie := authn.AccessCookieName("", c.forwardedProto == "https") + "=" + ada
		header := []string{"Cookie: " + cookie, "Origin: " + c.origin}
		if c.forwardedProto != "" {
			header = append(header, "X-Forwarded-Proto: "+c.forwardedProto)
		}
		if w := ts.Send("", "PATCH", "/site/1?dry_run=true", `{"name": "x"}`, header...); w.Code != c.want {
			t.Errorf("origin %s, X-Forwarded-Proto %q: %d %s", c.origin, c.forwardedProto, w.Code, w.Body)
		}
	}
}

// TestDNSRebinding: an open server on loopback accepts anonymous requests only to localhost or an IP address.
func TestDNSRebinding(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t, func(o *api.Options) { o.Access.AuthRequired, o.Access.LoopbackOnly = false, true })
	token := ts.SignIn("ann", rest.Viewer)
	for host, allowed := range map[string]bool{
		"localhost": true, "localhost:5000": true, "LOCALHOST:5000": true, "localhost.:5000": true,
		"labledger.localhost:5000": true, "127.0.0.1": true, "127.0.0.1:5000": true, "127.9.9.9:1": true,
		"127.0.0.1.": true, "[::1]:5000": true, "[::1]": true, "192.0.2.7:80": true, "": true,
		"evil.example": false, "evil.example:5000": false, "127.0.0.1.evil.example:5000": false,
		"localhost.evil.example": false, "evillocalhost": false, "127.1": false, "0x7f000001": false, "a@localhost": false,
	} {
		send := func(method, target, body string, header ...string) int {
			r := httptest.NewRequest(method, target, strings.NewReader(body))
			if body == "" {
				r.Body, r.ContentLength = http.NoBody, 0
			}
			r.Host = host
			for _, h := range header {
				name, value, _ := strings.Cut(h, ": ")
				r.Header.Add(name, value)
			}
			w := httptest.NewRecorder()
			ts.ServeHTTP(w, r)
			return w.Code
		}
		want := http.StatusForbidden
		if allowed {
			want = http.StatusOK
		}
		// After DNS rebinding, the browser reports the attacker's page as the same origin.
		for _, headers := range [][]string{nil, {sameOrigin}, {"Origin: http://" + host, sameOrigin}} {
			readStatus := send("GET", "/sites", "", headers...)
			writeStatus := send("PATCH", "/site/1", `{"contact": "x"}`, headers...)
			if readStatus != want || writeStatus != want {
				t.Errorf("%q with %v: GET %d, PATCH %d, want %d", host, headers, readStatus, writeStatus, want)
			}
		}
		for name, code := range map[string]int{
			"token":        send("GET", "/sites", "", "Authorization: Bearer "+token),
			"cookie":       send("GET", "/sites", "", "Cookie: "+authn.AccessCookie+"="+token),
			"health check": send("GET", "/healthcheck", ""),
			"app page":     send("GET", "/app", ""),
		} {
			if code != http.StatusOK {
				t.Errorf("%q: %s: status %d, want 200", host, name, code)
			}
		}
	}
}
