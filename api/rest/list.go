package rest

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/problem"
	"labledger/db"
	"labledger/internal/dbtx"
)

// Page sizes of lists.
const (
	DefaultPageSize = 100
	MaxPageSize     = 1000
	DefaultMaxRows  = 20 // of a list without further pages
)

// list is the operation of a query that returns rows: as pages of JSON, or as a whole table in CSV or NDJSON.
type list[In, Row any] struct {
	query Query[In, []Row]
	listOptions
}

type listOptions struct {
	maxRows int  // maximum rows of a list without further pages; 0 for a list with pages
	primary bool // read from the primary even if there is a replica

	// runDescending runs the query for ?order=desc, which has parameters of the type descendingIn. It is nil if the
	// order is fixed.
	runDescending func(ctx context.Context, q *db.Queries, in reflect.Value) error
	descendingIn  reflect.Type
}

// A ListOption is an option of List.
type ListOption func(*listOptions)

// MaxRows makes a list return at most n rows, the best first, without further pages.
func MaxRows(n int) ListOption { return func(o *listOptions) { o.maxRows = n } }

// Primary makes a list read from the primary, not from a replica.
func Primary() ListOption { return func(o *listOptions) { o.primary = true } }

// Descending sets the query for ?order=desc. It has the same parameters as the ascending one.
func Descending[In, Row any](query Query[In, []Row]) ListOption {
	return func(o *listOptions) {
		o.descendingIn = reflect.TypeFor[In]()
		o.runDescending = func(ctx context.Context, q *db.Queries, in reflect.Value) error {
			_, err := query(q, ctx, in.Convert(o.descendingIn).Interface().(In))
			return err
		}
	}
}

// List returns the operation of a query that returns rows.
func List[In, Row any](query Query[In, []Row], options ...ListOption) Operation {
	l := &list[In, Row]{query: query}
	for _, option := range options {
		option(&l.listOptions)
	}
	if l.runDescending != nil && !reflect.TypeFor[In]().ConvertibleTo(l.descendingIn) {
		panic(fmt.Sprintf("rest: %s differs from %s", l.descendingIn, reflect.TypeFor[In]()))
	}
	return l
}

func (l *list[In, Row]) Describe() Description {
	return Description{
		Doc:     Doc{Queries: []any{l.query}},
		Kind:    KindList,
		Name:    FuncName(l.query),
		Params:  reflect.TypeFor[In](),
		Out:     visibleRow(reflect.TypeFor[Row]()),
		MaxRows: l.maxRows,
		Ordered: l.runDescending != nil,
	}
}

func (l *list[In, Row]) serve(c *Call) error {
	in := new(In)
	c.bindURL(in)
	c.requireEmptyBody()
	offered := rowMediaTypes
	if l.maxRows > 0 {
		offered = []string{MediaTypeJSON}
	} else {
		c.Header.Set("Vary", "Accept")
	}
	mediaType, err := Negotiate(c.Request, offered...)
	if err != nil {
		return err
	}
	limit := c.bindLimit(in, l.maxRows, mediaType)
	if err := c.Errors.Err(); err != nil {
		return err
	}
	if err := c.bindCaller(in); err != nil {
		return err
	}
	run := func(ctx context.Context, q *db.Queries) error {
		if c.flags.Get("order") == "desc" {
			return l.runDescending(ctx, q, reflect.ValueOf(in).Elem())
		}
		_, err := l.query(q, ctx, *in)
		return err
	}
	isFiltered := c.Plan.HasFilter(in)
	readList := c.readList
	if l.primary {
		readList = c.readListOnPrimary
	}
	if mediaType == MediaTypeJSON {
		return readList(func(conn *pgxpool.Conn) (bool, error) { return c.writePage(conn, isFiltered, limit, run) })
	}
	if err := c.authorize(c.Request.Context()); err != nil {
		return err
	}
	release, err := c.server.exports.tryAcquire()
	if err != nil {
		return err
	}
	defer release()
	columns := ColumnsOf(visibleRow(reflect.TypeFor[Row]()))
	return readList(func(conn *pgxpool.Conn) (bool, error) {
		return c.writeStream(conn, isFiltered, mediaType, columns, run)
	})
}

