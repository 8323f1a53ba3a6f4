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

// hidden are columns that a query answers for the adapter, not for the client: where the next page starts, whether an upsert inserted.
func hidden(name string) bool { return name == "cursor" || name == "created" }

// appendRow appends a row as a JSON object.
func appendRow(dst []byte, columns []pgconn.FieldDescription, values [][]byte) []byte {
	dst = append(dst, '{')
	first := true
	for i, value := range values {
		if hidden(columns[i].Name) {
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
	if verbatim(value) {
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

// verbatim text needs no escape in a JSON string.
func verbatim(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return false
		}
	}
	return true
}

// appendTime appends a timestamptz as RFC 3339. The session's time zone is UTC and its DateStyle ISO: "2026-11-21 22:00:00.5+00".
func appendTime(dst, value []byte) []byte {
	moment, ok := bytes.CutSuffix(value, []byte("+00"))
	if !ok || len(moment) < 11 {
		return append(dst, value...) // infinity, or a year BC
	}
	dst = append(dst, moment[:10]...)
	dst = append(dst, 'T')
	dst = append(dst, moment[11:]...)
	return append(dst, 'Z')
}

// oneRow keeps a single row: the object for the body, and the columns that headers speak of.
type oneRow struct {
	body    []byte
	version string
	created bool   // of an upsert: there was no such row
	keyName string // column whose value a Location ends with; "" when none is needed
	key     string
}

func (o *oneRow) row(columns []pgconn.FieldDescription, values [][]byte) error {
	o.body = append(appendRow(make([]byte, 0, 512), columns, values), '\n')
	for i := range columns {
		switch name := columns[i].Name; {
		case name == "version":
			o.version = string(values[i])
		case name == "created":
			o.created = values[i][0] == 't'
		case name == o.keyName:
			o.key = string(values[i])
		}
	}
	return nil
}

// page keeps up to limit rows as a JSON array, and notices one more.
type page struct {
	body  []byte
	limit int
	count int
	last  []byte // key of the last row kept
	more  bool
}

func (p *page) row(columns []pgconn.FieldDescription, values [][]byte) error {
	if p.count == p.limit {
		p.more = true
		return nil
	}
	if p.count == 0 {
		p.body = append(p.body, '[')
	} else {
		p.body = append(p.body, ',')
	}
	p.body = appendRow(p.body, columns, values)
	p.count++
	if p.count == p.limit {
		p.last = append(p.last, key(columns, values)...)
	}
	return nil
}

// key is what ?after= takes: the cursor column, else the first one.
func key(columns []pgconn.FieldDescription, values [][]byte) []byte {
	if last := len(columns) - 1; columns[last].Name == "cursor" {
		return values[last]
	}
	return values[0]
}

func (p *page) bytes() []byte {
	if p.count == 0 {
		p.body = append(p.body, '[')
	}
	return append(p.body, ']', '\n')
}

// flushEvery is how many bytes a stream gathers before it sends them.
const flushEvery = 64 << 10

// jsonLines streams rows as NDJSON.
type jsonLines struct {
	to     io.Writer
	buffer []byte
}

func (j *jsonLines) row(columns []pgconn.FieldDescription, values [][]byte) error {
	j.buffer = append(appendRow(j.buffer, columns, values), '\n')
	if len(j.buffer) < flushEvery {
		return nil
	}
	return j.flush()
}

func (j *jsonLines) flush() error {
	_, err := j.to.Write(j.buffer)
	j.buffer = j.buffer[:0]
	return err
}

// csvLines streams rows as CSV with a header line. Null is an empty cell.
type csvLines struct {
	to    *csv.Writer
	names []string // of the header, which is there even without rows
	cells []string
}

func (c *csvLines) row(columns []pgconn.FieldDescription, values [][]byte) error {
	if err := c.header(); err != nil {
		return err
	}
	c.cells = c.cells[:0]
	for i, value := range values {
		switch {
		case hidden(columns[i].Name):
		case columns[i].DataTypeOID == pgtype.TimestamptzOID:
			c.cells = append(c.cells, string(appendTime(nil, value)))
		case value != nil && (columns[i].DataTypeOID == pgtype.Int4ArrayOID || columns[i].DataTypeOID == pgtype.BoolOID): // as in JSON
			c.cells = append(c.cells, string(appendValue(nil, columns[i].DataTypeOID, value)))
		default:
			c.cells = append(c.cells, string(value))
		}
	}
	return c.to.Write(c.cells)
}

func (c *csvLines) header() error {
	if c.names == nil {
		return nil
	}
	names := c.names
	c.names = nil
	return c.to.Write(names)
}

func (c *csvLines) flush() error {
	if err := c.header(); err != nil {
		return err
	}
	c.to.Flush()
	return c.to.Error()
}

// columnsOf are the columns of a row's type that a client sees.
func columnsOf(row reflect.Type) []string {
	names := make([]string, 0, row.NumField())
	for i := range row.NumField() {
		if name := row.Field(i).Tag.Get("json"); !hidden(name) {
			names = append(names, name)
		}
	}
	return names
}
