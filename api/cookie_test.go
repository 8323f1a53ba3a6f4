package api

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// This file tests the session cookies of browsers and the protection against cross-origin requests.

// parseSetCookies returns the Set-Cookie headers of a response with "…" instead of the values, and the values by name.
func parseSetCookies(w *httptest.ResponseRecorder) (lines []string, values map[string]string) {
	values = map[string]string{}
	for _, line := range w.Header().Values("Set-Cookie") {
		pair, rest, _ := strings.Cut(line, "; ")
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
		lines = append(lines, name+"=…; "+rest)
	}
	return lines, values
}

const sameOrigin = "Sec-Fetch-Site: same-origin"

// TestSessionCookies signs in, refreshes and signs out over HTTP and HTTPS, as reported by the nearest proxy, and
// checks all attributes of the cookies. Tokens appear neither in a body nor in the log.
func TestSessionCookies(t *testing.T) {
	log := &syncBuffer{}
	ts := newTestServer(t, func(o *Options) {
		o.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	ts.createAccount("ann", viewer)
	const (
		plainAccess, plainRefresh   = "labledger_access", "labledger_refresh"
		secureAccess, secureRefresh = "__Host-labledger_access", "__Secure-labledger_refresh"
	)
	for _, c := range []struct {
		name           string
		peer           string // "" for the trusted proxy
		forwardedProto []string
		tls            bool
		secure         bool
	}{
		{name: "HTTP"},
		{name: "TLS", tls: true, secure: true},
		{name: "trusted proxy: https", forwardedProto: []string{"https"}, secure: true},
		{name: "trusted proxy: HTTPS", forwardedProto: []string{"HTTPS"}, secure: true},
		{name: "trusted proxy: http", forwardedProto: []string{"http"}},
		{name: "client: https, trusted proxy: http", forwardedProto: []string{"https, http"}},
		{name: "client: https, trusted proxy: http, two headers", forwardedProto: []string{"https", "http"}},
		{name: "client: http, trusted proxy: https", forwardedProto: []string{"http, https"}, secure: true},
		{name: "untrusted peer: https", peer: "198.51.100.7:1", forwardedProto: []string{"https"}},
		{name: "invalid scheme", forwardedProto: []string{"https://"}},
	} {
		send := func(method, target, body string, header ...string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, target, strings.NewReader(body))
			r.TLS, r.RemoteAddr = nil, "192.0.2.1:1"
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			if c.peer != "" {
				r.RemoteAddr = c.peer
			}
			for _, h := range append(header, sameOrigin) {
				name, value, _ := strings.Cut(h, ": ")
				r.Header.Add(name, value)
			}
			r.Header["X-Forwarded-Proto"] = c.forwardedProto
			w := httptest.NewRecorder()
			ts.ServeHTTP(w, r)
			return w
		}
		access, refresh, secure := plainAccess, plainRefresh, ""
		if c.secure {
			access, refresh, secure = secureAccess, secureRefresh, "; Secure"
		}
		attributes := "; HttpOnly" + secure + "; SameSite=Strict"
		wantCookies := []string{
			access + "=…; Path=/; Max-Age=900" + attributes,
			refresh + "=…; Path=/auth; Max-Age=2592000" + attributes,
		}
		clearedCookies := []string{
			access + "=…; Path=/; Max-Age=0" + attributes,
			refresh + "=…; Path=/auth; Max-Age=0" + attributes,
		}
		loginBody := `{"username": "ann", "password": "` + testPassword + `", "cookie": true}`

		var values map[string]string
		for target, body := range map[string]string{"/auth/login": loginBody, "/auth/refresh": `{"cookie": true}`} {
			w := send("POST", "/auth/login", loginBody)
			_, before := parseSetCookies(w)
			w = send("POST", target, body, "Cookie: "+refresh+"="+before[refresh])
			var lines []string
			lines, values = parseSetCookies(w)
			if w.Code != http.StatusOK || !slices.Equal(lines, wantCookies) || values[access] == before[access] {
				t.Errorf("%s: %s: %d %q, want %q", c.name, target, w.Code, lines, wantCookies)
			}
			const wantBody = `{"access_token":null,"refresh_token":null,"token_type":"Bearer","expires_in":900}` + "\n"
			if w.Body.String() != wantBody {
				t.Errorf("%s: %s: body %s", c.name, target, w.Body)
			}
			if _, err := ts.options.Access.Keys.ParseAccessToken(values[access], time.Now()); err != nil {
				t.Errorf("%s: %s: access cookie: %v", c.name, target, err)
			}
			if _, err := ts.options.Access.Keys.ParseRefreshToken(values[refresh]); err != nil {
				t.Errorf("%s: %s: refresh cookie: %v", c.name, target, err)
			}
		}
		// Only the cookie name of the scheme is accepted: an attacker on an unencrypted connection may have set the
		// other.
		for name, want := range map[string]int{
			plainAccess:                  http.StatusOK,
			secureAccess:                 http.StatusUnauthorized,
			plainRefresh:                 http.StatusUnauthorized,
			strings.ToUpper(plainAccess): http.StatusUnauthorized,
		} {
			if c.secure && strings.HasSuffix(name, plainAccess) {
				want = http.StatusOK + http.StatusUnauthorized - want
			}
			if w := send("GET", "/account", "", "Cookie: "+name+"="+values[access]); w.Code != want {
				t.Errorf("%s: cookie %s: status %d, want %d", c.name, name, w.Code, want)
			}
		}
		otherRefresh := plainRefresh
		if !c.secure {
			otherRefresh = secureRefresh
		}
		w := send("POST", "/auth/refresh", `{"cookie": true}`, "Cookie: "+otherRefresh+"="+values[refresh])
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%s: refresh with cookie %s: status %d, want 401", c.name, otherRefresh, w.Code)
		}
		w = send("POST", "/auth/logout", "", "Cookie: "+access+"="+values[access])
		if lines, _ := parseSetCookies(w); w.Code != http.StatusOK || !slices.Equal(lines, clearedCookies) {
			t.Errorf("%s: logout: %d %q, want %q", c.name, w.Code, lines, clearedCookies)
		}
		w = send("POST", "/auth/refresh", `{"cookie": true}`, "Cookie: "+refresh+"="+values[refresh])
		if lines, _ := parseSetCookies(w); w.Code != http.StatusUnauthorized || !slices.Equal(lines, clearedCookies) {
			t.Errorf("%s: refresh after logout: %d %q, want %q", c.name, w.Code, lines, clearedCookies)
		}
		for _, token := range values {
			if len(token) < 40 || strings.Contains(log.text(), token[:40]) {
				t.Errorf("%s: token is too short or in the log: %s", c.name, token)
			}
		}
		ts.exec("DELETE FROM login_attempt")
	}
	if lines := log.text(); secretShapeRE.MatchString(lines) || strings.Count(lines, `"msg":"request"`) < 50 {
		t.Errorf("the log contains a token or lacks requests:\n%s", lines)
	}
}

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

