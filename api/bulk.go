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

// This file takes many rows in one body, all or nothing: CSV, NDJSON or a JSON array. Lines are checked one by one as they arrive and go
// to the database in chunks, inside one transaction. Neither the rows nor the list of what is wrong with them is ever held in memory.

// Bounds of a bulk body.
const (
	maxBulk           = 1 << 30          // bytes
	maxLine           = 1 << 20          // bytes
	maxReportedErrors = 1_000_000        // faults told; a body with more of them is not read further
	maxChunkRows      = 5_000            // lines that go to the database at once
	maxChunkBytes     = 1 << 20          // or bytes, whichever comes first
	bulkTimeout       = 30 * time.Minute // for the whole
	chunkTimeout      = time.Minute      // for the next chunk to arrive and be stored
)

// bulkImport is what a create takes besides one object.
type bulkImport struct {
	query  any // the query
	binder *binder
	handle func(s *call) error // set instead of store: takes the whole body
	store  func(ctx context.Context, dbtx db.DBTX, lines json.RawMessage) (importChunkResult, error)
}

// importChunkResult is what the query of a bulk answers for one chunk.
type importChunkResult struct {
	Created  int64           `json:"created"`
	Updated  int64           `json:"updated"`
	Problems json.RawMessage `json:"problems"` // [{line, field, status, message}]; line counts from 1 in the chunk
}

// Stored is the answer to a bulk body.
type Stored struct {
	// Rows that are new.
	Created int64 `json:"created"`
	// Rows that were there before.
	Updated int64 `json:"updated"`
}

// importRows makes a bulk of a query that stores a JSON array of rows. A line has the fields of Row, the parameters of the upsert.
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
			answer, err := q(db.New(dbtx), ctx, In(struct {
				Lines json.RawMessage `json:"lines"`
			}{lines}))
			return importChunkResult(answer), err
		},
	}
}

// newBulkBinder binds a line: a whole row, whose keys and version may be left out.
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

// isBulk tells a body of many rows: by its media type, or by the bracket that opens an array.
func isBulk(r *http.Request) bool {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType == mediaTypes[formatCSV] || mediaType == mediaTypes[formatNDJSON] {
		return true
	}
	if mediaType != mediaTypes[formatJSON] && mediaType != "" {
		return false
	}
	body := bufio.NewReaderSize(r.Body, 16) // longer reads go past it
	r.Body = struct {
		io.Reader
		io.Closer
	}{body, r.Body}
	for range maxBody {
		c, err := body.ReadByte()
		if err != nil {
			return false
		}
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			_ = body.UnreadByte() // right after a ReadByte it works
			return c == '['
		}
	}
	return false
}

// serve stores the body's lines, or says what is wrong with each.
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
	if err := reader.readAll(r.Header.Get("Content-Type"), http.MaxBytesReader(w, r.Body, maxBulk)); err != nil && err != errStopReading {
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
	body, err := json.Marshal(reader.total)
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, append(body, '\n'))
}

// checkBulkRequest refuses what does not go together with many rows.
func checkBulkRequest(r *http.Request, errs fieldErrors) *Problem {
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if r.Header.Get(name) != "" {
			errs.add(name, "does not apply to many rows; give each line its version")
		}
	}
	if p := checkMediaType(r, mediaTypes...); p != nil {
		return p
	}
	return badRequest(errs)
}

// deadlineExtender lets a client take its time, from each call of the result on.
func deadlineExtender(w http.ResponseWriter) func() {
	control := http.NewResponseController(w)
	return func() {
		_ = control.SetReadDeadline(time.Now().Add(chunkTimeout)) // not every connection has deadlines, and then none is needed
		_ = control.SetWriteDeadline(time.Now().Add(2 * chunkTimeout))
	}
}

// A lazyTx begins when the first chunk is there: a body that comes slowly holds no connection before.
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

// commit keeps the work, if there was any.
func (t *lazyTx) commit(ctx context.Context) error {
	if t.tx == nil {
		return nil
	}
	return t.tx.Commit(ctx)
}

// close gives up what was not kept, and the connection.
func (t *lazyTx) close() {
	if t.tx != nil {
		rollback(t.tx)
	}
	if t.conn != nil {
		t.conn.Release()
	}
}

// writeErrors answers with everything that is wrong, line by line.
func (b *bulkReader) writeErrors(w http.ResponseWriter, r *http.Request) error {
	p := problem(b.status, "Nothing was stored: %d thing%s to mend, named line by line under errors.", b.errs.count, pluralSuffix(b.errs.count))
	p.Instance, p.RequestID = r.URL.EscapedPath(), recorderOf(w).id
	head, err := json.Marshal(p)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	recorderOf(w).problem = p
	_, _ = w.Write(append(bytes.TrimSuffix(head, []byte("}")), `,"errors":[`...)) // a client that has gone needs no answer
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

// bodyProblem says why a body could not be read.
func bodyProblem(err error, limit int) *Problem {
	var maxBytesErr *http.MaxBytesError
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &maxBytesErr):
		return problem(http.StatusRequestEntityTooLarge, "The body is larger than %d bytes. Many rows go as CSV or NDJSON in one body of up to %d bytes.", limit, maxBulk)
	case errors.As(err, &syntax):
		return badRequest([]FieldError{{Field: "body", Message: "is not JSON: " + sanitize(syntax.Err.Error())}})
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem(http.StatusRequestTimeout, "The body came too slowly.")
	}
	return badRequest([]FieldError{{Field: "body", Message: "ends too early"}}).withCause(err)
}
