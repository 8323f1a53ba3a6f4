package rest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/api/bind"
	"labledger/api/problem"
	"labledger/api/relation"
	"labledger/db"
	"labledger/internal/dbtx"
)

// MaxMatches is the largest ?max= of a write to all rows that match filters.
const MaxMatches = 10_000

// matching is the operation of a query that writes one row, run for every row that matches the filters of the request:
// all of them or none, in one transaction.
type matching[In, Out any] struct {
	query Query[In, Out]
	list  *relation.Relation // on the same path
	key   string             // parameter of the query that names the row
}

// Matching returns the operation of a query that changes or deletes one row, for all rows that match filters. The route
// has the path of a list, whose filters it takes.
func Matching[In, Out any](query Query[In, Out]) Operation { return &matching[In, Out]{query: query} }

// A matcher is a matching operation of any query.
type matcher interface {
	Operation
	setList(list *relation.Relation, key string)
	rowKey() string
}

func (m *matching[In, Out]) setList(list *relation.Relation, key string) { m.list, m.key = list, key }
func (m *matching[In, Out]) rowKey() string                              { return m.key }
func (m *matching[In, Out]) relation() *relation.Relation                { return m.list }

// Matched counts the rows of a write to all matching rows.
type Matched struct {
	// Number of rows that matched the filters. All of them were changed or deleted.
	Matched int64 `json:"matched"`
}

func (m *matching[In, Out]) Describe() Description {
	return Description{
		Doc:    Doc{Queries: []any{m.query}, Long: true},
		Kind:   KindMatching,
		Name:   FuncName(m.query) + "s",
		Params: reflect.TypeFor[In](),
		Out:    reflect.TypeFor[Matched](),
	}
}

// pageParams are the parameters of a list that do not choose rows.
var pageParams = []string{"sort", "fields", "include", "after", "before", "limit", "offset", "count", "format"}

func (m *matching[In, Out]) serve(c *Call) error {
	if err := c.authorize(c.Request.Context()); err != nil {
		return err
	}
	in := new(In)
	request, maxRows, err := m.bind(c, in)
	if err != nil {
		return err
	}
	release, err := c.server.transfers.acquire(c.Request.Context(), c.server.slotTimeout)
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeout(c.Request.Context(), transferTimeout)
	defer cancel()
	var result Matched
	err = retry(ctx, func(ctx context.Context) error {
		if result, err = m.writeAll(ctx, c, in, request, maxRows); err != nil {
			c.ResetResponse()
		}
		return err
	}, func(*pgconn.PgError) bool { return false })
	if err != nil {
		return err
	}
	return c.respondValue(result)
}

// bind binds the body, the filters and ?max=.
func (m *matching[In, Out]) bind(c *Call, in *In) (request *relation.Request, maxRows int64, err error) {
	values, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		c.Errors.Add("query string", "is malformed: "+strings.TrimPrefix(err.Error(), "net/url: "))
	}
	if values, err = c.withView(values, pageParams...); err != nil {
		return nil, 0, err
	}
	own, filters := url.Values{}, url.Values{} // parameters of the query, and those of the list
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch {
		case name == "max":
		case name == "dry_run" || slices.Contains(c.Plan.QueryNames(), name):
			own[name] = values[name]
		case slices.Contains(pageParams, name):
			c.Errors.Add(name, "does not apply: the request writes all rows that match its filters")
		default:
			filters[name] = values[name]
		}
	}
	c.flags = c.Plan.Query(in, own.Encode(), &c.Errors)
	c.DryRun = c.Flag("dry_run")
	maxRows = c.bindMax(values)
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if c.Request.Header.Get(name) != "" {
			c.Errors.Add(name, "applies only to a request for one row")
		}
	}
	if _, err := Negotiate(c.Request, MediaTypeJSON); err != nil {
		return nil, 0, err
	}
	if err := c.readBody(in); err != nil {
		return nil, 0, err
	}
	for _, name := range []string{m.key, "id", "version"} {
		if bind.Given(c.Body, name) {
			c.Errors = slices.DeleteFunc(c.Errors, func(e problem.FieldError) bool { return e.Field == name })
			c.Errors.Add(name, "applies only to a request for one row")
		}
	}
	request = m.list.Parse(filters, nil, nil, &c.Errors)
	if err := c.Errors.Err(); err != nil {
		return nil, 0, err
	}
	return request, maxRows, c.bindCaller(in)
}

