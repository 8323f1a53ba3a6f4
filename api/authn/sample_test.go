package authn_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"labledger/api"
	"labledger/api/rest"
	"labledger/internal/apitest"
)

// This file builds a valid request for each route, from the examples in the API reference.

// A sample is a valid request for a route.
type sample struct {
	*rest.Endpoint
	operation    string
	kind         rest.Kind
	target, body string
	headers      []string
}

// pathSamples are values of path variables, by name. Other variables are numbers.
var pathSamples = map[string]string{
	"alert_id":       "01a1b5c8-7000-7000-8000-000000000002",
	"code":           "123",
	"container_uuid": "6a3b1f0e-63a5-4f6b-9a08-6b8f5e2c4d10",
	"event_id":       "01a1b5c8-7000-7000-8000-000000000001",
	"session_id":     "2f1c0b6e-5a0f-4a4e-9d5b-3a6c9f5f0e11",
	"uuid":           "6a3b1f0e-63a5-4f6b-9a08-6b8f5e2c4d10",
}

var pathVariable = regexp.MustCompile(`\{\w+\}`)

// samplePath replaces the variables of a path.
func samplePath(path string) string {
	return pathVariable.ReplaceAllStringFunc(path, func(variable string) string {
		if value := pathSamples[strings.Trim(variable, "{}")]; value != "" {
			return value
		}
		return "1"
	})
}

// samples returns a request for each route that is not public, deletions last: the others need the rows.
func samples(t *testing.T, ts *apitest.Server) (all []sample) {
	t.Helper()
	bodies := exampleBodies(t, ts)
	for _, e := range api.Endpoints() {
		if e.Role == rest.Public {
			continue
		}
		d := e.Operation.Describe()
		s := sample{Endpoint: e, operation: d.Name, kind: d.Kind, target: samplePath(e.Path)}
		if s.operation == "" {
			s.operation = e.Path
		}
		separator := "?"
		for _, name := range e.Plan.RequiredQuery() {
			s.target += separator + name + "=freezer"
			separator = "&"
		}
		if d.Kind == rest.KindMatching {
			s.target += "?max=10"
		}
		switch {
		case d.Form:
			s.headers = []string{"Content-Type: multipart/form-data; boundary=X"}
			s.body = "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\na\r\n--X--\r\n"
		case e.Method != http.MethodGet && e.Method != http.MethodDelete:
			s.body = bodies[e.Method+" "+e.Path]
			if e.Method == api.MethodUpdate {
				s.body = bodies[http.MethodPut+" "+e.Path]
			}
			if s.body == "" && len(e.Plan.RequiredBody()) > 0 {
				t.Errorf("%s %s has no example", e.Method, e.Path)
			}
		}
		all = append(all, s)
	}
	if len(all) < 100 {
		t.Errorf("only %d routes", len(all))
	}
	slices.SortStableFunc(all, func(a, b sample) int {
		isDelete := func(s sample) int {
			if s.Method == http.MethodDelete {
				return 1
			}
			return 0
		}
		return isDelete(a) - isDelete(b)
	})
	return all
}

// exampleBodies returns the bodies in the API reference, by method and path.
func exampleBodies(t *testing.T, ts *apitest.Server) map[string]string {
	t.Helper()
	var reference struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct{ Example json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(ts.Send("", "GET", "/api/v1/openapi.json", "").Body.Bytes(), &reference); err != nil {
		t.Fatal(err)
	}
	bodies := map[string]string{}
	for path, operations := range reference.Paths {
		for method, o := range operations {
			var body bytes.Buffer // on one line, as NDJSON needs it
			example := o.RequestBody.Content["application/json"].Example
			if err := json.Compact(&body, example); err != nil && len(example) > 0 {
				t.Fatal(err)
			}
			bodies[strings.ToUpper(method)+" "+path] = body.String()
		}
	}
	return bodies
}

// variants returns a sample in each form in which clients may send it, by name: a write also as a dry run and as a bulk
// request in each format, a list also as a table in each format.
func (s sample) variants() map[string]sample {
	all := map[string]sample{"": s}
	add := func(name string, change func(v *sample)) {
		v := s
		v.headers = slices.Clone(s.headers)
		change(&v)
		all[" "+name] = v
	}
	if s.Method != http.MethodGet {
		add("as a dry run", func(v *sample) {
			separator := "?"
			if strings.Contains(v.target, "?") {
				separator = "&"
			}
			v.target += separator + "dry_run=true"
		})
	}
	if s.Rows != nil {
		add("as a JSON array", func(v *sample) { v.body = "[" + s.body + "]" })
		add("as NDJSON", func(v *sample) { v.headers = append(v.headers, "Content-Type: application/x-ndjson") })
	}
	if s.kind == rest.KindList && s.Operation.Describe().MaxRows == 0 {
		add("as CSV", func(v *sample) { v.headers = append(v.headers, "Accept: text/csv") })
		add("as NDJSON", func(v *sample) { v.headers = append(v.headers, "Accept: application/x-ndjson") })
	}
	return all
}
