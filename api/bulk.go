package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"reflect"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
)

// This file imports many rows from one body, all or none: CSV, NDJSON or a JSON array. Rows are validated one by one as
// they arrive and stored in chunks, inside one transaction. Neither all rows nor all errors are ever held in memory.

// Bounds of a bulk body.
const (
	maxBulk           = 1 << 30          // bytes
	maxLine           = 1 << 20          // bytes
	maxReportedErrors = 1_000_000        // reading stops after this many errors
	maxChunkRows      = 5_000            // rows per chunk
	maxChunkBytes     = 1 << 20          // bytes per chunk
	bulkTimeout       = 30 * time.Minute // of the request
	chunkTimeout      = time.Minute      // to receive and store the next chunk
)

// bulkImport describes how a route accepts many rows.
type bulkImport struct {
	query  any
	binder *binder
	handle func(c *call) error // set instead of store: handles the whole request
	store  func(ctx context.Context, dbtx db.DBTX, lines json.RawMessage) (importChunkResult, error)
}

// importChunkResult is the result of an import query for one chunk.
type importChunkResult struct {
	Created  int64           `json:"created"`
	Updated  int64           `json:"updated"`
	Problems json.RawMessage `json:"problems"` // [{line, field, status, message}]; line counts from 1 in the chunk
}

// Stored counts the imported rows.
type Stored struct {
	// Number of rows created.
	Created int64 `json:"created"`
	// Number of existing rows updated.
	Updated int64 `json:"updated"`
}

// importRows returns a bulkImport for a query that stores a JSON array of rows. Each row has the fields of Row, the
// parameters of the upsert query.
func importRows[Row any, In ~struct {
	Lines json.RawMessage `json:"lines"`
}, Out ~struct {
	Created  int64           `json:"created"`
	Updated  int64           `json:"updated"`
	Problems json.RawMessage `json:"problems"`
}](q queryFunc[In, Out]) *bulkImport {
	return &bulkImport{
		query:  q,
		binder: newBulkBinder(reflect.TypeFor[Row]()),
		store: func(ctx context.Context, dbtx db.DBTX, lines json.RawMessage) (importChunkResult, error) {
			result, err := q(db.New(dbtx), ctx, In(struct {
				Lines json.RawMessage `json:"lines"`
			}{lines}))
			return importChunkResult(result), err
		},
	}
}

// newBulkBinder returns a binder for one row of an import. All fields are required except keys and version.
func newBulkBinder(row reflect.Type) *binder {
	b := newBinder(row, http.MethodPost, nil)
	fullRow := b.requiredBody
	b.requiredBody, b.bulkRow = nil, true
	for _, name := range b.bodyNames {
		if !isGeneratedKey(name) && name != "version" && (!nullableOmitted[row] || slices.Contains(fullRow, name)) {
			b.requiredBody = append(b.requiredBody, name)
		}
	}
	return b
}

// isBulk reports whether a body has many rows, by its media type or by the bracket that opens a JSON array.
func isBulk(r *http.Request) bool {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType == mediaTypes[formatCSV] || mediaType == mediaTypes[formatNDJSON] {
		return true
	}
	if mediaType != mediaTypes[formatJSON] && mediaType != "" {
		return false
	}
	body := bufio.NewReaderSize(r.Body, 16) // longer reads bypass the buffer
	r.Body = struct {
		io.Reader
		io.Closer
	}{body, r.Body}
	for range maxBody {
		c, err := body.ReadByte()
		if err != nil {
			return false
		}
		if !isJSONSpace(c) {
			_ = body.UnreadByte() // never fails after ReadByte
			return c == '['
		}
	}
	return false
}

