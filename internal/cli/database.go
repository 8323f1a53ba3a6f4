package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/postgres"
	"labledger/internal/postgres/embedded"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

// database is the database of a command: an external one, or the embedded Postgres for as long as the command runs.
type database struct {
	url     string
	cluster *embedded.Cluster // nil for an external database
	pool    *pgxpool.Pool
	tracer  pgx.QueryTracer // of the pool; nil for none
	schema  uint            // schema version after migrateAndSeed, which is the one that this program needs
}

// openCluster is embedded.Start, for the server, or embedded.StartOrAttach, for commands beside a server.
type openCluster func(ctx context.Context, stateDir string, log *slog.Logger) (*embedded.Cluster, error)

// openDatabase connects to the database at url, or to the embedded Postgres if url is empty.
func (c *config) openDatabase(
	ctx context.Context, log *slog.Logger, url envValue, open openCluster, tracer pgx.QueryTracer,
) (*database, error) {
	if err := url.rejectPlaceholder(); err != nil {
		return nil, err
	}
	d := &database{url: url.value, tracer: tracer}
	if d.url == "" {
		if names := postgres.IgnoreEnvironment(); len(names) > 0 {
			log.Info("variables ignored, since the embedded Postgres has its own settings; "+
				"set DATABASE_URL to use another server", "variables", names)
		}
		cluster, err := open(ctx, c.StateDir, log)
		if err != nil {
			return nil, err
		}
		d.cluster, d.url = cluster, cluster.URL()
	}
	pool, err := postgres.Open(ctx, d.url, postgres.WithTracer(tracer))
	if err != nil {
		d.close()
		return nil, fmt.Errorf("%s: %w", url.name, err)
	}
	d.pool = pool
	if d.cluster == nil {
		err = postgres.CheckStatements(ctx, pool)
	}
	if err != nil {
		d.close()
		return nil, fmt.Errorf("%s: %w", url.name, err)
	}
	return d, nil
}

// migrateAndSeed migrates the schema and loads the mock data into a new embedded Postgres.
func (d *database) migrateAndSeed(ctx context.Context, log *slog.Logger) error {
	from, to, err := migrate.Up(ctx, d.url, schema.Files)
	if err != nil {
		return err
	}
	d.schema = to
	if from != to {
		log.Info("schema migrated", "from", from, "to", to)
	}
	if err := d.resetRestoredXids(ctx, log); err != nil {
		return err
	}
	if d.cluster == nil || !d.cluster.IsNew() {
		return nil
	}
	if err := d.seed(ctx); err != nil {
		return err
	}
	log.Info("mock data loaded")
	return d.cluster.MarkInitialized()
}

