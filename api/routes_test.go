package api_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"labledger/api"
	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

var update = flag.Bool("update", false, "rewrite the files in testdata that tests compare with")

// publicRoutes are the only routes that require no role. The list is explicit because Public is the zero value: a route
// without a role would be public by mistake.
var publicRoutes = []string{
	"GET /",
	"GET /api/v1/label-templates",
	"GET /api/v1/openapi.json",
	"GET /app",
	"GET /app/{page:.*}",
	"GET /auth/session",
	"GET /docs",
	"GET /docs/{file}",
	"GET /healthcheck",
	"GET /media/{folder}/{file}",
	"GET /problems",
	"GET /problems/",
	"GET /problems/{type}",
	"GET /readyz",
	"GET /static/{digest}/{file:.*}",
	"POST /auth/link",
	"POST /auth/login",
	"POST /auth/password",
	"POST /auth/refresh",
	"POST /auth/register",
}

// TestRouter_matchesRouteTable asks the server for the methods of each path of the table. The path must not match an
// earlier template, and must allow the methods of the table and no others.
func TestRouter_matchesRouteTable(t *testing.T) {
	t.Parallel()
	var log programtest.Output
	h := api.New(api.Options{Pool: pgtest.Pool(t), App: apitest.App(), Log: slog.New(slog.NewJSONHandler(&log, nil))})
	methods := map[string][]string{}
	targets := map[string]string{}
	samples := sampleRequests(t, api.Endpoints())
	for _, e := range api.Endpoints() {
		methods[e.Path] = append(methods[e.Path], e.Method)
		if e.Method == http.MethodGet {
			methods[e.Path] = append(methods[e.Path], http.MethodHead)
		}
		targets[e.Path], _, _ = strings.Cut(samples[e.Method+" "+e.Path].target, "?")
	}
	for path, want := range methods {
		before := len(log.String())
		w := apitest.Do(h, http.MethodOptions, targets[path], "")
		var line struct{ Route string }
		if err := json.Unmarshal([]byte(log.String()[before:]), &line); err != nil {
			t.Fatal(err)
		}
		want = append(want, http.MethodOptions)
		slices.Sort(want)
		if line.Route != path || w.Header().Get("Allow") != strings.Join(want, ", ") {
			t.Errorf("OPTIONS %s: route %s allows %s, want %s with %s",
				targets[path], line.Route, w.Header().Get("Allow"), path, strings.Join(want, ", "))
		}
	}
}

// TestRoles compares the roles of all routes with testdata/roles.txt, so that a change of a role is visible in a
// review. `go test ./api -run TestRoles -update` rewrites the file.
func TestRoles(t *testing.T) {
	t.Parallel()
	const file = "testdata/roles.txt"
	var all, public []string
	for _, e := range api.Endpoints() {
		all = append(all, fmt.Sprintf("%-8s %s %s\n", e.Role, e.Method, e.Path))
		if e.Role == rest.Public {
			public = append(public, e.Method+" "+e.Path)
		}
	}
	slices.Sort(public)
	if diff := cmp.Diff(publicRoutes, public); diff != "" {
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
		t.Errorf("the roles have changed (- file, + table); "+
			"if intended, run go test ./api -run TestRoles -update:\n%s", diff)
	}
}
