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

// This file is what one does with an account of one's own: change it, give it a new password, make tokens for scripts.

// UpdateAccountRequest is what one may change of one's own account.
type UpdateAccountRequest struct {
	// Country, as people there write it.
	Country *string `json:"country"`
	// A new password, from 8 to 128 characters. All sessions and API tokens end with the old one.
	Password *string `json:"password"`
	// The password until now; it goes with a new one.
	CurrentPassword *string `json:"current_password"`
	// The version that you know. When the account is at another one: 412, and nothing is changed.
	Version *int64 `json:"version"`
	// The fields that the request gives.
	Present []string `json:"given"`
}

// CreateTokenRequest is what making an API token takes.
type CreateTokenRequest struct {
	// What it is for.
	Name string `json:"name"`
	// What it may do at most: viewer, operator or admin. Not more than you may; viewer unless it is given.
	Role *string `json:"role"`
	// Days that it is good for, from 1 to 365; 90 unless it is given.
	Days *int64 `json:"days"`
}

// APIToken is a token as it is shown once, to whom it was made for.
type APIToken struct {
	// Number of the token.
	ID int64 `json:"id"`
	// What it is for.
	Name string `json:"name"`
	// Goes into the header Authorization, after the word Bearer. It is not shown again.
	Token string `json:"token"`
	// How it begins, to tell it by.
	Prefix string `json:"prefix"`
	// What it may do at most.
	Role string `json:"role"`
	// When it was made.
	CreatedAt time.Time `json:"created_at"`
	// When it ends.
	ExpiresAt time.Time `json:"expires_at"`
}

// ReplaceOwnAccount changes one's own account: the country, which is null when it is left out, and the password, which then stays.
func ReplaceOwnAccount(*db.Queries, context.Context, UpdateAccountRequest) (db.Account, error) {
	panic("api: the gate changes accounts")
}

// PatchOwnAccount changes the given fields of one's own account, and leaves the others as they are.
func PatchOwnAccount(*db.Queries, context.Context, UpdateAccountRequest) (db.Account, error) {
	panic("api: the gate changes accounts")
}

// CreateAPIToken makes a token for a script. It is shown this once; what is kept is a hash of it.
func CreateAPIToken(*db.Queries, context.Context, CreateTokenRequest) (APIToken, error) {
	panic("api: the gate makes tokens")
}

func (a *authenticator) updateAccountEndpoint(documented any) endpoint {
	return endpoint{
		queries: []any{documented, (*db.Queries).UpdateOwnAccount, (*db.Queries).ReplacePassword},
		in:      reflect.TypeFor[UpdateAccountRequest](), out: reflect.TypeFor[db.Account](), handle: a.updateAccount,
	}
}

func (a *authenticator) createTokenEndpoint() endpoint {
	return endpoint{
		queries: []any{CreateAPIToken, (*db.Queries).CreateToken},
		in:      reflect.TypeFor[CreateTokenRequest](), out: reflect.TypeFor[APIToken](), handle: a.createToken,
	}
}

func (a *authenticator) updateAccount(c *call) error {
	in := c.in.Addr().Interface().(*UpdateAccountRequest)
	caller := recorderOf(c.w).caller
	switch {
	case c.errs.has("password") || c.errs.has("current_password"):
	case in.Password == nil && slices.Contains(in.Present, "password"):
		c.errs.add("password", "must not be null")
	case in.Password == nil && in.CurrentPassword != nil:
		c.errs.add("password", "is missing; current_password goes with a new one")
	case in.Password == nil:
	case in.CurrentPassword == nil:
		c.errs.add("current_password", "is missing; it goes with a new password")
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
	fields := in.Present
	if c.method == http.MethodPut {
		fields = []string{"country"}
	}
	row, err := c.inTx(ctx, recorderOf(c.w).requestContext(), func(ctx context.Context, tx pgx.Tx, row *rowEncoder) error {
		_, err := db.New(readDBTX(tx, false, row)).UpdateOwnAccount(ctx, db.UpdateOwnAccountParams{Given: fields, Country: in.Country, CallerID: caller.accountID, Version: in.Version})
		if err == nil && hash != "" {
			_, err = db.New(tx).ReplacePassword(ctx, db.ReplacePasswordParams{
				CallerID: caller.accountID, CallerSession: caller.sessionID, PasswordHash: credential.PasswordHash, NewPasswordHash: hash,
			})
		}
		return err
	})
	if err == errNoRow {
		return unauthorized() // since a moment ago
	}
	if err != nil {
		return err
	}
	if rec := recorderOf(c.w); hash != "" && !c.dryRun && rec.caller.fromCookie {
		rec.clearSessionCookies()
	}
	return c.writeRow(http.StatusOK, row)
}

// defaultTokenDays is how long an API token is good for unless it is said.
const defaultTokenDays = 90

func (a *authenticator) createToken(c *call) error {
	in := c.in.Addr().Interface().(*CreateTokenRequest)
	caller := recorderOf(c.w).caller
	tokenRole, days := viewer, int64(defaultTokenDays)
	if in.Role != nil && !c.errs.has("role") {
		if tokenRole = parseRole(*in.Role); tokenRole > caller.role {
			c.errs.add("role", "must not be more than your own, which is "+caller.role.String())
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
	_, err := c.inTx(ctx, recorderOf(c.w).requestContext(), func(ctx context.Context, tx pgx.Tx, _ *rowEncoder) (err error) {
		created, err = db.New(tx).CreateToken(ctx, db.CreateTokenParams{
			Name: in.Name, Prefix: prefix, Hash: hash, Role: tokenRole.String(), Days: int32(days), CallerSession: caller.sessionID,
		})
		return err
	})
	if err == errNoRow {
		return unauthorized() // since a moment ago
	}
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", c.path+"/"+strconv.FormatInt(created.ID, 10))
	return c.writeJSON(http.StatusCreated, APIToken{created.ID, created.Name, token, created.Prefix, created.Role, created.CreatedAt, created.ExpiresAt})
}
