// Package authn signs users in and authorizes requests: sessions, cookies, API tokens, the caller's own account, and
// the protection against cross-site requests. It knows no other noun of the API.
package authn

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/db"
	"labledger/internal/auth"
)

// Options configure who may call the API.
type Options struct {
	Keys               *auth.Keys     // sign tokens; nil generates keys that are lost when the process exits
	AuthRequired       bool           // callers without credentials may use public routes only; otherwise they are admins
	RegistrationClosed bool           // only admins create accounts
	LoopbackOnly       bool           // callers without credentials must use localhost or an IP address as host
	TrustedProxies     []netip.Prefix // proxies whose X-Forwarded-For and X-Forwarded-Proto headers are trusted
	AnonymousActor     string         // the actor in the history for callers without credentials
}

// An Authenticator signs users in, and authorizes requests.
type Authenticator struct {
	Options
	queries     *db.Queries
	passwords   *auth.Passwords
	crossOrigin *http.CrossOriginProtection
}

// New returns an Authenticator that keeps sessions and tokens in the database of pool.
func New(pool *pgxpool.Pool, o Options) *Authenticator {
	if o.Keys == nil {
		o.Keys, _ = auth.NewKeys(auth.NewSecret()) // fails only for weak secrets
	}
	return &Authenticator{
		Options:     o,
		queries:     db.New(pool),
		passwords:   auth.NewPasswords(),
		crossOrigin: http.NewCrossOriginProtection(),
	}
}

// anonymous returns the caller of requests without credentials.
func (a *Authenticator) anonymous() rest.Caller {
	caller := rest.Caller{Username: a.AnonymousActor, AccountID: rest.NoAccount}
	if !a.AuthRequired {
		caller.Role = rest.Admin
	}
	return caller
}

// Authorize implements rest.Authorizer.
func (a *Authenticator) Authorize(r *http.Request, info *rest.Info, required rest.Role) (*rest.Check, error) {
	info.Caller, info.Secure = a.anonymous(), a.requestScheme(r) == "https"
	if required == rest.Public {
		return nil, a.rejectCrossOrigin(r) // public routes ignore credentials, even expired ones
	}
	check, err := a.authenticate(r, required)
	if err != nil {
		return nil, err
	}
	if check == nil && (info.Caller.Role == rest.Public || required == rest.SessionOnly) {
		return nil, problem.Unauthorized()
	}
	if check != nil {
		nameRefusedUser(check, info)
	}
	return check, nil
}

// nameRefusedUser makes a check set the caller of info, for the log, if it refuses a user whose credentials are valid.
func nameRefusedUser(check *rest.Check, info *rest.Info) {
	run := check.Run
	check.Run = func(ctx context.Context, q *db.Queries, requestID *string) (rest.Caller, error) {
		caller, err := run(ctx, q, requestID)
		var pgErr *pgconn.PgError
		if errors.As(err, &pgErr) && pgErr.ColumnName != "" { // the functions of the check set it to the username
			info.Caller = rest.Caller{Username: pgErr.ColumnName, AccountID: rest.NoAccount}
		}
		return caller, err
	}
}

// authenticate identifies the caller by the Authorization header or else by the cookie. It returns the check that the
// session or API token is valid, or nil for a request without either.
func (a *Authenticator) authenticate(r *http.Request, required rest.Role) (*rest.Check, error) {
	if headers := r.Header.Values("Authorization"); len(headers) > 0 { // cross-origin pages cannot send this header
		token := bearerToken(headers)
		if hash, err := auth.HashAPIToken(token); err == nil {
			return checkAPIToken(hash, required), nil
		}
		return a.checkSession(token, false, required)
	}
	token, n := singleCookie(r, AccessCookieName(rest.InfoOf(r).BasePath, a.requestScheme(r) == "https"))
	if n > 0 {
		if err := a.requireSameOrigin(r); err != nil {
			return nil, err
		}
		return a.checkSession(token, true, required)
	}
	if a.LoopbackOnly {
		if err := rejectRebinding(r); err != nil {
			return nil, err
		}
	}
	return nil, a.rejectCrossOrigin(r)
}

// checkSession returns the check that the session of an access token is active. It asks the database for each request,
// so a revocation by any instance takes effect immediately.
func (a *Authenticator) checkSession(token string, fromCookie bool, required rest.Role) (*rest.Check, error) {
	claims, err := a.Keys.ParseAccessToken(token, time.Now())
	if err != nil {
		return nil, problem.Unauthorized()
	}
	known := rest.Caller{
		AccountID:  claims.AccountID,
		SessionID:  claims.Session,
		Expires:    claims.Expires,
		FromCookie: fromCookie,
	}
	return &rest.Check{
		Caller: known,
		Run: func(ctx context.Context, q *db.Queries, requestID *string) (rest.Caller, error) {
			row, err := q.AuthorizeSession(ctx, db.AuthorizeSessionParams{
				SessionID:    claims.Session,
				AccountID:    claims.AccountID,
				RequiredRole: required.String(),
				RequestID:    requestID,
			})
			caller := known
			caller.Username, caller.Role = row.Username, rest.ParseRole(row.Role)
			return caller, err
		},
	}, nil
}

// checkAPIToken returns the check that an API token is valid.
func checkAPIToken(hash []byte, required rest.Role) *rest.Check {
	return &rest.Check{
		Caller: rest.Caller{AccountID: rest.NoAccount}, // only the database knows the account
		Run: func(ctx context.Context, q *db.Queries, requestID *string) (rest.Caller, error) {
			row, err := q.AuthorizeToken(ctx, db.AuthorizeTokenParams{
				Hash:         hash,
				RequiredRole: required.String(),
				RequestID:    requestID,
			})
			return rest.Caller{
				Username:  row.Username,
				Role:      rest.ParseRole(row.Role),
				AccountID: row.AccountID,
				TokenID:   row.TokenID,
			}, err
		},
	}
}

// bearerToken returns the token of the Authorization headers, or "" unless there is exactly one Bearer header.
func bearerToken(headers []string) string {
	scheme, token, _ := strings.Cut(headers[0], " ")
	if len(headers) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// clientIP returns the address of the client: the nearest hop that is not a trusted proxy. X-Forwarded-For is read from
// the end, because only its last entries come from trusted proxies.
func (a *Authenticator) clientIP(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "unknown" // not a TCP connection
	}
	addr := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && a.isTrustedProxy(addr); i-- {
		hop, ok := parseHop(hops[i])
		if !ok {
			break
		}
		addr = hop
	}
	return addr.String()
}

// parseHop parses an entry of X-Forwarded-For: an address, which some proxies put into brackets or send with a port.
func parseHop(text string) (addr netip.Addr, ok bool) {
	text = strings.TrimSpace(text)
	addr, err := netip.ParseAddr(text)
	if err != nil {
		var withPort netip.AddrPort
		withPort, err = netip.ParseAddrPort(text)
		addr = withPort.Addr()
	}
	if err != nil && strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		addr, err = netip.ParseAddr(text[1 : len(text)-1])
	}
	return addr.Unmap().WithZone(""), err == nil
}

// FromProxy reports whether the peer is a trusted proxy, so that its X-Forwarded-* headers are trusted.
func (a *Authenticator) FromProxy(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && a.isTrustedProxy(peer.Addr().Unmap())
}

func (a *Authenticator) isTrustedProxy(addr netip.Addr) bool {
	for _, p := range a.TrustedProxies {
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
