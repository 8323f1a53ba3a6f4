package cli

import (
	"context"
)

type seedCmd struct{}

func (seedCmd) Run(ctx context.Context, c *config) error {
	return c.beside(ctx, func(d *database) error {
		if err := d.ready(ctx, quiet()); err != nil {
			return err
		}
		return d.seed(ctx)
	})
}
