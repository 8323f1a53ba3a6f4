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

// NewAccount is what registering takes.
type NewAccount struct {
	// Name of the account; upper and lower case differ.
	Username string `json:"username"`
	// From 8 to 128 characters, of whatever kind; not one of the most common ones.
	Password string `json:"password"`
	// Country, as people there write it.
	Country *string `json:"country"`
}

// Credentials are what signing in takes.
type Credentials struct {
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
func Register(*db.Queries, context.Context, NewAccount) (db.Account, error) {
	panic("api: the gate registers")
}

// Login signs in. The access token is good for 15 minutes, /auth/refresh gives the next one. After 10 attempts with one name, or 100 from one
// address, within 15 minutes further ones are refused for the rest of them, right or wrong.
func Login(*db.Queries, context.Context, Credentials) (Tokens, error) {
	panic("api: the gate signs in")
}

// Refresh takes a refresh token and gives new tokens. Each refresh token is good once; whoever repeats the call within 10 seconds, because the
// answer got lost, gets the same refresh token again. An older one ends the session: one of the two who use it has stolen it. There is no dry run.
func Refresh(*db.Queries, context.Context, RefreshRequest) (Tokens, error) {
	panic("api: the gate refreshes")
}

func (g *gate) registering() endpoint {
	return endpoint{
		calls: []any{Register, (*db.Queries).RegisterAccount},
		in:    reflect.TypeFor[NewAccount](), out: reflect.TypeFor[db.Account](), own: g.register,
	}
}

func (g *gate) signingIn() endpoint {
	return endpoint{
		calls: []any{Login, (*db.Queries).CountLoginAttempt, (*db.Queries).GetCredential, (*db.Queries).CreateSession, (*db.Queries).ResetLoginAttempts},
		in:    reflect.TypeFor[Credentials](), out: reflect.TypeFor[Tokens](), own: g.login,
	}
}

func (g *gate) refreshing() endpoint {
	return endpoint{
		calls: []any{Refresh, (*db.Queries).RefreshSession},
		in:    reflect.TypeFor[RefreshRequest](), out: reflect.TypeFor[Tokens](), own: g.refresh,
	}
}

// How many attempts there may be within attemptTime.
const (
	attemptsPerName    = 10
	attemptsPerAddress = 100
	registrations      = 20 // from one address
	attemptTime        = 15 * time.Minute
)

// graceTime is how long the refresh token before the newest one is good for the same answer.
const graceTime = 10 * time.Second

// subjects are what an attempt to sign in is counted for. A name may be a password that was typed into the wrong field, so it is hashed.
func (g *gate) subjects(r *http.Request, username string) (names []string, limits []int32) {
	hash := sha256.Sum256([]byte(username))
	return []string{"name " + hex.EncodeToString(hash[:]), "address " + neighbourhood(g.address(r))}, []int32{attemptsPerName, attemptsPerAddress}
}

// take counts an attempt and refuses one too many.
func (g *gate) take(ctx context.Context, subjects []string, limits []int32) error {
	wait, err := db.New(g.pool).CountLoginAttempt(ctx, db.CountLoginAttemptParams{Subjects: subjects, Limits: limits, Seconds: int32(attemptTime.Seconds())})
	if err != nil {
		return err
	}
	if wait > 0 {
		return problem(http.StatusTooManyRequests, "Too many attempts, with this name or from this address. Wait %d seconds, then try again.", wait).
			with("Retry-After", strconv.FormatInt(wait, 10))
	}
	return nil
}

// passwordProblem says that all processors are busy with passwords.
func passwordProblem(err error) error {
	if errors.Is(err, auth.ErrBusy) {
		return unavailable("Too many people are signing in right now. Try again.", nil)
	}
	return err
}

// check tells whether a password is the one of a name. It takes as long for a name that there is not.
func (g *gate) check(ctx context.Context, r *http.Request, username, password string) (found db.GetCredentialRow, ok bool, err error) {
	subjects, limits := g.subjects(r, username)
	if err := g.take(ctx, subjects, limits); err != nil {
		return found, false, err
	}
	found, err = db.New(g.pool).GetCredential(ctx, db.GetCredentialParams{Username: username})
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return found, false, err
	}
	ok, err = g.passwords.Verify(ctx, password, found.PasswordHash)
	if err != nil || !ok || found.Disabled {
		return found, false, passwordProblem(err)
	}
	return found, true, db.New(g.pool).ResetLoginAttempts(ctx, db.ResetLoginAttemptsParams{Subjects: subjects})
}

