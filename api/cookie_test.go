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

// This file holds what the cookies of browsers are, and that no page of another site makes use of them.

// parseSetCookies are the Set-Cookie headers of an answer with their values taken out, and the values by name.
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

// TestSessionCookies signs in, refreshes and signs out over HTTP and HTTPS, as the nearest proxy tells it, and holds each attribute. No token stands in
// a body or in the log.
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
		name   string
		from   string // peer; "" for the proxy that is trusted
		said   []string
		tls    bool
		secure bool
	}{
		{name: "HTTP"},
		{name: "TLS of our own", tls: true, secure: true},
		{name: "HTTPS, says our proxy", said: []string{"https"}, secure: true},
		{name: "HTTPS in capitals", said: []string{"HTTPS"}, secure: true},
		{name: "HTTP, says our proxy", said: []string{"http"}},
		{name: "HTTPS, says somebody, and HTTP, says our proxy", said: []string{"https, http"}},
		{name: "the same in two headers", said: []string{"https", "http"}},
		{name: "HTTP, says somebody, and HTTPS, says our proxy", said: []string{"http, https"}, secure: true},
		{name: "HTTPS, says somebody", from: "198.51.100.7:1", said: []string{"https"}},
		{name: "nonsense", said: []string{"https://"}},
	} {
		send := func(method, target, body string, header ...string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, target, strings.NewReader(body))
			r.TLS, r.RemoteAddr = nil, "192.0.2.1:1"
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			if c.from != "" {
				r.RemoteAddr = c.from
			}
			for _, h := range append(header, sameOrigin) {
				name, value, _ := strings.Cut(h, ": ")
				r.Header.Add(name, value)
			}
			r.Header["X-Forwarded-Proto"] = c.said
			w := httptest.NewRecorder()
			ts.ServeHTTP(w, r)
			return w
		}
		access, refresh, secure := plainAccess, plainRefresh, ""
		if c.secure {
			access, refresh, secure = secureAccess, secureRefresh, "; Secure"
		}
		cookieValues := []string{access + "=…; Path=/; Max-Age=900; HttpOnly" + secure + "; SameSite=Strict", refresh + "=…; Path=/auth; Max-Age=2592000; HttpOnly" + secure + "; SameSite=Strict"}
		taken := []string{access + "=…; Path=/; Max-Age=0; HttpOnly" + secure + "; SameSite=Strict", refresh + "=…; Path=/auth; Max-Age=0; HttpOnly" + secure + "; SameSite=Strict"}

		var values map[string]string
		for target, body := range map[string]func() string{
			"/auth/login":   func() string { return `{"username": "ann", "password": "` + testPassword + `", "cookie": true}` },
			"/auth/refresh": func() string { return `{"cookie": true}` },
		} {
			w := send("POST", "/auth/login", `{"username": "ann", "password": "`+testPassword+`", "cookie": true}`)
			_, before := parseSetCookies(w)
			w = send("POST", target, body(), "Cookie: "+refresh+"="+before[refresh])
			var lines []string
			lines, values = parseSetCookies(w)
			if w.Code != http.StatusOK || !slices.Equal(lines, cookieValues) || values[access] == before[access] {
				t.Errorf("%s: %s: %d %q, not %q", c.name, target, w.Code, lines, cookieValues)
			}
			if w.Body.String() != `{"access_token":null,"refresh_token":null,"token_type":"Bearer","expires_in":900}`+"\n" {
				t.Errorf("%s: %s: %s", c.name, target, w.Body)
			}
			if _, err := ts.options.Access.Keys.ParseAccessToken(values[access], time.Now()); err != nil {
				t.Errorf("%s: %s: the access cookie holds none", c.name, target)
			}
			if _, err := ts.options.Access.Keys.ParseRefreshToken(values[refresh]); err != nil {
				t.Errorf("%s: %s: the refresh cookie holds none", c.name, target)
			}
		}
		// It counts under the name of its scheme alone: the other one may have been set by who sees the unencrypted part.
		for name, want := range map[string]int{plainAccess: http.StatusOK, secureAccess: http.StatusUnauthorized, plainRefresh: http.StatusUnauthorized, strings.ToUpper(plainAccess): http.StatusUnauthorized} {
			if c.secure && strings.HasSuffix(name, plainAccess) {
				want = http.StatusOK + http.StatusUnauthorized - want
			}
			if w := send("GET", "/account", "", "Cookie: "+name+"="+values[access]); w.Code != want {
				t.Errorf("%s: %s: %d", c.name, name, w.Code)
			}
		}
		badPassword := plainRefresh
		if !c.secure {
			badPassword = secureRefresh
		}
		if w := send("POST", "/auth/refresh", `{"cookie": true}`, "Cookie: "+badPassword+"="+values[refresh]); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: a refresh by %s: %d", c.name, badPassword, w.Code)
		}
		w := send("POST", "/auth/logout", "", "Cookie: "+access+"="+values[access])
		if lines, _ := parseSetCookies(w); w.Code != http.StatusOK || !slices.Equal(lines, taken) {
			t.Errorf("%s: signing out: %d %q, not %q", c.name, w.Code, lines, taken)
		}
		w = send("POST", "/auth/refresh", `{"cookie": true}`, "Cookie: "+refresh+"="+values[refresh])
		if lines, _ := parseSetCookies(w); w.Code != http.StatusUnauthorized || !slices.Equal(lines, taken) {
			t.Errorf("%s: after signing out: %d %q, not %q", c.name, w.Code, lines, taken)
		}
		for _, token := range values {
			if len(token) < 40 || strings.Contains(log.text(), token[:40]) {
				t.Errorf("%s: the log holds a token: %s", c.name, token)
			}
		}
		ts.exec("DELETE FROM login_attempt")
	}
	if lines := log.text(); secretShapeRE.MatchString(lines) || strings.Count(lines, `"msg":"request"`) < 50 {
		t.Error(lines)
	}
}

