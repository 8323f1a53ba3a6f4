// Package api is the HTTP face of the database: one table of routes, and the adapter that makes a handler of each query.
// It must not know the schema's files, nor where the database runs; SQL stands in queries, not here.
package api

import (
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/gorilla/mux"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/trace"

	"labledger/db"
	"labledger/internal/auth"
	"labledger/internal/ledger"
	"labledger/internal/media"
)

// Options are what the API needs of its surroundings.
type Options struct {
	Pool           *pgxpool.Pool // of connections that answer in text format
	Replica        *pgxpool.Pool // the same, to read lists from; nil when there is none
	Log            *slog.Logger  // one line a request
	AnonymousActor string        // who the history says made a change, of callers without a token
	Access         Access
	Media          *media.Store    // where uploaded files are; nil takes none
	App            App             // the web app
	Version        string          // of the program, for /metrics
	Shutdown       <-chan struct{} // closed when the server stops, so that it need not wait for the live streams; nil for never

	Schema   uint        // version of the database's schema that this program needs, for /readyz; 0 for any
	Draining func() bool // whether the server stops and new requests should go elsewhere, for /readyz; nil for never

	Tracer           trace.Tracer // makes a span of each request; nil makes none
	TrustTraceparent bool         // whether trusted proxies tell, by traceparent, what a request is a part of
}

// Access is who may call.
type Access struct {
	Keys               *auth.Keys     // that tokens are signed with; nil for ones that end with the process
	AuthRequired       bool           // whoever calls without a token is refused what is not public; otherwise everyone is admin
	RegistrationClosed bool           // nobody registers by themselves
	LoopbackOnly       bool           // whoever calls without a token does so by this machine's own name or an address
	TrustedProxies     []netip.Prefix // proxies whose X-Forwarded-For and X-Forwarded-Proto are believed
}

// New builds the whole API. It panics when the route table contradicts itself.
func New(o Options) http.Handler {
	m := newMetrics(o.Pool, o.Version)
	live := newStream(o.Pool, o.Shutdown)
	g := newGate(o)
	b := newBackend(o.Pool, o.Replica)
	ready := &readiness{schema: o.Schema, media: o.Media, replica: b.replica, draining: o.Draining}
	table := routes(parts{m, ledger.New(o.Pool, func(events, alerts int) { m.recorded(events, alerts); live.wake() }), live, g, o.Media, ready, o.App})
	router := mux.NewRouter().SkipClean(true).UseEncodedPath()
	for _, path := range paths(table) {
		router.Path(path).Handler(newMethods(path, table, b, g))
	}
	router.NotFoundHandler = http.HandlerFunc(notFound)
	return &outer{next: router, log: o.Log, metrics: m, tracer: o.Tracer, parent: parentOf(g, o.TrustTraceparent)}
}

// paths are all path templates in the order of the table.
func paths(table []route) []string {
	var all []string
	for _, rt := range table {
		for _, path := range rt.paths {
			if !slices.Contains(all, path) {
				all = append(all, path)
			}
		}
	}
	return all
}

func notFound(w http.ResponseWriter, r *http.Request) {
	writeProblem(w, r, problem(http.StatusNotFound, "There is nothing at this path. All calls are listed at /docs."))
}

// methods are the handlers of one path, by method.
type methods struct {
	byName map[string]guarded
	gate   *gate
	allow  string
	path   string
}

// A guarded handler asks a role of its callers.
type guarded struct {
	http.Handler
	role role
}

func newMethods(path string, table []route, b *backend, g *gate) *methods {
	m := &methods{byName: map[string]guarded{}, path: path, gate: g}
	for _, rt := range table {
		if !slices.Contains(rt.paths, path) {
			continue
		}
		if _, twice := m.byName[rt.method]; twice {
			panic("api: two routes for " + rt.method + " " + path)
		}
		m.byName[rt.method] = guarded{newHandler(rt, path, table, b), rt.role}
	}
	names := append(slices.Collect(maps.Keys(m.byName)), http.MethodOptions)
	if get, ok := m.byName[http.MethodGet]; ok {
		m.byName[http.MethodHead] = get // the server leaves the body out
		names = append(names, http.MethodHead)
	}
	slices.Sort(names)
	m.allow = strings.Join(names, ", ")
	return m
}

