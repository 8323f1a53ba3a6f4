package authn_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"labledger/api"
	"labledger/api/authn"
	"labledger/internal/pgtest"
)

func TestClientIP(t *testing.T) {
	a := &authenticator{trustedProxies: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("fd00::/8"),
	}}
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

func TestRateLimitPrefix(t *testing.T) {
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

// TestRegistrationClosed: registration is rejected if it is closed.
func TestRegistrationClosed(t *testing.T) {
	pool := pgtest.Pool(t)
	h := api.New(api.Options{
		Pool:           pool,
		Log:            slog.New(slog.DiscardHandler),
		AnonymousActor: "anonymous",
		Access:         authn.Options{AuthRequired: true, RegistrationClosed: true},
	})
	body := strings.NewReader(`{"username": "eve", "password": "let me in please"}`)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/auth/register", body))
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "Ask an admin") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	var registered bool
	row := pool.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM account WHERE username = 'eve')")
	if err := row.Scan(&registered); err != nil || registered {
		t.Errorf("account exists: %v (%v)", registered, err)
	}
}
