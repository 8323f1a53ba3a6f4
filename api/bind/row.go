package bind

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"

	"labledger/api/problem"
)

// This file binds rows of CSV and forms, and encodes bound rows for an import query.

// A Column is the field of one column of CSV, or none if isIgnored.
type Column struct {
	field
	reference *Reference // of a column that names rows; its field is the key
	twin      int        // index of the column with the key of a reference, or the reverse; -1 for none
	isIgnored bool
}

// Header returns the column of each name of a CSV header, and all errors of the header. Spaces around names do not
// count, nor do columns without a name at the end. Without the column of the key, all rows are new, so the header must
// have all fields that new rows need.
//
// If fields is not nil, it replaces the names of the header. A column without a field is ignored.
func (p *Plan) Header(header, fields []string) (columns []Column, errs problem.FieldErrors) {
	count := len(header) // without columns without a name at the end
	for count > 0 && !hasText(header[count-1]) {
		count--
	}
	names, isReplaced := header[:count], fields != nil
	if isReplaced {
		if names = fields; len(fields) < count || len(fields) > len(header) {
			errs.Add("columns", fmt.Sprintf("has %s, but the header has %d", countWords(len(fields), "name"), count))
			return nil, errs
		}
	}
	var seen []string
	for _, name := range names {
		if name = trimCell(name); errs.Full() {
			break
		}
		i := slices.IndexFunc(p.bodyFields, func(f field) bool { return f.name == name })
		r := p.reference(name)
		switch {
		case name == "" && isReplaced:
			columns = append(columns, Column{isIgnored: true, twin: -1})
		case name == "":
			errs.Add("header", fmt.Sprintf("has no name for column %d", len(seen)+1))
		case i < 0 && r == nil:
			errs.Add(problem.Sanitize(name), problem.UnknownName(name, p.acceptedNames()))
		case slices.Contains(seen, name):
			errs.Add(name, "appears twice in the header")
		case r != nil:
			columns = append(columns, Column{field: r.key, reference: r, twin: -1})
		default:
			columns = append(columns, Column{field: p.bodyFields[i], twin: -1})
		}
		seen = append(seen, name)
	}
	linkTwins(columns)
	seen = append(seen, Names(columns)...)
	if p.rowKey == "" || !slices.Contains(seen, p.rowKey) {
		p.requireFields(seen, &errs)
	}
	for i := range errs {
		errs[i].Line = 1
	}
	return columns, errs
}

// linkTwins links the columns that name rows to those with the keys of the rows.
func linkTwins(columns []Column) {
	for i, c := range columns {
		if c.reference == nil {
			continue
		}
		for j, other := range columns {
			if other.reference == nil && other.name == c.name {
				columns[i].twin, columns[j].twin = j, i
			}
		}
	}
}

// Names returns the names of the fields of columns. A column that names rows has the field of their key.
func Names(columns []Column) []string {
	var all []string
	for i, c := range columns {
		if !c.isIgnored && (c.twin < 0 || c.twin > i) {
			all = append(all, c.name)
		}
	}
	return all
}