// A requestSource is where a browser says that a request comes from, or a program that says nothing.
type requestSource struct {
	name          string
	headers       []string
	isSameOrigin  bool // it is shown to be a page of the server at example.com
	isCrossOrigin bool // it is shown to be another's
}

// requestSources ask for http://example.com, as httptest does.
var requestSources = []requestSource{
	{name: "nothing said"},
	{name: "same origin", headers: []string{sameOrigin}, isSameOrigin: true},
	{name: "cross site", headers: []string{"Sec-Fetch-Site: cross-site"}, isCrossOrigin: true},
	{name: "same site", headers: []string{"Sec-Fetch-Site: same-site"}, isCrossOrigin: true},
	{name: "no site", headers: []string{"Sec-Fetch-Site: none"}},
	{name: "a new word", headers: []string{"Sec-Fetch-Site: Same-Origin"}, isCrossOrigin: true},
	{name: "same origin, then cross site", headers: []string{sameOrigin, "Sec-Fetch-Site: cross-site"}},
	{name: "same origin, by another's page", headers: []string{sameOrigin, "Origin: https://evil.example"}, isSameOrigin: true}, // which no browser says
	{name: "cross site, by our page", headers: []string{"Sec-Fetch-Site: cross-site", "Origin: http://example.com"}, isCrossOrigin: true},
	{name: "our origin", headers: []string{"Origin: http://example.com"}, isSameOrigin: true},
	{name: "our origin in capitals", headers: []string{"Origin: HTTP://EXAMPLE.COM"}, isSameOrigin: true, isCrossOrigin: true}, // which no browser says
	{name: "our origin over HTTPS", headers: []string{"Origin: https://example.com"}, isSameOrigin: true},                      // a proxy nobody told us of may do that
	{name: "another origin", headers: []string{"Origin: https://evil.example"}, isCrossOrigin: true},
	{name: "another port", headers: []string{"Origin: http://example.com:8080"}, isCrossOrigin: true},
	{name: "another scheme", headers: []string{"Origin: ftp://example.com"}},
	{name: "a name that begins alike", headers: []string{"Origin: http://example.com.evil.example"}, isCrossOrigin: true},
	{name: "a name that ends alike", headers: []string{"Origin: http://evilexample.com"}, isCrossOrigin: true},
	{name: "a name below", headers: []string{"Origin: http://app.example.com"}, isCrossOrigin: true},
	{name: "with a user", headers: []string{"Origin: http://example.com@evil.example"}, isCrossOrigin: true},
	{name: "null", headers: []string{"Origin: null"}, isCrossOrigin: true},
	{name: "an empty origin", headers: []string{"Origin: "}},
	{name: "two origins", headers: []string{"Origin: http://example.com", "Origin: https://evil.example"}},
	{name: "two origins in one", headers: []string{"Origin: http://example.com, https://evil.example"}, isCrossOrigin: true},
	{name: "a referer", headers: []string{"Referer: http://example.com/app/"}},
}

