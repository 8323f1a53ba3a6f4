package cli

import (
	"cmp"
	"context"
	"fmt"

	"github.com/google/uuid"

	"labledger/internal/ledger"
)

type ledgerCmd struct {
	Verify  ledgerVerifyCmd  `cmd:"" help:"Recompute all facts, alerts and states from the events, and tell what is recorded otherwise. Exit code 1 when anything is."`
	Rebuild ledgerRebuildCmd `cmd:"" help:"Verify, and put right the states that differ. The server may run meanwhile."`
}

type (
	ledgerVerifyCmd  struct{}
	ledgerRebuildCmd struct{}
)

// Run ends with exit code 1 when there is a difference.
func (ledgerVerifyCmd) Run(ctx context.Context, c *config) error {
	return c.runVerify(ctx, (*ledger.Ledger).Verify)
}

// Run ends with exit code 1 when there is a difference that could not be put right.
func (ledgerRebuildCmd) Run(ctx context.Context, c *config) error {
	return c.runVerify(ctx, (*ledger.Ledger).Rebuild)
}

// runVerify runs Verify or Rebuild and prints each difference as it is found, then a summary.
func (c *config) runVerify(ctx context.Context, run func(*ledger.Ledger, context.Context, func(int64), func(ledger.Difference)) (ledger.Summary, error)) error {
	return c.withOwnerDB(ctx, func(d *database) error {
		if err := d.migrateAndSeed(ctx, warnLogger()); err != nil {
			return err
		}
		count := newProgressLine()
		s, err := run(ledger.New(d.pool, nil), ctx, count.update, func(d ledger.Difference) {
			count.done()
			where := fmt.Sprintf("user %d", d.UserID)
			if d.EventID != uuid.Nil {
				where += ", event " + d.EventID.String()
			}
			mark := ""
			if d.Repaired {
				mark = " (put right)"
			}
			fmt.Printf("%s: %s%s\n  recorded:   %s\n  recomputed: %s\n", where, d.What, mark, d.Recorded, d.Recomputed)
		})
		count.done()
		if err != nil {
			return err
		}
		fmt.Printf("%d users, %d events, %d alerts: %s\n", s.Users, s.Events, s.Alerts, cmp.Or(summaryText(s), "all as it should be"))
		if s.Differences > s.Repaired {
			return exitCode(1)
		}
		return nil
	})
}

func summaryText(s ledger.Summary) (text string) {
	if s.Repaired > 0 {
		text = fmt.Sprintf(", %d of them put right", s.Repaired)
	}
	if s.Differences > 0 {
		text = fmt.Sprintf("%d differences%s", s.Differences, text)
	}
	return text
}
