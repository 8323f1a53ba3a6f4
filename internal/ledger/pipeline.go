package ledger

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/db"
)

// A pipeline sends the statements of several queries in one round trip. It calls each query function twice: first to
// queue the statement, and again to read the result. Variables that a function sets have their values only after the
// second call.
type pipeline struct {
	batch   pgx.Batch
	queries []func(*db.Queries) error // nil for a statement without a query
}

// add adds a query. The function must call exactly one query and do nothing else except store its result.
func (p *pipeline) add(query func(q *db.Queries) error) {
	_ = query(db.New(queueDBTX{&p.batch})) // always errQueued
	p.queries = append(p.queries, query)
}

// exec adds a transaction statement: begin, commit or rollback.
func (p *pipeline) exec(statement string) {
	p.batch.Queue(statement)
	p.queries = append(p.queries, nil)
}

// run sends all statements and reads the results in order. It stops at the first error; Postgres skips the statements
// after it.
func (p *pipeline) run(ctx context.Context, conn interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}) error {
	results := conn.SendBatch(ctx, &p.batch)
	for _, query := range p.queries {
		var err error
		if query == nil {
			_, err = results.Exec()
		} else {
			err = query(db.New(resultDBTX{results}))
		}
		if err != nil {
			_ = results.Close() // returns the same error
			return err
		}
	}
	return results.Close()
}

var (
	errQueued          = errors.New("ledger: statement queued, no result yet")
	errCopyUnsupported = errors.New("ledger: pipeline does not support COPY")
)

// queueDBTX is a db.DBTX that queues statements.
type queueDBTX struct{ batch *pgx.Batch }

func (d queueDBTX) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	d.batch.Queue(sql, args...)
	return pgconn.CommandTag{}, errQueued
}

func (d queueDBTX) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	d.batch.Queue(sql, args...)
	return nil, errQueued
}

func (d queueDBTX) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	d.batch.Queue(sql, args...)
	return noRow{}
}

func (queueDBTX) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, errCopyUnsupported
}

type noRow struct{}

func (noRow) Scan(...any) error { return errQueued }

// resultDBTX is a db.DBTX that returns the next result for each statement.
type resultDBTX struct{ results pgx.BatchResults }

func (d resultDBTX) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return d.results.Exec()
}

func (d resultDBTX) Query(context.Context, string, ...any) (pgx.Rows, error) {
	return d.results.Query()
}

func (d resultDBTX) QueryRow(context.Context, string, ...any) pgx.Row { return d.results.QueryRow() }

func (resultDBTX) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, errCopyUnsupported
}
