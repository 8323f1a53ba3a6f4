package api

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"labledger/internal/auth"
)

// This file is how browsers stay signed in: with cookies that no script can read, and that count only where no page of another site can have
// sent the request.

// Names of the cookies. Where the browser speaks HTTPS a prefix goes before them, by which it takes them from nobody else: RFC 6265bis, 4.1.3.
const (
	accessCookie  = "labledger_access"  // goes with every request
	refreshCookie = "labledger_refresh" // goes to refreshPath alone
	refreshPath   = "/auth"
)

func accessCookieName(secure bool) string {
	if secure {
		return "__Host-" + accessCookie
	}
	return accessCookie
}

func refreshCookieName(secure bool) string {
	if secure {
		return "__Secure-" + refreshCookie // __Host- is for what goes to every path
	}
	return refreshCookie
}

// setSessionCookies gives a browser the tokens of a session.
func (rec *responseRecorder) setSessionCookies(access, refresh string) {
	rec.setCookie(accessCookieName(rec.secure), "/", access, int(auth.AccessTokenTTL/time.Second))
	rec.setCookie(refreshCookieName(rec.secure), refreshPath, refresh, int(auth.RefreshTokenTTL/time.Second))
}

// clearSessionCookies takes the tokens from a browser, since they are good no longer.
func (rec *responseRecorder) clearSessionCookies() {
	rec.setCookie(accessCookieName(rec.secure), "/", "", -1)
	rec.setCookie(refreshCookieName(rec.secure), refreshPath, "", -1)
}

func (rec *responseRecorder) setCookie(name, path, value string, seconds int) {
	http.SetCookie(rec, &http.Cookie{Name: name, Value: value, Path: path, MaxAge: seconds, Secure: rec.secure, HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

// singleCookie is the value of the one cookie of a name, and how many there are. It has none when it came twice, since somebody else has set one of
// them, nor when it is in quotes, as this server sets none.
func singleCookie(r *http.Request, name string) (value string, n int) {
	cookies := r.CookiesNamed(name)
	if len(cookies) == 1 && !cookies[0].Quoted {
		value = cookies[0].Value
	}
	return value, len(cookies)
}

// requestScheme is what the browser speaks, "http" or "https"; "" when nobody tells whom we believe: there may be a proxy.
func (a *authenticator) requestScheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	forwarded := r.Header.Values("X-Forwarded-Proto")
	if len(forwarded) == 0 || !a.fromProxy(r) {
		return ""
	}
	proto := forwarded[len(forwarded)-1] // the proxy next to us has the last word
	proto = strings.ToLower(strings.TrimSpace(proto[strings.LastIndexByte(proto, ',')+1:]))
	if proto != "http" && proto != "https" {
		return ""
	}
	return proto
}

// safeMethods are the methods that change nothing.
var safeMethods = []string{http.MethodGet, http.MethodHead, http.MethodOptions}

// crossOriginProblem says that a page of another site sends the request.
func crossOriginProblem() *Problem {
	return forbidden("This request came from another site. Changes are taken from this server's own pages, and from programs that show a token in the header Authorization.")
}

// requireSameOrigin refuses a change that is not shown to come from a page of this server. A browser shows it: no page can set these headers.
func (a *authenticator) requireSameOrigin(r *http.Request) error {
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

// rejectCrossOrigin refuses a change of which a browser says that a page of another site sends it. Programs say nothing of the kind.
func (a *authenticator) rejectCrossOrigin(r *http.Request) error {
	if a.crossOrigin.Check(r) != nil {
		return crossOriginProblem()
	}
	return nil
}

// rejectRebinding refuses a name that is not this machine's own. A page of another site that lets its name lead here is no foreigner to the
// browser; but whoever may do everything without signing in calls by an address, or as localhost.
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
	return forbidden("Without signing in this server takes requests to localhost or an address, not to %q. Start it with AUTH=required, or with AUTH=insecure-open if everyone there may do everything.", sanitize(name))
}
