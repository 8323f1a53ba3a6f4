package dbtx

import (
	"context"

	"github.com/jackc/pgx/v5"

	"labledger/db"
)

// A Pipeline sends the statements of several queries in one round trip. Postgres runs them in one transaction, unless
// they begin and commit their own, and skips all statements after the first error.
//
// It calls each query function twice: first to queue the statement, and again to read the result. Variables that a
// function sets have their values only after the second call.
type Pipeline struct {
	batch pgx.Batch
	reads []func(pgx.BatchResults) error
}

// Add adds a query. The function must call exactly one query and do nothing else except store its result.
func (p *Pipeline) Add(query func(q *db.Queries) error) {
	p.queue(query)
	p.reads = append(p.reads, func(results pgx.BatchResults) error { return query(db.New(resultDBTX{results})) })
}

// AddRaw adds a query whose rows go to dst as they arrive. A query for one row returns pgx.ErrNoRows without a row.
func (p *Pipeline) AddRaw(query func(q *db.Queries) error, dst RowWriter) {
	p.queue(query)
	p.reads = append(p.reads, func(results pgx.BatchResults) error {
		next := func(context.Context, string, []any) (pgx.Rows, error) { return results.Query() }
		return query(db.New(rawDBTX{dst, next}))
	})
}

// AddRows adds a statement whose rows go to dst as they arrive.
func (p *Pipeline) AddRows(sql string, args []any, dst RowWriter) {
	p.batch.Queue(sql, args...)
	p.reads = append(p.reads, func(results pgx.BatchResults) error {
		next := func(context.Context, string, []any) (pgx.Rows, error) { return results.Query() }
		_, err := rawDBTX{dst, next}.run(context.Background(), "", nil)
		return err
	})
}

// Exec adds a transaction statement: begin, commit or rollback.
func (p *Pipeline) Exec(statement string) {
	p.batch.Queue(statement)
	p.reads = append(p.reads, func(results pgx.BatchResults) error {
		_, err := results.Exec()
		return err
	})
}

func (p *Pipeline) queue(query func(q *db.Queries) error) {
	_ = query(db.New(visitor(func(sql string, args []any) { p.batch.Queue(sql, args...) }))) // always errNotRun
}

// Run sends all statements and reads the results in order. It returns the first error.
func (p *Pipeline) Run(ctx context.Context, conn interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}) error {
	results := conn.SendBatch(ctx, &p.batch)
	for _, read := range p.reads {
		if err := read(results); err != nil {
			_ = results.Close() // returns the same error
			return err
		}
	}
	return results.Close()
}