// serve stores the rows of the body, or reports the errors of each line.
func (b *bulkImport) serve(w http.ResponseWriter, r *http.Request, pools *pools, dryRun bool, errs fieldErrors) error {
	if p := checkBulkRequest(r, errs); p != nil {
		return p
	}
	release, err := pools.transfers.tryAcquire()
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeout(r.Context(), bulkTimeout)
	defer cancel()
	extend := deadlineExtender(w)
	extend()
	tx := &lazyTx{pool: pools.primary, params: recorderOf(w).requestContext()}
	defer tx.close()
	reader := newBulkReader(b)
	defer reader.errs.close()
	reader.storeChunk = func(lines json.RawMessage) (importChunkResult, error) {
		defer extend()
		tx, err := tx.begin(ctx)
		if err != nil {
			return importChunkResult{}, err
		}
		return b.store(ctx, tx, lines)
	}
	body := http.MaxBytesReader(w, r.Body, maxBulk)
	if err := reader.readAll(r.Header.Get("Content-Type"), body); err != nil && err != errStopReading {
		return err
	}
	if reader.errs.count > 0 {
		return reader.writeErrors(w, r)
	}
	if !dryRun {
		if err := tx.commit(ctx); err != nil {
			return err
		}
	}
	response, err := json.Marshal(reader.total)
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, append(response, '\n'))
}

// checkBulkRequest rejects headers that do not apply to bulk requests.
func checkBulkRequest(r *http.Request, errs fieldErrors) *Problem {
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if r.Header.Get(name) != "" {
			errs.add(name, "does not apply to bulk requests; set version in each row instead")
		}
	}
	if p := checkMediaType(r, mediaTypes...); p != nil {
		return p
	}
	return badRequest(errs)
}

// deadlineExtender returns a function that extends the read deadline of the connection to chunkTimeout from now, and
// the write deadline to twice that.
func deadlineExtender(w http.ResponseWriter) func() {
	control := http.NewResponseController(w)
	return func() {
		// Not every ResponseWriter supports deadlines, and then none are needed.
		_ = control.SetReadDeadline(time.Now().Add(chunkTimeout))
		_ = control.SetWriteDeadline(time.Now().Add(2 * chunkTimeout))
	}
}

// A lazyTx begins with the first chunk, so that a slow body holds no connection before.
type lazyTx struct {
	pool   *pgxpool.Pool
	params db.SetRequestContextParams
	conn   *pgxpool.Conn
	tx     pgx.Tx
}

func (t *lazyTx) begin(ctx context.Context) (pgx.Tx, error) {
	if t.tx != nil {
		return t.tx, nil
	}
	acquireCtx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	conn, err := acquire(acquireCtx, t.pool)
	if err != nil {
		return nil, err
	}
	t.conn = conn
	t.tx, err = beginAudited(ctx, conn, t.params)
	return t.tx, err
}

// commit commits the transaction if it has begun.
func (t *lazyTx) commit(ctx context.Context) error {
	if t.tx == nil {
		return nil
	}
	return t.tx.Commit(ctx)
}

// close rolls back unless committed, and releases the connection.
func (t *lazyTx) close() {
	if t.tx != nil {
		rollback(t.tx)
	}
	if t.conn != nil {
		t.conn.Release()
	}
}

// writeErrors writes a problem with all collected errors.
func (b *bulkReader) writeErrors(w http.ResponseWriter, r *http.Request) error {
	count := b.errs.count
	p := problem(b.status, "Nothing was stored: %d error%s, listed by line.", count, pluralSuffix(count))
	p.Instance, p.RequestID = r.URL.EscapedPath(), recorderOf(w).id
	head, err := json.Marshal(p)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	recorderOf(w).problem = p
	// Write errors are ignored: the client has disconnected.
	_, _ = w.Write(append(bytes.TrimSuffix(head, []byte("}")), `,"errors":[`...))
	if err := b.errs.writeTo(w); err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(w, "]}\n")
	return nil
}

func pluralSuffix(n int64) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// bodyProblem converts the error of reading a body into a problem. limit is the maximum size of the body in bytes.
func bodyProblem(err error, limit int) *Problem {
	var maxBytesErr *http.MaxBytesError
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &maxBytesErr):
		return problem(http.StatusRequestEntityTooLarge,
			"The body is larger than the limit of %d bytes. Import many rows as CSV or NDJSON, up to %d bytes.",
			limit, maxBulk)
	case errors.As(err, &syntax):
		return badRequest([]FieldError{{Field: "body", Message: "is not valid JSON: " + sanitize(syntax.Err.Error())}})
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem(http.StatusRequestTimeout, "The body arrived too slowly. Try again.")
	}
	return badRequest([]FieldError{{Field: "body", Message: "is incomplete"}}).withCause(err)
}
