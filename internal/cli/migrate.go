package cli

import (
	"context"
	"errors"
	"fmt"

	"labledger/internal/postgres"
	"labledger/schema"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Apply all migrations that are missing."`
	Down   migrateDownCmd   `cmd:"" help:"Take back the last migration. Its tables go, with all that is in them."`
	Status migrateStatusCmd `cmd:"" help:"Show which migrations are applied."`
}

type migrateUpCmd struct{}

func (migrateUpCmd) Run(ctx context.Context, c *config) error {
	return c.withOwnerDB(ctx, func(d *database) error {
		from, to, err := postgres.Migrate(ctx, d.url, schema.Files)
		if err := printMigration(from, to, err); err != nil {
			return err
		}
		return c.setServerPassword(ctx)
	})
}

// setServerPassword gives the server's role the password of DATABASE_URL, where the owner's URL is another.
func (c *config) setServerPassword(ctx context.Context) error {
	if c.OwnerURL == "" || c.DatabaseURL == "" {
		return nil
	}
	if err := c.serverURL().rejectPlaceholder(); err != nil {
		return err
	}
	changed, err := postgres.SetServerPassword(ctx, c.OwnerURL, c.DatabaseURL)
	if changed {
		fmt.Println("the server's role " + postgres.ServerRole + " has a new password, that of DATABASE_URL")
	}
	return err
}

// printMigration tells how far a migration came, also when it failed on the way.
func printMigration(from, to uint, err error) error {
	if err == nil || from != to {
		fmt.Printf("schema: %d → %d\n", from, to)
	}
	return err
}

type migrateDownCmd struct {
	Steps int `arg:"" default:"1" help:"How many to take back."`
}

func (m migrateDownCmd) Run(ctx context.Context, c *config) error {
	if m.Steps < 1 {
		return errors.New("migrate down: the number of steps must be at least 1")
	}
	return c.withOwnerDB(ctx, func(d *database) error {
		from, to, err := postgres.MigrateDown(ctx, d.url, schema.Files, m.Steps)
		return printMigration(from, to, err)
	})
}

type migrateStatusCmd struct{}

func (migrateStatusCmd) Run(ctx context.Context, c *config) error {
	return c.withOwnerDB(ctx, func(d *database) error {
		status, err := postgres.MigrationStatus(ctx, d.url, schema.Files)
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
			fmt.Println("The last migration was broken off; the next `labledger migrate up` heals that.")
		}
		return nil
	})
}
