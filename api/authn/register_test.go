package authn_test

import (
	"net/http"
	"strings"
	"testing"

	"labledger/api"
	"labledger/api/rest"
	"labledger/internal/apitest"
)

// TestRegister_takenUsername: the response names no version, because no account was stored.
func TestRegister_takenUsername(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	ts.CreateAccount("ann", rest.Viewer)
	w := ts.Send("", "POST", "/auth/register", `{"username": "ann", "password": "a new horse for the battery"}`)
	if w.Code != http.StatusConflict || w.Header().Get("ETag") != "" {
		t.Errorf("%d with ETag %q, want 409 without ETag: %s", w.Code, w.Header().Get("ETag"), w.Body)
	}
}

// TestRegister_closed: registration is rejected if it is closed.
func TestRegister_closed(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t, func(o *api.Options) { o.Access.RegistrationClosed = true })
	w := ts.Send("", "POST", "/auth/register", `{"username": "eve", "password": "let me in please"}`)
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "Ask an admin") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if apitest.Value[bool](ts, "SELECT EXISTS (SELECT FROM account WHERE username = 'eve')") {
		t.Error("the account exists")
	}
}
