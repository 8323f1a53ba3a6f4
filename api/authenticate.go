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
	public   role = iota // whoever it is
	viewer               // reads, and keeps todos of one's own
	operator             // also writes the register, events and alerts
	admin                // everything
	self                 // asks for a session of one's own, of whatever role: a password stands behind it, not an API token
)

var roleNames = []string{"public", "viewer", "operator", "admin", "self"}

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
	username string
	role     role
	account  int64     // or noAccount
	session  uuid.UUID // uuid.Nil when there is none
	token    int64     // number of the API token; 0 when there is none
	until    time.Time // when its access token ends; zero when there is none
	cookie   bool      // the token came as a cookie
}

const noAccount = -1

// key names what the principal came with, for ListEndedCredentials; "" for nothing that could end.
func (p *principal) key() string {
	switch {
	case p.session != uuid.Nil:
		return "session " + p.session.String()
	case p.token != 0:
		return "token " + strconv.FormatInt(p.token, 10)
	}
	return ""
}

// A gate lets callers in.
type gate struct {
	pool      *pgxpool.Pool
	keys      *auth.Keys
	passwords *auth.Passwords
	required  bool           // whoever comes without a token is nobody; otherwise an admin called actor
	closed    bool           // nobody registers by themselves
	local     bool           // such an admin calls by this machine's own name or an address
	actor     string         // of those who come without a token
	trusted   []netip.Prefix // proxies that say truly for whom they ask

	crossOrigin *http.CrossOriginProtection
}

// newGate makes the gate of an API.
func newGate(o Options) *gate {
	keys := o.Access.Keys
	if keys == nil {
		keys, _ = auth.NewKeys(auth.NewSecret()) // it is not weak
	}
	return &gate{
		pool: o.Pool, keys: keys, passwords: auth.NewPasswords(), actor: o.AnonymousActor,
		required: o.Access.AuthRequired, closed: o.Access.RegistrationClosed, local: o.Access.LoopbackOnly, trusted: o.Access.TrustedProxies,
		crossOrigin: http.NewCrossOriginProtection(),
	}
}

// The answers to who may not. They do not tell why a token is not good.
func unauthorized() *Problem {
	return problem(http.StatusUnauthorized, "This call needs a good access token or API token, in one header: Authorization: Bearer <token>. POST /auth/login gives one.").
		with("WWW-Authenticate", `Bearer realm="labledger"`)
}

func forbidden(format string, args ...any) *Problem {
	return problem(http.StatusForbidden, format, args...)
}

// anonymous is who comes without a token.
func (g *gate) anonymous() principal {
	who := principal{username: g.actor, account: noAccount}
	if !g.required {
		who.role = admin
	}
	return who
}

// admit finds out who calls and refuses those who may not do what needs a role.
func (g *gate) admit(x *exchange, r *http.Request, need role) (err error) {
	x.who, x.secure = g.anonymous(), g.scheme(r) == "https"
	if need == public {
		return g.refuseForeign(r) // whoever it is, even with a token that has expired
	}
	if x.who, err = g.identify(r); err != nil {
		return err
	}
	switch has := x.who.role; {
	case has == public, need == self && x.who.account == noAccount:
		return unauthorized()
	case need == self && x.who.session == uuid.Nil:
		return forbidden("An API token cannot do this. Sign in with username and password.")
	case need != self && has < need:
		return forbidden("This needs the role %s; yours is %s. An admin can change that.", need, has)
	}
	return nil
}

// identify finds out who calls: by the header Authorization, else by the cookie, else nobody in particular.
func (g *gate) identify(r *http.Request) (principal, error) {
	if headers := r.Header.Values("Authorization"); len(headers) > 0 { // no page of another site can send this one
		return g.believe(r.Context(), bearer(headers), g.ofToken)
	}
	token, there := cookie(r, accessName(g.scheme(r) == "https"))
	if there > 0 {
		if err := g.proveOwn(r); err != nil {
			return g.anonymous(), err
		}
		who, err := g.believe(r.Context(), token, g.ofAccessToken)
		who.cookie = true
		return who, err
	}
	if g.local {
		if err := refuseDisguised(r); err != nil {
			return g.anonymous(), err
		}
	}
	return g.anonymous(), g.refuseForeign(r)
}

// bearer takes the token out of what stands in the headers Authorization; "" when there is not exactly one.
func bearer(headers []string) string {
	scheme, token, _ := strings.Cut(headers[0], " ")
	if len(headers) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// believe asks the database at each request, so that what ends here or at another instance has ended.
func (g *gate) believe(ctx context.Context, token string, ask func(context.Context, string) (principal, error)) (principal, error) {
	ctx, cancel := context.WithTimeout(ctx, statementTime)
	defer cancel()
	who, err := ask(ctx, token)
	if errors.Is(err, auth.ErrToken) || errors.Is(err, pgx.ErrNoRows) {
		err = unauthorized()
	}
	if err != nil {
		return g.anonymous(), err
	}
	return who, nil
}

// ofToken knows API tokens and access tokens.
func (g *gate) ofToken(ctx context.Context, token string) (principal, error) {
	hash, err := auth.HashAPIToken(token)
	if err != nil {
		return g.ofAccessToken(ctx, token)
	}
	row, err := db.New(g.pool).GetTokenPrincipal(ctx, db.GetTokenPrincipalParams{Hash: hash})
	return principal{username: row.Username, role: min(parseRole(row.Role), parseRole(row.TokenRole)), account: row.AccountID, token: row.ID}, err
}

func (g *gate) ofAccessToken(ctx context.Context, token string) (principal, error) {
	access, err := g.keys.ParseAccessToken(token, time.Now())
	if err != nil {
		return principal{}, err
	}
	row, err := db.New(g.pool).GetSessionPrincipal(ctx, db.GetSessionPrincipalParams{SessionID: access.Session, AccountID: access.AccountID})
	return principal{username: row.Username, role: parseRole(row.Role), account: access.AccountID, session: access.Session, until: access.Expires}, err
}

// address is where a request comes from: what the nearest proxy that is not trusted, or the client itself, shows.
func (g *gate) address(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "unknown" // not by TCP
	}
	at := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && g.trusts(at); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		at = hop.Unmap().WithZone("")
	}
	return at.String()
}

// fromProxy tells whether a request comes straight from a trusted proxy, so that what it says of its client counts.
func (g *gate) fromProxy(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && g.trusts(peer.Addr().Unmap())
}

func (g *gate) trusts(a netip.Addr) bool {
	for _, p := range g.trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// neighbourhood is what attempts are counted by: an IPv4 address, or the network of an IPv6 one, whose owner has all of its addresses.
func neighbourhood(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Is4() {
		return address
	}
	p, err := a.Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}
