package api

import (
	"fmt"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"labledger/internal/pgtest"
)

// publicRoutes are the only ones that ask for no role. They are written out, since a route of which nobody thought would be public:
// that is the zero value.
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

// walkRouter visits every path of a router. It does without the router's package, which stands in api.go alone.
func walkRouter(t *testing.T, router any, visit func(path string, h http.Handler)) {
	t.Helper()
	method := reflect.ValueOf(router).MethodByName("Walk")
	each := reflect.MakeFunc(method.Type().In(0), func(args []reflect.Value) []reflect.Value {
		rt := args[0].Interface().(interface {
			GetPathTemplate() (string, error)
			GetHandler() http.Handler
		})
		path, err := rt.GetPathTemplate()
		if err != nil {
			t.Error("a route without a path: it would answer everywhere:", err)
		}
		visit(path, rt.GetHandler())
		return []reflect.Value{reflect.Zero(method.Type().In(0).Out(0))}
	})
	if err := method.Call([]reflect.Value{each})[0]; !err.IsNil() {
		t.Fatal(err)
	}
}

// TestRouterMatchesTable holds the router that is built against the table of routes, both ways: nothing answers that the table does not know, and each row
// of it is reached, with the role that stands there.
func TestRouterMatchesTable(t *testing.T) {
	pool := pgtest.Pool(t)
	router := New(Options{Pool: pool}).(*middleware).next
	table := routes(deps{metrics: newMetrics(nil, "")})
	var want, got []string
	for _, rt := range table {
		if rt.role < public || int(rt.role) >= len(roleNames) {
			t.Fatalf("%s %v: there is no role %d", rt.method, rt.paths, rt.role)
		}
		for _, path := range rt.paths {
			want = append(want, fmt.Sprint(rt.method, " ", path, " ", rt.role))
			if rt.method == http.MethodGet {
				want = append(want, fmt.Sprint(http.MethodHead, " ", path, " ", rt.role))
			}
		}
	}
	handlers := map[string]http.Handler{}
	walkRouter(t, router, func(path string, h http.Handler) {
		ph, ok := h.(*pathHandler)
		if !ok || ph.authn == nil {
			t.Fatalf("%s is served by a %T, past the gate", path, h)
		}
		handlers[path] = h
		for method, guarded := range ph.byMethod {
			got = append(got, fmt.Sprint(method, " ", path, " ", guarded.role))
		}
	})
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the router is not what the table says (- table, + router):\n%s", diff)
	}

	// A path that stands before another one may swallow what is meant for that.
	match := reflect.ValueOf(router).MethodByName("Match")
	for _, rt := range table {
		for _, path := range rt.paths {
			r, err := http.NewRequest(rt.method, samplePath(path), nil)
			if err != nil {
				t.Fatal(err)
			}
			matched := reflect.New(match.Type().In(1).Elem())
			ok := match.Call([]reflect.Value{reflect.ValueOf(r), matched})[0].Bool()
			if h := matched.Elem().FieldByName("Handler").Interface(); !ok || h != handlers[path] {
				t.Errorf("%s leads to %v, not to %s", r.URL, h, path)
			}
		}
	}
}

// TestRoles shows each change of a role in a file, where it is seen. `go test ./api -run TestRoles -update` writes it anew.
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
		t.Errorf("the public routes are others than said here (- said, + are):\n%s", diff)
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
		t.Errorf("roles have changed; if that is meant: go test ./api -run TestRoles -update (- file, + table):\n%s", diff)
	}
}

// samplePath fills in a path's variables with what is there in the lab of TestAuthorizationMatrix.
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
