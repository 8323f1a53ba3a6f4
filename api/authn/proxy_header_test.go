package authn

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// This file tests what is read of the headers X-Forwarded-For and X-Forwarded-Proto.

func TestClientIP(t *testing.T) {
	t.Parallel()
	a := &Authenticator{Options: Options{TrustedProxies: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("fd00::/8"),
	}}}
	for _, c := range []struct {
		peer      string
		forwarded []string
		want      string
	}{
		{"192.0.2.7:4711", nil, "192.0.2.7"},
		{"192.0.2.7:4711", []string{"198.51.100.1"}, "192.0.2.7"}, // untrusted peer
		{"10.0.0.1:80", nil, "10.0.0.1"},
		{"10.0.0.1:80", []string{"198.51.100.1"}, "198.51.100.1"},
		{"10.0.0.1:80", []string{"203.0.113.9, 198.51.100.1"}, "198.51.100.1"}, // the client sent the first entry
		{"10.0.0.1:80", []string{"203.0.113.9", "198.51.100.1, 10.2.3.4"}, "198.51.100.1"},
		{"10.0.0.1:80", []string{"10.0.0.2"}, "10.0.0.2"},
		{"10.0.0.1:80", []string{"198.51.100.1, nonsense"}, "10.0.0.1"},
		{"10.0.0.1:80", []string{""}, "10.0.0.1"},
		{"[::ffff:10.0.0.1]:80", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"[fd00::1]:80", []string{"2001:db8::1%eth0"}, "2001:db8::1"},
		{"10.0.0.1:80", []string{"198.51.100.1:5678"}, "198.51.100.1"},
		{"10.0.0.1:80", []string{"198.51.100.1:5678, 10.2.3.4:1"}, "198.51.100.1"},
		{"10.0.0.1:80", []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"10.0.0.1:80", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"10.0.0.1:80", []string{"[2001:db8::1"}, "10.0.0.1"},
		{"10.0.0.1:80", []string{"[]"}, "10.0.0.1"},
		{"@", nil, "unknown"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/auth/login", nil)
		r.RemoteAddr = c.peer
		r.Header["X-Forwarded-For"] = c.forwarded
		if got := a.clientIP(r); got != c.want {
			t.Errorf("peer %s, X-Forwarded-For %q: got %s, want %s", c.peer, c.forwarded, got, c.want)
		}
	}
}

// FuzzParseHop: an address is the same with a port, with a zone or in brackets, and nothing else is an address.
func FuzzParseHop(f *testing.F) {
	for _, text := range []string{"192.0.2.1", "192.0.2.1:80", "[::1]:443", "[::1]", "::ffff:10.0.0.1", "fe80::1%eth0", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		addr, ok := parseHop(text)
		if !ok {
			return
		}
		if addr.Zone() != "" || addr.Is4In6() {
			t.Errorf("%q: the address %s is not canonical", text, addr)
		}
		forms := []string{addr.String(), " " + addr.String(), netip.AddrPortFrom(addr, 443).String()}
		if addr.Is6() {
			forms = append(forms, "["+addr.String()+"]", addr.String()+"%eth0")
		}
		for _, form := range forms {
			if got, ok := parseHop(form); !ok || got != addr {
				t.Errorf("%q: got %s, %t; want %s", form, got, ok, addr)
			}
		}
	})
}

func TestRateLimitPrefix(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.7":         "192.0.2.7",
		"2001:db8:1:2:3::4": "2001:db8:1:2::/64",
		"unknown":           "unknown",
	} {
		if got := rateLimitPrefix(address); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}

func TestRequestScheme(t *testing.T) {
	t.Parallel()
	a := &Authenticator{Options: Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
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
