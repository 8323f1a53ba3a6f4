package ledger

import (
	"context"
	"math"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"labledger/db"
	"labledger/internal/rules"
)

// This file reads a snapshot of the whole ledger in bounded memory, for replay and verification.

const pageSize = 10_000 // rows in a page

// inSnapshot calls read with a snapshot of the ledger. It does not block other transactions.
func (l *Ledger) inSnapshot(ctx context.Context, read func(*db.Queries) error) error {
	return l.inTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, read)
}

// inTx calls do in a transaction with custom plans for all statements.
func (l *Ledger) inTx(ctx context.Context, options pgx.TxOptions, do func(*db.Queries) error) error {
	return pgx.BeginTxFunc(ctx, l.pool, options, func(tx pgx.Tx) error {
		q := db.New(tx)
		if err := q.ForceCustomPlans(ctx); err != nil {
			return err
		}
		return do(q)
	})
}

// loadRulesets reads all rule sets and applies the changes to them. It returns them by ID, with the longest window of
// all. It omits rule sets that do not parse.
func loadRulesets(
	ctx context.Context, q *db.Queries, changes []RuleChange,
) (sets map[int64]rules.Set, horizon int64, err error) {
	rows, err := q.ListRulesets(ctx)
	sets = make(map[int64]rules.Set, len(rows))
	for _, row := range rows {
		set, err := rules.ParseSet(row.Rules)
		if err != nil {
			continue // matters only if an event refers to the set; callers check that
		}
		for _, change := range changes {
			change.applyTo(set)
		}
		sets[row.ID] = set
		horizon = max(horizon, set.LongestWindow())
	}
	return sets, horizon, err
}

// A cursor iterates over rows that are sorted by user. It fetches them page by page.
type cursor[T any] struct {
	fetch  func(last *T) ([]T, error) // returns the page after row last; the first page for nil
	userOf func(*T) int64
	rows   []T
	pos    int
	done   bool  // there are no more pages
	err    error // first error of fetch
}

// peek returns the next row without consuming it; nil at the end or after an error. The row is valid until the cursor
// fetches the next page.
func (c *cursor[T]) peek() *T {
	if c.pos == len(c.rows) && !c.done {
		var last *T
		if c.pos > 0 {
			last = &c.rows[c.pos-1]
		}
		c.rows, c.err = c.fetch(last)
		c.pos, c.done = 0, c.err != nil || len(c.rows) < pageSize
	}
	if c.pos == len(c.rows) {
		return nil
	}
	return &c.rows[c.pos]
}

// peekUser returns the user of the next row; math.MaxInt64 at the end.
func (c *cursor[T]) peekUser() int64 {
	if row := c.peek(); row != nil {
		return c.userOf(row)
	}
	return math.MaxInt64
}

// next consumes and returns the next row if it belongs to the user. Otherwise it returns nil.
func (c *cursor[T]) next(user int64) *T {
	if c.peekUser() != user {
		return nil
	}
	c.pos++
	return &c.rows[c.pos-1]
}

// eventCursor returns a cursor over the events of the users after user ID after, or of the user only if that is not
// nil. The events of each user are in the order of arrival. progress, if not nil, is called after each page with the
// number of events read.
func eventCursor(
	ctx context.Context, q *db.Queries, after int64, only *int64, progress func(int64),
) *cursor[db.ListLedgerRow] {
	count := int64(0)
	page := db.ListLedgerParams{AfterUser: startAfter(after, only), AfterID: uuid.Max, UserID: only, Limit: pageSize}
	return &cursor[db.ListLedgerRow]{
		userOf: func(row *db.ListLedgerRow) int64 { return row.UserID },
		fetch: func(last *db.ListLedgerRow) ([]db.ListLedgerRow, error) {
			if last != nil {
				page.AfterUser, page.AfterID = last.UserID, last.ID
			}
			rows, err := q.ListLedger(ctx, page)
			if count += int64(len(rows)); progress != nil {
				progress(count)
			}
			return rows, err
		},
	}
}

// alertCursor returns a cursor over the alerts of the same users as eventCursor, those of each user in the order of the
// events.
func alertCursor(ctx context.Context, q *db.Queries, after int64, only *int64) *cursor[db.ListLedgerAlertsRow] {
	page := db.ListLedgerAlertsParams{
		AfterUser: startAfter(after, only), AfterEvent: uuid.Max, UserID: only, Limit: pageSize,
	}
	return &cursor[db.ListLedgerAlertsRow]{
		userOf: func(row *db.ListLedgerAlertsRow) int64 { return row.UserID },
		fetch: func(last *db.ListLedgerAlertsRow) ([]db.ListLedgerAlertsRow, error) {
			if last != nil {
				page.AfterUser, page.AfterEvent = last.UserID, last.EventID
			}
			return q.ListLedgerAlerts(ctx, page)
		},
	}
}

// voidCursor returns a cursor over the voids of the same users as eventCursor, those of each user in the order of
// arrival.
func voidCursor(ctx context.Context, q *db.Queries, after int64, only *int64) *cursor[db.ListVoidsRow] {
	page := db.ListVoidsParams{AfterUser: startAfter(after, only), AfterID: uuid.Max, UserID: only, Limit: pageSize}
	return &cursor[db.ListVoidsRow]{
		userOf: func(row *db.ListVoidsRow) int64 { return row.UserID },
		fetch: func(last *db.ListVoidsRow) ([]db.ListVoidsRow, error) {
			if last != nil {
				page.AfterUser, page.AfterID = last.UserID, last.ID
			}
			return q.ListVoids(ctx, page)
		},
	}
}

// startAfter returns the user ID after which to start reading. For a single user it skips all users before that one.
func startAfter(after int64, only *int64) int64 {
	if only != nil {
		return *only - 1
	}
	return after
}

// stateCursor returns a cursor over the states of the users after user ID after.
func stateCursor(ctx context.Context, q *db.Queries, after int64) *cursor[db.UserState] {
	return &cursor[db.UserState]{
		userOf: func(row *db.UserState) int64 { return row.UserID },
		fetch: func(last *db.UserState) ([]db.UserState, error) {
			if last != nil {
				after = last.UserID
			}
			return q.ListStates(ctx, db.ListStatesParams{After: after, Limit: pageSize})
		},
	}
}

// riskCursor returns a cursor over the risk levels of the users after user ID after.
func riskCursor(ctx context.Context, q *db.Queries, after int64) *cursor[db.ListRiskLevelsRow] {
	return &cursor[db.ListRiskLevelsRow]{
		userOf: func(row *db.ListRiskLevelsRow) int64 { return row.ID },
		fetch: func(last *db.ListRiskLevelsRow) ([]db.ListRiskLevelsRow, error) {
			if last != nil {
				after = last.ID
			}
			return q.ListRiskLevels(ctx, db.ListRiskLevelsParams{After: after, Limit: pageSize})
		},
	}
}
