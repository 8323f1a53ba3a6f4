package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strconv"

	"labledger/api/problem"
	"labledger/api/rest"
)

// This file serves the types of problems: a page for browsers, and JSON for others.

//go:embed problem_pages.html
var problemPagesText string

// problemPages has the templates "list" and "type".
var problemPages = template.Must(template.New("").Parse(problemPagesText))

// problemPageCSP allows only the page's own styles.
const problemPageCSP = "default-src 'none'; style-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// A problemType describes a type of problems.
type problemType struct {
	Type    string          `json:"type"`
	Title   string          `json:"title"`
	Status  int             `json:"status,omitempty"` // absent if it varies
	Cause   string          `json:"cause"`
	Remedy  string          `json:"remedy"`
	Example json.RawMessage `json:"example"`

	Slug string `json:"-"`
}

// StatusText returns the status for the page.
func (p problemType) StatusText() string {
	if p.Status == 0 {
		return "any"
	}
	return strconv.Itoa(p.Status)
}

// IndentedExample returns the example for the page.
func (p problemType) IndentedExample() (string, error) {
	var text bytes.Buffer
	err := json.Indent(&text, p.Example, "", "  ")
	return text.String(), err
}

// problemTypes serves the types of problems of a server below a base path.
type problemTypes struct{ basePath string }

func (s problemTypes) describe(t *problem.Type) problemType {
	return problemType{
		Type: s.basePath + t.Path(), Title: t.Title, Status: t.Status, Cause: t.Cause, Remedy: t.Remedy,
		Example: t.Example(s.basePath), Slug: t.Slug,
	}
}

// serveList serves all types.
func (s problemTypes) serveList(w http.ResponseWriter, r *http.Request) {
	var all []problemType
	for _, t := range problem.Types() {
		all = append(all, s.describe(t))
	}
	s.serve(w, r, "list", all)
}

// serveType serves one type.
func (s problemTypes) serveType(w http.ResponseWriter, r *http.Request) {
	slug := rest.PathValues(r)["type"]
	t := problem.Find(slug)
	if t == nil {
		rest.WriteProblem(w, r, problem.New(problem.NotFound, "There is no problem type %s. See %s.",
			problem.Sanitize(slug), s.basePath+problem.PathPrefix))
		return
	}
	s.serve(w, r, "type", s.describe(t))
}

// serve writes a value as JSON, or as a page for clients that prefer HTML.
func (s problemTypes) serve(w http.ResponseWriter, r *http.Request, page string, value any) {
	w.Header().Set("Vary", "Accept")
	mediaType, err := rest.Negotiate(r, rest.MediaTypeJSON, rest.MediaTypeHTML)
	if err != nil {
		rest.WriteProblem(w, r, problem.From(err, r.Method, nil))
		return
	}
	var body bytes.Buffer
	if mediaType == rest.MediaTypeHTML {
		w.Header().Set("Content-Security-Policy", problemPageCSP)
		mediaType += "; charset=utf-8"
		err = problemPages.ExecuteTemplate(&body, page, map[string]any{"Base": s.basePath, "Value": value})
	} else {
		err = json.NewEncoder(&body).Encode(value)
	}
	if err != nil {
		panic(fmt.Errorf("problem types: %w", err)) // the templates and the types are constant
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	_, _ = w.Write(body.Bytes()) // fails only if the client is gone
}
