package rest

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/problem"
	"labledger/db"
	"labledger/internal/dbtx"
)

// Timeouts of database work. Each is shorter than the next: lock 2 s (in set_request_context), statement, handler,
// connection.
const (
	StatementTimeout = 5 * time.Second  // includes waiting for a connection
	handlerTimeout   = 10 * time.Second // includes all attempts
)

// A Server holds what all endpoints share.
type Server struct {
	authorizer Authorizer
	primary    *pgxpool.Pool
	queries    *db.Queries  // on the primary
	sharer     *dbtx.Sharer // of short reads on the primary; nil if each read makes a round trip of its own
	replica    *Replica     // nil without a replica
	spooler    Spooler      // nil to read bulk bodies directly
	views      ViewReader   // nil without saved views

	// Long transfers take a slot, so that short requests always find a free connection.
	uploads     *Quota  // bodies that arrive, at the speed of their clients; they hold no connection
	transfers   limiter // imports, event batches and replays, at the speed of the database
	exports     limiter // at the speed of their clients
	slotTimeout time.Duration
}

// Limits of bodies that arrive at the same time.
const (
	maxUploads        = 64
	maxAccountUploads = 8
)

// slotTimeout is how long a transfer waits for a slot: its client has sent the whole body.
const slotTimeout = 30 * time.Second

// maxSharedTrips is how many round trips of short reads may be under way at the same time. The more, the fewer reads
// share one.
const maxSharedTrips = 4

// NewServer returns a Server. The connections of the pools use the text format for results. replica and spooler may be
// nil.
func NewServer(authorizer Authorizer, primary *pgxpool.Pool, replica *Replica, spooler Spooler) *Server {
	slots := max(1, primary.Config().MaxConns/4)
	return &Server{
		authorizer: authorizer,
		primary:    primary,
		queries:    db.New(primary),
		sharer:     newSharer(primary, int(min(slots, maxSharedTrips))),
		replica:    replica,
		spooler:    spooler,

		uploads:     NewQuota("uploads", maxUploads, maxAccountUploads),
		transfers:   make(limiter, slots),
		exports:     make(limiter, slots),
		slotTimeout: slotTimeout,
	}
}

// newSharer returns a Sharer, or nil if each statement is traced, or if the connections prepare none: behind a pooler,
// each transaction may run on another connection of Postgres.
func newSharer(pool *pgxpool.Pool, trips int) *dbtx.Sharer {
	config := pool.Config().ConnConfig
	if config.Tracer != nil || config.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement {
		return nil
	}
	acquire := func(ctx context.Context) (*pgxpool.Conn, error) { return Acquire(ctx, pool) }
	return dbtx.NewSharer(acquire, trips, StatementTimeout)
}

// Acquire takes a connection from the pool. The error is a 503 problem if none is available before ctx is done.
func Acquire(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Conn, error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, problem.Unavailable(problem.DatabaseUnavailable,
			"The database is unreachable, or all connections are busy. Try again.", err)
	}
	return conn, nil
}

// A limiter caps concurrent transfers.
type limiter chan struct{}

// tryAcquire takes a slot. The error is a 503 problem if none is free.
func (l limiter) tryAcquire() (release func(), err error) {
	select {
	case l <- struct{}{}:
		return func() { <-l }, nil
	default:
		return nil, errNoSlot()
	}
}

// acquire takes a slot. It waits for one until timeout, which is a 503 problem.
func (l limiter) acquire(ctx context.Context, timeout time.Duration) (release func(), err error) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case l <- struct{}{}:
		return func() { <-l }, nil
	case <-timer.C:
		return nil, errNoSlot()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func errNoSlot() error {
	return problem.Unavailable(problem.Overloaded,
		"Too many long transfers are running. Try again when one has finished.", nil)
}

// maxAttempts is how often a write is attempted before the client gets a 503.
const maxAttempts = 3

// retry repeats a transaction that PostgreSQL aborted because of a concurrent one. An aborted attempt has no effect.
func retry(ctx context.Context, try func(context.Context) error, alsoRetry func(*pgconn.PgError) bool) error {
	for attempt := 1; ; attempt++ {
		err := try(ctx)
		var pgErr *pgconn.PgError
		if attempt == maxAttempts || !errors.As(err, &pgErr) || !(isRetryable(pgErr) || alsoRetry(pgErr)) {
			return err
		}
		pause := time.Duration(rand.Int64N(int64(20*time.Millisecond))) * time.Duration(attempt)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// isRetryable reports a serialization failure, a deadlock or a lock timeout.
func isRetryable(pgErr *pgconn.PgError) bool {
	return pgerrcode.IsTransactionRollback(pgErr.Code) || pgErr.Code == pgerrcode.LockNotAvailable
}
