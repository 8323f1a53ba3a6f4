package api

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"labledger/internal/pgtest"
)

// TestClientIP tells where requests come from, through proxies that are trusted and others.
func TestClientIP(t *testing.T) {
	a := &authenticator{trustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}
	for _, c := range []struct {
		peer      string
		forwarded []string
		want      string
	}{
		{"192.0.2.7:4711", nil, "192.0.2.7"},
		{"192.0.2.7:4711", []string{"198.51.100.1"}, "192.0.2.7"}, // it is no proxy of ours, so it says what it likes
		{"10.0.0.1:80", nil, "10.0.0.1"},
		{"10.0.0.1:80", []string{"198.51.100.1"}, "198.51.100.1"},
		{"10.0.0.1:80", []string{"203.0.113.9, 198.51.100.1"}, "198.51.100.1"}, // the first was said by the client
		{"10.0.0.1:80", []string{"203.0.113.9", "198.51.100.1, 10.2.3.4"}, "198.51.100.1"},
		{"10.0.0.1:80", []string{"10.0.0.2"}, "10.0.0.2"},
		{"10.0.0.1:80", []string{"198.51.100.1, nonsense"}, "10.0.0.1"},
		{"10.0.0.1:80", []string{""}, "10.0.0.1"},
		{"[::ffff:10.0.0.1]:80", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"[fd00::1]:80", []string{"2001:db8::1%eth0"}, "2001:db8::1"},
		{"@", nil, "unknown"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/auth/login", nil)
		r.RemoteAddr = c.peer
		r.Header["X-Forwarded-For"] = c.forwarded
		if got := a.clientIP(r); got != c.want {
			t.Errorf("%s forwarding for %q is %s, not %s", c.peer, c.forwarded, got, c.want)
		}
	}
	for address, want := range map[string]string{"192.0.2.7": "192.0.2.7", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "unknown": "unknown"} {
		if got := rateLimitPrefix(address); got != want {
			t.Errorf("%s is of %s, not %s", address, got, want)
		}
	}
}

// TestRegistrationClosed closes the door to those who would register by themselves.
func TestRegistrationClosed(t *testing.T) {
	pool := pgtest.Pool(t)
	h := New(Options{Pool: pool, Log: slog.New(slog.DiscardHandler), AnonymousActor: "anonymous", Access: Access{AuthRequired: true, RegistrationClosed: true}})
	r := httptest.NewRequest(http.MethodPost, "/auth/register", strings.NewReader(`{"username": "eve", "password": "let me in please"}`))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "Ask an admin") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	var registered bool
	if err := pool.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM account WHERE username = 'eve')").Scan(&registered); err != nil || registered {
		t.Errorf("registered all the same: %v (%v)", registered, err)
	}
}
