package rest

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/api/bind"
	"labledger/api/problem"
	"labledger/db"
)

// one is the operation of a query that returns one row.
type one[In, Out any] struct {
	query   Query[In, Out]
	after   []func(*Call, In)
	creates bool // the row is new
	isShort bool // a read of a stored row by its key, which has a version; other reads may compute for long
}

// One returns the operation of a query that returns one row. On a route with the method GET it is a read with an ETag,
// otherwise a write. after are called after a write that was no dry run.
func One[In, Out any](query Query[In, Out], after ...func(*Call, In)) Operation {
	return &one[In, Out]{query: query, after: after, isShort: hasField(reflect.TypeFor[Out](), "version")}
}

func (o *one[In, Out]) Describe() Description {
	out := reflect.TypeFor[Out]()
	kind := KindOne
	if o.creates {
		kind = KindCreate
	}
	return Description{
		Doc:       Doc{Queries: []any{o.query}, SetsCookie: len(o.after) > 0},
		Kind:      kind,
		Name:      FuncName(o.query),
		Params:    reflect.TypeFor[In](),
		Out:       visibleRow(out),
		CanCreate: visibleRow(out) != out && out.Field(1).Tag.Get("json") == "created",
	}
}

func (o *one[In, Out]) serve(c *Call) error {
	in := new(In)
	if c.Method == http.MethodGet {
		return o.read(c, in)
	}
	if err := c.bindWrite(in); err != nil {
		return err
	}
	if err := c.Errors.Err(); err != nil {
		return err
	}
	return o.write(c, in)
}

func (o *one[In, Out]) statement(in *In) statement {
	return func(ctx context.Context, q *db.Queries) error {
		_, err := o.query(q, ctx, *in)
		return err
	}
}

func (o *one[In, Out]) read(c *Call, in *In) error {
	if err := c.bindRead(in, MediaTypeJSON); err != nil {
		return err
	}
	if c.asOf && c.flags.Has(asOfParam) {
		return c.readPast(o.statement(in))
	}
	var row rowEncoder
	read := c.read
	if o.isShort {
		read = c.readShared
	}
	err := read(c.Request.Context(), &row, o.statement(in))
	if errors.Is(err, pgx.ErrNoRows) {
		return c.NotFound()
	}
	if err != nil {
		return err
	}
	if row.version == "" {
		return c.respond(http.StatusOK, row.body)
	}
	c.Header.Set("ETag", bind.ETag(row.version))
	ifMatch := c.Request.Header.Values("If-Match")
	if len(ifMatch) > 0 && !bind.MatchesETag(strings.Join(ifMatch, ","), row.version) {
		return problem.New(problem.StaleVersion, "The row is at version %s.", row.version)
	}
	ifNoneMatch := c.Request.Header.Values("If-None-Match")
	if c.AcceptsIfNoneMatch() && len(ifNoneMatch) > 0 && bind.MatchesETag(strings.Join(ifNoneMatch, ","), row.version) {
		return c.respond(http.StatusNotModified, nil)
	}
	return c.respond(http.StatusOK, row.body)
}

// bindRead binds a read without a body, and checks that the client accepts the media type of the response.
func (c *Call) bindRead(params any, mediaType string) error {
	c.bindURL(params)
	c.bindAsOf()
	c.requireEmptyBody()
	if _, err := Negotiate(c.Request, mediaType); err != nil {
		return err
	}
	if err := c.Errors.Err(); err != nil {
		return err
	}
	return c.bindCaller(params)
}

func (c *Call) requireEmptyBody() {
	if c.Request.ContentLength != 0 {
		c.Errors.Add("body", "must be empty; put filters in the query string")
	}
}

func (o *one[In, Out]) write(c *Call, in *In) error {
	if err := c.bindCaller(in); err != nil {
		return err
	}
	timeout := handlerTimeout
	if c.long {
		release, err := c.beginLong()
		if err != nil {
			return err
		}
		defer release()
		timeout = transferTimeout
	}
	var row rowEncoder
	ctx, cancel := context.WithTimeout(c.Request.Context(), timeout)
	defer cancel()
	err := retry(ctx, func(ctx context.Context) error {
		row = rowEncoder{keyName: c.childKey}
		return c.write(ctx, &row, o.statement(in), func() []byte { return o.respond(c, &row) })
	}, o.isIDCollision)
	switch {
	case errors.Is(err, pgx.ErrNoRows) && c.Plan.CanCreate():
		return problem.New(problem.StaleVersion,
			"The %s does not exist, so it has no version to match.", c.resource)
	case errors.Is(err, pgx.ErrNoRows):
		return c.NotFound()
	case err != nil:
		return err
	}
	if !c.DryRun {
		for _, f := range o.after {
			f(c, *in)
		}
	}
	body := o.respond(c, &row)
	return c.respond(c.Status, body)
}

// beginLong checks the caller, takes a slot of transfers, and extends the deadlines of the connection.
func (c *Call) beginLong() (release func(), err error) {
	if err := c.authorize(c.Request.Context()); err != nil {
		return nil, err
	}
	if release, err = c.server.transfers.tryAcquire(); err == nil {
		c.removeDeadlines() // the request has been received, and the statement has a timeout of its own
	}
	return release, err
}

// respond sets the status and the headers of the response to a write, and returns its body.
func (o *one[In, Out]) respond(c *Call, row *rowEncoder) []byte {
	switch {
	case o.creates:
		c.Status = http.StatusCreated
		c.SetLocation(c.Path + "/" + url.PathEscape(row.key))
	case row.created && !c.ShortRoute:
		c.Status = http.StatusCreated
		c.SetLocation(c.Request.URL.EscapedPath())
	}
	if row.version != "" && c.Method != http.MethodDelete {
		c.Header.Set("ETag", bind.ETag(row.version))
	}
	return row.body
}

// isIDCollision reports whether a create drew an ID that another client has just chosen. The next attempt draws the
// next one.
func (o *one[In, Out]) isIDCollision(pgErr *pgconn.PgError) bool {
	return o.creates && pgErr.Code == pgerrcode.UniqueViolation && strings.HasSuffix(pgErr.ConstraintName, "_pkey")
}
