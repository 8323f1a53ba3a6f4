package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/google/uuid"

	"labledger/internal/ledger"
)

type ledgerCmd struct {
	Verify  ledgerVerifyCmd  `cmd:"" help:"Recompute the ledger from its events and print every difference. Exit code 1 if there is one."`
	Rebuild ledgerRebuildCmd `cmd:"" help:"Verify, and repair user states that differ. The server may run at the same time. Exit code 1 if a difference remains."`
}

type (
	ledgerVerifyCmd  struct{}
	ledgerRebuildCmd struct{}
)

// Run exits with code 1 if there is a difference.
func (ledgerVerifyCmd) Run(ctx context.Context, c *config) error {
	return c.runVerify(ctx, (*ledger.Ledger).Verify)
}

// Run exits with code 1 if there is a difference that was not repaired.
func (ledgerRebuildCmd) Run(ctx context.Context, c *config) error {
	return c.runVerify(ctx, (*ledger.Ledger).Rebuild)
}

// verifyFunc is Verify or Rebuild of a Ledger.
type verifyFunc func(
	l *ledger.Ledger, ctx context.Context, progress func(events int64), report func(ledger.Difference),
) (ledger.Summary, error)

// runVerify runs Verify or Rebuild. It prints each difference when it is found, then a summary.
func (c *config) runVerify(ctx context.Context, verify verifyFunc) error {
	return c.withCheckedDB(ctx, func(d *database) error {
		progress, out := newProgressLine(), printableOn(os.Stdout)
		summary, err := verify(ledger.New(d.pool, nil), ctx, progress.updateEvents, func(d ledger.Difference) {
			progress.done()
			subject := fmt.Sprintf("user %d", d.UserID)
			if d.EventID != uuid.Nil {
				subject += ", event " + d.EventID.String()
			}
			suffix := ""
			if d.Repaired {
				suffix = " (repaired)"
			}
			fmt.Fprintf(out, "%s: %s%s\n  recorded:   %s\n  recomputed: %s\n",
				subject, d.What, suffix, d.Recorded, d.Recomputed)
		})
		progress.done()
		if err != nil {
			return err
		}
		fmt.Printf("%d users, %d events, %d alerts: %s\n",
			summary.Users, summary.Events, summary.Alerts, cmp.Or(summaryText(summary), "no differences"))
		if summary.Differences > summary.Repaired {
			return exitCode(1)
		}
		return nil
	})
}

// summaryText describes the differences of a summary. It returns "" if there are none.
func summaryText(s ledger.Summary) (text string) {
	if s.Repaired > 0 {
		text = fmt.Sprintf(", %d of them repaired", s.Repaired)
	}
	if s.Differences > 0 {
		text = fmt.Sprintf("%d differences%s", s.Differences, text)
	}
	return text
}
