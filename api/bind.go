package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"labledger/db"
)

// Binding fills a query's parameters from a request. A request is one flat object: its path, its query string (for a
// write, only a few flags) and its JSON body. A body may repeat a value of the path, but not contradict it.

// A binder knows where each field of a parameter struct comes from on one route.
type binder struct {
	typ           reflect.Type
	pathFields    []field
	queryFields   []field
	bodyFields    []field
	cursorFields  []field  // the parts of ?after=
	callerFields  []field  // filled from the caller
	requiredBody  []string // fields that the body must contain
	requiredQuery []string // parameters that the query string must contain
	givenIndex    int      // index of the field with the names of the fields in the body; -1 for none
	versionIndex  int      // index of the expected version; -1 for none
	limitIndex    int      // index of a list's row limit; -1 for none
	offsetIndex   int      // index of a list's offset; -1 for none
	bulkRow       bool     // binds the rows of a bulk body
	bodyNames     []string // names that the body may contain
	queryNames    []string // names that the query string may contain
}

// A field is one field of a parameter struct.
type field struct {
	name  string
	rule  string // key of the validation tables
	index int
}

// writeQueryParams lists the query parameters of writes.
var writeQueryParams = []string{"cascade", "simulate"}

// nullableOmitted lists the parameters of PUT requests that may omit nullable fields, as existing todo clients do.
var nullableOmitted = map[reflect.Type]bool{reflect.TypeFor[db.UpdateTodoParams](): true}

// newBinder plans how to bind the struct type in on a path with the variables vars.
// It panics if a variable has no field: the route table is wrong.
func newBinder(in reflect.Type, method string, vars []string) *binder {
	b := &binder{typ: in, givenIndex: -1, versionIndex: -1, limitIndex: -1, offsetIndex: -1}
	isWrite := method != http.MethodGet
	needsAllFields := len(vars) > 0 && method != http.MethodPatch && !nullableOmitted[in]
	for i := range in.NumField() {
		name := in.Field(i).Tag.Get("json")
		f := field{name, ruleName(in, name), i}
		isPointer := in.Field(i).Type.Kind() == reflect.Pointer
		inPath := slices.Contains(vars, f.name)
		switch {
		case inPath:
			b.pathFields = append(b.pathFields, f)
			vars = slices.DeleteFunc(slices.Clone(vars), func(v string) bool { return v == f.name })
			if isWrite {
				b.bodyFields = append(b.bodyFields, f)
			}
		case strings.HasPrefix(f.name, "caller_"):
			b.callerFields = append(b.callerFields, f)
		case f.name == "given":
			b.givenIndex = i
		case f.name == "after" || strings.HasPrefix(f.name, "after_"):
			b.cursorFields = append(b.cursorFields, f)
		case !isWrite || slices.Contains(writeQueryParams, f.name):
			b.queryFields = append(b.queryFields, f)
			if !isWrite && in.Field(i).Type.Kind() == reflect.String {
				b.requiredQuery = append(b.requiredQuery, f.name) // not nullable
			}
		default:
			b.bodyFields = append(b.bodyFields, f)
			optional := f.name == "version" || f.name == "id" || method == http.MethodPatch ||
				isPointer && !needsAllFields
			if !optional {
				b.requiredBody = append(b.requiredBody, f.name)
			}
		}
		switch f.name {
		case "version":
			b.versionIndex = i
		case "limit":
			if !isWrite {
				b.limitIndex = i
			}
		case "offset":
			b.offsetIndex = i
		}
	}
	if len(vars) > 0 {
		panic(fmt.Sprintf("api: %s has no field for the path variables %v", in, vars))
	}
	for _, f := range b.bodyFields {
		b.bodyNames = append(b.bodyNames, f.name)
	}
	for _, f := range b.queryFields {
		b.queryNames = append(b.queryNames, f.name)
	}
	if len(b.cursorFields) > 0 {
		b.queryNames = append(b.queryNames, "after")
	}
	if isWrite {
		b.queryNames = append(b.queryNames, "dry_run")
	}
	return b
}

// maxFieldErrors caps the errors reported per object. No row has as many fields.
const maxFieldErrors = 50