// bindLimit sets the row limit of the query: one more than the page size, to detect a next page. A stream without limit
// returns all rows. bindLimit returns the page size.
func (c *Call) bindLimit(params any, maxRows int, mediaType string) int {
	if !c.Plan.HasLimit() {
		return 0
	}
	limit, maxLimit := int64(DefaultPageSize), int64(MaxPageSize)
	switch {
	case maxRows > 0:
		limit, maxLimit = DefaultMaxRows, int64(maxRows)
	case c.ShortRoute:
		limit = maxLimit
	}
	value, inPath := c.Plan.Limit(params)
	isSet := value != nil
	if isSet {
		limit = *value
	}
	switch {
	case isSet && inPath && limit == 0:
		limit = MaxPageSize
	case isSet && limit < 1:
		c.Errors.Add("limit", "must be at least 1")
	case isSet && maxRows > 0 && limit > maxLimit:
		c.Errors.Add("limit", "must be at most "+strconv.Itoa(maxRows))
	case isSet && limit > maxLimit && mediaType == MediaTypeJSON:
		c.Errors.Add("limit", fmt.Sprintf(
			"must be at most %d; for all rows request CSV or NDJSON (header Accept)", MaxPageSize))
	}
	if c.Plan.Offset(params) < 0 {
		c.Errors.Add("offset", "must not be negative")
	}
	if mediaType != MediaTypeJSON && !isSet {
		return 0 // all rows
	}
	rows := limit
	if mediaType == MediaTypeJSON && maxRows == 0 {
		rows++
	}
	c.Plan.SetLimit(params, rows)
	return int(limit)
}

// linkNextPage sets the header Link of a page that is not the last.
func (c *Call) linkNextPage(limit int, cursor string) {
	path, _, _ := strings.Cut(c.Path, "/{offset}")
	for name, value := range PathValues(c.Request) {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	query := url.Values{}
	for name, values := range c.flags {
		query[name] = values
	}
	query.Del("offset")
	query.Set("limit", strconv.Itoa(limit))
	query.Set("after", cursor)
	c.setLink(path, query, "next")
}

// writePage writes a page of rows, with a link to the next page unless it is the last.
func (c *Call) writePage(conn *pgxpool.Conn, isFiltered bool, limit int, run statement) (started bool, err error) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), StatementTimeout)
	defer cancel()
	rows := pageEncoder{limit: limit, body: make([]byte, 0, 2<<10)}
	if err := c.readOn(ctx, conn, isFiltered, &rows, run); err != nil {
		return false, err
	}
	if rows.more {
		c.linkNextPage(limit, string(rows.lastKey))
	}
	return true, c.respond(http.StatusOK, rows.bytes())
}

// writeStream writes all rows as they arrive.
func (c *Call) writeStream(
	conn *pgxpool.Conn, isFiltered bool, mediaType string, columns []string, run statement,
) (started bool, err error) {
	dst := c.StreamWriter(mediaType)
	var rows interface {
		dbtx.RowWriter
		flush() error
	}
	if mediaType == MediaTypeCSV {
		rows = &csvEncoder{dst: csv.NewWriter(dst), names: columns}
	} else {
		rows = &ndjsonEncoder{dst: dst}
	}
	err = run(c.Request.Context(), db.New(dbtx.Raw(conn, c.withBasePath(rows), planOptions(isFiltered)...)))
	if err == nil {
		err = rows.flush()
	}
	return dst.started, dst.Finish(err)
}

// streamWriteTimeout is how long the client may take to accept one chunk of a stream.
const streamWriteTimeout = 30 * time.Second

// A StreamWriter writes a response in chunks. It extends the write deadline with each chunk, and sends the headers with
// the first one, so that an earlier error is still reported as a problem.
type StreamWriter struct {
	c         *Call
	control   *http.ResponseController
	mediaType string
	started   bool
}

// StreamWriter returns a writer for the response.
func (c *Call) StreamWriter(mediaType string) *StreamWriter {
	return &StreamWriter{c: c, control: http.NewResponseController(c.w), mediaType: mediaType}
}

func (s *StreamWriter) start() {
	if !s.started {
		s.started = true
		s.c.requireAuthorized()
		s.c.Header.Set("Content-Type", s.mediaType)
		s.c.w.WriteHeader(http.StatusOK)
	}
}

func (s *StreamWriter) Write(chunk []byte) (int, error) {
	s.start()
	_ = s.control.SetWriteDeadline(time.Now().Add(streamWriteTimeout)) // a recorder in tests has no deadlines
	return s.c.w.Write(chunk)
}

// Finish ends the response. It returns err if nothing has been sent yet. Otherwise it aborts the connection on an
// error, so that no client mistakes a part for the whole.
func (s *StreamWriter) Finish(err error) error {
	switch {
	case err == nil:
		s.start()
	case s.started:
		s.c.Problem = problem.From(err, s.c.Method, nil)
		panic(http.ErrAbortHandler)
	}
	return err
}
