package api

import (
	"embed"
	"net/http"
	"strings"

	"labledger/api/rest"
)

// The binary contains the OpenAPI document and the API reference page.
//
//go:embed openapi.json docs
var assets embed.FS

// docsCSP allows only the page's own scripts. The renderer generates inline styles.
const docsCSP = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

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

// serveDocs serves the files of the API reference page.
func serveDocs(w http.ResponseWriter, r *http.Request) {
	name := "docs/" + rest.PathValues(r)["file"]
	asset, err := assets.Open(name)
	if err != nil {
		rest.NotFound(w, r)
		return
	}
	_ = asset.Close() // cannot fail: the file is embedded
	serveAsset(name).ServeHTTP(w, r)
}
