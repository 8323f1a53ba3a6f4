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

// placedBox has the parameters of a box that refers to other rows.
type placedBox struct {
	ID       int64      `json:"id"`
	Name     string     `json:"name"`
	RoomID   int64      `json:"room_id"`
	OuterBox *uuid.UUID `json:"outer_uuid"`
	Version  *int64     `json:"version"`
}

// patchPlacedBox has the parameters of a PATCH of a box that refers to other rows.
type patchPlacedBox struct {
	ID     int64    `json:"id"`
	RoomID *int64   `json:"room_id"`
	Given  []string `json:"given"`
}

var placedRules = bind.Rules{"room_id": {References: "room"}, "outer_uuid": {References: "box"}}

func placedPlan() *bind.Plan {
	return plan[placedBox](http.MethodPut, []string{"id"}, bind.Options{Rules: placedRules})
}

func placedRowPlan() *bind.Plan {
	o := bind.Options{Rules: placedRules}
	return bind.NewRow(reflect.TypeFor[placedBox](), plan[placedBox](http.MethodPost, nil, o), o)
}

// describe returns names as "field text".
func describe(names []bind.Name) (all []string) {
	for _, n := range names {
		all = append(all, n.Field+" "+n.Text)
	}
	return all
}

const outerBox = "123e4567-e89b-12d3-a456-426614174000"

// TestBody_references: a name takes the place of a key. Null, the type and a key beside the name are checked.
func TestBody_references(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct{ names, errs []string }{
		`{"name":"a","room":"R1","outer_uuid":null}`: {names: []string{"room R1"}},
		`{"name":"a","room":" R1 ","outer":"B"}`:     {names: []string{"room  R1 ", "outer B"}},
		`{"name":"a","room_id":1,"outer":null}`:      {},
		`{"name":"a","room_id":1,"room":"R1","outer":null,"outer_uuid":null}`: {
			names: []string{"room R1"},
		},
		`{"name":"a","outer":null}`:             {errs: []string{"room_id is missing"}},
		`{"name":"a","room":null,"outer":null}`: {errs: []string{"room must not be null"}},
		`{"name":"a","room":"  ","outer":null}`: {errs: []string{"room must not be blank"}},
		`{"name":"a","room":7,"outer":null}`:    {errs: []string{"room must be the name of a room, got a number"}},
		`{"name":"a","room":"\u0000","outer":7}`: {errs: []string{
			"room must not contain a NUL character", "outer must be the name of a box, got a number",
		}},
		`{"name":"a","room_id":1,"outer":null,"outer_uuid":"` + outerBox + `"}`: {
			errs: []string{"outer is null, but outer_uuid is " + outerBox},
		},
		`{"name":1,"room_id":"x","room":"R1","outer":null}`: {
			names: []string{"room R1"}, // is looked up, so that the response has all errors
			errs:  []string{"name must be a string, got a number", "room_id must be an integer, got a string"},
		},
		`{"name":"a","room_id":1,"oter":"B","outer":null}`: {errs: []string{`oter is unknown; did you mean "outer"?`}},
	} {
		in := placedBox{ID: 1}
		var errs problem.FieldErrors
		names, err := placedPlan().Body(&in, []byte(body), &errs)
		if err != nil {
			t.Fatal(err)
		}
		wantErrors(t, body, errs, want.errs...)
		if got := describe(names); !slices.Equal(got, want.names) {
			t.Errorf("%s: names %q, want %q", body, got, want.names)
		}
	}
}

// TestSetKey: the key of a row that a body names is bound, and a PATCH changes it.
func TestSetKey(t *testing.T) {
	t.Parallel()
	p := plan[patchPlacedBox](http.MethodPatch, []string{"id"}, bind.Options{Rules: placedRules})
	var in patchPlacedBox
	var errs problem.FieldErrors
	names, err := p.Body(&in, []byte(`{"room":"R1"}`), &errs)
	if err != nil || len(errs) > 0 || len(names) != 1 {
		t.Fatalf("names %v, errors %v, %v", names, errs, err)
	}
	p.SetKey(&in, names[0], "12")
	if in.RoomID == nil || *in.RoomID != 12 || !slices.Equal(in.Given, []string{"room_id"}) {
		t.Errorf("bound %+v, want the key 12", in)
	}
}

// TestCheckKey: a key beside a name is that of the same row.
func TestCheckKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, key, want string }{
		{`{"room":"R1"}`, "12", ""},
		{`{"room":"R1","room_id":12}`, "12", ""},
		{`{"room_id":11,"room":"R1"}`, "12", "is room 12, but room_id is 11"},
		{`{"outer":"B","outer_uuid":"` + strings.ToUpper(outerBox) + `"}`, outerBox, ""},
		{`{"outer":"B","outer_uuid":null}`, outerBox, "is box " + outerBox + ", but outer_uuid is null"},
	} {
		var errs problem.FieldErrors
		_, names, err := placedRowPlan().Row(new(placedBox), []byte(c.body), &errs)
		if err != nil || len(errs) > 0 || len(names) != 1 {
			t.Fatalf("%s: names %v, errors %v, %v", c.body, names, errs, err)
		}
		if got := names[0].CheckKey(c.key); got != c.want {
			t.Errorf("%s: got %q, want %q", c.body, got, c.want)
		}
	}
}

