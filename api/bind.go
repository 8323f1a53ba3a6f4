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

// This file binds a request to a query's parameters. A request is one flat object: its path, its query string (of reads, and the few
// named flags of writes) and its JSON body (of writes). The path wins and may not be contradicted.

// A binder knows where each field of one parameter struct comes from on one route.
type binder struct {
	typ           reflect.Type
	pathFields    []field  // from the path
	queryFields   []field  // from the query string
	bodyFields    []field  // from the body
	cursorFields  []field  // the parts of ?after=
	callerFields  []field  // from who calls
	requiredBody  []string // of the body
	requiredQuery []string // of the query string
	presentIndex  int      // index of the list of given fields, of a PATCH; else -1
	versionIndex  int      // index of the version expected; else -1
	limitIndex    int      // index of the row limit, of a list; else -1
	offsetIndex   int
	bulkRow       bool     // binds the lines of a bulk body
	bodyNames     []string // of the body
	queryNames    []string // of the query string
}

type field struct {
	name  string
	rule  string // key of the validation tables
	index int
}

// writeQueryParams are the parameters that a write takes from its query string.
var writeQueryParams = []string{"cascade", "simulate"}

// nullableOmitted are the whole rows of which only what may not be null has to be given: the first clients of these know no more.
var nullableOmitted = map[reflect.Type]bool{reflect.TypeFor[db.UpdateTodoParams](): true}

// newBinder plans the binding of in, a struct type, for a method on a path with the given variables.
// It panics when a variable has no field: that is a mistake in the route table.
func newBinder(in reflect.Type, method string, vars []string) *binder {
	b := &binder{typ: in, presentIndex: -1, versionIndex: -1, limitIndex: -1, offsetIndex: -1}
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
			b.presentIndex = i
		case f.name == "after" || strings.HasPrefix(f.name, "after_"):
			b.cursorFields = append(b.cursorFields, f)
		case !isWrite || slices.Contains(writeQueryParams, f.name):
			b.queryFields = append(b.queryFields, f)
			if !isWrite && in.Field(i).Type.Kind() == reflect.String {
				b.requiredQuery = append(b.requiredQuery, f.name) // null is what is left out, and it cannot be null
			}
		default:
			b.bodyFields = append(b.bodyFields, f)
			optional := f.name == "version" || f.name == "id" || method == http.MethodPatch || isPointer && !needsAllFields
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

// maxFieldErrors bounds what is told about one object: more fields than any row has.
const maxFieldErrors = 50

// fieldErrors collects everything that is wrong with a request.
type fieldErrors []FieldError

// full tells that no more will be told.
func (f *fieldErrors) full() bool { return len(*f) > maxFieldErrors }

func (f *fieldErrors) add(field, message string) {
	switch {
	case message == "" || f.full():
	case len(*f) == maxFieldErrors:
		*f = append(*f, FieldError{Field: "…", Message: "and more of the kind"})
	default:
		*f = append(*f, FieldError{Field: field, Message: message})
	}
}

// has tells whether something is wrong with a field, or with a part of it.
func (f *fieldErrors) has(field string) bool {
	return slices.ContainsFunc(*f, func(e FieldError) bool { return e.Field == field || strings.HasPrefix(e.Field, field+".") })
}

// bindPath fills in from the path's variables.
func (b *binder) bindPath(in reflect.Value, vars map[string]string, errs *fieldErrors) {
	for _, f := range b.pathFields {
		errs.add(f.name, parseInto(in.Field(f.index), f.rule, vars[f.name]))
	}
}

// bindCaller fills in what a query wants to know of who calls. Nobody else can say it.
func (b *binder) bindCaller(in reflect.Value, caller *principal) {
	for _, f := range b.callerFields {
		values := map[string]any{"caller_id": caller.accountID, "caller_session": caller.sessionID, "caller_role": caller.role.String()}
		in.Field(f.index).Set(reflect.ValueOf(values[f.name]))
	}
}

// bindQuery fills in from the query string and returns the flags that concern the adapter itself.
func (b *binder) bindQuery(in reflect.Value, raw string, errs *fieldErrors) (flags url.Values) {
	if raw == "" && len(b.requiredQuery) == 0 {
		return nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		errs.add("query string", "cannot be read: "+strings.TrimPrefix(err.Error(), "net/url: "))
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
		errs.add("offset", "cannot go together with after; use one of them")
	}
	return values
}

// bindCursor takes apart the key of the last row seen: a UUID, or whole numbers joined by "-".
func (b *binder) bindCursor(in reflect.Value, text string) (reason string) {
	parts := strings.Split(text, "-")
	if isUUID(in.Field(b.cursorFields[0].index).Type()) {
		parts = []string{text}
	}
	if len(parts) != len(b.cursorFields) {
		return "must be the key of the last row seen, as the Link header gives it"
	}
	for i, f := range b.cursorFields {
		if reason := parseInto(in.Field(f.index), f.rule, parts[i]); reason != "" {
			return "must be the key of the last row seen, as the Link header gives it: " + reason
		}
	}
	return ""
}

// bindBody fills in from one JSON object. Fields that the path gave may be repeated, not contradicted.
// The error is a *Problem for text that is not JSON at all; what is wrong with single fields goes to found.
func (b *binder) bindBody(in reflect.Value, body []byte, ignored string, errs *fieldErrors) error {
	decoder := jsontext.NewDecoder(bytes.NewReader(body))
	switch decoder.PeekKind() {
	case '{':
	case 0: // the decoder tells below
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
		name := key.String() // before the next read: the token is the decoder's
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
	if b.presentIndex >= 0 {
		in.Field(b.presentIndex).Set(reflect.ValueOf(seen))
	}
	return nil
}

// maxID is the largest number that a client may choose for a row: see reserve_id in the schema.
const maxID = 1<<52 - 1

// isGeneratedKey tells the fields that a line of many may leave to the server.
func isGeneratedKey(name string) bool { return name == "id" || name == "uuid" }

// validateKey says what is wrong with a number that a client chose for a new row.
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
		return // as if it were left out
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
		reason = fmt.Sprintf("is %s here, but the path says %v", value, target.Interface())
	}
	errs.add(f.name, reason)
}

// syntaxProblem says where a body stops being JSON.
func syntaxProblem(err error, body []byte) *Problem {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		if errors.Is(err, io.EOF) {
			return badRequest([]FieldError{{Field: "body", Message: "is empty; a JSON object is needed"}})
		}
		return badRequest([]FieldError{{Field: "body", Message: "ends too early"}})
	}
	offset := min(int(syntax.ByteOffset), len(body))
	line := 1 + bytes.Count(body[:offset], []byte("\n"))
	column := offset - bytes.LastIndexByte(body[:offset], '\n')
	return badRequest([]FieldError{{Field: "body", Message: fmt.Sprintf("is not JSON at line %d, column %d: %s", line, column, sanitize(syntax.Err.Error()))}})
}

// sanitize cuts what came from a client down to what may stand in an answer.
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
