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
	shape    reflect.Type
	path     []field  // from the path
	query    []field  // from the query string
	body     []field  // from the body
	cursor   []field  // the parts of ?after=
	caller   []field  // from who calls
	required []string // of the body
	needed   []string // of the query string
	given    int      // index of the list of given fields, of a PATCH; else -1
	version  int      // index of the version expected; else -1
	limit    int      // index of the row limit, of a list; else -1
	offset   int
	lines    bool     // binds the lines of a bulk body
	names    []string // of the body
	params   []string // of the query string
}

type field struct {
	name  string
	index int
}

// writeFlags are the parameters that a write takes from its query string.
var writeFlags = []string{"cascade", "simulate"}

// brief are the whole rows of which only what may not be null has to be given: the first clients of these know no more.
var brief = map[reflect.Type]bool{reflect.TypeFor[db.UpdateTodoParams](): true}

// newBinder plans the binding of in, a struct type, for a method on a path with the given variables.
// It panics when a variable has no field: that is a mistake in the route table.
func newBinder(in reflect.Type, method string, vars []string) *binder {
	b := &binder{shape: in, given: -1, version: -1, limit: -1, offset: -1}
	write := method != http.MethodGet
	whole := len(vars) > 0 && method != http.MethodPatch && !brief[in]
	for i := range in.NumField() {
		f := field{in.Field(i).Tag.Get("json"), i}
		pointer := in.Field(i).Type.Kind() == reflect.Pointer
		inPath := slices.Contains(vars, f.name)
		switch {
		case inPath:
			b.path = append(b.path, f)
			vars = slices.DeleteFunc(slices.Clone(vars), func(v string) bool { return v == f.name })
			if write {
				b.body = append(b.body, f)
			}
		case strings.HasPrefix(f.name, "caller_"):
			b.caller = append(b.caller, f)
		case f.name == "given":
			b.given = i
		case f.name == "after" || strings.HasPrefix(f.name, "after_"):
			b.cursor = append(b.cursor, f)
		case !write || slices.Contains(writeFlags, f.name):
			b.query = append(b.query, f)
			if !write && in.Field(i).Type.Kind() == reflect.String {
				b.needed = append(b.needed, f.name) // null is what is left out, and it cannot be null
			}
		default:
			b.body = append(b.body, f)
			optional := f.name == "version" || f.name == "id" || method == http.MethodPatch || pointer && !whole
			if !optional {
				b.required = append(b.required, f.name)
			}
		}
		switch f.name {
		case "version":
			b.version = i
		case "limit":
			if !write {
				b.limit = i
			}
		case "offset":
			b.offset = i
		}
	}
	if len(vars) > 0 {
		panic(fmt.Sprintf("api: %s has no field for the path variables %v", in, vars))
	}
	for _, f := range b.body {
		b.names = append(b.names, f.name)
	}
	for _, f := range b.query {
		b.params = append(b.params, f.name)
	}
	if len(b.cursor) > 0 {
		b.params = append(b.params, "after")
	}
	if write {
		b.params = append(b.params, "dry_run")
	}
	return b
}

// maxFaults bounds what is told about one object: more fields than any row has.
const maxFaults = 50

// faults collects everything that is wrong with a request.
type faults []FieldError

// full tells that no more will be told.
func (f *faults) full() bool { return len(*f) > maxFaults }

func (f *faults) add(field, message string) {
	switch {
	case message == "" || f.full():
	case len(*f) == maxFaults:
		*f = append(*f, FieldError{Field: "…", Message: "and more of the kind"})
	default:
		*f = append(*f, FieldError{Field: field, Message: message})
	}
}

// has tells whether something is wrong with a field, or with a part of it.
func (f *faults) has(field string) bool {
	return slices.ContainsFunc(*f, func(e FieldError) bool { return e.Field == field || strings.HasPrefix(e.Field, field+".") })
}

// bindPath fills in from the path's variables.
func (b *binder) bindPath(in reflect.Value, vars map[string]string, found *faults) {
	for _, f := range b.path {
		found.add(f.name, set(in.Field(f.index), f.name, vars[f.name]))
	}
}

// bindCaller fills in what a query wants to know of who calls. Nobody else can say it.
func (b *binder) bindCaller(in reflect.Value, who *principal) {
	for _, f := range b.caller {
		known := map[string]any{"caller_id": who.account, "caller_session": who.session, "caller_role": who.role.String()}
		in.Field(f.index).Set(reflect.ValueOf(known[f.name]))
	}
}

