package rest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"labledger/api/problem"
	"labledger/db"
)

// This file imports many rows from one body, all or none: CSV, NDJSON or a JSON array. Rows are stored in chunks,
// inside one transaction. An import holds one chunk in memory, not all rows.

// Bounds of transfers and of the chunks that an import stores.
const (
	maxChunkRows    = 5_000            // rows per chunk
	maxChunkBytes   = 1 << 20          // bytes per chunk
	transferTimeout = 30 * time.Minute // of the request
	chunkTimeout    = time.Minute      // to receive or to store the next chunk
)

// A Bulk is how an operation accepts many rows in one body.
type Bulk struct {
	row   reflect.Type // parameters of one row
	query any          // nil for none
	serve func(ctx context.Context, c *Call, body io.Reader) error
}

// oneOrMany is an operation that accepts one object, or many rows.
type oneOrMany struct {
	Operation
	bulk Bulk
}

// OneOrMany returns an operation that accepts many rows as well as one object.
func OneOrMany(single Operation, bulk Bulk) Operation { return &oneOrMany{single, bulk} }

// CreateOne returns the operation of a query that inserts one row.
func CreateOne[In, Out any](query Query[In, Out]) Operation {
	return &one[In, Out]{query: query, creates: true}
}

// Create returns the operation of a query that inserts one row, or of bulk for many.
func Create[In, Out any](query Query[In, Out], bulk Bulk) Operation {
	return OneOrMany(&one[In, Out]{query: query, creates: true}, bulk)
}

func (o *oneOrMany) Describe() Description {
	d := o.Operation.Describe()
	if o.bulk.query != nil {
		d.Queries = append(d.Queries, o.bulk.query)
	}
	d.BulkRow = o.bulk.row
	return d
}

func (o *oneOrMany) serve(c *Call) error {
	mediaType, _, _ := mime.ParseMediaType(c.Request.Header.Get("Content-Type"))
	if mediaType != MediaTypeCSV && c.Request.URL.Query().Has("columns") {
		c.Errors.Add("columns", "applies only to CSV")
	}
	if !isBulk(c.Request) {
		return o.Operation.serve(c)
	}
	if err := c.authorize(c.Request.Context()); err != nil {
		return err
	}
	c.bindURL(reflect.New(c.Plan.Type()).Interface())
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if c.Request.Header.Get(name) != "" {
			c.Errors.Add(name, "does not apply to bulk requests; set version in each row instead")
		}
	}
	if err := checkContentType(c.Request, rowMediaTypes...); err != nil {
		return err
	}
	release, err := c.server.uploads.Acquire(&c.Caller)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), transferTimeout)
	defer cancel()
	var transferred io.Reader = c.TransferBody(maxBulk)
	if c.IdempotencyKey() != "" {
		transferred = io.TeeReader(transferred, c.HashBody())
	}
	received, discard, err := c.spool(transferred)
	release()
	if err == nil {
		defer discard()
		err = o.store(ctx, c, received)
	}
	if err != nil {
		// Most clients send the whole body before they read the response, and would not see it if the connection closed.
		_, _ = io.Copy(io.Discard, c.received) // without decoding it
	}
	return err
}

// store stores a received body when a slot is free.
func (o *oneOrMany) store(ctx context.Context, c *Call, body io.Reader) error {
	release, err := c.server.transfers.acquire(ctx, c.server.slotTimeout)
	if err != nil {
		return err
	}
	defer release()
	return o.bulk.serve(ctx, c, body)
}

