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

// This file reads the lines of a bulk body, checks each, and gathers the good ones into chunks. What is CSV about it stands in csv.go.

// An bulkReader gathers checked lines into chunks and sends them.
type bulkReader struct {
	*bulkImport
	accept      func(lineNo int64) error                                // takes the checked line in row
	fastPath    func(lineNo int64, text []byte) (taken bool, err error) // if set, may take an object before it is bound
	storeChunk  func(lines json.RawMessage) (importChunkResult, error)
	row         reflect.Value // scratch: a line's values are checked here
	chunk       []byte
	lineNumbers []int64 // line number of each line in the chunk
	total       Stored
	errs        *errorSpool
	status      int // if anything is wrong: the least of 400 malformed, 409 conflicting, 412 stale
}

func newBulkReader(b *bulkImport) *bulkReader {
	r := &bulkReader{bulkImport: b, row: reflect.New(b.binder.typ).Elem(), errs: &errorSpool{}, status: http.StatusPreconditionFailed}
	r.accept = r.appendRow
	return r
}

// readAll reads the body to its end. What is wrong with lines goes to the report; an error means that the whole cannot go on.
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

// readNDJSON takes an object a line. Empty lines are passed over.
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

// readArray takes the elements of one JSON array.
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

// elementError takes down an element that cannot be read, and the reading ends; an error means that the body broke off.
func (b *bulkReader) elementError(lineNo int64, err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, errRecordTooLong):
		return b.addError(lineNo, "element", fmt.Sprintf("is longer than %d bytes; the rest was not read", maxLine))
	case errors.As(err, &syntax):
		return b.addError(lineNo, "element", "is not JSON: "+sanitize(syntax.Err.Error())+"; the rest was not read")
	}
	return bodyProblem(err, maxBulk)
}

// readObject checks one JSON object and puts it into the chunk.
func (b *bulkReader) readObject(lineNo int64, text []byte) error {
	if b.fastPath != nil {
		if taken, err := b.fastPath(lineNo, text); taken || err != nil {
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

// acceptRow keeps the checked row, or puts what is wrong with it into the report.
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

// appendRow puts the checked row into the chunk.
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

// flush sends the chunk and takes down what the database found wrong with it.
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

// chunkError tells what the database refused without naming the line, and ends the reading: its transaction is broken.
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

// errStopReading ends the reading of a body; what is wrong stands in the report.
var errStopReading = errors.New("stop reading")

func (b *bulkReader) addError(lineNo int64, field, message string) error {
	b.status = http.StatusBadRequest
	return b.errs.add(FieldError{Line: lineNo, Field: field, Message: message})
}

// appendObject appends a bound row as JSON. Null and zero keys are left to the query.
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
			dst, _ = jsontext.AppendQuote(dst, value.String()) // valid: it was bound
		default:
			dst, _ = jsontext.AppendQuote(dst, fmt.Sprint(value.Interface()))
		}
	}
	return append(dst, '}')
}

// errRecordTooLong says that one record of a body has more bytes than maxLine.
var errRecordTooLong = errors.New("record too long")

// A recordLimiter bounds what is read of a body for one record.
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
