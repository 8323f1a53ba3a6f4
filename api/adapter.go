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

// This file is the adapter: a query in, a handler out.

// A queryFunc is what sqlc makes of a statement: plain data in, plain data out. The adapter decides what it runs on.
type queryFunc[In, Out any] = func(*db.Queries, context.Context, In) (Out, error)

// An endpoint is a query made ready for a route.
type endpoint struct {
	queries []any        // the queries that it runs; the first one's name finds its documentation
	in      reflect.Type // a struct
	out     reflect.Type // a row; for a list, the type of its rows
	list    bool         // many rows, in pages
	maxRows int          // rows of a list that is one page only; 0 for one that goes on
	bulk    *bulkImport  // what else a create takes; nil elsewhere
	raw     http.Handler // set instead of all others: an ordinary handler

	anyQuery         bool                        // a plain one that takes any query string
	redirectBrowsers string                      // where browsers are sent instead; "" for nowhere
	endsSession      func(in reflect.Value) bool // whether the caller's own session ends with a write; nil for never

	descending *endpoint           // of a list that can be turned round: the same, newest first
	form       bool                // its own reads a form, not JSON
	handle     func(s *call) error // set instead of run, of what is more than one statement

	exec func(ctx context.Context, dbtx db.DBTX, in reflect.Value) error                 // rows go to the DBTX
	call func(ctx context.Context, dbtx db.DBTX, in reflect.Value) (body any, err error) // set instead of run: the answer is a value
}

// single makes a query that answers one row a handler.
func single[In, Out any](q queryFunc[In, Out]) endpoint {
	return endpoint{
		queries: []any{q}, in: reflect.TypeFor[In](), out: visibleRow(reflect.TypeFor[Out]()),
		exec: func(ctx context.Context, dbtx db.DBTX, in reflect.Value) error {
			_, err := q(db.New(dbtx), ctx, in.Interface().(In))
			return err
		},
	}
}

// list makes a query that answers rows a handler: pages of JSON, or the whole table as CSV or NDJSON.
func list[In, Row any](q queryFunc[In, []Row]) endpoint {
	e := single(q)
	e.out, e.list = visibleRow(reflect.TypeFor[Row]()), true
	return e
}

// topN makes a query that answers the best rows, and no more than most of them, a handler: one page, which no other follows.
func topN[In, Row any](q queryFunc[In, []Row], maxRows int) endpoint {
	e := list(q)
	e.maxRows = maxRows
	return e
}

// create makes a query that inserts one row a handler that takes many, too.
func create[In, Out any](q queryFunc[In, Out], bulk *bulkImport) endpoint {
	e := single(q)
	e.bulk, e.queries = bulk, append(e.queries, bulk.query)
	return e
}

// orderedList is many, with a second query that answers the same rows the other way round, for ?order=desc.
func orderedList[In, Row, In2, Row2 any](q queryFunc[In, []Row], descending queryFunc[In2, []Row2]) endpoint {
	e, d := list(q), list(descending)
	if !e.in.ConvertibleTo(d.in) {
		panic("api: " + d.in.Name() + " differs from " + e.in.Name())
	}
	e.descending = &d
	return e
}

// endsSession marks a write with which the caller's own session ends, if over says so.
func endsSession[In any](e endpoint, ended func(In) bool) endpoint {
	e.endsSession = func(in reflect.Value) bool { return ended(in.Interface().(In)) }
	return e
}

// callFunc makes a handler of a function whose answer is more than a query's rows. runs are the queries that it runs.
func callFunc[In, Out any](f queryFunc[In, Out], queries ...any) endpoint {
	return endpoint{
		queries: append([]any{f}, queries...), in: reflect.TypeFor[In](), out: reflect.TypeFor[Out](),
		call: func(ctx context.Context, dbtx db.DBTX, in reflect.Value) (any, error) {
			return f(db.New(dbtx), ctx, in.Interface().(In))
		},
	}
}

