package authn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/db"
	"labledger/internal/auth"
)

// This file handles registration, login and token refresh.

// RegisterRequest describes the account to register.
type RegisterRequest struct {
	// Username of the account. It is case-sensitive.
	Username string `json:"username"`
	// Password, 8 to 128 characters of any kind. The most common passwords are rejected.
	Password string `json:"password"`
	// Name as other people read it. Default: the username.
	DisplayName *string `json:"display_name"`
	// E-mail address.
	Email *string `json:"email"`
	// Country, as written locally.
	Country *string `json:"country"`
}

// LoginRequest holds the credentials of a login.
type LoginRequest struct {
	// Username of the account.
	Username string `json:"username"`
	// Password of the account.
	Password string `json:"password"`
	// For browsers: if true, the tokens are set as HttpOnly cookies and are null in the response.
	Cookie *bool `json:"cookie"`
}

// RefreshRequest holds the refresh token of a session.
type RefreshRequest struct {
	// The current refresh token of the session. Optional if cookie is true.
	RefreshToken *string `json:"refresh_token"`
	// For browsers: if true, the new tokens are set as HttpOnly cookies and are null in the response. The refresh token
	// is read from its cookie unless refresh_token is given.
	Cookie *bool `json:"cookie"`
}

// Tokens holds the access token and the refresh token of a session.
type Tokens struct {
	// Access token. Send it as Authorization: Bearer <token>. Null if it was set as a cookie.
	AccessToken *string `json:"access_token"`
	// Single-use token for POST /auth/refresh, valid for 30 days. Null if it was set as a cookie.
	RefreshToken *string `json:"refresh_token"`
	// Always "Bearer".
	TokenType string `json:"token_type"`
	// Lifetime of the access token in seconds.
	ExpiresIn int64 `json:"expires_in"`
}

// The documentation of the operations.
var (
	RegisterDoc = rest.Doc{
		Queries:  []any{(*db.Queries).RegisterAccount},
		Status:   http.StatusCreated,
		Problems: []int{http.StatusForbidden, http.StatusConflict, http.StatusTooManyRequests},
	}
	LoginDoc = rest.Doc{
		Queries: []any{
			(*db.Queries).CountLoginAttempt, (*db.Queries).GetCredential, (*db.Queries).CreateSession,
			(*db.Queries).ResetLoginAttempts,
		},
		Problems:   []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests},
		SetsCookie: true,
	}
	RefreshDoc = rest.Doc{
		Queries:    []any{(*db.Queries).RefreshSession},
		Problems:   []int{http.StatusUnauthorized, http.StatusForbidden},
		SetsCookie: true,
	}
)

// Rate limits within attemptWindow.
const (
	maxAttemptsPerName         = 10
	maxAttemptsPerAddress      = 100
	maxRegistrationsPerAddress = 20
	attemptWindow              = 15 * time.Minute
)

// refreshGrace is how long the previous refresh token still returns its successor.
const refreshGrace = 10 * time.Second

// rateLimitKeys returns the keys that a login attempt counts for, and their limits. The username is hashed, because it
// may be a password typed into the wrong field.
func (a *Authenticator) rateLimitKeys(r *http.Request, username string) (keys []string, limits []int32) {
	hash := sha256.Sum256([]byte(username))
	keys = []string{"name " + hex.EncodeToString(hash[:]), "address " + rateLimitPrefix(a.clientIP(r))}
	return keys, []int32{maxAttemptsPerName, maxAttemptsPerAddress}
}

// countAttempt counts an attempt and returns a 429 problem if it exceeds a limit.
func (a *Authenticator) countAttempt(ctx context.Context, keys []string, limits []int32) error {
	wait, err := a.queries.CountLoginAttempt(ctx, db.CountLoginAttemptParams{
		Subjects: keys,
		Limits:   limits,
		Seconds:  int32(attemptWindow.Seconds()),
	})
	if err != nil {
		return err
	}
	if wait > 0 {
		return problem.New(problem.RateLimited,
			"Too many attempts for this username or from this address. Try again in %d seconds.", wait).
			WithHeader("Retry-After", strconv.FormatInt(wait, 10))
	}
	return nil
}

// hashingBusyProblem returns a 503 problem for auth.ErrBusy, and any other error unchanged.
func hashingBusyProblem(err error) error {
	if errors.Is(err, auth.ErrBusy) {
		return problem.Unavailable(problem.Overloaded, "Too many logins are in progress. Try again.", nil)
	}
	return err
}

