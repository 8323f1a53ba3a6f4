package api

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Lists have pages, a link to the next page, and streams of whole tables.

// bindLimit sets the row limit of the query: one more than the page size, to detect a next page. A stream without
// limit returns all rows. bindLimit returns the page size.
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
		message := fmt.Sprintf("must be at most %d; for all rows request CSV or NDJSON (header Accept)", maxPageSize)
		errs.add("limit", message)
	}
	if h.offsetIndex >= 0 && in.Field(h.offsetIndex).Int() < 0 {
		errs.add("offset", "must not be negative")
	}
	if format != formatJSON && !isSet {
		return 0 // all rows
	}
	rows := limit
	if format == formatJSON && h.maxRows == 0 {
		rows++
	}
	target.Set(reflect.ValueOf(&rows))
	return int(limit)
}

// hasFilter reports whether the request filters the list.
func (h *handler) hasFilter(in reflect.Value) bool {
	isSet := func(f field) bool {
		return f.index != h.limitIndex && in.Field(f.index).Kind() == reflect.Pointer && !in.Field(f.index).IsNil()
	}
	return slices.ContainsFunc(h.binder.queryFields, isSet) || slices.ContainsFunc(h.binder.pathFields, isSet)
}

// nextLink returns the Link header (RFC 8288) of a page that is not the last.
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

// streamWriteTimeout is how long the client may take to accept one chunk of a stream.
const streamWriteTimeout = 30 * time.Second

// writePage writes a page of rows, with a link to the next page unless it is the last.
func (h *handler) writePage(
	w http.ResponseWriter, r *http.Request, pool *pgxpool.Pool, in reflect.Value, flags url.Values, limit int,
) (started bool, err error) {
	rows := pageEncoder{limit: limit, body: make([]byte, 0, 2<<10)}
	if err := h.execRead(r.Context(), pool, h.hasFilter(in), &rows, in); err != nil {
		return false, err
	}
	if rows.more {
		w.Header().Set("Link", h.nextLink(r, flags, limit, string(rows.lastKey)))
	}
	return true, respond(w, http.StatusOK, rows.bytes())
}

// writeStream writes all rows as they arrive. An error after the first chunk aborts the connection, so that no
// client mistakes a part for the whole.
func (h *handler) writeStream(
	w http.ResponseWriter, r *http.Request, pool *pgxpool.Pool, in reflect.Value, format format,
) (started bool, err error) {
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

// A deadlineWriter extends the write deadline with each chunk. It sends the headers with the first chunk, so that an
// earlier error is still reported as a problem.
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

func (d *deadlineWriter) Write(chunk []byte) (int, error) {
	d.start()
	_ = d.control.SetWriteDeadline(time.Now().Add(streamWriteTimeout)) // a recorder in tests has no deadlines
	return d.w.Write(chunk)
}

// callAndWrite writes the value that a function returns.
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

// joinOr joins names with commas and a final "or".
func joinOr(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
