package bind_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"labledger/api/bind"
	"labledger/api/problem"
)

// importBox has the parameters of one row of an import.
type importBox struct {
	ID      int64     `json:"id"`
	UUID    uuid.UUID `json:"uuid"`
	Name    string    `json:"name"`
	Owner   *string   `json:"owner"`
	Slots   int64     `json:"slots"`
	Version *int64    `json:"version"`
}

// createBox has the parameters of one new row.
type createBox struct {
	Name  string  `json:"name"`
	Owner *string `json:"owner"`
	Slots int64   `json:"slots"`
}

func rowPlan() *bind.Plan {
	single := bind.New(reflect.TypeFor[createBox](), http.MethodPost, nil, bind.Options{})
	return bind.NewRow(reflect.TypeFor[importBox](), single, bind.Options{})
}

// recordErrors binds a record and returns its errors.
func recordErrors(p *bind.Plan, params any, columns []bind.Column, cells []string) (errs problem.FieldErrors) {
	p.Record(params, columns, cells, &errs)
	return errs
}

// TestHeader: a header names known columns once. Without the key, it names all that new rows need.
func TestHeader(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		header []string
		want   []string
	}{
		{[]string{"slots", "owner", "name"}, nil},
		{[]string{"name", "owner", "slots", "id", "uuid", "version"}, nil},
		{[]string{"name", "name", "owner", "slots"}, []string{"name appears twice in the header"}},
		{[]string{"name", "owner", "slot", "slots"}, []string{`slot is unknown; did you mean "slots"?`}},
		{[]string{"name", "slots"}, nil},
		{[]string{"uuid", "owner"}, nil},
		{[]string{"id", "slots"}, []string{"name is missing"}}, // the UUID is the key
		{[]string{"owner"}, []string{"name is missing", "slots is missing"}},
		{[]string{" name", "owner\u00a0", "\ufeffslots "}, nil},
		{[]string{"name", "owner", "", "slots"}, []string{"header has no name for column 3"}},
	} {
		columns, errs := rowPlan().Header(c.header, nil)
		wantErrors(t, c.header[0], errs, c.want...)
		for _, e := range errs {
			if e.Line != 1 {
				t.Errorf("%v: error on line %d, want 1", c.header, e.Line)
			}
		}
		if c.want == nil && len(columns) != len(c.header) {
			t.Errorf("%v: %d columns", c.header, len(columns))
		}
	}
	columns, errs := rowPlan().Header([]string{"name", "owner", "slots", "", " "}, nil)
	wantErrors(t, "empty names at the end", errs)
	if len(columns) != 3 {
		t.Errorf("empty names at the end: %d columns, want 3", len(columns))
	}
}

// TestHeader_replaced: fields replace the names of a header, one for each column. A column without a field is ignored.
func TestHeader_replaced(t *testing.T) {
	t.Parallel()
	header := []string{"Box", "Colour", "", "Slots", "", ""}
	for _, c := range []struct {
		fields string
		names  []string
		want   []string
	}{
		{"name,,owner,slots", []string{"name", "owner", "slots"}, nil},
		{"name,,owner,slots,,", []string{"name", "owner", "slots"}, nil},
		{"name,,,slots,owner,", []string{"name", "slots", "owner"}, nil},
		{" id ,,,,,", []string{"id"}, []string{"name is missing", "slots is missing"}}, // the UUID is the key
		{"uuid,,,slots,,", []string{"uuid", "slots"}, nil},
		{"name,name,,slots,,", []string{"name", "slots"}, []string{"name appears twice in the header"}},
		{"name,slot,,slots,,", []string{"name", "slots"}, []string{`slot is unknown; did you mean "slots"?`}},
		{",,,,,", nil, []string{"name is missing", "slots is missing"}},
		{"name", nil, []string{"columns has 1 name, but the header has 4"}},
		{"name,,,slots,,,", nil, []string{"columns has 7 names, but the header has 4"}},
	} {
		columns, errs := rowPlan().Header(header, strings.Split(c.fields, ","))
		wantErrors(t, c.fields, errs, c.want...)
		if got := bind.Names(columns); !slices.Equal(got, c.names) {
			t.Errorf("%s: fields %v, want %v", c.fields, got, c.names)
		}
	}
	columns, _ := rowPlan().Header(header, []string{"name", "", "", "slots"})
	var in importBox
	wantErrors(t, "ignored cells", recordErrors(rowPlan(), &in, columns, []string{"a", "\xff", "x", "3", "", ""}))
	if in.Name != "a" || in.Slots != 3 {
		t.Errorf("bound %+v, want the cells of name and slots", in)
	}
	wantErrors(t, "one cell", recordErrors(rowPlan(), &in, columns, []string{"a"}), "line has 1 cell, but the header has 4")
}

