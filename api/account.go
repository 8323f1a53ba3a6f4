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

// OwnAccount is what one may change of one's own account.
type OwnAccount struct {
	// Country, as people there write it.
	Country *string `json:"country"`
	// A new password, from 8 to 128 characters. All sessions and API tokens end with the old one.
	Password *string `json:"password"`
	// The password until now; it goes with a new one.
	CurrentPassword *string `json:"current_password"`
	// The version that you know. When the account is at another one: 412, and nothing is changed.
	Version *int64 `json:"version"`
	// The fields that the request gives.
	Given []string `json:"given"`
}

// NewToken is what making an API token takes.
type NewToken struct {
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
func ReplaceOwnAccount(*db.Queries, context.Context, OwnAccount) (db.Account, error) {
	panic("api: the gate changes accounts")
}

// PatchOwnAccount changes the given fields of one's own account, and leaves the others as they are.
func PatchOwnAccount(*db.Queries, context.Context, OwnAccount) (db.Account, error) {
	panic("api: the gate changes accounts")
}

// CreateAPIToken makes a token for a script. It is shown this once; what is kept is a hash of it.
func CreateAPIToken(*db.Queries, context.Context, NewToken) (APIToken, error) {
	panic("api: the gate makes tokens")
}

func (g *gate) changingOwn(documented any) endpoint {
	return endpoint{
		calls: []any{documented, (*db.Queries).UpdateOwnAccount, (*db.Queries).ReplacePassword},
		in:    reflect.TypeFor[OwnAccount](), out: reflect.TypeFor[db.Account](), own: g.changeOwn,
	}
}

func (g *gate) makingTokens() endpoint {
	return endpoint{
		calls: []any{CreateAPIToken, (*db.Queries).CreateToken},
		in:    reflect.TypeFor[NewToken](), out: reflect.TypeFor[APIToken](), own: g.makeToken,
	}
}

func (g *gate) changeOwn(s *submission) error {
	in := s.in.Addr().Interface().(*OwnAccount)
	who := exchangeOf(s.w).who
	switch {
	case s.found.has("password") || s.found.has("current_password"):
	case in.Password == nil && slices.Contains(in.Given, "password"):
		s.found.add("password", "must not be null")
	case in.Password == nil && in.CurrentPassword != nil:
		s.found.add("password", "is missing; current_password goes with a new one")
	case in.Password == nil:
	case in.CurrentPassword == nil:
		s.found.add("current_password", "is missing; it goes with a new password")
	default:
		s.found.add("password", auth.ValidatePassword(*in.Password, who.username))
	}
	if p := refusal(s.found); p != nil {
		return p
	}
	ctx, cancel := context.WithTimeout(s.r.Context(), handlerTime)
	defer cancel()
	var found db.GetCredentialRow
	hash := ""
	if in.Password != nil {
		var ok bool
		var err error
		found, ok, err = g.check(ctx, s.r, who.username, *in.CurrentPassword)
		if err != nil {
			return err
		}
		if !ok {
			return refusal([]FieldError{{Field: "current_password", Message: "is wrong"}})
		}
		if hash, err = g.passwords.Hash(ctx, *in.Password); err != nil {
			return passwordProblem(err)
		}
	}
	given := in.Given
	if s.method == http.MethodPut {
		given = []string{"country"}
	}
	row, err := s.store(ctx, exchangeOf(s.w).caller(), func(ctx context.Context, tx pgx.Tx, row *oneRow) error {
		_, err := db.New(reading(tx, false, row)).UpdateOwnAccount(ctx, db.UpdateOwnAccountParams{Given: given, Country: in.Country, CallerID: who.account, Version: in.Version})
		if err == nil && hash != "" {
			_, err = db.New(tx).ReplacePassword(ctx, db.ReplacePasswordParams{
				CallerID: who.account, CallerSession: who.session, PasswordHash: found.PasswordHash, NewPasswordHash: hash,
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
	if x := exchangeOf(s.w); hash != "" && !s.dry && x.who.cookie {
		x.forget()
	}
	return s.answer(http.StatusOK, row)
}

// tokenDays is how long an API token is good for unless it is said.
const tokenDays = 90

func (g *gate) makeToken(s *submission) error {
	in := s.in.Addr().Interface().(*NewToken)
	who := exchangeOf(s.w).who
	may, days := viewer, int64(tokenDays)
	if in.Role != nil && !s.found.has("role") {
		if may = parseRole(*in.Role); may > who.role {
			s.found.add("role", "must not be more than your own, which is "+who.role.String())
		}
	}
	if in.Days != nil {
		days = *in.Days
	}
	if p := refusal(s.found); p != nil {
		return p
	}
	ctx, cancel := context.WithTimeout(s.r.Context(), handlerTime)
	defer cancel()
	var made db.CreateTokenRow
	token, prefix, hash := auth.NewAPIToken()
	_, err := s.store(ctx, exchangeOf(s.w).caller(), func(ctx context.Context, tx pgx.Tx, _ *oneRow) (err error) {
		made, err = db.New(tx).CreateToken(ctx, db.CreateTokenParams{
			Name: in.Name, Prefix: prefix, Hash: hash, Role: may.String(), Days: int32(days), CallerSession: who.session,
		})
		return err
	})
	if err == errNoRow {
		return unauthorized() // since a moment ago
	}
	if err != nil {
		return err
	}
	s.w.Header().Set("Location", s.path+"/"+strconv.FormatInt(made.ID, 10))
	return s.answerJSON(http.StatusCreated, APIToken{made.ID, made.Name, token, made.Prefix, made.Role, made.CreatedAt, made.ExpiresAt})
}
