package ledger

import (
	"context"
	"math"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"labledger/db"
	"labledger/internal/rules"
)

// This file reads the whole ledger as it stood at one moment, in bounded memory: for replay and verification.

const pageSize = 10_000 // rows read at once

// inSnapshot lets read see the ledger as it stands now, whatever is recorded meanwhile. It holds up nobody.
func (l *Ledger) inSnapshot(ctx context.Context, read func(*db.Queries) error) error {
	return l.inTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, read)
}

// inTx runs one transaction in Go, since it takes as many statements as there are pages.
func (l *Ledger) inTx(ctx context.Context, options pgx.TxOptions, do func(*db.Queries) error) error {
	return pgx.BeginTxFunc(ctx, l.pool, options, func(tx pgx.Tx) error {
		q := db.New(tx)
		if err := q.ForceCustomPlans(ctx); err != nil {
			return err
		}
		return do(q)
	})
}

// loadRulesets reads all sets of rules, overlaid with changes, and the longest window of any. A set that cannot be read is left out.
func loadRulesets(ctx context.Context, q *db.Queries, changes []RuleChange) (sets map[int64]rules.Set, horizon int64, err error) {
	rows, err := q.ListRulesets(ctx)
	sets = make(map[int64]rules.Set, len(rows))
	for _, row := range rows {
		set, err := rules.ParseSet(row.Rules)
		if err != nil {
			continue // unless an event was judged by it, it is of no account
		}
		for _, change := range changes {
			change.applyTo(set)
		}
		sets[row.ID] = set
		horizon = max(horizon, set.LongestWindow())
	}
	return sets, horizon, err
}

// cursor are rows that are read page by page, ordered by user.
type cursor[T any] struct {
	fetch  func(last *T) ([]T, error) // the rows after one; the first ones for nil
	userOf func(*T) int64             // the user of a row
	rows   []T
	pos    int
	done   bool
	err    error // why the rows ended early
}

// peek is the next row, nil after the last one. It is valid until the head after it is asked for.
func (p *cursor[T]) peek() *T {
	if p.pos == len(p.rows) && !p.done {
		var last *T
		if p.pos > 0 {
			last = &p.rows[p.pos-1]
		}
		p.rows, p.err = p.fetch(last)
		p.pos, p.done = 0, p.err != nil || len(p.rows) < pageSize
	}
	if p.pos == len(p.rows) {
		return nil
	}
	return &p.rows[p.pos]
}

// peekUser is the user of the head; no user is as great as the one after the last row.
func (p *cursor[T]) peekUser() int64 {
	if row := p.peek(); row != nil {
		return p.userOf(row)
	}
	return math.MaxInt64
}

// next goes past the head if it is of the user, and returns it; else nil.
func (p *cursor[T]) next(user int64) *T {
	if p.peekUser() != user {
		return nil
	}
	p.pos++
	return &p.rows[p.pos-1]
}

// eventCursor are the events of all users after one, or of the only user, each user's in the order of arrival.
func eventCursor(ctx context.Context, q *db.Queries, after int64, only *int64, progress func(int64)) *cursor[db.ListLedgerRow] {
	count := int64(0)
	page := db.ListLedgerParams{AfterUser: startAfter(after, only), AfterID: uuid.Max, UserID: only, Limit: pageSize}
	return &cursor[db.ListLedgerRow]{userOf: func(row *db.ListLedgerRow) int64 { return row.UserID }, fetch: func(last *db.ListLedgerRow) ([]db.ListLedgerRow, error) {
		if last != nil {
			page.AfterUser, page.AfterID = last.UserID, last.ID
		}
		rows, err := q.ListLedger(ctx, page)
		if count += int64(len(rows)); progress != nil {
			progress(count)
		}
		return rows, err
	}}
}

// alertCursor are the alerts of all users after one, or of the only user, each user's in the order of the events.
func alertCursor(ctx context.Context, q *db.Queries, after int64, only *int64) *cursor[db.ListLedgerAlertsRow] {
	page := db.ListLedgerAlertsParams{AfterUser: startAfter(after, only), AfterEvent: uuid.Max, UserID: only, Limit: pageSize}
	return &cursor[db.ListLedgerAlertsRow]{userOf: func(row *db.ListLedgerAlertsRow) int64 { return row.UserID }, fetch: func(last *db.ListLedgerAlertsRow) ([]db.ListLedgerAlertsRow, error) {
		if last != nil {
			page.AfterUser, page.AfterEvent = last.UserID, last.EventID
		}
		return q.ListLedgerAlerts(ctx, page)
	}}
}

// startAfter is the user after whom to begin, so that no user before the only one is read.
func startAfter(after int64, only *int64) int64 {
	if only != nil {
		return *only - 1
	}
	return after
}

// stateCursor are the states of all users after one.
func stateCursor(ctx context.Context, q *db.Queries, after int64) *cursor[db.UserState] {
	return &cursor[db.UserState]{userOf: func(row *db.UserState) int64 { return row.UserID }, fetch: func(last *db.UserState) ([]db.UserState, error) {
		if last != nil {
			after = last.UserID
		}
		return q.ListStates(ctx, db.ListStatesParams{After: after, Limit: pageSize})
	}}
}

// accountCursor are the accounts of all users after one.
func accountCursor(ctx context.Context, q *db.Queries, after int64) *cursor[db.Account] {
	limit := int64(pageSize)
	return &cursor[db.Account]{userOf: func(row *db.Account) int64 { return row.ID }, fetch: func(last *db.Account) ([]db.Account, error) {
		if last != nil {
			after = last.ID
		}
		return q.ListAccounts(ctx, db.ListAccountsParams{After: after, Limit: &limit})
	}}
}
