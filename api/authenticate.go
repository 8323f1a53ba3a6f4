package api

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/auth"
)

// This file authenticates callers and authorizes their requests. The route table names the role that each route
// requires.

// A role is held by a caller or required by a route. Each of viewer, operator and admin includes the roles before it.
type role int

const (
	public      role = iota // required by routes without authentication; held by callers who must sign in
	viewer                  // reads everything, writes own todos
	operator                // also writes the register, events and alerts
	admin                   // everything
	sessionOnly             // required by routes that need a session of any role; API tokens are rejected
)

var roleNames = []string{"public", "viewer", "operator", "admin", "session"}

func (r role) String() string { return roleNames[r] }

// parseRole returns the role of an account from its name in the database.
func parseRole(text string) role {
	for r := viewer; r <= admin; r++ {
		if roleNames[r] == text {
			return r
		}
	}
	return public // unreachable: a constraint allows only the three names
}

// A principal is the caller of a request: a user or the anonymous identity.
type principal struct {
	username   string
	role       role
	accountID  int64     // noAccount if anonymous
	sessionID  uuid.UUID // uuid.Nil without a session
	tokenID    int64     // ID of the API token, or 0
	expires    time.Time // expiry of the access token, or zero
	fromCookie bool      // the access token came in a cookie
}

const noAccount = -1

// credentialKey returns the key of the session or API token for ListEndedCredentials, or "" for an anonymous caller.
func (p *principal) credentialKey() string {
	switch {
	case p.sessionID != uuid.Nil:
		return "session " + p.sessionID.String()
	case p.tokenID != 0:
		return "token " + strconv.FormatInt(p.tokenID, 10)
	}
	return ""
}

// An authenticator authenticates callers and checks their roles.
type authenticator struct {
	pool               *pgxpool.Pool
	keys               *auth.Keys
	passwords          *auth.Passwords
	authRequired       bool           // if false, anonymous callers are admins
	registrationClosed bool           // only admins create accounts
	loopbackOnly       bool           // anonymous callers must use localhost or an IP address as Host
	anonymousActor     string         // username of anonymous callers
	trustedProxies     []netip.Prefix // proxies whose X-Forwarded-* headers are trusted

	crossOrigin *http.CrossOriginProtection
}

func newAuthenticator(o Options) *authenticator {
	keys := o.Access.Keys
	if keys == nil {
		keys, _ = auth.NewKeys(auth.NewSecret()) // fails only for weak secrets
	}
	return &authenticator{
		pool:               o.Pool,
		keys:               keys,
		passwords:          auth.NewPasswords(),
		authRequired:       o.Access.AuthRequired,
		registrationClosed: o.Access.RegistrationClosed,
		loopbackOnly:       o.Access.LoopbackOnly,
		anonymousActor:     o.AnonymousActor,
		trustedProxies:     o.Access.TrustedProxies,
		crossOrigin:        http.NewCrossOriginProtection(),
	}
}

// authenticateHeader is the value of WWW-Authenticate in every 401.
const authenticateHeader = `Bearer realm="labledger"`

// unauthorized is the same for every invalid token, so that it does not reveal why the token is invalid.
func unauthorized() *Problem {
	return problem(http.StatusUnauthorized,
		"A valid access token or API token is required, in a single header: Authorization: Bearer <token>. "+
			"POST /auth/login returns an access token.").
		withHeader("WWW-Authenticate", authenticateHeader)
}

func forbidden(format string, args ...any) *Problem {
	return problem(http.StatusForbidden, format, args...)
}

// anonymous returns the principal of requests without credentials.
func (a *authenticator) anonymous() principal {
	caller := principal{username: a.anonymousActor, accountID: noAccount}
	if !a.authRequired {
		caller.role = admin
	}
	return caller
}

// authorize identifies the caller and rejects the request if the caller lacks the required role.
func (a *authenticator) authorize(rec *responseRecorder, r *http.Request, required role) (err error) {
	rec.caller, rec.secure = a.anonymous(), a.requestScheme(r) == "https"
	if required == public {
		return a.rejectCrossOrigin(r) // public routes ignore credentials, even expired ones
	}
	if rec.caller, err = a.authenticate(r); err != nil {
		return err
	}
	switch actual := rec.caller.role; {
	case actual == public, required == sessionOnly && rec.caller.accountID == noAccount:
		return unauthorized()
	case required == sessionOnly && rec.caller.sessionID == uuid.Nil:
		return forbidden("API tokens are not accepted here. Sign in with username and password.")
	case required != sessionOnly && actual < required:
		return forbidden("Requires role %s; you have %s. An admin can change your role.", required, actual)
	}
	return nil
}

