package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
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
	b.required, b.lines = nil, true
	for _, name := range b.names {
		if !isKey(name) && name != "version" {
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
	body := bufio.NewReader(r.Body)
	r.Body = struct {
		io.Reader
		io.Closer
	}{body, r.Body}
	for {
		c, err := body.ReadByte()
		if err != nil {
			return false
		}
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			_ = body.UnreadByte() // right after a ReadByte it works
			return c == '['
		}
	}
}

// serve stores the body's lines, or says what is wrong with each.
func (b *bulk) serve(w http.ResponseWriter, r *http.Request, pool *pgxpool.Pool, dry bool, found faults) error {
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if r.Header.Get(name) != "" {
			found.add(name, "does not apply to many rows; give each line its version")
		}
	}
	if p := mediaType(r, mediaTypes...); p != nil {
		return p
	}
	if p := refusal(found); p != nil {
		return p
	}
	ctx, cancel := context.WithTimeout(r.Context(), bulkTime)
	defer cancel()
	conn, err := acquireSoon(ctx, pool)
	if err != nil {
		return err
	}
	defer conn.Release()
	tx, err := begin(ctx, conn, exchangeOf(w).caller())
	if err != nil {
		return err
	}
	defer rollback(tx)
	control := http.NewResponseController(w)
	in := &intake{bulk: b, row: reflect.New(b.binder.shape).Elem(), wrong: &report{}, status: http.StatusPreconditionFailed}
	defer in.wrong.close()
	patience := func() {
		_ = control.SetReadDeadline(time.Now().Add(chunkTime)) // not every connection has deadlines, and then none is needed
		_ = control.SetWriteDeadline(time.Now().Add(2 * chunkTime))
	}
	patience()
	in.send = func(lines json.RawMessage) (stored, error) {
		defer patience()
		return b.store(ctx, tx, lines)
	}
	if err := in.readAll(r.Header.Get("Content-Type"), http.MaxBytesReader(w, r.Body, maxBulk)); err != nil && err != errStop {
		return err
	}
	if in.wrong.count > 0 {
		return in.refuse(w, r)
	}
	if !dry {
		if err := tx.Commit(ctx); err != nil {
			return err
		}
	}
	body, err := json.Marshal(in.total)
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, append(body, '\n'))
}

// acquireSoon takes a connection whose work may last longer than the wait for it.
func acquireSoon(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, statementTime)
	defer cancel()
	return acquire(ctx, pool)
}

// An intake gathers checked lines into chunks and sends them.
type intake struct {
	*bulk
	send    func(lines json.RawMessage) (stored, error)
	row     reflect.Value // scratch: a line's values are checked here
	chunk   []byte
	numbers []int64 // line number of each line in the chunk
	total   Stored
	wrong   *report
	status  int
}

// readAll reads the body to its end. What is wrong with lines goes to the report; an error means that the whole cannot go on.
func (in *intake) readAll(contentType string, body io.Reader) error {
	kind, _, _ := mime.ParseMediaType(contentType)
	var err error
	switch kind {
	case mediaTypes[formatCSV]:
		err = in.readCSV(body)
	case mediaTypes[formatNDJSON]:
		err = in.readNDJSON(body)
	default:
		err = in.readArray(body)
	}
	if err != nil {
		return err
	}
	return in.flush()
}

// readNDJSON takes an object a line. Empty lines are passed over.
func (in *intake) readNDJSON(body io.Reader) error {
	scanner := bufio.NewScanner(body)
	scanner.Buffer(make([]byte, 0, 64<<10), maxLine)
	number := int64(0)
	for scanner.Scan() {
		number++
		if len(bytes.TrimSpace(scanner.Bytes())) == 0 {
			continue
		}
		if err := in.object(number, scanner.Bytes()); err != nil {
			return err
		}
	}
	if errors.Is(scanner.Err(), bufio.ErrTooLong) {
		return in.fault(number+1, "line", fmt.Sprintf("is longer than %d bytes; the rest was not read", maxLine))
	}
	if scanner.Err() != nil {
		return bodyProblem(scanner.Err(), maxBulk)
	}
	return nil
}

// readArray takes the elements of one JSON array.
func (in *intake) readArray(body io.Reader) error {
	bounded := &recordReader{from: body}
	decoder := jsontext.NewDecoder(bounded)
	if _, err := decoder.ReadToken(); err != nil {
		return bodyProblem(err, maxBulk)
	}
	number := int64(1)
	for ; decoder.PeekKind() != ']'; number++ {
		value, err := decoder.ReadValue()
		if err == nil && len(value) > maxLine {
			err = errLongRecord
		}
		if err != nil {
			return in.elementFault(number, err)
		}
		if err := in.object(number, value); err != nil {
			return err
		}
		bounded.next()
	}
	if _, err := decoder.ReadToken(); err != nil {
		return in.elementFault(number, err)
	}
	bounded.next()
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return refusal([]FieldError{{Field: "body", Message: "must end after the JSON array"}})
	}
	return nil
}

// elementFault takes down an element that cannot be read, and the reading ends; an error means that the body broke off.
func (in *intake) elementFault(number int64, err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, errLongRecord):
		return in.fault(number, "element", fmt.Sprintf("is longer than %d bytes; the rest was not read", maxLine))
	case errors.As(err, &syntax):
		return in.fault(number, "element", "is not JSON: "+printable(syntax.Err.Error())+"; the rest was not read")
	}
	return bodyProblem(err, maxBulk)
}

