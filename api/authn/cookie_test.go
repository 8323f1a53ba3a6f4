package authn_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"labledger/api"
	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/programtest"
)

// This file tests the session cookies of browsers.

// parseSetCookies returns the Set-Cookie headers of a response with "…" instead of the values, and the values by
// name.
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

// TestSessionCookies signs in, refreshes and signs out over HTTP and HTTPS, as reported by the nearest proxy, and
// checks all attributes of the cookies. Tokens appear neither in a body nor in the log.
func TestSessionCookies(t *testing.T) {
	log := &programtest.Output{}
	ts := apitest.New(t, func(o *api.Options) {
		o.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	ts.CreateAccount("ann", rest.Viewer)
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
		loginBody := `{"username": "ann", "password": "` + apitest.Password + `", "cookie": true}`

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
			if _, err := ts.Options.Access.Keys.ParseAccessToken(values[access], time.Now()); err != nil {
				t.Errorf("%s: %s: access cookie: %v", c.name, target, err)
			}
			if _, err := ts.Options.Access.Keys.ParseRefreshToken(values[refresh]); err != nil {
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
			if len(token) < 40 || strings.Contains(log.String(), token[:40]) {
				t.Errorf("%s: token is too short or in the log: %s", c.name, token)
			}
		}
		ts.Exec("DELETE FROM login_attempt")
	}
	if lines := log.String(); secretShapeRE.MatchString(lines) || strings.Count(lines, `"msg":"request"`) < 50 {
		t.Errorf("the log contains a token or lacks requests:\n%s", lines)
	}
}

// TestStream_withCookie: the access cookie authenticates EventSource, which cannot send an Authorization header.
func TestStream_withCookie(t *testing.T) {
	ts := apitest.New(t)
	s := ts.CreateSession(ts.CreateAccount("ann", rest.Viewer))
	base := ts.Listen().URL
	for value, want := range map[string]int{
		s.Access:                              http.StatusOK,
		"x":                                   http.StatusUnauthorized,
		s.Access + "; " + accessCookie + "=x": http.StatusUnauthorized,
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
	ts := apitest.New(t)
	s := ts.CreateSession(ts.CreateAccount("ann", rest.Viewer))
	send := func(token string) *httptest.ResponseRecorder {
		return ts.Send("", "POST", "/auth/refresh", `{"cookie": true}`, sameOrigin, "Cookie: "+refreshCookie+"="+token)
	}
	_, first := parseSetCookies(send(s.Refresh))
	_, second := parseSetCookies(send(s.Refresh))
	if first[refreshCookie] == "" || first[refreshCookie] != second[refreshCookie] {
		t.Errorf("two tabs got different refresh tokens: %v and %v", first, second)
	}
	if !ts.Accepts(first[accessCookie]) || !ts.Accepts(second[accessCookie]) {
		t.Errorf("an access token is not valid: %v or %v", first, second)
	}
	ts.Exec("UPDATE session SET rotated_at = rotated_at - $1::interval", refreshGrace+time.Second)
	w := send(s.Refresh)
	lines, values := parseSetCookies(w)
	if w.Code != http.StatusUnauthorized || len(lines) != 2 || values[accessCookie]+values[refreshCookie] != "" {
		t.Errorf("old refresh cookie: %d %v", w.Code, lines)
	}
	if ts.Accepts(first[accessCookie]) {
		t.Error("the session is still active after the reuse of an old refresh cookie")
	}
}

// TestCurrentSession checks GET /auth/session for each kind of caller, with and without required authentication.
func TestCurrentSession(t *testing.T) {
	ts := apitest.New(t, func(o *api.Options) { o.Access.RegistrationClosed = true })
	openServer := ts.NewInstance(func(o *api.Options) { o.Access.AuthRequired = false })
	id := ts.CreateAccount("ann", rest.Operator)
	s := ts.CreateSession(id)
	revoked := ts.CreateSession(id)
	ts.Exec("UPDATE session SET revoked_at = now() WHERE id = $1", revoked.id)
	token := ts.CreateAPIToken(id, rest.Viewer)
	wantJSON := func(signedIn bool, username, role any, id any, refreshable, open bool) string {
		text, err := json.Marshal(apitest.Object{
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
	accessHeader := "Cookie: " + accessCookie + "=" + s.Access
	revokedHeader := "Cookie: " + accessCookie + "=" + revoked.access
	refreshPair := refreshCookie + "=" + s.Refresh
	signedOut := wantJSON(false, nil, nil, nil, false, false)
	signedIn := wantJSON(true, "ann", "operator", id, false, false)
	signedInOpen := wantJSON(true, "ann", "operator", id, false, true)
	signedInRefreshable := wantJSON(true, "ann", "operator", id, true, false)
	onlyRefreshable := wantJSON(false, nil, nil, nil, true, false)
	withAPIToken := wantJSON(true, "ann", "viewer", id, false, false)
	anonymousAdmin := wantJSON(false, "anonymous", "admin", nil, false, true)
	for name, c := range map[string]struct {
		server  *apitest.Server
		headers []string
		want    string
		expires bool
	}{
		"no credentials":               {ts, nil, signedOut, false},
		"no credentials, open server":  {openServer, nil, anonymousAdmin, false},
		"cookie":                       {ts, []string{accessHeader}, signedIn, true},
		"cookie, open server":          {openServer, []string{accessHeader}, signedInOpen, true},
		"header":                       {ts, []string{"Authorization: Bearer " + s.Access}, signedIn, true},
		"API token":                    {ts, []string{"Authorization: Bearer " + token}, withAPIToken, false},
		"revoked session":              {ts, []string{revokedHeader}, signedOut, false},
		"revoked session, open server": {openServer, []string{revokedHeader}, anonymousAdmin, false},
		"both cookies":                 {ts, []string{accessHeader + "; " + refreshPair}, signedInRefreshable, true},
		"refresh cookie":               {ts, []string{"Cookie: " + refreshPair}, onlyRefreshable, false},
		"invalid refresh cookie":       {ts, []string{"Cookie: " + refreshCookie + "=llr_x"}, signedOut, false},
		"two refresh cookies":          {ts, []string{"Cookie: " + refreshPair + "; " + refreshPair}, signedOut, false},
		"invalid header, valid cookie": {ts, []string{"Authorization: Bearer x", accessHeader}, signedOut, false},
	} {
		w := c.server.Send("", "GET", "/auth/session", "", c.headers...)
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
