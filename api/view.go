package api

import (
	"context"

	"labledger/api/rest"
	"labledger/db"
)

// readView returns the list and the query string of a view, if the caller may see it.
func readView(ctx context.Context, c *rest.Call, id int64) (list, query string, err error) {
	view, err := c.Queries().GetView(ctx, db.GetViewParams{
		ID: id, CallerRole: c.Caller.Role.String(), CallerID: c.Caller.AccountID,
	})
	return view.Noun, view.Query, err
}
