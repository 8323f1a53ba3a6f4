package bind_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"labledger/api/bind"
	"labledger/api/problem"
)

// upsertBox has the parameters of a write.
type upsertBox struct {
	ID            int64     `json:"id"`
	Name          string    `json:"name"`
	Owner         *string   `json:"owner"`
	Postcode      *string   `json:"postcode"`
	Sealed        bool      `json:"sealed"`
	Version       *int64    `json:"version"`
	Cascade       *bool     `json:"cascade"`
	CallerID      int64     `json:"caller_id"`
	CallerSession uuid.UUID `json:"caller_session"`
	CallerRole    string    `json:"caller_role"`
}

// patchBox has the parameters of a PATCH.
type patchBox struct {
	ID    int64    `json:"id"`
	Name  *string  `json:"name"`
	Given []string `json:"given"`
}

// listBoxes has the parameters of a read.
type listBoxes struct {
	Owner  string  `json:"owner"`
	Name   *string `json:"name"`
	Sealed *bool   `json:"sealed"`
	Limit  *int64  `json:"limit"`
}

// plan returns the plan of the parameters P.
func plan[P any](method string, vars []string, o bind.Options) *bind.Plan {
	return bind.New(reflect.TypeFor[P](), method, vars, o)
}

// wantErrors reports a test error unless errs are the wanted ones, each written as "field message".
func wantErrors(t *testing.T, name string, errs problem.FieldErrors, want ...string) {
	t.Helper()
	var got []string
	for _, e := range errs {
		got = append(got, e.Field+" "+e.Message)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: got the errors %q, want %q", name, got, want)
	}
}

// panicMessage returns the message with which f panics, or "" if it does not panic.
func panicMessage(f func()) (message string) {
	defer func() { message, _ = recover().(string) }()
	f()
	return ""
}

// structWith returns a parameter struct with one field.
func structWith(name string, field reflect.Type) reflect.Type {
	tag := reflect.StructTag(fmt.Sprintf("json:%q", name))
	return reflect.StructOf([]reflect.StructField{{Name: "Field", Type: field, Tag: tag}})
}

// TestNew_panics: parameters that cannot be bound fail at start, with a message that names the parameter.
func TestNew_panics(t *testing.T) {
	t.Parallel()
	text, number := reflect.TypeFor[string](), reflect.TypeFor[int64]()
	for _, c := range []struct {
		name   string
		field  reflect.Type
		method string
		vars   []string
		want   string
	}{
		{"ratio", reflect.TypeFor[float64](), "POST", nil, "parameter ratio of the unsupported type float64"},
		{"ratio", reflect.TypeFor[*float64](), "GET", nil, "parameter ratio of the unsupported type *float64"},
		{"tags", reflect.TypeFor[[]string](), "POST", nil, "parameter tags of the unsupported type []string"},
		{"place", reflect.TypeFor[time.Location](), "POST", nil, "parameter place of the unsupported type time.Location"},
		{"small", reflect.TypeFor[int16](), "POST", nil, "parameter small of the unsupported type int16"},
		{"version", number, "PUT", nil, "parameter version of the unsupported type int64"},
		{"given", text, "PATCH", nil, "parameter given of the unsupported type string"},
		{"caller_mail", text, "GET", nil, "unknown parameter caller_mail string"},
		{"caller_id", text, "GET", nil, "unknown parameter caller_id string"},
		{"id", number, "GET", []string{"box_id"}, "no field for one of the path variables [box_id]"},
		{"id", number, "PUT", []string{"id", "slot"}, "no field for one of the path variables [id slot]"},
	} {
		params := structWith(c.name, c.field)
		got := panicMessage(func() { bind.New(params, c.method, c.vars, bind.Options{}) })
		if !strings.HasSuffix(got, c.want) {
			t.Errorf("%s %s: got the panic %q, want …%s", c.method, params, got, c.want)
		}
		got = panicMessage(func() { bind.NewRow(params, &bind.Plan{}, bind.Options{}) })
		if c.method == "POST" && got == "" {
			t.Errorf("%s: no panic for a row", params)
		}
	}
}

// TestNew_supportedTypes is the control of TestNew_panics.
func TestNew_supportedTypes(t *testing.T) {
	t.Parallel()
	for _, field := range []reflect.Type{
		reflect.TypeFor[bool](), reflect.TypeFor[int32](), reflect.TypeFor[*int64](), reflect.TypeFor[*string](),
		reflect.TypeFor[*uuid.UUID](), reflect.TypeFor[*json.RawMessage](), reflect.TypeFor[*time.Time](),
	} {
		params := structWith("x", field)
		if got := panicMessage(func() { bind.New(params, "POST", nil, bind.Options{}) }); got != "" {
			t.Errorf("%s: panic: %s", params, got)
		}
	}
}