// visibleRow is what a client sees of a query's result: the embedded row where the query adds columns for the adapter.
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
	shortRoute bool   // one of the short routes, which have small differences of their own
	resource   string // of the path: what a missing row is called
	keyName    string // of a created row, in its URL
	location   string // template of its URL
}

// Defaults of lists: rows a page, and at most.
const (
	defaultPageSize = 100
	maxPageSize     = 1000
	defaultTopN     = 20 // of a list that is one page only
)

// maxBody bounds a body that is one object, in bytes.
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

// A call is a write whose request has been read and bound.
type call struct {
	*handler
	w      http.ResponseWriter
	r      *http.Request
	in     reflect.Value
	body   []byte
	dryRun bool
	errs   fieldErrors
}

// readBody reads and binds the JSON body of a write. A DELETE needs none, nor does a call that takes nothing.
func (h *handler) readBody(w http.ResponseWriter, r *http.Request, in reflect.Value, errs *fieldErrors) ([]byte, error) {
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

// ignoredField is the one field that is passed over: the first clients of this route send it, and it says what the path says.
func ignoredField(method, path string) string {
	if method == http.MethodPost && path == "/site/{id}" {
		return "site_id"
	}
	return ""
}

// checkMediaType refuses a body that says it is something else than want. One that says nothing is taken at its word.
func checkMediaType(r *http.Request, accepted ...string) *Problem {
	header := r.Header.Get("Content-Type")
	mediaType, params, err := mime.ParseMediaType(header)
	charset := params["charset"]
	for _, acceptable := range accepted {
		if header == "" || err == nil && mediaType == acceptable && (charset == "" || strings.EqualFold(charset, "utf-8")) {
			return nil
		}
	}
	return problem(http.StatusUnsupportedMediaType, "The body is %q; send %s in UTF-8 and say so in Content-Type.", sanitize(header), joinOr(accepted)).withHeader("Accept", joinOr(accepted))
}

// write runs the query in a transaction of its own.
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
		return problem(http.StatusPreconditionFailed, "There is no such %s, so it has no version to match.", h.resource)
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

func (h *handler) tryWrite(ctx context.Context, params db.SetRequestContextParams, in reflect.Value, dryRun bool, row *rowEncoder) error {
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

// rollback ends a transaction whose work is not to stay. Its context is its own: the request's may have ended.
func rollback(tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.Background(), statementTimeout)
	defer cancel()
	_ = tx.Rollback(ctx) // a connection that cannot even do this is thrown away by the pool
}

// read runs the query and writes its answer: one row, a page of rows, or all of them as a stream.
func (h *handler) read(w http.ResponseWriter, r *http.Request, in reflect.Value, flags url.Values, errs fieldErrors) error {
	if r.ContentLength != 0 {
		errs.add("body", "is not taken by this call; name filters in the query string")
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
		return h.readPreferReplica(func(pool *pgxpool.Pool) (bool, error) { return h.writeStream(w, r, pool, in, format) })
	case h.list:
		return h.readPreferReplica(func(pool *pgxpool.Pool) (bool, error) { return h.writePage(w, r, pool, in, flags, limit) })
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
func (h *handler) execRead(ctx context.Context, pool *pgxpool.Pool, forcePlan bool, dst rowWriter, in reflect.Value) error {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	conn, err := acquire(ctx, pool)
	if err != nil {
		return err
	}
	defer conn.Release()
	return h.exec(ctx, readDBTX(conn, forcePlan, dst), in)
}

// notFoundProblem says which row there is not.
func (h *handler) notFoundProblem(r *http.Request) *Problem {
	name := ""
	for _, f := range h.binder.pathFields {
		name = " " + sanitize(pathValues(r)[f.name])
	}
	return problem(http.StatusNotFound, "There is no %s%s.", h.resource, name)
}

// respond writes a whole body.
func respond(w http.ResponseWriter, status int, body []byte) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone needs no answer
	return nil
}
