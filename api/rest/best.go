package rest

import (
	"context"
	"net/http"
	"reflect"
	"strconv"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
)

// DefaultBestRows is how many rows a list of the best rows has, unless the request sets a limit.
const DefaultBestRows = 20

// best is the operation of a query that returns the best rows first, without further pages.
type best[In, Row any] struct {
	query   Query[In, []Row]
	maxRows int
}

// Best returns the operation of a query that returns at most maxRows rows, the best first. The query has a parameter
// limit.
func Best[In, Row any](query Query[In, []Row], maxRows int) Operation {
	return &best[In, Row]{query, maxRows}
}

func (b *best[In, Row]) Describe() Description {
	return Description{
		Doc:     Doc{Queries: []any{b.query}},
		Kind:    KindList,
		Name:    FuncName(b.query),
		Params:  reflect.TypeFor[In](),
		Out:     visibleRow(reflect.TypeFor[Row]()),
		MaxRows: b.maxRows,
	}
}

func (b *best[In, Row]) serve(c *Call) error {
	in := new(In)
	c.bindURL(in)
	c.requireEmptyBody()
	if _, err := Negotiate(c.Request, MediaTypeJSON); err != nil {
		return err
	}
	limit := int64(DefaultBestRows)
	if given := c.Plan.Limit(in); given != nil {
		limit = *given
	}
	switch {
	case limit < 1:
		c.Errors.Add("limit", "must be at least 1")
	case limit > int64(b.maxRows):
		c.Errors.Add("limit", "must be at most "+strconv.Itoa(b.maxRows))
	}
	c.Plan.SetLimit(in, limit)
	if err := c.Errors.Err(); err != nil {
		return err
	}
	if err := c.bindCaller(in); err != nil {
		return err
	}
	return c.readList(func(conn *pgxpool.Conn) (bool, error) {
		ctx, cancel := context.WithTimeout(c.Request.Context(), StatementTimeout)
		defer cancel()
		rows := pageEncoder{limit: int(limit), columns: len(ColumnsOf(visibleRow(reflect.TypeFor[Row]())))}
		err := c.readOn(ctx, conn, true, &rows, func(ctx context.Context, q *db.Queries) error {
			_, err := b.query(q, ctx, *in)
			return err
		})
		if err != nil {
			return false, err
		}
		return true, c.respond(http.StatusOK, rows.bytes())
	})
}
