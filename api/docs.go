package api

import (
	"bytes"
	"embed"
	"io"
	"net/http"
	"strings"
	"time"

	"labledger/api/authn"
	"labledger/api/problem"
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
		file, _ := assets.Open(name) // needs no Close: the file is in memory
		content, isFile := file.(io.ReadSeeker)
		if !isFile { // missing, or a directory
			rest.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		if strings.HasPrefix(name, "docs/") {
			w.Header().Set("Content-Security-Policy", docsCSP)
		}
		// Unlike ServeFileFS, this does not redirect a path that ends in /index.html.
		http.ServeContent(w, r, name, time.Time{}, content)
	})
}

// serveOpenAPI serves the OpenAPI document with the URLs of a server below base.
func serveOpenAPI(base string) http.Handler {
	document, err := assets.ReadFile("openapi.json")
	if err != nil {
		panic(err) // the file is embedded
	}
	if base != "" {
		document = moveOpenAPI(document, base)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, "openapi.json", time.Time{}, bytes.NewReader(document))
	})
}

// moveOpenAPI replaces what depends on the base path: the server, the problem types, the URLs of the samples and the
// name of the cookie.
func moveOpenAPI(document []byte, base string) []byte {
	for from, to := range map[string]string{
		`"` + problem.PathPrefix:       `"` + base + problem.PathPrefix,
		`"url": "/"`:                   `"url": "` + base + `"`,
		"http://127.0.0.1:5000":        "http://127.0.0.1:5000" + base,
		`"` + authn.AccessCookie + `"`: `"` + authn.AccessCookieName(base, false) + `"`,
	} {
		if !bytes.Contains(document, []byte(from)) {
			panic("api: openapi.json does not contain " + from)
		}
		document = bytes.ReplaceAll(document, []byte(from), []byte(to))
	}
	return document
}

// serveDocs serves the files of the API reference page.
func serveDocs(w http.ResponseWriter, r *http.Request) {
	serveAsset("docs/"+rest.PathValues(r)["file"]).ServeHTTP(w, r)
}