// TestCrossOriginRequests sends every method with a cookie, with a token and with neither, from the same origin and
// from others. Changes with a cookie are accepted only from the same origin, changes with a token from anywhere. An
// open server accepts anonymous changes unless the browser reports another origin.
func TestCrossOriginRequests(t *testing.T) {
	ts := newTestServer(t)
	openServer := *ts
	openOptions := ts.options
	openOptions.Access.AuthRequired = false
	openServer.Handler = New(openOptions)
	ada := ts.createSession(ts.createAccount("ada", admin)).access
	ts.exec("INSERT INTO todo (id, description, status, owner) VALUES (7, 'Mine', 'open', 'ada')")
	calls := []struct{ method, target, body string }{
		{"GET", "/sites", ""}, {"HEAD", "/sites", ""}, {"OPTIONS", "/sites", ""}, {"GET", "/account", ""},
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
	denied, allowed := 0, 0
	for _, s := range requestSources {
		for _, c := range calls {
			change := !slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, c.method)
			isOwn := strings.HasPrefix(c.target, "/account") || strings.HasPrefix(c.target, "/auth/")
			for _, credential := range []string{
				"cookie", "token", "cookie and token", "no credentials, open server", "cookie, open server",
			} {
				server, header, want := ts, slices.Clone(s.headers), false
				if strings.HasPrefix(credential, "cookie") {
					header = append(header, "Cookie: "+accessCookie+"="+ada)
					want = change && !s.isSameOrigin
				}
				if strings.HasSuffix(credential, "token") {
					header, want = append(header, "Authorization: Bearer "+ada), false
				}
				if strings.HasSuffix(credential, "server") {
					server = &openServer
				}
				if strings.HasPrefix(credential, "no credentials") {
					if want = change && s.isCrossOrigin; isOwn && !want {
						continue // anonymous callers have no account
					}
				}
				w := server.send("", c.method, c.target, c.body, header...)
				rejected := w.Code == http.StatusForbidden &&
					strings.Contains(w.Body.String(), "Cross-origin request rejected")
				if want && rejected {
					denied++
				} else if !want && w.Code/100 == 2 {
					allowed++
				} else {
					t.Errorf("%s: %s %s with %s: %d %s", s.name, c.method, c.target, credential, w.Code, w.Body)
				}
			}
		}
		// Another origin can neither log in nor refresh with cookies.
		for target, body := range map[string]string{
			"/auth/login?dry_run=true": `{"username": "ada", "password": "` + testPassword + `", "cookie": true}`,
			"/auth/refresh":            `{"cookie": true}`,
		} {
			w := ts.send("", "POST", target, body, s.headers...)
			valid := w.Code == http.StatusOK || w.Code == http.StatusUnauthorized && target == "/auth/refresh"
			wronglyRejected := s.isSameOrigin && !s.isCrossOrigin && !valid
			wronglyAccepted := !s.isSameOrigin && w.Code != http.StatusForbidden
			if wronglyRejected || wronglyAccepted || len(w.Header().Values("Set-Cookie")) > 0 {
				t.Errorf("%s: %s: %d %s", s.name, target, w.Code, w.Body)
			}
		}
		w := ts.send("", "POST", "/auth/register?dry_run=true",
			`{"username": "new", "password": "a new horse for the battery"}`, s.headers...)
		if (w.Code == http.StatusForbidden) != s.isCrossOrigin || !s.isCrossOrigin && w.Code != http.StatusCreated {
			t.Errorf("%s: registration: %d %s", s.name, w.Code, w.Body)
		}
		ts.exec("DELETE FROM login_attempt")
	}
	if denied < 200 || allowed < 500 {
		t.Errorf("only %d requests rejected and %d accepted", denied, allowed)
	}
}

