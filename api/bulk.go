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
	maxBulk    = 1 << 30          // bytes
	maxLine    = 1 << 20          // bytes
	maxReport  = 1_000_000        // faults told; a body with more of them is not read further
	chunkLines = 5_000            // lines that go to the database at once
	chunkBytes = 1 << 20          // or bytes, whichever comes first
	bulkTime   = 30 * time.Minute // for the whole
	chunkTime  = time.Minute      // for the next chunk to arrive and be stored
)

// bulk is what a create takes besides one object.
type bulk struct {
	call   any // the query
	binder *binder
	own    func(s *submission) error // set instead of store: takes the whole body
	store  func(ctx context.Context, on db.DBTX, lines json.RawMessage) (stored, error)
}

// stored is what the query of a bulk answers for one chunk.
type stored struct {
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

// lines makes a bulk of a query that stores a JSON array of rows. A line has the fields of Row, the parameters of the upsert.
func lines[Row any, In ~struct {
	Lines json.RawMessage `json:"lines"`
}, Out ~struct {
	Created  int64           `json:"created"`
	Updated  int64           `json:"updated"`
	Problems json.RawMessage `json:"problems"`
}](q query[In, Out]) *bulk {
	return &bulk{
		call:   q,
		binder: newBulkBinder(reflect.TypeFor[Row]()),
		store: func(ctx context.Context, on db.DBTX, lines json.RawMessage) (stored, error) {
			answer, err := q(db.New(on), ctx, In(struct {
				Lines json.RawMessage `json:"lines"`
			}{lines}))
			return stored(answer), err
		},
	}
}

// newBulkBinder binds a line: a whole row, whose keys and version may be left out.
func newBulkBinder(row reflect.Type) *binder {
	b := newBinder(row, http.MethodPost, nil)
	whole := b.required
	b.required, b.lines = nil, true
	for _, name := range b.names {
		if !isKey(name) && name != "version" && (!brief[row] || slices.Contains(whole, name)) {
			b.required = append(b.required, name)
		}
	}
	return b
}

// isBulk tells a body of many rows: by its media type, or by the bracket that opens an array.
func isBulk(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == mediaTypes[formatCSV] || kind == mediaTypes[formatNDJSON] {
		return true
	}
	if kind != mediaTypes[formatJSON] && kind != "" {
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
func (b *bulk) serve(w http.ResponseWriter, r *http.Request, on *backend, dry bool, found faults) error {
	if p := checkBulk(r, found); p != nil {
		return p
	}
	release, err := on.long.take()
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeout(r.Context(), bulkTime)
	defer cancel()
	patience := patienceWith(w)
	patience()
	work := &transaction{pool: on.pool, who: exchangeOf(w).caller()}
	defer work.end()
	in := newIntake(b)
	defer in.wrong.close()
	in.send = func(lines json.RawMessage) (stored, error) {
		defer patience()
		tx, err := work.begun(ctx)
		if err != nil {
			return stored{}, err
		}
		return b.store(ctx, tx, lines)
	}
	if err := in.readAll(r.Header.Get("Content-Type"), http.MaxBytesReader(w, r.Body, maxBulk)); err != nil && err != errStop {
		return err
	}
	if in.wrong.count > 0 {
		return in.refuse(w, r)
	}
	if !dry {
		if err := work.commit(ctx); err != nil {
			return err
		}
	}
	body, err := json.Marshal(in.total)
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, append(body, '\n'))
}

// checkBulk refuses what does not go together with many rows.
func checkBulk(r *http.Request, found faults) *Problem {
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if r.Header.Get(name) != "" {
			found.add(name, "does not apply to many rows; give each line its version")
		}
	}
	if p := mediaType(r, mediaTypes...); p != nil {
		return p
	}
	return refusal(found)
}

// patienceWith lets a client take its time, from each call of the result on.
func patienceWith(w http.ResponseWriter) func() {
	control := http.NewResponseController(w)
	return func() {
		_ = control.SetReadDeadline(time.Now().Add(chunkTime)) // not every connection has deadlines, and then none is needed
		_ = control.SetWriteDeadline(time.Now().Add(2 * chunkTime))
	}
}

// A transaction begins when the first chunk is there: a body that comes slowly holds no connection before.
type transaction struct {
	pool *pgxpool.Pool
	who  db.SetRequestContextParams
	conn *pgxpool.Conn
	tx   pgx.Tx
}

func (t *transaction) begun(ctx context.Context) (pgx.Tx, error) {
	if t.tx != nil {
		return t.tx, nil
	}
	soon, cancel := context.WithTimeout(ctx, statementTime)
	defer cancel()
	conn, err := acquire(soon, t.pool)
	if err != nil {
		return nil, err
	}
	t.conn = conn
	t.tx, err = begin(ctx, conn, t.who)
	return t.tx, err
}

// commit keeps the work, if there was any.
func (t *transaction) commit(ctx context.Context) error {
	if t.tx == nil {
		return nil
	}
	return t.tx.Commit(ctx)
}

// end gives up what was not kept, and the connection.
func (t *transaction) end() {
	if t.tx != nil {
		rollback(t.tx)
	}
	if t.conn != nil {
		t.conn.Release()
	}
}

// refuse answers with everything that is wrong, line by line.
func (in *intake) refuse(w http.ResponseWriter, r *http.Request) error {
	p := problem(in.status, "Nothing was stored: %d thing%s to mend, named line by line under errors.", in.wrong.count, plural(in.wrong.count))
	p.Instance, p.RequestID = r.URL.EscapedPath(), exchangeOf(w).id
	head, err := json.Marshal(p)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	exchangeOf(w).problem = p
	_, _ = w.Write(append(bytes.TrimSuffix(head, []byte("}")), `,"errors":[`...)) // a client that has gone needs no answer
	if err := in.wrong.copyTo(w); err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(w, "]}\n")
	return nil
}

func plural(n int64) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// bodyProblem says why a body could not be read.
func bodyProblem(err error, limit int) *Problem {
	var tooLarge *http.MaxBytesError
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &tooLarge):
		return problem(http.StatusRequestEntityTooLarge, "The body is larger than %d bytes. Many rows go as CSV or NDJSON in one body of up to %d bytes.", limit, maxBulk)
	case errors.As(err, &syntax):
		return refusal([]FieldError{{Field: "body", Message: "is not JSON: " + printable(syntax.Err.Error())}})
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem(http.StatusRequestTimeout, "The body came too slowly.")
	}
	return refusal([]FieldError{{Field: "body", Message: "ends too early"}}).because(err)
}
