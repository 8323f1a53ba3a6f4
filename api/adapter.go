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

// A query is what sqlc makes of a statement: plain data in, plain data out. The adapter decides what it runs on.
type query[In, Out any] = func(*db.Queries, context.Context, In) (Out, error)

// An endpoint is a query made ready for a route.
type endpoint struct {
	calls []any        // the queries that it runs; the first one's name finds its documentation
	in    reflect.Type // a struct
	out   reflect.Type // a row; for a list, the type of its rows
	list  bool         // many rows, in pages
	most  int          // rows of a list that is one page only; 0 for one that goes on
	bulk  *bulk        // what else a create takes; nil elsewhere
	plain http.Handler // set instead of all others: an ordinary handler

	anyQuery bool                        // a plain one that takes any query string
	browsers string                      // where browsers are sent instead; "" for nowhere
	signsOut func(in reflect.Value) bool // whether the caller's own session ends with a write; nil for never

	backward *endpoint                 // of a list that can be turned round: the same, newest first
	form     bool                      // its own reads a form, not JSON
	own      func(s *submission) error // set instead of run, of what is more than one statement

	run   func(ctx context.Context, on db.DBTX, in reflect.Value) error                 // rows go to the DBTX
	value func(ctx context.Context, on db.DBTX, in reflect.Value) (body any, err error) // set instead of run: the answer is a value
}

// one makes a query that answers one row a handler.
func one[In, Out any](q query[In, Out]) endpoint {
	return endpoint{
		calls: []any{q}, in: reflect.TypeFor[In](), out: rowType(reflect.TypeFor[Out]()),
		run: func(ctx context.Context, on db.DBTX, in reflect.Value) error {
			_, err := q(db.New(on), ctx, in.Interface().(In))
			return err
		},
	}
}

// many makes a query that answers rows a handler: pages of JSON, or the whole table as CSV or NDJSON.
func many[In, Row any](q query[In, []Row]) endpoint {
	e := one(q)
	e.out, e.list = rowType(reflect.TypeFor[Row]()), true
	return e
}

// best makes a query that answers the best rows, and no more than most of them, a handler: one page, which no other follows.
func best[In, Row any](q query[In, []Row], most int) endpoint {
	e := many(q)
	e.most = most
	return e
}

// create makes a query that inserts one row a handler that takes many, too.
func create[In, Out any](q query[In, Out], many *bulk) endpoint {
	e := one(q)
	e.bulk, e.calls = many, append(e.calls, many.call)
	return e
}

// turnable is many, with a second query that answers the same rows the other way round, for ?order=desc.
func turnable[In, Row, In2, Row2 any](q query[In, []Row], back query[In2, []Row2]) endpoint {
	e, b := many(q), many(back)
	if !e.in.ConvertibleTo(b.in) {
		panic("api: " + b.in.Name() + " differs from " + e.in.Name())
	}
	e.backward = &b
	return e
}

// signingOut marks a write with which the caller's own session ends, if over says so.
func signingOut[In any](e endpoint, over func(In) bool) endpoint {
	e.signsOut = func(in reflect.Value) bool { return over(in.Interface().(In)) }
	return e
}

// function makes a handler of a function whose answer is more than a query's rows. runs are the queries that it runs.
func function[In, Out any](f query[In, Out], runs ...any) endpoint {
	return endpoint{
		calls: append([]any{f}, runs...), in: reflect.TypeFor[In](), out: reflect.TypeFor[Out](),
		value: func(ctx context.Context, on db.DBTX, in reflect.Value) (any, error) {
			return f(db.New(on), ctx, in.Interface().(In))
		},
	}
}

// rowType is what a client sees of a query's result: the embedded row where the query adds columns for the adapter.
func rowType(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Struct && t.NumField() == 2 && hidden(t.Field(1).Tag.Get("json")) {
		return t.Field(0).Type
	}
	return t
}

// A handler serves one endpoint on one path with one method.
type handler struct {
	endpoint
	*binder
	*backend
	method   string
	path     string // template
	short    bool   // one of the short routes, which have small differences of their own
	noun     string // of the path: what a missing row is called
	key      string // of a created row, in its URL
	location string // template of its URL
}