// verifyCredentials reports whether the password belongs to the username. It counts the attempt first and reverts the
// count after a success. It takes the same time for unknown usernames.
func (a *Authenticator) verifyCredentials(
	ctx context.Context, r *http.Request, username, password string,
) (credential db.GetCredentialRow, ok bool, err error) {
	keys, limits := a.rateLimitKeys(r, username)
	if err := a.countAttempt(ctx, keys, limits); err != nil {
		return credential, false, err
	}
	credential, err = a.queries.GetCredential(ctx, db.GetCredentialParams{Username: username})
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return credential, false, err
	}
	ok, err = a.passwords.Verify(ctx, password, credential.PasswordHash)
	if err != nil || !ok || credential.Disabled {
		return credential, false, hashingBusyProblem(err)
	}
	return credential, true, a.queries.ResetLoginAttempts(ctx, db.ResetLoginAttemptsParams{Subjects: keys})
}

// validateUsername returns why a username cannot be registered, or "".
func validateUsername(name string) string {
	switch {
	case len([]rune(name)) > 100:
		return "must have at most 100 characters"
	case strings.TrimSpace(name) != name:
		return "must not begin or end with a space"
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "must contain only printable characters"
	}
	return ""
}

// Register creates an account for the caller, with the role viewer. An admin can change the role.
func (a *Authenticator) Register(
	ctx context.Context, c *rest.Call, in RegisterRequest,
) (account db.Account, err error) {
	if !c.Errors.Has("username") {
		c.Errors.Add("username", validateUsername(in.Username))
	}
	if !c.Errors.Has("password") {
		c.Errors.Add("password", auth.ValidatePassword(in.Password, in.Username))
	}
	if err := c.Errors.Err(); err != nil {
		return account, err
	}
	if a.RegistrationClosed {
		return account, problem.New(problem.RegistrationClosed, "Registration is closed. Ask an admin for an account.")
	}
	keys := []string{"register " + rateLimitPrefix(a.clientIP(c.Request))}
	if err := a.countAttempt(ctx, keys, []int32{maxRegistrationsPerAddress}); err != nil {
		return account, err
	}
	hash, err := a.passwords.Hash(ctx, in.Password)
	if err != nil {
		return account, hashingBusyProblem(err)
	}
	// The new user is the actor of the registration.
	err = c.TxAs(ctx, in.Username, func(ctx context.Context, q *db.Queries) error {
		row, err := q.RegisterAccount(ctx, db.RegisterAccountParams{
			Username:     in.Username,
			DisplayName:  in.DisplayName,
			Email:        in.Email,
			Country:      in.Country,
			PasswordHash: hash,
		})
		account = db.Account(row)
		return err
	})
	if err != nil {
		return account, err
	}
	c.Status = http.StatusCreated
	c.SetVersion(account.Version)
	forbidStorage(c)
	return account, nil
}

// forbidStorage tells caches not to store the response, which contains a secret or depends on one.
func forbidStorage(c *rest.Call) { c.Header.Set("Cache-Control", "no-store") }

// invalidLogin is the same for an unknown username, a wrong password and a disabled account.
func invalidLogin() error {
	return problem.New(problem.InvalidCredentials, "Username or password is wrong.").
		WithHeader("WWW-Authenticate", problem.AuthenticateHeader)
}

