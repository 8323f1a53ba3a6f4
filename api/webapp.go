package api

import (
	"net/http"
	"strings"
)

// This file is the way to the web app, which another package holds.

// App gives out the web app. The zero value is none.
type App struct {
	Page   http.HandlerFunc                                                            // answers with the page, whatever the path
	Static func(w http.ResponseWriter, r *http.Request, digest, file string) (ok bool) // answers with a file that the page loads, if there is such a one
}

// appPath is where the app's pages are.
const appPath = "/app/"

const mediaTypeHTML = "text/html"

// pageEndpoint serves the page at every path of the app, with any query string: both are the app's to read.
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

// staticHandler serves the files that the page loads.
func (a App) staticHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		vars := pathValues(r)
		if a.Static == nil || !a.Static(w, r, vars["digest"], vars["file"]) {
			writeProblem(w, r, problem(http.StatusNotFound, "There is no such file in this version of the app. Load the page anew."))
		}
	})
}

// withBrowserRedirect answers programs by the endpoint, and shows browsers to the app.
func withBrowserRedirect(e endpoint) endpoint {
	e.redirectBrowsers = appPath
	return e
}

// redirectBrowsers sends who would rather have a page to that page, and lets the handler answer everybody else.
func redirectBrowsers(location string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Accept")
		if preferredIndex(strings.Join(r.Header.Values("Accept"), ","), []string{mediaTypes[formatJSON], mediaTypeHTML}) == 1 {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusSeeOther)
			return
		}
		h.ServeHTTP(w, r)
	})
}
