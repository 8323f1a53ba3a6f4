package rest

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"labledger/api/bind"
	"labledger/api/problem"
)

// readCSV reads a header line, which names the columns in any order, and then one row per record. An empty cell is
// null.
func (b *rowReader) readCSV(body io.Reader) error {
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
		return headerProblem("is missing; the first line must name the columns")
	}
	if err != nil {
		return headerProblem("is not valid CSV: " + problem.Sanitize(err.Error()))
	}
	columns, errs := b.plan.Header(header)
	if err := errs.Err(); err != nil {
		return err
	}
	b.given = bind.Names(columns)
	nextLine := int64(2) // line where the next record begins
	for {
		limited.reset()
		cells, err := reader.Read()
		var syntax *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errRecordTooLong):
			return b.addLineError(nextLine, "line",
				"is longer than %d bytes, possibly because a quote is not closed; the rest was not read", maxLine)
		case errors.As(err, &syntax):
			nextLine = int64(syntax.Line) + 1
			err := b.addLineError(int64(syntax.StartLine), "line",
				"is not valid CSV at column %d: %v", syntax.Column, syntax.Err)
			if err != nil {
				return err
			}
			continue
		case err != nil:
			return BodyProblem(err, maxBulk)
		}
		lineNo, _ := reader.FieldPos(0)
		b.clearRow()
		rowErrs := b.plan.Record(b.row, columns, cells)
		if len(cells) == len(columns) {
			b.plan.RequireNew(b.row, b.given, &rowErrs)
		}
		if err := b.acceptRow(int64(lineNo), rowErrs); err != nil {
			return err
		}
		nextLine = int64(lineNo) + 1
		for _, cell := range cells {
			nextLine += int64(strings.Count(cell, "\n"))
		}
	}
}

func headerProblem(message string) error {
	return problem.BadRequest(problem.FieldError{Line: 1, Field: "header", Message: message})
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
