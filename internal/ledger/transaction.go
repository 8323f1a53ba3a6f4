package ledger

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
)

// This file records events in one transaction with statements of the caller, such as those of a check-out. It uses a
// group commit of its own for each call.

// Errors of an invalid TxRequest.
var (
	errNoEvents = errors.New("ledger: a transaction needs at least one event")
	errTxKey    = errors.New("ledger: an event of a transaction cannot have an idempotency key")
)

// A TxRequest is events to record in one transaction with statements of the caller.
type TxRequest struct {
	// Events of any users. Those of each user are recorded in this order. They have no idempotency keys: Begin can
	// claim a key for the whole transaction.
	Events []RecordRequest

	// Begin and End are called in the transaction: Begin before it locks the users, End with the results of the events
	// before it commits. An error of either rolls the transaction back. They must not end it, and must not call the
	// ledger, which would wait for this transaction. Begin is called once more if another transaction had locked a
	// user. Either may be nil.
	Begin func(ctx context.Context, q *db.Queries) error
	End   func(ctx context.Context, q *db.Queries, results []Result) error
}

// RecordTx records all events of a request and what its Begin and End store, or nothing. It returns the results in the
// order of the events. Concurrent calls wait for each other. A dry run does everything and then rolls back.
//
// RecordTx returns the errors of Begin and End as they are, pgx.ErrTxCommitRollback if they hid an error of a
// statement, an error of the context or an error of the database. After an error of the context or the database, the
// transaction may still have been committed.
func (l *Ledger) RecordTx(ctx context.Context, r TxRequest, dryRun bool) ([]Result, error) {
	events, err := r.pendingEvents()
	if err != nil {
		return nil, err
	}
	sorted := slices.Clone(events)
	slices.SortStableFunc(sorted, func(a, b *pendingEvent) int { return cmp.Compare(a.UserID, b.UserID) })
	ids := userIDs(sorted)
	if err := l.reserveUsers(ctx, ids); err != nil {
		return nil, err
	}
	defer l.unreserve(ids)
	caller := &callerStatements{begin: r.Begin, end: func(ctx context.Context, q *db.Queries) error {
		if r.End == nil {
			return nil
		}
		return r.End(ctx, q, resultsOf(events))
	}}
	attempt := func(slots chan struct{}, lockTimeout string) error {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-ctx.Done():
			return ctx.Err()
		}
		return l.commit(ctx, sorted, lockTimeout, dryRun, caller)
	}
	err = attempt(l.txSlots, l.timeouts.firstLock)
	var pgErr *pgconn.PgError
	if !caller.failed && errors.As(err, &pgErr) && pgErr.Code == pgerrcode.LockNotAvailable {
		err = attempt(l.lockWaiters, l.timeouts.retryLock)
	}
	if err != nil {
		return nil, err
	}
	return resultsOf(events), nil
}

// pendingEvents returns the events of the request, or the error of an invalid request.
func (r *TxRequest) pendingEvents() ([]*pendingEvent, error) {
	if len(r.Events) == 0 {
		return nil, errNoEvents
	}
	events := make([]*pendingEvent, len(r.Events))
	for i, e := range r.Events {
		if e.Key != "" {
			return nil, errTxKey
		}
		events[i] = &pendingEvent{RecordRequest: e}
	}
	return events, nil
}

func resultsOf(events []*pendingEvent) []Result {
	results := make([]Result, len(events))
	for i, e := range events {
		results[i] = e.result
	}
	return results
}

// callerStatements are the statements of a caller in a transaction of the ledger.
type callerStatements struct {
	begin, end func(ctx context.Context, q *db.Queries) error
	failed     bool // begin or end returned an error
}

// runBegin opens the transaction and calls begin. It has no effect on nil.
func (c *callerStatements) runBegin(ctx context.Context, conn *pgxpool.Conn) error {
	if c == nil || c.begin == nil {
		return nil
	}
	if _, err := conn.Exec(ctx, beginStatement); err != nil {
		return err
	}
	return c.run(ctx, conn, c.begin)
}

// runEnd calls end without a lock timeout, since that of the transaction is meant for the locks of the users.
func (c *callerStatements) runEnd(ctx context.Context, conn *pgxpool.Conn) error {
	return c.run(ctx, conn, func(ctx context.Context, q *db.Queries) error {
		if err := q.SetLockTimeout(ctx, db.SetLockTimeoutParams{LockTimeout: "0"}); err != nil {
			return err
		}
		return c.end(ctx, q)
	})
}

// run calls a function of the caller. It returns an error if the transaction cannot be committed afterwards: Postgres
// reports no error for the commit of a failed transaction.
func (c *callerStatements) run(
	ctx context.Context, conn *pgxpool.Conn, do func(ctx context.Context, q *db.Queries) error,
) error {
	err := do(ctx, db.New(conn))
	if err == nil && conn.Conn().PgConn().TxStatus() != 'T' {
		err = pgx.ErrTxCommitRollback
	}
	c.failed = err != nil
	return err
}
