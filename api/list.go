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
func (h *handler) bindLimit(in reflect.Value, flags url.Values, format format, found *faults) int {
	if h.limit < 0 {
		return 0
	}
	target := in.Field(h.limit)
	limit, most := int64(pageSize), int64(pageMaximum)
	switch {
	case h.most > 0:
		limit, most = bestSize, int64(h.most)
	case h.short:
		limit = most
	}
	given, isGiven := target.Interface().(*int64)
	isGiven = isGiven && given != nil
	inPath := slices.ContainsFunc(h.binder.path, func(f field) bool { return f.name == "limit" })
	if isGiven {
		limit = *given
	}
	switch {
	case isGiven && inPath && limit == 0:
		limit = pageMaximum
	case isGiven && limit < 1:
		found.add("limit", "must be at least 1")
	case isGiven && h.most > 0 && limit > most:
		found.add("limit", "must be at most "+strconv.Itoa(h.most))
	case isGiven && limit > most && format == formatJSON:
		found.add("limit", "must be at most "+strconv.Itoa(pageMaximum)+"; a whole table leaves as CSV or NDJSON, by the Accept header")
	}
	if h.offset >= 0 && in.Field(h.offset).Int() < 0 {
		found.add("offset", "must not be negative")
	}
	if format != formatJSON && !isGiven {
		return 0 // all of them
	}
	rows := limit
	if format == formatJSON && h.most == 0 {
		rows++
	}
	target.Set(reflect.ValueOf(&rows))
	return int(limit)
}

// hasFilter tells whether the client narrows the list down.
func (h *handler) hasFilter(in reflect.Value) bool {
	given := func(f field) bool {
		return f.index != h.limit && in.Field(f.index).Kind() == reflect.Pointer && !in.Field(f.index).IsNil()
	}
	return slices.ContainsFunc(h.binder.query, given) || slices.ContainsFunc(h.binder.path, given)
}

// next is the Link header of a page that is not the last: RFC 8288.
func (h *handler) next(r *http.Request, flags url.Values, limit int, after string) string {
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
	query.Set("after", after)
	return "<" + path + "?" + query.Encode() + `>; rel="next"`
}

// streamTime bounds how long one piece of a stream may take to leave.
const streamTime = 30 * time.Second

// page answers a page of rows and, unless it is the last, where the next one is.
func (h *handler) page(w http.ResponseWriter, r *http.Request, pool *pgxpool.Pool, in reflect.Value, flags url.Values, limit int) (started bool, err error) {
	rows := page{limit: limit, body: make([]byte, 0, 2<<10)}
	if err := h.query(r.Context(), pool, h.hasFilter(in), &rows, in); err != nil {
		return false, err
	}
	if rows.more {
		w.Header().Set("Link", h.next(r, flags, limit, string(rows.last)))
	}
	return true, respond(w, http.StatusOK, rows.bytes())
}

// stream writes all rows as they come. An error in the middle cuts the connection, so that no client takes a part for the whole.
func (h *handler) stream(w http.ResponseWriter, r *http.Request, pool *pgxpool.Pool, in reflect.Value, format format) (started bool, err error) {
	soon, cancel := context.WithTimeout(r.Context(), statementTime)
	defer cancel()
	conn, err := acquire(soon, pool)
	if err != nil {
		return false, err
	}
	defer conn.Release()
	out := &patient{w: w, control: http.NewResponseController(w), contentType: mediaTypes[format]}
	var rows interface {
		rowWriter
		flush() error
	}
	if format == formatCSV {
		rows = &csvLines{to: csv.NewWriter(out), names: columnsOf(h.out)}
	} else {
		rows = &jsonLines{to: out}
	}
	err = h.run(r.Context(), reading(conn, h.hasFilter(in), rows), in)
	if err == nil {
		err = rows.flush()
	}
	if err == nil {
		out.start()
		return true, nil
	}
	if !out.started {
		return false, err
	}
	exchangeOf(w).problem = asProblem(err, h.method, nil)
	panic(http.ErrAbortHandler)
}

// patient writes as long as the client keeps reading. It sends the header with the first piece, so that an early error is still a problem.
type patient struct {
	w           http.ResponseWriter
	control     *http.ResponseController
	contentType string
	started     bool
}

func (p *patient) start() {
	if !p.started {
		p.started = true
		p.w.Header().Set("Content-Type", p.contentType)
		p.w.WriteHeader(http.StatusOK)
	}
}

func (p *patient) Write(piece []byte) (int, error) {
	p.start()
	_ = p.control.SetWriteDeadline(time.Now().Add(streamTime)) // not every writer has deadlines, and then none is needed
	return p.w.Write(piece)
}

// readValue answers what a function returns.
func (h *handler) readValue(w http.ResponseWriter, r *http.Request, in reflect.Value) error {
	ctx, cancel := context.WithTimeout(r.Context(), statementTime)
	defer cancel()
	answer, err := h.value(ctx, h.pool, in)
	if err != nil {
		return err
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if s, ok := answer.(interface{ status() int }); ok {
		status = s.status()
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "2")
	}
	return respond(w, status, append(body, '\n'))
}

// list joins names for a sentence.
func list(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
