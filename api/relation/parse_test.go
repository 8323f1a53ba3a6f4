package relation

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"labledger/api/problem"
)

// TestParse_errors: one response reports all errors of a request.
func TestParse_errors(t *testing.T) {
	t.Parallel()
	samples, _, _ := newRelations()
	const noCursor = "must be the cursor from the Link header of a page in the same order"
	long := strings.Repeat("x", maxQueryText+1)
	for raw, want := range map[string][]string{
		"nmae=x&rank__gt=a&kind=rack&sort=colour&fields=colour&include=room&q=": {
			"kind must be box or tube",
			`nmae is unknown; did you mean "name"?`,
			"rank__gt must be an integer",
			"q must have from 1 to 200 characters",
			`sort colour is unknown; did you mean "codes"?`,
			"include room is unknown; known names: freezer, site",
			`fields colour is unknown; did you mean "codes"?`,
		},
		"rank__contains=1":                   {"rank__contains is unknown; operators of rank: __not, __in, __gt, __gte"},
		"name__like=x":                       {"name__like is unknown; operators of name: __not, __in, __contains"},
		"codes__gt=1":                        {"codes__gt is unknown; operators of codes: __not, __in, __empty"},
		"facts=x":                            {"facts is unknown; facts has no filters"},
		"facts__not=x":                       {"facts__not is unknown; facts has no filters"},
		"rank__empty=true":                   {"rank__empty is unknown; operators of rank: "},
		"name__empty=1":                      {"name__empty must be true or false"},
		"name__contains=a&name__contains=b":  {"name__contains is given more than once"},
		"q=a&q=b":                            {"q is given more than once"},
		"rank=2147483648":                    {"rank is out of range"},
		"rank=1,2":                           {"rank must be an integer"},
		"rank__in=1,,2":                      {"rank__in must be an integer"},
		"amount=1e3":                         {"amount must be a number like 12.50"},
		"amount=NaN":                         {"amount must be a number like 12.50"},
		"due_on=2026-02-30":                  {"due_on must be a date like 2026-11-30"},
		"due_on=0000-01-01":                  {"due_on must be a date like 2026-11-30"},
		"at=yesterday":                       {"at must be a time like 2026-11-30T08:00:00Z, or a date"},
		"at=0001-01-01T00:00:00%2B05:00":     {"at must be a time like 2026-11-30T08:00:00Z, or a date"},
		"sealed=1":                           {"sealed must be true or false"},
		"uuid=1":                             {"uuid must be a UUID like"},
		"name=%00":                           {"name must not contain a NUL character"},
		"name__contains=%ff":                 {"name__contains must be valid UTF-8"},
		"%ff=x":                              {"\ufffd is unknown"},
		"limit__gt=x":                        {"limit__gt must be an integer"},
		"search=x":                           {"search is unknown"},
		"settled=true":                       {"settled is unknown"},
		"list.name=x":                        {"list.name is unknown"},
		"name%20=x":                          {"name  is unknown"},
		"view=1":                             {"view is unknown"},
		"q=%20":                              {"q must not be blank"},
		"q=" + long:                          {"q must have from 1 to 200 characters"},
		"q=a+b+c+d+e+f+g+h+i+j+k":            {"q must have at most 10 words"},
		"sort=":                              {"sort  is unknown"},
		"sort=name,-name":                    {"sort names name twice"},
		"sort=facts,codes":                   {"sort facts has no order", "sort codes has no order"},
		"sort=uuid,name,kind,rank,amount,at": {"sort must name at most 5 columns"},
		"fields=name,name":                   {"fields names name twice"},
		"fields=name,":                       {"fields must be names with commas between them"},
		"include=":                           {"include must be names with commas between them"},
		"after=x":                            {"after " + noCursor + ": uuid must be a UUID like"},
		"sort=name&after=x":                  {"after " + noCursor + ", a JSON array of 2 strings"},
		"sort=name&after=[1,2]":              {"after " + noCursor + ", a JSON array of 2 strings"},
		"sort=name&before=[null,null]":       {"before " + noCursor + ": uuid must not be null"},
		"after=x&before=x":                   {"before cannot be combined with after; use one of them"},
		"name=" + strings.Repeat("a&name=", maxValues) + "a": {"name must have at most 100 values"},
	} {
		_, errs := parse(samples, raw)
		var got []string
		for _, e := range errs {
			got = append(got, e.Field+" "+e.Message)
		}
		if !slices.EqualFunc(got, want, strings.HasPrefix) {
			t.Errorf("%.80s: got the errors\n\t%s\nwant\n\t%s", raw, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
	}
}

// TestParse_bounds: a request at each bound is valid.
func TestParse_bounds(t *testing.T) {
	t.Parallel()
	samples, _, _ := newRelations()
	for _, raw := range []string{
		"q=" + strings.Repeat("x", maxQueryText), "q=a+b+c+d+e+f+g+h+i+j", "sort=uuid,-name,kind,rank,amount",
		"name=" + strings.Repeat("a&name=", maxValues-1) + "a", "rank__gt=-2147483648", "limit=x&format=y",
		"at__gte=9999-12-31&due_on__lte=9999-12-31&amount=-99999999999999999999.9999999999",
	} {
		mustParse(t, samples, raw)
	}
	_, errs := parse(samples, "")
	if len(errs) > 0 {
		t.Error(errs)
	}
}

// TestParse_path: a variable of the path is a filter, which the query string cannot repeat.
func TestParse_path(t *testing.T) {
	t.Parallel()
	samples, _, _ := newRelations()
	path := url.Values{"freezer_id": {"7"}, "offset": {"1"}}
	var errs problem.FieldErrors
	q := samples.Parse(url.Values{"freezer_id__gt": {"3"}}, path, ignored, &errs)
	if sql := oneLine(q.Count(args).SQL); len(errs) > 0 || !q.IsFiltered() ||
		!strings.HasSuffix(sql, "WHERE list.freezer_id = $2 AND list.freezer_id > $3 AND list.settled") {
		t.Errorf("%s\n%v", sql, errs)
	}
	samples.Parse(url.Values{"freezer_id": {"7"}}, path, ignored, &errs)
	if got := fmt.Sprint(errs); got != "[{0 freezer_id is part of the path; leave it out of the query string}]" {
		t.Error(got)
	}
	errs = nil
	samples.Parse(nil, url.Values{"freezer_id": {"x"}}, ignored, &errs)
	if got := fmt.Sprint(errs); got != "[{0 freezer_id must be an integer}]" {
		t.Error(got)
	}
}

// TestFilters: the documented filters are those that Parse accepts, and no others.
func TestFilters(t *testing.T) {
	t.Parallel()
	samples, _, _ := newRelations()
	valid := map[Type]string{
		Text: "box", Integer: "1", Decimal: "1.5", Date: "2026-01-02", Time: "2026-01-02T03:04:05Z", Boolean: "true",
		UUID: "123e4567-e89b-12d3-a456-426614174000", MAC: "08:00:2b:01:02:03", Set: "1",
	}
	documented := map[string]bool{}
	for _, f := range samples.Filters() {
		documented[f.Param] = true
		value := valid[f.Column.Type]
		if f.IsBoolean() {
			value = "true"
		}
		if q, errs := parse(samples, f.Param+"="+url.QueryEscape(value)); len(errs) > 0 || len(q.filters) != 1 {
			t.Errorf("%s=%s: %v", f.Param, value, errs)
		}
		_, errs := parse(samples, f.Param+"=x&"+f.Param+"=x")
		if repeats := !strings.Contains(fmt.Sprint(errs), "more than once"); repeats != f.Repeats() {
			t.Errorf("%s twice: %v", f.Param, errs)
		}
	}
	for i := range samples.columns {
		for j := range operators {
			param := samples.columns[i].Name + operators[j].Suffix
			_, errs := parse(samples, param+"=x")
			if known := !strings.Contains(fmt.Sprint(errs), " is unknown"); !slices.Contains(ignored, param) &&
				known != documented[param] {
				t.Errorf("%s: documented %t, accepted %t", param, documented[param], known)
			}
		}
	}
	for _, param := range []string{"name__contains", "freezer_name__startswith", "site_id__in", "limit__gt"} {
		if !documented[param] {
			t.Errorf("%s is not documented", param)
		}
	}
	if documented["limit"] || documented["facts"] {
		t.Error("limit or facts is documented as a filter")
	}
}
