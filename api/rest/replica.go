package rest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/problem"
	"labledger/db"
	"labledger/internal/dbtx"
)

// This file reads lists from a replica. A list sees every change that was acknowledged before the request: the primary
// returns its position in the write-ahead log, and the replica is read only once it has replayed that position.

// Bounds of what a replica may cost a list, and how long it is skipped afterwards.
const (
	replicaTimeout  = 500 * time.Millisecond // to get a connection and its position
	replayTimeout   = 100 * time.Millisecond // to replay the newest changes
	replayInterval  = 3 * time.Millisecond   // between two looks at the position
	failureCooldown = 10 * time.Second
	lagCooldown     = time.Second // not every list waits for a replica that lags
)

// errNotReplica reports a database that is not a physical replica.
var errNotReplica = errors.New("the database is not a replica")

// A lagError reports how many bytes of changes a replica has not replayed in time.
type lagError int64

func (e lagError) Error() string { return fmt.Sprintf("the replica lags by %d bytes", int64(e)) }

// A Replica serves lists. After a failure it is skipped for a while.
type Replica struct {
	pool *pgxpool.Pool
	// missing returns how many bytes a replica has not replayed up to a position, or -1 if it is no replica.
	missing       func(ctx context.Context, conn *pgxpool.Conn, position string) (int64, error)
	cooldownUntil atomic.Int64 // Unix time in nanoseconds
	served        atomic.Int64 // lists read from the replica
	skipped       atomic.Int64 // lists read from the primary instead
}

// NewReplica returns a Replica, or nil without a pool.
func NewReplica(pool *pgxpool.Pool) *Replica {
	if pool == nil {
		return nil
	}
	return &Replica{pool: pool, missing: missingWAL}
}

func missingWAL(ctx context.Context, conn *pgxpool.Conn, position string) (int64, error) {
	return db.New(conn).GetMissingWAL(ctx, db.GetMissingWALParams{Position: position})
}

func (r *Replica) coolingDown() bool { return time.Now().UnixNano() <= r.cooldownUntil.Load() }

// Reads returns how many lists came from the replica, and how many from the primary because the replica failed or
// lagged.
func (r *Replica) Reads() (served, skipped int64) { return r.served.Load(), r.skipped.Load() }

// Lag returns how many bytes up to a WAL position of the primary the replica has not replayed.
func (r *Replica) Lag(ctx context.Context, position string) (bytes int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, replicaTimeout)
	defer cancel()
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Release()
	bytes, err = r.missing(ctx, conn, position)
	if err == nil && bytes < 0 {
		err = errNotReplica
	}
	return bytes, err
}

// Status describes the replica for /readyz. position is the WAL position of the primary. A failure does not start a
// cooldown: a replica that is briefly slow is no reason to read all lists from the primary.
func (r *Replica) Status(ctx context.Context, position string) string {
	const fallbackNote = "; the primary serves lists"
	conn, err := r.acquire(ctx, position)
	if err == nil {
		conn.Release()
	}
	var lag lagError
	switch {
	case errors.As(err, &lag):
		return fmt.Sprintf("lags by %d bytes%s", int64(lag), fallbackNote)
	case errors.Is(err, errNotReplica):
		return "is not a replica" + fallbackNote
	case err != nil:
		return "unreachable" + fallbackNote
	case r.coolingDown():
		return "failed recently and is skipped for " + failureCooldown.String() + fallbackNote
	}
	return "ok"
}

// acquire returns a connection to the replica that has replayed a WAL position of the primary. It waits a moment for
// that.
func (r *Replica) acquire(ctx context.Context, position string) (*pgxpool.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, replicaTimeout)
	defer cancel()
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.awaitReplay(ctx, conn, position); err != nil {
		conn.Release()
		return nil, err
	}
	return conn, nil
}

