package rest

import (
	"context"
	"net/http"
	"net/url"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/problem"
	"labledger/api/relation"
	"labledger/db"
	"labledger/internal/dbtx"
)

// asOfParam is the parameter with the time whose rows a read returns.
const asOfParam = "as_of"

// parseAsOf returns the time whose rows a read returns, or "" for the present.
func (c *Call) parseAsOf(values url.Values) string {
	if !values.Has(asOfParam) {
		return ""
	}
	asOf, reason := relation.ParseAsOf(values.Get(asOfParam))
	c.Errors.Add(asOfParam, reason)
	return asOf
}

// bindAsOf checks the time of a read of one row. Only present rows have ETags: one of the past could be taken for the
// present row in a write.
func (c *Call) bindAsOf() {
	if !c.asOf || !c.flags.Has(asOfParam) {
		return
	}
	if !c.Errors.Has(asOfParam) {
		c.parseAsOf(c.flags)
	}
	if len(c.Request.Header.Values("If-Match")) > 0 {
		c.Errors.Add("If-Match", "cannot be combined with as_of; rows of the past have no ETag")
	}
}

// How Postgres plans a statement that reads the past.
const (
	customPlan  = "force_custom_plan"  // for each time: whether few or many rows have changed since then matters
	genericPlan = "force_generic_plan" // once: planning would take longer than reading one row
)

// readPastRows is readRows for a statement that reads the past.
func (c *Call) readPastRows(
	ctx context.Context, conn *pgxpool.Conn, mode string, s relation.Statement, dst dbtx.RowWriter,
) error {
	p := new(dbtx.Pipeline)
	if c.check != nil {
		c.addCheck(ctx, p, nil)
	}
	p.Add(func(q *db.Queries) error { return q.PlanPast(ctx, db.PlanPastParams{Mode: mode}) })
	p.AddRows(s.SQL, s.Args, c.withBasePath(dst))
	return p.Run(ctx, conn)
}

// readPast reads one row as it was at a time.
func (c *Call) readPast(run statement) error {
	asOf := c.parseAsOf(c.flags)
	ctx, cancel := context.WithTimeout(c.Request.Context(), StatementTimeout)
	defer cancel()
	sql, args := dbtx.Capture(func(q *db.Queries) error { return run(ctx, q) })
	conn, err := Acquire(ctx, c.server.primary)
	if err != nil {
		return err
	}
	defer conn.Release()
	var row rowEncoder
	if err := c.readPastRows(ctx, conn, genericPlan, relation.AsOf(sql, args, asOf), &row); err != nil {
		return err
	}
	if row.body == nil {
		return problem.New(problem.NotFound, "There was no %s at %s.", c.rowName(), asOf)
	}
	return c.respond(http.StatusOK, row.body)
}
