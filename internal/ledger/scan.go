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

// snapshot lets read see the ledger as it stands now, whatever is recorded meanwhile. It holds up nobody.
func (l *Ledger) snapshot(ctx context.Context, read func(*db.Queries) error) error {
	return l.transact(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, read)
}

// transact runs one transaction in Go, since it takes as many statements as there are pages.
func (l *Ledger) transact(ctx context.Context, options pgx.TxOptions, do func(*db.Queries) error) error {
	return pgx.BeginTxFunc(ctx, l.pool, options, func(tx pgx.Tx) error {
		q := db.New(tx)
		if err := q.ForceCustomPlans(ctx); err != nil {
			return err
		}
		return do(q)
	})
}

// loadSets reads all sets of rules, overlaid with changes, and the longest window of any. A set that cannot be read is left out.
func loadSets(ctx context.Context, q *db.Queries, changes []RuleChange) (sets map[int64]rules.Set, horizon int64, err error) {
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

// pages are rows that are read page by page, ordered by user.
type pages[T any] struct {
	load  func(last *T) ([]T, error) // the rows after one; the first ones for nil
	owner func(*T) int64             // the user of a row
	rows  []T
	at    int
	ended bool
	err   error // why the rows ended early
}

// head is the next row, nil after the last one. It is valid until the head after it is asked for.
func (p *pages[T]) head() *T {
	if p.at == len(p.rows) && !p.ended {
		var last *T
		if p.at > 0 {
			last = &p.rows[p.at-1]
		}
		p.rows, p.err = p.load(last)
		p.at, p.ended = 0, p.err != nil || len(p.rows) < pageSize
	}
	if p.at == len(p.rows) {
		return nil
	}
	return &p.rows[p.at]
}

// user is the user of the head; no user is as great as the one after the last row.
func (p *pages[T]) user() int64 {
	if row := p.head(); row != nil {
		return p.owner(row)
	}
	return math.MaxInt64
}

// take goes past the head if it is of the user, and returns it; else nil.
func (p *pages[T]) take(user int64) *T {
	if p.user() != user {
		return nil
	}
	p.at++
	return &p.rows[p.at-1]
}

// eventPages are the events of all users after one, or of the only user, each user's in the order of arrival.
func eventPages(ctx context.Context, q *db.Queries, after int64, only *int64, progress func(int64)) *pages[db.ListLedgerRow] {
	count := int64(0)
	page := db.ListLedgerParams{AfterUser: start(after, only), AfterID: uuid.Max, UserID: only, Limit: pageSize}
	return &pages[db.ListLedgerRow]{owner: func(row *db.ListLedgerRow) int64 { return row.UserID }, load: func(last *db.ListLedgerRow) ([]db.ListLedgerRow, error) {
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

// alertPages are the alerts of all users after one, or of the only user, each user's in the order of the events.
func alertPages(ctx context.Context, q *db.Queries, after int64, only *int64) *pages[db.ListLedgerAlertsRow] {
	page := db.ListLedgerAlertsParams{AfterUser: start(after, only), AfterEvent: uuid.Max, UserID: only, Limit: pageSize}
	return &pages[db.ListLedgerAlertsRow]{owner: func(row *db.ListLedgerAlertsRow) int64 { return row.UserID }, load: func(last *db.ListLedgerAlertsRow) ([]db.ListLedgerAlertsRow, error) {
		if last != nil {
			page.AfterUser, page.AfterEvent = last.UserID, last.EventID
		}
		return q.ListLedgerAlerts(ctx, page)
	}}
}

// start is the user after whom to begin, so that no user before the only one is read.
func start(after int64, only *int64) int64 {
	if only != nil {
		return *only - 1
	}
	return after
}

// statePages are the states of all users after one.
func statePages(ctx context.Context, q *db.Queries, after int64) *pages[db.UserState] {
	return &pages[db.UserState]{owner: func(row *db.UserState) int64 { return row.UserID }, load: func(last *db.UserState) ([]db.UserState, error) {
		if last != nil {
			after = last.UserID
		}
		return q.ListStates(ctx, db.ListStatesParams{After: after, Limit: pageSize})
	}}
}

// accountPages are the accounts of all users after one.
func accountPages(ctx context.Context, q *db.Queries, after int64) *pages[db.Account] {
	limit := int64(pageSize)
	return &pages[db.Account]{owner: func(row *db.Account) int64 { return row.ID }, load: func(last *db.Account) ([]db.Account, error) {
		if last != nil {
			after = last.ID
		}
		return q.ListAccounts(ctx, db.ListAccountsParams{After: after, Limit: &limit})
	}}
}
