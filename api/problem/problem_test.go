package problem

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestFieldErrors_cap: the errors of one object are capped, with a note that further ones are omitted.
func TestFieldErrors_cap(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{0: 0, 1: 1, 50: 50, 51: 51, 1000: 51} {
		var errs FieldErrors
		for i := range n {
			errs.Add(fmt.Sprint("field ", i), "is wrong")
			errs.Add("fine", "")
		}
		if len(errs) != want || errs.Full() != (want == 51) || errs.Has("fine") {
			t.Errorf("%d errors: %d are kept, full: %t", n, len(errs), errs.Full())
		}
		note := FieldError{Field: "…", Message: "further errors are omitted"}
		if hasNote := slices.Contains(errs, note); hasNote != (want == 51) {
			t.Errorf("%d errors: note that some are omitted: %t", n, hasNote)
		}
	}
}

// TestFieldErrors_err: without errors the result is nil, also as an interface.
func TestFieldErrors_err(t *testing.T) {
	t.Parallel()
	var errs FieldErrors
	if err := errs.Err(); err != nil {
		t.Errorf("no errors: %v", err)
	}
	errs.Add("name", "is missing")
	var p *Problem
	if err := errs.Err(); !errors.As(err, &p) || p.Status != http.StatusBadRequest || len(p.Errors) != 1 {
		t.Errorf("one error: %v", err)
	}
	errs.Add("rules.limit", "is missing")
	for field, want := range map[string]bool{"name": true, "nam": false, "rules": true, "rule": false, "limit": false} {
		if errs.Has(field) != want {
			t.Errorf("error of %s: got %t", field, !want)
		}
	}
}

// TestBadRequest_detail: the detail quotes the first ten errors.
func TestBadRequest_detail(t *testing.T) {
	t.Parallel()
	errs := make([]FieldError, 12)
	for i := range errs {
		errs[i] = FieldError{Field: fmt.Sprint("f", i), Message: "is wrong"}
	}
	for n, want := range map[int]string{
		1:  "f0: is wrong.",
		2:  "f0: is wrong; f1: is wrong.",
		10: "f8: is wrong; f9: is wrong.",
		12: "f9: is wrong; and 2 more (see errors).",
	} {
		p := BadRequest(errs[:n]...)
		if !strings.HasSuffix(p.Detail, want) || len(p.Errors) != n {
			t.Errorf("%d errors: got the detail %q and %d errors, want …%s", n, p.Detail, len(p.Errors), want)
		}
	}
	question := FieldError{Field: "nam", Message: `is unknown; did you mean "name"?`}
	if got := BadRequest(question).Detail; got != `nam: is unknown; did you mean "name"?` {
		t.Errorf("detail of a question: %s", got)
	}
}

// TestProblem_encoding: only the log reads the cause, and fields without a value are absent.
func TestProblem_encoding(t *testing.T) {
	t.Parallel()
	p := Unavailable(Overloaded, "Try again.", errors.New(secret))
	if !strings.Contains(p.Error(), secret) {
		t.Errorf("the text for the log lacks the cause: %s", p.Error())
	}
	for _, c := range []struct {
		p    *Problem
		want string
	}{
		{p, `{"type":"/problems/overloaded","title":"Server overloaded","status":503,"detail":"Try again.","instance":"",` +
			`"request_id":""}`},
		{&Problem{Errors: []FieldError{{Line: 3, Field: "a", Message: "b"}, {Field: "c"}}, Truncated: true},
			`{"type":"","title":"","status":0,"detail":"","instance":"","request_id":"","errors":[` +
				`{"line":3,"field":"a","message":"b"},{"field":"c","message":""}],"truncated":true}`},
	} {
		if got, err := json.Marshal(c.p); err != nil || string(got) != c.want {
			t.Errorf("got %s, %v; want %s", got, err, c.want)
		}
	}
}

func TestSanitize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain é":                 "plain é",
		"a\xffb":                  "a�b",
		strings.Repeat("é", 100):  strings.Repeat("é", 100),
		strings.Repeat("é", 101):  strings.Repeat("é", 100) + "…",
		strings.Repeat("\xff", 9): "�",
	} {
		if got := Sanitize(text); got != want || !utf8.ValidString(got) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestJoinOr(t *testing.T) {
	t.Parallel()
	for want, names := range map[string][]string{"a": {"a"}, "a or b": {"a", "b"}, "a, b or c": {"a", "b", "c"}} {
		if got := JoinOr(names); got != want {
			t.Errorf("%v: got %q, want %q", names, got, want)
		}
	}
}

// TestUnknownName: a similar name is suggested, otherwise all known names are listed.
func TestUnknownName(t *testing.T) {
	t.Parallel()
	known := []string{"name", "address", "version"}
	for _, c := range []struct {
		name  string
		known []string
		want  string
	}{
		{"nmae", known, `is unknown; did you mean "name"?`},
		{"VERSION", known, `is unknown; did you mean "version"?`},
		{"q", known, "is unknown; known names: name, address, version"},
		{strings.Repeat("x", 1000), known, "is unknown; known names: name, address, version"},
		{"name", nil, "is unknown; this operation accepts none"},
	} {
		if got := UnknownName(c.name, c.known); got != c.want {
			t.Errorf("%.20q: got %q, want %q", c.name, got, c.want)
		}
	}
}
