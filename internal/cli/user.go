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
	Create   userCreateCmd   `cmd:"" help:"Create an account. The password is asked for, or is the first line of standard input."`
	Password userPasswordCmd `cmd:"" help:"Give an account a new password, asked for in the same way. Its sessions and API tokens end."`
	Role     userRoleCmd     `cmd:"" help:"Say what an account may do."`
	Risk     userRiskCmd     `cmd:"" help:"Set the risk level of an account, for its events from now on."`
	Disable  userDisableCmd  `cmd:"" help:"Let an account do nothing any more. Its sessions and API tokens end."`
	Enable   userEnableCmd   `cmd:"" help:"Let a disabled account sign in again."`
	List     userListCmd     `cmd:"" help:"Show all accounts: what they may do, and when they signed in last, which is known for a month after."`
}

type userCreateCmd struct {
	Name       string `arg:"" help:"Name of the account; upper and lower case differ."`
	Role       string `help:"What it may do: viewer, operator or admin." enum:"viewer,operator,admin" default:"viewer"`
	Country    string `help:"Country, as people there write it."`
	Risk       string `help:"Risk level of its events: low, medium or high." enum:",low,medium,high" default:""`
	NoPassword bool   `help:"Without a password: nobody can sign in to it until it gets one."`
}

// Run asks for a password only when the name is free, and creates the account with it or not at all.
func (u userCreateCmd) Run(ctx context.Context, c *config) error {
	return c.withOwnerDB(ctx, func(d *database) error {
		if err := d.migrateAndSeed(ctx, warnLogger()); err != nil {
			return err
		}
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
		var made db.Account
		err := d.inAuditedTx(ctx, func(q *db.Queries) (err error) {
			made, err = q.CreateAccount(ctx, db.CreateAccountParams{Username: u.Name, Country: optional(u.Country), Risk: optional(u.Risk), Role: &u.Role})
			if err != nil || u.NoPassword {
				return err
			}
			return q.SetPassword(ctx, db.SetPasswordParams{Username: u.Name, PasswordHash: hash})
		})
		if err != nil {
			return accountError(u.Name, err)
		}
		with := "with a password"
		if u.NoPassword {
			with = "without a password, so that nobody can sign in to it"
		}
		fmt.Printf("%s was created: account %d, role %s, %s.\n", quoteUnprintable(u.Name), made.ID, made.Role, with)
		return nil
	})
}

// checkUsernameFree refuses a name that an account has, before anybody types a password for it.
func (u userCreateCmd) checkUsernameFree(ctx context.Context, d *database) error {
	q := db.New(d.pool)
	there, err := q.ListAccounts(ctx, db.ListAccountsParams{After: -1, Username: &u.Name})
	if err != nil || len(there) == 0 {
		return err
	}
	_, err = q.GetCredential(ctx, db.GetCredentialParams{Username: u.Name})
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("there is an account %s already, without a password; it stays as it is. Give it one with `labledger user password`, and a role with `labledger user role`", quoteUnprintable(u.Name))
	}
	if err != nil {
		return err
	}
	return errAccountExists(u.Name)
}

type userPasswordCmd struct {
	Name string `arg:"" help:"Name of the account."`
}

