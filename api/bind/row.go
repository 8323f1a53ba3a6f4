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

// Header returns the column of each name of a CSV header, and all errors of the header.
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
	p.requireFields(seen, &errs)
	for i := range errs {
		errs[i].Line = 1
	}
	return columns, errs
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
		case !c.nullable && slices.Contains(p.requiredBody, c.name):
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

// AppendObject appends a bound row as JSON. Null and omitted fields become null; the query sets their defaults.
func (p *Plan) AppendObject(dst []byte, params any) []byte {
	row := reflect.ValueOf(params).Elem()
	dst = append(dst, '{')
	for i, f := range p.bodyFields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, f.name...)
		dst = append(dst, '"', ':')
		field := row.Field(f.index)
		if field.Kind() == reflect.Pointer && !field.IsNil() {
			field = field.Elem()
		}
		switch {
		case field.Kind() == reflect.Pointer, field.IsZero() && !slices.Contains(p.requiredBody, f.name):
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
