package api

import (
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
)

// The adapter turns a query into a handler.

// A queryFunc is a query as sqlc generates it. The adapter decides on which connection or transaction it runs.
type queryFunc[In, Out any] = func(*db.Queries, context.Context, In) (Out, error)

// An endpoint is a query, or a function, prepared for a route.
type endpoint struct {
	queries []any        // the queries that it runs; the name of the first one finds its documentation
	in      reflect.Type // the struct of parameters
	out     reflect.Type // the row type; for a list, the type of one row
	list    bool         // returns rows in pages
	maxRows int          // maximum rows of a list without further pages; 0 for a list with pages
	bulk    *bulkImport  // how a create accepts many rows; nil elsewhere
	raw     http.Handler // an ordinary handler, set instead of exec, call and handle

	anyQuery         bool                        // a raw endpoint that accepts any query string
	redirectBrowsers string                      // where browsers are redirected; "" for nowhere
	endsSession      func(in reflect.Value) bool // whether the write ends the caller's own session; nil for never

	descending *endpoint           // the same list, newest first; nil if the order is fixed
	form       bool                // handle reads a form instead of JSON
	handle     func(c *call) error // set instead of exec if the work is more than one statement

	// exec runs the query; the DBTX receives the rows.
	exec func(ctx context.Context, dbtx db.DBTX, in reflect.Value) error
	// call is set instead of exec if the response is a value.
	call func(ctx context.Context, dbtx db.DBTX, in reflect.Value) (body any, err error)
}

// single returns the endpoint of a query that returns one row.
func single[In, Out any](q queryFunc[In, Out]) endpoint {
	return endpoint{
		queries: []any{q}, in: reflect.TypeFor[In](), out: visibleRow(reflect.TypeFor[Out]()),
		exec: func(ctx context.Context, dbtx db.DBTX, in reflect.Value) error {
			_, err := q(db.New(dbtx), ctx, in.Interface().(In))
			return err
		},
	}
}

// list returns the endpoint of a query that returns rows: as pages of JSON, or as a whole table in CSV or NDJSON.
func list[In, Row any](q queryFunc[In, []Row]) endpoint {
	e := single(q)
	e.out, e.list = visibleRow(reflect.TypeFor[Row]()), true
	return e
}

// topN returns the endpoint of a query that returns at most maxRows rows, the best first. There is no next page.
func topN[In, Row any](q queryFunc[In, []Row], maxRows int) endpoint {
	e := list(q)
	e.maxRows = maxRows
	return e
}

// create returns the endpoint of a query that inserts one row. It accepts many rows as well, through bulk.
func create[In, Out any](q queryFunc[In, Out], bulk *bulkImport) endpoint {
	e := single(q)
	e.bulk, e.queries = bulk, append(e.queries, bulk.query)
	return e
}

// orderedList is list with a second query for ?order=desc.
func orderedList[In, Row, In2, Row2 any](
	q queryFunc[In, []Row], descending queryFunc[In2, []Row2],
) endpoint {
	e, d := list(q), list(descending)
	if !e.in.ConvertibleTo(d.in) {
		panic("api: " + d.in.Name() + " differs from " + e.in.Name())
	}
	e.descending = &d
	return e
}

// endsSession marks a write that ends the caller's own session if ended returns true.
func endsSession[In any](e endpoint, ended func(In) bool) endpoint {
	e.endsSession = func(in reflect.Value) bool { return ended(in.Interface().(In)) }
	return e
}

// callFunc returns the endpoint of a function that returns a value. queries are the queries that it runs.
func callFunc[In, Out any](f queryFunc[In, Out], queries ...any) endpoint {
	return endpoint{
		queries: append([]any{f}, queries...), in: reflect.TypeFor[In](), out: reflect.TypeFor[Out](),
		call: func(ctx context.Context, dbtx db.DBTX, in reflect.Value) (any, error) {
			return f(db.New(dbtx), ctx, in.Interface().(In))
		},
	}
}

// visibleRow returns the part of a result type that clients see: the embedded row, if the query adds a column for the
// adapter.
func visibleRow(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Struct && t.NumField() == 2 && isInternalColumn(t.Field(1).Tag.Get("json")) {
		return t.Field(0).Type
	}
	return t
}

// A handler serves one endpoint on one path with one method.
type handler struct {
	endpoint
	*binder
	*pools
	method     string
	path       string // template
	shortRoute bool   // a short route, which differs in a few details
	resource   string // what problems call a row of this path
	keyName    string // the column with the key of a created row
	location   string // the collection in the URL of a created row; "" if the route creates none
}