// bindQuery fills in from the query string and returns the flags that concern the adapter itself.
func (b *binder) bindQuery(in reflect.Value, raw string, found *faults) (flags url.Values) {
	if raw == "" && len(b.needed) == 0 {
		return nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		found.add("query string", "cannot be read: "+strings.TrimPrefix(err.Error(), "net/url: "))
		return nil
	}
	for _, name := range sortedKeys(values) {
		i := slices.IndexFunc(b.query, func(f field) bool { return f.name == name })
		switch {
		case !slices.Contains(b.params, name):
			found.add(printable(name), unknown(name, b.params))
		case len(values[name]) > 1:
			found.add(name, "is given more than once")
		case name == "after":
			found.add(name, b.bindCursor(in, values.Get(name)))
		case i >= 0:
			found.add(name, set(in.Field(b.query[i].index), name, values.Get(name)))
		case name == "order" && values.Get(name) != "asc" && values.Get(name) != "desc":
			found.add(name, "must be asc or desc")
		case name == "dry_run" && values.Get(name) != "true" && values.Get(name) != "false":
			found.add(name, "must be true or false")
		}
	}
	for _, name := range b.needed {
		if !values.Has(name) {
			found.add(name, "is missing")
		}
	}
	inPath := slices.ContainsFunc(b.path, func(f field) bool { return f.name == "offset" })
	if values.Has("after") && (values.Has("offset") || inPath) {
		found.add("offset", "cannot go together with after; use one of them")
	}
	return values
}

// bindCursor takes apart the key of the last row seen: a UUID, or whole numbers joined by "-".
func (b *binder) bindCursor(in reflect.Value, text string) (fault string) {
	parts := strings.Split(text, "-")
	if isUUID(in.Field(b.cursor[0].index).Type()) {
		parts = []string{text}
	}
	if len(parts) != len(b.cursor) {
		return "must be the key of the last row seen, as the Link header gives it"
	}
	for i, f := range b.cursor {
		if fault := set(in.Field(f.index), f.name, parts[i]); fault != "" {
			return "must be the key of the last row seen, as the Link header gives it: " + fault
		}
	}
	return ""
}

// bindBody fills in from one JSON object. Fields that the path gave may be repeated, not contradicted.
// The error is a *Problem for text that is not JSON at all; what is wrong with single fields goes to found.
func (b *binder) bindBody(in reflect.Value, body []byte, ignored string, found *faults) error {
	decoder := jsontext.NewDecoder(bytes.NewReader(body))
	switch decoder.PeekKind() {
	case '{':
	case 0: // the decoder tells below
	default:
		return refusal([]FieldError{{Field: "body", Message: "must be a JSON object"}})
	}
	if _, err := decoder.ReadToken(); err != nil {
		return malformed(err, body)
	}
	var seen []string
	for decoder.PeekKind() != '}' {
		key, err := decoder.ReadToken()
		if err != nil {
			return malformed(err, body)
		}
		name := key.String() // before the next read: the token is the decoder's
		value, err := decoder.ReadValue()
		if err != nil {
			return malformed(err, body)
		}
		i := slices.IndexFunc(b.body, func(f field) bool { return f.name == name })
		switch {
		case i >= 0:
			seen = append(seen, name)
			b.bindField(in, b.body[i], value, found)
		case name == ignored && name != "":
		default:
			found.add(printable(name), unknown(name, b.names))
		}
	}
	if _, err := decoder.ReadToken(); err != nil {
		return malformed(err, body)
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return refusal([]FieldError{{Field: "body", Message: "must end after the JSON object"}})
	}
	b.missing(seen, found)
	if b.given >= 0 {
		in.Field(b.given).Set(reflect.ValueOf(seen))
	}
	return nil
}

// maxID is the largest number that a client may choose for a row: see reserve_id in the schema.
const maxID = 1<<52 - 1

// isKey tells the fields that a line of many may leave to the server.
func isKey(name string) bool { return name == "id" || name == "uuid" }

// keyFault says what is wrong with a number that a client chose for a new row.
func keyFault(value reflect.Value, f field) string {
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

func (b *binder) missing(seen []string, found *faults) {
	for _, name := range b.required {
		if !slices.Contains(seen, name) {
			found.add(name, "is missing")
		}
	}
}

func (b *binder) bindField(in reflect.Value, f field, value jsontext.Value, found *faults) {
	target := in.Field(f.index)
	if b.lines && isKey(f.name) && value.Kind() == 'n' {
		return // as if it were left out
	}
	if !slices.Contains(b.path, f) {
		fault := setJSON(target, f.name, value)
		if fault == "" {
			fault = keyFault(target, f)
		}
		found.add(f.name, fault)
		return
	}
	repeated := reflect.New(target.Type()).Elem()
	fault := setJSON(repeated, f.name, value)
	if fault == "" && !repeated.Equal(target) {
		fault = fmt.Sprintf("is %s here, but the path says %v", value, target.Interface())
	}
	found.add(f.name, fault)
}

// malformed says where a body stops being JSON.
func malformed(err error, body []byte) *Problem {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		if errors.Is(err, io.EOF) {
			return refusal([]FieldError{{Field: "body", Message: "is empty; a JSON object is needed"}})
		}
		return refusal([]FieldError{{Field: "body", Message: "ends too early"}})
	}
	at := min(int(syntax.ByteOffset), len(body))
	line := 1 + bytes.Count(body[:at], []byte("\n"))
	column := at - bytes.LastIndexByte(body[:at], '\n')
	return refusal([]FieldError{{Field: "body", Message: fmt.Sprintf("is not JSON at line %d, column %d: %s", line, column, printable(syntax.Err.Error()))}})
}

// printable cuts what came from a client down to what may stand in an answer.
func printable(text string) string {
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
