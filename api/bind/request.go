package bind

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"labledger/api/problem"
)

// Path binds the variables of the path.
func (p *Plan) Path(params any, vars map[string]string, errs *problem.FieldErrors) {
	target := reflect.ValueOf(params).Elem()
	for _, f := range p.pathFields {
		errs.Add(f.name, f.setText(target.Field(f.index), vars[f.name]))
	}
}

// Query binds the query string. It returns all values, for the flags that are not parameters of the query.
func (p *Plan) Query(params any, raw string, errs *problem.FieldErrors) (flags url.Values) {
	if raw == "" && len(p.requiredQuery) == 0 {
		return nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		errs.Add("query string", "is malformed: "+strings.TrimPrefix(err.Error(), "net/url: "))
		return nil
	}
	target := reflect.ValueOf(params).Elem()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		i := slices.IndexFunc(p.queryFields, func(f field) bool { return f.name == name })
		switch {
		case !slices.Contains(p.queryNames, name):
			errs.Add(problem.Sanitize(name), problem.UnknownName(name, p.queryNames))
		case len(values[name]) > 1:
			errs.Add(name, "is given more than once")
		case i >= 0:
			errs.Add(name, p.queryFields[i].setText(target.Field(p.queryFields[i].index), values.Get(name)))
		default:
			errs.Add(name, p.checkFlag(name, values.Get(name)))
		}
	}
	for _, name := range p.requiredQuery {
		if !values.Has(name) {
			errs.Add(name, "is missing")
		}
	}
	return values
}

// checkFlag returns what is wrong with the value of a flag, or "".
func (p *Plan) checkFlag(name, text string) (reason string) {
	for _, flag := range p.flags {
		if flag.Name == name && flag.Values != nil && !slices.Contains(flag.Values, text) {
			return "must be " + problem.JoinOr(flag.Values)
		}
	}
	return ""
}

// Body binds one JSON object. It returns the rows that the object names; see SetKey. The error is a *problem.Problem
// for text that is not a JSON object; errors of single fields go to errs.
func (p *Plan) Body(params any, body []byte, errs *problem.FieldErrors) ([]Name, error) {
	given, rows, err := p.bindObject(params, body, errs)
	if err != nil {
		return nil, err
	}
	p.requireFields(given, errs)
	if p.givenIndex >= 0 {
		reflect.ValueOf(params).Elem().Field(p.givenIndex).Set(reflect.ValueOf(given))
	}
	return rows, nil
}

// bindObject binds one JSON object. It returns its known fields, with the key of each row that it names, and these
// rows. Its errors are those of Body.
func (p *Plan) bindObject(params any, body []byte, errs *problem.FieldErrors) (given []string, rows []Name, err error) {
	target := reflect.ValueOf(params).Elem()
	decoder := jsontext.NewDecoder(bytes.NewReader(body))
	switch decoder.PeekKind() {
	case '{':
	case 0: // ReadToken returns the error
	default:
		return nil, nil, bodyProblem("must be a JSON object")
	}
	if _, err := decoder.ReadToken(); err != nil {
		return nil, nil, syntaxProblem(err, body)
	}
	for decoder.PeekKind() != '}' {
		key, err := decoder.ReadToken()
		if err != nil {
			return nil, nil, syntaxProblem(err, body)
		}
		name := key.String() // the next read invalidates the token
		text, err := decoder.ReadValue()
		if err != nil {
			return nil, nil, syntaxProblem(err, body)
		}
		i := slices.IndexFunc(p.bodyFields, func(f field) bool { return f.name == name })
		switch {
		case i >= 0:
			if name != p.either.Field || text.Kind() != 'n' { // null is as good as none
				given = append(given, name)
			}
			errs.Add(name, p.setBodyField(target, p.bodyFields[i], text))
		case name == p.repeats && name != "":
			errs.Add(name, p.setBodyField(target, p.pathFields[0], text))
		default:
			if r := p.reference(name); r != nil {
				row, reason := r.parseJSON(text)
				errs.Add(name, reason)
				rows = append(rows, row)
				continue
			}
			errs.Add(problem.Sanitize(name), problem.UnknownName(name, p.acceptedNames()))
		}
	}
	if _, err := decoder.ReadToken(); err != nil {
		return nil, nil, syntaxProblem(err, body)
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, nil, bodyProblem("must end after the JSON object")
	}
	given, rows = p.checkNames(target, given, rows, errs)
	return given, rows, nil
}

// Given reports whether a JSON object has a field. The body has been bound before.
func Given(body []byte, name string) bool {
	var fields map[string]jsontext.Value
	return json.Unmarshal(body, &fields) == nil && fields[name] != nil
}

func (p *Plan) requireFields(seen []string, errs *problem.FieldErrors) {
	for _, name := range p.requiredBody {
		switch {
		case slices.Contains(seen, name):
		case name == p.either.Field && slices.Contains(seen, p.either.Other):
		case name == p.either.Field:
			errs.Add(name, fmt.Sprintf("is missing; or give %s", p.either.Other))
		default:
			errs.Add(name, "is missing")
		}
	}
}

// setBodyField binds a field of the body. It returns what is wrong with the value, or "".
func (p *Plan) setBodyField(target reflect.Value, f field, text jsontext.Value) (reason string) {
	dst := target.Field(f.index)
	if p.isBulkRow && isGeneratedKey(f.name) && text.Kind() == 'n' {
		return "" // null means omitted
	}
	if !slices.ContainsFunc(p.pathFields, func(inPath field) bool { return inPath.index == f.index }) {
		if reason = f.setJSON(dst, text); reason == "" {
			reason = checkKey(dst, f)
		}
		return reason
	}
	fromBody := reflect.New(dst.Type()).Elem()
	reason = f.setJSON(fromBody, text)
	if reason == "" && !fromBody.Equal(dst) {
		return fmt.Sprintf("is %s, but the path has %v", text, dst.Interface())
	}
	return reason
}

// maxID is the largest ID that a client may choose for a row; see advance_ids in the schema.
const maxID = 1<<52 - 1

// checkKey validates an ID that a client chose for a new row. It returns what is wrong with it, or "".
func checkKey(dst reflect.Value, f field) (reason string) {
	if dst.Kind() == reflect.Pointer {
		if dst.IsNil() {
			return ""
		}
		dst = dst.Elem()
	}
	if f.name == "id" && (dst.Int() < 1 || dst.Int() > maxID) {
		return fmt.Sprintf("must be from 1 to %d", int64(maxID))
	}
	return ""
}

func bodyProblem(message string) error { return problem.BadBody(message) }

// syntaxProblem reports where a body stops being JSON.
func syntaxProblem(err error, body []byte) error {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		if errors.Is(err, io.EOF) {
			return bodyProblem("is empty; send a JSON object")
		}
		return bodyProblem("is incomplete")
	}
	offset := min(int(syntax.ByteOffset), len(body))
	line := 1 + bytes.Count(body[:offset], []byte("\n"))
	column := offset - bytes.LastIndexByte(body[:offset], '\n')
	return bodyProblem(fmt.Sprintf(
		"is not valid JSON at line %d, column %d: %s", line, column, problem.Sanitize(syntax.Err.Error())))
}
