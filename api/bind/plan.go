// Package bind fills the parameters of a query from a request: its path, query string and body, CSV cells, and the
// caller. It knows neither queries nor responses.
//
// A request is one flat object. A write takes its fields from the path and the body, and only a few flags from the
// query string. A read takes them from the path and the query string. A body may repeat a value of the path, but not
// contradict it.
//
// These parameters have a meaning of their own:
//
//	caller_id, caller_session, caller_role   describe the caller; no part of a request can set them
//	given                                    names of the fields in the body of a PATCH
//	version                                  version that a write expects; see Preconditions
//	cascade, simulate                        flags of writes, in the query string
//	id, uuid                                 keys; a new row may omit them
package bind

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// A Plan knows where each field of a parameter struct comes from on one route. Its methods take a pointer to such a
// struct.
type Plan struct {
	typ           reflect.Type
	repeats       string  // name in the body that repeats the variable of the path; "" for none
	pathFields    []field // filled from the path
	queryFields   []field
	bodyFields    []field
	references    []Reference // fields of the body that name rows
	callerFields  []callerField
	requiredBody  []string // fields that the body must contain
	either        Either   // fields of which the body must contain one
	requiredQuery []string // parameters that the query string must contain
	givenIndex    int      // index of the field with the names of the fields in the body; -1 for none
	versionIndex  int      // index of the expected version; -1 for none
	isBulkRow     bool     // binds the rows of a bulk body
	rowKey        string   // of a bulk row: the key that makes it change an existing row; "" for none
	canCreate     bool     // the write may create the row of the path
	needsRole     bool     // there is a parameter caller_role
	needsAccount  bool     // there is a parameter caller_id
	flags         []Flag   // of the query string
	queryNames    []string // names that the query string may contain
}

// A Flag is a name of the query string that is no parameter of the query.
type Flag struct {
	Name   string
	Values []string // allowed values; nil for all
}

// Options configure a Plan.
type Options struct {
	Rules            Rules    // of all fields
	Repeats          string   // further name of the path's only variable in the body; "" for none
	NullableOptional bool     // a replacement may omit nullable fields
	Required         []string // fields that a replacement needs; nil for all, but for NullableOptional
	Either           Either   // fields of which a body needs one
	CanCreate        bool     // the write may create the row of the path
	KeysOnly         bool     // the body cannot name the rows that it references
	Flags            []Flag   // further names of the query string
}

// Either names two fields of which a body that creates or replaces a row must contain one: the first, or the second
// with a value. The zero value names none.
type Either struct{ Field, Other string }

// Alternative returns the field that may replace a field, or "".
func (e Either) Alternative(field string) string {
	if field != e.Field {
		return ""
	}
	return e.Other
}

// A field is one field of a parameter struct.
type field struct {
	value
	name  string
	index int
}

// A Caller describes the caller of a request.
type Caller struct {
	ID      int64     // of the account; -1 for an anonymous caller
	Session uuid.UUID // uuid.Nil without a session
	Role    string
}

// A callerField is a field that is filled from the caller.
type callerField struct {
	index int
	value func(Caller) any
}

var callerValues = map[string]func(Caller) any{
	"caller_id":      func(c Caller) any { return c.ID },
	"caller_session": func(c Caller) any { return c.Session },
	"caller_role":    func(c Caller) any { return c.Role },
}

// writeFlags lists the parameters of writes that come from the query string.
var writeFlags = []string{"cascade", "simulate"}

// New plans how to bind the struct type params on a route with the path variables vars. It panics if it cannot: if a
// type is not supported, a variable has no field, or a caller_… parameter is unknown.
func New(params reflect.Type, method string, vars []string, o Options) *Plan {
	p := &Plan{
		typ: params, repeats: o.Repeats, canCreate: o.CanCreate, flags: o.Flags,
		either: o.Either, givenIndex: -1, versionIndex: -1,
	}
	isWrite := method != http.MethodGet
	for i := range params.NumField() {
		name := params.Field(i).Tag.Get("json")
		switch {
		case strings.HasPrefix(name, "caller_"):
			p.callerFields = append(p.callerFields, newCallerField(params, i))
			p.needsRole = p.needsRole || name == "caller_role"
			p.needsAccount = p.needsAccount || name == "caller_id"
			continue
		case name == "given":
			requireType[[]string](params, i)
			p.givenIndex = i
			continue
		}
		v, supported := newValue(params.Field(i).Type, o.Rules.Of(params, name))
		if !supported {
			panicUnsupported(params, i)
		}
		f := field{v, name, i}
		switch {
		case slices.Contains(vars, name):
			p.pathFields = append(p.pathFields, f)
			if isWrite {
				p.bodyFields = append(p.bodyFields, f)
			}
		case !isWrite || slices.Contains(writeFlags, name):
			p.queryFields = append(p.queryFields, f)
			if !isWrite && params.Field(i).Type.Kind() == reflect.String {
				p.requiredQuery = append(p.requiredQuery, name) // not nullable
			}
		default:
			p.bodyFields = append(p.bodyFields, f)
			if kind := o.Rules.Of(params, name).References; kind != "" && !o.KeysOnly {
				p.references = append(p.references, newReference(f, kind))
			}
			mayOmitNull := len(vars) == 0 || o.NullableOptional
			isRequired := !(f.nullable && mayOmitNull)
			if o.Required != nil {
				isRequired = slices.Contains(o.Required, name)
			}
			isRequired = isRequired || name == o.Either.Field
			if name != "version" && name != "id" && method != http.MethodPatch && isRequired {
				p.requiredBody = append(p.requiredBody, name)
			}
		}
		if name == "version" {
			requireType[*int64](p.typ, i)
			p.versionIndex = i
		}
	}
	if len(p.pathFields) != len(vars) {
		panic(fmt.Sprintf("bind: %s has no field for one of the path variables %v", params, vars))
	}
	if p.repeats != "" && len(vars) != 1 {
		panic(fmt.Sprintf("bind: %s in a body can repeat only the variable of the path, not %v", p.repeats, vars))
	}
	for _, r := range p.references {
		if slices.Contains(p.BodyNames(), r.Field) {
			panic(fmt.Sprintf("bind: %s has both a reference and a field with the name %s", params, r.Field))
		}
	}
	p.queryNames = names(p.queryFields)
	for _, flag := range o.Flags {
		p.queryNames = append(p.queryNames, flag.Name)
	}
	return p
}