// TestCrossOriginRequests sends every method, by cookie, by token and by neither, as from pages of this server and of others. A cookie changes
// something only for pages of our own; a token does for whoever has it; and where nobody signs in, for all but pages that are said to be others'.
func TestCrossOriginRequests(t *testing.T) {
	ts := newTestServer(t)
	open := *ts
	openOptions := ts.options
	openOptions.Access.AuthRequired = false
	open.Handler = New(openOptions)
	ada := ts.createSession(ts.createAccount("ada", admin)).access
	ts.exec("INSERT INTO todo (id, description, status, owner) VALUES (7, 'Mine', 'open', 'ada')")
	calls := []struct{ method, target, body string }{
		{"GET", "/sites", ""}, {"HEAD", "/sites", ""}, {"OPTIONS", "/sites", ""}, {"GET", "/account", ""},
		{"POST", "/api/v1/sites?dry_run=true", `{"name": "x"}`}, {"POST", "/site/1?dry_run=true", `{"name": "x", "contact": null, "address": null, "state_or_region": null, "country": null, "postcode_or_zip": null}`},
		{"PUT", "/todo/7?dry_run=true", `{"description": "x", "status": "open"}`}, {"UPDATE", "/todo/7?dry_run=true", `{"description": "x", "status": "open"}`},
		{"PATCH", "/site/1?dry_run=true", `{"name": "x"}`}, {"DELETE", "/site/3?dry_run=true", ""}, {"POST", "/event?dry_run=true", `{"type": "deposit", "amount": 1, "user_id": 1, "time": 1}`},
		{"DELETE", "/account?dry_run=true", ""}, {"POST", "/auth/logout?dry_run=true", ""},
	}
	denied, allowed := 0, 0
	for _, s := range requestSources {
		for _, c := range calls {
			change := !slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, c.method)
			isOwn := strings.HasPrefix(c.target, "/account") || strings.HasPrefix(c.target, "/auth/")
			for _, credential := range []string{"cookie", "token", "cookie and token", "nothing, of an open server", "cookie, of an open server"} {
				server, header, want := ts, slices.Clone(s.headers), false
				if strings.HasPrefix(credential, "cookie") {
					header = append(header, "Cookie: "+accessCookie+"="+ada)
					want = change && !s.isSameOrigin
				}
				if strings.HasSuffix(credential, "token") {
					header, want = append(header, "Authorization: Bearer "+ada), false
				}
				if strings.HasSuffix(credential, "server") {
					server = &open
				}
				if strings.HasPrefix(credential, "nothing") {
					if want = change && s.isCrossOrigin; isOwn && !want {
						continue // there is no such account
					}
				}
				w := server.send("", c.method, c.target, c.body, header...)
				if want && w.Code == http.StatusForbidden && strings.Contains(w.Body.String(), "came from another site") {
					denied++
				} else if !want && w.Code/100 == 2 {
					allowed++
				} else {
					t.Errorf("%s: %s %s by %s: %d %s", s.name, c.method, c.target, credential, w.Code, w.Body)
				}
			}
		}
		// Nor does another site sign anybody in, or keep them so.
		for target, body := range map[string]string{
			"/auth/login?dry_run=true": `{"username": "ada", "password": "` + testPassword + `", "cookie": true}`,
			"/auth/refresh":            `{"cookie": true}`,
		} {
			w := ts.send("", "POST", target, body, s.headers...)
			valid := w.Code == http.StatusOK || w.Code == http.StatusUnauthorized && target == "/auth/refresh"
			if s.isSameOrigin && !s.isCrossOrigin && !valid || !s.isSameOrigin && w.Code != http.StatusForbidden || len(w.Header().Values("Set-Cookie")) > 0 {
				t.Errorf("%s: %s: %d %s", s.name, target, w.Code, w.Body)
			}
		}
		w := ts.send("", "POST", "/auth/register?dry_run=true", `{"username": "new", "password": "a new horse for the battery"}`, s.headers...)
		if (w.Code == http.StatusForbidden) != s.isCrossOrigin || !s.isCrossOrigin && w.Code != http.StatusCreated {
			t.Errorf("%s: registering: %d %s", s.name, w.Code, w.Body)
		}
		ts.exec("DELETE FROM login_attempt")
	}
	if denied < 200 || allowed < 500 {
		t.Errorf("only %d refused and %d passed", denied, allowed)
	}
}

