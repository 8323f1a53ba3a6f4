package rest

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/bind"
	"labledger/api/problem"
	"labledger/api/relation"
	"labledger/db"
	"labledger/internal/dbtx"
)

// list is the operation of a relation: as pages of JSON, or all matching rows as CSV or NDJSON.
type list struct {
	query    any
	params   reflect.Type // of the statement
	row, all reflect.Type // what clients see of a row, and the whole row
	run      func(ctx context.Context, q *db.Queries, in any) error
	options  relation.Options // without the rules
	primary  bool             // read from the primary even if there is a replica
	asOf     bool             // the list has the parameter as_of
	relation *relation.Relation
}

// A ListOption is an option of List and ListOf.
type ListOption func(*list)

// Key sets the columns of the unique default order. Without this option it is the first column.
func Key(columns ...string) ListOption { return func(l *list) { l.options.Key = columns } }

// Computed names columns that are computed for the rows of a page. They have neither filters nor an order.
func Computed(columns ...string) ListOption { return func(l *list) { l.options.Computed = columns } }

// Alias adds another name of a filter.
func Alias(name, filter string) ListOption {
	return func(l *list) {
		if l.options.Aliases == nil {
			l.options.Aliases = map[string]string{}
		}
		l.options.Aliases[name] = filter
	}
}

// HasMember adds a filter by what a row has several of: the rows of a query with the columns key, which is the first
// column of the list, and value. It has the parameters of the list's own query.
func HasMember[In, Row any](filter string, query Query[In, []Row]) ListOption {
	return func(l *list) {
		statement, _ := dbtx.Capture(func(q *db.Queries) error {
			_, err := query(q, context.Background(), *new(In))
			return err
		})
		l.options.Members = map[string]string{filter: statement}
	}
}

// Primary makes a list read from the primary, not from a replica.
func Primary() ListOption { return func(l *list) { l.primary = true } }

// List returns the operation of a query that says where the rows of a list come from. The adapter wraps it in the
// filters, the order and the page of the request.
func List[Row any](query func(*db.Queries, context.Context) ([]Row, error), options ...ListOption) Operation {
	return newList[NoParams, Row](query, func(ctx context.Context, q *db.Queries, _ any) error {
		_, err := query(q, ctx)
		return err
	}, options)
}

// ListOf is List for a query with parameters, which the path and the caller fill.
func ListOf[In, Row any](query Query[In, []Row], options ...ListOption) Operation {
	return newList[In, Row](query, func(ctx context.Context, q *db.Queries, in any) error {
		_, err := query(q, ctx, *in.(*In))
		return err
	}, options)
}

func newList[In, Row any](
	query any, run func(context.Context, *db.Queries, any) error, options []ListOption,
) *list {
	all := reflect.TypeFor[Row]()
	l := &list{query: query, params: reflect.TypeFor[In](), row: visibleRow(all), all: all, run: run}
	for _, option := range options {
		option(l)
	}
	return l
}

func (l *list) Describe() Description {
	return Description{
		Doc:    Doc{Queries: []any{l.query}},
		Kind:   KindList,
		Name:   FuncName(l.query),
		Params: l.params,
		Out:    l.row,
	}
}

// prepare makes the relation of the statement.
func (l *list) prepare(rules bind.Rules) {
	statement, args := l.capture(context.Background(), reflect.New(l.params).Interface())
	options := l.options
	options.Rules = rules
	l.relation = relation.New(FuncName(l.query), statement, len(args), l.row, l.all, options)
}

// capture returns the statement without running it.
func (l *list) capture(ctx context.Context, in any) (statement string, args []any) {
	return dbtx.Capture(func(q *db.Queries) error { return l.run(ctx, q, in) })
}

// List returns the relation whose filters the endpoint takes, or nil if it takes none.
func (e *Endpoint) List() *relation.Relation {
	switch o := e.Operation.(type) {
	case *list:
		return o.relation
	case interface{ relation() *relation.Relation }:
		return o.relation()
	}
	return nil
}

// listParams are the parameters of a list that the adapter parses, beside those of the relation.
var listParams = []string{"limit", "offset", "count", "format"}

// A listRequest is a request to a list.
type listRequest struct {
	*relation.Request
	values        url.Values // of the query string
	args          []any      // of the list's own statement
	mediaType     string
	count         string // "exact", "estimated", or "" for none
	limit, offset int64  // limit is 0 for all rows
}

