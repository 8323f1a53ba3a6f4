package authn_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"labledger/api"
	"labledger/api/authn"
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

// A cookieClient is a browser behind a proxy. It sends every request from the same origin.
type cookieClient struct {
	*apitest.Server
	name            string
	peer            string // address of the proxy; "" for the trusted one
	forwardedProto  []string
	tls, secure     bool   // secure: the browser uses HTTPS
	access, refresh string // names of the cookies
}

// The names of the cookies over HTTP and HTTPS.
const (
	plainAccess, plainRefresh   = "labledger_access", "labledger_refresh"
	secureAccess, secureRefresh = "__Host-labledger_access", "__Secure-labledger_refresh"
)

func (c *cookieClient) send(method, target, body string, header ...string) *httptest.ResponseRecorder {
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
	c.ServeHTTP(w, r)
	return w
}

// loginBody signs in with cookies.
const loginBody = `{"username": "ann", "password": "` + apitest.Password + `", "cookie": true}`

// cookieLines returns the Set-Cookie headers, without the values, of a response that sets the cookies for the given
// numbers of seconds.
func (c *cookieClient) cookieLines(accessAge, refreshAge string) []string {
	attributes := "; HttpOnly; SameSite=Strict"
	if c.secure {
		attributes = "; HttpOnly; Secure; SameSite=Strict"
	}
	return []string{
		c.access + "=…; Path=/; Max-Age=" + accessAge + attributes,
		c.refresh + "=…; Path=/auth; Max-Age=" + refreshAge + attributes,
	}
}

// TestSessionCookies signs in, refreshes and signs out over HTTP and HTTPS, as reported by the nearest proxy, and
// checks all attributes of the cookies. Tokens appear neither in a body nor in the log.
func TestSessionCookies(t *testing.T) {
	t.Parallel()
	for _, c := range []cookieClient{
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
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			log := &programtest.Output{}
			c.Server = apitest.New(t, func(o *api.Options) {
				o.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			c.CreateAccount("ann", rest.Viewer)
			c.access, c.refresh = plainAccess, plainRefresh
			if c.secure {
				c.access, c.refresh = secureAccess, secureRefresh
			}
			c.checkIssuing("/auth/refresh", `{"cookie": true}`)
			values := c.checkIssuing("/auth/login", loginBody)
			c.checkNames(values)
			c.checkLogout(values)
			lines := log.String()
			for _, token := range values {
				if len(token) < 40 || strings.Contains(lines, token[:40]) {
					t.Errorf("the token is too short or in the log: %s", token)
				}
			}
			if secretRE.MatchString(lines) || strings.Count(lines, `"msg":"request"`) < 9 {
				t.Errorf("the log contains a token or lacks requests:\n%s", lines)
			}
		})
	}
}

// secretRE matches tokens and password hashes.
var secretRE = regexp.MustCompile(`eyJ[\w-]{20}|ll[rk]_[\w-]{20}|argon2id\$`)

// checkIssuing signs in and sends a request that issues new tokens, which it returns by cookie name.
func (c *cookieClient) checkIssuing(target, body string) (values map[string]string) {
	c.Helper()
	_, before := parseSetCookies(c.send("POST", "/auth/login", loginBody))
	w := c.send("POST", target, body, "Cookie: "+c.refresh+"="+before[c.refresh])
	lines, values := parseSetCookies(w)
	want := c.cookieLines("900", "2592000")
	if w.Code != http.StatusOK || !slices.Equal(lines, want) || values[c.access] == before[c.access] {
		c.Errorf("%s: %d %q, want %q", target, w.Code, lines, want)
	}
	const wantBody = `{"access_token":null,"refresh_token":null,"token_type":"Bearer","expires_in":900}` + "\n"
	if w.Body.String() != wantBody {
		c.Errorf("%s: body %s", target, w.Body)
	}
	if _, err := c.Options.Access.Keys.ParseAccessToken(values[c.access], time.Now()); err != nil {
		c.Errorf("%s: access cookie: %v", target, err)
	}
	if _, err := c.Options.Access.Keys.ParseRefreshToken(values[c.refresh]); err != nil {
		c.Errorf("%s: refresh cookie: %v", target, err)
	}
	return values
}

