package rest

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"io"
	"reflect"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"labledger/api/bind"
	"labledger/api/relation"
)

// The encoders write rows as they come off the wire: except for quotes, PostgreSQL's text format is already JSON or
// CSV. No row is scanned into a struct, and memory does not grow with the number of rows.

// isInternalColumn reports whether a column is for the adapter, not for clients: whether an upsert inserted the row, and
// those of relations.
func isInternalColumn(name string) bool { return name == "created" || relation.IsInternalColumn(name) }

// AppendRow appends a row as a JSON object.
func AppendRow(dst []byte, columns []pgconn.FieldDescription, values [][]byte) []byte {
	var e objectEncoder
	return e.append(dst, columns, values)
}

// An objectEncoder appends the rows of one statement as JSON objects. The zero value is ready to use.
type objectEncoder struct{ members []jsonMember }

// A jsonMember is a column that clients see.
type jsonMember struct {
	column int
	oid    uint32
	prefix string // the name, after the brace or the comma: {"id":
}

func (e *objectEncoder) append(dst []byte, columns []pgconn.FieldDescription, values [][]byte) []byte {
	if e.members == nil {
		e.prepare(columns)
	}
	if len(e.members) == 0 {
		return append(dst, "{}"...)
	}
	for i := range e.members {
		m := &e.members[i]
		dst = append(dst, m.prefix...)
		dst = appendValue(dst, m.oid, values[m.column])
	}
	return append(dst, '}')
}

func (e *objectEncoder) prepare(columns []pgconn.FieldDescription) {
	e.members = make([]jsonMember, 0, len(columns))
	text := make([]byte, 0, 512) // the prefixes of all members, so that they are one allocation
	ends := make([]int, 0, 32)   // of each in text
	separator := byte('{')
	for i := range columns {
		if name := columns[i].Name; !isInternalColumn(name) {
			text = append(text, separator, '"')
			text = append(text, name...) // needs no escaping: it does not come from a client
			text = append(text, '"', ':')
			ends = append(ends, len(text))
			e.members = append(e.members, jsonMember{column: i, oid: columns[i].DataTypeOID})
			separator = ','
		}
	}
	prefixes, start := string(text), 0
	for i, end := range ends {
		e.members[i].prefix = prefixes[start:end]
		start = end
	}
}

// appendValue appends one value as JSON. Types without a JSON counterpart become strings.
func appendValue(dst []byte, oid uint32, value []byte) []byte {
	if value == nil {
		return append(dst, "null"...)
	}
	switch oid {
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.JSONOID, pgtype.JSONBOID:
		return append(dst, value...)
	case pgtype.Int4ArrayOID: // {1,NULL}
		dst = append(dst, '[')
		dst = append(dst, bytes.ReplaceAll(value[1:len(value)-1], []byte("NULL"), []byte("null"))...)
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
	quoted, _ := jsontext.AppendQuote(dst, value) // the error only reports that U+FFFD replaces invalid UTF-8
	return quoted
}

// Each byte of a word is 1, or has its highest bit.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// needsNoEscape reports whether text needs no escaping in a JSON string. It looks at eight bytes at a time: a difference
// sets the highest bit of the first byte that is too small.
func needsNoEscape(text []byte) bool {
	for len(text) >= 8 {
		word := binary.LittleEndian.Uint64(text)
		quote, backslash, del := word^'"'*ones, word^'\\'*ones, word^0x7f*ones
		found := word | (word-' '*ones)&^word | (quote-ones)&^quote | (backslash-ones)&^backslash | (del-ones)&^del
		if found&highs != 0 {
			return false
		}
		text = text[8:]
	}
	for _, c := range text {
		if c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return false
		}
	}
	return true
}

// appendTime appends a timestamptz as RFC 3339. The session has the time zone UTC and the DateStyle ISO:
// "2026-11-21 22:00:00.5+00".
func appendTime(dst, value []byte) []byte {
	text, isUTC := bytes.CutSuffix(value, []byte("+00"))
	date, clock, hasClock := bytes.Cut(text, []byte(" "))
	if !isUTC || !hasClock {
		return append(dst, value...) // infinity, or a year BC
	}
	dst = append(dst, date...)
	dst = append(dst, 'T')
	dst = append(dst, clock...)
	return append(dst, 'Z')
}

// A rowEncoder keeps a single row: the JSON object for the body, and the columns that headers need.
type rowEncoder struct {
	body    []byte
	version string
	created bool // the upsert inserted the row
	keyName string
	key     string // value of the column keyName; "" without one
}

func (e *rowEncoder) WriteRow(columns []pgconn.FieldDescription, values [][]byte) error {
	e.body = append(AppendRow(make([]byte, 0, 512), columns, values), '\n')
	for i := range columns {
		switch columns[i].Name {
		case e.keyName:
			e.key = string(values[i])
		case "version":
			e.version = string(values[i])
		case "created":
			e.created = values[i][0] == 't'
		}
	}
	return nil
}

// flushSize is how many bytes a stream buffers before it sends them.
const flushSize = 64 << 10

// An ndjsonEncoder streams rows as NDJSON.
type ndjsonEncoder struct {
	dst    io.Writer
	object objectEncoder
	buffer []byte
}

func (e *ndjsonEncoder) WriteRow(columns []pgconn.FieldDescription, values [][]byte) error {
	e.buffer = append(e.object.append(e.buffer, columns, values), '\n')
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

// A csvEncoder streams rows as CSV with a header line. NULL is an empty cell. Text that a spreadsheet would execute is
// escaped.
type csvEncoder struct {
	dst   *csv.Writer
	names []string // the header, written even without rows; nil once written
	cells []string
}

func (e *csvEncoder) WriteRow(columns []pgconn.FieldDescription, values [][]byte) error {
	if err := e.header(); err != nil {
		return err
	}
	e.cells = e.cells[:0]
	for i, value := range values {
		switch {
		case isInternalColumn(columns[i].Name):
		case columns[i].DataTypeOID == pgtype.TimestamptzOID:
			e.cells = append(e.cells, string(appendTime(nil, value)))
		case value != nil &&
			(columns[i].DataTypeOID == pgtype.Int4ArrayOID || columns[i].DataTypeOID == pgtype.BoolOID): // as in JSON
			e.cells = append(e.cells, string(appendValue(nil, columns[i].DataTypeOID, value)))
		case isTextOID(columns[i].DataTypeOID):
			e.cells = append(e.cells, bind.EscapeFormula(string(value)))
		default:
			e.cells = append(e.cells, string(value))
		}
	}
	return e.dst.Write(e.cells)
}

// isTextOID reports whether a column holds text of clients.
func isTextOID(oid uint32) bool {
	return oid == pgtype.TextOID || oid == pgtype.VarcharOID || oid == pgtype.BPCharOID || oid == pgtype.NameOID
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

// ColumnsOf returns the columns of a row type that clients see.
func ColumnsOf(row reflect.Type) []string {
	names := make([]string, 0, row.NumField())
	for i := range row.NumField() {
		if name := row.Field(i).Tag.Get("json"); !isInternalColumn(name) {
			names = append(names, name)
		}
	}
	return names
}
