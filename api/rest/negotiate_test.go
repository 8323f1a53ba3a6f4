package rest_test

import "testing"

func TestPreferredIndex(t *testing.T) {
	for header, want := range map[string]int{
		"":                            0,
		"*/*":                         0,
		"application/json":            0,
		"text/csv":                    2,
		"text/*":                      2,
		"application/x-ndjson":        1,
		"TEXT/CSV; q=0.5":             2,
		"text/csv;q=0.1, */*;q=0.05":  2,
		"text/csv;q=0":                -1,
		"application/json;q=0, */*":   1,
		"text/html,*/*;q=0.8":         0,
		"application/xml":             -1,
		"text/csv;q=0.4,*/*;q=0.5":    0,
		"text/csv;q=nonsense":         -1,
		"application/*;q=0.2,text/*":  2,
		"text/csv; header=present":    2,
		"application/json, text/csv ": 0,
	} {
		if got := preferredIndex(header, mediaTypes); got != want {
			t.Errorf("Accept: %s: got %d, want %d", header, got, want)
		}
	}
}
