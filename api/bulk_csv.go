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

// readCSV takes a header line that names the columns in any order, then a row a line. An empty cell is null.
func (in *intake) readCSV(body io.Reader) error {
	bounded := &recordReader{from: body}
	buffered := bufio.NewReader(bounded)
	if mark, _ := buffered.Peek(3); string(mark) == "\xef\xbb\xbf" {
		_, _ = buffered.Discard(3) // spreadsheets put a byte order mark here
	}
	reader := csv.NewReader(&returnKeeper{from: buffered})
	reader.FieldsPerRecord = -1
	reader.ReuseRecord = true
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return refusal([]FieldError{{Line: 1, Field: "header", Message: "is missing; the first line names the columns"}})
	}
	if err != nil {
		return refusal([]FieldError{{Line: 1, Field: "header", Message: "is not CSV: " + printable(err.Error())}})
	}
	columns, found := in.binder.columns(header)
	if p := refusal(found); p != nil {
		return p
	}
	next := int64(2) // number of the line where the next record begins
	for {
		bounded.next()
		cells, err := reader.Read()
		var syntax *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errLongRecord):
			return in.fault(next, "line", fmt.Sprintf("is longer than %d bytes, perhaps for a quote that is never closed; the rest was not read", maxLine))
		case errors.As(err, &syntax):
			next = int64(syntax.Line) + 1
			if err := in.fault(int64(syntax.StartLine), "line", fmt.Sprintf("is not CSV at column %d: %v", syntax.Column, syntax.Err)); err != nil {
				return err
			}
			continue
		case err != nil:
			return bodyProblem(err, maxBulk)
		}
		number, _ := reader.FieldPos(0)
		if err := in.line(int64(number), in.bindCells(columns, cells)); err != nil {
			return err
		}
		next = int64(number) + 1
		for _, cell := range cells {
			next += int64(strings.Count(cell, "\n"))
		}
	}
}

// columns finds the field of each column of a header. Everything that is wrong with it is told at once.
func (b *binder) columns(header []string) (columns []field, found faults) {
	var seen []string
	for _, name := range header {
		if found.full() {
			break
		}
		i := slices.IndexFunc(b.body, func(f field) bool { return f.name == name })
		switch {
		case i < 0:
			found.add(printable(name), unknown(name, b.names))
		case slices.Contains(seen, name):
			found.add(name, "stands twice in the header")
		default:
			columns = append(columns, b.body[i])
		}
		seen = append(seen, name)
	}
	b.missing(seen, &found)
	for i := range found {
		found[i].Line = 1
	}
	return columns, found
}

// bindCells fills the scratch row from a line's cells.
func (in *intake) bindCells(columns []field, cells []string) (found faults) {
	in.row.SetZero()
	if len(cells) != len(columns) {
		found.add("line", fmt.Sprintf("has %d cells, but the header has %d", len(cells), len(columns)))
		return found
	}
	for i, f := range columns {
		target := in.row.Field(f.index)
		switch {
		case cells[i] != "":
			fault := set(target, f.name, cells[i])
			if fault == "" {
				fault = keyFault(target, f)
			}
			found.add(f.name, fault)
		case target.Kind() != reflect.Pointer && slices.Contains(in.binder.required, f.name):
			found.add(f.name, "must not be empty")
		}
	}
	return found
}

// A returnKeeper doubles the carriage return of a line end inside quotes: the CSV reader drops one there, and text must not change.
// It follows the reader's own idea of where quotes are, also past a line that the reader gives up.
type returnKeeper struct {
	from  *bufio.Reader
	state quoteState
	again bool // the carriage return just handed out is due once more
}

type quoteState int

const (
	fieldStart quoteState = iota // a quote here opens a quoted field
	bare                         // to the next comma
	quoted
	quoteInQuotes // the end of the field, or the first of a doubled quote
	givenUp       // to the end of the line
)

// after is the state that a byte leads to.
func (q quoteState) after(c byte) quoteState {
	switch {
	case q == quoted && c != '"':
		return quoted
	case q == quoted:
		return quoteInQuotes
	case c == '\n':
		return fieldStart
	case q == givenUp:
		return givenUp
	case c == ',':
		return fieldStart
	case c == '"' && (q == fieldStart || q == quoteInQuotes):
		return quoted
	case c == '"', q == quoteInQuotes && c != '\r':
		return givenUp
	case q == quoteInQuotes:
		return quoteInQuotes
	}
	return bare
}

func (k *returnKeeper) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if k.again {
			k.again = false
			p[n] = '\r'
			n++
			continue
		}
		if n > 0 && k.from.Buffered() == 0 {
			return n, nil // rather than wait for more
		}
		c, err := k.from.ReadByte()
		if err != nil {
			return n, err
		}
		k.state = k.state.after(c)
		if c == '\r' && k.state == quoted {
			following, _ := k.from.Peek(1)
			k.again = string(following) == "\n"
		}
		p[n] = c
		n++
	}
	return n, nil
}