// checkNames checks that only the cookie name of the scheme is accepted: an attacker on an unencrypted connection may
// have set the other.
func (c *cookieClient) checkNames(values map[string]string) {
	c.Helper()
	otherAccess, otherRefresh := secureAccess, secureRefresh
	if c.secure {
		otherAccess, otherRefresh = plainAccess, plainRefresh
	}
	for name, want := range map[string]int{
		c.access:                  http.StatusOK,
		otherAccess:               http.StatusUnauthorized,
		c.refresh:                 http.StatusUnauthorized,
		strings.ToUpper(c.access): http.StatusUnauthorized,
	} {
		if w := c.send("GET", "/account", "", "Cookie: "+name+"="+values[c.access]); w.Code != want {
			c.Errorf("cookie %s: status %d, want %d", name, w.Code, want)
		}
	}
	w := c.send("POST", "/auth/refresh", `{"cookie": true}`, "Cookie: "+otherRefresh+"="+values[c.refresh])
	if w.Code != http.StatusUnauthorized {
		c.Errorf("refresh with cookie %s: status %d, want 401", otherRefresh, w.Code)
	}
}

// checkLogout checks that a logout clears the cookies, and that the refresh token is invalid afterwards.
func (c *cookieClient) checkLogout(values map[string]string) {
	c.Helper()
	want := c.cookieLines("0", "0")
	w := c.send("POST", "/auth/logout", "", "Cookie: "+c.access+"="+values[c.access])
	if lines, _ := parseSetCookies(w); w.Code != http.StatusOK || !slices.Equal(lines, want) {
		c.Errorf("logout: %d %q, want %q", w.Code, lines, want)
	}
	w = c.send("POST", "/auth/refresh", `{"cookie": true}`, "Cookie: "+c.refresh+"="+values[c.refresh])
	if lines, _ := parseSetCookies(w); w.Code != http.StatusUnauthorized || !slices.Equal(lines, want) {
		c.Errorf("refresh after logout: %d %q, want %q", w.Code, lines, want)
	}
}

// TestStream_withCookie: the access cookie authenticates EventSource, which cannot send an Authorization header.
func TestStream_withCookie(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	s := ts.CreateSession(ts.CreateAccount("ann", rest.Viewer))
	base := ts.Listen().URL
	for value, want := range map[string]int{
		s.Access: http.StatusOK,
		"x":      http.StatusUnauthorized,
		s.Access + "; " + authn.AccessCookie + "=x": http.StatusUnauthorized,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/v1/stream", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/event-stream")
		r.Header.Set("Cookie", authn.AccessCookie+"="+value)
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

// TestSessionCookies_basePath: below a base path the cookies have its name and path, so that they do not reach other
// servers of the host or collide with theirs.
func TestSessionCookies_basePath(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t, func(o *api.Options) { o.BasePath = "/lab/two" })
	s := ts.CreateSession(ts.CreateAccount("ann", rest.Viewer))
	for scheme, prefix := range map[string]string{"http": "", "https": "__Secure-"} {
		body := fmt.Sprintf(`{"cookie": true, "refresh_token": %q}`, s.Refresh)
		w := ts.Send("", "POST", "/lab/two/auth/refresh", body, sameOrigin, "X-Forwarded-Proto: "+scheme)
		var access string
		var got []string
		for _, cookie := range w.Result().Cookies() {
			got = append(got, fmt.Sprintf("%s %s %t", cookie.Name, cookie.Path, cookie.Secure))
			if strings.HasPrefix(cookie.Name, prefix+authn.AccessCookie) {
				access = cookie.Name + "=" + cookie.Value
			}
		}
		want := []string{
			fmt.Sprintf("%slabledger_access-lab-two /lab/two %t", prefix, prefix != ""),
			fmt.Sprintf("%slabledger_refresh-lab-two /lab/two/auth %t", prefix, prefix != ""),
		}
		if w.Code != http.StatusOK || !slices.Equal(got, want) {
			t.Errorf("%s: %d %q, want %q", scheme, w.Code, got, want)
		}
		// The access cookie is accepted, also beside the one of a server at /.
		for _, cookies := range []string{access, access + "; " + authn.AccessCookieName("", prefix != "") + "=x"} {
			w := ts.Send("", "GET", "/account", "", "Cookie: "+cookies, "X-Forwarded-Proto: "+scheme)
			if w.Code != http.StatusOK {
				t.Errorf("%s: GET /account: %d", scheme, w.Code)
			}
		}
	}
}

