package authn

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/db"
	"labledger/internal/auth"
)

// This file handles the caller's own account: changes to it, a new password, and API tokens.

// UpdateAccountRequest holds the fields of the caller's account that the caller may change.
type UpdateAccountRequest struct {
	// Name as other people read it; null to show the username.
	DisplayName *string `json:"display_name"`
	// E-mail address.
	Email *string `json:"email"`
	// Country, as written locally.
	Country *string `json:"country"`
	// New password, 8 to 128 characters. Changing it revokes all sessions and API tokens of the account.
	Password *string `json:"password"`
	// Current password; required to set a new one.
	CurrentPassword *string `json:"current_password"`
	// Expected version of the account. If the account has another version, the response is 412 and nothing changes.
	Version *int64 `json:"version"`
	// Names of the fields in the request body.
	Given []string `json:"given"`
}

// CreateTokenRequest describes the API token to create.
type CreateTokenRequest struct {
	// Purpose of the token.
	Name string `json:"name"`
	// Highest role of the token: viewer, operator or admin. It must not exceed your own role. Default: viewer.
	Role *string `json:"role"`
	// Lifetime in days, 1 to 365. Default: 90.
	Days *int64 `json:"days"`
}

// APIToken describes a new API token. Only this response contains the token itself.
type APIToken struct {
	// ID of the token.
	ID int64 `json:"id"`
	// Purpose of the token.
	Name string `json:"name"`
	// The token. Send it as Authorization: Bearer <token>. It cannot be retrieved again.
	Token string `json:"token"`
	// First characters of the token, to recognize it in lists.
	Prefix string `json:"prefix"`
	// Highest role of the token. The role of the account limits it further.
	Role string `json:"role"`
	// When the token was created.
	CreatedAt time.Time `json:"created_at"`
	// When the token expires.
	ExpiresAt time.Time `json:"expires_at"`
}

// The documentation of the operations.
var (
	AccountDoc = rest.Doc{
		Queries:    []any{(*db.Queries).UpdateOwnAccount, (*db.Queries).ReplacePassword},
		Problems:   []int{http.StatusNotFound, http.StatusPreconditionFailed, http.StatusTooManyRequests},
		SetsCookie: true,
	}
	TokenDoc = rest.Doc{Queries: []any{(*db.Queries).CreateToken}, Status: http.StatusCreated}
)

// ReplaceOwnAccount replaces the country of the caller's account and, if given, its other fields. A missing country
// becomes null; other missing fields stay unchanged.
func (a *Authenticator) ReplaceOwnAccount(
	ctx context.Context, c *rest.Call, in UpdateAccountRequest,
) (db.Account, error) {
	return a.updateAccount(ctx, c, in, append(in.Given, "country"))
}

// PatchOwnAccount changes the given fields of the caller's account. Other fields stay unchanged.
func (a *Authenticator) PatchOwnAccount(
	ctx context.Context, c *rest.Call, in UpdateAccountRequest,
) (db.Account, error) {
	return a.updateAccount(ctx, c, in, in.Given)
}

