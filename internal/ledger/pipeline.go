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
	batch pgx.Batch
	calls []func(*db.Queries) error
}

// add puts a query into the pipeline. call must do nothing but call one query and keep what it returns.
func (p *pipeline) add(call func(q *db.Queries) error) {
	_ = call(db.New(recorder{&p.batch})) // always errRecorded
	p.calls = append(p.calls, call)
}

// control puts a transaction statement into the pipeline: begin, commit or rollback.
func (p *pipeline) control(statement string) {
	p.batch.Queue(statement)
	p.calls = append(p.calls, nil)
}

// run sends everything and reads the answers in order. The first error ends it; what came after was not run.
func (p *pipeline) run(ctx context.Context, conn interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}) error {
	results := conn.SendBatch(ctx, &p.batch)
	for _, call := range p.calls {
		var err error
		if call == nil {
			_, err = results.Exec()
		} else {
			err = call(db.New(answers{results}))
		}
		if err != nil {
			_ = results.Close() // says the same
			return err
		}
	}
	return results.Close()
}

var (
	errRecorded = errors.New("ledger: only recorded")
	errCopy     = errors.New("ledger: a COPY does not go into a pipeline")
)

// recorder is a db.DBTX that takes statements down.
type recorder struct{ batch *pgx.Batch }

func (r recorder) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	r.batch.Queue(sql, args...)
	return pgconn.CommandTag{}, errRecorded
}

func (r recorder) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	r.batch.Queue(sql, args...)
	return nil, errRecorded
}

func (r recorder) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	r.batch.Queue(sql, args...)
	return noRow{}
}

func (recorder) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, errCopy
}

type noRow struct{}

func (noRow) Scan(...any) error { return errRecorded }

// answers is a db.DBTX that answers each statement with the next result.
type answers struct{ results pgx.BatchResults }

func (a answers) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return a.results.Exec()
}

func (a answers) Query(context.Context, string, ...any) (pgx.Rows, error) { return a.results.Query() }

func (a answers) QueryRow(context.Context, string, ...any) pgx.Row { return a.results.QueryRow() }

func (answers) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, errCopy
}