// TestCrossOriginRequests_scheme: where it is known what the browser speaks, a page that came unencrypted is another one.
func TestCrossOriginRequests_scheme(t *testing.T) {
	ts := newTestServer(t)
	ada := ts.createSession(ts.createAccount("ada", admin)).access
	for _, c := range []struct {
		said, origin string
		want         int
	}{
		{"https", "https://example.com", http.StatusOK}, {"https", "http://example.com", http.StatusForbidden},
		{"http", "http://example.com", http.StatusOK}, {"http", "https://example.com", http.StatusForbidden},
		{"", "https://example.com", http.StatusOK}, {"", "http://example.com", http.StatusOK},
	} {
		header := []string{"Cookie: " + accessCookieName(c.said == "https") + "=" + ada, "Origin: " + c.origin}
		if c.said != "" {
			header = append(header, "X-Forwarded-Proto: "+c.said)
		}
		if w := ts.send("", "PATCH", "/site/1?dry_run=true", `{"name": "x"}`, header...); w.Code != c.want {
			t.Errorf("%s at %q: %d %s", c.origin, c.said, w.Code, w.Body)
		}
	}
}

// TestDNSRebinding: on a server for this machine alone, whoever is nobody in particular calls it by this machine's name.
func TestDNSRebinding(t *testing.T) {
	ts := newTestServer(t, func(o *Options) { o.Access.AuthRequired, o.Access.LoopbackOnly = false, true })
	token := ts.createSession(ts.createAccount("ann", viewer)).access
	for host, good := range map[string]bool{
		"localhost": true, "localhost:5000": true, "LOCALHOST:5000": true, "localhost.:5000": true, "labledger.localhost:5000": true, "127.0.0.1": true, "127.0.0.1:5000": true, "127.9.9.9:1": true,
		"[::1]:5000": true, "[::1]": true, "192.0.2.7:80": true, "": true,
		"evil.example": false, "evil.example:5000": false, "127.0.0.1.evil.example:5000": false, "localhost.evil.example": false, "evillocalhost": false, "127.0.0.1.": true, "127.1": false, "0x7f000001": false, "a@localhost": false,
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
		if good {
			want = http.StatusOK
		}
		for _, headers := range [][]string{nil, {sameOrigin}, {"Origin: http://" + host, sameOrigin}} { // to the browser it is the same origin
			if readStatus, writeStatus := send("GET", "/sites", "", headers...), send("PATCH", "/site/1", `{"contact": "x"}`, headers...); readStatus != want || writeStatus != want {
				t.Errorf("%q with %v: %d, %d", host, headers, readStatus, writeStatus)
			}
		}
		for name, code := range map[string]int{
			"a token":  send("GET", "/sites", "", "Authorization: Bearer "+token),
			"a cookie": send("GET", "/sites", "", "Cookie: "+accessCookie+"="+token),
			"health":   send("GET", "/healthcheck", ""),
			"the page": send("GET", "/app", ""),
		} {
			if code != http.StatusOK {
				t.Errorf("%q with %s: %d", host, name, code)
			}
		}
	}
}

