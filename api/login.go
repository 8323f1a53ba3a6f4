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

// This file is how one gets an account, signs in, and stays signed in.

// RegisterRequest is what registering takes.
type RegisterRequest struct {
	// Name of the account; upper and lower case differ.
	Username string `json:"username"`
	// From 8 to 128 characters, of whatever kind; not one of the most common ones.
	Password string `json:"password"`
	// Country, as people there write it.
	Country *string `json:"country"`
}

// LoginRequest are what signing in takes.
type LoginRequest struct {
	// Name of the account.
	Username string `json:"username"`
	// Its password.
	Password string `json:"password"`
	// true: for a browser, which then keeps the tokens as cookies that no script can read. They do not stand in the answer.
	Cookie *bool `json:"cookie"`
}

// RefreshRequest is what staying signed in takes.
type RefreshRequest struct {
	// The newest refresh token of the session; with cookie it may be left out.
	RefreshToken *string `json:"refresh_token"`
	// true: the refresh token is the browser's cookie, unless one is given, and the new tokens go there, not into the answer.
	Cookie *bool `json:"cookie"`
}

// Tokens are what one is signed in with.
type Tokens struct {
	// Goes into the header Authorization, after the word Bearer; null when it went into a cookie.
	AccessToken *string `json:"access_token"`
	// Good for one call of /auth/refresh, for 30 days; null when it went into a cookie.
	RefreshToken *string `json:"refresh_token"`
	// Always "Bearer".
	TokenType string `json:"token_type"`
	// Seconds that the access token is good for.
	ExpiresIn int64 `json:"expires_in"`
}

// Register creates an account of one's own, as a viewer. An admin can give it another role.
func Register(*db.Queries, context.Context, RegisterRequest) (db.Account, error) {
	panic("api: the gate registers")
}

// Login signs in. The access token is good for 15 minutes, /auth/refresh gives the next one. After 10 attempts with one name, or 100 from one
// address, within 15 minutes further ones are refused for the rest of them, right or wrong.
func Login(*db.Queries, context.Context, LoginRequest) (Tokens, error) {
	panic("api: the gate signs in")
}

// Refresh takes a refresh token and gives new tokens. Each refresh token is good once; whoever repeats the call within 10 seconds, because the
// answer got lost, gets the same refresh token again. An older one ends the session: one of the two who use it has stolen it. There is no dry run.
func Refresh(*db.Queries, context.Context, RefreshRequest) (Tokens, error) {
	panic("api: the gate refreshes")
}

func (a *authenticator) registerEndpoint() endpoint {
	return endpoint{
		queries: []any{Register, (*db.Queries).RegisterAccount},
		in:      reflect.TypeFor[RegisterRequest](), out: reflect.TypeFor[db.Account](), handle: a.register,
	}
}

func (a *authenticator) loginEndpoint() endpoint {
	return endpoint{
		queries: []any{Login, (*db.Queries).CountLoginAttempt, (*db.Queries).GetCredential, (*db.Queries).CreateSession, (*db.Queries).ResetLoginAttempts},
		in:      reflect.TypeFor[LoginRequest](), out: reflect.TypeFor[Tokens](), handle: a.login,
	}
}

func (a *authenticator) refreshEndpoint() endpoint {
	return endpoint{
		queries: []any{Refresh, (*db.Queries).RefreshSession},
		in:      reflect.TypeFor[RefreshRequest](), out: reflect.TypeFor[Tokens](), handle: a.refresh,
	}
}

// How many attempts there may be within attemptWindow.
const (
	maxAttemptsPerName         = 10
	maxAttemptsPerAddress      = 100
	maxRegistrationsPerAddress = 20 // from one address
	attemptWindow              = 15 * time.Minute
)

// refreshGrace is how long the refresh token before the newest one is good for the same answer.
const refreshGrace = 10 * time.Second

// rateLimitKeys are what an attempt to sign in is counted for. A name may be a password that was typed into the wrong field, so it is hashed.
func (a *authenticator) rateLimitKeys(r *http.Request, username string) (keys []string, limits []int32) {
	hash := sha256.Sum256([]byte(username))
	return []string{"name " + hex.EncodeToString(hash[:]), "address " + rateLimitPrefix(a.clientIP(r))}, []int32{maxAttemptsPerName, maxAttemptsPerAddress}
}

// countAttempt counts an attempt and refuses one too many.
func (a *authenticator) countAttempt(ctx context.Context, keys []string, limits []int32) error {
	wait, err := db.New(a.pool).CountLoginAttempt(ctx, db.CountLoginAttemptParams{Subjects: keys, Limits: limits, Seconds: int32(attemptWindow.Seconds())})
	if err != nil {
		return err
	}
	if wait > 0 {
		return problem(http.StatusTooManyRequests, "Too many attempts, with this name or from this address. Wait %d seconds, then try again.", wait).
			withHeader("Retry-After", strconv.FormatInt(wait, 10))
	}
	return nil
}

// hashingBusyProblem says that all processors are busy with passwords.
func hashingBusyProblem(err error) error {
	if errors.Is(err, auth.ErrBusy) {
		return unavailable("Too many people are signing in right now. Try again.", nil)
	}
	return err
}

