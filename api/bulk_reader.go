package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// A bulkReader reads the rows of a bulk body, validates them and stores them in chunks.
type bulkReader struct {
	*bulkImport
	accept      func(lineNo int64) error                                  // handles the valid row in row
	fastPath    func(lineNo int64, text []byte) (handled bool, err error) // optional; may handle an object before binding
	storeChunk  func(lines json.RawMessage) (importChunkResult, error)
	row         reflect.Value // the current row, reused
	chunk       []byte        // JSON array of rows, without the closing bracket
	lineNumbers []int64       // line number of each row in the chunk
	total       Stored
	errs        *errorSpool
	status      int // status in case of errors: the lowest of 400 invalid, 409 conflict, 412 stale version
}

func newBulkReader(b *bulkImport) *bulkReader {
	r := &bulkReader{
		bulkImport: b,
		row:        reflect.New(b.binder.typ).Elem(),
		errs:       &errorSpool{},
		status:     http.StatusPreconditionFailed,
	}
	r.accept = r.appendRow
	return r
}

// readAll reads the whole body. It collects the errors of single rows in errs; a returned error stops the request.
func (b *bulkReader) readAll(contentType string, body io.Reader) error {
	mediaType, _, _ := mime.ParseMediaType(contentType)
	var err error
	switch mediaType {
	case mediaTypes[formatCSV]:
		err = b.readCSV(body)
	case mediaTypes[formatNDJSON]:
		err = b.readNDJSON(body)
	default:
		err = b.readArray(body)
	}
	if err != nil {
		return err
	}
	return b.flush()
}

// readNDJSON reads one object per line. Empty lines are skipped.
func (b *bulkReader) readNDJSON(body io.Reader) error {
	scanner := bufio.NewScanner(body)
	scanner.Buffer(make([]byte, 0, 64<<10), maxLine)
	lineNo := int64(0)
	for scanner.Scan() {
		lineNo++
		if len(bytes.Trim(scanner.Bytes(), " \t\r\n")) == 0 {
			continue
		}
		if err := b.readObject(lineNo, scanner.Bytes()); err != nil {
			return err
		}
	}
	if errors.Is(scanner.Err(), bufio.ErrTooLong) {
		return b.addError(lineNo+1, "line", fmt.Sprintf("is longer than %d bytes; the rest was not read", maxLine))
	}
	if scanner.Err() != nil {
		return bodyProblem(scanner.Err(), maxBulk)
	}
	return nil
}

// readArray reads the elements of a JSON array.
func (b *bulkReader) readArray(body io.Reader) error {
	limited := &recordLimiter{src: body}
	decoder := jsontext.NewDecoder(limited)
	if _, err := decoder.ReadToken(); err != nil {
		return bodyProblem(err, maxBulk)
	}
	lineNo := int64(1)
	for ; decoder.PeekKind() != ']'; lineNo++ {
		value, err := decoder.ReadValue()
		if err == nil && len(value) > maxLine {
			err = errRecordTooLong
		}
		if err != nil {
			return b.elementError(lineNo, err)
		}
		if err := b.readObject(lineNo, value); err != nil {
			return err
		}
		limited.reset()
	}
	if _, err := decoder.ReadToken(); err != nil {
		return b.elementError(lineNo, err)
	}
	limited.reset()
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return badRequest([]FieldError{{Field: "body", Message: "must end after the JSON array"}})
	}
	return nil
}

// elementError collects the syntax error of an element, after which reading ends. It returns other errors as problems.
func (b *bulkReader) elementError(lineNo int64, err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, errRecordTooLong):
		return b.addError(lineNo, "element", fmt.Sprintf("is longer than %d bytes; the rest was not read", maxLine))
	case errors.As(err, &syntax):
		message := "is not valid JSON: " + sanitize(syntax.Err.Error()) + "; the rest was not read"
		return b.addError(lineNo, "element", message)
	}
	return bodyProblem(err, maxBulk)
}

// readObject validates one JSON object and accepts it.
func (b *bulkReader) readObject(lineNo int64, text []byte) error {
	if b.fastPath != nil {
		if handled, err := b.fastPath(lineNo, text); handled || err != nil {
			return err
		}
	}
	var errs fieldErrors
	b.row.SetZero()
	if err := b.binder.bindBody(b.row, text, "", &errs); err != nil {
		var p *Problem
		if !errors.As(err, &p) {
			return err
		}
		errs = append(errs, p.Errors...)
	}
	return b.acceptRow(lineNo, errs)
}