// TestCrossOriginRequests_scheme: if the scheme of the browser is known, a page with the other scheme is another
// origin.
func TestCrossOriginRequests_scheme(t *testing.T) {
	ts := newTestServer(t)
	ada := ts.createSession(ts.createAccount("ada", admin)).access
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
		cookie := accessCookieName(c.forwardedProto == "https") + "=" + ada
		header := []string{"Cookie: " + cookie, "Origin: " + c.origin}
		if c.forwardedProto != "" {
			header = append(header, "X-Forwarded-Proto: "+c.forwardedProto)
		}
		if w := ts.send("", "PATCH", "/site/1?dry_run=true", `{"name": "x"}`, header...); w.Code != c.want {
			t.Errorf("origin %s, X-Forwarded-Proto %q: %d %s", c.origin, c.forwardedProto, w.Code, w.Body)
		}
	}
}

// TestDNSRebinding: an open server on loopback accepts anonymous requests only to localhost or an IP address.
func TestDNSRebinding(t *testing.T) {
	ts := newTestServer(t, func(o *Options) { o.Access.AuthRequired, o.Access.LoopbackOnly = false, true })
	token := ts.createSession(ts.createAccount("ann", viewer)).access
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
		for _, headers := range [][]string{nil, {sameOrigin}, {"Origin: http://" + host, sameOrigin}} {
			readStatus := send("GET", "/sites", "", headers...)
			writeStatus := send("PATCH", "/site/1", `{"contact": "x"}`, headers...)
			if readStatus != want || writeStatus != want {
				t.Errorf("%q with %v: GET %d, PATCH %d, want %d", host, headers, readStatus, writeStatus, want)
			}
		}
		for name, code := range map[string]int{
			"token":        send("GET", "/sites", "", "Authorization: Bearer "+token),
			"cookie":       send("GET", "/sites", "", "Cookie: "+accessCookie+"="+token),
			"health check": send("GET", "/healthcheck", ""),
			"app page":     send("GET", "/app", ""),
		} {
			if code != http.StatusOK {
				t.Errorf("%q: %s: status %d, want 200", host, name, code)
			}
		}
	}
}

