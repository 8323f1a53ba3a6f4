package api

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"labledger/db"
)

// This file tells whoever asks who they are. The web app begins with it: it cannot see its own cookies.

// CurrentSession is who calls, as the server sees it.
type CurrentSession struct {
	// Whether the caller is somebody in particular, by a session or an API token that is good.
	SignedIn bool `json:"signed_in"`
	// Name of the account. Without one it is anonymous where the server is open, else null.
	Username *string `json:"username"`
	// What the caller may do: viewer, operator or admin; null for nothing but signing in.
	Role *string `json:"role"`
	// Number of the account; null when there is none.
	ID *int64 `json:"id"`
	// Seconds that the access token is still good for; null when there is none.
	ExpiresIn *int64 `json:"expires_in"`
	// Whether the browser has a cookie that POST /auth/refresh may take.
	Refreshable bool `json:"refreshable"`
	// Whether everyone may do everything here without signing in.
	Open bool `json:"open"`
	// Whether people may register by themselves.
	MayRegister bool `json:"may_register"`
}

// ShowSession tells who calls, and how one may sign in. It answers everybody: a token that is good no longer counts as none.
func ShowSession(*db.Queries, context.Context, NoParams) (CurrentSession, error) {
	panic("api: the gate knows who calls")
}

func (a *authenticator) sessionEndpoint() endpoint {
	return endpoint{
		queries: []any{ShowSession, (*db.Queries).GetSessionPrincipal},
		in:      reflect.TypeFor[NoParams](), out: reflect.TypeFor[CurrentSession](), handle: a.currentSession,
	}
}

func (a *authenticator) currentSession(c *call) error {
	caller, err := a.authenticate(c.r)
	if p, isProblem := err.(*Problem); err != nil && !(isProblem && p.Status == http.StatusUnauthorized) {
		return err
	}
	refresh, _ := singleCookie(c.r, refreshCookieName(recorderOf(c.w).secure))
	_, err = a.keys.ParseRefreshToken(refresh)
	session := CurrentSession{SignedIn: caller.accountID != noAccount, Refreshable: err == nil, Open: !a.authRequired, MayRegister: !a.registrationClosed}
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

// isOwnSession tells that somebody ends the very session that they are in.
func isOwnSession(in db.RevokeSessionParams) bool {
	return in.Revoke && in.SessionID == in.CallerSession
}