// Login starts a session. The access token expires after 15 minutes; POST /auth/refresh returns the next one. A
// username is limited to 10 attempts and an address to 100 attempts in 15 minutes. Further attempts return 429 until
// the window ends, even with the right password.
func (a *Authenticator) Login(ctx context.Context, c *rest.Call, in LoginRequest) (tokens Tokens, err error) {
	if err := c.Errors.Err(); err != nil {
		return tokens, err
	}
	useCookies := in.Cookie != nil && *in.Cookie
	if useCookies {
		if err := a.requireSameOrigin(c.Request); err != nil { // prevents login CSRF
			return tokens, err
		}
	}
	credential, ok, err := a.verifyCredentials(ctx, c.Request, in.Username, in.Password)
	if err != nil {
		return tokens, err
	}
	if !ok {
		return tokens, invalidLogin()
	}
	var session db.CreateSessionRow
	err = c.Tx(ctx, func(ctx context.Context, q *db.Queries) (err error) {
		session, err = q.CreateSession(ctx, db.CreateSessionParams{
			Seconds:      int32(auth.RefreshTokenTTL.Seconds()),
			UserAgent:    truncate(c.Request.UserAgent(), 200),
			Address:      a.clientIP(c.Request),
			AccountID:    credential.AccountID,
			PasswordHash: credential.PasswordHash,
		})
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return tokens, invalidLogin() // the password or account changed during the request
	}
	if err != nil {
		return tokens, err
	}
	return a.newTokens(c, credential.AccountID, session.ID, session.Generation, useCookies), nil
}

// Refresh exchanges a refresh token for new tokens. A refresh token is valid once; repeating the request within 10
// seconds returns the same refresh token again, in case the response was lost. Reusing an older refresh token revokes
// the session, because the token may have been stolen. Dry runs are not supported.
func (a *Authenticator) Refresh(ctx context.Context, c *rest.Call, in RefreshRequest) (tokens Tokens, err error) {
	useCookies := in.Cookie != nil && *in.Cookie
	if in.RefreshToken == nil && !useCookies && !c.Errors.Has("refresh_token") && !c.Errors.Has("cookie") {
		c.Errors.Add("refresh_token", "is missing")
	}
	if c.DryRun { // would return the next token without using up the current one, so theft would go unnoticed
		c.Errors.Add("dry_run", "is not supported here: issued tokens cannot be rolled back")
	}
	if err := c.Errors.Err(); err != nil {
		return tokens, err
	}
	if useCookies {
		if err := a.requireSameOrigin(c.Request); err != nil {
			return tokens, err
		}
	}
	token, fromCookie := refreshToken(c, in)
	session, err := a.refreshSession(ctx, c, token)
	if errors.Is(err, errInvalidRefresh) {
		if fromCookie { // the cookie will not become valid again
			clearSessionCookies(c)
		}
		return tokens, problem.New(problem.SessionEnded,
			"The refresh token is not valid. Sign in again with POST /auth/login.").
			WithHeader("WWW-Authenticate", problem.AuthenticateHeader).WithCause(err)
	}
	if err != nil {
		return tokens, err
	}
	return a.newTokens(c, session.AccountID, session.ID, session.Generation, useCookies), nil
}

// refreshToken returns the refresh token of the body, or else of the cookie.
func refreshToken(c *rest.Call, in RefreshRequest) (token string, fromCookie bool) {
	if in.RefreshToken != nil {
		return *in.RefreshToken, false
	}
	token, n := singleCookie(c.Request, refreshCookieName(c.BasePath, c.Secure))
	return token, n > 0
}

// errInvalidRefresh is the error of a refresh token that is malformed, used up, or whose session has ended.
var errInvalidRefresh = errors.New("invalid refresh token")

// refreshSession replaces the refresh token of a session by its successor.
func (a *Authenticator) refreshSession(
	ctx context.Context, c *rest.Call, token string,
) (session db.RefreshSessionRow, err error) {
	claims, err := a.Keys.ParseRefreshToken(token)
	if err != nil {
		return session, errInvalidRefresh
	}
	err = c.Tx(ctx, func(ctx context.Context, q *db.Queries) (err error) {
		session, err = q.RefreshSession(ctx, db.RefreshSessionParams{
			SessionID:  claims.Session,
			Generation: claims.Generation,
			Seconds:    int32(auth.RefreshTokenTTL.Seconds()),
			Grace:      int32(refreshGrace.Seconds()),
		})
		return err
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return session, errInvalidRefresh
	case err == nil && session.Reused:
		return session, fmt.Errorf("%w: refresh token of %s reused, session %s revoked",
			errInvalidRefresh, session.Username, session.ID)
	}
	return session, err
}

// newTokens returns the tokens of a session, or sets them as cookies.
func (a *Authenticator) newTokens(
	c *rest.Call, account int64, session uuid.UUID, generation int64, useCookies bool,
) Tokens {
	forbidStorage(c)
	access := a.Keys.SignAccessToken(account, session, time.Now())
	refresh := a.Keys.SignRefreshToken(auth.RefreshClaims{Session: session, Generation: generation})
	tokens := Tokens{TokenType: "Bearer", ExpiresIn: int64(auth.AccessTokenTTL.Seconds())}
	switch {
	case !useCookies:
		tokens.AccessToken, tokens.RefreshToken = &access, &refresh
	case !c.DryRun:
		setSessionCookies(c, access, refresh)
	}
	return tokens
}

// truncate shortens text to maxRunes characters and replaces characters that Postgres cannot store.
func truncate(text string, maxRunes int) string {
	runes := []rune(strings.ReplaceAll(strings.ToValidUTF8(text, "�"), "\x00", "�"))
	return string(runes[:min(maxRunes, len(runes))])
}
