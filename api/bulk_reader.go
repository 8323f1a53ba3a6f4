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

// An intake gathers checked lines into chunks and sends them.
type intake struct {
	*bulk
	keep    func(number int64) error                                // takes the checked line in row
	plain   func(number int64, text []byte) (taken bool, err error) // if set, may take an object before it is bound
	send    func(lines json.RawMessage) (stored, error)
	row     reflect.Value // scratch: a line's values are checked here
	chunk   []byte
	numbers []int64 // line number of each line in the chunk
	total   Stored
	wrong   *report
	status  int // if anything is wrong: the least of 400 malformed, 409 conflicting, 412 stale
}

func newIntake(b *bulk) *intake {
	in := &intake{bulk: b, row: reflect.New(b.binder.shape).Elem(), wrong: &report{}, status: http.StatusPreconditionFailed}
	in.keep = in.gather
	return in
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
		if len(bytes.Trim(scanner.Bytes(), " \t\r\n")) == 0 {
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
	if in.plain != nil {
		if taken, err := in.plain(number, text); taken || err != nil {
			return err
		}
	}
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

// line keeps the checked row, or puts what is wrong with it into the report.
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
	return in.keep(number)
}

// gather puts the checked row into the chunk.
func (in *intake) gather(number int64) error {
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
		in.status = min(in.status, p.Status)
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
	in.status = min(in.status, p.Status)
	where := fmt.Sprintf("in one of the lines %d to %d: ", in.numbers[0], in.numbers[len(in.numbers)-1])
	f := FieldError{Field: "line", Message: p.Detail}
	if len(p.Errors) > 0 {
		f = p.Errors[0]
	}
	f.Line, f.Message = in.numbers[0], where+f.Message+" (the rest was not checked)"
	if err := in.wrong.add(f); err != nil {
		return err
	}
	return errStop
}

// errStop ends the reading of a body; what is wrong stands in the report.
var errStop = errors.New("stop reading")

func (in *intake) fault(number int64, field, message string) error {
	in.status = http.StatusBadRequest
	return in.wrong.add(FieldError{Line: number, Field: field, Message: message})
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
