package api

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

// readCSV reads a header line, which names the columns in any order, and then one row per record. An empty cell is
// null.
func (b *bulkReader) readCSV(body io.Reader) error {
	limited := &recordLimiter{src: body}
	buffered := bufio.NewReader(limited)
	if bom, _ := buffered.Peek(3); string(bom) == "\xef\xbb\xbf" {
		_, _ = buffered.Discard(3) // spreadsheets write a byte order mark
	}
	reader := csv.NewReader(&crlfPreserver{src: buffered})
	reader.FieldsPerRecord = -1
	reader.ReuseRecord = true
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return badRequest([]FieldError{{
			Line:    1,
			Field:   "header",
			Message: "is missing; the first line must name the columns",
		}})
	}
	if err != nil {
		message := "is not valid CSV: " + sanitize(err.Error())
		return badRequest([]FieldError{{Line: 1, Field: "header", Message: message}})
	}
	columns, errs := b.binder.bindHeader(header)
	if p := badRequest(errs); p != nil {
		return p
	}
	nextLine := int64(2) // line where the next record begins
	for {
		limited.reset()
		cells, err := reader.Read()
		var syntax *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errRecordTooLong):
			return b.addError(nextLine, "line", fmt.Sprintf(
				"is longer than %d bytes, possibly because a quote is not closed; the rest was not read", maxLine))
		case errors.As(err, &syntax):
			nextLine = int64(syntax.Line) + 1
			message := fmt.Sprintf("is not valid CSV at column %d: %v", syntax.Column, syntax.Err)
			if err := b.addError(int64(syntax.StartLine), "line", message); err != nil {
				return err
			}
			continue
		case err != nil:
			return bodyProblem(err, maxBulk)
		}
		lineNo, _ := reader.FieldPos(0)
		if err := b.acceptRow(int64(lineNo), b.bindRecord(columns, cells)); err != nil {
			return err
		}
		nextLine = int64(lineNo) + 1
		for _, cell := range cells {
			nextLine += int64(strings.Count(cell, "\n"))
		}
	}
}

// bindHeader returns the field of each column of a header, and all errors of the header.
func (b *binder) bindHeader(header []string) (columns []field, errs fieldErrors) {
	var seen []string
	for _, name := range header {
		if errs.full() {
			break
		}
		i := slices.IndexFunc(b.bodyFields, func(f field) bool { return f.name == name })
		switch {
		case i < 0:
			errs.add(sanitize(name), unknownNameMessage(name, b.bodyNames))
		case slices.Contains(seen, name):
			errs.add(name, "appears twice in the header")
		default:
			columns = append(columns, b.bodyFields[i])
		}
		seen = append(seen, name)
	}
	b.requireFields(seen, &errs)
	for i := range errs {
		errs[i].Line = 1
	}
	return columns, errs
}

// bindRecord binds the cells of a record to b.row.
func (b *bulkReader) bindRecord(columns []field, cells []string) (errs fieldErrors) {
	b.row.SetZero()
	if len(cells) != len(columns) {
		errs.add("line", fmt.Sprintf("has %d cells, but the header has %d", len(cells), len(columns)))
		return errs
	}
	for i, f := range columns {
		target := b.row.Field(f.index)
		switch {
		case cells[i] != "":
			reason := parseInto(target, f.rule, cells[i])
			if reason == "" {
				reason = validateKey(target, f)
			}
			errs.add(f.name, reason)
		case target.Kind() != reflect.Pointer && slices.Contains(b.binder.requiredBody, f.name):
			errs.add(f.name, "must not be empty")
		}
	}
	return errs
}

// A crlfPreserver doubles the carriage return of each line break inside quotes, because csv.Reader drops it there.
// It tracks quotes like csv.Reader, including after a malformed line.
type crlfPreserver struct {
	src       *bufio.Reader
	state     csvState
	pendingCR bool // the last carriage return must be repeated
}

type csvState int

const (
	fieldStart csvState = iota // a quote opens a quoted field
	unquoted                   // until the next comma
	quoted
	quoteInQuoted // the closing quote, or the first of an escaped quote
	malformedLine // until the end of the line
)

// next returns the state after byte c.
func (s csvState) next(c byte) csvState {
	switch {
	case s == quoted && c != '"':
		return quoted
	case s == quoted:
		return quoteInQuoted
	case c == '\n':
		return fieldStart
	case s == malformedLine:
		return malformedLine
	case c == ',':
		return fieldStart
	case c == '"' && (s == fieldStart || s == quoteInQuoted):
		return quoted
	case c == '"', s == quoteInQuoted && c != '\r':
		return malformedLine
	case s == quoteInQuoted:
		return quoteInQuoted
	}
	return unquoted
}

func (k *crlfPreserver) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if k.pendingCR {
			k.pendingCR = false
			p[n] = '\r'
			n++
			continue
		}
		if n > 0 && k.src.Buffered() == 0 {
			return n, nil // do not block for more
		}
		c, err := k.src.ReadByte()
		if err != nil {
			return n, err
		}
		k.state = k.state.next(c)
		if c == '\r' && k.state == quoted {
			next, _ := k.src.Peek(1)
			k.pendingCR = string(next) == "\n"
		}
		p[n] = c
		n++
	}
	return n, nil
}
