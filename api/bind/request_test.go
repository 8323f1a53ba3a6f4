package bind_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"labledger/api/bind"
	"labledger/api/problem"
)

// TestPath: each variable of the path is validated.
func TestPath(t *testing.T) {
	t.Parallel()
	p := plan[listBoxes](http.MethodGet, []string{"owner", "limit"}, bind.Options{})
	for _, c := range []struct {
		vars map[string]string
		want []string
	}{
		{map[string]string{"owner": "x/y", "limit": "3"}, nil},
		{map[string]string{"owner": "x\x00", "limit": "3"}, []string{"owner must not contain a NUL character"}},
		{map[string]string{"owner": "x\xff", "limit": "3"}, []string{"owner must be valid UTF-8"}},
		{map[string]string{"owner": "", "limit": "03"}, []string{"limit must be an integer"}},
		{map[string]string{"owner": "", "limit": "9223372036854775808"}, []string{"limit is out of range"}},
	} {
		var in listBoxes
		var errs problem.FieldErrors
		p.Path(&in, c.vars, &errs)
		wantErrors(t, c.vars["owner"]+" "+c.vars["limit"], errs, c.want...)
		if c.want == nil && (in.Owner != "x/y" || *in.Limit != 3) {
			t.Errorf("bound %+v", in)
		}
	}
}

// TestQuery: every name of the query string is known, given once and valid.
func TestQuery(t *testing.T) {
	t.Parallel()
	p := plan[listBoxes](http.MethodGet, nil, bind.Options{
		Rules: bind.Rules{"listBoxes.name": {Lowercase: true}, "limit": {Min: 1, Max: 1000}},
		Flags: []bind.Flag{{Name: "order", Values: []string{"asc", "desc"}}},
	})
	for raw, want := range map[string][]string{
		"owner=x&name=ABC&limit=5&order=desc": nil,
		"":                                    {"owner is missing"},
		"nam=x&owner=x":                       {`nam is unknown; did you mean "name"?`},
		"owner=x&owner=y":                     {"owner is given more than once"},
		"owner=%zz":                           {`query string is malformed: invalid URL escape "%zz"`},
		"owner=x&sealed=1":                    {"sealed must be true or false"},
		"owner=x&limit=0":                     {"limit must be from 1 to 1000"},
		"owner=x&order=up":                    {"order must be asc or desc"},
		"name=%00&limit=x": {
			"limit must be an integer", "name must not contain a NUL character", "owner is missing",
		},
	} {
		var in listBoxes
		var errs problem.FieldErrors
		flags := p.Query(&in, raw, &errs)
		wantErrors(t, raw, errs, want...)
		if want == nil && (in.Owner != "x" || *in.Name != "abc" || *in.Limit != 5 || flags.Get("order") != "desc") {
			t.Errorf("%s: bound %+v, flags %v", raw, in, flags)
		}
	}
}

