package api_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A storyCoverage records which routes the stories requested, and the class of each response.
type storyCoverage struct {
	table  []route
	mutex  sync.Mutex
	visits map[visit]bool
}

// A visit is a request to a route with the class of its response.
type visit struct{ method, path, class string }

func (v visit) String() string { return v.method + " " + v.path + " " + v.class }

func newStoryCoverage(table []route) *storyCoverage {
	return &storyCoverage{table: table, visits: map[visit]bool{}}
}

// add records one request. It ignores requests that match no route.
func (cov *storyCoverage) add(r storyRequest, status int) {
	uri, err := url.ParseRequestURI(r.target)
	if err != nil {
		return
	}
	cov.mutex.Lock()
	defer cov.mutex.Unlock()
	for _, path := range allPaths(cov.table) {
		if templatePattern(path).MatchString(uri.Path) {
			cov.visits[visit{r.method, path, statusClass(status)}] = true
		}
	}
}

// templatePattern returns a regexp for the paths of a template.
func templatePattern(path string) *regexp.Regexp {
	return regexp.MustCompile("^" + pathVariable.ReplaceAllString(strings.ReplaceAll(path, ".", `\.`), "[^/]+") + "$")
}

// statusClass returns the class of a response status.
func statusClass(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "bad"
	case http.StatusNotFound:
		return "missing"
	case http.StatusConflict:
		return "conflict"
	case http.StatusPreconditionFailed:
		return "stale"
	}
	if status/100 == 2 {
		return "ok"
	}
	return "other"
}

// expectedClasses returns the classes that the stories must cover on each path of a route.
func expectedClasses(rt route) []string {
	e := rt.endpoint
	_, hasDependents := e.in.FieldByName("Cascade")
	updates := rt.method == http.MethodPatch || rt.method == http.MethodPut && !strings.HasPrefix(e.in.Name(), "Upsert")
	switch {
	case e.raw != nil && e.queries != nil: // a stream does not end, so a story can only cover its errors
		return []string{"bad"}
	case e.raw != nil, e.call != nil:
		return []string{"ok"}
	case e.list:
		return []string{"ok", "bad"}
	case rt.role == sessionOnly && strings.Contains(rt.paths[0], "{"):
		return []string{"ok", "bad", "missing"}
	case rt.role == sessionOnly:
		return []string{"ok", "bad"}
	case e.handle != nil: // events and uploads have no version and no conflicts; concurrent duplicates need other tests
		return []string{"ok", "bad"}
	case e.bulk != nil:
		return []string{"ok", "bad", "conflict", "stale"}
	case rt.method == http.MethodGet:
		return []string{"ok", "bad", "missing"}
	case updates, rt.method == http.MethodDelete && !hasDependents:
		return []string{"ok", "bad", "missing", "stale"}
	case rt.method == http.MethodDelete:
		return []string{"ok", "bad", "missing", "stale", "conflict"}
	default:
		return []string{"ok", "bad", "stale"}
	}
}

// expected returns the visits that the route table requires.
func (cov *storyCoverage) expected() (all []visit) {
	for _, rt := range cov.table {
		for _, path := range rt.paths {
			for _, class := range expectedClasses(rt) {
				all = append(all, visit{rt.method, path, class})
			}
		}
	}
	return all
}

// missing returns the expected visits that no story made.
func (cov *storyCoverage) missing() []visit {
	return slices.DeleteFunc(cov.expected(), func(v visit) bool { return cov.visits[v] })
}

// TestStoryCoverage checks that each single missing visit is detected.
func TestStoryCoverage(t *testing.T) {
	cov := newStoryCoverage(routes(deps{metrics: newMetrics(nil, "")}))
	expected := cov.expected()
	if len(expected) < 200 {
		t.Fatalf("only %d visits are expected", len(expected))
	}
	for _, v := range expected {
		cov.visits[v] = true
	}
	if missing := cov.missing(); len(missing) > 0 {
		t.Errorf("all visits made, but reported missing: %v", missing)
	}
	for _, v := range expected {
		delete(cov.visits, v)
		if missing := cov.missing(); !slices.Equal(missing, []visit{v}) {
			t.Errorf("missing: got %[2]v, want %[1]v", v, missing)
		}
		cov.visits[v] = true
	}
	cov.add(storyRequest{method: "GET", target: "/site/1/history/x"}, http.StatusOK)
	cov.add(storyRequest{method: "PUT", target: "/api/v1/sites"}, http.StatusMethodNotAllowed)
	if missing := cov.missing(); len(missing) > 0 {
		t.Errorf("missing after unrelated visits: %v", missing)
	}
}
