package rest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"

	"github.com/jackc/pgx/v5"

	"labledger/api/bind"
	"labledger/db"
)

// A ViewReader returns a saved view that the caller may use: the list that it belongs to and its query string. The error
// is pgx.ErrNoRows if there is none.
type ViewReader func(ctx context.Context, c *Call, id int64) (list, query string, err error)

// withView returns the parameters of a request with those of the view that ?view= names, except the ignored ones. The
// request's own parameters replace those of the view.
func (c *Call) withView(values url.Values, ignored ...string) (url.Values, error) {
	if !values.Has("view") || c.server.views == nil {
		return values, nil
	}
	given := values["view"]
	values.Del("view")
	if len(given) > 1 {
		c.Errors.Add("view", "is given more than once")
		return values, nil
	}
	id, reason := bind.ParseInteger(given[0])
	if reason != "" {
		c.Errors.Add("view", reason)
		return values, nil
	}
	if err := c.authorize(c.Request.Context()); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), StatementTimeout)
	defer cancel()
	list, query, err := c.server.views(ctx, c, id)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		c.Errors.Add("view", fmt.Sprintf("there is no view %d, or its owner does not share it", id))
		return values, nil
	case err != nil:
		return nil, err
	}
	if c.Path != "/api/v1/"+list {
		c.Errors.Add("view", fmt.Sprintf("%d is a view of /api/v1/%s, not of this list", id, list))
		return values, nil
	}
	saved, err := url.ParseQuery(query)
	if err != nil {
		return nil, err
	}
	for _, name := range ignored {
		saved.Del(name)
	}
	maps.Copy(saved, values)
	return saved, nil
}

// SetViews sets how lists read saved views. Without it, lists have no parameter view.
func (s *Server) SetViews(read ViewReader) { s.views = read }

// Queries returns the queries on the primary.
func (c *Call) Queries() *db.Queries { return c.server.queries }
