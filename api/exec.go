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
	statementTimeout = 5 * time.Second  // with the wait for a connection
	handlerTimeout   = 10 * time.Second // with all tries
)

// acquire takes a connection out of the pool, or says that there is none before ctx ends.
func acquire(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Conn, error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, unavailable("The database cannot be reached, or all connections to it are busy. Try again.", err)
	}
	return conn, nil
}

// A pools is what all handlers work on.
type pools struct {
	primary   *pgxpool.Pool
	replica   *replica // nil when there is none
	transfers limiter
}

func newPools(pool, replicaPool *pgxpool.Pool) *pools {
	b := &pools{primary: pool, transfers: make(limiter, max(1, pool.Config().MaxConns/2))}
	if replicaPool != nil {
		b.replica = &replica{pool: replicaPool}
	}
	return b
}

// limiter bound how many long transfers, in or out, hold a connection at once, so that some are always left for short requests.
type limiter chan struct{}

// tryAcquire takes a slot, or says that all are taken.
func (l limiter) tryAcquire() (release func(), err error) {
	select {
	case l <- struct{}{}:
		return func() { <-l }, nil
	default:
		return nil, unavailable("Too many long transfers are under way. Try again when one of them has ended.", nil)
	}
}

// A rawDBTX is a db.DBTX that hands the rows of one query to a rowWriter, raw, and leaves nothing for the generated code to scan.
type rawDBTX struct {
	dst   rowWriter
	query func(ctx context.Context, sql string, args []any) (rows pgx.Rows, done func() error, err error)
}

func (d rawDBTX) run(ctx context.Context, sql string, args []any) (hasRow bool, err error) {
	rows, done, err := d.query(ctx, sql, args)
	if err != nil {
		return false, err
	}
	for rows.Next() {
		hasRow = true
		if err = d.dst.row(rows.FieldDescriptions(), rows.RawValues()); err != nil {
			break
		}
	}
	rows.Close()
	if err == nil {
		err = rows.Err()
	}
	if closeErr := done(); err == nil {
		err = closeErr
	}
	return hasRow, err
}

// Exec is not for a tap: a statement of the API answers rows.
func (d rawDBTX) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, fmt.Errorf("api: a statement that answers no rows cannot be a route")
}

// CopyFrom is not for a tap either.
func (d rawDBTX) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, fmt.Errorf("api: a COPY cannot be a route")
}

// Query writes all rows and returns none.
func (d rawDBTX) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	_, err := d.run(ctx, sql, args)
	return noRows{}, err
}

// QueryRow writes the row and scans nothing; without a row its Scan answers pgx.ErrNoRows.
func (d rawDBTX) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	hasRow, err := d.run(ctx, sql, args)
	if err == nil && !hasRow {
		err = errNoRow
	}
	return errRow{err}
}

type errRow struct{ err error }

func (r errRow) Scan(...any) error { return r.err }

// noRows are the rows that a tap leaves over.
type noRows struct{ pgx.Rows }

func (noRows) Next() bool { return false }
func (noRows) Err() error { return nil }
func (noRows) Close()     {}

// readDBTX runs a query straight on a connection, or in a transaction that somebody else ends. planned says that the plan should be made for
// these very arguments: a filter that is null must not spoil the plan of one that is given.
func readDBTX(querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}, forcePlan bool, dst rowWriter) db.DBTX {
	return rawDBTX{dst, func(ctx context.Context, sql string, args []any) (pgx.Rows, func() error, error) {
		if forcePlan {
			args = append([]any{pgx.QueryExecModeCacheDescribe}, args...)
		}
		rows, err := querier.Query(ctx, sql, args...)
		return rows, func() error { return nil }, err
	}}
}

// writeDBTX runs a query as a transaction of its own that knows actor and request id, in one round trip: both statements travel in one
// pipeline, which PostgreSQL commits or rolls back as a whole at its end.
func writeDBTX(conn *pgxpool.Conn, params db.SetRequestContextParams, dst rowWriter) db.DBTX {
	return rawDBTX{dst, func(ctx context.Context, sql string, args []any) (pgx.Rows, func() error, error) {
		batch := &pgx.Batch{}
		if err := db.New(batchDBTX{batch}).SetRequestContext(ctx, params); err != nil {
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

// batchDBTX is a db.DBTX that puts statements into a batch.
type batchDBTX struct{ *pgx.Batch }

func (q batchDBTX) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	q.Queue(sql, args...)
	return pgconn.CommandTag{}, nil
}

func (q batchDBTX) Query(context.Context, string, ...any) (pgx.Rows, error) {
	panic("api: a queued statement answers nothing")
}

func (q batchDBTX) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	panic("api: a COPY does not go into a batch")
}

func (q batchDBTX) QueryRow(context.Context, string, ...any) pgx.Row {
	panic("api: a queued statement answers nothing")
}

// beginAudited opens a transaction that knows actor and request id: for dry runs and for bodies that take many statements.
func beginAudited(ctx context.Context, conn *pgxpool.Conn, params db.SetRequestContextParams) (pgx.Tx, error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return nil, err
	}
	if err := db.New(tx).SetRequestContext(ctx, params); err != nil {
		rollback(tx)
		return nil, err
	}
	return tx, nil
}
