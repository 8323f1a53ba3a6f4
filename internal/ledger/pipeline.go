package ledger

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/db"
)

// A pipeline sends the statements of several queries in one round trip. Each query is called twice: first to learn its statement, and again,
// when the answers are there, to read its rows. What a call assigns the first time does not count.
type pipeline struct {
	batch   pgx.Batch
	queries []func(*db.Queries) error
}

// add puts a query into the pipeline. call must do nothing but call one query and keep what it returns.
func (p *pipeline) add(call func(q *db.Queries) error) {
	_ = call(db.New(queueDBTX{&p.batch})) // always errQueued
	p.queries = append(p.queries, call)
}

// exec puts a transaction statement into the pipeline: begin, commit or rollback.
func (p *pipeline) exec(statement string) {
	p.batch.Queue(statement)
	p.queries = append(p.queries, nil)
}

// run sends everything and reads the answers in order. The first error ends it; what came after was not run.
func (p *pipeline) run(ctx context.Context, conn interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}) error {
	results := conn.SendBatch(ctx, &p.batch)
	for _, call := range p.queries {
		var err error
		if call == nil {
			_, err = results.Exec()
		} else {
			err = call(db.New(resultDBTX{results}))
		}
		if err != nil {
			_ = results.Close() // says the same
			return err
		}
	}
	return results.Close()
}

var (
	errQueued          = errors.New("ledger: only recorded")
	errCopyUnsupported = errors.New("ledger: a COPY does not go into a pipeline")
)

// queueDBTX is a db.DBTX that takes statements down.
type queueDBTX struct{ batch *pgx.Batch }

func (r queueDBTX) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	r.batch.Queue(sql, args...)
	return pgconn.CommandTag{}, errQueued
}

func (r queueDBTX) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	r.batch.Queue(sql, args...)
	return nil, errQueued
}

func (r queueDBTX) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	r.batch.Queue(sql, args...)
	return noRow{}
}

func (queueDBTX) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, errCopyUnsupported
}

type noRow struct{}

func (noRow) Scan(...any) error { return errQueued }

// resultDBTX is a db.DBTX that answers each statement with the next result.
type resultDBTX struct{ results pgx.BatchResults }

func (a resultDBTX) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return a.results.Exec()
}

func (a resultDBTX) Query(context.Context, string, ...any) (pgx.Rows, error) {
	return a.results.Query()
}

func (a resultDBTX) QueryRow(context.Context, string, ...any) pgx.Row { return a.results.QueryRow() }

func (resultDBTX) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, errCopyUnsupported
}