// Run ends the sessions and API tokens of the account: the database does, whoever sets a password.
func (u userPasswordCmd) Run(ctx context.Context, c *config) error {
	return c.withOwnerDB(ctx, func(d *database) error {
		if err := d.migrateAndSeed(ctx, warnLogger()); err != nil {
			return err
		}
		there, err := db.New(d.pool).ListAccounts(ctx, db.ListAccountsParams{After: -1, Username: &u.Name})
		if err != nil {
			return err
		}
		if len(there) == 0 {
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
		fmt.Printf("%s has a new password. The sessions and API tokens of the account have ended.\n", quoteUnprintable(u.Name))
		return nil
	})
}

type userRoleCmd struct {
	Name string `arg:"" help:"Name of the account."`
	Role string `arg:"" help:"viewer, operator or admin." enum:"viewer,operator,admin"`
}

func (u userRoleCmd) Run(ctx context.Context, c *config) error {
	return c.changeUser(ctx, u.Name, db.PatchAccountParams{Given: []string{"role"}, Role: u.Role}, "The role of %s is "+u.Role+" now.\n")
}

type userRiskCmd struct {
	Name  string `arg:"" help:"Name of the account."`
	Level string `arg:"" help:"low, medium or high; none counts as medium." enum:"low,medium,high,none"`
}

func (u userRiskCmd) Run(ctx context.Context, c *config) error {
	change, done := db.PatchAccountParams{Given: []string{"risk"}, Risk: &u.Level}, "The risk level of %s is "+u.Level+" now.\n"
	if u.Level == "none" {
		change.Risk, done = nil, "%s has no risk level now, which counts as medium.\n"
	}
	return c.changeUser(ctx, u.Name, change, done)
}

type userDisableCmd struct {
	Name string `arg:"" help:"Name of the account."`
}

func (u userDisableCmd) Run(ctx context.Context, c *config) error {
	return c.changeUser(ctx, u.Name, db.PatchAccountParams{Given: []string{"disabled"}, Disabled: true},
		"%s is disabled. The sessions and API tokens of the account have ended.\n")
}

type userEnableCmd struct {
	Name string `arg:"" help:"Name of the account."`
}

func (u userEnableCmd) Run(ctx context.Context, c *config) error {
	return c.changeUser(ctx, u.Name, db.PatchAccountParams{Given: []string{"disabled"}}, "%s is enabled: it may do what its role allows.\n")
}

type userListCmd struct{}

func (userListCmd) Run(ctx context.Context, c *config) error {
	return c.withOwnerDB(ctx, func(d *database) error {
		if err := d.migrateAndSeed(ctx, warnLogger()); err != nil {
			return err
		}
		users, err := db.New(d.pool).ListAccountsWithLastLogin(ctx)
		if err != nil {
			return err
		}
		out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(out, "ID\tUSERNAME\tROLE\tRISK\tDISABLED\tPASSWORD\tLAST SIGN-IN") // the writer keeps its first error
		word := map[bool]string{true: "yes", false: "no"}
		for _, u := range users {
			risk, last := "-", "-"
			if u.Risk != nil {
				risk = *u.Risk
			}
			if u.SignedInAt != nil {
				last = u.SignedInAt.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(out, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", u.ID, quoteUnprintable(u.Username), u.Role, risk, word[u.Disabled], word[u.HasPassword], last)
		}
		return out.Flush()
	})
}

// changeUser changes the account of a name, and says with done, which has room for the name, that it did.
func (c *config) changeUser(ctx context.Context, name string, change db.PatchAccountParams, done string) error {
	return c.withOwnerDB(ctx, func(d *database) error {
		if err := d.migrateAndSeed(ctx, warnLogger()); err != nil {
			return err
		}
		err := d.inAuditedTx(ctx, func(q *db.Queries) error {
			found, err := q.LockAccount(ctx, db.LockAccountParams{Username: name})
			if err != nil {
				return err
			}
			change.ID = found.ID
			_, err = q.PatchAccount(ctx, change)
			return err
		})
		if err != nil {
			return accountError(name, err)
		}
		fmt.Printf(done, quoteUnprintable(name))
		return nil
	})
}

// inAuditedTx runs queries in a transaction of which the history says that it was ours.
func (d *database) inAuditedTx(ctx context.Context, run func(*db.Queries) error) error {
	return pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		q := db.New(tx)
		if err := q.SetRequestContext(ctx, db.SetRequestContextParams{Actor: osUsername()}); err != nil {
			return err
		}
		return run(q)
	})
}

func errNoAccount(name string) error {
	return fmt.Errorf("there is no account %s; upper and lower case differ. `labledger user list` shows all", quoteUnprintable(name))
}

func errAccountExists(name string) error {
	return fmt.Errorf("there is an account %s already; it stays as it is. `labledger user password` gives it a new password", quoteUnprintable(name))
}

// accountError says in plain words what the database does not take.
func accountError(name string, err error) error {
	var fault *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return errNoAccount(name)
	case !errors.As(err, &fault):
		return err
	case fault.ConstraintName == "account_username_unique": // since a moment ago
		return errAccountExists(name)
	case strings.HasPrefix(fault.ConstraintName, "account_"): // the name is the rule
		return errors.New("nothing was changed: " + strings.ReplaceAll(strings.TrimPrefix(fault.ConstraintName, "account_"), "_", " "))
	}
	return err
}

// optional is nil for a flag that was left out.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// quoteUnprintable is a name as it may go to a terminal: a client of the API may have put anything into it.
func quoteUnprintable(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}

// warnIfNoAdmin warns when people have to sign in, and nobody could make them more than viewers.
func (c *config) warnIfNoAdmin(ctx context.Context, log *slog.Logger, d *database) error {
	if !c.authRequired() {
		return nil
	}
	there, err := db.New(d.pool).HasAdmin(ctx)
	if err == nil && !there {
		log.Warn("there is no admin who can sign in. Make one: labledger user create NAME --role admin")
	}
	return err
}
