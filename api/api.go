// Package api serves the database over HTTP: one table of routes, and an adapter that turns each query into a handler.
// It knows neither the schema's files nor where the database runs, and contains no SQL.
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

// Options configure the API.
type Options struct {
	Pool           *pgxpool.Pool   // the primary; its connections use the text format for results
	Replica        *pgxpool.Pool   // serves lists; nil without a replica
	Log            *slog.Logger    // one line per request
	AnonymousActor string          // the actor in the history for callers without credentials
	Access         Access          // authentication and authorization
	Media          *media.Store    // uploaded files; nil disables uploads
	App            App             // the web app
	Version        string          // the program's version, for /metrics
	Shutdown       <-chan struct{} // closed when the server shuts down, to end the live streams; nil for never

	Schema   uint        // required schema version, for /readyz; 0 for any
	Draining func() bool // whether the server is shutting down, for /readyz; nil for never

	Tracer           trace.Tracer // starts a span per request; nil for none
	TrustTraceparent bool         // continue the trace of a traceparent header from a trusted proxy
}

// Access configures who may call the API.
type Access struct {
	Keys               *auth.Keys     // sign tokens; nil generates keys that are lost when the process exits
	AuthRequired       bool           // callers without credentials may use public routes only; otherwise they are admins
	RegistrationClosed bool           // only admins create accounts
	LoopbackOnly       bool           // callers without credentials must use localhost or an IP address as host
	TrustedProxies     []netip.Prefix // proxies whose X-Forwarded-For and X-Forwarded-Proto headers are trusted
}

// New returns the handler of the whole API. It panics if the route table is inconsistent.
func New(o Options) http.Handler {
	m := newMetrics(o.Pool, o.Version)
	stream := newStreamHandler(o.Pool, o.Shutdown)
	authn := newAuthenticator(o)
	pools := newPools(o.Pool, o.Replica)
	table := routes(deps{
		metrics: m,
		ledger: ledger.New(o.Pool, func(events, alerts int) {
			m.addRecorded(events, alerts)
			stream.wake()
		}),
		stream: stream,
		authn:  authn,
		media:  o.Media,
		ready:  &readiness{schema: o.Schema, media: o.Media, replica: pools.replica, draining: o.Draining},
		app:    o.App,
	})
	router := mux.NewRouter().SkipClean(true).UseEncodedPath()
	for _, path := range allPaths(table) {
		router.Path(path).Handler(newPathHandler(path, table, pools, authn))
	}
	router.NotFoundHandler = http.HandlerFunc(notFound)
	return &middleware{
		next:         router,
		log:          o.Log,
		metrics:      m,
		tracer:       o.Tracer,
		remoteParent: remoteParent(authn, o.TrustTraceparent),
	}
}

// allPaths returns every path template once, in the order of the table.
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
	writeProblem(w, r, problem(http.StatusNotFound, "No route matches this path. See /docs."))
}

// A pathHandler dispatches the requests of one path by method.
type pathHandler struct {
	byMethod map[string]protectedHandler
	authn    *authenticator
	allow    string // the header Allow
	path     string
}

// A protectedHandler is a handler with the role that it requires.
type protectedHandler struct {
	http.Handler
	role role
}

func newPathHandler(path string, table []route, p *pools, a *authenticator) *pathHandler {
	h := &pathHandler{byMethod: map[string]protectedHandler{}, path: path, authn: a}
	for _, rt := range table {
		if !slices.Contains(rt.paths, path) {
			continue
		}
		if _, duplicate := h.byMethod[rt.method]; duplicate {
			panic("api: two routes for " + rt.method + " " + path)
		}
		h.byMethod[rt.method] = protectedHandler{newHandler(rt, path, table, p), rt.role}
	}
	names := append(slices.Collect(maps.Keys(h.byMethod)), http.MethodOptions)
	if get, ok := h.byMethod[http.MethodGet]; ok {
		h.byMethod[http.MethodHead] = get // net/http drops the body
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
		writeProblem(w, r, problem(http.StatusMethodNotAllowed, "Method %s is not allowed; allowed: %s.",
			sanitize(r.Method), h.allow).withHeader("Allow", h.allow))
	}
}

// pathValues returns the values of the path's variables. The router matches the escaped path, so an escaped slash is
// part of a value.
func pathValues(r *http.Request) map[string]string {
	values := make(map[string]string, 2)
	for name, value := range mux.Vars(r) {
		decoded, err := url.PathUnescape(value)
		if err != nil {
			decoded = value // cannot happen: the server has parsed the whole path
		}
		values[name] = decoded
	}
	return values
}

var pathVariable = regexp.MustCompile(`\{(\w+)(:[^}]+)?\}`)

// pathVariables returns the names of the variables of a path template.
func pathVariables(path string) []string {
	var names []string
	for _, match := range pathVariable.FindAllStringSubmatch(path, -1) {
		names = append(names, match[1])
	}
	return names
}

func newHandler(rt route, path string, table []route, p *pools) http.Handler {
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
		pools:      p,
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

// resourceName returns the singular of the last path segment that is not a variable.
func resourceName(path string) string {
	segments := strings.Split(path, "/")
	for _, segment := range slices.Backward(segments) {
		if segment != "" && !pathVariable.MatchString(segment) {
			return strings.TrimSuffix(segment, "s")
		}
	}
	return "row"
}

// keyVariable returns the variable in the path of a single row of a collection.
func keyVariable(collection string, table []route) string {
	for _, path := range allPaths(table) {
		if rest, ok := strings.CutPrefix(path, collection+"/"); ok && pathVariable.MatchString(rest) {
			return pathVariable.FindStringSubmatch(rest)[1]
		}
	}
	panic("api: rows created at " + collection + " have no path of their own")
}

// rejectQuery rejects query parameters on behalf of a handler that ignores them.
func rejectQuery(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			message := "must be empty; this operation has no query parameters"
			writeProblem(w, r, badRequest([]FieldError{{Field: "query string", Message: message}}))
			return
		}
		h.ServeHTTP(w, r)
	})
}

// raw returns the endpoint of an ordinary handler, whose response is not a row.
func raw(h http.Handler) endpoint { return endpoint{raw: h, in: reflect.TypeFor[NoParams]()} }

// streamEndpoint returns the endpoint of the live stream.
func streamEndpoint(stream *streamHandler) endpoint {
	return endpoint{
		raw: stream, in: reflect.TypeFor[StreamParams](),
		queries: []any{(*db.Queries).ListStream, (*db.Queries).GetStreamPosition},
	}
}
