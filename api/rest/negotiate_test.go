package rest_test

import (
	"slices"
	"testing"

	"labledger/api/rest"
)

const (
	mediaJSON   = rest.MediaTypeJSON
	mediaNDJSON = rest.MediaTypeNDJSON
	mediaCSV    = rest.MediaTypeCSV
)

func TestPrefer(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"":                            mediaJSON,
		"*/*":                         mediaJSON,
		"application/json":            mediaJSON,
		"text/csv":                    mediaCSV,
		"text/*":                      mediaCSV,
		"application/x-ndjson":        mediaNDJSON,
		"TEXT/CSV; q=0.5":             mediaCSV,
		"text/csv;q=0.1, */*;q=0.05":  mediaCSV,
		"text/csv;q=0":                "",
		"application/json;q=0, */*":   mediaNDJSON,
		"text/html,*/*;q=0.8":         mediaJSON,
		"application/xml":             "",
		"text/csv;q=0.4,*/*;q=0.5":    mediaJSON,
		"text/csv;q=nonsense":         "",
		"application/*;q=0.2,text/*":  mediaCSV,
		"text/csv; header=present":    mediaCSV,
		"application/json, text/csv ": mediaJSON,
	} {
		if got := rest.Prefer(header, mediaJSON, mediaNDJSON, mediaCSV); got != want {
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
	offered := []string{mediaJSON, mediaNDJSON, mediaCSV}
	f.Fuzz(func(t *testing.T, header string) {
		got := rest.Prefer(header, offered...)
		if got != "" && !slices.Contains(offered, got) {
			t.Errorf("%q: got %q, which is not offered", header, got)
		}
		// A media type that the client prefers is also accepted when nothing else is offered.
		if got != "" && rest.Prefer(header, got) != got {
			t.Errorf("%q: %s is preferred, but not accepted alone", header, got)
		}
	})
}
