package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/db"
)

type userCmd struct {
	Create   userCreateCmd   `cmd:"" help:"Create an account. Prompts for the password, or reads it from the first line of standard input."`
	Password userPasswordCmd `cmd:"" help:"Set a new password, read in the same way. Revokes the account's sessions and API tokens, and lifts the rate limit of failed sign-ins."`
	Link     userLinkCmd     `cmd:"" help:"Print a link with which the user chooses a password: an invitation, or a password reset. It is valid once and for 24 hours."`
	Role     userRoleCmd     `cmd:"" help:"Set the role of an account."`
	Risk     userRiskCmd     `cmd:"" help:"Set the risk level of an account, for its future events."`
	Disable  userDisableCmd  `cmd:"" help:"Disable an account. Revokes its sessions and API tokens."`
	Enable   userEnableCmd   `cmd:"" help:"Enable a disabled account."`
	List     userListCmd     `cmd:"" help:"List all accounts with their roles and the last sign-in, which is stored for a month."`
}

type userCreateCmd struct {
	Name        string `arg:"" help:"Username, case-sensitive."`
	DisplayName string `help:"Name of the user as people read it. Default: the username."`
	Email       string `help:"E-mail address of the user."`
	Role        string `help:"Role: viewer, operator or admin." enum:"viewer,operator,admin" default:"viewer"`
	Country     string `help:"Country of the user, as free text."`
	Risk        string `help:"Risk level of the user's events: low, medium or high." enum:",low,medium,high" default:""`
	NoPassword  bool   `help:"Create the account without a password. The user cannot sign in until one is set: labledger user link invites the user."`
}

// Run creates an account with its password in one transaction. It checks that the name is free before it prompts.
func (u userCreateCmd) Run(ctx context.Context, c *config) error {
	return c.withCheckedDB(ctx, func(d *database) error {
		if err := u.checkUsernameFree(ctx, d); err != nil {
			return err
		}
		hash := ""
		if !u.NoPassword {
			var err error
			if hash, err = hashNewPassword(ctx, u.Name); err != nil {
				return err
			}
		}
		var created db.Account
		err := d.inAuditedTx(ctx, func(q *db.Queries) (err error) {
			created, err = q.CreateAccount(ctx, db.CreateAccountParams{
				Username: u.Name, DisplayName: optional(u.DisplayName), Email: optional(u.Email),
				Country: optional(u.Country), Risk: optional(u.Risk), Role: &u.Role,
			})
			if err != nil || u.NoPassword {
				return err
			}
			return q.SetPassword(ctx, db.SetPasswordParams{Username: u.Name, PasswordHash: hash})
		})
		if err != nil {
			return accountError(u.Name, err)
		}
		suffix := ""
		if u.NoPassword {
			suffix = ", without a password: sign-in is not possible"
		}
		fmt.Printf("Created account %d: %s, role %s%s.\n", created.ID, quoteUnprintable(u.Name), created.Role, suffix)
		return nil
	})
}

// checkUsernameFree returns an error if an account has the name.
func (u userCreateCmd) checkUsernameFree(ctx context.Context, d *database) error {
	q := db.New(d.pool)
	_, err := q.GetDirectoryEntry(ctx, db.GetDirectoryEntryParams{Username: u.Name})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = q.GetCredential(ctx, db.GetCredentialParams{Username: u.Name})
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("account %s already exists, without a password; nothing was changed. "+
			"Set its password with `labledger user password`, and its role with `labledger user role`",
			quoteUnprintable(u.Name))
	}
	if err != nil {
		return err
	}
	return errAccountExists(u.Name)
}

type userPasswordCmd struct {
	Name string `arg:"" help:"Username, case-sensitive."`
}

// Run sets the password of an account. A trigger revokes the account's sessions and API tokens.
func (u userPasswordCmd) Run(ctx context.Context, c *config) error {
	return c.withCheckedDB(ctx, func(d *database) error {
		_, err := db.New(d.pool).GetDirectoryEntry(ctx, db.GetDirectoryEntryParams{Username: u.Name})
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if err != nil {
			return errNoAccount(u.Name)
		}
		hash, err := hashNewPassword(ctx, u.Name)
		if err != nil {
			return err
		}
		err = d.inAuditedTx(ctx, func(q *db.Queries) error {
			if _, err := q.LockAccount(ctx, db.LockAccountParams{Username: u.Name}); err != nil {
				return err
			}
			return q.SetPassword(ctx, db.SetPasswordParams{Username: u.Name, PasswordHash: hash})
		})
		if err != nil {
			return accountError(u.Name, err)
		}
		fmt.Printf("Set a new password for %s. All sessions and API tokens of the account are revoked, "+
			"and failed sign-ins no longer count.\n", quoteUnprintable(u.Name))
		return nil
	})
}

type userRoleCmd struct {
	Name string `arg:"" help:"Username, case-sensitive."`
	Role string `arg:"" help:"viewer, operator or admin." enum:"viewer,operator,admin"`
}

func (u userRoleCmd) Run(ctx context.Context, c *config) error {
	patch := db.PatchAccountParams{Given: []string{"role"}, Role: u.Role}
	return c.changeUser(ctx, u.Name, patch, "Set the role of %s to "+u.Role+".\n")
}

