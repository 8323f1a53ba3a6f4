package authn

import (
	"context"
	"net/http"
	"time"

	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/db"
)

// This file reports the current session. The web app starts with it, because scripts cannot read the session cookies.

// CurrentSession describes the caller and how the server authenticates.
type CurrentSession struct {
	// Whether the request has a valid session or API token.
	SignedIn bool `json:"signed_in"`
	// Username of the caller. Without an account: "anonymous" on an open server, otherwise null.
	Username *string `json:"username"`
	// Role of the caller: viewer, operator or admin. Null if the caller must sign in.
	Role *string `json:"role"`
	// ID of the account, or null.
	ID *int64 `json:"id"`
	// Remaining lifetime of the access token in seconds. Null without an access token.
	ExpiresIn *int64 `json:"expires_in"`
	// Whether the browser holds a refresh cookie for POST /auth/refresh.
	Refreshable bool `json:"refreshable"`
	// Whether the server is open: anonymous callers are admins.
	Open bool `json:"open"`
	// Whether users may register their own accounts.
	MayRegister bool `json:"may_register"`
}

// SessionDoc documents ShowSession.
var SessionDoc = rest.Doc{Queries: []any{(*db.Queries).AuthorizeSession}}

// ShowSession returns the caller's identity and role, and whether the server is open. It never returns 401: an invalid
// token counts as none.
func (a *Authenticator) ShowSession(ctx context.Context, c *rest.Call, _ rest.NoParams) (CurrentSession, error) {
	caller, err := a.currentCaller(ctx, c.Request)
	if err != nil {
		return CurrentSession{}, err
	}
	refresh, _ := singleCookie(c.Request, refreshCookieName(c.BasePath, c.Secure))
	_, err = a.Keys.ParseRefreshToken(refresh)
	session := CurrentSession{
		SignedIn:    caller.AccountID != rest.NoAccount,
		Refreshable: err == nil,
		Open:        !a.AuthRequired,
		MayRegister: !a.RegistrationClosed,
	}
	if caller.Role != rest.Public {
		role := caller.Role.String()
		session.Username, session.Role = &caller.Username, &role
	}
	if session.SignedIn {
		session.ID = &caller.AccountID
	}
	if !caller.Expires.IsZero() {
		seconds := max(0, int64(time.Until(caller.Expires).Seconds()))
		session.ExpiresIn = &seconds
	}
	forbidStorage(c)
	return session, nil
}

// currentCaller returns the caller of a request on a public route. An invalid token counts as none.
func (a *Authenticator) currentCaller(ctx context.Context, r *http.Request) (rest.Caller, error) {
	ctx, cancel := context.WithTimeout(ctx, rest.StatementTimeout)
	defer cancel()
	caller := a.anonymous()
	check, err := a.authenticate(r, rest.Viewer)
	if err == nil && check != nil {
		caller, err = check.Run(ctx, a.queries, nil)
	}
	if err == nil {
		return caller, nil
	}
	if p := problem.From(err, r.Method, nil); p.Status != http.StatusUnauthorized {
		return caller, p
	}
	return a.anonymous(), nil
}