// Page sizes of lists.
const (
	defaultPageSize = 100
	maxPageSize     = 1000
	defaultTopN     = 20 // of a list without further pages
)

// maxBody is the maximum size of a body with one object, in bytes.
const maxBody = 1 << 20

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h.serve(w, r); err != nil {
		writeProblem(w, r, asProblem(err, h.method, h.bodyNames))
	}
}

func (h *handler) serve(w http.ResponseWriter, r *http.Request) error {
	in := reflect.New(h.in).Elem()
	var errs fieldErrors
	vars := pathValues(r)
	h.bindCaller(in, &recorderOf(w).caller)
	h.bindPath(in, vars, &errs)
	flags := h.bindQuery(in, r.URL.RawQuery, &errs)
	if h.method == http.MethodGet {
		return h.read(w, r, in, flags, errs)
	}
	dryRun := flags.Get("dry_run") == "true"
	isMany := h.bulk != nil && isBulk(r)
	if isMany && h.bulk.handle != nil {
		return h.bulk.handle(&call{h, w, r, in, nil, dryRun, errs})
	}
	if _, p := negotiate(r, mediaTypes[:1]); p != nil {
		return p
	}
	if h.form {
		return h.handle(&call{h, w, r, in, nil, dryRun, errs})
	}
	if isMany {
		return h.bulk.serve(w, r, h.pools, dryRun, errs)
	}
	body, err := h.readBody(w, r, in, &errs)
	if err != nil {
		return err
	}
	h.bindPreconditions(in, r.Header, &errs)
	if h.handle != nil {
		return h.handle(&call{h, w, r, in, body, dryRun, errs})
	}
	if p := badRequest(errs); p != nil {
		return p
	}
	return h.write(w, r, in, dryRun)
}

// A call is a request whose parameters are bound.
type call struct {
	*handler
	w      http.ResponseWriter
	r      *http.Request
	in     reflect.Value
	body   []byte
	dryRun bool
	errs   fieldErrors
}

// readBody reads and binds the JSON body of a write. The body may be empty for a DELETE and for a call without body
// fields.
func (h *handler) readBody(
	w http.ResponseWriter, r *http.Request, in reflect.Value, errs *fieldErrors,
) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, bodyProblem(err, maxBody)
	}
	if len(body) == 0 && (h.method == http.MethodDelete || len(h.bodyNames) == 0) {
		return nil, nil
	}
	accepted := mediaTypes[:1]
	if h.bulk != nil {
		accepted = mediaTypes
	}
	if p := checkMediaType(r, accepted...); p != nil {
		return nil, p
	}
	if err := h.bindBody(in, body, ignoredField(h.method, h.path), errs); err != nil {
		p := asProblem(err, h.method, nil)
		p.Errors = append(*errs, p.Errors...)
		return nil, badRequest(p.Errors)
	}
	return body, nil
}

// ignoredField returns the one field that is ignored: existing clients of this route repeat the ID of the path in it.
func ignoredField(method, path string) string {
	if method == http.MethodPost && path == "/site/{id}" {
		return "site_id"
	}
	return ""
}

// checkMediaType rejects a body whose Content-Type is not one of accepted. A request without Content-Type passes.
func checkMediaType(r *http.Request, accepted ...string) *Problem {
	header := r.Header.Get("Content-Type")
	mediaType, params, err := mime.ParseMediaType(header)
	charset := params["charset"]
	for _, acceptable := range accepted {
		if header == "" ||
			err == nil && mediaType == acceptable && (charset == "" || strings.EqualFold(charset, "utf-8")) {
			return nil
		}
	}
	return problem(http.StatusUnsupportedMediaType, "Content-Type %q is not supported; send %s in UTF-8.",
		sanitize(header), joinOr(accepted)).withHeader("Accept", joinOr(accepted))
}