type userRiskCmd struct {
	Name  string `arg:"" help:"Username, case-sensitive."`
	Level string `arg:"" help:"low, medium, high, or none, which counts as medium." enum:"low,medium,high,none"`
}

func (u userRiskCmd) Run(ctx context.Context, c *config) error {
	patch := db.PatchAccountParams{Given: []string{"risk"}, Risk: &u.Level}
	message := "Set the risk level of %s to " + u.Level + ".\n"
	if u.Level == "none" {
		patch.Risk = nil
		message = "Removed the risk level of %s, which now counts as medium.\n"
	}
	return c.changeUser(ctx, u.Name, patch, message)
}

type userDisableCmd struct {
	Name string `arg:"" help:"Username, case-sensitive."`
}

func (u userDisableCmd) Run(ctx context.Context, c *config) error {
	patch := db.PatchAccountParams{Given: []string{"disabled"}, Disabled: true}
	return c.changeUser(ctx, u.Name, patch, "Disabled %s. All sessions and API tokens of the account are revoked.\n")
}

type userEnableCmd struct {
	Name string `arg:"" help:"Username, case-sensitive."`
}

func (u userEnableCmd) Run(ctx context.Context, c *config) error {
	patch := db.PatchAccountParams{Given: []string{"disabled"}}
	return c.changeUser(ctx, u.Name, patch, "Enabled %s.\n")
}

type userListCmd struct{}

func (userListCmd) Run(ctx context.Context, c *config) error {
	return c.withCheckedDB(ctx, func(d *database) error {
		users, err := db.New(d.pool).ListAccountsWithLastLogin(ctx)
		if err != nil {
			return err
		}
		out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0) // Flush reports its write errors
		fmt.Fprintln(out, "ID\tUSERNAME\tNAME\tROLE\tRISK\tDISABLED\tPASSWORD\tLAST SIGN-IN")
		yesNo := map[bool]string{true: "yes", false: "no"}
		for _, u := range users {
			name, risk, lastLogin := "-", "-", "-"
			if u.DisplayName != nil {
				name = quoteUnprintable(*u.DisplayName)
			}
			if u.Risk != nil {
				risk = *u.Risk
			}
			if u.SignedInAt != nil {
				lastLogin = u.SignedInAt.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(out, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", u.ID, quoteUnprintable(u.Username), name, u.Role,
				risk, yesNo[u.Disabled], yesNo[u.HasPassword], lastLogin)
		}
		return out.Flush()
	})
}

// changeUser patches the account with a name, and prints message, a format with one verb for the name.
func (c *config) changeUser(ctx context.Context, name string, patch db.PatchAccountParams, message string) error {
	return c.withCheckedDB(ctx, func(d *database) error {
		err := d.inAuditedTx(ctx, func(q *db.Queries) error {
			account, err := q.LockAccount(ctx, db.LockAccountParams{Username: name})
			if err != nil {
				return err
			}
			patch.ID = account.ID
			_, err = q.PatchAccount(ctx, patch)
			return err
		})
		if err != nil {
			return accountError(name, err)
		}
		fmt.Printf(message, quoteUnprintable(name))
		return nil
	})
}

// inAuditedTx runs queries in a transaction whose actor in the history is the OS user.
func (d *database) inAuditedTx(ctx context.Context, run func(*db.Queries) error) error {
	return pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		q := db.New(tx)
		if err := q.SetRequestContext(ctx, db.SetRequestContextParams{Actor: osActor()}); err != nil {
			return err
		}
		return run(q)
	})
}

func errNoAccount(name string) error {
	return fmt.Errorf("no account %s; names are case-sensitive. `labledger user list` lists all accounts",
		quoteUnprintable(name))
}

func errAccountExists(name string) error {
	return fmt.Errorf("account %s already exists; nothing was changed. `labledger user password` sets a new password",
		quoteUnprintable(name))
}

// accountError converts a database error of a change to an account into a message for the operator.
func accountError(name string, err error) error {
	var pgErr *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return errNoAccount(name)
	case !errors.As(err, &pgErr):
		return err
	case pgErr.ConstraintName == "account_username_unique": // created after checkUsernameFree
		return errAccountExists(name)
	case pgErr.ConstraintName == "account_username_key_idx":
		return fmt.Errorf("nothing was changed: %s looks like the username of another account. "+
			"`labledger user list` lists all accounts", quoteUnprintable(name))
	case strings.HasPrefix(pgErr.ConstraintName, "account_"): // the name states the rule
		rule := strings.ReplaceAll(strings.TrimPrefix(pgErr.ConstraintName, "account_"), "_", " ")
		return errors.New("nothing was changed: " + rule)
	}
	return err
}

// optional returns nil for an empty flag.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// quoteUnprintable quotes a name that has control or invisible characters. A client of the API chooses the name, and a
// terminal must not interpret it.
func quoteUnprintable(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}

// warnIfNoAdmin logs a warning if users must sign in and no admin can.
func (c *config) warnIfNoAdmin(ctx context.Context, log *slog.Logger, d *database) error {
	if !c.authRequired() {
		return nil
	}
	exists, err := db.New(d.pool).HasAdmin(ctx)
	if err == nil && !exists {
		log.Warn("no admin can sign in; create one: labledger user create NAME --role admin")
	}
	return err
}
