package api

import (
	"net/http"
	"strings"
)

// This file is the way to the web app, which another package holds.

// App gives out the web app. The zero value is none.
type App struct {
	Page   http.HandlerFunc                                                               // answers with the page, whatever the path
	Static func(w http.ResponseWriter, r *http.Request, digest, file string) (found bool) // answers with a file that the page loads, if there is such a one
}

// appPath is where the app's pages are.
const appPath = "/app/"

const html = "text/html"

// page serves the page at every path of the app, with any query string: both are the app's to read.
func (a App) page() endpoint {
	e := plain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.Page == nil {
			notFound(w, r)
			return
		}
		if _, p := negotiate(r, []string{html}); p != nil {
			writeProblem(w, r, p)
			return
		}
		a.Page(w, r)
	}))
	e.anyQuery = true
	return e
}

// static serves the files that the page loads.
func (a App) static() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		vars := pathValues(r)
		if a.Static == nil || !a.Static(w, r, vars["digest"], vars["file"]) {
			writeProblem(w, r, problem(http.StatusNotFound, "There is no such file in this version of the app. Load the page anew."))
		}
	})
}

// greeting answers programs by the endpoint, and shows browsers to the app.
func greeting(e endpoint) endpoint {
	e.browsers = appPath
	return e
}

// elsewhere sends who would rather have a page to that page, and lets the handler answer everybody else.
func elsewhere(page string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Accept")
		if prefer(strings.Join(r.Header.Values("Accept"), ","), []string{mediaTypes[formatJSON], html}) == 1 {
			w.Header().Set("Location", page)
			w.WriteHeader(http.StatusSeeOther)
			return
		}
		h.ServeHTTP(w, r)
	})
}
