package rest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"labledger/db"
	"labledger/internal/pgtest"
)

// hastyOperation responds without asking whether the caller is authorized.
type hastyOperation struct{ respond func(c *Call) error }

func (hastyOperation) Describe() Description { return Description{Kind: KindRaw} }

func (o hastyOperation) serve(c *Call) error { return o.respond(c) }

// TestRequireAuthorized: an operation that responds before the caller is authorized panics, and the client gets
// nothing.
func TestRequireAuthorized(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	granted := grantedCheck(t, pool)
	responses := map[string]func(c *Call) error{
		"body":  func(c *Call) error { return c.respond(http.StatusOK, []byte("{}")) },
		"value": func(c *Call) error { return c.respondValue("secret") },
		"empty": func(c *Call) error { return c.respond(http.StatusNotModified, nil) },
		"stream": func(c *Call) error {
			_, err := c.StreamWriter(MediaTypeCSV).Write([]byte("secret"))
			return err
		},
		"empty stream": func(c *Call) error { return c.StreamWriter(MediaTypeCSV).Finish(nil) },
	}
	for name, respond := range responses {
		hasty := Route{Method: "GET", Operation: hastyOperation{respond}, Paths: []string{"/hasty"}}
		careful := Route{Method: "GET", Paths: []string{"/careful"}, Operation: hastyOperation{func(c *Call) error {
			if err := c.authorize(c.Request.Context()); err != nil {
				return err
			}
			return respond(c)
		}}}
		for _, check := range []*Check{granted, deniedCheck()} {
			h := newTestHandler(pool, check, hasty, careful)
			got := fmt.Sprint(panicOf(func() { send(h, "GET", "/hasty", "") }))
			if want := "rest: GET /hasty responds before the caller is authorized"; got != want {
				t.Errorf("%s: got the panic %s, want %s", name, got, want)
			}
		}
		h := newTestHandler(pool, granted, careful)
		if recovered := panicOf(func() { send(h, "GET", "/careful", "") }); recovered != nil {
			t.Errorf("%s: an operation that authorizes panics: %v", name, recovered)
		}
		h = newTestHandler(pool, deniedCheck(), careful)
		w := send(h, "GET", "/careful", "")
		if w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: denied caller: %d %s", name, w.Code, w.Body)
		}
	}
}

// A siteCall is a request to one kind of operation. Each changes or reads the sites of the mock data.
type siteCall struct {
	name, method, target, body string
	status                     int  // of an authorized caller
	writes                     bool // changes the sites
}

// invalidTarget returns the target with an unknown parameter.
func (c siteCall) invalidTarget() string {
	if strings.Contains(c.target, "?") {
		return c.target + "&unknown=1"
	}
	return c.target + "?unknown=1"
}

var siteCalls = []siteCall{
	{"One, read", "GET", "/sites/1", "", 200, false},
	{"One, write", "PATCH", "/sites/1", `{"name":"changed"}`, 200, true},
	{"One, dry run", "PATCH", "/sites/1?dry_run=true", `{"name":"changed"}`, 200, false},
	{"List", "GET", "/sites", "", 200, false},
	{"Create", "POST", "/sites", `{"name":"new"}`, 201, true},
	{"Create, many rows", "POST", "/sites", `[{"name":"many"}]`, 200, true},
	{"Func", "POST", "/func", `{"name":"x"}`, 200, true},
	{"Raw", "GET", "/raw", "", 200, true},
}

// siteRoutes has a route for each kind of operation. The function and the ordinary handler call called.
func siteRoutes(called func()) []Route {
	type q = *db.Queries
	type params struct {
		Name string `json:"name"`
	}
	function := func(_ context.Context, c *Call, in params) (params, error) {
		if err := c.Errors.Err(); err != nil {
			return in, err
		}
		called()
		return in, nil
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		called()
		w.WriteHeader(http.StatusOK)
	})
	create := Create(q.CreateSite, ImportRows[db.UpsertSiteParams](q.ImportSites))
	return []Route{
		{Method: "GET", Operation: One(q.GetSite), Paths: []string{"/sites/{id}"}},
		{Method: "PATCH", Operation: One(q.PatchSite), Paths: []string{"/sites/{id}"}},
		{Method: "GET", Operation: List(q.ListSites), Paths: []string{"/sites"}},
		Route{Method: "POST", Operation: create, Paths: []string{"/sites"}}.NullableOptional(),
		{Method: "POST", Operation: Func(function, Doc{}), Paths: []string{"/func"}},
		{Method: "GET", Operation: Raw(handler), Paths: []string{"/raw"}},
	}
}

const siteRows = "SELECT string_agg(site::text, E'\\n' ORDER BY id) FROM site"

// TestServe_deniedCaller: no kind of operation runs its statement or function for a denied caller, nor tells the caller
// what is wrong with the request.
func TestServe_deniedCaller(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	calls := 0
	h := newTestHandler(pool, deniedCheck(), siteRoutes(func() { calls++ })...)
	before := pgtest.QueryValue[string](t, pool, siteRows)
	for _, c := range siteCalls {
		for _, target := range []string{c.target, c.invalidTarget()} {
			w := send(h, c.method, target, c.body)
			if w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), "unknown") {
				t.Errorf("%s: %s: %d %s", c.name, target, w.Code, w.Body)
			}
		}
	}
	if after := pgtest.QueryValue[string](t, pool, siteRows); after != before || calls > 0 {
		t.Errorf("denied callers made %d calls and changed the sites to\n%s", calls, after)
	}
}

// TestServe_authorizedCaller is the control of TestServe_deniedCaller: the valid ones of its requests succeed with a
// valid session, the others are bad requests, and the history names its user.
func TestServe_authorizedCaller(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	calls := 0
	h := newTestHandler(pool, grantedCheck(t, pool), siteRoutes(func() { calls++ })...)
	newestChange := pgtest.QueryValue[int64](t, pool, "SELECT coalesce(max(id), 0) FROM change")
	for _, c := range siteCalls {
		before, callsBefore := pgtest.QueryValue[string](t, pool, siteRows), calls
		if w := send(h, c.method, c.target, c.body); w.Code != c.status {
			t.Errorf("%s: %d %s, want status %d", c.name, w.Code, w.Body, c.status)
		}
		changed := pgtest.QueryValue[string](t, pool, siteRows) != before || calls > callsBefore
		if changed != c.writes {
			t.Errorf("%s: changed something: %t, want %t", c.name, changed, c.writes)
		}
		if w := send(h, c.method, c.invalidTarget(), c.body); w.Code != http.StatusBadRequest {
			t.Errorf("%s with an unknown parameter: %d %s", c.name, w.Code, w.Body)
		}
	}
	writers := pgtest.QueryValue[string](t, pool, `SELECT string_agg(DISTINCT concat_ws(' ', actor, request_id), ', ')
		FROM change WHERE table_name = 'site' AND id > $1`, newestChange)
	if writers != "ada test" {
		t.Errorf("the history has the writers and requests %q, want ada test", writers)
	}
}
