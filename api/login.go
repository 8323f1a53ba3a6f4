package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

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

// Register creates an account for the caller, with the role viewer. An admin can change the role.
func Register(*db.Queries, context.Context, RegisterRequest) (db.Account, error) {
	panic("api: Register is implemented by authenticator.register")
}

// Login starts a session. The access token expires after 15 minutes; POST /auth/refresh returns the next one. A
// username is limited to 10 attempts and an address to 100 attempts in 15 minutes. Further attempts return 429 until
// the window ends, even with the right password.
func Login(*db.Queries, context.Context, LoginRequest) (Tokens, error) {
	panic("api: Login is implemented by authenticator.login")
}

// Refresh exchanges a refresh token for new tokens. A refresh token is valid once; repeating the request within 10
// seconds returns the same refresh token again, in case the response was lost. Reusing an older refresh token revokes
// the session, because the token may have been stolen. Dry runs are not supported.
func Refresh(*db.Queries, context.Context, RefreshRequest) (Tokens, error) {
	panic("api: Refresh is implemented by authenticator.refresh")
}

func (a *authenticator) registerEndpoint() endpoint {
	return endpoint{
		queries: []any{Register, (*db.Queries).RegisterAccount},
		in:      reflect.TypeFor[RegisterRequest](),
		out:     reflect.TypeFor[db.Account](),
		handle:  a.register,
	}
}

func (a *authenticator) loginEndpoint() endpoint {
	return endpoint{
		queries: []any{
			Login,
			(*db.Queries).CountLoginAttempt,
			(*db.Queries).GetCredential,
			(*db.Queries).CreateSession,
			(*db.Queries).ResetLoginAttempts,
		},
		in:     reflect.TypeFor[LoginRequest](),
		out:    reflect.TypeFor[Tokens](),
		handle: a.login,
	}
}

func (a *authenticator) refreshEndpoint() endpoint {
	return endpoint{
		queries: []any{Refresh, (*db.Queries).RefreshSession},
		in:      reflect.TypeFor[RefreshRequest](),
		out:     reflect.TypeFor[Tokens](),
		handle:  a.refresh,
	}
}

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
func (a *authenticator) rateLimitKeys(r *http.Request, username string) (keys []string, limits []int32) {
	hash := sha256.Sum256([]byte(username))
	keys = []string{"name " + hex.EncodeToString(hash[:]), "address " + rateLimitPrefix(a.clientIP(r))}
	return keys, []int32{maxAttemptsPerName, maxAttemptsPerAddress}
}

// countAttempt counts an attempt and returns a 429 problem if it exceeds a limit.
func (a *authenticator) countAttempt(ctx context.Context, keys []string, limits []int32) error {
	wait, err := db.New(a.pool).CountLoginAttempt(ctx, db.CountLoginAttemptParams{
		Subjects: keys,
		Limits:   limits,
		Seconds:  int32(attemptWindow.Seconds()),
	})
	if err != nil {
		return err
	}
	if wait > 0 {
		return problem(http.StatusTooManyRequests,
			"Too many attempts for this username or from this address. Try again in %d seconds.", wait).
			withHeader("Retry-After", strconv.FormatInt(wait, 10))
	}
	return nil
}

// hashingBusyProblem returns a 503 problem for auth.ErrBusy, and any other error unchanged.
func hashingBusyProblem(err error) error {
	if errors.Is(err, auth.ErrBusy) {
		return unavailable("Too many logins are in progress. Try again.", nil)
	}
	return err
}

// verifyCredentials reports whether the password belongs to the username. It counts the attempt first and reverts the
// count after a success. It takes the same time for unknown usernames.
func (a *authenticator) verifyCredentials(
	ctx context.Context, r *http.Request, username, password string,
) (credential db.GetCredentialRow, ok bool, err error) {
	keys, limits := a.rateLimitKeys(r, username)
	if err := a.countAttempt(ctx, keys, limits); err != nil {
		return credential, false, err
	}
	credential, err = db.New(a.pool).GetCredential(ctx, db.GetCredentialParams{Username: username})
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return credential, false, err
	}
	ok, err = a.passwords.Verify(ctx, password, credential.PasswordHash)
	if err != nil || !ok || credential.Disabled {
		return credential, false, hashingBusyProblem(err)
	}
	return credential, true, db.New(a.pool).ResetLoginAttempts(ctx, db.ResetLoginAttemptsParams{Subjects: keys})
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

