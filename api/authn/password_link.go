package authn

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/db"
	"labledger/internal/auth"
)

// This file handles the links with which users choose a password once: invitations and password resets.

// PasswordPage is the path of the app's page that opens a link. The token follows as the fragment of the URL, which
// browsers send to no server.
const PasswordPage = "/app/password#"

// LinkKinds are the kinds of links.
var LinkKinds = []string{"invitation", "reset"}

// CreateLinkRequest names the account that gets a link.
type CreateLinkRequest struct {
	// ID of the user.
	ID int64 `json:"id"`
}

// PasswordLink is a new link. Only this response contains its token.
type PasswordLink struct {
	// ID of the user.
	ID int64 `json:"id"`
	// Username of the account whose password the link sets.
	Username string `json:"username"`
	// Kind of the link: invitation if the account has no password yet, otherwise reset.
	Kind string `json:"kind"`
	// Token of the link, for POST /auth/password. It cannot be retrieved again.
	Token string `json:"token"`
	// Path of the page on which the user chooses a password. The token is its fragment.
	URL string `json:"url"`
	// When the link expires, 24 hours after its creation.
	ExpiresAt time.Time `json:"expires_at"`
}

// LinkRequest holds the token of a link.
type LinkRequest struct {
	// Token of the link: the fragment of its URL.
	Token string `json:"token"`
}

// LinkInfo describes a valid link.
type LinkInfo struct {
	// Username of the account whose password the link sets.
	Username string `json:"username"`
	// Name of the user; the username if the user has no other.
	DisplayName string `json:"display_name"`
	// Kind of the link: invitation if the account has no password yet, otherwise reset.
	Kind string `json:"kind"`
	// When the link expires.
	ExpiresAt time.Time `json:"expires_at"`
}

// UseLinkRequest holds the token of a link and a new password.
type UseLinkRequest struct {
	// Token of the link: the fragment of its URL.
	Token string `json:"token"`
	// New password, 8 to 128 characters of any kind. The most common passwords are rejected.
	Password string `json:"password"`
}

// The documentation of the operations.
var (
	CreateLinkDoc = rest.Doc{
		Queries:  []any{(*db.Queries).LockAccountByID, (*db.Queries).CreatePasswordLink},
		Status:   http.StatusCreated,
		Problems: []int{http.StatusNotFound, http.StatusConflict},
	}
	LinkDoc = rest.Doc{
		Queries:  []any{(*db.Queries).GetPasswordLink},
		Problems: []int{http.StatusNotFound, http.StatusTooManyRequests},
	}
	UseLinkDoc = rest.Doc{
		Queries: []any{
			(*db.Queries).GetPasswordLink, (*db.Queries).LockAccountByID, (*db.Queries).UsePasswordLink,
			(*db.Queries).SetPassword,
		},
		Problems: []int{http.StatusNotFound, http.StatusTooManyRequests},
	}
)

