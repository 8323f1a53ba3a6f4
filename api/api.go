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
	stream := newStreamHandler(o.Pool, o.Shutdown)
	authn := newAuthenticator(o)
	pools := newPools(o.Pool, o.Replica)
	ready := &readiness{schema: o.Schema, media: o.Media, replica: pools.replica, draining: o.Draining}
	table := routes(deps{m, ledger.New(o.Pool, func(events, alerts int) { m.addRecorded(events, alerts); stream.wake() }), stream, authn, o.Media, ready, o.App})
	router := mux.NewRouter().SkipClean(true).UseEncodedPath()
	for _, path := range allPaths(table) {
		router.Path(path).Handler(newPathHandler(path, table, pools, authn))
	}
	router.NotFoundHandler = http.HandlerFunc(notFound)
	return &middleware{next: router, log: o.Log, metrics: m, tracer: o.Tracer, remoteParent: remoteParent(authn, o.TrustTraceparent)}
}

// allPaths are all path templates in the order of the table.
func allPaths(table []route) []string {
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

// pathHandler are the handlers of one path, by method.
type pathHandler struct {
	byMethod map[string]protectedHandler
	authn    *authenticator
	allow    string
	path     string
}

// A protectedHandler handler asks a role of its callers.
type protectedHandler struct {
	http.Handler
	role role
}

func newPathHandler(path string, table []route, b *pools, a *authenticator) *pathHandler {
	h := &pathHandler{byMethod: map[string]protectedHandler{}, path: path, authn: a}
	for _, rt := range table {
		if !slices.Contains(rt.paths, path) {
			continue
		}
		if _, duplicate := h.byMethod[rt.method]; duplicate {
			panic("api: two routes for " + rt.method + " " + path)
		}
		h.byMethod[rt.method] = protectedHandler{newHandler(rt, path, table, b), rt.role}
	}
	names := append(slices.Collect(maps.Keys(h.byMethod)), http.MethodOptions)
	if get, ok := h.byMethod[http.MethodGet]; ok {
		h.byMethod[http.MethodHead] = get // the server leaves the body out
		names = append(names, http.MethodHead)
	}
	slices.Sort(names)
	h.allow = strings.Join(names, ", ")
	return h
}

func (h *pathHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := recorderOf(w)
	rec.route = h.path
	protected, ok := h.byMethod[r.Method]
	switch {
	case ok:
		if err := h.authn.authorize(rec, r, protected.role); err != nil {
			writeProblem(w, r, asProblem(err, r.Method, nil))
			return
		}
		protected.ServeHTTP(w, r)
	case r.Method == http.MethodOptions:
		w.Header().Set("Allow", h.allow)
		w.WriteHeader(http.StatusNoContent)
	default:
		writeProblem(w, r, problem(http.StatusMethodNotAllowed, "%s does not go here; %s do.", sanitize(r.Method), h.allow).withHeader("Allow", h.allow))
	}
}

// pathValues are what stands in a request's path at the variables of its template.
// The router takes the path as it was sent, so that an escaped slash is part of a value.
func pathValues(r *http.Request) map[string]string {
	values := make(map[string]string, 2)
	for name, value := range mux.Vars(r) {
		decoded, err := url.PathUnescape(value)
		if err != nil {
			decoded = value // the server has parsed the whole path, so this does not happen
		}
		values[name] = decoded
	}
	return values
}

var pathVariable = regexp.MustCompile(`\{(\w+)(:[^}]+)?\}`)

// pathVariables are the names in a path template.
func pathVariables(path string) []string {
	var names []string
	for _, match := range pathVariable.FindAllStringSubmatch(path, -1) {
		names = append(names, match[1])
	}
	return names
}

func newHandler(rt route, path string, table []route, b *pools) http.Handler {
	e := rt.endpoint
	switch {
	case e.raw != nil && e.in.NumField() == 0 && !e.anyQuery:
		return rejectQuery(e.raw)
	case e.raw != nil:
		return e.raw
	}
	h := &handler{
		endpoint:   e,
		binder:     newBinder(e.in, rt.method, pathVariables(path)),
		pools:      b,
		method:     rt.method,
		path:       path,
		shortRoute: !strings.HasPrefix(path, "/api/v1/"),
		resource:   resourceName(path),
	}
	if e.descending != nil {
		h.binder.queryNames = append(h.binder.queryNames, "order")
	}
	if rt.method == http.MethodPost && e.bulk != nil {
		h.location, h.keyName = path, keyVariable(path, table)
	}
	if e.redirectBrowsers != "" {
		return redirectBrowsers(e.redirectBrowsers, h)
	}
	return h
}

// resourceName is what the rows of a path are called, one of them: the last word of the path that is no variable.
func resourceName(path string) string {
	segments := strings.Split(path, "/")
	for _, segment := range slices.Backward(segments) {
		if segment != "" && !pathVariable.MatchString(segment) {
			return strings.TrimSuffix(segment, "s")
		}
	}
	return "row"
}

// keyVariable is the variable in the path of a single row of a collection.
func keyVariable(collection string, table []route) string {
	for _, path := range allPaths(table) {
		if rest, ok := strings.CutPrefix(path, collection+"/"); ok && pathVariable.MatchString(rest) {
			return pathVariable.FindStringSubmatch(rest)[1]
		}
	}
	panic("api: rows created at " + collection + " have no path of their own")
}

// rejectQuery refuses parameters, which an ordinary handler does not read.
func rejectQuery(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			writeProblem(w, r, badRequest([]FieldError{{Field: "query string", Message: "is not taken by this call"}}))
			return
		}
		h.ServeHTTP(w, r)
	})
}

// raw makes an endpoint of an ordinary handler: for what is no row of the database.
func raw(h http.Handler) endpoint { return endpoint{raw: h, in: reflect.TypeFor[NoParams]()} }

// streamEndpoint makes the endpoint of the live stream.
func streamEndpoint(stream *streamHandler) endpoint {
	return endpoint{
		raw: stream, in: reflect.TypeFor[StreamParams](),
		queries: []any{(*db.Queries).ListStream, (*db.Queries).GetStreamPosition},
	}
}