// Defaults of lists: rows a page, and at most.
const (
	pageSize    = 100
	pageMaximum = 1000
	bestSize    = 20 // of a list that is one page only
)

// maxBody bounds a body that is one object, in bytes.
const maxBody = 1 << 20

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h.serve(w, r); err != nil {
		writeProblem(w, r, asProblem(err, h.method, h.names))
	}
}

func (h *handler) serve(w http.ResponseWriter, r *http.Request) error {
	in := reflect.New(h.in).Elem()
	var found faults
	vars := pathValues(r)
	h.bindCaller(in, &exchangeOf(w).who)
	h.bindPath(in, vars, &found)
	flags := h.bindQuery(in, r.URL.RawQuery, &found)
	if h.method == http.MethodGet {
		return h.read(w, r, in, flags, found)
	}
	dry := flags.Get("dry_run") == "true"
	many := h.bulk != nil && isBulk(r)
	if many && h.bulk.own != nil {
		return h.bulk.own(&submission{h, w, r, in, nil, dry, found})
	}
	if _, p := negotiate(r, mediaTypes[:1]); p != nil {
		return p
	}
	if h.form {
		return h.own(&submission{h, w, r, in, nil, dry, found})
	}
	if many {
		return h.bulk.serve(w, r, h.backend, dry, found)
	}
	body, err := h.readBody(w, r, in, &found)
	if err != nil {
		return err
	}
	h.bindMatch(in, r.Header, &found)
	if h.own != nil {
		return h.own(&submission{h, w, r, in, body, dry, found})
	}
	if p := refusal(found); p != nil {
		return p
	}
	return h.write(w, r, in, dry)
}

// A submission is a write whose request has been read and bound.
type submission struct {
	*handler
	w     http.ResponseWriter
	r     *http.Request
	in    reflect.Value
	body  []byte
	dry   bool
	found faults
}

// readBody reads and binds the JSON body of a write. A DELETE needs none, nor does a call that takes nothing.
func (h *handler) readBody(w http.ResponseWriter, r *http.Request, in reflect.Value, found *faults) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, bodyProblem(err, maxBody)
	}
	if len(body) == 0 && (h.method == http.MethodDelete || len(h.names) == 0) {
		return nil, nil
	}
	accepted := mediaTypes[:1]
	if h.bulk != nil {
		accepted = mediaTypes
	}
	if p := mediaType(r, accepted...); p != nil {
		return nil, p
	}
	if err := h.bindBody(in, body, ignoredField(h.method, h.path), found); err != nil {
		p := asProblem(err, h.method, nil)
		p.Errors = append(*found, p.Errors...)
		return nil, refusal(p.Errors)
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

// mediaType refuses a body that says it is something else than want. One that says nothing is taken at its word.
func mediaType(r *http.Request, want ...string) *Problem {
	header := r.Header.Get("Content-Type")
	kind, params, err := mime.ParseMediaType(header)
	charset := params["charset"]
	for _, known := range want {
		if header == "" || err == nil && kind == known && (charset == "" || strings.EqualFold(charset, "utf-8")) {
			return nil
		}
	}
	return problem(http.StatusUnsupportedMediaType, "The body is %q; send %s in UTF-8 and say so in Content-Type.", printable(header), list(want)).with("Accept", list(want))
}

// write runs the query in a transaction of its own.
func (h *handler) write(w http.ResponseWriter, r *http.Request, in reflect.Value, dry bool) error {
	var row oneRow
	ctx, cancel := context.WithTimeout(r.Context(), handlerTime)
	defer cancel()
	err := retry(ctx, func(ctx context.Context) error {
		row = oneRow{keyName: h.key}
		return h.writeOnce(ctx, exchangeOf(w).caller(), in, dry, &row)
	}, h.isCollision)
	switch {
	case err == errNoRow && h.upserts():
		return problem(http.StatusPreconditionFailed, "There is no such %s, so it has no version to match.", h.noun)
	case err == errNoRow:
		return h.missing(r)
	case err != nil:
		return err
	}
	if x := exchangeOf(w); h.signsOut != nil && !dry && x.who.cookie && h.signsOut(in) {
		x.forget()
	}
	status := http.StatusOK
	switch {
	case h.location != "":
		status = http.StatusCreated
		w.Header().Set("Location", h.location+"/"+url.PathEscape(row.key))
	case row.created && !h.short:
		status = http.StatusCreated
		w.Header().Set("Location", r.URL.EscapedPath())
	}
	if row.version != "" && h.method != http.MethodDelete {
		w.Header().Set("ETag", etag(row.version))
	}
	return respond(w, status, row.body)
}

func (h *handler) writeOnce(ctx context.Context, who db.SetRequestContextParams, in reflect.Value, dry bool, row *oneRow) error {
	ctx, cancel := context.WithTimeout(ctx, statementTime)
	defer cancel()
	conn, err := acquire(ctx, h.pool)
	if err != nil {
		return err
	}
	defer conn.Release()
	if !dry {
		return h.run(ctx, writing(conn, who, row), in)
	}
	tx, err := begin(ctx, conn, who)
	if err != nil {
		return err
	}
	defer rollback(tx)
	return h.run(ctx, reading(tx, false, row), in)
}

// rollback ends a transaction whose work is not to stay. Its context is its own: the request's may have ended.
func rollback(tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.Background(), statementTime)
	defer cancel()
	_ = tx.Rollback(ctx) // a connection that cannot even do this is thrown away by the pool
}