// acceptRow accepts the row if it is valid, or else collects its errors.
func (b *bulkReader) acceptRow(lineNo int64, errs fieldErrors) error {
	b.binder.validateVersion(b.row, &errs)
	if len(errs) > 0 {
		b.status = http.StatusBadRequest
		for _, f := range errs {
			f.Line = lineNo
			if err := b.errs.add(f); err != nil {
				return err
			}
		}
		return nil
	}
	return b.accept(lineNo)
}

// appendRow appends the row to the chunk and flushes a full chunk.
func (b *bulkReader) appendRow(lineNo int64) error {
	if len(b.chunk) == 0 {
		b.chunk = append(b.chunk, '[')
	} else {
		b.chunk = append(b.chunk, ',')
	}
	b.chunk = b.binder.appendObject(b.chunk, b.row)
	b.lineNumbers = append(b.lineNumbers, lineNo)
	if len(b.lineNumbers) >= maxChunkRows || len(b.chunk) >= maxChunkBytes {
		return b.flush()
	}
	return nil
}

// flush stores the chunk and collects the errors that the database reports.
func (b *bulkReader) flush() error {
	if len(b.lineNumbers) == 0 {
		return nil
	}
	result, err := b.storeChunk(append(b.chunk, ']'))
	if err != nil {
		return b.chunkError(asProblem(err, http.MethodPost, b.binder.bodyNames))
	}
	var problems []struct {
		FieldError
		Status int `json:"status"`
	}
	if err := json.Unmarshal(result.Problems, &problems); err != nil {
		return err
	}
	for _, p := range problems {
		b.status = min(b.status, p.Status)
		p.Line = b.lineNumbers[p.Line-1]
		if err := b.errs.add(p.FieldError); err != nil {
			return err
		}
	}
	b.total.Created += result.Created
	b.total.Updated += result.Updated
	b.chunk, b.lineNumbers = b.chunk[:0], b.lineNumbers[:0]
	return nil
}

// chunkError collects a database error that names no line, and stops reading because the transaction is aborted.
func (b *bulkReader) chunkError(p *Problem) error {
	if p.Status >= http.StatusInternalServerError {
		return p
	}
	b.status = min(b.status, p.Status)
	prefix := fmt.Sprintf("in one of the lines %d to %d: ", b.lineNumbers[0], b.lineNumbers[len(b.lineNumbers)-1])
	f := FieldError{Field: "line", Message: p.Detail}
	if len(p.Errors) > 0 {
		f = p.Errors[0]
	}
	f.Line, f.Message = b.lineNumbers[0], prefix+f.Message+" (the rest was not checked)"
	if err := b.errs.add(f); err != nil {
		return err
	}
	return errStopReading
}

// errStopReading stops reading a body whose errors are already collected.
var errStopReading = errors.New("stop reading")

func (b *bulkReader) addError(lineNo int64, field, message string) error {
	b.status = http.StatusBadRequest
	return b.errs.add(FieldError{Line: lineNo, Field: field, Message: message})
}

// appendObject appends a bound row as JSON. Null and omitted fields become null; the query sets their defaults.
func (b *binder) appendObject(dst []byte, row reflect.Value) []byte {
	dst = append(dst, '{')
	for i, f := range b.bodyFields {
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
		case value.Kind() == reflect.Pointer, value.IsZero() && !slices.Contains(b.requiredBody, f.name):
			dst = append(dst, "null"...)
		case value.Kind() == reflect.Int64:
			dst = strconv.AppendInt(dst, value.Int(), 10)
		case value.Kind() == reflect.String:
			dst, _ = jsontext.AppendQuote(dst, value.String()) // valid UTF-8, as bound
		default:
			dst, _ = jsontext.AppendQuote(dst, fmt.Sprint(value.Interface()))
		}
	}
	return append(dst, '}')
}

// errRecordTooLong reports a record of more than maxLine bytes.
var errRecordTooLong = errors.New("record too long")

// A recordLimiter limits the bytes that are read for one record.
type recordLimiter struct {
	src  io.Reader
	read int
}

func (l *recordLimiter) reset() { l.read = 0 }

func (l *recordLimiter) Read(p []byte) (int, error) {
	if l.read > maxLine {
		return 0, errRecordTooLong
	}
	n, err := l.src.Read(p)
	l.read += n
	return n, err
}
