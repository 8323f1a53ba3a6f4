package api

import (
	"net/url"
	"testing"
)

// FuzzValidateListQuery: an accepted query can be appended to the path of a list, and parameters of a page to the query.
func FuzzValidateListQuery(f *testing.F) {
	for _, seed := range []string{
		"q=mouse&sort=-name", "", "?q=x", "limit=5", "%6Cimit=5", "limi%74", "q=%", "q=%C3%A9", "q=%FF", "q=a;b", "q=a#b",
		"q=a b", "q=é", "&&=", "offset__gt=1", "a=%00", "a\n=b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		if validateListQuery(query) != "" {
			return
		}
		target, err := url.ParseRequestURI("/api/v1/sites?" + query + "&limit=7")
		if err != nil || target.Path != "/api/v1/sites" || target.RawQuery != query+"&limit=7" {
			t.Fatalf("%q is no query string: %+v, %v", query, target, err)
		}
		values, err := url.ParseQuery(target.RawQuery)
		if err != nil || len(values["limit"]) != 1 || values.Get("limit") != "7" || values.Has("offset") {
			t.Errorf("%q sets a parameter of the page: %v, %v", query, values, err)
		}
	})
}
