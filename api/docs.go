package api

import (
	"embed"
	"net/http"
	"strings"
)

// This file serves what is in the binary: the OpenAPI document and the page that shows it.

//go:embed openapi.json docs
var files embed.FS

// docsPolicy lets the page run its own script and nothing from elsewhere. The renderer makes its styles as it goes.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// file serves one embedded file.
func file(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		if strings.HasPrefix(name, "docs/") {
			w.Header().Set("Content-Security-Policy", docsPolicy)
		}
		http.ServeFileFS(w, r, files, name)
	})
}

// docs serves the files of the reference page.
func docs() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := "docs/" + pathValues(r)["file"]
		if info, err := files.Open(name); err != nil {
			notFound(w, r)
			return
		} else {
			_ = info.Close() // of an embedded file: cannot fail
		}
		file(name).ServeHTTP(w, r)
	})
}
