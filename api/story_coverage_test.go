package api

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// An account knows which routes were visited, and how that went.
type account struct {
	table  []route
	mutex  sync.Mutex
	visits map[visit]bool
}

type visit struct{ method, path, class string }

func (v visit) String() string { return v.method + " " + v.path + " " + v.class }

func newAccount(table []route) *account { return &account{table: table, visits: map[visit]bool{}} }

// add counts one request. Requests that no route takes are not counted.
func (a *account) add(r request, status int) {
	target, err := url.ParseRequestURI(r.target)
	if err != nil {
		return
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for _, path := range paths(a.table) {
		if templatePattern(path).MatchString(target.Path) {
			a.visits[visit{r.method, path, class(status)}] = true
		}
	}
}

func templatePattern(path string) *regexp.Regexp {
	return regexp.MustCompile("^" + variable.ReplaceAllString(strings.ReplaceAll(path, ".", `\.`), "[^/]+") + "$")
}

func class(status int) string {
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

// due are the classes that the stories owe a route, on each of its paths.
func due(rt route) []string {
	e := rt.endpoint
	_, hasDependents := e.in.FieldByName("Cascade")
	updates := rt.method == http.MethodPatch || rt.method == http.MethodPut && !strings.HasPrefix(e.in.Name(), "Upsert")
	switch {
	case e.plain != nil && e.calls != nil: // a stream has no end that a story could wait for
		return []string{"bad"}
	case e.plain != nil, e.value != nil:
		return []string{"ok"}
	case e.list:
		return []string{"ok", "bad"}
	case rt.role == self && strings.Contains(rt.paths[0], "{"):
		return []string{"ok", "bad", "missing"}
	case rt.role == self:
		return []string{"ok", "bad"}
	case e.own != nil: // what it takes in has no version and takes nothing from others; a twin in flight is no matter for a story
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

// owed are all visits that the table asks for.
func (a *account) owed() (all []visit) {
	for _, rt := range a.table {
		for _, path := range rt.paths {
			for _, class := range due(rt) {
				all = append(all, visit{rt.method, path, class})
			}
		}
	}
	return all
}

// gaps are the visits that are owed and were not made.
func (a *account) gaps() []visit {
	return slices.DeleteFunc(a.owed(), func(v visit) bool { return a.visits[v] })
}

// The account must notice each single visit that is not made.
func TestAccountNoticesEachGap(t *testing.T) {
	a := newAccount(routes(parts{metrics: newMetrics(nil, "")}))
	owed := a.owed()
	if len(owed) < 200 {
		t.Fatalf("only %d visits are owed", len(owed))
	}
	for _, v := range owed {
		a.visits[v] = true
	}
	if gaps := a.gaps(); len(gaps) > 0 {
		t.Errorf("all visits are made, yet there are gaps: %v", gaps)
	}
	for _, v := range owed {
		delete(a.visits, v)
		if gaps := a.gaps(); !slices.Equal(gaps, []visit{v}) {
			t.Errorf("%v is not made, but the gaps are %v", v, gaps)
		}
		a.visits[v] = true
	}
	a.add(request{method: "GET", target: "/site/1/history/x"}, http.StatusOK)
	a.add(request{method: "PUT", target: "/api/v1/sites"}, http.StatusMethodNotAllowed)
	if gaps := a.gaps(); len(gaps) > 0 {
		t.Errorf("gaps after visits that count for nothing: %v", gaps)
	}
}
