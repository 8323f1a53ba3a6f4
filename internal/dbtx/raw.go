package dbtx

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/db"
)

// A RowWriter receives rows one by one.
type RowWriter interface {
	// WriteRow receives a row. Each value is in the format of its column; nil is NULL. The values are valid until
	// WriteRow returns. An error ends the query.
	WriteRow(columns []pgconn.FieldDescription, values [][]byte) error
}

// Raw returns a db.DBTX that writes the rows of one query to dst as they arrive. The query function itself gets no
// rows; a query for one row returns pgx.ErrNoRows without a row. options are passed to pgx before the arguments.
func Raw(conn interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}, dst RowWriter, options ...any) db.DBTX {
	return rawDBTX{dst, func(ctx context.Context, sql string, args []any) (pgx.Rows, error) {
		return conn.Query(ctx, sql, append(options[:len(options):len(options)], args...)...)
	}}
}

// ReadRows runs a statement and writes its rows to dst as they arrive. options are passed to pgx before the arguments.
func ReadRows(ctx context.Context, conn interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}, sql string, args []any, dst RowWriter, options ...any) error {
	_, err := Raw(conn, dst, options...).Query(ctx, sql, args...)
	return err
}

type rawDBTX struct {
	dst   RowWriter
	query func(ctx context.Context, sql string, args []any) (pgx.Rows, error)
}

func (d rawDBTX) run(ctx context.Context, sql string, args []any) (hasRow bool, err error) {
	rows, err := d.query(ctx, sql, args)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for rows.Next() {
		hasRow = true
		if err := d.dst.WriteRow(rows.FieldDescriptions(), rows.RawValues()); err != nil {
			return hasRow, err
		}
	}
	return hasRow, rows.Err()
}

// Query writes all rows to dst and returns none.
func (d rawDBTX) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	_, err := d.run(ctx, sql, args)
	return noRows{}, err
}

// QueryRow writes the row to dst.
func (d rawDBTX) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	hasRow, err := d.run(ctx, sql, args)
	if err == nil && !hasRow {
		err = pgx.ErrNoRows
	}
	return rowError{err}
}

func (rawDBTX) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, errExecUnsupported
}

func (rawDBTX) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, errCopyUnsupported
}

// noRows is an empty pgx.Rows.
type noRows struct{ pgx.Rows }

func (noRows) Next() bool { return false }
func (noRows) Err() error { return nil }
func (noRows) Close()     {}
