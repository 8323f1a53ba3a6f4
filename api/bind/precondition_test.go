package bind_test

import (
	"math"
	"net/http"
	"testing"

	"labledger/api/bind"
	"labledger/api/problem"
)

func TestMatchesETag(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{
		`"3"`: true, `W/"3"`: true, `*`: true, `"1", "3"`: true, ` "3" `: true,
		`"33"`: false, `3`: false, ``: false, `"1","2"`: false, `w/"3"`: false,
	} {
		if got := bind.MatchesETag(header, "3"); got != want {
			t.Errorf("%s: got %t, want %t", header, got, want)
		}
	}
}

// TestPreconditions: a condition becomes the version that the query expects: -1 for any, 0 for none, and the
// largest integer for one that no row has.
func TestPreconditions(t *testing.T) {
	t.Parallel()
	const none = -99 // no version
	const unmatched = math.MaxInt64
	upsert := plan[upsertBox](http.MethodPut, []string{"id"}, bind.Options{CanCreate: true})
	update := plan[upsertBox](http.MethodPut, []string{"id"}, bind.Options{})
	patch := plan[patchBox](http.MethodPatch, []string{"id"}, bind.Options{})
	for _, c := range []struct {
		plan    *bind.Plan
		header  http.Header
		version int64 // in the body
		want    int64
		err     string
	}{
		{upsert, nil, none, none, ""},
		{upsert, nil, 3, 3, ""},
		{upsert, nil, 0, 0, "version must be at least 1"},
		{upsert, http.Header{"If-Match": {`"3"`}}, none, 3, ""},
		{upsert, http.Header{"If-Match": {`W/"3"`}}, none, 3, ""},
		{upsert, http.Header{"If-Match": {`"3"`}}, 3, 3, ""},
		{upsert, http.Header{"If-Match": {`"3"`}}, 4, 4, "version contradicts If-Match"},
		{upsert, http.Header{"If-Match": {`*`}}, none, -1, ""},
		{upsert, http.Header{"If-None-Match": {`*`}}, none, 0, ""},
		{upsert, http.Header{"If-Match": {`3`}}, none, unmatched, ""},
		{upsert, http.Header{"If-Match": {`"0"`}}, none, unmatched, ""},
		{upsert, http.Header{"If-Match": {`"-1"`}}, none, unmatched, ""},
		{upsert, http.Header{"If-Match": {`"03"`}}, none, unmatched, ""},
		{upsert, http.Header{"If-Match": {`""3""`}}, none, unmatched, ""},
		{upsert, http.Header{"If-Match": {`w/"3"`}}, none, unmatched, ""},
		{upsert, http.Header{"If-Match": {"\xff"}}, none, unmatched, ""},
		{upsert, http.Header{"If-Match": {""}}, none, unmatched, ""},
		{upsert, http.Header{"If-Match": {`"9223372036854775808"`}}, none, unmatched, ""},
		{upsert, http.Header{"If-Match": {`"a,b"`}}, 3, unmatched, ""},
		{upsert, http.Header{"If-Match": {`"1", "2"`}}, none, 2, ""},
		{upsert, http.Header{"If-Match": {`"2", "x", W/"1"`}}, none, 2, ""},
		{upsert, http.Header{"If-Match": {`"1"`, `"2"`}}, none, 2, ""},
		{upsert, http.Header{"If-Match": {`"1", *`}}, none, -1, ""},
		{upsert, http.Header{"If-Match": {`"1"`}, "If-None-Match": {`*`}}, none, none,
			"If-Match cannot be combined with If-None-Match; use one of them"},
		{upsert, http.Header{"If-None-Match": {`*`, `*`}}, none, none,
			"If-None-Match must be * in a write: create the row, but replace none"},
		{upsert, http.Header{"If-None-Match": {`"1"`}}, none, none,
			"If-None-Match must be * in a write: create the row, but replace none"},
		{update, http.Header{"If-None-Match": {`*`}}, none, none, "If-None-Match does not apply to this operation"},
		{patch, http.Header{"If-Match": {`"1"`}}, none, none, "If-Match does not apply to this operation"},
	} {
		box := upsertBox{}
		var in any = &box
		if c.plan == patch { // has no version
			in = &patchBox{}
		}
		if c.version != none {
			box.Version = &c.version
		}
		var errs problem.FieldErrors
		c.plan.Preconditions(in, c.header, &errs)
		var want []string
		if c.err != "" {
			want = []string{c.err}
		}
		wantErrors(t, c.err, errs, want...)
		got := int64(none)
		if box.Version != nil {
			got = *box.Version
		}
		if got != c.want {
			t.Errorf("%v: version %d, want %d", c.header, got, c.want)
		}
	}
}
