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
func ShowSession(*db.Queries, context.Context, None) (CurrentSession, error) {
	panic("api: the gate knows who calls")
}

func (g *gate) showingSession() endpoint {
	return endpoint{
		calls: []any{ShowSession, (*db.Queries).GetSessionPrincipal},
		in:    reflect.TypeFor[None](), out: reflect.TypeFor[CurrentSession](), own: g.showSession,
	}
}

func (g *gate) showSession(s *submission) error {
	who, err := g.identify(s.r)
	if p, refused := err.(*Problem); err != nil && !(refused && p.Status == http.StatusUnauthorized) {
		return err
	}
	refresh, _ := cookie(s.r, refreshName(exchangeOf(s.w).secure))
	_, err = g.keys.ParseRefreshToken(refresh)
	shown := CurrentSession{SignedIn: who.account != noAccount, Refreshable: err == nil, Open: !g.required, MayRegister: !g.closed}
	if who.role != public {
		role := who.role.String()
		shown.Username, shown.Role = &who.username, &role
	}
	if shown.SignedIn {
		shown.ID = &who.account
	}
	if !who.until.IsZero() {
		left := max(0, int64(time.Until(who.until).Seconds()))
		shown.ExpiresIn = &left
	}
	return s.answerJSON(http.StatusOK, shown)
}

// revokesOwn tells that somebody ends the very session that they are in.
func revokesOwn(in db.RevokeSessionParams) bool { return in.Revoke && in.SessionID == in.CallerSession }