// fieldErrors collects the errors of a request.
type fieldErrors []FieldError

// full reports whether add drops further errors.
func (f *fieldErrors) full() bool { return len(*f) > maxFieldErrors }

// add appends an error unless message is "".
func (f *fieldErrors) add(field, message string) {
	switch {
	case message == "" || f.full():
	case len(*f) == maxFieldErrors:
		*f = append(*f, FieldError{Field: "…", Message: "further errors are omitted"})
	default:
		*f = append(*f, FieldError{Field: field, Message: message})
	}
}

// has reports whether a field, or a part of it, has an error.
func (f *fieldErrors) has(field string) bool {
	return slices.ContainsFunc(*f, func(e FieldError) bool {
		return e.Field == field || strings.HasPrefix(e.Field, field+".")
	})
}

// bindPath binds the path's variables.
func (b *binder) bindPath(in reflect.Value, vars map[string]string, errs *fieldErrors) {
	for _, f := range b.pathFields {
		errs.add(f.name, parseInto(in.Field(f.index), f.rule, vars[f.name]))
	}
}

// bindCaller binds the parameters that describe the caller. No part of a request can set them.
func (b *binder) bindCaller(in reflect.Value, caller *principal) {
	for _, f := range b.callerFields {
		values := map[string]any{
			"caller_id":      caller.accountID,
			"caller_session": caller.sessionID,
			"caller_role":    caller.role.String(),
		}
		in.Field(f.index).Set(reflect.ValueOf(values[f.name]))
	}
}

// bindQuery binds the query string. It returns all values, for the flags that only the adapter uses.
func (b *binder) bindQuery(in reflect.Value, raw string, errs *fieldErrors) (flags url.Values) {
	if raw == "" && len(b.requiredQuery) == 0 {
		return nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		errs.add("query string", "is malformed: "+strings.TrimPrefix(err.Error(), "net/url: "))
		return nil
	}
	for _, name := range sortedKeys(values) {
		i := slices.IndexFunc(b.queryFields, func(f field) bool { return f.name == name })
		switch {
		case !slices.Contains(b.queryNames, name):
			errs.add(sanitize(name), unknownNameMessage(name, b.queryNames))
		case len(values[name]) > 1:
			errs.add(name, "is given more than once")
		case name == "after":
			errs.add(name, b.bindCursor(in, values.Get(name)))
		case i >= 0:
			errs.add(name, parseInto(in.Field(b.queryFields[i].index), b.queryFields[i].rule, values.Get(name)))
		case name == "order" && values.Get(name) != "asc" && values.Get(name) != "desc":
			errs.add(name, "must be asc or desc")
		case name == "dry_run" && values.Get(name) != "true" && values.Get(name) != "false":
			errs.add(name, "must be true or false")
		}
	}
	for _, name := range b.requiredQuery {
		if !values.Has(name) {
			errs.add(name, "is missing")
		}
	}
	inPath := slices.ContainsFunc(b.pathFields, func(f field) bool { return f.name == "offset" })
	if values.Has("after") && (values.Has("offset") || inPath) {
		errs.add("offset", "cannot be combined with after; use one of them")
	}
	return values
}

// bindCursor parses ?after=, the key of the last row of a page: a UUID, or integers joined by "-".
// It returns what is wrong with it, or "".
func (b *binder) bindCursor(in reflect.Value, text string) (reason string) {
	const message = "must be the cursor from the Link header of the previous page"
	parts := strings.Split(text, "-")
	if isUUID(in.Field(b.cursorFields[0].index).Type()) {
		parts = []string{text}
	}
	if len(parts) != len(b.cursorFields) {
		return message
	}
	for i, f := range b.cursorFields {
		if reason := parseInto(in.Field(f.index), f.rule, parts[i]); reason != "" {
			return message + ": " + reason
		}
	}
	return ""
}