// verifyCredentials tells whether a password is the one of a name. It takes as long for a name that there is not.
func (a *authenticator) verifyCredentials(ctx context.Context, r *http.Request, username, password string) (credential db.GetCredentialRow, ok bool, err error) {
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

// validateUsername says what is wrong with a name that somebody wants for themselves.
func validateUsername(name string) string {
	switch {
	case len([]rune(name)) > 100:
		return "must have at most 100 characters"
	case strings.TrimSpace(name) != name:
		return "must not begin or end with a space"
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "must be of printable characters"
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
		return forbidden("Nobody registers here by themselves. Ask an admin for an account.")
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), handlerTimeout)
	defer cancel()
	if err := a.countAttempt(ctx, []string{"register " + rateLimitPrefix(a.clientIP(c.r))}, []int32{maxRegistrationsPerAddress}); err != nil {
		return err
	}
	hash, err := a.passwords.Hash(ctx, in.Password)
	if err != nil {
		return hashingBusyProblem(err)
	}
	params := recorderOf(c.w).requestContext()
	params.Actor = in.Username // whoever registers is the first to act in this name
	row, err := c.inTx(ctx, params, func(ctx context.Context, tx pgx.Tx, row *rowEncoder) error {
		_, err := db.New(readDBTX(tx, false, row)).RegisterAccount(ctx, db.RegisterAccountParams{Username: in.Username, Country: in.Country, PasswordHash: hash})
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
		if err := a.requireSameOrigin(c.r); err != nil { // or another site would sign people in as somebody else
			return err
		}
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), handlerTimeout)
	defer cancel()
	invalid := problem(http.StatusUnauthorized, "Username or password is wrong.").withHeader("WWW-Authenticate", `Bearer realm="labledger"`)
	credential, ok, err := a.verifyCredentials(ctx, c.r, in.Username, in.Password)
	if err != nil {
		return err
	}
	if !ok {
		return invalid
	}
	var session db.CreateSessionRow
	_, err = c.inTx(ctx, recorderOf(c.w).requestContext(), func(ctx context.Context, tx pgx.Tx, _ *rowEncoder) (err error) {
		session, err = db.New(tx).CreateSession(ctx, db.CreateSessionParams{
			Seconds: int32(auth.RefreshTokenTTL.Seconds()), UserAgent: truncate(c.r.UserAgent(), 200), Address: a.clientIP(c.r), AccountID: credential.AccountID, PasswordHash: credential.PasswordHash,
		})
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return invalid // since a moment ago
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
	if c.dryRun { // it would show the next token to somebody who is then not noticed to have the last one
		c.errs.add("dry_run", "is not taken by this call: what it answers cannot be taken back")
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
			invalid = func() *Problem { // it will not become good again
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
			SessionID: claims.Session, Generation: claims.Generation, Seconds: int32(auth.RefreshTokenTTL.Seconds()), Grace: int32(refreshGrace.Seconds()),
		})
		return err
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return invalid()
	case err != nil:
		return err
	case session.Reused:
		return invalid().withCause(fmt.Errorf("an old refresh token of %s was used again: session %s was ended", session.Username, session.ID))
	}
	return c.writeTokens(a.keys, session.AccountID, session.ID, session.Generation, useCookies)
}

func invalidRefreshProblem() *Problem {
	return problem(http.StatusUnauthorized, "This refresh token is not good. Sign in again: POST /auth/login.").withHeader("WWW-Authenticate", `Bearer realm="labledger"`)
}

// writeTokens answers with what one is signed in with, or lets the browser keep it.
func (c *call) writeTokens(keys *auth.Keys, account int64, session uuid.UUID, generation int64, useCookies bool) error {
	access, refresh := keys.SignAccessToken(account, session, time.Now()), keys.SignRefreshToken(auth.RefreshClaims{Session: session, Generation: generation})
	tokens := Tokens{AccessToken: &access, RefreshToken: &refresh, TokenType: "Bearer", ExpiresIn: int64(auth.AccessTokenTTL.Seconds())}
	if useCookies {
		tokens.AccessToken, tokens.RefreshToken = nil, nil
		if !c.dryRun {
			recorderOf(c.w).setSessionCookies(access, refresh)
		}
	}
	return c.writeJSON(http.StatusOK, tokens)
}

// inTx runs queries in a transaction of its own, which a dry run takes back. Rows of the last of them may go to row.
func (c *call) inTx(ctx context.Context, params db.SetRequestContextParams, run func(ctx context.Context, tx pgx.Tx, row *rowEncoder) error) (row rowEncoder, err error) {
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

// writeRow writes a stored row.
func (c *call) writeRow(status int, row rowEncoder) error {
	if row.version != "" {
		c.w.Header().Set("ETag", etag(row.version))
	}
	c.w.Header().Set("Cache-Control", "no-store")
	return respond(c.w, status, row.body)
}

// writeJSON writes a secret, which nobody on the way may keep.
func (c *call) writeJSON(status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	c.w.Header().Set("Cache-Control", "no-store")
	return respond(c.w, status, append(body, '\n'))
}

// truncate shortens a text to so many characters, and to what may be stored.
func truncate(text string, maxRunes int) string {
	runes := []rune(strings.ReplaceAll(strings.ToValidUTF8(text, "�"), "\x00", "�"))
	return string(runes[:min(maxRunes, len(runes))])
}
