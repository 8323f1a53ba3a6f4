package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"labledger/api/bind"
	"labledger/db"
	"labledger/internal/pgtest"
)

// TestNewEndpoints_inconsistentTable: a mistake in the table fails at start.
func TestNewEndpoints_inconsistentTable(t *testing.T) {
	t.Parallel()
	type q = *db.Queries
	type id struct {
		ID int64 `json:"id"`
	}
	type ratio struct {
		Ratio float64 `json:"ratio"`
	}
	type mail struct {
		Mail string `json:"caller_mail"`
	}
	listRatios := func(q, context.Context) ([]ratio, error) { return nil, nil }
	route := func(method, path string, o Operation) Route {
		return Route{Method: method, Operation: o, Paths: []string{path}}
	}
	function := Func(echo[id], Doc{})
	batch := Batch(func(context.Context, *Call, *RowReader[ratio]) error { return nil })
	server := NewServer(fakeAuthorizer{}, pgtest.Pool(t), nil, nil)
	for _, c := range []struct {
		name  string
		table func() []Route
		want  string
	}{
		{"unsupported type", func() []Route { return []Route{route("POST", "/a", Func(echo[ratio], Doc{}))} },
			"parameter ratio of the unsupported type float64"},
		{"unsupported type of a row", func() []Route { return []Route{route("POST", "/a", OneOrMany(function, batch))} },
			"parameter ratio of the unsupported type float64"},
		{"unknown caller parameter", func() []Route { return []Route{route("GET", "/a", Func(echo[mail], Doc{}))} },
			"unknown parameter caller_mail"},
		{"path variable without a field", func() []Route { return []Route{route("GET", "/site/{site}", One(q.GetSite))} },
			"path variables [site]"},
		{"the same method and path twice", func() []Route {
			return []Route{
				route("GET", "/a/{id}", function),
				route("POST", "/a/{id}", function),
				route("GET", "/a/{id}", One(q.GetSite)),
			}
		}, "two routes for GET /a/{id}"},
		{"the same path twice in a route", func() []Route {
			return []Route{{Method: "GET", Operation: function, Paths: []string{"/a", "/a"}}}
		}, "two routes for GET /a"},
		{"key that is no column", func() []Route { return []Route{route("GET", "/a", List(q.ListSites, Key("nam")))} },
			"ListSites has no column nam"},
		{"unsupported type of a column", func() []Route { return []Route{route("GET", "/a", List(listRatios))} },
			"has the column ratio of the unsupported type float64"},
		{"create without a route for its rows", func() []Route {
			return []Route{route("POST", "/sites", Create(q.CreateSite, ImportRows[db.UpsertSiteParams](q.ImportSites)))}
		}, "no route for the rows that POST /sites creates"},
		{"consistent table", func() []Route {
			return []Route{
				route("GET", "/a/{id}", function), route("POST", "/a/{id}", function),
				route("GET", "/a", List(q.ListEvents, Primary())),
				route("GET", "/b", ListOf(q.ListChanges, Key("xid", "id"))),
			}
		}, "<nil>"},
	} {
		got := fmt.Sprint(panicOf(func() { server.Handler(NewEndpoints(c.table(), bind.Rules{})) }))
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: got the panic %s, want …%s…", c.name, got, c.want)
		}
	}
}

// box has the parameters of the writes of TestRoute_options.
type box struct {
	ID    int64   `json:"id"`
	Name  string  `json:"name"`
	Owner *string `json:"owner"`
}