// object checks one JSON object and puts it into the chunk.
func (in *intake) object(number int64, text []byte) error {
	var found faults
	in.row.SetZero()
	if err := in.binder.bindBody(in.row, text, "", &found); err != nil {
		var p *Problem
		if !errors.As(err, &p) {
			return err
		}
		found = append(found, p.Errors...)
	}
	return in.line(number, found)
}

// line puts the checked row into the chunk, or what is wrong with it into the report.
func (in *intake) line(number int64, found faults) error {
	in.binder.checkVersion(in.row, &found)
	if len(found) > 0 {
		in.status = http.StatusBadRequest
		for _, f := range found {
			f.Line = number
			if err := in.wrong.add(f); err != nil {
				return err
			}
		}
		return nil
	}
	if len(in.chunk) == 0 {
		in.chunk = append(in.chunk, '[')
	} else {
		in.chunk = append(in.chunk, ',')
	}
	in.chunk = in.binder.appendObject(in.chunk, in.row)
	in.numbers = append(in.numbers, number)
	if len(in.numbers) >= chunkLines || len(in.chunk) >= chunkBytes {
		return in.flush()
	}
	return nil
}

// flush sends the chunk and takes down what the database found wrong with it.
func (in *intake) flush() error {
	if len(in.numbers) == 0 {
		return nil
	}
	answer, err := in.send(append(in.chunk, ']'))
	if err != nil {
		return in.chunkFault(asProblem(err, http.MethodPost, in.binder.names))
	}
	var problems []struct {
		FieldError
		Status int `json:"status"`
	}
	if err := json.Unmarshal(answer.Problems, &problems); err != nil {
		return err
	}
	for _, p := range problems {
		in.status = worse(in.status, p.Status)
		p.Line = in.numbers[p.Line-1]
		if err := in.wrong.add(p.FieldError); err != nil {
			return err
		}
	}
	in.total.Created += answer.Created
	in.total.Updated += answer.Updated
	in.chunk, in.numbers = in.chunk[:0], in.numbers[:0]
	return nil
}

// chunkFault tells what the database refused without naming the line, and ends the reading: its transaction is broken.
func (in *intake) chunkFault(p *Problem) error {
	if p.Status >= http.StatusInternalServerError {
		return p
	}
	in.status = worse(in.status, p.Status)
	where := fmt.Sprintf("in one of the lines %d to %d: ", in.numbers[0], in.numbers[len(in.numbers)-1])
	for _, f := range append(p.Errors, FieldError{Field: "line", Message: p.Detail})[:1] {
		f.Line, f.Message = in.numbers[0], where+f.Message+" (the rest was not checked)"
		if err := in.wrong.add(f); err != nil {
			return err
		}
	}
	return errStop
}

// errStop ends the reading of a body; what is wrong stands in the report.
var errStop = errors.New("stop reading")

// worse of two statuses: malformed before conflicting before stale.
func worse(a, b int) int { return min(a, b) }

func (in *intake) fault(number int64, field, message string) error {
	in.status = http.StatusBadRequest
	return in.wrong.add(FieldError{Line: number, Field: field, Message: message})
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

// A report is a list of faults of any length: in a file once there is one.
type report struct {
	count  int64
	file   *os.File
	buffer *bufio.Writer
}

func (t *report) add(f FieldError) error {
	if t.file == nil {
		file, err := os.CreateTemp("", "labledger-report-")
		if err != nil {
			return err
		}
		_ = os.Remove(file.Name()) // the open file stays; its name is not needed
		t.file, t.buffer = file, bufio.NewWriter(file)
	}
	if t.count == maxReport {
		return errStop
	}
	if t.count++; t.count > 1 {
		_ = t.buffer.WriteByte(',') // a bufio.Writer keeps its first error for the flush
	}
	line, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_, _ = t.buffer.Write(line)
	return nil
}

func (t *report) copyTo(w io.Writer) error {
	if err := t.buffer.Flush(); err != nil {
		return err
	}
	if _, err := t.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(w, t.file)
	return err
}

func (t *report) close() {
	if t.file != nil {
		_ = t.file.Close() // and with it goes the file
	}
}

// appendObject appends a bound row as JSON. Null and zero keys are left to the query.
func (b *binder) appendObject(dst []byte, row reflect.Value) []byte {
	dst = append(dst, '{')
	for i, f := range b.body {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, f.name...)
		dst = append(dst, '"', ':')
		value := row.Field(f.index)
		if value.Kind() == reflect.Pointer && !value.IsNil() {
			value = value.Elem()
		}
		switch {
		case value.Kind() == reflect.Pointer, value.IsZero() && !slices.Contains(b.required, f.name):
			dst = append(dst, "null"...)
		case value.Kind() == reflect.Int64:
			dst = strconv.AppendInt(dst, value.Int(), 10)
		case value.Kind() == reflect.String:
			dst, _ = jsontext.AppendQuote(dst, value.String()) // valid: it was bound
		default:
			dst, _ = jsontext.AppendQuote(dst, fmt.Sprint(value.Interface()))
		}
	}
	return append(dst, '}')
}

// errLongRecord says that one record of a body has more bytes than maxLine.
var errLongRecord = errors.New("record too long")

// A recordReader bounds what is read of a body for one record.
type recordReader struct {
	from io.Reader
	read int
}

func (b *recordReader) next() { b.read = 0 }

func (b *recordReader) Read(p []byte) (int, error) {
	if b.read > maxLine {
		return 0, errLongRecord
	}
	n, err := b.from.Read(p)
	b.read += n
	return n, err
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
