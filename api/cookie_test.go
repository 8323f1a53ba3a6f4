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

// cookiesOf are the Set-Cookie headers of an answer with their values taken out, and the values by name.
func cookiesOf(w *httptest.ResponseRecorder) (lines []string, values map[string]string) {
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

// TestCookies signs in, refreshes and signs out over HTTP and HTTPS, as the nearest proxy tells it, and holds each attribute. No token stands in
// a body or in the log.
func TestCookies(t *testing.T) {
	log := &sharedBuffer{}
	l := newLab(t, func(o *Options) {
		o.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	l.account("ann", viewer)
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
			l.ServeHTTP(w, r)
			return w
		}
		access, refresh, secure := plainAccess, plainRefresh, ""
		if c.secure {
			access, refresh, secure = secureAccess, secureRefresh, "; Secure"
		}
		given := []string{access + "=…; Path=/; Max-Age=900; HttpOnly" + secure + "; SameSite=Strict", refresh + "=…; Path=/auth; Max-Age=2592000; HttpOnly" + secure + "; SameSite=Strict"}
		taken := []string{access + "=…; Path=/; Max-Age=0; HttpOnly" + secure + "; SameSite=Strict", refresh + "=…; Path=/auth; Max-Age=0; HttpOnly" + secure + "; SameSite=Strict"}

		var values map[string]string
		for target, body := range map[string]func() string{
			"/auth/login":   func() string { return `{"username": "ann", "password": "` + labPassword + `", "cookie": true}` },
			"/auth/refresh": func() string { return `{"cookie": true}` },
		} {
			w := send("POST", "/auth/login", `{"username": "ann", "password": "`+labPassword+`", "cookie": true}`)
			_, before := cookiesOf(w)
			w = send("POST", target, body(), "Cookie: "+refresh+"="+before[refresh])
			var lines []string
			lines, values = cookiesOf(w)
			if w.Code != http.StatusOK || !slices.Equal(lines, given) || values[access] == before[access] {
				t.Errorf("%s: %s: %d %q, not %q", c.name, target, w.Code, lines, given)
			}
			if w.Body.String() != `{"access_token":null,"refresh_token":null,"token_type":"Bearer","expires_in":900}`+"\n" {
				t.Errorf("%s: %s: %s", c.name, target, w.Body)
			}
			if _, err := l.options.Access.Keys.ParseAccessToken(values[access], time.Now()); err != nil {
				t.Errorf("%s: %s: the access cookie holds none", c.name, target)
			}
			if _, err := l.options.Access.Keys.ParseRefreshToken(values[refresh]); err != nil {
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
		wrong := plainRefresh
		if !c.secure {
			wrong = secureRefresh
		}
		if w := send("POST", "/auth/refresh", `{"cookie": true}`, "Cookie: "+wrong+"="+values[refresh]); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: a refresh by %s: %d", c.name, wrong, w.Code)
		}
		w := send("POST", "/auth/logout", "", "Cookie: "+access+"="+values[access])
		if lines, _ := cookiesOf(w); w.Code != http.StatusOK || !slices.Equal(lines, taken) {
			t.Errorf("%s: signing out: %d %q, not %q", c.name, w.Code, lines, taken)
		}
		w = send("POST", "/auth/refresh", `{"cookie": true}`, "Cookie: "+refresh+"="+values[refresh])
		if lines, _ := cookiesOf(w); w.Code != http.StatusUnauthorized || !slices.Equal(lines, taken) {
			t.Errorf("%s: after signing out: %d %q, not %q", c.name, w.Code, lines, taken)
		}
		for _, token := range values {
			if len(token) < 40 || strings.Contains(log.text(), token[:40]) {
				t.Errorf("%s: the log holds a token: %s", c.name, token)
			}
		}
		l.exec("DELETE FROM login_attempt")
	}
	if lines := log.text(); secretShape.MatchString(lines) || strings.Count(lines, `"msg":"request"`) < 50 {
		t.Error(lines)
	}
}

// A sender is where a browser says that a request comes from, or a program that says nothing.
type sender struct {
	name    string
	headers []string
	own     bool // it is shown to be a page of the server at example.com
	foreign bool // it is shown to be another's
}

// senders ask for http://example.com, as httptest does.
var senders = []sender{
	{name: "nothing said"},
	{name: "same origin", headers: []string{sameOrigin}, own: true},
	{name: "cross site", headers: []string{"Sec-Fetch-Site: cross-site"}, foreign: true},
	{name: "same site", headers: []string{"Sec-Fetch-Site: same-site"}, foreign: true},
	{name: "no site", headers: []string{"Sec-Fetch-Site: none"}},
	{name: "a new word", headers: []string{"Sec-Fetch-Site: Same-Origin"}, foreign: true},
	{name: "same origin, then cross site", headers: []string{sameOrigin, "Sec-Fetch-Site: cross-site"}},
	{name: "same origin, by another's page", headers: []string{sameOrigin, "Origin: https://evil.example"}, own: true}, // which no browser says
	{name: "cross site, by our page", headers: []string{"Sec-Fetch-Site: cross-site", "Origin: http://example.com"}, foreign: true},
	{name: "our origin", headers: []string{"Origin: http://example.com"}, own: true},
	{name: "our origin in capitals", headers: []string{"Origin: HTTP://EXAMPLE.COM"}, own: true, foreign: true}, // which no browser says
	{name: "our origin over HTTPS", headers: []string{"Origin: https://example.com"}, own: true},                // a proxy nobody told us of may do that
	{name: "another origin", headers: []string{"Origin: https://evil.example"}, foreign: true},
	{name: "another port", headers: []string{"Origin: http://example.com:8080"}, foreign: true},
	{name: "another scheme", headers: []string{"Origin: ftp://example.com"}},
	{name: "a name that begins alike", headers: []string{"Origin: http://example.com.evil.example"}, foreign: true},
	{name: "a name that ends alike", headers: []string{"Origin: http://evilexample.com"}, foreign: true},
	{name: "a name below", headers: []string{"Origin: http://app.example.com"}, foreign: true},
	{name: "with a user", headers: []string{"Origin: http://example.com@evil.example"}, foreign: true},
	{name: "null", headers: []string{"Origin: null"}, foreign: true},
	{name: "an empty origin", headers: []string{"Origin: "}},
	{name: "two origins", headers: []string{"Origin: http://example.com", "Origin: https://evil.example"}},
	{name: "two origins in one", headers: []string{"Origin: http://example.com, https://evil.example"}, foreign: true},
	{name: "a referer", headers: []string{"Referer: http://example.com/app/"}},
}

// TestForeignPages sends every method, by cookie, by token and by neither, as from pages of this server and of others. A cookie changes
// something only for pages of our own; a token does for whoever has it; and where nobody signs in, for all but pages that are said to be others'.
func TestForeignPages(t *testing.T) {
	l := newLab(t)
	open := *l
	openOptions := l.options
	openOptions.Access.AuthRequired = false
	open.Handler = New(openOptions)
	ada := l.session(l.account("ada", admin)).access
	l.exec("INSERT INTO todo (id, description, status, owner) VALUES (7, 'Mine', 'open', 'ada')")
	calls := []struct{ method, target, body string }{
		{"GET", "/sites", ""}, {"HEAD", "/sites", ""}, {"OPTIONS", "/sites", ""}, {"GET", "/account", ""},
		{"POST", "/api/v1/sites?dry_run=true", `{"name": "x"}`}, {"POST", "/site/1?dry_run=true", `{"name": "x", "contact": null, "address": null, "state_or_region": null, "country": null, "postcode_or_zip": null}`},
		{"PUT", "/todo/7?dry_run=true", `{"description": "x", "status": "open"}`}, {"UPDATE", "/todo/7?dry_run=true", `{"description": "x", "status": "open"}`},
		{"PATCH", "/site/1?dry_run=true", `{"name": "x"}`}, {"DELETE", "/site/3?dry_run=true", ""}, {"POST", "/event?dry_run=true", `{"type": "deposit", "amount": 1, "user_id": 1, "time": 1}`},
		{"DELETE", "/account?dry_run=true", ""}, {"POST", "/auth/logout?dry_run=true", ""},
	}
	refused, passed := 0, 0
	for _, s := range senders {
		for _, c := range calls {
			change := !slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, c.method)
			mine := strings.HasPrefix(c.target, "/account") || strings.HasPrefix(c.target, "/auth/")
			for _, by := range []string{"cookie", "token", "cookie and token", "nothing, of an open server", "cookie, of an open server"} {
				at, header, want := l, slices.Clone(s.headers), false
				if strings.HasPrefix(by, "cookie") {
					header = append(header, "Cookie: "+accessCookie+"="+ada)
					want = change && !s.own
				}
				if strings.HasSuffix(by, "token") {
					header, want = append(header, "Authorization: Bearer "+ada), false
				}
				if strings.HasSuffix(by, "server") {
					at = &open
				}
				if strings.HasPrefix(by, "nothing") {
					if want = change && s.foreign; mine && !want {
						continue // there is no such account
					}
				}
				w := at.ask("", c.method, c.target, c.body, header...)
				if want && w.Code == http.StatusForbidden && strings.Contains(w.Body.String(), "came from another site") {
					refused++
				} else if !want && w.Code/100 == 2 {
					passed++
				} else {
					t.Errorf("%s: %s %s by %s: %d %s", s.name, c.method, c.target, by, w.Code, w.Body)
				}
			}
		}
		// Nor does another site sign anybody in, or keep them so.
		for target, body := range map[string]string{
			"/auth/login?dry_run=true": `{"username": "ada", "password": "` + labPassword + `", "cookie": true}`,
			"/auth/refresh":            `{"cookie": true}`,
		} {
			w := l.ask("", "POST", target, body, s.headers...)
			fine := w.Code == http.StatusOK || w.Code == http.StatusUnauthorized && target == "/auth/refresh"
			if s.own && !s.foreign && !fine || !s.own && w.Code != http.StatusForbidden || len(w.Header().Values("Set-Cookie")) > 0 {
				t.Errorf("%s: %s: %d %s", s.name, target, w.Code, w.Body)
			}
		}
		w := l.ask("", "POST", "/auth/register?dry_run=true", `{"username": "new", "password": "a new horse for the battery"}`, s.headers...)
		if (w.Code == http.StatusForbidden) != s.foreign || !s.foreign && w.Code != http.StatusCreated {
			t.Errorf("%s: registering: %d %s", s.name, w.Code, w.Body)
		}
		l.exec("DELETE FROM login_attempt")
	}
	if refused < 200 || passed < 500 {
		t.Errorf("only %d refused and %d passed", refused, passed)
	}
}

// TestForeignScheme: where it is known what the browser speaks, a page that came unencrypted is another one.
func TestForeignScheme(t *testing.T) {
	l := newLab(t)
	ada := l.session(l.account("ada", admin)).access
	for _, c := range []struct {
		said, origin string
		want         int
	}{
		{"https", "https://example.com", http.StatusOK}, {"https", "http://example.com", http.StatusForbidden},
		{"http", "http://example.com", http.StatusOK}, {"http", "https://example.com", http.StatusForbidden},
		{"", "https://example.com", http.StatusOK}, {"", "http://example.com", http.StatusOK},
	} {
		header := []string{"Cookie: " + accessName(c.said == "https") + "=" + ada, "Origin: " + c.origin}
		if c.said != "" {
			header = append(header, "X-Forwarded-Proto: "+c.said)
		}
		if w := l.ask("", "PATCH", "/site/1?dry_run=true", `{"name": "x"}`, header...); w.Code != c.want {
			t.Errorf("%s at %q: %d %s", c.origin, c.said, w.Code, w.Body)
		}
	}
}

// TestDisguised: on a server for this machine alone, whoever is nobody in particular calls it by this machine's name.
func TestDisguised(t *testing.T) {
	l := newLab(t, func(o *Options) { o.Access.AuthRequired, o.Access.LoopbackOnly = false, true })
	token := l.session(l.account("ann", viewer)).access
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
			l.ServeHTTP(w, r)
			return w.Code
		}
		want := http.StatusForbidden
		if good {
			want = http.StatusOK
		}
		for _, headers := range [][]string{nil, {sameOrigin}, {"Origin: http://" + host, sameOrigin}} { // to the browser it is the same origin
			if read, write := send("GET", "/sites", "", headers...), send("PATCH", "/site/1", `{"contact": "x"}`, headers...); read != want || write != want {
				t.Errorf("%q with %v: %d, %d", host, headers, read, write)
			}
		}
		for what, code := range map[string]int{
			"a token":  send("GET", "/sites", "", "Authorization: Bearer "+token),
			"a cookie": send("GET", "/sites", "", "Cookie: "+accessCookie+"="+token),
			"health":   send("GET", "/healthcheck", ""),
			"the page": send("GET", "/app", ""),
		} {
			if code != http.StatusOK {
				t.Errorf("%q with %s: %d", host, what, code)
			}
		}
	}
}

