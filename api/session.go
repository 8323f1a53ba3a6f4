package api

import (
	"context"
	"net/http"
	"reflect"
	"time"

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

// ShowSession returns the caller's identity and role, and whether the server is open. It never returns 401: an invalid
// token counts as none.
func ShowSession(*db.Queries, context.Context, NoParams) (CurrentSession, error) {
	panic("api: ShowSession is implemented by authenticator.currentSession")
}

func (a *authenticator) sessionEndpoint() endpoint {
	return endpoint{
		queries: []any{ShowSession, (*db.Queries).GetSessionPrincipal},
		in:      reflect.TypeFor[NoParams](),
		out:     reflect.TypeFor[CurrentSession](),
		handle:  a.currentSession,
	}
}

func (a *authenticator) currentSession(c *call) error {
	caller, err := a.authenticate(c.r)
	if p, isProblem := err.(*Problem); err != nil && !(isProblem && p.Status == http.StatusUnauthorized) {
		return err
	}
	refresh, _ := singleCookie(c.r, refreshCookieName(recorderOf(c.w).secure))
	_, err = a.keys.ParseRefreshToken(refresh)
	session := CurrentSession{
		SignedIn:    caller.accountID != noAccount,
		Refreshable: err == nil,
		Open:        !a.authRequired,
		MayRegister: !a.registrationClosed,
	}
	if caller.role != public {
		role := caller.role.String()
		session.Username, session.Role = &caller.username, &role
	}
	if session.SignedIn {
		session.ID = &caller.accountID
	}
	if !caller.expires.IsZero() {
		seconds := max(0, int64(time.Until(caller.expires).Seconds()))
		session.ExpiresIn = &seconds
	}
	return c.writeJSON(http.StatusOK, session)
}

// isOwnSession reports whether the caller revokes the session of this request.
func isOwnSession(in db.RevokeSessionParams) bool {
	return in.Revoke && in.SessionID == in.CallerSession
}
