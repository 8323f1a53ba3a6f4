package api_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"labledger/api"
	"labledger/api/rest"
)

// A storyCoverage records which routes the stories requested, and the class of each response.
type storyCoverage struct {
	endpoints []*rest.Endpoint
	patterns  map[string]*regexp.Regexp // by the path of an endpoint
	expected  []visit                   // what the route table requires
	mutex     sync.Mutex
	visits    map[visit]bool
}

// A visit is a request to a route with the class of its response.
type visit struct{ method, path, class string }

func (v visit) String() string { return v.method + " " + v.path + " " + v.class }

func newStoryCoverage(all []*rest.Endpoint) *storyCoverage {
	cov := &storyCoverage{endpoints: all, patterns: map[string]*regexp.Regexp{}, visits: map[visit]bool{}}
	for _, e := range all {
		cov.patterns[e.Path] = templatePattern(e.Path)
		for _, class := range expectedClasses(e) {
			cov.expected = append(cov.expected, visit{e.Method, e.Path, class})
		}
	}
	return cov
}

// endpointsOf returns the endpoints of which a request matches the method and the path.
func (cov *storyCoverage) endpointsOf(r storyRequest) (all []*rest.Endpoint) {
	uri, err := url.ParseRequestURI(r.target)
	if err != nil {
		return nil
	}
	for _, e := range cov.endpoints {
		if e.Method == r.method && cov.patterns[e.Path].MatchString(uri.Path) {
			all = append(all, e)
		}
	}
	return all
}

// add records one request. It ignores requests that match no route.
func (cov *storyCoverage) add(r storyRequest, resp *storyResponse) {
	cov.mutex.Lock()
	defer cov.mutex.Unlock()
	for _, e := range cov.endpointsOf(r) {
		cov.visits[visit{r.method, e.Path, statusClass(resp.StatusCode)}] = true
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

// expectedClasses returns the classes that the stories must cover of an endpoint.
func expectedClasses(e *rest.Endpoint) []string {
	d := e.Operation.Describe()
	hasDependents := slices.Contains(e.Plan.QueryNames(), "cascade")
	updates := e.Method == http.MethodPatch || e.Method == http.MethodPut && !d.CanCreate
	deletes := e.Method == http.MethodDelete
	switch {
	case d.Kind == rest.KindRaw && d.Queries != nil: // a stream does not end, so a story can only cover its errors
		return []string{"bad"}
	case d.Kind == rest.KindRaw:
		return []string{"ok"}
	case d.Kind == rest.KindList, d.Kind == rest.KindMatching:
		return []string{"ok", "bad"}
	case e.Role == rest.SessionOnly && strings.Contains(e.Path, "{"):
		return []string{"ok", "bad", "missing"}
	case e.Role == rest.SessionOnly:
		return []string{"ok", "bad"}
	case d.Kind == rest.KindFunc: // events and uploads have no version; other tests cover concurrent duplicates
		return []string{"ok", "bad"}
	case d.Kind == rest.KindCreate && d.BulkRow == nil:
		return []string{"ok", "bad", "conflict"}
	case d.Kind == rest.KindCreate:
		return []string{"ok", "bad", "conflict", "stale"}
	case e.Method == http.MethodGet && len(e.Plan.PathNames()) == 0: // its row always exists
		return []string{"ok", "bad"}
	case e.Method == http.MethodGet, deletes && !e.Plan.HasVersion():
		return []string{"ok", "bad", "missing"}
	case updates, deletes && !hasDependents:
		return []string{"ok", "bad", "missing", "stale"}
	case deletes:
		return []string{"ok", "bad", "missing", "stale", "conflict"}
	case e.Method == http.MethodPost && !d.CanCreate && e.Plan.HasVersion(): // an action on a row
		return []string{"ok", "bad", "missing", "stale", "conflict"}
	case e.Method == http.MethodPost && !d.CanCreate:
		return []string{"ok", "bad", "missing", "conflict"}
	default:
		return []string{"ok", "bad", "stale"}
	}
}

// missing returns the expected visits that no story made.
func (cov *storyCoverage) missing() []visit {
	return slices.DeleteFunc(slices.Clone(cov.expected), func(v visit) bool { return cov.visits[v] })
}

// TestStoryCoverage checks that each single missing visit is detected.
func TestStoryCoverage(t *testing.T) {
	t.Parallel()
	cov := newStoryCoverage(api.Endpoints())
	if len(cov.expected) < 200 {
		t.Fatalf("only %d visits are expected", len(cov.expected))
	}
	for _, v := range cov.expected {
		cov.visits[v] = true
	}
	if missing := cov.missing(); len(missing) > 0 {
		t.Errorf("all visits made, but reported missing: %v", missing)
	}
	for _, v := range cov.expected {
		delete(cov.visits, v)
		if missing := cov.missing(); !slices.Equal(missing, []visit{v}) {
			t.Errorf("missing: got %[2]v, want %[1]v", v, missing)
		}
		cov.visits[v] = true
	}
	status := func(code int) *storyResponse { return &storyResponse{&http.Response{StatusCode: code}, ""} }
	cov.add(storyRequest{method: "GET", target: "/site/1/history/x"}, status(http.StatusOK))
	cov.add(storyRequest{method: "PUT", target: "/api/v1/sites"}, status(http.StatusMethodNotAllowed))
	if missing := cov.missing(); len(missing) > 0 {
		t.Errorf("missing after unrelated visits: %v", missing)
	}
}