func (l *list) serve(c *Call) error {
	request, err := l.bind(c)
	if err != nil {
		return err
	}
	read := c.readList
	if l.primary {
		read = c.readListOnPrimary
	}
	if request.mediaType == MediaTypeJSON {
		if c.canSharePage(l, request) {
			return c.writeSharedPage(request)
		}
		return read(func(conn *pgxpool.Conn) (bool, error) {
			ctx, cancel := context.WithTimeout(c.Request.Context(), StatementTimeout)
			defer cancel()
			if err := c.findNames(ctx, conn, request.Request); err != nil {
				return false, err
			}
			return c.writePage(ctx, conn, request)
		})
	}
	if err := c.authorize(c.Request.Context()); err != nil {
		return err
	}
	release, err := c.server.exports.tryAcquire()
	if err != nil {
		return err
	}
	defer release()
	return read(func(conn *pgxpool.Conn) (bool, error) {
		if err := c.findNames(c.Request.Context(), conn, request.Request); err != nil {
			return false, err
		}
		return c.writeStream(conn, request)
	})
}

// findNames finds the referenced rows whose names a search concerns.
func (c *Call) findNames(ctx context.Context, conn *pgxpool.Conn, request *relation.Request) error {
	s, needed := request.Names()
	if !needed {
		return nil
	}
	var names lastRow
	if err := c.readRows(ctx, conn, true, s, &names); err != nil {
		return err
	}
	c.check = nil // it has run
	request.SetNames(names)
	return nil
}

// lastRow keeps the values of the last row as text.
type lastRow []string

func (l *lastRow) WriteRow(_ []pgconn.FieldDescription, values [][]byte) error {
	*l = (*l)[:0]
	for _, value := range values {
		*l = append(*l, string(value))
	}
	return nil
}

// bind parses the request and binds the parameters of the statement.
func (l *list) bind(c *Call) (*listRequest, error) {
	in := reflect.New(l.params).Interface()
	path := c.pathValues()
	c.Plan.Path(in, path, &c.Errors)
	values, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		c.Errors.Add("query string", "is malformed: "+strings.TrimPrefix(err.Error(), "net/url: "))
	}
	c.requireEmptyBody()
	c.Header.Set("Vary", "Accept")
	if values, err = c.withView(values); err != nil {
		return nil, err
	}
	r := &listRequest{values: values}
	if r.mediaType, err = c.listMediaType(values); err != nil {
		return nil, err
	}
	adapterParams := listParams
	if l.asOf {
		adapterParams = append(slices.Clip(adapterParams), asOfParam)
	}
	for _, name := range adapterParams {
		if len(values[name]) > 1 {
			c.Errors.Add(name, "is given more than once")
		}
	}
	filters := url.Values{}
	for name, value := range path {
		if !slices.Contains(c.Plan.PathNames(), name) && !slices.Contains(listParams, name) {
			filters.Set(name, value)
		}
	}
	r.Request = l.relation.Parse(values, filters, adapterParams, &c.Errors)
	if l.asOf {
		r.SetAsOf(c.parseAsOf(values))
	}
	c.bindPage(r, path)
	c.bindCount(r)
	if err := c.Errors.Err(); err != nil {
		return nil, err
	}
	if err := c.bindCaller(in); err != nil {
		return nil, err
	}
	_, r.args = l.capture(c.Request.Context(), in)
	return r, nil
}

// formats are the values of ?format=.
var formats = map[string]string{"json": MediaTypeJSON, "csv": MediaTypeCSV, "ndjson": MediaTypeNDJSON}

// listMediaType returns the media type of the response: that of ?format=, or else of the header Accept.
func (c *Call) listMediaType(values url.Values) (string, error) {
	if !values.Has("format") {
		return Negotiate(c.Request, rowMediaTypes...)
	}
	mediaType := formats[values.Get("format")]
	if mediaType == "" {
		c.Errors.Add("format", "must be json, csv or ndjson")
		return MediaTypeJSON, nil
	}
	return mediaType, nil
}

// bindPage binds the limit and the offset.
func (c *Call) bindPage(r *listRequest, path map[string]string) {
	limit, hasLimit := c.bindCountOfRows("limit", r.values, path)
	offset, hasOffset := c.bindCountOfRows("offset", r.values, path)
	_, limitInPath := path["limit"]
	r.offset = offset
	switch {
	case c.Errors.Has("limit"):
	case hasLimit && limit == 0 && limitInPath:
		limit = MaxPageSize
	case hasLimit && limit < 1:
		c.Errors.Add("limit", "must be at least 1")
	case hasLimit && limit > MaxPageSize && r.mediaType == MediaTypeJSON:
		c.Errors.Add("limit", fmt.Sprintf(
			"must be at most %d; for all rows request CSV or NDJSON (format=csv, or the header Accept)", MaxPageSize))
	}
	switch {
	case hasLimit:
	case r.mediaType != MediaTypeJSON: // all rows
	case c.ShortRoute:
		limit = MaxPageSize
	default:
		limit = DefaultPageSize
	}
	r.limit = limit
	if hasOffset && (r.values.Has("after") || r.values.Has("before")) {
		c.Errors.Add("offset", "cannot be combined with after or before; use one of them")
	}
}