// requireType panics unless a field has the type T.
func requireType[T any](params reflect.Type, i int) {
	if params.Field(i).Type != reflect.TypeFor[T]() {
		panicUnsupported(params, i)
	}
}

func panicUnsupported(params reflect.Type, i int) {
	f := params.Field(i)
	panic(fmt.Sprintf("bind: %s has the parameter %s of the unsupported type %s", params, f.Tag.Get("json"), f.Type))
}

func newCallerField(params reflect.Type, i int) callerField {
	name := params.Field(i).Tag.Get("json")
	value := callerValues[name]
	if value == nil || reflect.TypeOf(value(Caller{})) != params.Field(i).Type {
		panic(fmt.Sprintf("bind: %s has the unknown parameter %s %s", params, name, params.Field(i).Type))
	}
	return callerField{i, value}
}

// NewRow plans how to bind one row of a bulk body. A row without a key needs the fields that single, the plan of one
// new row, requires. A row with a key may change an existing row, so the query reports what is missing.
func NewRow(params reflect.Type, single *Plan, o Options) *Plan {
	o.Repeats = ""
	p := New(params, http.MethodPost, nil, o)
	p.requiredBody, p.isBulkRow = single.requiredBody, true
	for _, key := range []string{"id", "uuid"} {
		if slices.Contains(p.BodyNames(), key) {
			p.rowKey = key
		}
	}
	return p
}

// isGeneratedKey reports whether the server generates a key that a bulk row omits.
func isGeneratedKey(name string) bool { return name == "id" || name == "uuid" }

func names(fields []field) []string {
	var all []string
	for _, f := range fields {
		all = append(all, f.name)
	}
	return all
}

// Type returns the type of the parameter struct.
func (p *Plan) Type() reflect.Type { return p.typ }

// PathNames returns the parameters that the path contains.
func (p *Plan) PathNames() []string { return names(p.pathFields) }

// QueryNames returns the parameters that the query string may contain, without the flags.
func (p *Plan) QueryNames() []string { return names(p.queryFields) }

// RequiredQuery returns the parameters that the query string must contain.
func (p *Plan) RequiredQuery() []string { return p.requiredQuery }

// BodyNames returns the fields that the body may contain, without those that name rows.
func (p *Plan) BodyNames() []string { return names(p.bodyFields) }

// HasBody reports whether the body may contain fields that are not in the path.
func (p *Plan) HasBody() bool {
	return slices.ContainsFunc(p.bodyFields, func(f field) bool { return !slices.Contains(p.PathNames(), f.name) })
}

// RequiredBody returns the fields that the body must contain. It may contain another field instead of one of them; see
// Either.
func (p *Plan) RequiredBody() []string { return p.requiredBody }

// Either returns the fields of which the body must contain one.
func (p *Plan) Either() Either { return p.either }

// RowKey returns the key with which a bulk row changes an existing row, so that it needs no other field; "" for none.
func (p *Plan) RowKey() string { return p.rowKey }

// Repeats returns the field in which the body may repeat the variable of the path, or "".
func (p *Plan) Repeats() string { return p.repeats }

// HasVersion reports whether a write compares the version of the row.
func (p *Plan) HasVersion() bool { return p.versionIndex >= 0 }

// CanCreate reports whether the write may create the row of the path.
func (p *Plan) CanCreate() bool { return p.canCreate }

// AcceptsNumber reports whether a string of the body may be a JSON number.
func (p *Plan) AcceptsNumber(name string) bool {
	return slices.ContainsFunc(p.bodyFields, func(f field) bool {
		return f.name == name && f.typeName == stringType && strings.Contains(f.kinds, "0")
	})
}

// NeedsRole reports whether the query depends on the role of the caller.
func (p *Plan) NeedsRole() bool { return p.needsRole }

// NeedsAccount reports whether the query depends on the account of the caller.
func (p *Plan) NeedsAccount() bool { return p.needsAccount }

// Caller binds the parameters that describe the caller.
func (p *Plan) Caller(params any, caller Caller) {
	for _, f := range p.callerFields {
		reflect.ValueOf(params).Elem().Field(f.index).Set(reflect.ValueOf(f.value(caller)))
	}
}
