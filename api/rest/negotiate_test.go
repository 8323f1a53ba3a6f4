package rest

import (
	"slices"
	"testing"
)

func TestPrefer(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"":                            MediaTypeJSON,
		"*/*":                         MediaTypeJSON,
		"application/json":            MediaTypeJSON,
		"text/csv":                    MediaTypeCSV,
		"text/*":                      MediaTypeCSV,
		"application/x-ndjson":        MediaTypeNDJSON,
		"TEXT/CSV; q=0.5":             MediaTypeCSV,
		"text/csv;q=0.1, */*;q=0.05":  MediaTypeCSV,
		"text/csv;q=0":                "",
		"application/json;q=0, */*":   MediaTypeNDJSON,
		"text/html,*/*;q=0.8":         MediaTypeJSON,
		"application/xml":             "",
		"text/csv;q=0.4,*/*;q=0.5":    MediaTypeJSON,
		"text/csv;q=nonsense":         "",
		"application/*;q=0.2,text/*":  MediaTypeCSV,
		"text/csv; header=present":    MediaTypeCSV,
		"application/json, text/csv ": MediaTypeJSON,
	} {
		if got := prefer(header, rowMediaTypes...); got != want {
			t.Errorf("Accept: %s: got %q, want %q", header, got, want)
		}
	}
}

// FuzzPrefer parses Accept headers. The result must be offered, or "".
func FuzzPrefer(f *testing.F) {
	for _, seed := range []string{
		"", "*/*", "text/csv", "text/html,application/xhtml+xml,*/*;q=0.8", "text/csv;q=0", "application/json;q=2",
		",,;q", "text/*;q=0.1,application/json;q=0.05", "text/csv;q=NaN", "text/csv;q=-0",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got := prefer(header, rowMediaTypes...)
		if got != "" && !slices.Contains(rowMediaTypes, got) {
			t.Errorf("%q: got %q, which is not offered", header, got)
		}
		// A media type that the client prefers is also accepted when nothing else is offered.
		if got != "" && prefer(header, got) != got {
			t.Errorf("%q: %s is preferred, but not accepted alone", header, got)
		}
	})
}