// read runs the query and writes its answer: one row, a page of rows, or all of them as a stream.
func (h *handler) read(w http.ResponseWriter, r *http.Request, in reflect.Value, flags url.Values, found faults) error {
	if r.ContentLength != 0 {
		found.add("body", "is not taken by this call; name filters in the query string")
	}
	offered := mediaTypes[:1]
	if h.list && h.most == 0 {
		offered = mediaTypes
		w.Header().Set("Vary", "Accept")
	}
	format, p := negotiate(r, offered)
	if p != nil {
		return p
	}
	limit := h.bindLimit(in, flags, format, &found)
	if p := refusal(found); p != nil {
		return p
	}
	if flags.Get("order") == "desc" {
		turned := *h
		turned.run, in = h.backward.run, in.Convert(h.backward.in)
		h = &turned
	}
	if h.own != nil {
		return h.own(&submission{h, w, r, in, nil, false, found})
	}
	if h.value != nil {
		return h.readValue(w, r, in)
	}
	switch {
	case format != formatJSON:
		release, err := h.long.take()
		if err != nil {
			return err
		}
		defer release()
		return h.fromReplica(func(pool *pgxpool.Pool) (bool, error) { return h.stream(w, r, pool, in, format) })
	case h.list:
		return h.fromReplica(func(pool *pgxpool.Pool) (bool, error) { return h.page(w, r, pool, in, flags, limit) })
	}
	var row oneRow
	err := h.query(r.Context(), h.pool, false, &row, in)
	if err == errNoRow {
		return h.missing(r)
	}
	if err != nil {
		return err
	}
	if row.version == "" {
		return respond(w, http.StatusOK, row.body)
	}
	w.Header().Set("ETag", etag(row.version))
	if unchanged, p := compare(r, row.version); p != nil || unchanged {
		if p != nil {
			return p
		}
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return respond(w, http.StatusOK, row.body)
}

// query runs a read on a connection of its own.
func (h *handler) query(ctx context.Context, pool *pgxpool.Pool, planned bool, to rowWriter, in reflect.Value) error {
	ctx, cancel := context.WithTimeout(ctx, statementTime)
	defer cancel()
	conn, err := acquire(ctx, pool)
	if err != nil {
		return err
	}
	defer conn.Release()
	return h.run(ctx, reading(conn, planned, to), in)
}

// missing says which row there is not.
func (h *handler) missing(r *http.Request) *Problem {
	name := ""
	for _, f := range h.binder.path {
		name = " " + printable(pathValues(r)[f.name])
	}
	return problem(http.StatusNotFound, "There is no %s%s.", h.noun, name)
}

// respond writes a whole body.
func respond(w http.ResponseWriter, status int, body []byte) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone needs no answer
	return nil
}
