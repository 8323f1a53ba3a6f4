package postgres

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrStatementsLost reports a pooler that gives the statements of a client different sessions.
var ErrStatementsLost = errors.New("connections lose their prepared statements, as behind PgBouncer in transaction " +
	"mode: add the parameter default_query_exec_mode=cache_describe to the URL, " +
	"or set max_prepared_statements in PgBouncer 1.21 or newer")

// IsPooled reports whether a pooler is between client and Postgres. A pooler invents the process IDs that it sends to
// clients.
func IsPooled(ctx context.Context, conn *pgx.Conn) (bool, error) {
	results, err := conn.PgConn().Exec(ctx, "SELECT pg_backend_pid()").ReadAll() // without a prepared statement
	if err != nil {
		return false, err
	}
	pid, err := strconv.ParseUint(string(results[0].Rows[0][0]), 10, 32)
	return uint32(pid) != conn.PgConn().PID(), err
}

// Bounds of CheckStatements.
const (
	statementsTimeout = 5 * time.Second
	statementsTries   = 3 // a pooler may give two connections different sessions by chance
)

// CheckStatements returns ErrStatementsLost if the pool prepares statements and a pooler loses them. It ignores a
// database that it cannot connect to.
func CheckStatements(ctx context.Context, pool *pgxpool.Pool) error {
	cfg := pool.Config().ConnConfig
	if cfg.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement {
		return nil
	}
	cfg.Tracer = nil
	ctx, cancel := context.WithTimeout(ctx, statementsTimeout)
	defer cancel()
	first, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil
	}
	defer closeConn(first)
	if pooled, err := IsPooled(ctx, first); err != nil || !pooled {
		return nil
	}
	second, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil
	}
	defer closeConn(second)
	for range statementsTries {
		if shareSession(ctx, first, second) {
			return ErrStatementsLost
		}
	}
	return nil
}

// shareSession reports whether two connections have used the same session, in which a name can be prepared only once.
func shareSession(ctx context.Context, first, second *pgx.Conn) (shared bool) {
	const name = "labledger_probe"
	for _, conn := range []*pgx.Conn{first, second} {
		_, err := conn.PgConn().Prepare(ctx, name, "SELECT 1", nil)
		var pgErr *pgconn.PgError
		if errors.As(err, &pgErr) && pgErr.Code == pgerrcode.DuplicatePreparedStatement {
			shared = true
		}
	}
	for _, conn := range []*pgx.Conn{first, second} {
		_ = conn.PgConn().Deallocate(ctx, name) // a statement that remains has no effect
	}
	return shared
}
