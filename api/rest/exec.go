package rest

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/relation"
	"labledger/db"
	"labledger/internal/dbtx"
)

// A read runs on a connection of a pool. A write runs in a transaction that records its actor; a dry run rolls it back.
// If the caller has a session or an API token, its check is the first statement of the same round trip.

// A statement calls one query.
type statement func(ctx context.Context, q *db.Queries) error

// read runs a read on the primary whose rows go to dst.
func (c *Call) read(ctx context.Context, dst dbtx.RowWriter, run statement) error {
	ctx, cancel := context.WithTimeout(ctx, StatementTimeout)
	defer cancel()
	conn, err := Acquire(ctx, c.server.primary)
	if err != nil {
		return err
	}
	defer conn.Release()
	return c.readOn(ctx, conn, false, dst, run)
}

// readShared is read for a short statement, which may share a round trip with those of other requests.
func (c *Call) readShared(ctx context.Context, dst dbtx.RowWriter, run statement) error {
	if c.server.sharer == nil {
		return c.read(ctx, dst, run)
	}
	sql, args := dbtx.Capture(func(q *db.Queries) error { return run(ctx, q) })
	rows, err := c.readSharedRows(ctx, dbtx.Statement{SQL: sql, Args: args}, dst)
	if err == nil && rows == 0 {
		return pgx.ErrNoRows
	}
	return err
}

// readSharedRows runs a statement whose rows go to dst. The check of the caller, if there is one, comes first.
func (c *Call) readSharedRows(ctx context.Context, s dbtx.Statement, dst dbtx.RowWriter) (rows int, err error) {
	ctx, cancel := context.WithTimeout(ctx, StatementTimeout)
	defer cancel()
	statements := []dbtx.Statement{s}
	if c.check != nil {
		sql, args := dbtx.Capture(func(q *db.Queries) error { _, err := c.check.Run(ctx, q, nil); return err })
		statements = []dbtx.Statement{{SQL: sql, Args: args}, s}
	}
	results, err := c.server.sharer.Read(ctx, statements...)
	if err == nil && c.check != nil {
		err = c.runCheck(ctx, db.New(results[0]), nil)
	}
	if err != nil {
		return 0, err
	}
	return results[len(results)-1].Write(c.withBasePath(dst))
}

// readRows runs the statement of a list on a connection. planned is that of readOn.
func (c *Call) readRows(
	ctx context.Context, conn *pgxpool.Conn, planned bool, s relation.Statement, dst dbtx.RowWriter,
) error {
	dst = c.withBasePath(dst)
	if c.check == nil {
		return dbtx.ReadRows(ctx, conn, s.SQL, s.Args, dst, planOptions(planned)...)
	}
	p := c.checkPipeline(ctx, planned)
	p.AddRows(s.SQL, s.Args, dst)
	return p.Run(ctx, conn)
}

// checkPipeline returns a pipeline that begins with the check of the caller.
func (c *Call) checkPipeline(ctx context.Context, planned bool) *dbtx.Pipeline {
	p := new(dbtx.Pipeline)
	c.addCheck(ctx, p, nil)
	if planned {
		p.Add(func(q *db.Queries) error { return q.ForceCustomPlans(ctx) })
	}
	return p
}

// readOn is read on a connection. planned plans each execution, so that NULL filters do not pin a generic plan.
func (c *Call) readOn(
	ctx context.Context, conn *pgxpool.Conn, planned bool, dst dbtx.RowWriter, run statement,
) error {
	dst = c.withBasePath(dst)
	if c.check == nil {
		return run(ctx, db.New(dbtx.Raw(conn, dst, planOptions(planned)...)))
	}
	p := c.checkPipeline(ctx, planned)
	p.AddRaw(func(q *db.Queries) error { return run(ctx, q) }, dst)
	return p.Run(ctx, conn)
}

// planOptions returns the options for pgx of a statement that is planned for each execution.
func planOptions(planned bool) []any {
	if planned {
		return []any{pgx.QueryExecModeCacheDescribe}
	}
	return nil
}

// addCheck adds the check of the caller to a pipeline. With a request ID, the check also sets the context of the
// transaction.
func (c *Call) addCheck(ctx context.Context, p *dbtx.Pipeline, requestID *string) {
	p.Add(func(q *db.Queries) error { return c.runCheck(ctx, q, requestID) })
}

// runCheck runs the check of the caller.
func (c *Call) runCheck(ctx context.Context, q *db.Queries, requestID *string) error {
	caller, err := c.check.Run(ctx, q, requestID)
	c.authorized, c.denied = err == nil, err != nil
	if c.authorized {
		c.Info.Caller = caller
	}
	return err
}