// resetRestoredXids makes readers see the whole history of a database that pg_restore filled. While it waits for the
// locks that this takes, writers wait for it. So it waits for short times and tries again in between.
func (d *database) resetRestoredXids(ctx context.Context, log *slog.Logger) error {
	for attempt := 1; ; attempt++ {
		changes, err := d.tryResetRestoredXids(ctx)
		var pgErr *pgconn.PgError
		switch {
		case err == nil && changes > 0:
			log.Info("transaction IDs of a restored history reset", "changes", changes)
			return nil
		case err == nil:
			return nil
		case attempt == maxResetAttempts || !errors.As(err, &pgErr) ||
			pgErr.Code != pgerrcode.LockNotAvailable && !pgerrcode.IsTransactionRollback(pgErr.Code):
			return fmt.Errorf("reset the transaction IDs of a restored history: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(resetPause):
		}
	}
}

// Limits of resetRestoredXids.
const (
	maxResetAttempts = 10
	resetLockTimeout = "2s"
	resetPause       = time.Second
)

func (d *database) tryResetRestoredXids(ctx context.Context) (changes int64, err error) {
	options := pgx.TxOptions{IsoLevel: pgx.ReadCommitted}
	err = pgx.BeginTxFunc(ctx, d.pool, options, func(tx pgx.Tx) (err error) {
		q := db.New(tx)
		if err := q.SetLockTimeout(ctx, db.SetLockTimeoutParams{LockTimeout: resetLockTimeout}); err != nil {
			return err
		}
		changes, err = q.ResetRestoredXids(ctx)
		return err
	})
	return changes, err
}

func (d *database) seed(ctx context.Context) error {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	_, err = conn.Conn().PgConn().Exec(ctx, schema.MockData).ReadAll()
	return err
}

// clusterDone returns a channel that is closed when the embedded Postgres cannot be kept running, or nil for an
// external database.
func (d *database) clusterDone() <-chan struct{} {
	if d.cluster == nil {
		return nil
	}
	return d.cluster.Done()
}

// close closes the pool and stops an embedded Postgres that this process started.
func (d *database) close() {
	if d.pool != nil {
		d.pool.Close()
	}
	if d.cluster == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := d.cluster.Stop(ctx); err != nil {
		fmt.Fprintln(os.Stderr,
			"labledger: Postgres did not shut down cleanly; it will recover at the next start: "+err.Error())
	}
}

// checkSchema returns an error unless the schema is the one that this program needs, or a newer one, which is
// compatible. Only a new embedded Postgres is migrated and gets the mock data: a command must not change the schema
// under a running server.
func (d *database) checkSchema(ctx context.Context) error {
	if d.cluster != nil && d.cluster.IsNew() {
		return d.migrateAndSeed(ctx, warnLogger())
	}
	state, err := migrate.Status(ctx, d.url, schema.Files)
	if err != nil {
		return err
	}
	if state.Dirty {
		return errors.New("the last migration of the database was interrupted: run `labledger migrate up`")
	}
	if needed := state.Files[len(state.Files)-1].Version; state.Version < needed {
		return fmt.Errorf("the schema of the database is at version %d, this program needs version %d: "+
			"run `labledger migrate up`", state.Version, needed)
	}
	return d.resetRestoredXids(ctx, warnLogger())
}

// withCheckedDB is withOwnerDB for a command that needs the schema of this program.
func (c *config) withCheckedDB(ctx context.Context, run func(*database) error) error {
	return c.withOwnerDB(ctx, func(d *database) error {
		if err := d.checkSchema(ctx); err != nil {
			return err
		}
		return run(d)
	})
}

// withOwnerDB runs a command on the database as its owner. A server may run at the same time.
func (c *config) withOwnerDB(ctx context.Context, run func(*database) error) error {
	d, err := c.openDatabase(ctx, warnLogger(), c.ownerURL(), embedded.StartOrAttach, nil)
	if err != nil {
		return err
	}
	defer d.close()
	return run(d)
}

// dropPrivileges reconnects to the embedded Postgres as the unprivileged server role. An external database is used as
// the role that its URL names; if other machines reach the server and that role could rewrite the history, it logs a
// warning.
func (c *config) dropPrivileges(ctx context.Context, log *slog.Logger, d *database) error {
	if d.cluster != nil {
		pool, err := postgres.Open(ctx, d.cluster.ServerURL(), postgres.WithTracer(d.tracer))
		if err != nil {
			return err
		}
		d.pool.Close()
		d.pool = pool
		return nil
	}
	if c.isLoopback() && !c.authRequired() {
		return nil
	}
	privileged, err := postgres.HasOwnerRights(ctx, d.pool)
	if err == nil && privileged {
		log.Warn("the role of DATABASE_URL can change the schema and rewrite the history, " +
			"which the server does not need; connect as its server role, such as " + postgres.ServerRole +
			", instead (once, as the owner: ALTER ROLE " + postgres.ServerRole + " PASSWORD '…'); " +
			"only `labledger migrate up` needs the owner's URL")
	}
	return err
}

// The timeouts of the replica are short: if it does not answer, it must delay neither the lists, which the primary then
// serves, nor the start.
const (
	replicaCancelTimeout = 100 * time.Millisecond
	replicaCheckTimeout  = 2 * time.Second
)

// openReplica connects to the replica from which lists are read. It returns nil if none is configured.
func (c *config) openReplica(ctx context.Context, tracer pgx.QueryTracer) (*pgxpool.Pool, error) {
	if c.ReadDatabaseURL == "" {
		return nil, nil
	}
	checkCtx, cancel := context.WithTimeout(ctx, replicaCheckTimeout)
	defer cancel()
	if err := postgres.CheckEncoding(checkCtx, c.ReadDatabaseURL); err != nil {
		return nil, fmt.Errorf("READ_DATABASE_URL: %w", err)
	}
	pool, err := postgres.Open(ctx, c.ReadDatabaseURL,
		postgres.WithTracer(tracer), postgres.WithCancelTimeout(replicaCancelTimeout))
	if err != nil {
		return nil, fmt.Errorf("READ_DATABASE_URL: %w", err)
	}
	if err := postgres.CheckStatements(checkCtx, pool); err != nil {
		pool.Close()
		return nil, fmt.Errorf("READ_DATABASE_URL: %w", err)
	}
	return pool, nil
}