// TestRefreshByCookie_concurrent: tabs that refresh at the same time all stay signed in. Using an old cookie later
// revokes the session and clears the cookies.
func TestRefreshByCookie_concurrent(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	s := ts.CreateSession(ts.CreateAccount("ann", rest.Viewer))
	send := func(token string) *httptest.ResponseRecorder {
		return ts.Send("", "POST", "/auth/refresh", `{"cookie": true}`, sameOrigin, "Cookie: "+authn.RefreshCookie+"="+token)
	}
	_, first := parseSetCookies(send(s.Refresh))
	_, second := parseSetCookies(send(s.Refresh))
	if first[authn.RefreshCookie] == "" || first[authn.RefreshCookie] != second[authn.RefreshCookie] {
		t.Errorf("two tabs got different refresh tokens: %v and %v", first, second)
	}
	if !ts.Accepts(first[authn.AccessCookie]) || !ts.Accepts(second[authn.AccessCookie]) {
		t.Errorf("an access token is not valid: %v or %v", first, second)
	}
	ts.Exec("UPDATE session SET rotated_at = rotated_at - $1::interval", authn.RefreshGrace+time.Second)
	w := send(s.Refresh)
	lines, values := parseSetCookies(w)
	cleared := len(lines) == 2 && values[authn.AccessCookie]+values[authn.RefreshCookie] == ""
	if w.Code != http.StatusUnauthorized || !cleared {
		t.Errorf("old refresh cookie: %d %v", w.Code, lines)
	}
	if ts.Accepts(first[authn.AccessCookie]) {
		t.Error("the session is still active after the reuse of an old refresh cookie")
	}
}

// sessionJSON returns the body of GET /auth/session without expires_in.
func sessionJSON(t *testing.T, signedIn bool, username, role, id any, refreshable, open bool) string {
	t.Helper()
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

// TestCurrentSession checks GET /auth/session for each kind of caller, with and without required authentication.
func TestCurrentSession(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t, func(o *api.Options) { o.Access.RegistrationClosed = true })
	openServer := ts.NewInstance(func(o *api.Options) { o.Access.AuthRequired = false })
	id := ts.CreateAccount("ann", rest.Operator)
	s := ts.CreateSession(id)
	revoked := ts.CreateSession(id)
	ts.Exec("UPDATE session SET revoked_at = now() WHERE id = $1", revoked.ID)
	token := ts.CreateAPIToken(id, rest.Viewer)
	accessHeader := "Cookie: " + authn.AccessCookie + "=" + s.Access
	revokedHeader := "Cookie: " + authn.AccessCookie + "=" + revoked.Access
	refreshPair := authn.RefreshCookie + "=" + s.Refresh
	signedOut := sessionJSON(t, false, nil, nil, nil, false, false)
	signedIn := sessionJSON(t, true, "ann", "operator", id, false, false)
	signedInOpen := sessionJSON(t, true, "ann", "operator", id, false, true)
	signedInRefreshable := sessionJSON(t, true, "ann", "operator", id, true, false)
	onlyRefreshable := sessionJSON(t, false, nil, nil, nil, true, false)
	withAPIToken := sessionJSON(t, true, "ann", "viewer", id, false, false)
	anonymousAdmin := sessionJSON(t, false, "anonymous", "admin", nil, false, true)
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
		"invalid refresh cookie":       {ts, []string{"Cookie: " + authn.RefreshCookie + "=llr_x"}, signedOut, false},
		"two refresh cookies":          {ts, []string{"Cookie: " + refreshPair + "; " + refreshPair}, signedOut, false},
		"invalid header, valid cookie": {ts, []string{"Authorization: Bearer x", accessHeader}, signedOut, false},
	} {
		w := c.server.Send("", "GET", "/auth/session", "", c.headers...)
		var got apitest.Object
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
