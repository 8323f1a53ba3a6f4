package cli

import (
	"context"
	"errors"
	"fmt"

	"labledger/internal/postgres"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Apply all missing migrations."`
	Down   migrateDownCmd   `cmd:"" help:"Revert the last migration. Deletes its tables and their data."`
	Status migrateStatusCmd `cmd:"" help:"Show which migrations are applied."`
}

type migrateUpCmd struct{}

func (migrateUpCmd) Run(ctx context.Context, c *config) error {
	return c.withOwnerDB(ctx, func(d *database) error {
		from, to, err := migrate.Up(ctx, d.url, schema.Files)
		if err := printMigration(from, to, err); err != nil {
			return err
		}
		return c.setUpServerRole(ctx)
	})
}

// setUpServerRole gives the role of DATABASE_URL the privileges of the server and its password, if the owner has a
// separate URL.
func (c *config) setUpServerRole(ctx context.Context) error {
	if c.OwnerURL == "" || c.DatabaseURL == "" {
		return nil
	}
	if err := c.serverURL().rejectPlaceholder(); err != nil {
		return err
	}
	change, err := postgres.SetUpServerRole(ctx, c.OwnerURL, c.DatabaseURL)
	if change.Created {
		fmt.Println("server role " + change.Role + " created")
	}
	if change.PasswordSet {
		fmt.Println("password of the server role " + change.Role + " set from DATABASE_URL")
	}
	return err
}

// printMigration prints the schema version before and after a migration, also if it failed halfway, and returns err.
func printMigration(from, to uint, err error) error {
	if err == nil || from != to {
		fmt.Printf("schema: %d → %d\n", from, to)
	}
	return err
}

type migrateDownCmd struct {
	Steps int `arg:"" default:"1" help:"Number of migrations to revert."`
}

func (m migrateDownCmd) Run(ctx context.Context, c *config) error {
	if m.Steps < 1 {
		return errors.New("migrate down: the number of migrations must be at least 1")
	}
	return c.withOwnerDB(ctx, func(d *database) error {
		from, to, err := migrate.Down(ctx, d.url, schema.Files, m.Steps)
		return printMigration(from, to, err)
	})
}

type migrateStatusCmd struct{}

func (migrateStatusCmd) Run(ctx context.Context, c *config) error {
	return c.withOwnerDB(ctx, func(d *database) error {
		status, err := migrate.Status(ctx, d.url, schema.Files)
		if err != nil {
			return err
		}
		for _, m := range status.Files {
			state := "missing"
			if m.Applied {
				state = "applied"
			}
			fmt.Printf("%6d  %-8s %s\n", m.Version, state, m.Name)
		}
		if status.Dirty {
			fmt.Println("The last migration was interrupted; `labledger migrate up` repairs it.")
		}
		return nil
	})
}
