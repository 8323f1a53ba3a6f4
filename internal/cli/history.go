package cli

import (
	"context"
	"fmt"
	"os"

	"labledger/db"
	"labledger/internal/history"
)

type historyCmd struct {
	Verify historyVerifyCmd `cmd:"" help:"Recompute the seals of the history and print every changed, missing or added row. Exit code 1 if there is one."`
}

type historyVerifyCmd struct {
	Expect []string `help:"A seal that must exist: its ID and its chain, from the log, a backup or an earlier run. Repeatable." placeholder:"ID:CHAIN"`
}

// Run exits with code 1 if there is a finding.
func (h historyVerifyCmd) Run(ctx context.Context, c *config) error {
	expected, err := h.expectations()
	if err != nil {
		return err
	}
	return c.withCheckedDB(ctx, func(d *database) error {
		progress, out := newProgressLine(), printableOn(os.Stdout)
		summary, err := history.Verify(ctx, db.New(d.pool), expected, progress.updateChanges, func(f history.Finding) {
			progress.done()
			fmt.Fprintf(out, "%s: %s\n  recorded:   %s\n  recomputed: %s\n  %s\n",
				f.Subject, f.What, f.Recorded, f.Recomputed, f.Remedy)
		})
		progress.done()
		if err != nil {
			return err
		}
		printHistorySummary(summary, expected)
		if summary.Findings > 0 {
			return exitCode(1)
		}
		return nil
	})
}

// expectations parses the option --expect. Its error lists all invalid values.
func (h historyVerifyCmd) expectations() (expected []history.Expectation, err error) {
	var errs []error
	for _, text := range h.Expect {
		e, err := history.ParseExpectation(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("--expect: %w", err))
		}
		expected = append(expected, e)
	}
	return expected, joinErrors("history verify: invalid arguments:", errs)
}

// printHistorySummary prints the result. Its last line is for --expect in a later run.
func printHistorySummary(s history.Summary, expected []history.Expectation) {
	result := "no differences"
	if s.Findings > 0 {
		result = fmt.Sprintf("%d differences", s.Findings)
	}
	fmt.Printf("%d seals, %d sealed changes: %s\n", s.Seals, s.Changes, result)
	fmt.Printf("%d changes are not sealed yet\n", s.Unsealed)
	if s.Newest == nil {
		return
	}
	if s.Findings == 0 && len(expected) == 0 {
		fmt.Println("The seals are consistent with the history. " +
			"Only a seal that was kept elsewhere proves that both were not replaced: use --expect.")
	}
	fmt.Println("newest seal: " + history.ExpectationOf(*s.Newest).String())
}