func (m *methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := exchangeOf(w)
	x.route = m.path
	h, ok := m.byName[r.Method]
	switch {
	case ok:
		if err := m.gate.admit(x, r, h.role); err != nil {
			writeProblem(w, r, asProblem(err, r.Method, nil))
			return
		}
		h.ServeHTTP(w, r)
	case r.Method == http.MethodOptions:
		w.Header().Set("Allow", m.allow)
		w.WriteHeader(http.StatusNoContent)
	default:
		writeProblem(w, r, problem(http.StatusMethodNotAllowed, "%s does not go here; %s do.", printable(r.Method), m.allow).with("Allow", m.allow))
	}
}

// pathValues are what stands in a request's path at the variables of its template.
// The router takes the path as it was sent, so that an escaped slash is part of a value.
func pathValues(r *http.Request) map[string]string {
	values := make(map[string]string, 2)
	for name, value := range mux.Vars(r) {
		plain, err := url.PathUnescape(value)
		if err != nil {
			plain = value // the server has parsed the whole path, so this does not happen
		}
		values[name] = plain
	}
	return values
}

var variable = regexp.MustCompile(`\{(\w+)(:[^}]+)?\}`)

// variables are the names in a path template.
func variables(path string) []string {
	var names []string
	for _, match := range variable.FindAllStringSubmatch(path, -1) {
		names = append(names, match[1])
	}
	return names
}

func newHandler(rt route, path string, table []route, b *backend) http.Handler {
	e := rt.endpoint
	switch {
	case e.plain != nil && e.in.NumField() == 0 && !e.anyQuery:
		return withoutQuery(e.plain)
	case e.plain != nil:
		return e.plain
	}
	h := &handler{
		endpoint: e,
		binder:   newBinder(e.in, rt.method, variables(path)),
		backend:  b,
		method:   rt.method,
		path:     path,
		short:    !strings.HasPrefix(path, "/api/v1/"),
		noun:     noun(path),
	}
	if e.backward != nil {
		h.binder.params = append(h.binder.params, "order")
	}
	if rt.method == http.MethodPost && e.bulk != nil {
		h.location, h.key = path, keyOf(path, table)
	}
	if e.browsers != "" {
		return elsewhere(e.browsers, h)
	}
	return h
}

// noun is what the rows of a path are called, one of them: the last word of the path that is no variable.
func noun(path string) string {
	words := strings.Split(path, "/")
	for _, word := range slices.Backward(words) {
		if word != "" && !variable.MatchString(word) {
			return strings.TrimSuffix(word, "s")
		}
	}
	return "row"
}

// keyOf is the variable in the path of a single row of a collection.
func keyOf(collection string, table []route) string {
	for _, path := range paths(table) {
		if rest, ok := strings.CutPrefix(path, collection+"/"); ok && variable.MatchString(rest) {
			return variable.FindStringSubmatch(rest)[1]
		}
	}
	panic("api: rows created at " + collection + " have no path of their own")
}

// withoutQuery refuses parameters, which an ordinary handler does not read.
func withoutQuery(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			writeProblem(w, r, refusal([]FieldError{{Field: "query string", Message: "is not taken by this call"}}))
			return
		}
		h.ServeHTTP(w, r)
	})
}

// plain makes an endpoint of an ordinary handler: for what is no row of the database.
func plain(h http.Handler) endpoint { return endpoint{plain: h, in: reflect.TypeFor[None]()} }

// streaming makes the endpoint of the live stream.
func streaming(live *stream) endpoint {
	return endpoint{
		plain: live, in: reflect.TypeFor[StreamParams](),
		calls: []any{(*db.Queries).ListStream, (*db.Queries).GetStreamPosition},
	}
}