func (a *authenticator) register(c *call) error {
	in := c.in.Addr().Interface().(*RegisterRequest)
	if !c.errs.has("username") {
		c.errs.add("username", validateUsername(in.Username))
	}
	if !c.errs.has("password") {
		c.errs.add("password", auth.ValidatePassword(in.Password, in.Username))
	}
	if p := badRequest(c.errs); p != nil {
		return p
	}
	if a.registrationClosed {
		return forbidden("Registration is closed. Ask an admin for an account.")
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), handlerTimeout)
	defer cancel()
	keys, limits := []string{"register " + rateLimitPrefix(a.clientIP(c.r))}, []int32{maxRegistrationsPerAddress}
	if err := a.countAttempt(ctx, keys, limits); err != nil {
		return err
	}
	hash, err := a.passwords.Hash(ctx, in.Password)
	if err != nil {
		return hashingBusyProblem(err)
	}
	params := recorderOf(c.w).requestContext()
	params.Actor = in.Username // the new user is the actor of the registration
	row, err := c.inTx(ctx, params, func(ctx context.Context, tx pgx.Tx, row *rowEncoder) error {
		_, err := db.New(readDBTX(tx, false, row)).RegisterAccount(ctx, db.RegisterAccountParams{
			Username:     in.Username,
			Country:      in.Country,
			PasswordHash: hash,
		})
		return err
	})
	if err != nil {
		return err
	}
	return c.writeRow(http.StatusCreated, row)
}

func (a *authenticator) login(c *call) error {
	if p := badRequest(c.errs); p != nil {
		return p
	}
	in := c.in.Addr().Interface().(*LoginRequest)
	useCookies := in.Cookie != nil && *in.Cookie
	if useCookies {
		if err := a.requireSameOrigin(c.r); err != nil { // prevents login CSRF
			return err
		}
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), handlerTimeout)
	defer cancel()
	invalid := problem(http.StatusUnauthorized, "Username or password is wrong.").
		withHeader("WWW-Authenticate", authenticateHeader)
	credential, ok, err := a.verifyCredentials(ctx, c.r, in.Username, in.Password)
	if err != nil {
		return err
	}
	if !ok {
		return invalid
	}
	var session db.CreateSessionRow
	createSession := func(ctx context.Context, tx pgx.Tx, _ *rowEncoder) (err error) {
		session, err = db.New(tx).CreateSession(ctx, db.CreateSessionParams{
			Seconds:      int32(auth.RefreshTokenTTL.Seconds()),
			UserAgent:    truncate(c.r.UserAgent(), 200),
			Address:      a.clientIP(c.r),
			AccountID:    credential.AccountID,
			PasswordHash: credential.PasswordHash,
		})
		return err
	}
	_, err = c.inTx(ctx, recorderOf(c.w).requestContext(), createSession)
	if errors.Is(err, pgx.ErrNoRows) {
		return invalid // the password or account changed during the request
	}
	if err != nil {
		return err
	}
	return c.writeTokens(a.keys, credential.AccountID, session.ID, session.Generation, useCookies)
}

