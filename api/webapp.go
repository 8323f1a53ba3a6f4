package api

import (
	"net/http"

	"labledger/api/problem"
	"labledger/api/rest"
)

// App serves the web app. The zero value serves none.
type App struct {
	// Page writes the page of the app for any path.
	Page http.HandlerFunc
	// Static writes a file of the page. It returns false if there is no such file.
	Static func(w http.ResponseWriter, r *http.Request, digest, file string) (ok bool)
}

// servePage serves the page for every path of the app and any query string; the app interprets both.
func (a App) servePage(w http.ResponseWriter, r *http.Request) {
	if a.Page == nil {
		rest.NotFound(w, r)
		return
	}
	if _, err := rest.Negotiate(r, rest.MediaTypeHTML); err != nil {
		rest.WriteProblem(w, r, problem.From(err, r.Method, nil))
		return
	}
	a.Page(w, r)
}

// serveStatic serves the files of the page.
func (a App) serveStatic(w http.ResponseWriter, r *http.Request) {
	vars := rest.PathValues(r)
	if a.Static == nil || !a.Static(w, r, vars["digest"], vars["file"]) {
		rest.WriteProblem(w, r, problem.New(problem.NotFound,
			"This version of the app has no such file. Reload the page."))
	}
}