// awaitReplay waits until the replica has replayed a position, for replayTimeout. No transaction is open meanwhile,
// since its snapshot could block the replay.
func (r *Replica) awaitReplay(ctx context.Context, conn *pgxpool.Conn, position string) error {
	for start := time.Now(); ; {
		missing, err := r.missing(ctx, conn, position)
		switch {
		case err != nil:
			return err
		case missing < 0:
			return errNotReplica
		case missing == 0:
			return nil
		case time.Since(start) > replayTimeout:
			return lagError(missing)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(replayInterval):
		}
	}
}

// noteFailure starts the cooldown after an error.
func (r *Replica) noteFailure(err error) {
	cooldown := failureCooldown
	var lag lagError
	var pgErr *pgconn.PgError
	switch {
	case errors.As(err, &lag):
		cooldown = lagCooldown
	case errors.As(err, &pgErr) && pgerrcode.IsTransactionRollback(pgErr.Code): // a conflict with the replay
		return
	}
	r.cooldownUntil.Store(time.Now().Add(cooldown).UnixNano())
}

// replicaFailures are the SQLSTATEs, or their classes, of errors that the primary may not return: the replica stops or
// is damaged, is out of resources, cancels a statement that conflicts with its replay, or has an older schema.
var replicaFailures = []string{
	"08", "40", "42", "53", "57P", "58", "XX", pgerrcode.ReadOnlySQLTransaction,
}

// isReplicaFailure reports whether the primary may succeed with a statement that failed on the replica. The replica has
// just answered, so a statement that takes too long would take as long on the primary.
func isReplicaFailure(err error) bool {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		for _, prefix := range replicaFailures {
			if strings.HasPrefix(pgErr.Code, prefix) {
				return true
			}
		}
		return false
	}
	return !errors.Is(err, context.DeadlineExceeded) && problem.IsConnectionError(err)
}

// A listReader reads a list on a connection. It reports whether it has started the response, after which no second
// attempt is possible.
type listReader func(conn *pgxpool.Conn) (started bool, err error)

// readList reads from the replica if that has the newest changes, and otherwise from the primary.
func (c *Call) readList(read listReader) error {
	r := c.server.replica
	if r == nil {
		return c.readListOnPrimary(read)
	}
	if !r.coolingDown() {
		position, err := c.locate()
		if err != nil {
			return err
		}
		conn, err := r.acquire(c.Request.Context(), position)
		if err == nil {
			var started bool
			started, err = readAndRelease(conn, read)
			if err == nil || started || c.Request.Context().Err() != nil || !isReplicaFailure(err) {
				r.served.Add(1)
				return err
			}
		}
		if c.Request.Context().Err() != nil { // the client has disconnected
			return err
		}
		r.noteFailure(err)
	}
	r.skipped.Add(1)
	return c.readListOnPrimary(read)
}

func (c *Call) readListOnPrimary(read listReader) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), StatementTimeout)
	defer cancel()
	conn, err := Acquire(ctx, c.server.primary)
	if err != nil {
		return err
	}
	_, err = readAndRelease(conn, read)
	return err
}

// readAndRelease calls read and releases the connection, even if read panics to abort the response.
func readAndRelease(conn *pgxpool.Conn, read listReader) (started bool, err error) {
	defer conn.Release()
	return read(conn)
}

// locate returns the WAL position of the primary. In the same round trip it authorizes the caller, because the replica
// may not know yet that a session has ended.
func (c *Call) locate() (position string, err error) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), StatementTimeout)
	defer cancel()
	conn, err := Acquire(ctx, c.server.primary)
	if err != nil {
		return "", err
	}
	defer conn.Release()
	var p dbtx.Pipeline
	if c.check != nil {
		c.addCheck(ctx, &p, nil)
	}
	p.Add(func(q *db.Queries) (err error) {
		position, err = q.GetWALPosition(ctx)
		return err
	})
	if err := p.Run(ctx, conn); err != nil {
		return "", err
	}
	c.check = nil
	return position, nil
}