// TestNew_sources: the method, the path and the name of a parameter decide where its value comes from.
func TestNew_sources(t *testing.T) {
	t.Parallel()
	id := []string{"id"}
	for _, c := range []struct {
		name                  string
		plan                  *bind.Plan
		path, query, required string
		body, requiredBody    string
		version, caller       bool
	}{
		{
			name: "write", plan: plan[upsertBox](http.MethodPut, id, bind.Options{}),
			path: "id", query: "cascade", body: "id name owner postcode sealed version",
			requiredBody: "name owner postcode sealed", version: true, caller: true,
		},
		{
			name: "create", plan: plan[upsertBox](http.MethodPost, nil, bind.Options{}), query: "cascade",
			body: "id name owner postcode sealed version", requiredBody: "name sealed", version: true, caller: true,
		},
		{
			name: "patch", plan: plan[patchBox](http.MethodPatch, id, bind.Options{}),
			path: "id", body: "id name",
		},
		{
			name: "read", plan: plan[listBoxes](http.MethodGet, nil, bind.Options{}),
			query: "owner name sealed limit", required: "owner",
		},
		{
			name: "read with a path", plan: plan[listBoxes](http.MethodGet, []string{"owner"}, bind.Options{}),
			path: "owner", query: "name sealed limit",
		},
	} {
		p := c.plan
		for what, got := range map[string][2]string{
			"path":           {strings.Join(p.PathNames(), " "), c.path},
			"query string":   {strings.Join(p.QueryNames(), " "), c.query},
			"required query": {strings.Join(p.RequiredQuery(), " "), c.required},
			"body":           {strings.Join(p.BodyNames(), " "), c.body},
			"required body":  {strings.Join(p.RequiredBody(), " "), c.requiredBody},
		} {
			if got[0] != got[1] {
				t.Errorf("%s: %s: got %q, want %q", c.name, what, got[0], got[1])
			}
		}
		got := [...]bool{p.HasVersion(), p.NeedsRole(), p.NeedsAccount()}
		if want := [...]bool{c.version, c.caller, c.caller}; got != want {
			t.Errorf("%s: version, role, account: got %v, want %v", c.name, got, want)
		}
	}
}

// TestNullableOptional: with the option, a replacement may omit nullable fields, and no others.
func TestNullableOptional(t *testing.T) {
	t.Parallel()
	replace := func(o bind.Options) *bind.Plan { return plan[upsertBox](http.MethodPut, []string{"id"}, o) }
	const body = `{"name":"a","sealed":true}`
	var in upsertBox
	var errs problem.FieldErrors
	if _, err := replace(bind.Options{}).Body(&in, []byte(body), &errs); err != nil {
		t.Error(err)
	}
	wantErrors(t, "without the option", errs, "owner is missing", "postcode is missing")
	optional := replace(bind.Options{NullableOptional: true})
	errs = nil
	if _, err := optional.Body(&in, []byte(body), &errs); err != nil || in.Name != "a" || in.Owner != nil {
		t.Errorf("with the option: bound %+v, %v", in, err)
	}
	wantErrors(t, "with the option", errs)
	if _, err := optional.Body(&in, []byte(`{}`), &errs); err != nil {
		t.Errorf("with the option: %v", err)
	}
	wantErrors(t, "with the option, empty", errs, "name is missing", "sealed is missing")
}

// TestRepeats: a body may repeat the variable of the path under another name, but not contradict it.
func TestRepeats(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ repeats, value, want string }{
		{"box_id", "7", ""},
		{"box_id", "8", "box_id is 8, but the path has 7"},
		{"box_id", "null", "box_id must not be null"},
		{"box_id", `"7"`, "box_id must be an integer, got a string"},
		{"box_id", "[{}]", "box_id must be an integer, got an array"},
		{"", "7", `box_id is unknown; did you mean "id"?`},
	} {
		in := patchBox{ID: 7}
		var errs problem.FieldErrors
		p := plan[patchBox](http.MethodPatch, []string{"id"}, bind.Options{Repeats: c.repeats})
		if _, err := p.Body(&in, []byte(`{"name":"a","box_id":`+c.value+`}`), &errs); err != nil {
			t.Fatal(err)
		}
		var want []string
		if c.want != "" {
			want = []string{c.want}
		}
		wantErrors(t, c.repeats+" "+c.value, errs, want...)
		if in.ID != 7 || in.Name == nil || *in.Name != "a" || !slices.Equal(in.Given, []string{"name"}) ||
			p.Repeats() != c.repeats {
			t.Errorf("%q: bound %+v", c.repeats, in)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a plan without a path variable accepts Repeats")
		}
	}()
	plan[patchBox](http.MethodPatch, nil, bind.Options{Repeats: "box_id"})
}

// TestCaller: the parameters of the caller come from the caller alone.
func TestCaller(t *testing.T) {
	t.Parallel()
	p := plan[upsertBox](http.MethodPut, []string{"id"}, bind.Options{NullableOptional: true})
	caller := bind.Caller{ID: 7, Session: uuid.MustParse("123e4567-e89b-12d3-a456-426614174000"), Role: "viewer"}
	var in upsertBox
	var errs problem.FieldErrors
	p.Query(&in, "caller_role=admin", &errs)
	if _, err := p.Body(&in, []byte(`{"name":"a","sealed":false,"caller_id":1}`), &errs); err != nil {
		t.Fatal(err)
	}
	if !errs.Has("caller_role") || !errs.Has("caller_id") || len(errs) != 2 {
		t.Errorf("parameters of the caller in the request: got the errors %v, want two", errs)
	}
	if in.CallerID != 0 || in.CallerRole != "" {
		t.Errorf("the request set the caller: %+v", in)
	}
	p.Caller(&in, caller)
	if in.CallerID != caller.ID || in.CallerSession != caller.Session || in.CallerRole != caller.Role {
		t.Errorf("got %+v, want the caller %+v", in, caller)
	}
}
