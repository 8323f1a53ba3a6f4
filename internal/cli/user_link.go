package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"labledger/api/authn"
	"labledger/db"
	"labledger/internal/auth"
)

type userLinkCmd struct {
	Name   string `arg:"" help:"Username, case-sensitive."`
	Server string `help:"URL of the server for users, with the base path. Default: from HOST, PORT and BASE_PATH." placeholder:"URL"`
}

// Run prints a link with which a user chooses a password. It replaces the previous link of the user.
func (u userLinkCmd) Run(ctx context.Context, c *config) error {
	server, err := u.serverURL(c)
	if err != nil {
		return err
	}
	return c.withCheckedDB(ctx, func(d *database) error {
		token, hash := auth.NewLinkToken()
		var link db.CreatePasswordLinkRow
		err := d.inAuditedTx(ctx, func(q *db.Queries) error {
			account, err := q.LockAccount(ctx, db.LockAccountParams{Username: u.Name})
			if err != nil {
				return err
			}
			if account.Disabled {
				return fmt.Errorf("account %s is disabled; nothing was changed. `labledger user enable` enables it",
					quoteUnprintable(u.Name))
			}
			link, err = q.CreatePasswordLink(ctx, db.CreatePasswordLinkParams{AccountID: account.ID, Hash: hash})
			return err
		})
		if err != nil {
			return accountError(u.Name, err)
		}
		kind := map[string]string{"invitation": "Invitation", "reset": "Password reset"}[link.Kind]
		fmt.Printf("%s for %s, valid once and until %s:\n%s\n",
			kind, quoteUnprintable(u.Name), link.ExpiresAt.UTC().Format(time.RFC3339), server+authn.PasswordPage+token)
		return nil
	})
}

// serverURL returns the URL of the server, without a slash at its end.
func (u userLinkCmd) serverURL(c *config) (string, error) {
	if u.Server == "" {
		return c.localURL() + c.BasePath, nil
	}
	server, err := url.Parse(u.Server)
	if err != nil || server.Scheme != "http" && server.Scheme != "https" || server.Host == "" ||
		server.User != nil || strings.ContainsAny(u.Server, "?#") {
		return "", errors.New("--server must be a URL like https://lab.example.org")
	}
	return strings.TrimRight(u.Server, "/"), nil
}
