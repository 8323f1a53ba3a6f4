package rest

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"labledger/api/bind"
	"labledger/api/problem"
)

// readCSV reads a header line, which names the columns in any order, and then one row per record. The flag columns
// replaces the names. The header determines the delimiter. An empty cell is null, and records of empty cells are
// skipped.
func (b *rowReader) readCSV(body io.Reader) error {
	limited := &recordLimiter{src: body}
	reader, err := newCSVReader(limited)
	if err != nil {
		return err
	}
	header, err := reader.Read()
	for err == nil && isEmptyRecord(header) {
		header, err = reader.Read()
	}
	var syntax *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return headerProblem("is missing; the first line must name the columns")
	case errors.As(err, &syntax):
		return headerProblem("is not valid CSV: " + problem.Sanitize(err.Error()))
	case errors.Is(err, errRecordTooLong):
		return headerProblem(fmt.Sprintf("is longer than %d bytes", maxLine))
	case err != nil:
		return BodyProblem(err, maxBulk)
	}
	columns, errs := b.plan.Header(header, b.columns)
	if err := errs.Err(); err != nil {
		return err
	}
	b.given = bind.Names(columns)
	nextLine := int64(2) // line where the next record begins
	for {
		limited.reset()
		cells, err := reader.Read()
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
		if !isEmptyRecord(cells) {
			b.clearRow()
			var rowErrs problem.FieldErrors
			b.names = b.plan.Record(b.row, columns, cells, &rowErrs)
			if !rowErrs.Has("line") { // the number of cells is right
				b.plan.RequireNew(b.row, b.given, &rowErrs)
			}
			if err := b.acceptRow(int64(lineNo), rowErrs); err != nil {
				return err
			}
		}
		nextLine = int64(lineNo) + 1
		for _, cell := range cells {
			nextLine += int64(strings.Count(cell, "\n"))
		}
	}
}

// newCSVReader returns a reader of the records of a text, which may have different lengths. It reuses the slice of the
// record. The error is a 400 problem for a body that is no text.
func newCSVReader(body io.Reader) (*csv.Reader, error) {
	text, err := openText(body)
	if err != nil {
		return nil, err
	}
	delimiter := detectDelimiter(peekLine(text))
	reader := csv.NewReader(&lineReader{src: text, delimiter: delimiter})
	reader.Comma = rune(delimiter)
	reader.FieldsPerRecord = -1
	reader.ReuseRecord = true
	return reader, nil
}

func headerProblem(message string) error {
	return problem.BadRequest(problem.FieldError{Line: 1, Field: "header", Message: message})
}

// isEmptyRecord reports whether all cells are empty, as in the rows that spreadsheets add at the end.
func isEmptyRecord(cells []string) bool {
	return !slices.ContainsFunc(cells, func(cell string) bool { return cell != "" })
}

// A lineReader adapts line ends for csv.Reader. It doubles the carriage return of each line break inside quotes,
// because csv.Reader drops it there. Outside quotes, it replaces a carriage return alone, which ends the lines of some
// files. It tracks quotes like csv.Reader, including after a malformed line.
type lineReader struct {
	src       *bufio.Reader
	delimiter byte
	state     csvState
	pendingCR bool // the last carriage return must be repeated
}

type csvState int

const (
	fieldStart csvState = iota // a quote opens a quoted field
	unquoted                   // until the next delimiter
	quoted
	quoteInQuoted // the closing quote, or the first of an escaped quote
	malformedLine // until the end of the line
)

// next returns the state after byte c.
func (s csvState) next(c, delimiter byte) csvState {
	switch {
	case s == quoted && c != '"':
		return quoted
	case s == quoted:
		return quoteInQuoted
	case c == '\n':
		return fieldStart
	case s == malformedLine:
		return malformedLine
	case c == delimiter:
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

func (k *lineReader) Read(p []byte) (n int, err error) {
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
		if c == '\r' {
			next, _ := k.src.Peek(1)
			isLineBreak := string(next) == "\n"
			if k.state != quoted && !isLineBreak {
				c = '\n'
			}
			k.pendingCR = k.state == quoted && isLineBreak
		}
		k.state = k.state.next(c, k.delimiter)
		p[n] = c
		n++
	}
	return n, nil
}
