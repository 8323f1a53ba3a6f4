package authn

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/db"
	"labledger/internal/auth"
)

// This file handles the session cookies of browsers and the protection against cross-site requests. Scripts cannot read
// the cookies, and unsafe requests with a cookie must come from the same origin.

// Names of the session cookies. Over HTTPS they get a __Host- or __Secure- prefix, so that browsers accept them only
// from secure origins: RFC 6265bis, 4.1.3. Below a base path, the names contain it: servers at /, /lab and /lab/two of
// one host would otherwise receive each other's cookies under the same name.
const (
	AccessCookie  = "labledger_access"  // sent with every request
	refreshCookie = "labledger_refresh" // sent to refreshPath only
	refreshPath   = "/auth"
)

// AccessCookieName returns the name of the cookie with the access token on a server below base.
func AccessCookieName(base string, secure bool) string {
	if secure && base == "" {
		return "__Host-" + AccessCookie
	}
	// __Host- requires the path /, which would send the token to all other servers of the host.
	return cookieName(AccessCookie, base, secure)
}

func refreshCookieName(base string, secure bool) string {
	return cookieName(refreshCookie, base, secure)
}

func cookieName(name, base string, secure bool) string {
	name += strings.ReplaceAll(base, "/", "-")
	if secure {
		name = "__Secure-" + name
	}
	return name
}

// setSessionCookies sets the tokens of a session as cookies.
func setSessionCookies(c *rest.Call, access, refresh string) {
	setCookie(c, AccessCookieName(c.BasePath, c.Secure), "/", access, auth.AccessTokenTTL)
	setCookie(c, refreshCookieName(c.BasePath, c.Secure), refreshPath, refresh, auth.RefreshTokenTTL)
}

// clearSessionCookies deletes the session cookies in the browser.
func clearSessionCookies(c *rest.Call) {
	setCookie(c, AccessCookieName(c.BasePath, c.Secure), "/", "", -time.Second)
	setCookie(c, refreshCookieName(c.BasePath, c.Secure), refreshPath, "", -time.Second)
}

func setCookie(c *rest.Call, name, path, value string, lifetime time.Duration) {
	if path = c.URL(path); path != "/" {
		path = strings.TrimSuffix(path, "/")
	}
	cookie := http.Cookie{
		Name:     name,
		Value:    value,
		Path:     path,
		MaxAge:   int(lifetime / time.Second),
		Secure:   c.Secure,
		HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	}
	c.Header.Add("Set-Cookie", cookie.String())
}

// AfterSessionEnd clears the cookies of a browser whose session has ended.
func AfterSessionEnd[In any](c *rest.Call, _ In) {
	if c.Caller.FromCookie {
		clearSessionCookies(c)
	}
}

// AfterRevocation is AfterSessionEnd for a request that may have ended another session.
func AfterRevocation(c *rest.Call, in db.RevokeSessionParams) {
	if in.Revoke && in.SessionID == in.CallerSession {
		AfterSessionEnd(c, in)
	}
}

// singleCookie returns the value of a cookie and the number of cookies with that name. The value is "" for duplicates,
// since another site may have set one of them, and for quoted values, which this server never sets.
func singleCookie(r *http.Request, name string) (value string, n int) {
	cookies := r.CookiesNamed(name)
	if len(cookies) == 1 && !cookies[0].Quoted {
		value = cookies[0].Value
	}
	return value, len(cookies)
}

// requestScheme returns the scheme that the browser uses, "http" or "https". It returns "" if the connection is not TLS
// and no trusted proxy names the scheme, since an unknown proxy may terminate TLS.
func (a *Authenticator) requestScheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	forwarded := r.Header.Values("X-Forwarded-Proto")
	if len(forwarded) == 0 || !a.FromProxy(r) {
		return ""
	}
	proto := forwarded[len(forwarded)-1] // the nearest proxy appends the last entry
	proto = strings.ToLower(strings.TrimSpace(proto[strings.LastIndexByte(proto, ',')+1:]))
	if proto != "http" && proto != "https" {
		return ""
	}
	return proto
}

// safeMethods are the HTTP methods that never change data.
var safeMethods = []string{http.MethodGet, http.MethodHead, http.MethodOptions}

func crossOriginProblem() *problem.Problem {
	return problem.New(problem.CrossOrigin, "Cross-origin request rejected. "+
		"Send changes from this server's own pages, or with a token in the Authorization header.")
}

// requireSameOrigin rejects unsafe requests without Sec-Fetch-Site: same-origin or a matching Origin. Browsers set
// these headers; scripts cannot forge them.
func (a *Authenticator) requireSameOrigin(r *http.Request) error {
	if slices.Contains(safeMethods, r.Method) {
		return nil
	}
	if site := r.Header.Values("Sec-Fetch-Site"); len(site) > 0 {
		if len(site) == 1 && site[0] == "same-origin" {
			return nil
		}
		return crossOriginProblem()
	}
	if origins := r.Header.Values("Origin"); len(origins) == 1 && r.Host != "" {
		scheme := a.requestScheme(r)
		for _, s := range []string{"http", "https"} {
			if (scheme == "" || scheme == s) && strings.EqualFold(origins[0], s+"://"+r.Host) {
				return nil
			}
		}
	}
	return crossOriginProblem()
}

// rejectCrossOrigin rejects unsafe requests that a browser marks as cross-origin. Other clients do not send these
// headers.
func (a *Authenticator) rejectCrossOrigin(r *http.Request) error {
	if a.crossOrigin.Check(r) != nil {
		return crossOriginProblem()
	}
	return nil
}

// rejectRebinding prevents DNS rebinding: on an open loopback server only localhost and IP addresses are accepted as
// Host. Otherwise a site whose name resolves to 127.0.0.1 would count as the same origin.
func rejectRebinding(r *http.Request) error {
	name, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		name = r.Host
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	_, err = netip.ParseAddr(strings.Trim(name, "[]"))
	if err == nil || name == "" || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return nil
	}
	return problem.New(problem.HostNotAllowed,
		"Host %q is not accepted without signing in: use localhost or an IP address. "+
			"To accept any host, start the server with AUTH=required, "+
			"or with AUTH=insecure-open to make every client an admin.", problem.Sanitize(name))
}