// bindCountOfRows binds the limit or the offset, which is in the path or in the query string.
func (c *Call) bindCountOfRows(name string, values url.Values, path map[string]string) (rows int64, given bool) {
	text, given := path[name]
	if values.Has(name) {
		if given {
			c.Errors.Add(name, "is part of the path; leave it out of the query string")
			return 0, true
		}
		text, given = values.Get(name), true
	}
	if !given {
		return 0, false
	}
	rows, reason := bind.ParseInteger(text)
	if reason == "" && rows < 0 {
		reason = "must not be negative"
	}
	c.Errors.Add(name, reason)
	return rows, true
}

// prepareLists makes the relations of all lists, and links each to the lists that its rows reference.
func prepareLists(table []Route, keys map[string]string, rules bind.Rules) {
	type target struct {
		relation.Target
		role Role
	}
	byPath := map[string]*relation.Relation{}
	var lists []*list
	var roles []Role
	var targets []target
	for _, route := range table {
		l, ok := route.Operation.(*list)
		if !ok {
			continue
		}
		l.asOf = route.asOf
		l.prepare(rules)
		lists, roles = append(lists, l), append(roles, route.Role)
		for _, path := range route.Paths {
			byPath[path] = l.relation
			if plural, found := strings.CutPrefix(path, "/api/v1/"); found && keys[path] != "" && plural != "" {
				targets = append(targets, target{relation.Target{
					Noun: cmp.Or(route.rowName, resourceName(path)), Key: keys[path], Relation: l.relation,
				}, route.Role})
			}
		}
	}
	for _, route := range table {
		if m, ok := route.Operation.(matcher); ok {
			m.setList(byPath[route.Paths[0]], keys[route.Paths[0]])
		}
	}
	for _, route := range table {
		switch o := route.Operation.(type) {
		case *search:
			o.setLists(table)
		case listUser:
			l, _ := findList(table, o.usedPath())
			o.useList(l)
		}
	}
	for i, l := range lists {
		var readable []relation.Target
		for _, t := range targets {
			if t.role <= roles[i] {
				readable = append(readable, t.Target)
			}
		}
		l.relation.Link(readable)
	}
}

// findList returns the list at a path with its role. It panics if there is none.
func findList(table []Route, path string) (*list, Role) {
	for _, route := range table {
		if l, ok := route.Operation.(*list); ok && slices.Contains(route.Paths, path) {
			return l, route.Role
		}
	}
	panic("rest: there is no list at " + path)
}

// Statement returns the statement that finds the rows of a request with this query string, for the API reference. The
// endpoint must take the filters of a list. It panics if the request is not valid.
func (e *Endpoint) Statement(query string) relation.Statement {
	if lists := e.Searched(); lists != nil {
		return searchStatement(lists, query)
	}
	request, args := e.Request(query)
	if m, ok := e.Operation.(matcher); ok {
		return request.Lock(m.rowKey(), DefaultPageSize+1)
	}
	return request.Select(args, DefaultPageSize+1, 0)
}

// Request parses a query string as Statement does. It returns the arguments of the list's own statement as well.
func (e *Endpoint) Request(query string) (request *relation.Request, args []any) {
	values, err := url.ParseQuery(query)
	if err != nil {
		panic("rest: " + query + ": " + err.Error())
	}
	filters := url.Values{}
	for _, name := range pathVariables(e.Path) {
		if !slices.Contains(e.Plan.PathNames(), name) && !slices.Contains(listParams, name) {
			filters.Set(name, "1")
			if strings.HasSuffix(name, "uuid") {
				filters.Set(name, "00000000-0000-0000-0000-000000000000")
			}
		}
	}
	var errs problem.FieldErrors
	request = e.List().Parse(values, filters, append([]string{"max"}, listParams...), &errs)
	if err := errs.Err(); err != nil {
		panic("rest: " + e.Path + "?" + query + ": " + err.Error())
	}
	if l, ok := e.Operation.(*list); ok {
		_, args = l.capture(context.Background(), reflect.New(l.params).Interface())
	}
	return request, args
}

// listPath returns the path of a list without its limit and offset.
func (c *Call) listPath() string {
	path, _, _ := strings.Cut(c.Path, "/{offset}")
	for name, value := range c.pathValues() {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	return path
}

// respondAsFile sets the headers of a file with all rows.
func (c *Call) respondAsFile(mediaType string) {
	name := c.resource
	for extension, candidate := range formats {
		if candidate == mediaType {
			name += "s." + extension
		}
	}
	c.Header.Set("Content-Disposition", `attachment; filename="`+name+`"`)
}

// Variables returns the names of the path's variables.
func (e *Endpoint) Variables() []string { return pathVariables(e.Path) }
