// Package rest is the adapter that turns a query into a handler: it binds a request to the parameters of a query, runs
// the query on the right connection, and encodes the rows. It knows no noun of the API and no way to sign in.
//
// These columns of a row have a meaning of their own:
//
//	version          the ETag
//	created          for the adapter, not for clients: whether an upsert inserted the row
//	search, settled  for the package relation, not for clients
//
// A new row has the URL of the route that created it, with the column that the variable of the route below it names.
package rest

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"labledger/api/bind"
	"labledger/api/problem"
)

// A Route is an operation with the role that it requires and its paths. Paths under /api/v1 are the versioned contract.
// The short routes are the paths of the systems that Labledger replaces.
type Route struct {
	Method    string
	Role      Role
	Operation Operation
	Paths     []string

	repeats          string      // name under which bodies may repeat the variable of the path
	nullableOptional bool        // bodies may omit nullable fields
	shortRequired    []string    // fields that bodies on short routes need; nil for all
	either           bind.Either // fields of which bodies need one
	rowName          string      // what problems call a row; "" for the name in the path
	urlColumn        string      // name of a column with a path of the API
	noKey            string      // why the route accepts no Idempotency-Key; "" if it does
	noHistory        bool        // the route changes no row that has a history
	volatile         bool        // the row has values that change without its version
	long             bool        // the statement may take as long as a transfer
	asOf             bool        // the route reads the register, also as it was at a time
}

// Named returns a route whose problems call a row by another name than that in the path.
func (r Route) Named(rowName string) Route {
	r.rowName = rowName
	return r
}

// Repeating returns a route whose bodies may repeat the variable of the path under another name.
func (r Route) Repeating(field string) Route {
	r.repeats = field
	return r
}

// NullableOptional returns a route whose bodies may omit nullable fields.
func (r Route) NullableOptional() Route {
	r.nullableOptional = true
	return r
}

// ShortRequires returns a route whose bodies on short routes need only these fields. The other fields of the row keep
// their values.
func (r Route) ShortRequires(fields ...string) Route {
	r.shortRequired = fields
	return r
}

// Either returns a route whose bodies need a field, or instead of it another one with a value.
func (r Route) Either(field, other string) Route {
	r.either = bind.Either{Field: field, Other: other}
	return r
}

// WithoutKey returns a write that rejects the header Idempotency-Key, for a reason.
func (r Route) WithoutKey(reason string) Route {
	r.noKey = reason
	return r
}

// WithoutHistory returns a write that rejects the header X-Change-Message: it changes no row that has a history.
func (r Route) WithoutHistory() Route {
	r.noHistory = true
	return r
}

// Volatile returns a read of a row with values that change without its version. The header If-None-Match does not apply:
// a copy of the client can be out of date although its ETag is current.
func (r Route) Volatile() Route {
	r.volatile = true
	return r
}

// Long returns a write of one row whose statement changes many others. It may take as long as a transfer, and takes one
// of their slots.
func (r Route) Long() Route {
	r.long = true
	return r
}

// AsOf returns a read of the register that accepts the parameter as_of: the time whose rows it returns. It must read no
// table outside the register.
func (r Route) AsOf() Route {
	r.asOf = true
	return r
}

// statementTimeout returns how long a statement may take, including waiting for a connection.
func (r Route) statementTimeout() time.Duration {
	if r.long {
		return transferTimeout
	}
	return StatementTimeout
}

// AcceptsIfNoneMatch reports whether the header If-None-Match applies to a read.
func (r Route) AcceptsIfNoneMatch() bool { return r.Method == http.MethodGet && !r.volatile }

// AcceptsAsOf reports whether the route accepts the parameter as_of.
func (r Route) AcceptsAsOf() bool { return r.asOf }

// AcceptsKey reports whether the route is a write that accepts the header Idempotency-Key.
func (r Route) AcceptsKey() bool { return r.Method != http.MethodGet && r.noKey == "" }

// AcceptsMessage reports whether the route is a write that accepts the header X-Change-Message.
func (r Route) AcceptsMessage() bool { return r.Method != http.MethodGet && !r.noHistory }

// An Endpoint is a route on one of its paths, prepared to serve requests.
type Endpoint struct {
	Route
	Path       string     // template
	Plan       *bind.Plan // of the parameters
	Rows       *bind.Plan // of the rows of a bulk body; nil if the route accepts none
	ShortRoute bool       // a short route, which differs in a few details
	resource   string     // what problems call a row of this path
	childKey   string     // column that ends the URL of a row below this path; "" if there is no such route
	server     *Server
}

// childKeys returns the variable of each path that ends in one, by the path above it.
func childKeys(table []Route) map[string]string {
	keys := map[string]string{}
	for _, route := range table {
		for _, path := range route.Paths {
			slash := strings.LastIndexByte(path, '/')
			if vars := pathVariables(path[slash+1:]); len(vars) == 1 {
				keys[path[:slash]] = vars[0]
			}
		}
	}
	return keys
}

