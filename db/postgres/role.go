package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
)

// ServerRole is the role that the server works as. What it may do, the schema's migrations say.
const ServerRole = "labledger_server"

// MayRewrite reports whether the role of the pool could do to the history what ServerRole cannot: it owns the tables, directly or as a
// superuser, or was given too much.
func MayRewrite(ctx context.Context, pool *pgxpool.Pool) (may bool, err error) {
	err = pool.QueryRow(ctx, `
		SELECT pg_has_role(relowner, 'MEMBER') OR has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
		FROM pg_class
		WHERE oid = to_regclass('change')`).Scan(&may)
	return may, err
}