// TestStreamByCookie: EventSource sends no header of one's own, and is let in by the cookie.
func TestStreamByCookie(t *testing.T) {
	l := newLab(t)
	s := l.session(l.account("ann", viewer))
	base := l.serve()
	for value, want := range map[string]int{s.access: http.StatusOK, "x": http.StatusUnauthorized, s.access + "; " + accessCookie + "=x": http.StatusUnauthorized} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+streamPath, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", eventStream)
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

// TestRefreshByCookieAtOnce: tabs that refresh at the same time stay signed in, all of them; who uses an old cookie later is signed out, and
// its browser told.
func TestRefreshByCookieAtOnce(t *testing.T) {
	l := newLab(t)
	s := l.session(l.account("ann", viewer))
	send := func(token string) *httptest.ResponseRecorder {
		return l.ask("", "POST", "/auth/refresh", `{"cookie": true}`, sameOrigin, "Cookie: "+refreshCookie+"="+token)
	}
	_, first := cookiesOf(send(s.refresh))
	_, second := cookiesOf(send(s.refresh))
	if first[refreshCookie] == "" || first[refreshCookie] != second[refreshCookie] || !l.lives(first[accessCookie]) || !l.lives(second[accessCookie]) {
		t.Errorf("two tabs got %v and %v", first, second)
	}
	l.exec("UPDATE session SET rotated_at = rotated_at - $1::interval", graceTime+time.Second)
	w := send(s.refresh)
	if lines, values := cookiesOf(w); w.Code != http.StatusUnauthorized || len(lines) != 2 || values[accessCookie]+values[refreshCookie] != "" || l.lives(first[accessCookie]) {
		t.Errorf("an old cookie: %d %v", w.Code, lines)
	}
}

// TestCurrentSession tells each caller who they are, on each kind of server.
func TestCurrentSession(t *testing.T) {
	l := newLab(t, func(o *Options) { o.Access.RegistrationClosed = true })
	openOptions := l.options
	openOptions.Access.AuthRequired = false
	open := &lab{T: t, Handler: New(openOptions)}
	id := l.account("ann", operator)
	s := l.session(id)
	ended := l.session(id)
	l.exec("UPDATE session SET revoked_at = now() WHERE id = $1", ended.id)
	token := l.apiToken(id, viewer)
	shape := func(signedIn bool, username, role any, id any, refreshable, open bool) string {
		text, err := json.Marshal(object{"signed_in": signedIn, "username": username, "role": role, "id": id, "refreshable": refreshable, "open": open, "may_register": false})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for what, c := range map[string]struct {
		at      *lab
		headers []string
		want    string
		expires bool
	}{
		"nobody":              {l, nil, shape(false, nil, nil, nil, false, false), false},
		"nobody, open":        {open, nil, shape(false, "anonymous", "admin", nil, false, true), false},
		"a cookie":            {l, []string{"Cookie: " + accessCookie + "=" + s.access}, shape(true, "ann", "operator", id, false, false), true},
		"a cookie, open":      {open, []string{"Cookie: " + accessCookie + "=" + s.access}, shape(true, "ann", "operator", id, false, true), true},
		"a header":            {l, []string{"Authorization: Bearer " + s.access}, shape(true, "ann", "operator", id, false, false), true},
		"an API token":        {l, []string{"Authorization: Bearer " + token}, shape(true, "ann", "viewer", id, false, false), false},
		"an ended session":    {l, []string{"Cookie: " + accessCookie + "=" + ended.access}, shape(false, nil, nil, nil, false, false), false},
		"an ended one, open":  {open, []string{"Cookie: " + accessCookie + "=" + ended.access}, shape(false, "anonymous", "admin", nil, false, true), false},
		"both cookies":        {l, []string{"Cookie: " + accessCookie + "=" + s.access + "; " + refreshCookie + "=" + s.refresh}, shape(true, "ann", "operator", id, true, false), true},
		"a refresh cookie":    {l, []string{"Cookie: " + refreshCookie + "=" + s.refresh}, shape(false, nil, nil, nil, true, false), false},
		"a bad one":           {l, []string{"Cookie: " + refreshCookie + "=llr_x"}, shape(false, nil, nil, nil, false, false), false},
		"two of them":         {l, []string{"Cookie: " + refreshCookie + "=" + s.refresh + "; " + refreshCookie + "=" + s.refresh}, shape(false, nil, nil, nil, false, false), false},
		"garbage in a header": {l, []string{"Authorization: Bearer x", "Cookie: " + accessCookie + "=" + s.access}, shape(false, nil, nil, nil, false, false), false},
	} {
		w := c.at.ask("", "GET", "/auth/session", "", c.headers...)
		var got object
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", what, w.Code, w.Body)
		}
		left, expires := got["expires_in"].(float64)
		delete(got, "expires_in")
		if text, _ := json.Marshal(got); string(text) != c.want || expires != c.expires || expires && (left < 890 || left > 900) {
			t.Errorf("%s: %s (%v), not %s", what, text, left, c.want)
		}
	}
}

// TestScheme tells what a browser speaks.
func TestScheme(t *testing.T) {
	g := &gate{trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
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
		if got := g.scheme(r); got != c.want {
			t.Errorf("%s saying %q: %q", c.peer, c.said, got)
		}
	}
}

// TestPageOverHTTP: two answers have two nonces, each the same in head and body, and a story's answer is not the only one that is safe.
func TestPageOverHTTP(t *testing.T) {
	l := newLab(t)
	seen := map[string]bool{}
	for range 20 {
		w := l.ask("", "GET", "/app/sites/1", "", "Accept: text/html")
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
	if w := call(New(Options{Pool: l.work, Log: l.options.Log}), "GET", "/app", ""); w.Code != http.StatusNotFound {
		t.Errorf("without an app: %d", w.Code)
	}
	if w := call(New(Options{Pool: l.work, Log: l.options.Log}), "GET", fmt.Sprintf("/static/%s/app.js", staticDigest()), ""); w.Code != http.StatusNotFound {
		t.Errorf("without an app: %d", w.Code)
	}
}
