package bind

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"labledger/api/problem"
)

// This file binds rows of CSV and forms, and encodes bound rows for an import query.

// A Column is the field of one column of CSV.
type Column struct{ field }

// Header returns the column of each name of a CSV header, and all errors of the header. Without the column of the key,
// all rows are new, so the header must have all fields that new rows need.
func (p *Plan) Header(header []string) (columns []Column, errs problem.FieldErrors) {
	var seen []string
	for _, name := range header {
		if errs.Full() {
			break
		}
		i := slices.IndexFunc(p.bodyFields, func(f field) bool { return f.name == name })
		switch {
		case i < 0:
			errs.Add(problem.Sanitize(name), problem.UnknownName(name, p.BodyNames()))
		case slices.Contains(seen, name):
			errs.Add(name, "appears twice in the header")
		default:
			columns = append(columns, Column{p.bodyFields[i]})
		}
		seen = append(seen, name)
	}
	if p.rowKey == "" || !slices.Contains(seen, p.rowKey) {
		p.requireFields(seen, &errs)
	}
	for i := range errs {
		errs[i].Line = 1
	}
	return columns, errs
}

// Names returns the names of columns.
func Names(columns []Column) []string {
	all := make([]string, len(columns))
	for i, c := range columns {
		all[i] = c.name
	}
	return all
}

// Row binds the JSON object of a row, as Body does, and returns the names of the fields that it has.
func (p *Plan) Row(params any, text []byte, errs *problem.FieldErrors) (given []string, err error) {
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

// Record binds the cells of a CSV record. An empty cell is null.
func (p *Plan) Record(params any, columns []Column, cells []string) (errs problem.FieldErrors) {
	if len(cells) != len(columns) {
		errs.Add("line", fmt.Sprintf("has %d cells, but the header has %d", len(cells), len(columns)))
		return errs
	}
	target := reflect.ValueOf(params).Elem()
	for i, c := range columns {
		dst := target.Field(c.index)
		switch {
		case cells[i] != "":
			reason := c.setText(dst, cells[i])
			if reason == "" {
				reason = checkKey(dst, c.field)
			}
			errs.Add(c.name, reason)
		case !c.nullable && !isGeneratedKey(c.name):
			errs.Add(c.name, "must not be empty")
		}
	}
	return errs
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

// AppendObject appends the given fields of a bound row as JSON, without a key that is null.
func (p *Plan) AppendObject(dst []byte, params any, given []string) []byte {
	row := reflect.ValueOf(params).Elem()
	dst = append(dst, '{')
	separator := ""
	for _, f := range p.bodyFields {
		field := row.Field(f.index)
		if !slices.Contains(given, f.name) || isGeneratedKey(f.name) && field.IsZero() {
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