// authenticate identifies the caller by the Authorization header or else by the cookie. A request without either is
// anonymous.
func (a *authenticator) authenticate(r *http.Request) (principal, error) {
	if headers := r.Header.Values("Authorization"); len(headers) > 0 { // cross-origin pages cannot send this header
		return a.lookup(r.Context(), bearerToken(headers), a.fromBearer)
	}
	token, n := singleCookie(r, accessCookieName(a.requestScheme(r) == "https"))
	if n > 0 {
		if err := a.requireSameOrigin(r); err != nil {
			return a.anonymous(), err
		}
		caller, err := a.lookup(r.Context(), token, a.fromAccessToken)
		caller.fromCookie = true
		return caller, err
	}
	if a.loopbackOnly {
		if err := rejectRebinding(r); err != nil {
			return a.anonymous(), err
		}
	}
	return a.anonymous(), a.rejectCrossOrigin(r)
}

// bearerToken returns the token of the Authorization headers, or "" unless there is exactly one Bearer header.
func bearerToken(headers []string) string {
	scheme, token, _ := strings.Cut(headers[0], " ")
	if len(headers) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// lookup resolves a token to its principal. It queries the database for each request, so a revocation by any instance
// takes effect immediately.
func (a *authenticator) lookup(
	ctx context.Context, token string, resolve func(context.Context, string) (principal, error),
) (principal, error) {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	caller, err := resolve(ctx, token)
	if errors.Is(err, auth.ErrToken) || errors.Is(err, pgx.ErrNoRows) {
		err = unauthorized()
	}
	if err != nil {
		return a.anonymous(), err
	}
	return caller, nil
}

// fromBearer resolves an API token or an access token.
func (a *authenticator) fromBearer(ctx context.Context, token string) (principal, error) {
	hash, err := auth.HashAPIToken(token)
	if err != nil {
		return a.fromAccessToken(ctx, token)
	}
	row, err := db.New(a.pool).GetTokenPrincipal(ctx, db.GetTokenPrincipalParams{Hash: hash})
	return principal{
		username:  row.Username,
		role:      min(parseRole(row.Role), parseRole(row.TokenRole)),
		accountID: row.AccountID,
		tokenID:   row.ID,
	}, err
}

// fromAccessToken resolves an access token whose session is active.
func (a *authenticator) fromAccessToken(ctx context.Context, token string) (principal, error) {
	claims, err := a.keys.ParseAccessToken(token, time.Now())
	if err != nil {
		return principal{}, err
	}
	row, err := db.New(a.pool).GetSessionPrincipal(ctx, db.GetSessionPrincipalParams{
		SessionID: claims.Session,
		AccountID: claims.AccountID,
	})
	return principal{
		username:  row.Username,
		role:      parseRole(row.Role),
		accountID: claims.AccountID,
		sessionID: claims.Session,
		expires:   claims.Expires,
	}, err
}

// clientIP returns the address of the client: the nearest hop that is not a trusted proxy. X-Forwarded-For is read from
// the end, because only its last entries come from trusted proxies.
func (a *authenticator) clientIP(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "unknown" // not a TCP connection
	}
	addr := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && a.isTrustedProxy(addr); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop.Unmap().WithZone("")
	}
	return addr.String()
}

// fromProxy reports whether the peer is a trusted proxy, so that its X-Forwarded-* headers are trusted.
func (a *authenticator) fromProxy(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && a.isTrustedProxy(peer.Addr().Unmap())
}

func (a *authenticator) isTrustedProxy(addr netip.Addr) bool {
	for _, p := range a.trustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// rateLimitPrefix returns the key that attempts from an address are counted by: the address for IPv4, its /64 network
// for IPv6. One client usually controls a whole /64.
func rateLimitPrefix(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil || addr.Is4() {
		return address
	}
	p, err := addr.Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}