// usernameFault says what is wrong with a name that somebody wants for themselves.
func usernameFault(name string) string {
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

func (g *gate) register(s *submission) error {
	in := s.in.Addr().Interface().(*NewAccount)
	if !s.found.has("username") {
		s.found.add("username", usernameFault(in.Username))
	}
	if !s.found.has("password") {
		s.found.add("password", auth.ValidatePassword(in.Password, in.Username))
	}
	if p := refusal(s.found); p != nil {
		return p
	}
	if g.closed {
		return forbidden("Nobody registers here by themselves. Ask an admin for an account.")
	}
	ctx, cancel := context.WithTimeout(s.r.Context(), handlerTime)
	defer cancel()
	if err := g.take(ctx, []string{"register " + neighbourhood(g.address(s.r))}, []int32{registrations}); err != nil {
		return err
	}
	hash, err := g.passwords.Hash(ctx, in.Password)
	if err != nil {
		return passwordProblem(err)
	}
	who := exchangeOf(s.w).caller()
	who.Actor = in.Username // whoever registers is the first to act in this name
	row, err := s.store(ctx, who, func(ctx context.Context, tx pgx.Tx, row *oneRow) error {
		_, err := db.New(reading(tx, false, row)).RegisterAccount(ctx, db.RegisterAccountParams{Username: in.Username, Country: in.Country, PasswordHash: hash})
		return err
	})
	if err != nil {
		return err
	}
	return s.answer(http.StatusCreated, row)
}

func (g *gate) login(s *submission) error {
	if p := refusal(s.found); p != nil {
		return p
	}
	in := s.in.Addr().Interface().(*Credentials)
	kept := in.Cookie != nil && *in.Cookie
	if kept {
		if err := g.proveOwn(s.r); err != nil { // or another site would sign people in as somebody else
			return err
		}
	}
	ctx, cancel := context.WithTimeout(s.r.Context(), handlerTime)
	defer cancel()
	wrong := problem(http.StatusUnauthorized, "Username or password is wrong.").with("WWW-Authenticate", `Bearer realm="labledger"`)
	found, ok, err := g.check(ctx, s.r, in.Username, in.Password)
	if err != nil {
		return err
	}
	if !ok {
		return wrong
	}
	var session db.CreateSessionRow
	_, err = s.store(ctx, exchangeOf(s.w).caller(), func(ctx context.Context, tx pgx.Tx, _ *oneRow) (err error) {
		session, err = db.New(tx).CreateSession(ctx, db.CreateSessionParams{
			Seconds: int32(auth.RefreshTokenTTL.Seconds()), UserAgent: cut(s.r.UserAgent(), 200), Address: g.address(s.r), AccountID: found.AccountID, PasswordHash: found.PasswordHash,
		})
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return wrong // since a moment ago
	}
	if err != nil {
		return err
	}
	return s.tokens(g.keys, found.AccountID, session.ID, session.Generation, kept)
}

func (g *gate) refresh(s *submission) error {
	in, x := s.in.Addr().Interface().(*RefreshRequest), exchangeOf(s.w)
	kept := in.Cookie != nil && *in.Cookie
	if in.RefreshToken == nil && !kept && !s.found.has("refresh_token") && !s.found.has("cookie") {
		s.found.add("refresh_token", "is missing")
	}
	if s.dry { // it would show the next token to somebody who is then not noticed to have the last one
		s.found.add("dry_run", "is not taken by this call: what it answers cannot be taken back")
	}
	if p := refusal(s.found); p != nil {
		return p
	}
	if kept {
		if err := g.proveOwn(s.r); err != nil {
			return err
		}
	}
	bad, token := badRefresh, in.RefreshToken
	if token == nil {
		value, there := cookie(s.r, refreshName(x.secure))
		token = &value
		if there > 0 {
			bad = func() *Problem { // it will not become good again
				x.forget()
				return badRefresh()
			}
		}
	}
	given, err := g.keys.ParseRefreshToken(*token)
	if err != nil {
		return bad()
	}
	ctx, cancel := context.WithTimeout(s.r.Context(), handlerTime)
	defer cancel()
	var session db.RefreshSessionRow
	_, err = s.store(ctx, x.caller(), func(ctx context.Context, tx pgx.Tx, _ *oneRow) (err error) {
		session, err = db.New(tx).RefreshSession(ctx, db.RefreshSessionParams{
			SessionID: given.Session, Generation: given.Generation, Seconds: int32(auth.RefreshTokenTTL.Seconds()), Grace: int32(graceTime.Seconds()),
		})
		return err
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return bad()
	case err != nil:
		return err
	case session.Reused:
		return bad().because(fmt.Errorf("an old refresh token of %s was used again: session %s was ended", session.Username, session.ID))
	}
	return s.tokens(g.keys, session.AccountID, session.ID, session.Generation, kept)
}

func badRefresh() *Problem {
	return problem(http.StatusUnauthorized, "This refresh token is not good. Sign in again: POST /auth/login.").with("WWW-Authenticate", `Bearer realm="labledger"`)
}

// tokens answers with what one is signed in with, or lets the browser keep it.
func (s *submission) tokens(keys *auth.Keys, account int64, session uuid.UUID, generation int64, kept bool) error {
	access, refresh := keys.SignAccessToken(account, session, time.Now()), keys.SignRefreshToken(auth.RefreshClaims{Session: session, Generation: generation})
	all := Tokens{AccessToken: &access, RefreshToken: &refresh, TokenType: "Bearer", ExpiresIn: int64(auth.AccessTokenTTL.Seconds())}
	if kept {
		all.AccessToken, all.RefreshToken = nil, nil
		if !s.dry {
			exchangeOf(s.w).keep(access, refresh)
		}
	}
	return s.answerJSON(http.StatusOK, all)
}

// store runs queries in a transaction of its own, which a dry run takes back. Rows of the last of them may go to row.
func (s *submission) store(ctx context.Context, who db.SetRequestContextParams, run func(ctx context.Context, tx pgx.Tx, row *oneRow) error) (row oneRow, err error) {
	ctx, cancel := context.WithTimeout(ctx, statementTime)
	defer cancel()
	conn, err := acquire(ctx, s.pool)
	if err != nil {
		return row, err
	}
	defer conn.Release()
	tx, err := begin(ctx, conn, who)
	if err != nil {
		return row, err
	}
	defer rollback(tx)
	if err := run(ctx, tx, &row); err != nil || s.dry {
		return row, err
	}
	return row, tx.Commit(ctx)
}

// answer writes a stored row.
func (s *submission) answer(status int, row oneRow) error {
	if row.version != "" {
		s.w.Header().Set("ETag", etag(row.version))
	}
	s.w.Header().Set("Cache-Control", "no-store")
	return respond(s.w, status, row.body)
}

// answerJSON writes a secret, which nobody on the way may keep.
func (s *submission) answerJSON(status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	s.w.Header().Set("Cache-Control", "no-store")
	return respond(s.w, status, append(body, '\n'))
}

// cut shortens a text to so many characters, and to what may be stored.
func cut(text string, most int) string {
	runes := []rune(strings.ReplaceAll(strings.ToValidUTF8(text, "�"), "\x00", "�"))
	return string(runes[:min(most, len(runes))])
}