// TestHeader_manyErrors: the errors of a header are capped.
func TestHeader_manyErrors(t *testing.T) {
	t.Parallel()
	header := make([]string, 10_000)
	for i := range header {
		header[i] = "x"
	}
	if _, errs := rowPlan().Header(header, nil); len(errs) != 51 || !errs.Full() {
		t.Errorf("%d errors, want 50 and a note", len(errs))
	}
}

// TestRecord: an empty cell is null, which only nullable columns and keys accept.
func TestRecord(t *testing.T) {
	t.Parallel()
	columns, errs := rowPlan().Header([]string{"id", "name", "owner", "slots"}, nil)
	wantErrors(t, "header", errs)
	for _, c := range []struct {
		name  string
		cells []string
		want  []string
	}{
		{"all cells", []string{"7", "a", "b", "3"}, nil},
		{"empty cells", []string{"", "a", "", "3"}, nil},
		{"required cells are empty", []string{"7", "", "b", ""}, []string{
			"name must not be empty", "slots must not be empty",
		}},
		{"invalid cells", []string{"0", "a\x00", "\xff", "1.5"}, []string{
			"id must be from 1 to 4503599627370495", "name must not contain a NUL character", "owner must be valid UTF-8",
			"slots must be an integer",
		}},
		{"too few cells", []string{"7", "a", "b"}, []string{"line has 3 cells, but the header has 4"}},
		{"empty cells at the end", []string{"7", "a", "b", "3", "", ""}, nil},
		{"too many cells", []string{"7", "a", "b", "3", "", "x"}, []string{"line has 6 cells, but the header has 4"}},
		{"spaces around numbers", []string{" 7", "a", "b", "3\u00a0"}, nil},
		{"an empty number with spaces", []string{" ", "a", "b", "3"}, nil},
		{"an escaped formula", []string{"7", "a", "'=b", "3"}, nil},
	} {
		var in importBox
		wantErrors(t, c.name, recordErrors(rowPlan(), &in, columns, c.cells), c.want...)
		if c.want == nil && (in.Name != "a" || in.Slots != 3 || (in.Owner == nil) != (c.cells[2] == "")) {
			t.Errorf("%s: bound %+v", c.name, in)
		}
	}
}