// updateAccount changes the given fields and the password.
func (a *Authenticator) updateAccount(
	ctx context.Context, c *rest.Call, in UpdateAccountRequest, fields []string,
) (account db.Account, err error) {
	validatePasswordChange(c, in)
	if err := c.Errors.Err(); err != nil {
		return account, err
	}
	var oldHash, newHash string
	if in.Password != nil {
		if oldHash, newHash, err = a.changePassword(ctx, c, *in.CurrentPassword, *in.Password); err != nil {
			return account, err
		}
	}
	account, err = rest.Write(ctx, c, func(ctx context.Context, q *db.Queries) (account db.Account, err error) {
		account, err = q.UpdateOwnAccount(ctx, db.UpdateOwnAccountParams{
			Given:       fields,
			DisplayName: in.DisplayName,
			Email:       in.Email,
			Country:     in.Country,
			CallerID:    c.Caller.AccountID,
			Version:     in.Version,
		})
		if err == nil && newHash != "" {
			_, err = q.ReplacePassword(ctx, db.ReplacePasswordParams{
				CallerID:        c.Caller.AccountID,
				CallerSession:   c.Caller.SessionID,
				PasswordHash:    oldHash,
				NewPasswordHash: newHash,
			})
		}
		if err == nil {
			c.SetVersion(account.Version)
			forbidStorage(c)
		}
		return account, err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return account, problem.Unauthorized() // the account or session ended during the request
	}
	if err != nil {
		return account, err
	}
	if newHash != "" && !c.DryRun {
		AfterSessionEnd(c, in)
	}
	return account, nil
}

// validatePasswordChange adds the errors of the two passwords to the errors of the call.
func validatePasswordChange(c *rest.Call, in UpdateAccountRequest) {
	if in.Password != nil && c.IdempotencyKey() != "" {
		c.Errors.Add(rest.KeyHeader, "does not apply to a new password, of which the server stores no plain hash")
	}
	switch {
	case c.Errors.Has("password") || c.Errors.Has("current_password"):
	case in.Password == nil && slices.Contains(in.Given, "password"):
		c.Errors.Add("password", "must not be null")
	case in.Password == nil && in.CurrentPassword != nil:
		c.Errors.Add("password", "is required with current_password")
	case in.Password == nil:
	case in.CurrentPassword == nil:
		c.Errors.Add("current_password", "is required to set a new password")
	default:
		c.Errors.Add("password", auth.ValidatePassword(*in.Password, c.Caller.Username))
	}
}

// changePassword verifies the current password and returns the hashes of both.
func (a *Authenticator) changePassword(
	ctx context.Context, c *rest.Call, current, next string,
) (oldHash, newHash string, err error) {
	credential, ok, err := a.verifyCredentials(ctx, c.Request, c.Caller.Username, current)
	if err != nil {
		return "", "", err
	}
	if !ok {
		return "", "", problem.BadRequest(problem.FieldError{Field: "current_password", Message: "is wrong"})
	}
	if newHash, err = a.passwords.Hash(ctx, next); err != nil {
		return "", "", hashingBusyProblem(err)
	}
	return credential.PasswordHash, newHash, nil
}

// defaultTokenDays is the default lifetime of an API token.
const defaultTokenDays = 90

// CreateAPIToken creates an API token for scripts. The response shows the token once; the server stores only its hash.
func (a *Authenticator) CreateAPIToken(
	ctx context.Context, c *rest.Call, in CreateTokenRequest,
) (created APIToken, err error) {
	role, days := rest.Viewer, int64(defaultTokenDays)
	if in.Role != nil && !c.Errors.Has("role") {
		if role = rest.ParseRole(*in.Role); role > c.Caller.Role {
			c.Errors.Add("role", "must not exceed your own role, which is "+c.Caller.Role.String())
		}
	}
	if in.Days != nil {
		days = *in.Days
	}
	if err := c.Errors.Err(); err != nil {
		return created, err
	}
	var row db.CreateTokenRow
	token, prefix, hash := auth.NewAPIToken()
	err = c.Tx(ctx, func(ctx context.Context, q *db.Queries) (err error) {
		row, err = q.CreateToken(ctx, db.CreateTokenParams{
			Name:          in.Name,
			Prefix:        prefix,
			Hash:          hash,
			Role:          role.String(),
			Days:          int32(days),
			CallerSession: c.Caller.SessionID,
		})
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return created, problem.Unauthorized() // the session ended during the request
	}
	if err != nil {
		return created, err
	}
	c.Status = http.StatusCreated
	c.SetLocation(c.Path + "/" + strconv.FormatInt(row.ID, 10))
	forbidStorage(c)
	return APIToken{
		ID:        row.ID,
		Name:      row.Name,
		Token:     token,
		Prefix:    row.Prefix,
		Role:      row.Role,
		CreatedAt: row.CreatedAt,
		ExpiresAt: row.ExpiresAt,
	}, nil
}
