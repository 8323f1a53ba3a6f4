package rest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"labledger/api/bind"
	"labledger/api/problem"
)

// Bounds of a bulk body.
const (
	maxBulk           = 1 << 30 // bytes
	maxLine           = 1 << 20 // bytes
	maxReportedErrors = 1000    // reading stops after this many errors
)

// A rowReader reads the rows of a bulk body and validates them one by one as they arrive. It collects the errors of
// rows in a problem; a returned error stops the request.
type rowReader struct {
	plan      *bind.Plan
	columns   []string                                                // fields of CSV columns; nil to take the header
	row       any                                                     // pointer to the current row, reused
	given     []string                                                // names of the fields of the current row
	names     []bind.Name                                             // rows that the current row names
	accept    func(line int64) error                                  // handles the valid row in row
	fastPath  func(line int64, text []byte) (handled bool, err error) // may handle an object before it is bound; optional
	resolve   func(line int64) error                                  // handles the names of an invalid row; optional
	finish    func() error                                            // is called after the last row; optional
	errs      []problem.FieldError
	truncated bool          // there are more errors than errs
	kind      *problem.Type // in case of errors: the type with the lowest status
}

func newRowReader(c *Call) *rowReader {
	b := &rowReader{plan: c.Rows, row: reflect.New(c.Rows.Type()).Interface(), kind: problem.StaleVersion}
	if c.flags.Has("columns") {
		b.columns = strings.Split(c.flags.Get("columns"), ",")
	}
	return b
}

// errStopReading stops reading a body whose errors are already collected.
var errStopReading = errors.New("stop reading")

// readAll reads the whole body. The error is a problem with the errors of all rows.
func (b *rowReader) readAll(contentType string, body io.Reader) error {
	mediaType, _, _ := mime.ParseMediaType(contentType)
	var err error
	switch mediaType {
	case MediaTypeCSV:
		err = b.readCSV(body)
	case MediaTypeNDJSON:
		err = b.readNDJSON(body)
	default:
		err = b.readArray(body)
	}
	if err == nil && b.finish != nil {
		err = b.finish()
	}
	if err != nil && !errors.Is(err, errStopReading) {
		return err
	}
	if len(b.errs) == 0 {
		return nil
	}
	p := problem.New(b.kind, "Nothing was stored: %s, listed by line.", countErrors(len(b.errs), b.truncated))
	p.Errors, p.Truncated = b.errs, b.truncated
	return p
}

func countErrors(n int, truncated bool) string {
	switch {
	case truncated:
		return fmt.Sprintf("more than %d errors, the first %d", n, n)
	case n == 1:
		return "1 error"
	}
	return fmt.Sprintf("%d errors", n)
}

// addError collects an error. It returns errStopReading when there are too many.
func (b *rowReader) addError(kind *problem.Type, e problem.FieldError) error {
	if kind.Status < b.kind.Status {
		b.kind = kind
	}
	if len(b.errs) == maxReportedErrors {
		b.truncated = true
		return errStopReading
	}
	b.errs = append(b.errs, e)
	return nil
}

// addLineError collects an error of a line or an element.
func (b *rowReader) addLineError(line int64, field, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	return b.addError(problem.ValidationFailed, problem.FieldError{Line: line, Field: field, Message: message})
}

// readNDJSON reads one object per line. Empty lines are skipped.
func (b *rowReader) readNDJSON(body io.Reader) error {
	text, err := openText(body)
	if err != nil {
		return err
	}
	scanner := bufio.NewScanner(text)
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
		return b.addLineError(lineNo+1, "line", "is longer than %d bytes; the rest was not read", maxLine)
	}
	if scanner.Err() != nil {
		return BodyProblem(scanner.Err(), maxBulk)
	}
	return nil
}

// readArray reads the elements of a JSON array.
func (b *rowReader) readArray(body io.Reader) error {
	limited := &recordLimiter{src: body}
	decoder := jsontext.NewDecoder(limited)
	if _, err := decoder.ReadToken(); err != nil {
		return BodyProblem(err, maxBulk)
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
		return problem.BadBody("must end after the JSON array")
	}
	return nil
}

// elementError collects the syntax error of an element, after which reading ends. It returns other errors as problems.
func (b *rowReader) elementError(lineNo int64, err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, errRecordTooLong):
		return b.addLineError(lineNo, "element", "is longer than %d bytes; the rest was not read", maxLine)
	case errors.As(err, &syntax):
		return b.addLineError(lineNo, "element",
			"is not valid JSON: %s; the rest was not read", problem.Sanitize(syntax.Err.Error()))
	}
	return BodyProblem(err, maxBulk)
}

// readObject validates one JSON object and accepts it.
func (b *rowReader) readObject(lineNo int64, text []byte) error {
	if b.fastPath != nil {
		if handled, err := b.fastPath(lineNo, text); handled || err != nil {
			return err
		}
	}
	var errs problem.FieldErrors
	b.clearRow()
	var err error
	if b.given, b.names, err = b.plan.Row(b.row, text, &errs); err != nil {
		var p *problem.Problem
		if !errors.As(err, &p) {
			return err
		}
		errs = append(errs, p.Errors...)
	} else {
		b.plan.RequireNew(b.row, b.given, &errs)
	}
	return b.acceptRow(lineNo, errs)
}

func (b *rowReader) clearRow() { reflect.ValueOf(b.row).Elem().SetZero() }

// acceptRow accepts the row if it is valid, or else collects its errors.
func (b *rowReader) acceptRow(lineNo int64, errs problem.FieldErrors) error {
	b.plan.CheckVersion(b.row, &errs)
	if len(errs) == 0 {
		return b.accept(lineNo)
	}
	for _, e := range errs {
		e.Line = lineNo
		if err := b.addError(problem.ValidationFailed, e); err != nil {
			return err
		}
	}
	if len(b.names) > 0 && b.resolve != nil {
		return b.resolve(lineNo)
	}
	return nil
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