// TestNew_references: bodies name rows on writes only, and not if the plan has KeysOnly.
func TestNew_references(t *testing.T) {
	t.Parallel()
	fields := func(p *bind.Plan) (all []string) {
		for _, r := range p.References() {
			all = append(all, r.Field+" "+r.Key+" "+r.Kind)
		}
		return all
	}
	if got := fields(placedPlan()); !slices.Equal(got, []string{"room room_id room", "outer outer_uuid box"}) {
		t.Errorf("references %q", got)
	}
	for name, p := range map[string]*bind.Plan{
		"read":      plan[placedBox](http.MethodGet, nil, bind.Options{Rules: placedRules}),
		"keys only": plan[placedBox](http.MethodPost, nil, bind.Options{Rules: placedRules, KeysOnly: true}),
		"in path":   plan[placedBox](http.MethodPost, []string{"room_id", "outer_uuid"}, bind.Options{Rules: placedRules}),
	} {
		if got := fields(p); got != nil {
			t.Errorf("%s: references %q, want none", name, got)
		}
	}
	type boxOfRoom struct {
		Room   string `json:"room"`
		RoomID int64  `json:"room_id"`
	}
	for message, f := range map[string]func(){
		"both a reference and a field with the name room": func() {
			plan[boxOfRoom](http.MethodPost, nil, bind.Options{Rules: placedRules})
		},
		"must end in _id or _uuid": func() {
			plan[placedBox](http.MethodPost, nil, bind.Options{Rules: bind.Rules{"name": {References: "box"}}})
		},
	} {
		if got := panicMessage(f); !strings.Contains(got, message) {
			t.Errorf("panic %q, want %q", got, message)
		}
	}
}

// TestRecord_references: of two columns for one row, the filled one counts. An empty cell is null.
func TestRecord_references(t *testing.T) {
	t.Parallel()
	const name, key = "room", "room_id"
	for _, c := range []struct {
		header, cells string
		names, errs   []string
	}{
		{"name,room", "a,R1", []string{"room R1"}, nil},
		{"name,room", "a,'=R1", []string{"room =R1"}, nil},
		{"name,room", "a, ", nil, []string{"room must not be empty"}},
		{"name,room_id", "a,", nil, []string{"room_id must not be empty"}},
		{"name,room,room_id", "a,R1,", []string{"room R1"}, nil},
		{"name,room_id,room", "a, ,R1", []string{"room R1"}, nil},
		{"name,room,room_id", "a,,7", nil, nil},
		{"name,room,room_id", "a,R1,7", []string{"room R1"}, nil},
		{"name,room,room_id", "a,,", nil, []string{"room_id must not be empty"}},
		{"name,room,room_id", "a,R1,x", []string{"room R1"}, []string{"room_id must be an integer"}},
		{"name,room,outer", "a,\xff,\x00", nil, []string{
			"room must be valid UTF-8", "outer must not contain a NUL character",
		}},
		{"name,room_id,outer", "a,7,", nil, nil},
	} {
		p := placedRowPlan()
		columns, errs := p.Header(strings.Split(c.header, ","), nil)
		wantErrors(t, c.header, errs)
		if got := bind.Names(columns); !slices.Contains(got, key) || slices.Contains(got, name) {
			t.Errorf("%s: fields %q, want the key once", c.header, got)
		}
		got := p.Record(new(placedBox), columns, strings.Split(c.cells, ","), &errs)
		wantErrors(t, c.header+" "+c.cells, errs, c.errs...)
		if !slices.Equal(describe(got), c.names) {
			t.Errorf("%s %s: names %q, want %q", c.header, c.cells, describe(got), c.names)
		}
	}
	_, errs := placedRowPlan().Header([]string{"name", "rom", "room", "room"}, nil)
	wantErrors(t, "header", errs, `rom is unknown; did you mean "room"?`, "room appears twice in the header")
}

// FuzzReferences binds rows that name others. The object for the import query has the key of each row that a row names,
// and no names.
func FuzzReferences(f *testing.F) {
	for _, seed := range []string{
		`{"name":"a","room":"R1","outer":"B"}`, `{"room":"R1"}`, `{"room":"R1","room_id":12}`, `{"room":null,"room_id":0}`,
		`{"name":"a","room":"\ud800"}`, `{"room":"\u0000"}`, `{"room":"","outer":[]}`, `{"outer":"B","outer_uuid":null}`,
		`name,room,room_id`, `a,R1,`,
	} {
		f.Add([]byte(seed), seed)
	}
	p := placedRowPlan()
	keys := map[string]string{"room": "12", "outer": outerBox}
	f.Fuzz(func(t *testing.T, body []byte, cell string) {
		var in placedBox
		var errs problem.FieldErrors
		given, names, err := p.Row(&in, body, &errs)
		if err != nil {
			return
		}
		object := p.AppendObject(nil, &in, given, names...)
		for _, n := range names {
			if reason := bind.CheckText(n.Text); reason != "" || strings.TrimSpace(n.Text) == "" {
				t.Errorf("%q: the name %q was accepted", body, n.Text)
			}
			if reason := n.CheckKey(keys[n.Field]); reason != "" {
				return
			}
			object = n.AppendKey(object, keys[n.Field])
		}
		var got map[string]any
		if err := json.Unmarshal(object, &got); err != nil {
			t.Fatalf("%q: %q: %v", body, object, err)
		}
		for _, n := range names {
			if got[n.Key] != any(keys[n.Field]) && got[n.Key] != any(12.0) || got[n.Field] != nil {
				t.Errorf("%q: %s, want the key of %s", body, object, n.Field)
			}
		}
		columns, _ := p.Header([]string{"name", "room", "room_id"}, nil)
		errs = nil
		for _, n := range p.Record(&in, columns, []string{"a", cell, cell}, &errs) {
			if reason := bind.CheckText(n.Text); reason != "" || strings.TrimSpace(n.Text) == "" {
				t.Errorf("%q: the name %q was accepted", cell, n.Text)
			}
		}
	})
}