// CreateLink creates a link with which a user chooses a password: an invitation, or a reset if the user has a
// password. The link is valid once and for 24 hours. It replaces the previous link of the user. Send it to the user over
// a channel that you trust: the first person who uses the link can sign in as the user.
func (a *Authenticator) CreateLink(
	ctx context.Context, c *rest.Call, in CreateLinkRequest,
) (link PasswordLink, err error) {
	if err := c.Errors.Err(); err != nil {
		return link, err
	}
	token, hash := auth.NewLinkToken()
	err = c.Tx(ctx, func(ctx context.Context, q *db.Queries) error {
		account, err := q.LockAccountByID(ctx, db.LockAccountByIDParams{ID: in.ID})
		if err != nil {
			return err
		}
		if account.Disabled {
			return problem.New(problem.Conflict, "The account %s is disabled. Enable it first.",
				problem.Sanitize(account.Username))
		}
		row, err := q.CreatePasswordLink(ctx, db.CreatePasswordLinkParams{AccountID: account.ID, Hash: hash})
		link = PasswordLink{
			ID: account.ID, Username: account.Username, Kind: row.Kind, Token: token,
			URL: c.URL(PasswordPage + token), ExpiresAt: row.ExpiresAt,
		}
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return link, c.NotFound()
	}
	if err != nil {
		return link, err
	}
	c.Status = http.StatusCreated
	forbidStorage(c)
	return link, nil
}

// ShowLink returns whose password a link sets. An address is limited to 100 requests with links in 15 minutes.
func (a *Authenticator) ShowLink(ctx context.Context, c *rest.Call, in LinkRequest) (info LinkInfo, err error) {
	if err := c.Errors.Err(); err != nil {
		return info, err
	}
	row, _, err := a.findLink(ctx, c, in.Token)
	if err != nil {
		return info, err
	}
	forbidStorage(c)
	return linkInfo(row), nil
}

// UseLink sets the password of the account that a link names. The link is valid once. All sessions and API tokens of the
// account end. Sign in with the new password afterwards. An address is limited to 100 requests with links in 15 minutes.
func (a *Authenticator) UseLink(
	ctx context.Context, c *rest.Call, in UseLinkRequest,
) (info LinkInfo, err error) {
	if err := c.Errors.Err(); err != nil {
		return info, err
	}
	row, hash, err := a.findLink(ctx, c, in.Token)
	if err != nil {
		return info, err
	}
	if message := auth.ValidatePassword(in.Password, row.Username); message != "" {
		return info, problem.BadRequest(problem.FieldError{Field: "password", Message: message})
	}
	passwordHash, err := a.passwords.Hash(ctx, in.Password)
	if err != nil {
		return info, hashingBusyProblem(err)
	}
	// The user is the actor. The account is locked first, as by all statements that lock several of its tables.
	err = c.TxAs(ctx, row.Username, func(ctx context.Context, q *db.Queries) error {
		account, err := q.LockAccountByID(ctx, db.LockAccountByIDParams{ID: row.AccountID})
		if err != nil {
			return err
		}
		_, err = q.UsePasswordLink(ctx, db.UsePasswordLinkParams{Hash: hash, AccountID: account.ID})
		if err != nil {
			return err
		}
		return q.SetPassword(ctx, db.SetPasswordParams{Username: account.Username, PasswordHash: passwordHash})
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return info, invalidLink() // used, replaced or revoked during the request
	}
	if err != nil {
		return info, err
	}
	forbidStorage(c)
	return linkInfo(row), nil
}

// findLink returns the valid link of a token, and the hash of the token. It counts the request for the rate limit of the
// address, which also limits the number of hashed passwords.
func (a *Authenticator) findLink(
	ctx context.Context, c *rest.Call, token string,
) (row db.GetPasswordLinkRow, hash []byte, err error) {
	keys := []string{"link " + rateLimitPrefix(a.clientIP(c.Request))}
	if err := a.countAttempt(ctx, keys, []int32{maxAttemptsPerAddress}); err != nil {
		return row, nil, err
	}
	if hash, err = auth.HashLinkToken(token); err != nil {
		return row, nil, invalidLink()
	}
	row, err = a.queries.GetPasswordLink(ctx, db.GetPasswordLinkParams{Hash: hash})
	if errors.Is(err, pgx.ErrNoRows) {
		return row, nil, invalidLink()
	}
	return row, hash, err
}

func linkInfo(row db.GetPasswordLinkRow) LinkInfo {
	return LinkInfo{
		Username: row.Username, DisplayName: row.DisplayName, Kind: row.Kind, ExpiresAt: row.ExpiresAt,
	}
}

// invalidLink is the same for a link that was used, replaced or revoked, has expired, or never existed.
func invalidLink() error {
	return problem.New(problem.InvalidLink,
		"The link is not valid: it was used, replaced or revoked, or it has expired. Ask an admin for a new one.")
}
