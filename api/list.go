package api

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// This file is what lists have of their own: pages, the link to the next one, and whole tables as streams.

// bindLimit sets how many rows the query may answer: one more than the page has, to see whether there is a next one.
// A stream has no limit unless it asks for one. It returns the size of the page.
func (h *handler) bindLimit(in reflect.Value, flags url.Values, format format, errs *fieldErrors) int {
	if h.limitIndex < 0 {
		return 0
	}
	target := in.Field(h.limitIndex)
	limit, maxLimit := int64(defaultPageSize), int64(maxPageSize)
	switch {
	case h.maxRows > 0:
		limit, maxLimit = defaultTopN, int64(h.maxRows)
	case h.shortRoute:
		limit = maxLimit
	}
	value, isSet := target.Interface().(*int64)
	isSet = isSet && value != nil
	inPath := slices.ContainsFunc(h.binder.pathFields, func(f field) bool { return f.name == "limit" })
	if isSet {
		limit = *value
	}
	switch {
	case isSet && inPath && limit == 0:
		limit = maxPageSize
	case isSet && limit < 1:
		errs.add("limit", "must be at least 1")
	case isSet && h.maxRows > 0 && limit > maxLimit:
		errs.add("limit", "must be at most "+strconv.Itoa(h.maxRows))
	case isSet && limit > maxLimit && format == formatJSON:
		errs.add("limit", "must be at most "+strconv.Itoa(maxPageSize)+"; a whole table leaves as CSV or NDJSON, by the Accept header")
	}
	if h.offsetIndex >= 0 && in.Field(h.offsetIndex).Int() < 0 {
		errs.add("offset", "must not be negative")
	}
	if format != formatJSON && !isSet {
		return 0 // all of them
	}
	rows := limit
	if format == formatJSON && h.maxRows == 0 {
		rows++
	}
	target.Set(reflect.ValueOf(&rows))
	return int(limit)
}

// hasFilter tells whether the client narrows the list down.
func (h *handler) hasFilter(in reflect.Value) bool {
	isSet := func(f field) bool {
		return f.index != h.limitIndex && in.Field(f.index).Kind() == reflect.Pointer && !in.Field(f.index).IsNil()
	}
	return slices.ContainsFunc(h.binder.queryFields, isSet) || slices.ContainsFunc(h.binder.pathFields, isSet)
}

// nextLink is the Link header of a page that is not the last: RFC 8288.
func (h *handler) nextLink(r *http.Request, flags url.Values, limit int, cursor string) string {
	path, _, _ := strings.Cut(h.path, "/{offset}")
	for name, value := range pathValues(r) {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	query := url.Values{}
	for name, values := range flags {
		query[name] = values
	}
	query.Del("offset")
	query.Set("limit", strconv.Itoa(limit))
	query.Set("after", cursor)
	return "<" + path + "?" + query.Encode() + `>; rel="next"`
}

// streamWriteTimeout bounds how long one piece of a stream may take to leave.
const streamWriteTimeout = 30 * time.Second

// writePage answers a page of rows and, unless it is the last, where the next one is.
func (h *handler) writePage(w http.ResponseWriter, r *http.Request, pool *pgxpool.Pool, in reflect.Value, flags url.Values, limit int) (started bool, err error) {
	rows := pageEncoder{limit: limit, body: make([]byte, 0, 2<<10)}
	if err := h.execRead(r.Context(), pool, h.hasFilter(in), &rows, in); err != nil {
		return false, err
	}
	if rows.more {
		w.Header().Set("Link", h.nextLink(r, flags, limit, string(rows.lastKey)))
	}
	return true, respond(w, http.StatusOK, rows.bytes())
}

// writeStream writes all rows as they come. An error in the middle cuts the connection, so that no client takes a part for the whole.
func (h *handler) writeStream(w http.ResponseWriter, r *http.Request, pool *pgxpool.Pool, in reflect.Value, format format) (started bool, err error) {
	acquireCtx, cancel := context.WithTimeout(r.Context(), statementTimeout)
	defer cancel()
	conn, err := acquire(acquireCtx, pool)
	if err != nil {
		return false, err
	}
	defer conn.Release()
	dst := &deadlineWriter{w: w, control: http.NewResponseController(w), contentType: mediaTypes[format]}
	var rows interface {
		rowWriter
		flush() error
	}
	if format == formatCSV {
		rows = &csvEncoder{dst: csv.NewWriter(dst), names: columnsOf(h.out)}
	} else {
		rows = &ndjsonEncoder{dst: dst}
	}
	err = h.exec(r.Context(), readDBTX(conn, h.hasFilter(in), rows), in)
	if err == nil {
		err = rows.flush()
	}
	if err == nil {
		dst.start()
		return true, nil
	}
	if !dst.started {
		return false, err
	}
	recorderOf(w).problem = asProblem(err, h.method, nil)
	panic(http.ErrAbortHandler)
}

// deadlineWriter writes as long as the client keeps reading. It sends the header with the first piece, so that an early error is still a problem.
type deadlineWriter struct {
	w           http.ResponseWriter
	control     *http.ResponseController
	contentType string
	started     bool
}

func (d *deadlineWriter) start() {
	if !d.started {
		d.started = true
		d.w.Header().Set("Content-Type", d.contentType)
		d.w.WriteHeader(http.StatusOK)
	}
}

func (d *deadlineWriter) Write(piece []byte) (int, error) {
	d.start()
	_ = d.control.SetWriteDeadline(time.Now().Add(streamWriteTimeout)) // not every writer has deadlines, and then none is needed
	return d.w.Write(piece)
}

// callAndWrite answers what a function returns.
func (h *handler) callAndWrite(w http.ResponseWriter, r *http.Request, in reflect.Value) error {
	ctx, cancel := context.WithTimeout(r.Context(), statementTimeout)
	defer cancel()
	result, err := h.call(ctx, h.primary, in)
	if err != nil {
		return err
	}
	body, err := json.Marshal(result)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if s, ok := result.(interface{ status() int }); ok {
		status = s.status()
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "2")
	}
	return respond(w, status, append(body, '\n'))
}

// joinOr joins names for a sentence.
func joinOr(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
