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

func accessName(secure bool) string {
	if secure {
		return "__Host-" + accessCookie
	}
	return accessCookie
}

func refreshName(secure bool) string {
	if secure {
		return "__Secure-" + refreshCookie // __Host- is for what goes to every path
	}
	return refreshCookie
}

// keep gives a browser the tokens of a session.
func (x *exchange) keep(access, refresh string) {
	x.setCookie(accessName(x.secure), "/", access, int(auth.AccessTokenTTL/time.Second))
	x.setCookie(refreshName(x.secure), refreshPath, refresh, int(auth.RefreshTokenTTL/time.Second))
}

// forget takes the tokens from a browser, since they are good no longer.
func (x *exchange) forget() {
	x.setCookie(accessName(x.secure), "/", "", -1)
	x.setCookie(refreshName(x.secure), refreshPath, "", -1)
}

func (x *exchange) setCookie(name, path, value string, seconds int) {
	http.SetCookie(x, &http.Cookie{Name: name, Value: value, Path: path, MaxAge: seconds, Secure: x.secure, HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

// cookie is the value of the one cookie of a name, and how many there are. It has none when it came twice, since somebody else has set one of
// them, nor when it is in quotes, as this server sets none.
func cookie(r *http.Request, name string) (value string, there int) {
	all := r.CookiesNamed(name)
	if len(all) == 1 && !all[0].Quoted {
		value = all[0].Value
	}
	return value, len(all)
}

// scheme is what the browser speaks, "http" or "https"; "" when nobody tells whom we believe: there may be a proxy.
func (g *gate) scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	said := r.Header.Values("X-Forwarded-Proto")
	if len(said) == 0 || !g.fromProxy(r) {
		return ""
	}
	last := said[len(said)-1] // the proxy next to us has the last word
	last = strings.ToLower(strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:]))
	if last != "http" && last != "https" {
		return ""
	}
	return last
}

// safe are the methods that change nothing.
var safe = []string{http.MethodGet, http.MethodHead, http.MethodOptions}

// foreign says that a page of another site sends the request.
func foreign() *Problem {
	return forbidden("This request came from another site. Changes are taken from this server's own pages, and from programs that show a token in the header Authorization.")
}

// proveOwn refuses a change that is not shown to come from a page of this server. A browser shows it: no page can set these headers.
func (g *gate) proveOwn(r *http.Request) error {
	if slices.Contains(safe, r.Method) {
		return nil
	}
	if site := r.Header.Values("Sec-Fetch-Site"); len(site) > 0 {
		if len(site) == 1 && site[0] == "same-origin" {
			return nil
		}
		return foreign()
	}
	if origins := r.Header.Values("Origin"); len(origins) == 1 && r.Host != "" {
		scheme := g.scheme(r)
		for _, s := range []string{"http", "https"} {
			if (scheme == "" || scheme == s) && strings.EqualFold(origins[0], s+"://"+r.Host) {
				return nil
			}
		}
	}
	return foreign()
}

// refuseForeign refuses a change of which a browser says that a page of another site sends it. Programs say nothing of the kind.
func (g *gate) refuseForeign(r *http.Request) error {
	if g.crossOrigin.Check(r) != nil {
		return foreign()
	}
	return nil
}

// refuseDisguised refuses a name that is not this machine's own. A page of another site that lets its name lead here is no foreigner to the
// browser; but whoever may do everything without signing in calls by an address, or as localhost.
func refuseDisguised(r *http.Request) error {
	name, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		name = r.Host
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	_, err = netip.ParseAddr(strings.Trim(name, "[]"))
	if err == nil || name == "" || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return nil
	}
	return forbidden("Without signing in this server takes requests to localhost or an address, not to %q. Start it with AUTH=required, or with AUTH=insecure-open if everyone there may do everything.", printable(name))
}
