package cli

import "context"

type seedCmd struct{}

func (seedCmd) Run(ctx context.Context, c *config) error {
	return c.withOwnerDB(ctx, func(d *database) error {
		if err := d.migrateAndSeed(ctx, warnLogger()); err != nil {
			return err
		}
		return d.seed(ctx)
	})
}
