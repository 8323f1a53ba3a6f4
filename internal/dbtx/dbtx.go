// Package dbtx runs the generated queries in other ways than one statement at a time: several in one round trip, with
// rows that are not scanned, together with those of other requests, or only to get their SQL. It knows no query.
package dbtx

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/db"
)

var (
	errNotRun          = errors.New("dbtx: the statement was queued or captured, not run")
	errExecUnsupported = errors.New("dbtx: a query with raw rows must return rows")
	errOneRow          = errors.New("dbtx: the query must return one row")
	errCopyUnsupported = errors.New("dbtx: COPY is not supported")
)

// Capture returns the SQL and the arguments of the statement that a query function runs, without running it.
func Capture(query func(q *db.Queries) error) (sql string, args []any) {
	_ = query(db.New(visitor(func(text string, values []any) { sql, args = text, values }))) // always errNotRun
	return sql, args
}

// SQL returns the SQL that a query function runs, without running it.
func SQL(query func(q *db.Queries) error) string {
	sql, _ := Capture(query)
	return sql
}

// A visitor is a db.DBTX that is called with each statement and runs none.
type visitor func(sql string, args []any)

func (v visitor) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	v(sql, args)
	return pgconn.CommandTag{}, errNotRun
}

func (v visitor) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	v(sql, args)
	return nil, errNotRun
}

func (v visitor) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	v(sql, args)
	return rowError{errNotRun}
}

func (visitor) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, errCopyUnsupported
}

// A resultDBTX is a db.DBTX that returns the next result of a pipeline for each statement.
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

// rowError is a pgx.Row whose Scan returns an error, or nil.
type rowError struct{ err error }

func (r rowError) Scan(...any) error { return r.err }