// TestParseText: the value of a filter is parsed like a parameter of its type, and returned as PostgreSQL accepts it.
func TestParseText(t *testing.T) {
	t.Parallel()
	const id = "123e4567-e89b-12d3-a456-426614174000"
	text, number := reflect.TypeFor[string](), reflect.TypeFor[int64]()
	small, flag, key := reflect.TypeFor[int32](), reflect.TypeFor[bool](), reflect.TypeFor[uuid.UUID]()
	at, notTime := reflect.TypeFor[time.Time](), "must be a time like 2026-11-30T08:00:00Z"
	type word string
	for _, c := range []struct {
		typ          reflect.Type
		rule         bind.Rule
		text         string
		want, reason string
	}{
		{text, bind.Rule{}, "Box é", "Box é", ""},
		{text, bind.Rule{}, "", "", ""},
		{text, bind.Rule{Lowercase: true}, "BOX", "box", ""},
		{text, bind.Rule{Check: func(string) string { return "is no name" }}, "x", "", "is no name"},
		{text, bind.Rule{}, "\x00", "", "must not contain a NUL character"},
		{reflect.TypeFor[word](), bind.Rule{}, "\xff", "", "must be valid UTF-8"},
		{reflect.TypeFor[word](), bind.Rule{}, "x", "x", ""},
		{number, bind.Rule{}, "-9223372036854775808", "-9223372036854775808", ""},
		{number, bind.Rule{}, "9223372036854775808", "", "is out of range"},
		{number, bind.Rule{Min: 1, Max: 9}, "0", "", "must be from 1 to 9"},
		{number, bind.Rule{}, "1.0", "", "must be an integer"},
		{small, bind.Rule{}, "2147483648", "", "is out of range"},
		{flag, bind.Rule{}, "true", "true", ""},
		{flag, bind.Rule{}, "t", "", "must be true or false"},
		{key, bind.Rule{}, strings.ToUpper(id), id, ""},
		{key, bind.Rule{}, "x", "", "must be a UUID like " + id},
		{at, bind.Rule{}, "2026-11-30T08:00:00.5+01:00", "2026-11-30T07:00:00.5Z", ""},
		{at, bind.Rule{}, "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z", ""},
		{at, bind.Rule{}, "9999-12-31T23:59:59-00:01", "", notTime},
		{at, bind.Rule{}, "0001-01-01T00:00:00+00:01", "", notTime},
		{at, bind.Rule{}, "2026-11-30", "", notTime},
		{at, bind.Rule{}, "2026-11-31T08:00:00Z", "", notTime},
		{at, bind.Rule{}, "", "", notTime},
		{at, bind.Rule{}, "\x00", "", "must not contain a NUL character"},
	} {
		if got, reason := bind.ParseText(c.typ, c.rule, c.text); got != c.want || reason != c.reason {
			t.Errorf("%s %q: got %q, %q; want %q, %q", c.typ, c.text, got, reason, c.want, c.reason)
		}
	}
	if panicMessage(func() { bind.ParseText(reflect.TypeFor[float64](), bind.Rule{}, "1") }) == "" {
		t.Error("no panic for an unsupported type")
	}
}

// TestParseInteger: an integer has one spelling.
func TestParseInteger(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "", "-5": "", "9223372036854775807": "", "9223372036854775808": "is out of range",
		"": "must be an integer", "05": "must be an integer", "+5": "must be an integer", "5 ": "must be an integer",
	} {
		n, reason := bind.ParseInteger(text)
		if reason != want || reason == "" && strconv.FormatInt(n, 10) != text {
			t.Errorf("%q: got %d, %q; want %q", text, n, reason, want)
		}
	}
}

// bodyPlan is the plan of the tests of bodies.
func bodyPlan() *bind.Plan {
	return plan[upsertBox](http.MethodPut, []string{"id"}, bind.Options{
		NullableOptional: true,
		Rules:            bind.Rules{"postcode": {AcceptsNumber: true}},
	})
}

// TestBody_fields: each field of a body is validated, and one response reports all errors.
func TestBody_fields(t *testing.T) {
	t.Parallel()
	p := bodyPlan()
	if !p.AcceptsNumber("postcode") || p.AcceptsNumber("name") {
		t.Error("only a postcode may be a JSON number")
	}
	for body, want := range map[string][]string{
		`{"name":"\u00e9","sealed":true,"postcode":48104}`: nil,
		`{"name":null,"sealed":0}`: {
			"name must not be null", "sealed must be true or false, got a number",
		},
		`{"name":1,"owner":[]}`: {
			"name must be a string, got a number", "owner must be a string, got an array", "sealed is missing",
		},
		`{"name":"\u0000","sealed":true}`:           {"name must not contain a NUL character"},
		`{"name":"a","sealed":true,"id":3}`:         {"id is 3, but the path has 5"},
		`{"name":"a","sealed":true,"id":5.0}`:       {"id must be an integer"},
		`{"name":"a","sealed":true,"version":"1"}`:  {"version must be an integer, got a string"},
		`{"name":"a","sealed":true,"cascade":true}`: {"cascade is unknown; did you mean \"postcode\"?"},
	} {
		in := upsertBox{ID: 5}
		var errs problem.FieldErrors
		if _, err := p.Body(&in, []byte(body), &errs); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		wantErrors(t, body, errs, want...)
		if want == nil && (in.Name != "é" || !in.Sealed || *in.Postcode != "48104" || in.ID != 5) {
			t.Errorf("%s: bound %+v", body, in)
		}
	}
}

