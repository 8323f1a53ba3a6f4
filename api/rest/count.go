package rest

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
)

// countTimeout bounds an exact count. After it, the response has an estimate.
const countTimeout = time.Second

// Kinds of counts: the values of ?count= and of the header X-Total-Count-Kind.
const (
	countExact     = "exact"
	countEstimated = "estimated"
)

// bindCount binds ?count=.
func (c *Call) bindCount(r *listRequest) {
	if !r.values.Has("count") {
		return
	}
	r.count = r.values.Get("count")
	switch {
	case r.count != countExact && r.count != countEstimated:
		c.Errors.Add("count", "must be exact or estimated")
	case r.mediaType != MediaTypeJSON:
		c.Errors.Add("count", "applies only to JSON")
	}
}

// countRows sets the headers with the number of matching rows, if the request asks for it. A caller without permission
// does not get here, because the page comes first.
func (c *Call) countRows(ctx context.Context, conn *pgxpool.Conn, r *listRequest, page *pageEncoder) error {
	if r.count == "" {
		return nil
	}
	total, kind := int64(page.count), countExact
	if page.more || r.HasCursor() || r.offset > 0 {
		var err error
		if total, kind, err = countMatches(ctx, conn, r); err != nil {
			return err
		}
	}
	c.Header.Set("X-Total-Count", strconv.FormatInt(total, 10))
	c.Header.Set("X-Total-Count-Kind", kind)
	return nil
}

// countMatches counts the matching rows of all pages, or estimates their number.
func countMatches(ctx context.Context, conn *pgxpool.Conn, r *listRequest) (total int64, kind string, err error) {
	if r.count == countExact {
		total, err = countExactly(ctx, conn, r)
		var pgErr *pgconn.PgError
		if !errors.As(err, &pgErr) || pgErr.Code != pgerrcode.QueryCanceled {
			return total, countExact, err
		}
	}
	total, err = estimateCount(ctx, conn, r)
	return total, countEstimated, err
}

func countExactly(ctx context.Context, conn *pgxpool.Conn, r *listRequest) (total int64, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer rollback(tx)
	milliseconds := strconv.FormatInt(countTimeout.Milliseconds(), 10)
	if err := db.New(tx).SetStatementTimeout(ctx, db.SetStatementTimeoutParams{Milliseconds: milliseconds}); err != nil {
		return 0, err
	}
	s := r.Count(r.args)
	err = tx.QueryRow(ctx, s.SQL, append([]any{pgx.QueryExecModeCacheDescribe}, s.Args...)...).Scan(&total)
	return total, err
}

// estimateCount returns how many rows the planner of PostgreSQL expects.
func estimateCount(ctx context.Context, conn *pgxpool.Conn, r *listRequest) (total int64, err error) {
	s := r.Explain(r.args)
	var text string
	err = conn.QueryRow(ctx, s.SQL, append([]any{pgx.QueryExecModeCacheDescribe}, s.Args...)...).Scan(&text)
	if err != nil {
		return 0, err
	}
	return expectedRows(text)
}

// expectedRows returns the number of rows of a plan in JSON.
func expectedRows(plan string) (int64, error) {
	var plans []struct {
		Plan struct {
			Rows float64 `json:"Plan Rows"`
		}
	}
	if err := json.Unmarshal([]byte(plan), &plans); err != nil || len(plans) == 0 {
		return 0, err
	}
	return int64(plans[0].Plan.Rows), nil
}
