package api_test

import (
	"bytes"
	"os"
	"testing"
)

// TestDocs_noExternalHosts: the files of the API reference and of the problem types contain no host name. For the
// vendored renderer, the Content-Security-Policy of the page blocks other hosts.
func TestDocs_noExternalHosts(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"docs/index.html", "docs/docs.js", "docs/docs.css", "docs/problems.css", "problem_pages.html",
	} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("http:")) || bytes.Contains(text, []byte("https:")) ||
			bytes.Contains(text, []byte(`="//`)) {
			t.Errorf("%s contains a host name", name)
		}
	}
}
