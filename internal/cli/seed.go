package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"labledger/internal/demo/load"
)

type seedCmd struct {
	Demo bool `help:"Load a whole laboratory instead: sites, freezers, containers, users without passwords, and 90 days of events. The database must hold no other data than the mock data."`
}

func (s seedCmd) Run(ctx context.Context, c *config) error {
	return c.withOwnerDB(ctx, func(d *database) error {
		if err := d.migrateAndSeed(ctx, warnLogger()); err != nil {
			return err
		}
		if s.Demo {
			return d.loadDemo(ctx)
		}
		return d.seed(ctx)
	})
}

// loadDemo loads the laboratory of the demonstration.
func (d *database) loadDemo(ctx context.Context) error {
	loaded, err := load.Run(ctx, d.pool, time.Now())
	var other *load.OtherDataError
	if errors.As(err, &other) {
		return fmt.Errorf("%w. Nothing was changed; use an empty database, such as that of another STATE_DIR", err)
	}
	if err != nil {
		return err
	}
	fmt.Printf("Loaded a laboratory with %d containers, %d events and %d alerts. Its users have no passwords: "+
		"`labledger user link technician1` invites an admin.\n", loaded.Containers, loaded.Events, loaded.Alerts)
	return nil
}