// countWords returns a number with its noun.
func countWords(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Row binds the JSON object of a row, as Body does. It returns the fields that the object has, with the keys of the
// rows that it names, and these rows.
func (p *Plan) Row(params any, text []byte, errs *problem.FieldErrors) (given []string, rows []Name, err error) {
	return p.bindObject(params, text, errs)
}

// RequireNew adds an error for each missing field if the row has no key, so that it is new. given has the names of the
// row's fields.
func (p *Plan) RequireNew(params any, given []string, errs *problem.FieldErrors) {
	row := reflect.ValueOf(params).Elem()
	for _, f := range p.bodyFields {
		if f.name == p.rowKey && (!row.Field(f.index).IsZero() || errs.Has(f.name)) {
			return
		}
	}
	p.requireFields(given, errs)
}

// trimCell removes white space and byte order marks around a cell.
func trimCell(cell string) string {
	return strings.TrimFunc(cell, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
}

func hasText(cell string) bool { return trimCell(cell) != "" }

// Record binds the cells of a CSV record. It returns the rows that the record names. An empty cell is null, or absent
// if the cell of the name or the key of the same row is not empty. Empty cells beyond the columns do not count.
func (p *Plan) Record(params any, columns []Column, cells []string, errs *problem.FieldErrors) (rows []Name) {
	for len(cells) > len(columns) && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	if len(cells) != len(columns) {
		errs.Add("line", fmt.Sprintf("has %s, but the header has %d", countWords(len(cells), "cell"), len(columns)))
		return nil
	}
	target := reflect.ValueOf(params).Elem()
	var keys []string // fields with keys that have rows with names as well
	for i, c := range columns {
		isEmpty := c.cellText(cells[i]) == "" || c.reference != nil && !hasText(cells[i])
		switch {
		case c.isIgnored:
		case isEmpty && c.twin >= 0 && (c.reference != nil || hasText(cells[c.twin])):
		case isEmpty && !c.nullable && !isGeneratedKey(c.name):
			errs.Add(c.fieldName(), "must not be empty")
		case isEmpty:
		case c.reference != nil:
			n, reason := c.reference.parseText(unescapeFormula(cells[i]))
			errs.Add(n.Field, reason)
			rows = append(rows, n)
		default:
			errs.Add(c.name, c.setCell(target.Field(c.index), cells[i]))
			if c.twin >= 0 {
				keys = append(keys, c.name)
			}
		}
	}
	_, rows = p.checkNames(target, keys, rows, errs)
	return rows
}

// fieldName returns the name of the column.
func (c Column) fieldName() string {
	if c.reference != nil {
		return c.reference.Field
	}
	return c.name
}

// setCell binds a cell that is not empty. It returns what is wrong with it, or "".
func (c Column) setCell(dst reflect.Value, cell string) (reason string) {
	if reason = c.setText(dst, c.cellText(cell)); reason == "" {
		reason = checkKey(dst, c.field)
	}
	return reason
}

// cellText returns the text that a CSV cell stands for.
func (c Column) cellText(cell string) string {
	switch c.typeName {
	case stringType:
		return unescapeFormula(cell)
	case boolType:
		return boolText(trimCell(cell))
	}
	return trimCell(cell)
}

// boolText returns "true" or "false" for the words that spreadsheets and PostgreSQL use, and other text unchanged.
func boolText(text string) string {
	switch strings.ToLower(text) {
	case "true", "t", "yes", "y", "on", "1":
		return "true"
	case "false", "f", "no", "n", "off", "0":
		return "false"
	}
	return text
}

// FormField binds one text field of a form, which must be one of BodyNames. An empty text is null. It returns what is
// wrong with the text, or "".
func (p *Plan) FormField(params any, name, text string) (reason string) {
	i := slices.IndexFunc(p.bodyFields, func(f field) bool { return f.name == name })
	if text == "" {
		return ""
	}
	return p.bodyFields[i].setText(reflect.ValueOf(params).Elem().Field(p.bodyFields[i].index), text)
}

// AppendObject appends the given fields of a bound row as JSON, without a key that is null, and without the keys of
// rows that the row names; see AppendKey.
func (p *Plan) AppendObject(dst []byte, params any, given []string, rows ...Name) []byte {
	row := reflect.ValueOf(params).Elem()
	dst = append(dst, '{')
	separator := ""
	for _, f := range p.bodyFields {
		field := row.Field(f.index)
		if !slices.Contains(given, f.name) || isGeneratedKey(f.name) && field.IsZero() ||
			slices.ContainsFunc(rows, func(n Name) bool { return n.Key == f.name }) {
			continue
		}
		dst = append(dst, separator...)
		separator = ","
		dst = append(dst, '"')
		dst = append(dst, f.name...)
		dst = append(dst, '"', ':')
		if field.Kind() == reflect.Pointer && !field.IsNil() {
			field = field.Elem()
		}
		switch {
		case field.Kind() == reflect.Pointer:
			dst = append(dst, "null"...)
		case field.Kind() == reflect.Int64:
			dst = strconv.AppendInt(dst, field.Int(), 10)
		case field.Kind() == reflect.String:
			dst, _ = jsontext.AppendQuote(dst, field.String()) // valid UTF-8, as bound
		default:
			dst, _ = jsontext.AppendQuote(dst, fmt.Sprint(field.Interface()))
		}
	}
	return append(dst, '}')
}
