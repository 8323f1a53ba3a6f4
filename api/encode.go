package api

import (
	"bytes"
	"encoding/csv"
	"io"
	"reflect"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// This file writes rows as they come off the wire: PostgreSQL's text format is JSON or CSV already, but for quotes.
// No row is ever scanned into a struct on its way to a client, and memory does not grow with the number of rows.

// A rowWriter takes rows one by one. Values are in PostgreSQL's text format; nil is null.
type rowWriter interface {
	row(columns []pgconn.FieldDescription, values [][]byte) error
}

// isInternalColumn are columns that a query answers for the adapter, not for the client: where the next page starts, whether an upsert inserted.
func isInternalColumn(name string) bool { return name == "cursor" || name == "created" }

// appendRow appends a row as a JSON object.
func appendRow(dst []byte, columns []pgconn.FieldDescription, values [][]byte) []byte {
	dst = append(dst, '{')
	first := true
	for i, value := range values {
		if isInternalColumn(columns[i].Name) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, '"')
		dst = append(dst, columns[i].Name...) // a column's name, never a client's text
		dst = append(dst, '"', ':')
		dst = appendValue(dst, columns[i].DataTypeOID, value)
	}
	return append(dst, '}')
}

// appendValue appends one value as JSON. Types that JSON does not have become strings.
func appendValue(dst []byte, oid uint32, value []byte) []byte {
	if value == nil {
		return append(dst, "null"...)
	}
	switch oid {
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.JSONOID, pgtype.JSONBOID:
		return append(dst, value...)
	case pgtype.Int4ArrayOID: // {1,2}, without nulls
		dst = append(dst, '[')
		dst = append(dst, value[1:len(value)-1]...)
		return append(dst, ']')
	case pgtype.BoolOID:
		return strconv.AppendBool(dst, value[0] == 't')
	case pgtype.TimestamptzOID:
		dst = append(dst, '"')
		dst = appendTime(dst, value)
		return append(dst, '"')
	}
	if needsNoEscape(value) {
		dst = append(dst, '"')
		dst = append(dst, value...)
		return append(dst, '"')
	}
	quoted, err := jsontext.AppendQuote(dst, value)
	if err != nil { // the database holds valid UTF-8 only
		panic("api: the database sent text that is not UTF-8: " + err.Error())
	}
	return quoted
}

// needsNoEscape text needs no escape in a JSON string.
func needsNoEscape(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return false
		}
	}
	return true
}

// appendTime appends a timestamptz as RFC 3339. The session's time zone is UTC and its DateStyle ISO: "2026-11-21 22:00:00.5+00".
func appendTime(dst, value []byte) []byte {
	text, ok := bytes.CutSuffix(value, []byte("+00"))
	if !ok || len(text) < 11 {
		return append(dst, value...) // infinity, or a year BC
	}
	dst = append(dst, text[:10]...)
	dst = append(dst, 'T')
	dst = append(dst, text[11:]...)
	return append(dst, 'Z')
}

// rowEncoder keeps a single row: the object for the body, and the columns that headers speak of.
type rowEncoder struct {
	body     []byte
	version  string
	created  bool   // of an upsert: there was no such row
	keyName  string // column whose value a Location ends with; "" when none is needed
	keyValue string
}

func (e *rowEncoder) row(columns []pgconn.FieldDescription, values [][]byte) error {
	e.body = append(appendRow(make([]byte, 0, 512), columns, values), '\n')
	for i := range columns {
		switch name := columns[i].Name; {
		case name == "version":
			e.version = string(values[i])
		case name == "created":
			e.created = values[i][0] == 't'
		case name == e.keyName:
			e.keyValue = string(values[i])
		}
	}
	return nil
}

// pageEncoder keeps up to limit rows as a JSON array, and notices one more.
type pageEncoder struct {
	body    []byte
	limit   int
	count   int
	lastKey []byte // key of the last row kept
	more    bool
}

func (e *pageEncoder) row(columns []pgconn.FieldDescription, values [][]byte) error {
	if e.count == e.limit {
		e.more = true
		return nil
	}
	if e.count == 0 {
		e.body = append(e.body, '[')
	} else {
		e.body = append(e.body, ',')
	}
	e.body = appendRow(e.body, columns, values)
	e.count++
	if e.count == e.limit {
		e.lastKey = append(e.lastKey, cursorValue(columns, values)...)
	}
	return nil
}

// cursorValue is what ?after= takes: the cursor column, else the first one.
func cursorValue(columns []pgconn.FieldDescription, values [][]byte) []byte {
	if last := len(columns) - 1; columns[last].Name == "cursor" {
		return values[last]
	}
	return values[0]
}

func (e *pageEncoder) bytes() []byte {
	if e.count == 0 {
		e.body = append(e.body, '[')
	}
	return append(e.body, ']', '\n')
}

// flushSize is how many bytes a stream gathers before it sends them.
const flushSize = 64 << 10

// ndjsonEncoder streams rows as NDJSON.
type ndjsonEncoder struct {
	dst    io.Writer
	buffer []byte
}

func (e *ndjsonEncoder) row(columns []pgconn.FieldDescription, values [][]byte) error {
	e.buffer = append(appendRow(e.buffer, columns, values), '\n')
	if len(e.buffer) < flushSize {
		return nil
	}
	return e.flush()
}

func (e *ndjsonEncoder) flush() error {
	_, err := e.dst.Write(e.buffer)
	e.buffer = e.buffer[:0]
	return err
}

// csvEncoder streams rows as CSV with a header line. Null is an empty cell.
type csvEncoder struct {
	dst   *csv.Writer
	names []string // of the header, which is there even without rows
	cells []string
}

func (e *csvEncoder) row(columns []pgconn.FieldDescription, values [][]byte) error {
	if err := e.header(); err != nil {
		return err
	}
	e.cells = e.cells[:0]
	for i, value := range values {
		switch {
		case isInternalColumn(columns[i].Name):
		case columns[i].DataTypeOID == pgtype.TimestamptzOID:
			e.cells = append(e.cells, string(appendTime(nil, value)))
		case value != nil && (columns[i].DataTypeOID == pgtype.Int4ArrayOID || columns[i].DataTypeOID == pgtype.BoolOID): // as in JSON
			e.cells = append(e.cells, string(appendValue(nil, columns[i].DataTypeOID, value)))
		default:
			e.cells = append(e.cells, string(value))
		}
	}
	return e.dst.Write(e.cells)
}

func (e *csvEncoder) header() error {
	if e.names == nil {
		return nil
	}
	names := e.names
	e.names = nil
	return e.dst.Write(names)
}

func (e *csvEncoder) flush() error {
	if err := e.header(); err != nil {
		return err
	}
	e.dst.Flush()
	return e.dst.Error()
}

// columnsOf are the columns of a row's type that a client sees.
func columnsOf(row reflect.Type) []string {
	names := make([]string, 0, row.NumField())
	for i := range row.NumField() {
		if name := row.Field(i).Tag.Get("json"); !isInternalColumn(name) {
			names = append(names, name)
		}
	}
	return names
}
