package api_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/mux"

	"labledger/api"
	"labledger/internal/pgtest"
)

// publicRoutes are the only routes that require no role. The list is explicit because public is the zero value: a route
// without a role would be public by mistake.
var publicRoutes = []string{
	"GET /",
	"GET /api/v1/openapi.json",
	"GET /app",
	"GET /app/{page:.*}",
	"GET /auth/session",
	"GET /docs",
	"GET /docs/{file}",
	"GET /healthcheck",
	"GET /media/{folder}/{file}",
	"GET /readyz",
	"GET /static/{digest}/{file:.*}",
	"POST /auth/login",
	"POST /auth/refresh",
	"POST /auth/register",
}

// TestRouter_matchesRouteTable compares the router with the route table in both directions: the router serves no other
// path or method, and every route of the table is reachable and requires its role.
func TestRouter_matchesRouteTable(t *testing.T) {
	pool := pgtest.Pool(t)
	router := api.New(api.Options{Pool: pool}).(*middleware).next.(*mux.Router)
	table := routes(deps{metrics: newMetrics(nil, "")})
	var want, got []string
	for _, rt := range table {
		if rt.role < public || int(rt.role) >= len(roleNames) {
			t.Fatalf("%s %v: unknown role %d", rt.method, rt.paths, rt.role)
		}
		for _, path := range rt.paths {
			want = append(want, fmt.Sprint(rt.method, " ", path, " ", rt.role))
			if rt.method == http.MethodGet {
				want = append(want, fmt.Sprint(http.MethodHead, " ", path, " ", rt.role))
			}
		}
	}
	handlers := map[string]http.Handler{}
	err := router.Walk(func(rt *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := rt.GetPathTemplate()
		if err != nil {
			return fmt.Errorf("a route has no path and would match every request: %w", err)
		}
		ph, ok := rt.GetHandler().(*pathHandler)
		if !ok || ph.authn == nil {
			return fmt.Errorf("%s is served by a %T without authentication", path, rt.GetHandler())
		}
		handlers[path] = ph
		for method, protected := range ph.byMethod {
			got = append(got, fmt.Sprint(method, " ", path, " ", protected.role))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the router differs from the table (- table, + router):\n%s", diff)
	}

	// An earlier path of the router must not match the requests of a later one.
	for _, rt := range table {
		for _, path := range rt.paths {
			r, err := http.NewRequest(rt.method, samplePath(path), nil)
			if err != nil {
				t.Fatal(err)
			}
			var match mux.RouteMatch
			if !router.Match(r, &match) || match.Handler != handlers[path] {
				t.Errorf("%s: got handler %v, want the handler of %s", r.URL, match.Handler, path)
			}
		}
	}
}

// TestRoles compares the roles of all routes with testdata/roles.txt, so that a change of a role is visible in a
// review. `go test ./api -run TestRoles -update` rewrites the file.
func TestRoles(t *testing.T) {
	const file = "testdata/roles.txt"
	var all, publicOnly []string
	for _, rt := range routes(deps{metrics: newMetrics(nil, "")}) {
		for _, path := range rt.paths {
			all = append(all, fmt.Sprintf("%-8s %s %s\n", rt.role, rt.method, path))
			if rt.role == public {
				publicOnly = append(publicOnly, rt.method+" "+path)
			}
		}
	}
	slices.Sort(publicOnly)
	if diff := cmp.Diff(publicRoutes, publicOnly); diff != "" {
		t.Errorf("the public routes have changed (- expected, + table):\n%s", diff)
	}
	text := strings.Join(all, "")
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("the roles have changed; if intended, run go test ./api -run TestRoles -update (- file, + table):\n%s", diff)
	}
}

// samplePath replaces the variables of a path with values that exist in the data of TestAuthorizationMatrix.
func samplePath(path string) string {
	return pathVariable.ReplaceAllStringFunc(path, func(name string) string {
		switch name, _, _ = strings.Cut(name[1:len(name)-1], ":"); name {
		case "page":
			return "sites"
		case "digest":
			return staticDigest()
		case "offset":
			return "0"
		case "limit":
			return "10"
		case "username":
			return "Bob"
		case "file":
			if strings.HasPrefix(path, "/static/") {
				return "app.js"
			}
			return "docs.css"
		}
		return pathExample(name)
	})
}