// TestRecord_booleans: a cell may have the words that spreadsheets and PostgreSQL use. JSON has only its own.
func TestRecord_booleans(t *testing.T) {
	t.Parallel()
	type sealedBox struct {
		Sealed bool `json:"sealed"`
	}
	single := bind.New(reflect.TypeFor[sealedBox](), http.MethodPost, nil, bind.Options{})
	p := bind.NewRow(reflect.TypeFor[sealedBox](), single, bind.Options{})
	columns, errs := p.Header([]string{"sealed"}, nil)
	wantErrors(t, "header", errs)
	for text, want := range map[string]bool{
		"true": true, "TRUE": true, "t": true, "Yes": true, "y": true, "ON": true, "1": true, " true ": true,
		"false": false, "False": false, "F": false, "no": false, "n": false, "off": false, "0": false,
	} {
		in := sealedBox{!want}
		wantErrors(t, text, recordErrors(p, &in, columns, []string{text}))
		if in.Sealed != want {
			t.Errorf("%q: got %t", text, in.Sealed)
		}
	}
	for _, text := range []string{"2", "maybe", "tr", "-1", "yess"} {
		var in sealedBox
		wantErrors(t, text, recordErrors(p, &in, columns, []string{text}), "sealed must be true or false")
	}
	var in sealedBox
	var jsonErrs problem.FieldErrors
	if _, err := p.Body(&in, []byte(`{"sealed":"yes"}`), &jsonErrs); err != nil {
		t.Fatal(err)
	}
	wantErrors(t, "JSON", jsonErrs, "sealed must be true or false, got a string")
}

// TestRow_nullKey: a row may have null instead of a generated key.
func TestRow_nullKey(t *testing.T) {
	t.Parallel()
	var in importBox
	var errs problem.FieldErrors
	const body = `{"id":null,"uuid":null,"name":"a","owner":null,"slots":null}`
	given, _, err := rowPlan().Row(&in, []byte(body), &errs)
	if err != nil {
		t.Fatal(err)
	}
	wantErrors(t, body, errs, "slots must not be null")
	if !slices.Equal(given, []string{"id", "uuid", "name", "owner", "slots"}) {
		t.Errorf("given %v", given)
	}
}

// TestRequireNew: a row without a key needs all that a new row needs.
func TestRequireNew(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]string{
		`{"name":"a","slots":1}`: nil,
		`{"name":"a"}`:           {"slots is missing"},
		`{"uuid":null,"id":7}`:   {"name is missing", "slots is missing"},
		`{"uuid":"123e4567-e89b-12d3-a456-426614174000"}`: nil,
		`{"uuid":"x"}`: {"uuid must be a UUID like 123e4567-e89b-12d3-a456-426614174000"},
		`{"uuid":"123e4567-e89b-12d3-a456-426614174000","id":1}`: nil,
	} {
		var in importBox
		var errs problem.FieldErrors
		given, _, err := rowPlan().Row(&in, []byte(body), &errs)
		if err != nil {
			t.Fatal(err)
		}
		rowPlan().RequireNew(&in, given, &errs)
		wantErrors(t, body, errs, want...)
	}
}

// TestFormField: an empty field of a form is null.
func TestFormField(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "3": "", "x": "must be an integer"} {
		var in importBox
		if got := rowPlan().FormField(&in, "slots", text); got != want || text == "3" && in.Slots != 3 {
			t.Errorf("%q: got %q, want %q; bound %+v", text, got, want, in)
		}
	}
}

// TestAppendObject: the given fields of a bound row become a JSON object, without keys that are null.
func TestAppendObject(t *testing.T) {
	t.Parallel()
	const id = "123e4567-e89b-12d3-a456-426614174000"
	text := "a \"quoted\"\n\u2028é"
	all := []string{"id", "uuid", "name", "owner", "slots", "version"}
	full := importBox{ID: 7, UUID: uuid.MustParse(id), Name: text, Owner: &text, Slots: 3, Version: new(int64(2))}
	for _, c := range []struct {
		row   importBox
		given []string
		want  map[string]any
	}{
		{full, all, map[string]any{"id": 7., "uuid": id, "name": text, "owner": text, "slots": 3., "version": 2.}},
		{full, []string{"owner", "id"}, map[string]any{"id": 7., "owner": text}},
		{full, nil, map[string]any{}},
		{importBox{}, all, map[string]any{"name": "", "owner": nil, "slots": 0., "version": nil}},
	} {
		var got map[string]any
		object := rowPlan().AppendObject([]byte(" "), &c.row, c.given)
		if err := json.Unmarshal(object, &got); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("got %s, %v; want %v", object, err, c.want)
		}
	}
}
