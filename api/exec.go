package api

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
)

// This file decides what a query runs on: the pool for a read, a transaction that knows its actor for a write, one that rolls back for a
// dry run. Each is a db.DBTX, so the typed function of the query stays the only place where it is called.

// Bounds on the database's time. Each is shorter than the next one outside: lock 2 s (in SetRequestContext) < statement < handler < connection.
const (
	statementTime = 5 * time.Second  // with the wait for a connection
	handlerTime   = 10 * time.Second // with all tries
)

// acquire takes a connection out of the pool, or says that there is none before ctx ends.
func acquire(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Conn, error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, unavailable("The database cannot be reached, or all connections to it are busy. Try again.", err)
	}
	return conn, nil
}

// A backend is what all handlers work on.
type backend struct {
	pool    *pgxpool.Pool
	replica *replica // nil when there is none
	long    slots
}

func newBackend(pool, lists *pgxpool.Pool) *backend {
	b := &backend{pool: pool, long: make(slots, max(1, pool.Config().MaxConns/2))}
	if lists != nil {
		b.replica = &replica{pool: lists}
	}
	return b
}

// slots bound how many long transfers, in or out, hold a connection at once, so that some are always left for short requests.
type slots chan struct{}

// take takes a slot, or says that all are taken.
func (s slots) take() (release func(), err error) {
	select {
	case s <- struct{}{}:
		return func() { <-s }, nil
	default:
		return nil, unavailable("Too many long transfers are under way. Try again when one of them has ended.", nil)
	}
}

// A tap is a db.DBTX that hands the rows of one query to a rowWriter, raw, and leaves nothing for the generated code to scan.
type tap struct {
	to    rowWriter
	query func(ctx context.Context, sql string, args []any) (rows pgx.Rows, done func() error, err error)
}

func (t tap) run(ctx context.Context, sql string, args []any) (found bool, err error) {
	rows, done, err := t.query(ctx, sql, args)
	if err != nil {
		return false, err
	}
	for rows.Next() {
		found = true
		if err = t.to.row(rows.FieldDescriptions(), rows.RawValues()); err != nil {
			break
		}
	}
	rows.Close()
	if err == nil {
		err = rows.Err()
	}
	if closed := done(); err == nil {
		err = closed
	}
	return found, err
}

// Exec is not for a tap: a statement of the API answers rows.
func (t tap) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, fmt.Errorf("api: a statement that answers no rows cannot be a route")
}

// CopyFrom is not for a tap either.
func (t tap) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, fmt.Errorf("api: a COPY cannot be a route")
}

// Query writes all rows and returns none.
func (t tap) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	_, err := t.run(ctx, sql, args)
	return drained{}, err
}

// QueryRow writes the row and scans nothing; without a row its Scan answers pgx.ErrNoRows.
func (t tap) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	found, err := t.run(ctx, sql, args)
	if err == nil && !found {
		err = errNoRow
	}
	return tapped{err}
}

type tapped struct{ err error }

func (t tapped) Scan(...any) error { return t.err }

// drained are the rows that a tap leaves over.
type drained struct{ pgx.Rows }

func (drained) Next() bool { return false }
func (drained) Err() error { return nil }
func (drained) Close()     {}

// reading runs a query straight on a connection, or in a transaction that somebody else ends. planned says that the plan should be made for
// these very arguments: a filter that is null must not spoil the plan of one that is given.
func reading(on interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}, planned bool, to rowWriter) db.DBTX {
	return tap{to, func(ctx context.Context, sql string, args []any) (pgx.Rows, func() error, error) {
		if planned {
			args = append([]any{pgx.QueryExecModeCacheDescribe}, args...)
		}
		rows, err := on.Query(ctx, sql, args...)
		return rows, func() error { return nil }, err
	}}
}

// writing runs a query as a transaction of its own that knows actor and request id, in one round trip: both statements travel in one
// pipeline, which PostgreSQL commits or rolls back as a whole at its end.
func writing(conn *pgxpool.Conn, who db.SetRequestContextParams, to rowWriter) db.DBTX {
	return tap{to, func(ctx context.Context, sql string, args []any) (pgx.Rows, func() error, error) {
		batch := &pgx.Batch{}
		if err := db.New(queue{batch}).SetRequestContext(ctx, who); err != nil {
			return nil, nil, err
		}
		batch.Queue(sql, args...)
		results := conn.SendBatch(ctx, batch)
		if _, err := results.Exec(); err != nil {
			_ = results.Close() // says the same
			return nil, nil, err
		}
		rows, err := results.Query()
		if err != nil {
			_ = results.Close()
			return nil, nil, err
		}
		return rows, results.Close, nil
	}}
}

// queue is a db.DBTX that puts statements into a batch.
type queue struct{ *pgx.Batch }

func (q queue) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	q.Queue(sql, args...)
	return pgconn.CommandTag{}, nil
}

func (q queue) Query(context.Context, string, ...any) (pgx.Rows, error) {
	panic("api: a queued statement answers nothing")
}

func (q queue) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	panic("api: a COPY does not go into a batch")
}

func (q queue) QueryRow(context.Context, string, ...any) pgx.Row {
	panic("api: a queued statement answers nothing")
}

// begin opens a transaction that knows actor and request id: for dry runs and for bodies that take many statements.
func begin(ctx context.Context, conn *pgxpool.Conn, who db.SetRequestContextParams) (pgx.Tx, error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return nil, err
	}
	if err := db.New(tx).SetRequestContext(ctx, who); err != nil {
		rollback(tx)
		return nil, err
	}
	return tx, nil
}
