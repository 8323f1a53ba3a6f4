package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"labledger/api/bind"
	"labledger/api/problem"
	"labledger/db"
)

// This file stores the rows of an import in chunks, with the keys of the rows that they name.

// An importer collects rows in a chunk and stores full chunks.
type importer struct {
	*rowReader
	find      func(r *resolver) error // finds the rows that a chunk names
	store     func(lines json.RawMessage) (chunkResult, error)
	chunk     []byte // JSON objects of the valid rows, without the keys of the rows that they name
	rows      []chunkRow
	nameBytes int    // length of all names in the chunk
	array     []byte // JSON array of the rows to store, reused
	total     Stored
}

// A chunkRow is a row of a chunk, or the names of an invalid row.
type chunkRow struct {
	line  int64
	end   int // of the row's object in the chunk; an invalid row has none
	names []bind.Name
}

// importRows stores the rows of the body.
func (c *Call) importRows(
	ctx context.Context, body io.Reader,
	store func(ctx context.Context, q *db.Queries, lines json.RawMessage) (chunkResult, error),
) error {
	if _, err := Negotiate(c.Request, MediaTypeJSON); err != nil {
		return err
	}
	if err := c.Errors.Err(); err != nil {
		return err
	}
	acquireCtx, cancel := context.WithTimeout(ctx, StatementTimeout)
	defer cancel()
	conn, err := Acquire(acquireCtx, c.server.primary)
	if err != nil {
		return err
	}
	defer conn.Release()
	tx, err := c.begin(ctx, conn, c.Caller.Username)
	if err != nil {
		_, _ = io.Copy(io.Discard, body) // completes the hash of a body that is not spooled
		return err
	}
	defer rollback(tx)
	i := newImporter(newRowReader(c))
	i.find = func(r *resolver) error {
		q := db.New(tx)
		if err := r.find(ctx, q); err != nil {
			return err
		}
		return r.prepareSuggestions(ctx, q)
	}
	i.store = func(lines json.RawMessage) (chunkResult, error) {
		defer c.ExtendWriteDeadline()
		return store(ctx, db.New(tx), lines)
	}
	if err := i.readAll(c.Request.Header.Get("Content-Type"), body); err != nil {
		return err
	}
	if !c.DryRun {
		if err := c.SaveResponse(ctx, db.New(tx), i.total); err != nil {
			return err
		}
		if err := tx.Commit(ctx); err != nil {
			return err
		}
	}
	return c.respondValue(i.total)
}

func newImporter(r *rowReader) *importer {
	i := &importer{rowReader: r}
	i.accept, i.resolve, i.finish = i.appendRow, i.appendNames, i.flush
	return i
}

// appendRow appends the valid row to the chunk and flushes a full chunk.
func (i *importer) appendRow(line int64) error {
	i.chunk = i.plan.AppendObject(i.chunk, i.row, i.given, i.names...)
	return i.appendNames(line)
}

// appendNames appends the names of the row to the chunk and flushes a full chunk.
func (i *importer) appendNames(line int64) error {
	i.rows = append(i.rows, chunkRow{line, len(i.chunk), i.names})
	for _, n := range i.names {
		i.nameBytes += len(n.Text)
	}
	if len(i.rows) >= maxChunkRows || len(i.chunk)+i.nameBytes >= maxChunkBytes {
		return i.flush()
	}
	return nil
}

// resolveChunk makes the JSON array of the rows to store, with the keys of the rows that they name. It collects the
// errors of names. It returns the line of each row.
func (i *importer) resolveChunk() (lines []int64, err error) {
	var names []bind.Name
	for _, row := range i.rows {
		names = append(names, row.names...)
	}
	r := newResolver(names)
	if len(names) > 0 {
		if err := i.find(r); err != nil {
			return nil, err
		}
	}
	i.array = append(i.array[:0], '[')
	start := 0
	for _, row := range i.rows {
		separator := len(i.array)
		if len(lines) > 0 {
			i.array = append(i.array, ',')
		}
		isValid := row.end > start
		i.array = append(i.array, i.chunk[start:row.end]...)
		start = row.end
		for _, n := range row.names {
			key, reason := r.key(n)
			if reason != "" {
				if err := i.addLineError(row.line, n.Field, "%s", reason); err != nil {
					return nil, err
				}
				isValid = false
			} else if isValid {
				i.array = n.AppendKey(i.array, key)
			}
		}
		if !isValid {
			i.array = i.array[:separator]
			continue
		}
		lines = append(lines, row.line)
	}
	i.array = append(i.array, ']')
	i.chunk, i.rows, i.nameBytes = i.chunk[:0], i.rows[:0], 0
	return lines, nil
}

// importTypes are the types of the problems that import queries report, by status.
var importTypes = map[int]*problem.Type{
	http.StatusBadRequest:         problem.ValidationFailed,
	http.StatusConflict:           problem.Duplicate,
	http.StatusPreconditionFailed: problem.StaleVersion,
}

// flush stores the chunk and collects the errors that the database reports.
func (i *importer) flush() error {
	lines, err := i.resolveChunk()
	if err != nil || len(lines) == 0 {
		return err
	}
	result, err := i.store(i.array)
	if err != nil {
		return i.addChunkError(problem.From(err, http.MethodPost, i.plan.BodyNames()), lines)
	}
	var problems []struct {
		problem.FieldError
		Status int `json:"status"`
	}
	if err := json.Unmarshal(result.Problems, &problems); err != nil {
		return err
	}
	for _, p := range problems {
		p.Line = lines[p.Line-1]
		if err := i.addError(importTypes[p.Status], p.FieldError); err != nil {
			return err
		}
	}
	i.total.Created += result.Created
	i.total.Updated += result.Updated
	i.total.Cleared += result.Cleared
	return nil
}

// addChunkError collects a database error that names no line, and stops reading because the transaction is aborted.
func (i *importer) addChunkError(p *problem.Problem, lines []int64) error {
	if p.Status >= http.StatusInternalServerError {
		return p
	}
	e := problem.FieldError{Field: "line", Message: p.Detail}
	if len(p.Errors) > 0 {
		e = p.Errors[0]
	}
	e.Line = lines[0]
	e.Message = fmt.Sprintf("in one of the lines %d to %d: %s (the rest was not checked)",
		lines[0], lines[len(lines)-1], e.Message)
	if err := i.addError(p.Kind(), e); err != nil {
		return err
	}
	return errStopReading
}
