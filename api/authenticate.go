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

// This file decides who calls, and whether they may. What a route asks for stands in the route table.

// A role is what a route asks of its callers, and what callers have. Each of viewer, operator and admin may do what the ones before it may.
type role int

const (
	public      role = iota // whoever it is
	viewer                  // reads, and keeps todos of one's own
	operator                // also writes the register, events and alerts
	admin                   // everything
	sessionOnly             // asks for a session of one's own, of whatever role: a password stands behind it, not an API token
)

var roleNames = []string{"public", "viewer", "operator", "admin", "session"}

func (r role) String() string { return roleNames[r] }

// parseRole reads a role of an account.
func parseRole(text string) role {
	for r := viewer; r <= admin; r++ {
		if roleNames[r] == text {
			return r
		}
	}
	return public // the database knows those three only
}

// A principal is who calls.
type principal struct {
	username   string
	role       role
	accountID  int64     // or noAccount
	sessionID  uuid.UUID // uuid.Nil when there is none
	tokenID    int64     // number of the API token; 0 when there is none
	expires    time.Time // when its access token ends; zero when there is none
	fromCookie bool      // the token came as a cookie
}

const noAccount = -1

// credentialKey names what the principal came with, for ListEndedCredentials; "" for nothing that could end.
func (p *principal) credentialKey() string {
	switch {
	case p.sessionID != uuid.Nil:
		return "session " + p.sessionID.String()
	case p.tokenID != 0:
		return "token " + strconv.FormatInt(p.tokenID, 10)
	}
	return ""
}

// A authenticator lets callers in.
type authenticator struct {
	pool               *pgxpool.Pool
	keys               *auth.Keys
	passwords          *auth.Passwords
	authRequired       bool           // whoever comes without a token is nobody; otherwise an admin called actor
	registrationClosed bool           // nobody registers by themselves
	loopbackOnly       bool           // such an admin calls by this machine's own name or an address
	anonymousActor     string         // of those who come without a token
	trustedProxies     []netip.Prefix // proxies that say truly for whom they ask

	crossOrigin *http.CrossOriginProtection
}

// newAuthenticator makes the gate of an API.
func newAuthenticator(o Options) *authenticator {
	keys := o.Access.Keys
	if keys == nil {
		keys, _ = auth.NewKeys(auth.NewSecret()) // it is not weak
	}
	return &authenticator{
		pool: o.Pool, keys: keys, passwords: auth.NewPasswords(), anonymousActor: o.AnonymousActor,
		authRequired: o.Access.AuthRequired, registrationClosed: o.Access.RegistrationClosed, loopbackOnly: o.Access.LoopbackOnly, trustedProxies: o.Access.TrustedProxies,
		crossOrigin: http.NewCrossOriginProtection(),
	}
}

// The answers to who may not. They do not tell why a token is not good.
func unauthorized() *Problem {
	return problem(http.StatusUnauthorized, "This call needs a good access token or API token, in one header: Authorization: Bearer <token>. POST /auth/login gives one.").
		withHeader("WWW-Authenticate", `Bearer realm="labledger"`)
}

func forbidden(format string, args ...any) *Problem {
	return problem(http.StatusForbidden, format, args...)
}

// anonymous is who comes without a token.
func (a *authenticator) anonymous() principal {
	caller := principal{username: a.anonymousActor, accountID: noAccount}
	if !a.authRequired {
		caller.role = admin
	}
	return caller
}

// authorize finds out who calls and refuses those who may not do what needs a role.
func (a *authenticator) authorize(rec *responseRecorder, r *http.Request, required role) (err error) {
	rec.caller, rec.secure = a.anonymous(), a.requestScheme(r) == "https"
	if required == public {
		return a.rejectCrossOrigin(r) // whoever it is, even with a token that has expired
	}
	if rec.caller, err = a.authenticate(r); err != nil {
		return err
	}
	switch actual := rec.caller.role; {
	case actual == public, required == sessionOnly && rec.caller.accountID == noAccount:
		return unauthorized()
	case required == sessionOnly && rec.caller.sessionID == uuid.Nil:
		return forbidden("An API token cannot do this. Sign in with username and password.")
	case required != sessionOnly && actual < required:
		return forbidden("This needs the role %s; yours is %s. An admin can change that.", required, actual)
	}
	return nil
}

// authenticate finds out who calls: by the header Authorization, else by the cookie, else nobody in particular.
func (a *authenticator) authenticate(r *http.Request) (principal, error) {
	if headers := r.Header.Values("Authorization"); len(headers) > 0 { // no page of another site can send this one
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

// bearerToken takes the token out of what stands in the headers Authorization; "" when there is not exactly one.
func bearerToken(headers []string) string {
	scheme, token, _ := strings.Cut(headers[0], " ")
	if len(headers) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// lookup asks the database at each request, so that what ends here or at another instance has ended.
func (a *authenticator) lookup(ctx context.Context, token string, resolve func(context.Context, string) (principal, error)) (principal, error) {
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

// fromBearer knows API tokens and access tokens.
func (a *authenticator) fromBearer(ctx context.Context, token string) (principal, error) {
	hash, err := auth.HashAPIToken(token)
	if err != nil {
		return a.fromAccessToken(ctx, token)
	}
	row, err := db.New(a.pool).GetTokenPrincipal(ctx, db.GetTokenPrincipalParams{Hash: hash})
	return principal{username: row.Username, role: min(parseRole(row.Role), parseRole(row.TokenRole)), accountID: row.AccountID, tokenID: row.ID}, err
}

func (a *authenticator) fromAccessToken(ctx context.Context, token string) (principal, error) {
	claims, err := a.keys.ParseAccessToken(token, time.Now())
	if err != nil {
		return principal{}, err
	}
	row, err := db.New(a.pool).GetSessionPrincipal(ctx, db.GetSessionPrincipalParams{SessionID: claims.Session, AccountID: claims.AccountID})
	return principal{username: row.Username, role: parseRole(row.Role), accountID: claims.AccountID, sessionID: claims.Session, expires: claims.Expires}, err
}

// clientIP is where a request comes from: what the nearest proxy that is not trusted, or the client itself, shows.
func (a *authenticator) clientIP(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "unknown" // not by TCP
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

// fromProxy tells whether a request comes straight from a trusted proxy, so that what it says of its client counts.
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

// rateLimitPrefix is what attempts are counted by: an IPv4 address, or the network of an IPv6 one, whose owner has all of its addresses.
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