// write runs a write in a transaction of its own. A dry run rolls it back. The row goes to dst. respond is called with
// the row before the response is stored for an idempotency key; it returns the body.
func (c *Call) write(ctx context.Context, dst dbtx.RowWriter, run statement, respond func() []byte) error {
	dst = c.withBasePath(dst)
	if c.DryRun {
		if err := c.authorize(ctx); err != nil {
			return err
		}
		return c.inTx(ctx, c.Caller.Username, func(ctx context.Context, tx pgx.Tx) error {
			return run(ctx, db.New(dbtx.Raw(tx, dst)))
		})
	}
	ctx, cancel := context.WithTimeout(ctx, c.statementTimeout())
	defer cancel()
	conn, err := Acquire(ctx, c.server.primary)
	if err != nil {
		return err
	}
	defer conn.Release()
	var p dbtx.Pipeline
	if c.key != "" {
		defer rollbackConn(conn)
		p.Exec("begin isolation level read committed")
	}
	c.addContext(ctx, &p)
	p.AddRaw(func(q *db.Queries) error { return run(ctx, q) }, dst)
	if err := p.Run(ctx, conn); err != nil || c.key == "" {
		return err
	}
	var end dbtx.Pipeline
	response := c.savedResponse(respond())
	end.Add(func(q *db.Queries) error { return q.SaveResponse(ctx, response) })
	end.Exec("commit")
	err = end.Run(ctx, conn)
	if err != nil {
		c.ResetResponse()
	}
	return err
}

// addContext adds the statements with which the transaction of a write begins: the check of the caller, and what the
// database records with the write.
func (c *Call) addContext(ctx context.Context, p *dbtx.Pipeline) {
	if c.check != nil {
		c.addCheck(ctx, p, &c.ID)
	} else {
		p.Add(func(q *db.Queries) error { return q.SetRequestContext(ctx, c.requestContext(c.Caller.Username)) })
	}
	c.addWriteHeaders(ctx, p)
}

// addWriteHeaders adds the statements for the headers X-Change-Message and Idempotency-Key to a pipeline, if the
// request has them. The actor of the transaction must be set before.
func (c *Call) addWriteHeaders(ctx context.Context, p *dbtx.Pipeline) {
	if c.message != "" {
		p.Add(func(q *db.Queries) error {
			return q.SetChangeMessage(ctx, db.SetChangeMessageParams{Message: c.message})
		})
	}
	if key := c.IdempotencyKey(); key != "" {
		p.Add(func(q *db.Queries) error {
			return q.ClaimIdempotencyKey(ctx, db.ClaimIdempotencyKeyParams{Key: key})
		})
	}
}

// requestContext returns what the database records with a write.
func (c *Call) requestContext(actor string) db.SetRequestContextParams {
	return db.SetRequestContextParams{Actor: actor, Role: c.Caller.Role.String(), RequestID: c.ID}
}

// Tx runs statements in one transaction that records the actor, and rolls back a dry run.
func (c *Call) Tx(ctx context.Context, run func(ctx context.Context, q *db.Queries) error) error {
	return c.TxAs(ctx, c.Caller.Username, run)
}

// TxAs is Tx with another actor than the caller.
func (c *Call) TxAs(ctx context.Context, actor string, run func(ctx context.Context, q *db.Queries) error) error {
	return c.inTx(ctx, actor, func(ctx context.Context, tx pgx.Tx) error { return run(ctx, db.New(tx)) })
}

func (c *Call) inTx(ctx context.Context, actor string, run func(ctx context.Context, tx pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.statementTimeout())
	defer cancel()
	return c.inLongTx(ctx, actor, run)
}

// inLongTx is inTx without a timeout of its own, except for the connection.
func (c *Call) inLongTx(ctx context.Context, actor string, run func(ctx context.Context, tx pgx.Tx) error) error {
	acquireCtx, cancel := context.WithTimeout(ctx, StatementTimeout)
	defer cancel()
	conn, err := Acquire(acquireCtx, c.server.primary)
	if err != nil {
		return err
	}
	defer conn.Release()
	tx, err := c.begin(ctx, conn, actor)
	if err != nil {
		return err
	}
	defer rollback(tx)
	if err := run(ctx, tx); err != nil || c.DryRun {
		return err
	}
	if c.key != "" && c.saved == nil {
		return errNoResponse
	}
	return tx.Commit(ctx)
}

// begin opens a transaction that records actor, request ID and change message, and reserves the idempotency key.
func (c *Call) begin(ctx context.Context, conn *pgxpool.Conn, actor string) (pgx.Tx, error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return nil, err
	}
	var p dbtx.Pipeline
	p.Add(func(q *db.Queries) error { return q.SetRequestContext(ctx, c.requestContext(actor)) })
	c.addWriteHeaders(ctx, &p)
	if err := p.Run(ctx, tx); err != nil {
		rollback(tx)
		return nil, err
	}
	return tx, nil
}

// BeginWrite does what begin does, in a transaction that another package has just opened.
func (c *Call) BeginWrite(ctx context.Context, q *db.Queries) error {
	err := q.SetRequestContext(ctx, c.requestContext(c.Caller.Username))
	if err == nil && c.message != "" {
		err = q.SetChangeMessage(ctx, db.SetChangeMessageParams{Message: c.message})
	}
	if key := c.IdempotencyKey(); err == nil && key != "" {
		err = q.ClaimIdempotencyKey(ctx, db.ClaimIdempotencyKeyParams{Key: key})
	}
	return err
}

// rollback rolls a transaction back. It uses a context of its own because the request's may be done.
func rollback(tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.Background(), StatementTimeout)
	defer cancel()
	_ = tx.Rollback(ctx) // the pool discards a connection on which even this fails
}

// rollbackConn ends a transaction that a pipeline has begun and not committed.
func rollbackConn(conn *pgxpool.Conn) {
	if conn.Conn().PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), StatementTimeout)
	defer cancel()
	_, _ = conn.Exec(ctx, "rollback") // see rollback
}
