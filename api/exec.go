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

// A read runs on a connection of the pool. A write runs in a transaction that records its actor; a dry run rolls it
// back. Each of them is a db.DBTX, so only the generated functions contain the query.

// Timeouts of database work. Each is shorter than the next: lock 2 s (in SetRequestContext), statement, handler,
// connection.
const (
	statementTimeout = 5 * time.Second  // includes waiting for a connection
	handlerTimeout   = 10 * time.Second // includes all attempts
)

// acquire takes a connection from the pool. It returns a 503 problem if none is available before ctx is done.
func acquire(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Conn, error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, unavailable("The database is unreachable, or all connections are busy. Try again.", err)
	}
	return conn, nil
}

// pools holds the connection pools of the handlers.
type pools struct {
	primary   *pgxpool.Pool
	replica   *replica // nil without a replica
	transfers limiter  // of imports, event batches, exports, uploads and replays
}

func newPools(pool, replicaPool *pgxpool.Pool) *pools {
	p := &pools{primary: pool, transfers: make(limiter, max(1, pool.Config().MaxConns/2))}
	if replicaPool != nil {
		p.replica = &replica{pool: replicaPool}
	}
	return p
}

// A limiter caps the concurrent long transfers, so that short requests always find a free connection.
type limiter chan struct{}

// tryAcquire takes a slot. It returns a 503 problem if none is free.
func (l limiter) tryAcquire() (release func(), err error) {
	select {
	case l <- struct{}{}:
		return func() { <-l }, nil
	default:
		return nil, unavailable("Too many long transfers are running. Try again when one has finished.", nil)
	}
}

// A rawDBTX is a db.DBTX that streams the raw rows of one query to a rowWriter. The generated code finds no rows to
// scan.
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

// Exec returns an error: a query of the API returns rows.
func (d rawDBTX) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, fmt.Errorf("api: a statement without rows cannot be a route")
}

// CopyFrom returns an error.
func (d rawDBTX) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, fmt.Errorf("api: a COPY cannot be a route")
}

// Query writes all rows to the rowWriter and returns none.
func (d rawDBTX) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	_, err := d.run(ctx, sql, args)
	return noRows{}, err
}

// QueryRow writes the row to the rowWriter. Scan of its result reads nothing and returns pgx.ErrNoRows without a row.
func (d rawDBTX) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	hasRow, err := d.run(ctx, sql, args)
	if err == nil && !hasRow {
		err = errNoRow
	}
	return errRow{err}
}

// errRow is a pgx.Row whose Scan returns an error, or nil.
type errRow struct{ err error }

func (r errRow) Scan(...any) error { return r.err }

// noRows is an empty pgx.Rows.
type noRows struct{ pgx.Rows }

func (noRows) Next() bool { return false }
func (noRows) Err() error { return nil }
func (noRows) Close()     {}

// readDBTX runs a query on a connection, or in a transaction that the caller ends. forcePlan plans each execution, so
// that NULL filters do not pin a generic plan.
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

// writeDBTX runs a query in a transaction that records actor and request ID, in one round trip. PostgreSQL commits or
// rolls back the pipeline of both statements as a whole.
func writeDBTX(conn *pgxpool.Conn, params db.SetRequestContextParams, dst rowWriter) db.DBTX {
	return rawDBTX{dst, func(ctx context.Context, sql string, args []any) (pgx.Rows, func() error, error) {
		batch := &pgx.Batch{}
		if err := db.New(batchDBTX{batch}).SetRequestContext(ctx, params); err != nil {
			return nil, nil, err
		}
		batch.Queue(sql, args...)
		results := conn.SendBatch(ctx, batch)
		if _, err := results.Exec(); err != nil {
			_ = results.Close() // returns the same error
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

// batchDBTX is a db.DBTX that queues statements in a batch.
type batchDBTX struct{ *pgx.Batch }

func (q batchDBTX) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	q.Queue(sql, args...)
	return pgconn.CommandTag{}, nil
}

func (q batchDBTX) Query(context.Context, string, ...any) (pgx.Rows, error) {
	panic("api: a queued statement returns no rows")
}

func (q batchDBTX) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	panic("api: a COPY cannot be queued")
}

func (q batchDBTX) QueryRow(context.Context, string, ...any) pgx.Row {
	panic("api: a queued statement returns no rows")
}

// beginAudited opens a transaction that records actor and request ID, for dry runs and for several statements.
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
