package api

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
)

// readCSV takes a header line that names the columns in any order, then a row a line. An empty cell is null.
func (in *intake) readCSV(body io.Reader) error {
	bounded := &recordReader{from: body}
	buffered := bufio.NewReader(bounded)
	if mark, _ := buffered.Peek(3); string(mark) == "\xef\xbb\xbf" {
		_, _ = buffered.Discard(3) // spreadsheets put a byte order mark here
	}
	reader := csv.NewReader(buffered)
	reader.FieldsPerRecord = -1
	reader.ReuseRecord = true
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return refusal([]FieldError{{Line: 1, Field: "header", Message: "is missing; the first line names the columns"}})
	}
	if err != nil {
		return in.csvFault(reader, err)
	}
	columns, found := in.binder.columns(header)
	if p := refusal(found); p != nil {
		return p
	}
	for {
		bounded.next()
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			var syntax *csv.ParseError
			if err := in.csvFault(reader, err); err != nil || !errors.As(err, &syntax) {
				return err
			}
			continue
		}
		number, _ := reader.FieldPos(0)
		if err := in.line(int64(number), in.bindCells(columns, cells)); err != nil {
			return err
		}
	}
}

// columns finds the field of each column of a header. Everything that is wrong with it is told at once.
func (b *binder) columns(header []string) (columns []field, found faults) {
	var seen []string
	for _, name := range header {
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
			found.add(f.name, set(target, f.name, cells[i]))
		case target.Kind() != reflect.Pointer && slices.Contains(in.binder.required, f.name):
			found.add(f.name, "must not be empty")
		}
	}
	return found
}

// csvFault takes down a line that is not CSV; an error means that the whole cannot go on.
func (in *intake) csvFault(reader *csv.Reader, err error) error {
	var syntax *csv.ParseError
	switch {
	case errors.Is(err, errLongRecord):
		line := reader.InputOffset() // of the line before
		return in.fault(0, "line", fmt.Sprintf("after byte %d is longer than %d bytes, perhaps for a quote that is never closed; the rest was not read", line, maxLine))
	case errors.As(err, &syntax):
		return in.fault(int64(syntax.StartLine), "line", fmt.Sprintf("is not CSV at column %d: %v", syntax.Column, syntax.Err))
	}
	return bodyProblem(err, maxBulk)
}