// isBulk reports whether a body has many rows, by its media type or by the bracket that opens a JSON array.
func isBulk(r *http.Request) bool {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType == MediaTypeCSV || mediaType == MediaTypeNDJSON {
		return true
	}
	if mediaType != MediaTypeJSON && mediaType != "" {
		return false
	}
	body := bufio.NewReader(r.Body)
	if start, _ := body.Peek(2*len(byteOrderMark) + 1); strings.HasPrefix(trimByteOrderMarks(start), "[") {
		skipByteOrderMark(body) // of a file; other JSON bodies have none
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{body, r.Body}
	for range maxBody {
		c, err := body.ReadByte()
		if err != nil {
			return false
		}
		if strings.IndexByte(" \t\r\n", c) < 0 { // no white space
			_ = body.UnreadByte() // never fails after ReadByte
			return c == '['
		}
	}
	return false
}

// Stored counts the imported rows.
type Stored struct {
	// Number of rows created.
	Created int64 `json:"created"`
	// Number of existing rows updated.
	Updated int64 `json:"updated"`
	// Number of values of existing rows that became null.
	Cleared int64 `json:"cleared"`
}

// chunkResult is the result of an import query for one chunk.
type chunkResult struct {
	Created  int64           `json:"created"`
	Updated  int64           `json:"updated"`
	Cleared  int64           `json:"cleared"`
	Problems json.RawMessage `json:"problems"` // [{line, field, status, message}]; line counts from 1 in the chunk
}

// ImportRows returns a Bulk for a query that stores a JSON array of rows. Each row has the fields that it
// names of Row, the parameters of the upsert query.
func ImportRows[Row any, In ~struct {
	Lines json.RawMessage `json:"lines"`
}, Out ~struct {
	Created  int64           `json:"created"`
	Updated  int64           `json:"updated"`
	Cleared  int64           `json:"cleared"`
	Problems json.RawMessage `json:"problems"`
}](query Query[In, Out]) Bulk {
	store := func(ctx context.Context, q *db.Queries, lines json.RawMessage) (chunkResult, error) {
		result, err := query(q, ctx, In(struct {
			Lines json.RawMessage `json:"lines"`
		}{lines}))
		return chunkResult(result), err
	}
	return Bulk{reflect.TypeFor[Row](), query, func(ctx context.Context, c *Call, body io.Reader) error {
		return c.importRows(ctx, body, store)
	}}
}

// Batch returns a Bulk that a function handles: it reads the rows and writes the response.
func Batch[Row any](serve func(ctx context.Context, c *Call, rows *RowReader[Row]) error) Bulk {
	return Bulk{reflect.TypeFor[Row](), nil, func(ctx context.Context, c *Call, body io.Reader) error {
		return serve(ctx, c, &RowReader[Row]{newRowReader(c), c.Request.Header.Get("Content-Type"), body})
	}}
}

// A RowReader reads the rows of a bulk body.
type RowReader[Row any] struct {
	reader      *rowReader
	contentType string
	body        io.Reader
}

// FastPath sets a function that may handle an object of a JSON array or NDJSON before it is bound.
func (r *RowReader[Row]) FastPath(f func(line int64, text []byte) (handled bool, err error)) {
	r.reader.fastPath = f
}

// HasErrors reports whether a row has an error, so that nothing will be stored.
func (r *RowReader[Row]) HasErrors() bool { return len(r.reader.errs) > 0 }

// AddError adds an error of a field of a row.
func (r *RowReader[Row]) AddError(line int64, field, message string) error {
	return r.reader.addError(problem.ValidationFailed, problem.FieldError{Line: line, Field: field, Message: message})
}

// Reject adds an error that concerns the whole body, and stops reading.
func (r *RowReader[Row]) Reject(line int64, format string, args ...any) error {
	if err := r.reader.addLineError(line, "body", format, args...); err != nil {
		return err
	}
	return errStopReading
}

// ReadAll reads the whole body and calls accept with each valid row. The error is a problem with the errors of all
// rows.
func (r *RowReader[Row]) ReadAll(accept func(line int64, row *Row) error) error {
	row := r.reader.row.(*Row)
	r.reader.accept = func(line int64) error { return accept(line, row) }
	return r.reader.readAll(r.contentType, r.body)
}

// BodyProblem converts the error of reading a body into a problem. limit is the maximum size of the body in bytes.
func BodyProblem(err error, limit int) *problem.Problem {
	var maxBytesErr *http.MaxBytesError
	var syntax *jsontext.SyntacticError
	switch {
	case isInvalidGzip(err):
		return problem.BadBody("is not valid gzip").WithCause(err)
	case errors.As(err, &maxBytesErr):
		return problem.New(problem.BodyTooLarge,
			"The body is larger than the limit of %d bytes. Import many rows as CSV or NDJSON, up to %d bytes.",
			limit, maxBulk)
	case errors.As(err, &syntax):
		return problem.BadBody("is not valid JSON: " + problem.Sanitize(syntax.Err.Error()))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem.New(problem.RequestTimeout, "The body arrived too slowly. Try again.")
	}
	return problem.BadBody("is incomplete").WithCause(err)
}