func (a *authenticator) refresh(c *call) error {
	in, rec := c.in.Addr().Interface().(*RefreshRequest), recorderOf(c.w)
	useCookies := in.Cookie != nil && *in.Cookie
	if in.RefreshToken == nil && !useCookies && !c.errs.has("refresh_token") && !c.errs.has("cookie") {
		c.errs.add("refresh_token", "is missing")
	}
	if c.dryRun { // would return the next token without using up the current one, so theft would go unnoticed
		c.errs.add("dry_run", "is not supported here: issued tokens cannot be rolled back")
	}
	if p := badRequest(c.errs); p != nil {
		return p
	}
	if useCookies {
		if err := a.requireSameOrigin(c.r); err != nil {
			return err
		}
	}
	invalid, token := invalidRefreshProblem, in.RefreshToken
	if token == nil {
		value, n := singleCookie(c.r, refreshCookieName(rec.secure))
		token = &value
		if n > 0 {
			invalid = func() *Problem { // the cookie will not become valid again
				rec.clearSessionCookies()
				return invalidRefreshProblem()
			}
		}
	}
	claims, err := a.keys.ParseRefreshToken(*token)
	if err != nil {
		return invalid()
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), handlerTimeout)
	defer cancel()
	var session db.RefreshSessionRow
	_, err = c.inTx(ctx, rec.requestContext(), func(ctx context.Context, tx pgx.Tx, _ *rowEncoder) (err error) {
		session, err = db.New(tx).RefreshSession(ctx, db.RefreshSessionParams{
			SessionID:  claims.Session,
			Generation: claims.Generation,
			Seconds:    int32(auth.RefreshTokenTTL.Seconds()),
			Grace:      int32(refreshGrace.Seconds()),
		})
		return err
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return invalid()
	case err != nil:
		return err
	case session.Reused:
		cause := fmt.Errorf("refresh token of %s reused: session %s revoked", session.Username, session.ID)
		return invalid().withCause(cause)
	}
	return c.writeTokens(a.keys, session.AccountID, session.ID, session.Generation, useCookies)
}

func invalidRefreshProblem() *Problem {
	return problem(http.StatusUnauthorized, "The refresh token is not valid. Sign in again with POST /auth/login.").
		withHeader("WWW-Authenticate", authenticateHeader)
}

// writeTokens writes the tokens of a session to the response, or to cookies.
func (c *call) writeTokens(
	keys *auth.Keys, account int64, session uuid.UUID, generation int64, useCookies bool,
) error {
	access := keys.SignAccessToken(account, session, time.Now())
	refresh := keys.SignRefreshToken(auth.RefreshClaims{Session: session, Generation: generation})
	tokens := Tokens{
		AccessToken:  &access,
		RefreshToken: &refresh,
		TokenType:    "Bearer",
		ExpiresIn:    int64(auth.AccessTokenTTL.Seconds()),
	}
	if useCookies {
		tokens.AccessToken, tokens.RefreshToken = nil, nil
		if !c.dryRun {
			recorderOf(c.w).setSessionCookies(access, refresh)
		}
	}
	return c.writeJSON(http.StatusOK, tokens)
}

// inTx runs queries in a transaction, which a dry run rolls back. It returns the row that run encoded, if any.
func (c *call) inTx(
	ctx context.Context,
	params db.SetRequestContextParams,
	run func(ctx context.Context, tx pgx.Tx, row *rowEncoder) error,
) (row rowEncoder, err error) {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	conn, err := acquire(ctx, c.primary)
	if err != nil {
		return row, err
	}
	defer conn.Release()
	tx, err := beginAudited(ctx, conn, params)
	if err != nil {
		return row, err
	}
	defer rollback(tx)
	if err := run(ctx, tx, &row); err != nil || c.dryRun {
		return row, err
	}
	return row, tx.Commit(ctx)
}

// writeRow writes a stored row with its ETag.
func (c *call) writeRow(status int, row rowEncoder) error {
	if row.version != "" {
		c.w.Header().Set("ETag", etag(row.version))
	}
	c.w.Header().Set("Cache-Control", "no-store")
	return respond(c.w, status, row.body)
}

// writeJSON writes a value that caches must not store.
func (c *call) writeJSON(status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	c.w.Header().Set("Cache-Control", "no-store")
	return respond(c.w, status, append(body, '\n'))
}

// truncate shortens text to maxRunes characters and replaces characters that Postgres cannot store.
func truncate(text string, maxRunes int) string {
	runes := []rune(strings.ReplaceAll(strings.ToValidUTF8(text, "�"), "\x00", "�"))
	return string(runes[:min(maxRunes, len(runes))])
}