// write runs the query in a transaction of its own and writes the row.
func (h *handler) write(w http.ResponseWriter, r *http.Request, in reflect.Value, dryRun bool) error {
	var row rowEncoder
	ctx, cancel := context.WithTimeout(r.Context(), handlerTimeout)
	defer cancel()
	err := retry(ctx, func(ctx context.Context) error {
		row = rowEncoder{keyName: h.keyName}
		return h.tryWrite(ctx, recorderOf(w).requestContext(), in, dryRun, &row)
	}, h.isIDCollision)
	switch {
	case err == errNoRow && h.canCreate():
		return problem(http.StatusPreconditionFailed, "The %s does not exist, so it has no version to match.", h.resource)
	case err == errNoRow:
		return h.notFoundProblem(r)
	case err != nil:
		return err
	}
	if rec := recorderOf(w); h.endsSession != nil && !dryRun && rec.caller.fromCookie && h.endsSession(in) {
		rec.clearSessionCookies()
	}
	status := http.StatusOK
	switch {
	case h.location != "":
		status = http.StatusCreated
		w.Header().Set("Location", h.location+"/"+url.PathEscape(row.keyValue))
	case row.created && !h.shortRoute:
		status = http.StatusCreated
		w.Header().Set("Location", r.URL.EscapedPath())
	}
	if row.version != "" && h.method != http.MethodDelete {
		w.Header().Set("ETag", etag(row.version))
	}
	return respond(w, status, row.body)
}

func (h *handler) tryWrite(
	ctx context.Context, params db.SetRequestContextParams, in reflect.Value, dryRun bool, row *rowEncoder,
) error {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	conn, err := acquire(ctx, h.primary)
	if err != nil {
		return err
	}
	defer conn.Release()
	if !dryRun {
		return h.exec(ctx, writeDBTX(conn, params, row), in)
	}
	tx, err := beginAudited(ctx, conn, params)
	if err != nil {
		return err
	}
	defer rollback(tx)
	return h.exec(ctx, readDBTX(tx, false, row), in)
}

// rollback rolls a transaction back. It uses a context of its own because the request's may be done.
func rollback(tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.Background(), statementTimeout)
	defer cancel()
	_ = tx.Rollback(ctx) // the pool discards a connection on which even this fails
}

// read runs the query and writes one row, a page of rows, or all rows as a stream.
func (h *handler) read(
	w http.ResponseWriter, r *http.Request, in reflect.Value, flags url.Values, errs fieldErrors,
) error {
	if r.ContentLength != 0 {
		errs.add("body", "must be empty; put filters in the query string")
	}
	offered := mediaTypes[:1]
	if h.list && h.maxRows == 0 {
		offered = mediaTypes
		w.Header().Set("Vary", "Accept")
	}
	format, p := negotiate(r, offered)
	if p != nil {
		return p
	}
	limit := h.bindLimit(in, flags, format, &errs)
	if p := badRequest(errs); p != nil {
		return p
	}
	if flags.Get("order") == "desc" {
		descending := *h
		descending.exec, in = h.descending.exec, in.Convert(h.descending.in)
		h = &descending
	}
	if h.handle != nil {
		return h.handle(&call{h, w, r, in, nil, false, errs})
	}
	if h.call != nil {
		return h.callAndWrite(w, r, in)
	}
	switch {
	case format != formatJSON:
		release, err := h.transfers.tryAcquire()
		if err != nil {
			return err
		}
		defer release()
		return h.readPreferReplica(func(pool *pgxpool.Pool) (bool, error) {
			return h.writeStream(w, r, pool, in, format)
		})
	case h.list:
		return h.readPreferReplica(func(pool *pgxpool.Pool) (bool, error) {
			return h.writePage(w, r, pool, in, flags, limit)
		})
	}
	var row rowEncoder
	err := h.execRead(r.Context(), h.primary, false, &row, in)
	if err == errNoRow {
		return h.notFoundProblem(r)
	}
	if err != nil {
		return err
	}
	if row.version == "" {
		return respond(w, http.StatusOK, row.body)
	}
	w.Header().Set("ETag", etag(row.version))
	if unchanged, p := checkPreconditions(r, row.version); p != nil || unchanged {
		if p != nil {
			return p
		}
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return respond(w, http.StatusOK, row.body)
}

// execRead runs a read on a connection of its own.
func (h *handler) execRead(
	ctx context.Context, pool *pgxpool.Pool, forcePlan bool, dst rowWriter, in reflect.Value,
) error {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	conn, err := acquire(ctx, pool)
	if err != nil {
		return err
	}
	defer conn.Release()
	return h.exec(ctx, readDBTX(conn, forcePlan, dst), in)
}

// notFoundProblem returns a 404 that names the row of the path.
func (h *handler) notFoundProblem(r *http.Request) *Problem {
	name := ""
	for _, f := range h.binder.pathFields {
		name = " " + sanitize(pathValues(r)[f.name])
	}
	return problem(http.StatusNotFound, "There is no %s%s.", h.resource, name)
}

// respond writes a JSON body.
func respond(w http.ResponseWriter, status int, body []byte) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only if the client is gone
	return nil
}
