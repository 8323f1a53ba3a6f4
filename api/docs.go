package api

import (
	"embed"
	"net/http"
	"strings"
)

// This file serves what is in the binary: the OpenAPI document and the page that shows it.

//go:embed openapi.json docs
var assets embed.FS

// docsCSP lets the page run its own script and nothing from elsewhere. The renderer makes its styles as it goes.
const docsCSP = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// serveAsset serves one embedded file.
func serveAsset(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		if strings.HasPrefix(name, "docs/") {
			w.Header().Set("Content-Security-Policy", docsCSP)
		}
		http.ServeFileFS(w, r, assets, name)
	})
}

// serveDocs serves the files of the reference page.
func serveDocs() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := "docs/" + pathValues(r)["file"]
		if info, err := assets.Open(name); err != nil {
			notFound(w, r)
			return
		} else {
			_ = info.Close() // of an embedded file: cannot fail
		}
		serveAsset(name).ServeHTTP(w, r)
	})
}