// TestRoute_options: Repeating and NullableOptional change what a body may contain on their route only, for one object
// as well as for many.
func TestRoute_options(t *testing.T) {
	t.Parallel()
	readAll := func(_ context.Context, c *Call, rows *RowReader[box]) error {
		var all []box
		if err := rows.ReadAll(func(_ int64, row *box) error { all = append(all, *row); return nil }); err != nil {
			return err
		}
		return c.respondValue(all)
	}
	route := func(path string) Route {
		operation := OneOrMany(Func(echo[box], Doc{}), Batch(readAll))
		return Route{Method: http.MethodPut, Operation: operation, Paths: []string{path}}
	}
	h := newTestHandler(pgtest.Pool(t), nil,
		route("/plain/{id}"),
		route("/repeating/{id}").Repeating("box_id"),
		route("/optional/{id}").NullableOptional(),
		route("/both/{id}").NullableOptional().Repeating("box_id"))
	const complete, repeating, short = `{"name":"a","owner":"b"}`, `{"name":"a","owner":"b","box_id":1}`, `{"name":"a"}`
	const empty, both, contradicting = `{}`, `{"name":"a","box_id":1}`, `{"name":"a","owner":"b","box_id":2}`
	for path, valid := range map[string][]string{
		"/plain/1":     {complete},
		"/repeating/1": {complete, repeating},
		"/optional/1":  {complete, short},
		"/both/1":      {complete, repeating, short, both},
	} {
		isValid := map[string]bool{}
		for _, body := range valid {
			isValid[body] = true
		}
		for _, body := range []string{complete, repeating, short, both, empty, contradicting} {
			w := send(h, "PUT", path, body)
			if ok := w.Code == http.StatusOK; ok != isValid[body] || !ok && w.Code != http.StatusBadRequest {
				t.Errorf("%s %s: %d %s", path, body, w.Code, w.Body)
			}
			checkBox(t, path+" "+body, isValid[body], w.Body.Bytes(), body)
			isValidRow := isValid[body] && body != repeating && body != both // rows have no path
			w = send(h, "PUT", path, "["+body+"]")
			if ok := w.Code == http.StatusOK; ok != isValidRow || !ok && w.Code != http.StatusBadRequest {
				t.Errorf("%s [%s]: %d %s", path, body, w.Code, w.Body)
			}
		}
	}
}

// checkBox checks that a valid body was bound to the box in the response.
func checkBox(t *testing.T, name string, valid bool, response []byte, body string) {
	t.Helper()
	if !valid {
		return
	}
	var got, want box
	if err := json.Unmarshal([]byte(body), &want); err != nil {
		t.Fatal(err)
	}
	want.ID = 1
	if err := json.Unmarshal(response, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %s, %v", name, response, err)
	}
}

// TestRoute_named: a problem names the row as the route says.
func TestRoute_named(t *testing.T) {
	t.Parallel()
	route := func(path string) Route {
		return Route{Method: http.MethodGet, Operation: One((*db.Queries).GetSite), Paths: []string{path}}
	}
	h := newTestHandler(pgtest.Pool(t), nil, route("/login/{id}"), route("/logout/{id}").Named("session"))
	for path, want := range map[string]string{
		"/login/9": "There is no login 9.", "/logout/9": "There is no session 9.",
	} {
		if w := send(h, "GET", path, ""); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s, want %s", path, w.Code, w.Body, want)
		}
	}
}

// TestHandler_slash: a slash may follow the path of a list only. Requests have the route of the path without it.
func TestHandler_slash(t *testing.T) {
	t.Parallel()
	type q = *db.Queries
	route := func(method, path string, o Operation) Route {
		return Route{Method: method, Operation: o, Paths: []string{path}}
	}
	server := NewServer(fakeAuthorizer{}, pgtest.Pool(t), nil, nil)
	h := server.Handler(NewEndpoints([]Route{
		route("GET", "/sites", List(q.ListSites)),
		route("GET", "/sites/{offset}/{limit}", List(q.ListSites)),
		route("GET", "/site/{id}", One(q.GetSite)),
		route("POST", "/login", Func(echo[NoParams], Doc{})),
	}, bind.Rules{}))
	for _, c := range []struct {
		method, path string
		status       int
		route        string
	}{
		{"GET", "/sites", 200, "/sites"}, {"GET", "/sites/", 200, "/sites"}, {"HEAD", "/sites/", 200, "/sites"},
		{"OPTIONS", "/sites/", 204, "/sites"}, {"POST", "/sites/", 405, "/sites"},
		{"GET", "/sites//", 404, ""}, {"GET", "/sites/0/1/", 404, ""}, {"GET", "/site/1/", 404, ""},
		{"POST", "/login/", 404, ""},
	} {
		info := &Info{ID: "test"}
		r := httptest.NewRequest(c.method, c.path, http.NoBody)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(WithInfo(r.Context(), info)))
		if w.Code != c.status || info.Route != c.route {
			t.Errorf("%s %s: status %d, route %q; want %d, %q", c.method, c.path, w.Code, info.Route, c.status, c.route)
		}
	}
}

func TestResourceName(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/api/v1/sites/{id}": "site", "/site/{id}/history": "history", "/account": "account", "/{page:.*}": "row",
	} {
		if got := resourceName(path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}