// TestStream_withCookie: EventSource sends no header of one's own, and is let in by the cookie.
func TestStream_withCookie(t *testing.T) {
	ts := newTestServer(t)
	s := ts.createSession(ts.createAccount("ann", viewer))
	base := ts.listen()
	for value, want := range map[string]int{s.access: http.StatusOK, "x": http.StatusUnauthorized, s.access + "; " + accessCookie + "=x": http.StatusUnauthorized} {
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
			t.Errorf("%.20s: %s", value, response.Status)
		}
		if want == http.StatusOK {
			if line, err := bufio.NewReader(response.Body).ReadString('\n'); err != nil || line != "retry: 2000\n" {
				t.Errorf("the stream begins with %q: %v", line, err)
			}
		}
		_ = response.Body.Close() // it was only read
	}
}

// TestRefreshByCookie_concurrent: tabs that refresh at the same time stay signed in, all of them; who uses an old cookie later is signed out, and
// its browser told.
func TestRefreshByCookie_concurrent(t *testing.T) {
	ts := newTestServer(t)
	s := ts.createSession(ts.createAccount("ann", viewer))
	send := func(token string) *httptest.ResponseRecorder {
		return ts.send("", "POST", "/auth/refresh", `{"cookie": true}`, sameOrigin, "Cookie: "+refreshCookie+"="+token)
	}
	_, first := parseSetCookies(send(s.refresh))
	_, second := parseSetCookies(send(s.refresh))
	if first[refreshCookie] == "" || first[refreshCookie] != second[refreshCookie] || !ts.accepts(first[accessCookie]) || !ts.accepts(second[accessCookie]) {
		t.Errorf("two tabs got %v and %v", first, second)
	}
	ts.exec("UPDATE session SET rotated_at = rotated_at - $1::interval", refreshGrace+time.Second)
	w := send(s.refresh)
	if lines, values := parseSetCookies(w); w.Code != http.StatusUnauthorized || len(lines) != 2 || values[accessCookie]+values[refreshCookie] != "" || ts.accepts(first[accessCookie]) {
		t.Errorf("an old cookie: %d %v", w.Code, lines)
	}
}

// TestCurrentSession tells each caller who they are, on each kind of server.
func TestCurrentSession(t *testing.T) {
	ts := newTestServer(t, func(o *Options) { o.Access.RegistrationClosed = true })
	openOptions := ts.options
	openOptions.Access.AuthRequired = false
	open := &testServer{T: t, Handler: New(openOptions)}
	id := ts.createAccount("ann", operator)
	s := ts.createSession(id)
	ended := ts.createSession(id)
	ts.exec("UPDATE session SET revoked_at = now() WHERE id = $1", ended.id)
	token := ts.createAPIToken(id, viewer)
	shape := func(signedIn bool, username, role any, id any, refreshable, open bool) string {
		text, err := json.Marshal(object{"signed_in": signedIn, "username": username, "role": role, "id": id, "refreshable": refreshable, "open": open, "may_register": false})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for name, c := range map[string]struct {
		at      *testServer
		headers []string
		want    string
		expires bool
	}{
		"nobody":              {ts, nil, shape(false, nil, nil, nil, false, false), false},
		"nobody, open":        {open, nil, shape(false, "anonymous", "admin", nil, false, true), false},
		"a cookie":            {ts, []string{"Cookie: " + accessCookie + "=" + s.access}, shape(true, "ann", "operator", id, false, false), true},
		"a cookie, open":      {open, []string{"Cookie: " + accessCookie + "=" + s.access}, shape(true, "ann", "operator", id, false, true), true},
		"a header":            {ts, []string{"Authorization: Bearer " + s.access}, shape(true, "ann", "operator", id, false, false), true},
		"an API token":        {ts, []string{"Authorization: Bearer " + token}, shape(true, "ann", "viewer", id, false, false), false},
		"an ended session":    {ts, []string{"Cookie: " + accessCookie + "=" + ended.access}, shape(false, nil, nil, nil, false, false), false},
		"an ended one, open":  {open, []string{"Cookie: " + accessCookie + "=" + ended.access}, shape(false, "anonymous", "admin", nil, false, true), false},
		"both cookies":        {ts, []string{"Cookie: " + accessCookie + "=" + s.access + "; " + refreshCookie + "=" + s.refresh}, shape(true, "ann", "operator", id, true, false), true},
		"a refresh cookie":    {ts, []string{"Cookie: " + refreshCookie + "=" + s.refresh}, shape(false, nil, nil, nil, true, false), false},
		"a bad one":           {ts, []string{"Cookie: " + refreshCookie + "=llr_x"}, shape(false, nil, nil, nil, false, false), false},
		"two of them":         {ts, []string{"Cookie: " + refreshCookie + "=" + s.refresh + "; " + refreshCookie + "=" + s.refresh}, shape(false, nil, nil, nil, false, false), false},
		"garbage in a header": {ts, []string{"Authorization: Bearer x", "Cookie: " + accessCookie + "=" + s.access}, shape(false, nil, nil, nil, false, false), false},
	} {
		w := c.at.send("", "GET", "/auth/session", "", c.headers...)
		var got object
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", name, w.Code, w.Body)
		}
		seconds, expires := got["expires_in"].(float64)
		delete(got, "expires_in")
		if text, _ := json.Marshal(got); string(text) != c.want || expires != c.expires || expires && (seconds < 890 || seconds > 900) {
			t.Errorf("%s: %s (%v), not %s", name, text, seconds, c.want)
		}
	}
}