// TestStream_withCookie: the access cookie authenticates EventSource, which cannot send an Authorization header.
func TestStream_withCookie(t *testing.T) {
	ts := newTestServer(t)
	s := ts.createSession(ts.createAccount("ann", viewer))
	base := ts.listen()
	for value, want := range map[string]int{
		s.access:                              http.StatusOK,
		"x":                                   http.StatusUnauthorized,
		s.access + "; " + accessCookie + "=x": http.StatusUnauthorized,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+streamPath, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", mediaTypeEventStream)
		r.Header.Set("Cookie", accessCookie+"="+value)
		response, err := (&http.Client{Timeout: time.Minute}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != want {
			t.Errorf("cookie %.20s: %s, want %d", value, response.Status, want)
		}
		if want == http.StatusOK {
			if line, err := bufio.NewReader(response.Body).ReadString('\n'); err != nil || line != "retry: 2000\n" {
				t.Errorf("the stream begins with %q: %v", line, err)
			}
		}
		_ = response.Body.Close()
	}
}

// TestRefreshByCookie_concurrent: tabs that refresh at the same time all stay signed in. Using an old cookie later
// revokes the session and clears the cookies.
func TestRefreshByCookie_concurrent(t *testing.T) {
	ts := newTestServer(t)
	s := ts.createSession(ts.createAccount("ann", viewer))
	send := func(token string) *httptest.ResponseRecorder {
		return ts.send("", "POST", "/auth/refresh", `{"cookie": true}`, sameOrigin, "Cookie: "+refreshCookie+"="+token)
	}
	_, first := parseSetCookies(send(s.refresh))
	_, second := parseSetCookies(send(s.refresh))
	if first[refreshCookie] == "" || first[refreshCookie] != second[refreshCookie] {
		t.Errorf("two tabs got different refresh tokens: %v and %v", first, second)
	}
	if !ts.accepts(first[accessCookie]) || !ts.accepts(second[accessCookie]) {
		t.Errorf("an access token is not valid: %v or %v", first, second)
	}
	ts.exec("UPDATE session SET rotated_at = rotated_at - $1::interval", refreshGrace+time.Second)
	w := send(s.refresh)
	lines, values := parseSetCookies(w)
	if w.Code != http.StatusUnauthorized || len(lines) != 2 || values[accessCookie]+values[refreshCookie] != "" {
		t.Errorf("old refresh cookie: %d %v", w.Code, lines)
	}
	if ts.accepts(first[accessCookie]) {
		t.Error("the session is still active after the reuse of an old refresh cookie")
	}
}

// TestCurrentSession checks GET /auth/session for each kind of caller, with and without required authentication.
func TestCurrentSession(t *testing.T) {
	ts := newTestServer(t, func(o *Options) { o.Access.RegistrationClosed = true })
	openOptions := ts.options
	openOptions.Access.AuthRequired = false
	openServer := &testServer{T: t, Handler: New(openOptions)}
	id := ts.createAccount("ann", operator)
	s := ts.createSession(id)
	revoked := ts.createSession(id)
	ts.exec("UPDATE session SET revoked_at = now() WHERE id = $1", revoked.id)
	token := ts.createAPIToken(id, viewer)
	wantJSON := func(signedIn bool, username, role any, id any, refreshable, open bool) string {
		text, err := json.Marshal(object{
			"signed_in":    signedIn,
			"username":     username,
			"role":         role,
			"id":           id,
			"refreshable":  refreshable,
			"open":         open,
			"may_register": false,
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	accessHeader := "Cookie: " + accessCookie + "=" + s.access
	revokedHeader := "Cookie: " + accessCookie + "=" + revoked.access
	refreshPair := refreshCookie + "=" + s.refresh
	signedOut := wantJSON(false, nil, nil, nil, false, false)
	signedIn := wantJSON(true, "ann", "operator", id, false, false)
	signedInOpen := wantJSON(true, "ann", "operator", id, false, true)
	signedInRefreshable := wantJSON(true, "ann", "operator", id, true, false)
	onlyRefreshable := wantJSON(false, nil, nil, nil, true, false)
	withAPIToken := wantJSON(true, "ann", "viewer", id, false, false)
	anonymousAdmin := wantJSON(false, "anonymous", "admin", nil, false, true)
	for name, c := range map[string]struct {
		server  *testServer
		headers []string
		want    string
		expires bool
	}{
		"no credentials":               {ts, nil, signedOut, false},
		"no credentials, open server":  {openServer, nil, anonymousAdmin, false},
		"cookie":                       {ts, []string{accessHeader}, signedIn, true},
		"cookie, open server":          {openServer, []string{accessHeader}, signedInOpen, true},
		"header":                       {ts, []string{"Authorization: Bearer " + s.access}, signedIn, true},
		"API token":                    {ts, []string{"Authorization: Bearer " + token}, withAPIToken, false},
		"revoked session":              {ts, []string{revokedHeader}, signedOut, false},
		"revoked session, open server": {openServer, []string{revokedHeader}, anonymousAdmin, false},
		"both cookies":                 {ts, []string{accessHeader + "; " + refreshPair}, signedInRefreshable, true},
		"refresh cookie":               {ts, []string{"Cookie: " + refreshPair}, onlyRefreshable, false},
		"invalid refresh cookie":       {ts, []string{"Cookie: " + refreshCookie + "=llr_x"}, signedOut, false},
		"two refresh cookies":          {ts, []string{"Cookie: " + refreshPair + "; " + refreshPair}, signedOut, false},
		"invalid header, valid cookie": {ts, []string{"Authorization: Bearer x", accessHeader}, signedOut, false},
	} {
		w := c.server.send("", "GET", "/auth/session", "", c.headers...)
		var got object
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", name, w.Code, w.Body)
		}
		seconds, expires := got["expires_in"].(float64)
		delete(got, "expires_in")
		text, _ := json.Marshal(got)
		if string(text) != c.want || expires != c.expires || expires && (seconds < 890 || seconds > 900) {
			t.Errorf("%s: %s, expires in %v; want %s", name, text, seconds, c.want)
		}
	}
}

func TestRequestScheme(t *testing.T) {
	a := &authenticator{trustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, c := range []struct {
		peer           string
		forwardedProto []string
		want           string
	}{
		{"10.0.0.1:80", []string{"https"}, "https"},
		{"10.0.0.1:80", []string{" Http "}, "http"},
		{"10.0.0.1:80", nil, ""},
		{"10.0.0.1:80", []string{""}, ""},
		{"10.0.0.1:80", []string{"ws"}, ""},
		{"10.0.0.1:80", []string{"https,"}, ""},
		{"192.0.2.7:80", []string{"https"}, ""},
		{"@", []string{"https"}, ""},
		{"[::ffff:10.0.0.1]:80", []string{"https"}, "https"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		r.Header["X-Forwarded-Proto"] = c.forwardedProto
		if got := a.requestScheme(r); got != c.want {
			t.Errorf("peer %s, X-Forwarded-Proto %q: got %q, want %q", c.peer, c.forwardedProto, got, c.want)
		}
	}
}

// TestAppPage_freshNonce: each response has a new nonce, which is the same in the header and in the page.
func TestAppPage_freshNonce(t *testing.T) {
	ts := newTestServer(t)
	seen := map[string]bool{}
	for range 20 {
		w := ts.send("", "GET", "/app/sites/1", "", "Accept: text/html")
		policy := w.Header().Get("Content-Security-Policy")
		policyNonce := regexp.MustCompile(`'nonce-([\w-]+)'`).FindStringSubmatch(policy)
		pageNonces := regexp.MustCompile(`nonce="([\w-]+)"`).FindAllStringSubmatch(w.Body.String(), -1)
		if len(policyNonce) == 0 || len(pageNonces) == 0 || seen[policyNonce[1]] {
			t.Fatalf("%v %v", w.Header(), pageNonces)
		}
		seen[policyNonce[1]] = true
		for _, pageNonce := range pageNonces {
			if pageNonce[1] != policyNonce[1] {
				t.Errorf("nonce %s in the page, %s in the policy", pageNonce[1], policyNonce[1])
			}
		}
	}
	withoutApp := New(Options{Pool: ts.serverPool, Log: ts.options.Log})
	for _, target := range []string{"/app", fmt.Sprintf("/static/%s/app.js", staticDigest())} {
		if w := doRequest(withoutApp, "GET", target, ""); w.Code != http.StatusNotFound {
			t.Errorf("%s without an app: status %d, want 404", target, w.Code)
		}
	}
}