// TestBody_notAnObject: text that is not one JSON object is a problem, with the place of a syntax error.
func TestBody_notAnObject(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"":                           "is empty; send a JSON object",
		"[]":                         "must be a JSON object",
		"null":                       "must be a JSON object",
		`{} {}`:                      "must end after the JSON object",
		"{\"name\":\"a\",\n \"x\":]": "is not valid JSON at line 2, column 6: ",
		`{"name":"a","name":"b"}`:    "is not valid JSON at line 1, column 13: ",
		"{\"name\":\"\xff\"}":        "is not valid JSON at line 1, column 10: ",
		`{"name":"a"`:                "is not valid JSON at line 1, column 12: ",
	} {
		var in upsertBox
		var errs problem.FieldErrors
		_, err := bodyPlan().Body(&in, []byte(body), &errs)
		var p *problem.Problem
		if !errors.As(err, &p) || p.Status != http.StatusBadRequest || len(p.Errors) != 1 || p.Errors[0].Field != "body" {
			t.Errorf("%q: got %v, want a problem with the body", body, err)
			continue
		}
		if got := p.Errors[0].Message; got != want && !(strings.HasSuffix(want, ": ") && strings.HasPrefix(got, want)) {
			t.Errorf("%q: got %q, want %q", body, got, want)
		}
	}
}

// TestBody_chosenID: the ID that a client chooses for a new row leaves room for generated ones.
func TestBody_chosenID(t *testing.T) {
	t.Parallel()
	p := plan[upsertBox](http.MethodPost, nil, bind.Options{})
	for id, want := range map[string][]string{
		"1":                nil,
		"4503599627370495": nil,
		"0":                {"id must be from 1 to 4503599627370495"},
		"-1":               {"id must be from 1 to 4503599627370495"},
		"4503599627370496": {"id must be from 1 to 4503599627370495"},
	} {
		var in upsertBox
		var errs problem.FieldErrors
		if _, err := p.Body(&in, []byte(`{"name":"a","sealed":true,"id":`+id+`}`), &errs); err != nil {
			t.Fatal(err)
		}
		wantErrors(t, id, errs, want...)
	}
}

// TestBody_rawJSON: a raw field keeps its JSON, and null is no value.
func TestBody_rawJSON(t *testing.T) {
	t.Parallel()
	type params struct {
		Data *json.RawMessage `json:"data"`
	}
	p := plan[params](http.MethodPost, nil, bind.Options{})
	for _, text := range []string{`{"a":[1, "x"]}`, `"é"`, `1.5`, `false`, `null`} {
		var in params
		var errs problem.FieldErrors
		if _, err := p.Body(&in, []byte(`{"data":`+text+`}`), &errs); err != nil || len(errs) > 0 {
			t.Errorf("%s: %v %v", text, err, errs)
		}
		if text == "null" && in.Data != nil || text != "null" && (in.Data == nil || string(*in.Data) != text) {
			t.Errorf("%s: bound %s", text, in.Data)
		}
	}
}

// TestRules: a rule for one struct precedes the rule for all.
func TestRules(t *testing.T) {
	t.Parallel()
	reject := func(reason string) bind.Rule { return bind.Rule{Check: func(string) string { return reason }} }
	rules := bind.Rules{"name": reject("general"), "patchBox.name": reject("special")}
	for _, c := range []struct {
		params reflect.Type
		want   string
	}{{reflect.TypeFor[patchBox](), "special"}, {reflect.TypeFor[upsertBox](), "general"}} {
		p := bind.New(c.params, http.MethodPatch, []string{"id"}, bind.Options{Rules: rules})
		var errs problem.FieldErrors
		if _, err := p.Body(reflect.New(c.params).Interface(), []byte(`{"name":"a"}`), &errs); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(errs, problem.FieldErrors{{Field: "name", Message: c.want}}) {
			t.Errorf("%s: got %v, want %s", c.params, errs, c.want)
		}
	}
}