// bindBody binds one JSON object. The error is a *Problem for text that is not a JSON object; errors of single fields
// go to errs.
func (b *binder) bindBody(in reflect.Value, body []byte, ignored string, errs *fieldErrors) error {
	decoder := jsontext.NewDecoder(bytes.NewReader(body))
	switch decoder.PeekKind() {
	case '{':
	case 0: // ReadToken returns the error
	default:
		return badRequest([]FieldError{{Field: "body", Message: "must be a JSON object"}})
	}
	if _, err := decoder.ReadToken(); err != nil {
		return syntaxProblem(err, body)
	}
	var seen []string
	for decoder.PeekKind() != '}' {
		key, err := decoder.ReadToken()
		if err != nil {
			return syntaxProblem(err, body)
		}
		name := key.String() // the next read invalidates the token
		value, err := decoder.ReadValue()
		if err != nil {
			return syntaxProblem(err, body)
		}
		i := slices.IndexFunc(b.bodyFields, func(f field) bool { return f.name == name })
		switch {
		case i >= 0:
			seen = append(seen, name)
			b.bindField(in, b.bodyFields[i], value, errs)
		case name == ignored && name != "":
		default:
			errs.add(sanitize(name), unknownNameMessage(name, b.bodyNames))
		}
	}
	if _, err := decoder.ReadToken(); err != nil {
		return syntaxProblem(err, body)
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return badRequest([]FieldError{{Field: "body", Message: "must end after the JSON object"}})
	}
	b.requireFields(seen, errs)
	if b.givenIndex >= 0 {
		in.Field(b.givenIndex).Set(reflect.ValueOf(seen))
	}
	return nil
}

// maxID is the largest ID that a client may choose for a row; see reserve_id in the schema.
const maxID = 1<<52 - 1

// isGeneratedKey reports whether the server generates a key that a bulk row omits.
func isGeneratedKey(name string) bool { return name == "id" || name == "uuid" }

// validateKey validates an ID that a client chose for a new row. It returns what is wrong with it, or "".
func validateKey(value reflect.Value, f field) string {
	if value.Kind() == reflect.Pointer {
		if value.IsNil() {
			return ""
		}
		value = value.Elem()
	}
	if f.name == "id" && (value.Int() < 1 || value.Int() > maxID) {
		return fmt.Sprintf("must be from 1 to %d", int64(maxID))
	}
	return ""
}

func (b *binder) requireFields(seen []string, errs *fieldErrors) {
	for _, name := range b.requiredBody {
		if !slices.Contains(seen, name) {
			errs.add(name, "is missing")
		}
	}
}

func (b *binder) bindField(in reflect.Value, f field, value jsontext.Value, errs *fieldErrors) {
	target := in.Field(f.index)
	if b.bulkRow && isGeneratedKey(f.name) && value.Kind() == 'n' {
		return // null means omitted
	}
	if !slices.Contains(b.pathFields, f) {
		reason := decodeInto(target, f.rule, value)
		if reason == "" {
			reason = validateKey(target, f)
		}
		errs.add(f.name, reason)
		return
	}
	fromBody := reflect.New(target.Type()).Elem()
	reason := decodeInto(fromBody, f.rule, value)
	if reason == "" && !fromBody.Equal(target) {
		reason = fmt.Sprintf("is %s, but the path has %v", value, target.Interface())
	}
	errs.add(f.name, reason)
}

// syntaxProblem reports where a body stops being JSON.
func syntaxProblem(err error, body []byte) *Problem {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		if errors.Is(err, io.EOF) {
			return badRequest([]FieldError{{Field: "body", Message: "is empty; send a JSON object"}})
		}
		return badRequest([]FieldError{{Field: "body", Message: "is incomplete"}})
	}
	offset := min(int(syntax.ByteOffset), len(body))
	line := 1 + bytes.Count(body[:offset], []byte("\n"))
	column := offset - bytes.LastIndexByte(body[:offset], '\n')
	message := fmt.Sprintf("is not valid JSON at line %d, column %d: %s", line, column, sanitize(syntax.Err.Error()))
	return badRequest([]FieldError{{Field: "body", Message: message}})
}

// sanitize makes text from a client fit for a response: valid UTF-8 of limited length.
func sanitize(text string) string {
	text = strings.ToValidUTF8(text, "�")
	if runes := []rune(text); len(runes) > 100 {
		text = string(runes[:100]) + "…"
	}
	return text
}

func sortedKeys(values url.Values) []string {
	keys := make([]string, 0, len(values))
	for k := range values {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
