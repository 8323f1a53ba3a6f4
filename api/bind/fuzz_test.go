package bind_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"labledger/api/bind"
	"labledger/api/problem"
)

// checkStorable reports a test error if a bound string is not valid UTF-8 or contains a NUL character.
func checkStorable(t *testing.T, params any) {
	t.Helper()
	row := reflect.ValueOf(params).Elem()
	for i := range row.NumField() {
		value := reflect.Indirect(row.Field(i))
		text := value.String()
		if value.Kind() == reflect.String && (!utf8.ValidString(text) || strings.ContainsRune(text, 0)) {
			t.Errorf("field %s was accepted as %q", row.Type().Field(i).Name, text)
		}
	}
}

// FuzzBody binds JSON bodies. Errors must be 400, and accepted values storable.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{"name":"a","owner":null,"sealed":true,"postcode":48104}`, `{}`, `[]`, `null`, ``, `{"name":1}`,
		`{"name":"a","name":"b"}`, `{"name":"\u0000"}`, `{"name":"\ud800"}`, "{\"name\":\"\xff\"}", `{"id":1.0}`,
		`{"id":9223372036854775808}`, `{} {}`, strings.Repeat("[", 20_000), `{"version":-1}`, `{"nam":"x"}`,
	} {
		f.Add([]byte(seed))
	}
	p := plan[upsertBox](http.MethodPut, []string{"id"}, bind.Options{
		Repeats: "box_id", NullableOptional: true, Rules: bind.Rules{"postcode": {AcceptsNumber: true}},
	})
	f.Fuzz(func(t *testing.T, body []byte) {
		in := upsertBox{ID: 1}
		var errs problem.FieldErrors
		if _, err := p.Body(&in, body, &errs); err != nil {
			if status := problem.From(err, http.MethodPut, nil).Status; status != http.StatusBadRequest {
				t.Errorf("%q: status %d: %v", body, status, err)
			}
			return
		}
		if len(errs) > 0 {
			return
		}
		checkStorable(t, &in)
		if !json.Valid(body) {
			t.Errorf("%q was accepted as JSON", body)
		}
		if in.ID != 1 || in.CallerID != 0 || in.CallerRole != "" || in.Cascade != nil {
			t.Errorf("%q set more than the fields of a body: %+v", body, in)
		}
	})
}

// FuzzQuery binds query strings. No parameter may be ignored, and accepted values are storable.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"owner=x&limit=10", "owner=x&limit=0&sealed=true", "name=%00", "name=%ff", "nam=x", "limit=1&limit=2", "%zz", ";",
		"limit=-1", "limit=99999999999999999999", "a=%u0041", "cascade=true",
	} {
		f.Add(seed)
	}
	plans := []*bind.Plan{
		plan[listBoxes](http.MethodGet, nil, bind.Options{}),
		plan[listBoxes](http.MethodGet, []string{"owner"}, bind.Options{}),
		plan[upsertBox](http.MethodPut, []string{"id"}, bind.Options{}),
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, p := range plans {
			in := reflect.New(p.Type())
			var errs problem.FieldErrors
			flags := p.Query(in.Interface(), raw, &errs)
			if len(errs) > 0 {
				continue
			}
			checkStorable(t, in.Interface())
			for name, values := range flags {
				if !slices.Contains(p.QueryNames(), name) || len(values) != 1 {
					t.Errorf("%s %q: parameter %s=%q was ignored", p.Type(), raw, name, values)
				}
			}
			for _, name := range p.RequiredQuery() {
				if !flags.Has(name) {
					t.Errorf("%s %q was accepted without %s", p.Type(), raw, name)
				}
			}
		}
	})
}

// FuzzText parses the texts of filters. A value is storable text, and parsing it again does not change it.
func FuzzText(f *testing.F) {
	for _, seed := range []string{
		"", "a", "A\u212a", "\x00", "\xff", "0", "-1", "01", "2147483648", "9223372036854775808", "true", "True",
		"2026-11-30T08:00:00.5+01:00", "123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000", "{123e4567-e89b-12d3-a456-42661417}",
	} {
		f.Add(seed)
	}
	rule := bind.Rule{Lowercase: true, Check: func(text string) string {
		if text == "" {
			return "must not be empty"
		}
		return ""
	}}
	f.Fuzz(func(t *testing.T, text string) {
		for _, typ := range []reflect.Type{
			reflect.TypeFor[string](), reflect.TypeFor[int64](), reflect.TypeFor[int32](), reflect.TypeFor[bool](),
			reflect.TypeFor[uuid.UUID](), reflect.TypeFor[time.Time](),
		} {
			parsed, reason := bind.ParseText(typ, rule, text)
			if reason != "" {
				if parsed != "" {
					t.Errorf("%s %q: both the value %q and the error %s", typ, text, parsed, reason)
				}
				continue
			}
			if reason := bind.CheckText(parsed); reason != "" {
				t.Errorf("%s %q: the value %q %s", typ, text, parsed, reason)
			}
			if again, reason := bind.ParseText(typ, rule, parsed); again != parsed || reason != "" {
				t.Errorf("%s %q: the value %q is parsed as %q, %s", typ, text, parsed, again, reason)
			}
		}
		if n, reason := bind.ParseInteger(text); reason == "" && strconv.FormatInt(n, 10) != text {
			t.Errorf("%q: the integer %d", text, n)
		}
	})
}

// FuzzRow binds rows of a bulk body. The object for the import query has exactly the fields that the row gives.
func FuzzRow(f *testing.F) {
	for _, seed := range []string{
		`{"name":"a","owner":null,"slots":3}`, `{"id":7}`, `{"id":null,"uuid":null,"slots":0}`, `{}`, `[]`, `{"x":1}`,
	} {
		f.Add([]byte(seed))
	}
	p := rowPlan()
	f.Fuzz(func(t *testing.T, body []byte) {
		var in importBox
		var errs problem.FieldErrors
		given, _, err := p.Row(&in, body, &errs)
		p.RequireNew(&in, given, &errs)
		if err != nil || len(errs) > 0 {
			return
		}
		var got map[string]any
		if err := json.Unmarshal(p.AppendObject(nil, &in, given), &got); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		for _, name := range p.BodyNames() {
			_, ok := got[name]
			isNullKey := name == "id" && in.ID == 0 || name == "uuid" && in.UUID == uuid.Nil
			if want := slices.Contains(given, name) && !isNullKey; ok != want {
				t.Errorf("%q: %s in the object: %v, want %v", body, name, ok, want)
			}
		}
	})
}
