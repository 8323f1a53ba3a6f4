package api

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"labledger/db"
	"labledger/internal/auth"
)

// This file handles the caller's own account: changes to it, a new password, and API tokens.

// UpdateAccountRequest holds the fields of the caller's account that the caller may change.
type UpdateAccountRequest struct {
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

// ReplaceOwnAccount replaces the country of the caller's account and, if given, its password. A missing country becomes
// null; a missing password stays unchanged.
func ReplaceOwnAccount(*db.Queries, context.Context, UpdateAccountRequest) (db.Account, error) {
	panic("api: ReplaceOwnAccount is implemented by authenticator.updateAccount")
}

// PatchOwnAccount changes the given fields of the caller's account. Other fields stay unchanged.
func PatchOwnAccount(*db.Queries, context.Context, UpdateAccountRequest) (db.Account, error) {
	panic("api: PatchOwnAccount is implemented by authenticator.updateAccount")
}

// CreateAPIToken creates an API token for scripts. The response shows the token once; the server stores only its hash.
func CreateAPIToken(*db.Queries, context.Context, CreateTokenRequest) (APIToken, error) {
	panic("api: CreateAPIToken is implemented by authenticator.createToken")
}

func (a *authenticator) updateAccountEndpoint(documented any) endpoint {
	return endpoint{
		queries: []any{documented, (*db.Queries).UpdateOwnAccount, (*db.Queries).ReplacePassword},
		in:      reflect.TypeFor[UpdateAccountRequest](),
		out:     reflect.TypeFor[db.Account](),
		handle:  a.updateAccount,
	}
}

func (a *authenticator) createTokenEndpoint() endpoint {
	return endpoint{
		queries: []any{CreateAPIToken, (*db.Queries).CreateToken},
		in:      reflect.TypeFor[CreateTokenRequest](),
		out:     reflect.TypeFor[APIToken](),
		handle:  a.createToken,
	}
}

func (a *authenticator) updateAccount(c *call) error {
	in := c.in.Addr().Interface().(*UpdateAccountRequest)
	caller := recorderOf(c.w).caller
	switch {
	case c.errs.has("password") || c.errs.has("current_password"):
	case in.Password == nil && slices.Contains(in.Given, "password"):
		c.errs.add("password", "must not be null")
	case in.Password == nil && in.CurrentPassword != nil:
		c.errs.add("password", "is required with current_password")
	case in.Password == nil:
	case in.CurrentPassword == nil:
		c.errs.add("current_password", "is required to set a new password")
	default:
		c.errs.add("password", auth.ValidatePassword(*in.Password, caller.username))
	}
	if p := badRequest(c.errs); p != nil {
		return p
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), handlerTimeout)
	defer cancel()
	var credential db.GetCredentialRow
	hash := ""
	if in.Password != nil {
		var ok bool
		var err error
		credential, ok, err = a.verifyCredentials(ctx, c.r, caller.username, *in.CurrentPassword)
		if err != nil {
			return err
		}
		if !ok {
			return badRequest([]FieldError{{Field: "current_password", Message: "is wrong"}})
		}
		if hash, err = a.passwords.Hash(ctx, *in.Password); err != nil {
			return hashingBusyProblem(err)
		}
	}
	fields := in.Given
	if c.method == http.MethodPut {
		fields = []string{"country"}
	}
	update := func(ctx context.Context, tx pgx.Tx, row *rowEncoder) error {
		_, err := db.New(readDBTX(tx, false, row)).UpdateOwnAccount(ctx, db.UpdateOwnAccountParams{
			Given:    fields,
			Country:  in.Country,
			CallerID: caller.accountID,
			Version:  in.Version,
		})
		if err == nil && hash != "" {
			_, err = db.New(tx).ReplacePassword(ctx, db.ReplacePasswordParams{
				CallerID:        caller.accountID,
				CallerSession:   caller.sessionID,
				PasswordHash:    credential.PasswordHash,
				NewPasswordHash: hash,
			})
		}
		return err
	}
	row, err := c.inTx(ctx, recorderOf(c.w).requestContext(), update)
	if err == errNoRow {
		return unauthorized() // the account or session ended during the request
	}
	if err != nil {
		return err
	}
	if rec := recorderOf(c.w); hash != "" && !c.dryRun && rec.caller.fromCookie {
		rec.clearSessionCookies()
	}
	return c.writeRow(http.StatusOK, row)
}

// defaultTokenDays is the default lifetime of an API token.
const defaultTokenDays = 90

func (a *authenticator) createToken(c *call) error {
	in := c.in.Addr().Interface().(*CreateTokenRequest)
	caller := recorderOf(c.w).caller
	tokenRole, days := viewer, int64(defaultTokenDays)
	if in.Role != nil && !c.errs.has("role") {
		if tokenRole = parseRole(*in.Role); tokenRole > caller.role {
			c.errs.add("role", "must not exceed your own role, which is "+caller.role.String())
		}
	}
	if in.Days != nil {
		days = *in.Days
	}
	if p := badRequest(c.errs); p != nil {
		return p
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), handlerTimeout)
	defer cancel()
	var created db.CreateTokenRow
	token, prefix, hash := auth.NewAPIToken()
	create := func(ctx context.Context, tx pgx.Tx, _ *rowEncoder) (err error) {
		created, err = db.New(tx).CreateToken(ctx, db.CreateTokenParams{
			Name:          in.Name,
			Prefix:        prefix,
			Hash:          hash,
			Role:          tokenRole.String(),
			Days:          int32(days),
			CallerSession: caller.sessionID,
		})
		return err
	}
	_, err := c.inTx(ctx, recorderOf(c.w).requestContext(), create)
	if err == errNoRow {
		return unauthorized() // the session ended during the request
	}
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", c.path+"/"+strconv.FormatInt(created.ID, 10))
	return c.writeJSON(http.StatusCreated, APIToken{
		ID:        created.ID,
		Name:      created.Name,
		Token:     token,
		Prefix:    created.Prefix,
		Role:      created.Role,
		CreatedAt: created.CreatedAt,
		ExpiresAt: created.ExpiresAt,
	})
}
