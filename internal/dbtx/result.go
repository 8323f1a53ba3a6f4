package dbtx

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// A Result holds the rows of a statement, or its error. Several readers may use it at the same time. As a db.DBTX it
// returns the first row to any query.
type Result struct {
	fields   []pgconn.FieldDescription
	expected int    // rows; 0 for at most one
	bytes    []byte // the values of all rows
	ends     []int  // of each value in bytes; -1 for NULL
	err      error
}

func (r *Result) appendRow(values [][]byte) {
	if r.ends == nil {
		rows, size := max(1, r.expected), 0
		for _, value := range values {
			size += len(value)
		}
		r.bytes, r.ends = make([]byte, 0, rows*(size+size/8)), make([]int, 0, rows*len(values))
	}
	for _, value := range values {
		end := -1
		if value != nil {
			r.bytes = append(r.bytes, value...)
			end = len(r.bytes)
		}
		r.ends = append(r.ends, end)
	}
}

// nextRow sets values to those of the row whose values end at ends and begin at start. It returns where they end.
func (r *Result) nextRow(values [][]byte, ends []int, start int) (end int) {
	for i := range values {
		values[i] = nil
		if ends[i] >= 0 {
			values[i] = r.bytes[start:ends[i]:ends[i]]
			start = ends[i]
		}
	}
	return start
}

// Write writes the rows to dst. It returns their number, or the error of the statement.
func (r *Result) Write(dst RowWriter) (rows int, err error) {
	values := make([][]byte, len(r.fields))
	start := 0
	for ends := r.ends; len(ends) > 0; ends = ends[len(values):] {
		start = r.nextRow(values, ends, start)
		if err := dst.WriteRow(r.fields, values); err != nil {
			return rows, err
		}
		rows++
	}
	return rows, r.err
}

// QueryRow returns the first row.
func (r *Result) QueryRow(context.Context, string, ...any) pgx.Row { return resultRow{r} }

// Exec implements db.DBTX.
func (r *Result) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, errExecUnsupported
}

// Query implements db.DBTX.
func (r *Result) Query(context.Context, string, ...any) (pgx.Rows, error) { return nil, errOneRow }

// CopyFrom implements db.DBTX.
func (r *Result) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, errCopyUnsupported
}

// resultRow is the first row of a Result.
type resultRow struct{ *Result }

// typeMaps holds maps that one goroutine at a time uses.
var typeMaps = sync.Pool{New: func() any { return pgtype.NewMap() }}

func (r resultRow) Scan(targets ...any) error {
	if r.err != nil {
		return r.err
	}
	if len(r.ends) == 0 {
		return pgx.ErrNoRows
	}
	types := typeMaps.Get().(*pgtype.Map)
	defer typeMaps.Put(types)
	values := make([][]byte, len(targets))
	r.nextRow(values, r.ends, 0)
	for i, value := range values {
		if err := types.Scan(r.fields[i].DataTypeOID, pgtype.TextFormatCode, value, targets[i]); err != nil {
			return err
		}
	}
	return nil
}