// NewEndpoints prepares all routes. It panics if the table is inconsistent. rules validate the parameters.
func NewEndpoints(table []Route, rules bind.Rules) []*Endpoint {
	var all []*Endpoint
	keys := childKeys(table)
	prepareLists(table, keys, rules)
	for _, route := range table {
		for _, path := range route.Paths {
			e := &Endpoint{
				Route: route, Path: path,
				ShortRoute: !strings.HasPrefix(path, "/api/v1/"),
				resource:   cmp.Or(route.rowName, resourceName(path)),
				childKey:   keys[path],
			}
			d := route.Operation.Describe()
			if d.Kind == KindCreate && e.childKey == "" {
				panic("rest: no route for the rows that " + route.Method + " " + path + " creates")
			}
			options := bind.Options{
				Rules:            rules,
				Repeats:          route.repeats,
				NullableOptional: route.nullableOptional,
				CanCreate:        d.CanCreate,
				Either:           route.either,
			}
			if e.ShortRoute {
				options.Required = route.shortRequired
			}
			rowOptions := options
			options.KeysOnly = d.Form                // the function binds the fields of a form
			rowOptions.KeysOnly = d.Kind == KindFunc // the function reads the rows of a batch
			if route.Method != http.MethodGet {
				options.Flags = []bind.Flag{{Name: "dry_run", Values: []string{"true", "false"}}}
				if d.BulkRow != nil {
					options.Flags = append(options.Flags, bind.Flag{Name: "columns"})
				}
			}
			if route.asOf {
				options.Flags = []bind.Flag{{Name: asOfParam}}
			}
			vars := pathVariables(path)
			if _, ok := route.Operation.(*list); ok { // other variables are filters
				vars = slices.DeleteFunc(vars, func(name string) bool { return !hasField(d.Params, name) })
			}
			if m, ok := route.Operation.(matcher); ok { // the filters find the key
				if m.rowKey() == "" {
					panic("rest: no list with keys on the path of " + route.Method + " " + path)
				}
				vars = []string{m.rowKey()}
			}
			if d.Params == nil { // an ordinary handler, which reads the path itself
				d.Params, vars = reflect.TypeFor[NoParams](), nil
			}
			e.Plan = bind.New(d.Params, route.Method, vars, options)
			if d.BulkRow != nil {
				e.Rows = bind.NewRow(d.BulkRow, e.Plan, rowOptions)
			}
			all = append(all, e)
		}
	}
	return all
}

// hasField reports whether a parameter struct has a field with this name.
func hasField(params reflect.Type, name string) bool {
	for i := range params.NumField() {
		if params.Field(i).Tag.Get("json") == name {
			return true
		}
	}
	return false
}

// NoParams are the parameters of an operation without parameters.
type NoParams struct{}

// Handler returns the router of all endpoints. It panics if two routes have the same method and path.
func (s *Server) Handler(endpoints []*Endpoint) http.Handler {
	all := routers{}
	paths := map[string]*pathHandler{}
	for _, e := range endpoints {
		e.server = s
		h := paths[e.Path]
		if h == nil {
			h = &pathHandler{path: e.Path, byMethod: map[string]*Endpoint{}}
			paths[e.Path] = h
			all.of(e.Path).Path(e.Path).Handler(h)
		}
		h.add(e)
	}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		if h := paths[path]; h.isList() && paths[path+"/"] == nil {
			all.of(path).Path(path + "/").Handler(h)
		}
	}
	return all
}

// routers are the routers by resource. A router compares a path with its routes one by one, so each has few.
type routers map[string]*mux.Router

// of returns the router of a path, and makes it if there is none.
func (r routers) of(path string) *mux.Router {
	resource := resourceOf(path)
	if strings.Contains(resource, "{") {
		panic("rest: the path " + path + " begins with a variable")
	}
	if r[resource] == nil {
		r[resource] = mux.NewRouter().SkipClean(true).UseEncodedPath()
		r[resource].NotFoundHandler = http.HandlerFunc(NotFound)
	}
	return r[resource]
}

// resourceOf returns the first segment of a path, or that after /api/v1/.
func resourceOf(path string) string {
	path = strings.TrimPrefix(strings.TrimPrefix(path, "/api/v1"), "/")
	resource, _, _ := strings.Cut(path, "/")
	return resource
}

func (r routers) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if router := r[resourceOf(request.URL.EscapedPath())]; router != nil {
		router.ServeHTTP(w, request)
		return
	}
	NotFound(w, request)
}

// NotFound responds that no route matches the path.
func NotFound(w http.ResponseWriter, r *http.Request) {
	WriteProblem(w, r, problem.New(problem.RouteNotFound, "No route matches this path. See /docs."))
}

// A pathHandler dispatches the requests of one path by method.
type pathHandler struct {
	path     string
	byMethod map[string]*Endpoint
	allow    string // the header Allow
}

func (h *pathHandler) add(e *Endpoint) {
	if h.byMethod[e.Method] != nil {
		panic("rest: two routes for " + e.Method + " " + e.Path)
	}
	h.byMethod[e.Method] = e
	names := []string{http.MethodOptions}
	for name := range h.byMethod {
		names = append(names, name)
	}
	if h.byMethod[http.MethodGet] != nil {
		names = append(names, http.MethodHead)
	}
	slices.Sort(names)
	h.allow = strings.Join(names, ", ")
}

// isList reports whether the path names a list, which a slash may follow.
func (h *pathHandler) isList() bool {
	get := h.byMethod[http.MethodGet]
	return get != nil && get.Operation.Describe().Kind == KindList &&
		!strings.HasSuffix(h.path, "}") && !strings.HasSuffix(h.path, "/")
}

func (h *pathHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	InfoOf(r).Route = h.path
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet // net/http drops the body
	}
	switch e := h.byMethod[method]; {
	case e != nil:
		e.ServeHTTP(w, r)
	case r.Method == http.MethodOptions:
		w.Header().Set("Allow", h.allow)
		w.WriteHeader(http.StatusNoContent)
	default:
		WriteProblem(w, r, problem.New(problem.MethodNotAllowed, "Method %s is not allowed; allowed: %s.",
			problem.Sanitize(r.Method), h.allow).WithHeader("Allow", h.allow))
	}
}

// PathValues returns the values of the path's variables. The router matches the escaped path, so an escaped slash is
// part of a value.
func PathValues(r *http.Request) map[string]string {
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
