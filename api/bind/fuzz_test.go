package bind_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
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
		if err := p.Body(&in, body, &errs); err != nil {
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
		"owner=x&limit=10", "owner=x&limit=0&offset=3", "owner=x&after=5", "after=1-2", "name=%00", "name=%ff", "nam=x",
		"limit=1&limit=2", "%zz", ";", "offset=-1", "limit=99999999999999999999", "a=%u0041", "cascade=true",
	} {
		f.Add(seed)
	}
	plans := []*bind.Plan{
		plan[listBoxes](http.MethodGet, nil, bind.Options{}),
		plan[listSlots](http.MethodGet, []string{"box_id"}, bind.Options{}),
		plan[listMoves](http.MethodGet, nil, bind.Options{}),
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
				isKnown := slices.Contains(p.QueryNames(), name) || name == "after" && p.HasCursor()
				if !isKnown || len(values) != 1 {
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

// FuzzCursor parses cursors of integers. An accepted cursor must have one spelling only.
func FuzzCursor(f *testing.F) {
	for _, seed := range []string{
		"1-2", "1", "0", "-1", "1-2-3", "1--3", "1-9007199254740991", "01-2", "", "-", "a-b", "1-2-3-4",
	} {
		f.Add(seed)
	}
	p := plan[listSlots](http.MethodGet, []string{"box_id"}, bind.Options{})
	f.Fuzz(func(t *testing.T, text string) {
		var in listSlots
		var errs problem.FieldErrors
		p.Query(&in, "after="+url.QueryEscape(text), &errs)
		if len(errs) > 0 {
			return
		}
		formatted := strconv.FormatInt(in.AfterBox, 10) + "-" + strconv.FormatInt(in.AfterSlot, 10)
		if formatted != text {
			t.Errorf("cursor %q was parsed as %q", text, formatted)
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
		given, err := p.Row(&in, body, &errs)
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