// bindMax binds ?max=.
func (c *Call) bindMax(values url.Values) int64 {
	if len(values["max"]) != 1 {
		c.Errors.Add("max", fmt.Sprintf("is required once: the largest number of rows to write, up to %d", MaxMatches))
		return 0
	}
	maxRows, reason := bind.ParseInteger(values.Get("max"))
	if reason == "" && (maxRows < 1 || maxRows > MaxMatches) {
		reason = fmt.Sprintf("must be from 1 to %d", MaxMatches)
	}
	c.Errors.Add("max", reason)
	return maxRows
}

// writeAll locks the matching rows and writes each.
func (m *matching[In, Out]) writeAll(
	ctx context.Context, c *Call, in *In, request *relation.Request, maxRows int64,
) (result Matched, err error) {
	acquireCtx, cancel := context.WithTimeout(ctx, StatementTimeout)
	defer cancel()
	conn, err := Acquire(acquireCtx, c.server.primary)
	if err != nil {
		return result, err
	}
	defer conn.Release()
	tx, err := c.begin(ctx, conn, c.Caller.Username)
	if err != nil {
		return result, err
	}
	defer rollback(tx)
	keys, err := lockMatches(ctx, tx, request, m.key, maxRows)
	if err != nil {
		return result, err
	}
	for chunk := range slices.Chunk(keys, maxChunkRows) {
		if err := m.writeChunk(ctx, c, tx, in, chunk); err != nil {
			return result, err
		}
		c.ExtendWriteDeadline()
	}
	result.Matched = int64(len(keys))
	if c.DryRun {
		return result, nil
	}
	if err := c.SaveResponse(ctx, db.New(tx), result); err != nil {
		return result, err
	}
	return result, tx.Commit(ctx)
}

// lockMatches locks the matching rows and returns their keys. The error is a 409 if there are more than maxRows.
func lockMatches(ctx context.Context, tx pgx.Tx, request *relation.Request, key string, maxRows int64) ([]string, error) {
	if s, needed := request.Names(); needed {
		var names lastRow
		if err := dbtx.ReadRows(ctx, tx, s.SQL, s.Args, &names, planOptions(true)...); err != nil {
			return nil, err
		}
		request.SetNames(names)
	}
	s := request.Lock(key, maxRows+1)
	rows, err := tx.Query(ctx, s.SQL, append([]any{pgx.QueryExecModeCacheDescribe}, s.Args...)...)
	if err != nil {
		return nil, err
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	if int64(len(keys)) > maxRows {
		return nil, problem.New(problem.TooManyMatches,
			"More than %d rows match, so none was changed. Narrow the filters, or raise max.", maxRows)
	}
	return keys, nil
}

// writeChunk writes some rows in one round trip.
func (m *matching[In, Out]) writeChunk(ctx context.Context, c *Call, tx pgx.Tx, in *In, keys []string) error {
	var p dbtx.Pipeline
	var written rowCounter
	for _, key := range keys {
		row := *in
		c.Plan.Path(&row, map[string]string{m.key: key}, &c.Errors)
		p.AddRaw(func(q *db.Queries) error {
			_, err := m.query(q, ctx, row)
			return err
		}, &written)
	}
	if err := p.Run(ctx, tx); err != nil {
		return c.rowProblem(err, keys[min(int(written), len(keys)-1)])
	}
	return nil
}

// rowProblem returns the problem of one row, with the name of the row.
func (c *Call) rowProblem(err error, key string) error {
	p := *problem.From(err, c.Method, c.Plan.BodyNames())
	if p.Status >= http.StatusInternalServerError || p.Status == http.StatusUnauthorized {
		return err
	}
	p.Detail = fmt.Sprintf("Nothing was changed, because of %s %s: %s", c.resource, key, p.Detail)
	return &p
}

// rowCounter counts rows.
type rowCounter int

func (n *rowCounter) WriteRow([]pgconn.FieldDescription, [][]byte) error {
	*n++
	return nil
}
