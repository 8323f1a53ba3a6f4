package api

import (
	"net/http"
	"strings"
)

// App serves the web app. The zero value serves none.
type App struct {
	// Page writes the page of the app for any path.
	Page http.HandlerFunc
	// Static writes a file of the page. It returns false if there is no such file.
	Static func(w http.ResponseWriter, r *http.Request, digest, file string) (ok bool)
}

// appPath is the prefix of the app's pages.
const appPath = "/app/"

const mediaTypeHTML = "text/html"

// pageEndpoint serves the page for every path of the app and any query string; the app interprets both.
func (a App) pageEndpoint() endpoint {
	e := raw(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.Page == nil {
			notFound(w, r)
			return
		}
		if _, p := negotiate(r, []string{mediaTypeHTML}); p != nil {
			writeProblem(w, r, p)
			return
		}
		a.Page(w, r)
	}))
	e.anyQuery = true
	return e
}

// staticHandler serves the files of the page.
func (a App) staticHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		vars := pathValues(r)
		if a.Static == nil || !a.Static(w, r, vars["digest"], vars["file"]) {
			writeProblem(w, r, problem(http.StatusNotFound, "This version of the app has no such file. Reload the page."))
		}
	})
}

// withBrowserRedirect makes an endpoint redirect browsers to the app.
func withBrowserRedirect(e endpoint) endpoint {
	e.redirectBrowsers = appPath
	return e
}

// redirectBrowsers redirects clients that prefer HTML to JSON. h serves all others.
func redirectBrowsers(location string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Accept")
		accept := strings.Join(r.Header.Values("Accept"), ",")
		if preferredIndex(accept, []string{mediaTypes[formatJSON], mediaTypeHTML}) == 1 {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusSeeOther)
			return
		}
		h.ServeHTTP(w, r)
	})
}