// TestRequestScheme tells what a browser speaks.
func TestRequestScheme(t *testing.T) {
	a := &authenticator{trustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, c := range []struct {
		peer string
		said []string
		want string
	}{
		{"10.0.0.1:80", []string{"https"}, "https"}, {"10.0.0.1:80", []string{" Http "}, "http"}, {"10.0.0.1:80", nil, ""}, {"10.0.0.1:80", []string{""}, ""}, {"10.0.0.1:80", []string{"ws"}, ""},
		{"10.0.0.1:80", []string{"https,"}, ""}, {"192.0.2.7:80", []string{"https"}, ""}, {"@", []string{"https"}, ""}, {"[::ffff:10.0.0.1]:80", []string{"https"}, "https"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		r.Header["X-Forwarded-Proto"] = c.said
		if got := a.requestScheme(r); got != c.want {
			t.Errorf("%s saying %q: %q", c.peer, c.said, got)
		}
	}
}

// TestAppPage_freshNonce: two answers have two nonces, each the same in head and body, and a story's answer is not the only one that is safe.
func TestAppPage_freshNonce(t *testing.T) {
	ts := newTestServer(t)
	seen := map[string]bool{}
	for range 20 {
		w := ts.send("", "GET", "/app/sites/1", "", "Accept: text/html")
		inHead := regexp.MustCompile(`'nonce-([\w-]+)'`).FindStringSubmatch(w.Header().Get("Content-Security-Policy"))
		inBody := regexp.MustCompile(`nonce="([\w-]+)"`).FindAllStringSubmatch(w.Body.String(), -1)
		if len(inHead) == 0 || len(inBody) == 0 || seen[inHead[1]] {
			t.Fatalf("%v %v", w.Header(), inBody)
		}
		seen[inHead[1]] = true
		for _, found := range inBody {
			if found[1] != inHead[1] {
				t.Errorf("%s in the page, %s in its policy", found[1], inHead[1])
			}
		}
	}
	if w := doRequest(New(Options{Pool: ts.serverPool, Log: ts.options.Log}), "GET", "/app", ""); w.Code != http.StatusNotFound {
		t.Errorf("without an app: %d", w.Code)
	}
	if w := doRequest(New(Options{Pool: ts.serverPool, Log: ts.options.Log}), "GET", fmt.Sprintf("/static/%s/app.js", staticDigest()), ""); w.Code != http.StatusNotFound {
		t.Errorf("without an app: %d", w.Code)
	}
}
