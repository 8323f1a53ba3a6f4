package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/internal/pgtest"
	"labledger/internal/rules"
)

// invalidColumn stores a rule in a transaction that it rolls back. It returns the column whose constraint rejected the
// rule, or "".
func invalidColumn(t *testing.T, conn *pgx.Conn, r rules.Rule) string {
	t.Helper()
	tx, err := conn.Begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	_, err = tx.Exec(context.Background(), `INSERT INTO rule (code, title, applies_to, "limit", window_seconds, enabled, severity)
		VALUES ($1, 'Title', $2, $3, $4, true, 'warning')
		ON CONFLICT (code) DO UPDATE SET applies_to = excluded.applies_to, "limit" = excluded."limit",
			window_seconds = excluded.window_seconds`, r.Code, r.AppliesTo, r.Limit.String(), r.WindowSeconds)
	var pgErr *pgconn.PgError
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &pgErr):
		t.Fatal(err)
	case pgErr.Code == pgerrcode.NumericValueOutOfRange:
		return "limit" // the only numeric column
	case pgErr.Code == pgerrcode.CheckViolation:
		for _, column := range []string{"code", "applies_to", "limit", "window_seconds"} {
			if strings.HasPrefix(pgErr.ConstraintName, "rule_"+column+"_") {
				return column
			}
		}
	}
	t.Fatalf("%+v: %v", r, err)
	return ""
}

// TestRuleBounds_equalConstraints stores rules with values at the edges. Postgres must accept exactly the rules that
// rules.Validate accepts, and name a column that it names.
func TestRuleBounds_equalConstraints(t *testing.T) {
	t.Parallel()
	conn := pgtest.Connect(t, pgtest.Database(t))
	accepted := 0
	check := func(r rules.Rule) {
		t.Helper()
		var invalid []string
		for _, e := range rules.Validate(r) {
			invalid = append(invalid, e.Field)
		}
		column := invalidColumn(t, conn, r)
		if column == "" {
			accepted++
		}
		if (column == "") != (invalid == nil) || column != "" && !slices.Contains(invalid, column) {
			window := "none"
			if r.WindowSeconds != nil {
				window = fmt.Sprint(*r.WindowSeconds)
			}
			t.Errorf("code %d, applies_to %q, limit %s, window %s: Validate rejects %q, Postgres %q", r.Code,
				r.AppliesTo, r.Limit, window, invalid, column)
		}
	}
	codes := []int32{29, 30, 123, 300, 500, 1100}
	limits := []rules.Cents{
		-1, 0, 1, 99, 1_00, 1_01, 2_50, rules.MaxCount - 1, rules.MaxCount, rules.MaxCount + 1, rules.MaxCount + 1_00,
		rules.MaxAmount, rules.MaxAmount + 1,
	}
	windows := []*int64{nil}
	for _, window := range []int64{-1, 0, rules.MaxWindow, rules.MaxWindow + 1} {
		windows = append(windows, &window)
	}
	for _, code := range codes {
		for _, window := range windows {
			for _, limit := range limits {
				check(rules.Rule{Code: code, AppliesTo: "any", Limit: limit, WindowSeconds: window})
			}
			for _, appliesTo := range []string{"", "deposit", "withdraw", "withdrawal", "Any"} {
				check(rules.Rule{Code: code, AppliesTo: appliesTo, Limit: 1_00, WindowSeconds: window})
			}
		}
	}
	for _, code := range []int32{-30, 0, 31, 122, 124, 299, 301, 499, 501, 1099, 1101} {
		check(rules.Rule{Code: code, AppliesTo: "any", Limit: 1_00})
	}
	// Rules 30 and 300 have 4 valid combinations, rule 500 has 8, rule 123 has 26 and rule 1100 has 13.
	if accepted != 55 {
		t.Errorf("control: Postgres accepted %d rules, want 55", accepted)
	}
}
