package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/postgres"
	"labledger/schema"
)

// A database is where a command works: the given one, or the private cluster for as long as the command needs it.
type database struct {
	url     string
	cluster *postgres.Cluster // nil for a given database
	pool    *pgxpool.Pool
	tracer  pgx.QueryTracer // of the pool; nil for none
	schema  uint            // version that its schema was brought to: the one that this program needs
}

// openDatabase reaches the database by start, which differs for the server (postgres.Start) and for commands beside it (postgres.Use).
func (c *config) openDatabase(ctx context.Context, log *slog.Logger, given envValue, start func(context.Context, string, *slog.Logger) (*postgres.Cluster, error), tracer pgx.QueryTracer) (*database, error) {
	if err := given.rejectPlaceholder(); err != nil {
		return nil, err
	}
	d := &database{url: given.value, tracer: tracer}
	if d.url == "" {
		cluster, err := start(ctx, c.StateDir, log)
		if err != nil {
			return nil, err
		}
		d.cluster, d.url = cluster, cluster.URL()
	}
	pool, err := postgres.OpenTraced(ctx, d.url, tracer)
	if err != nil {
		d.close()
		return nil, fmt.Errorf("%s: %w", given.name, err)
	}
	d.pool = pool
	return d, nil
}

// migrateAndSeed brings the schema up to date, and loads the mock data into a private cluster that is new.
func (d *database) migrateAndSeed(ctx context.Context, log *slog.Logger) error {
	from, to, err := postgres.Migrate(ctx, d.url, schema.Files)
	if err != nil {
		return err
	}
	d.schema = to
	if from != to {
		log.Info("schema migrated", "from", from, "to", to)
	}
	settled, err := db.New(d.pool).ResetRestoredXids(ctx)
	if err != nil {
		return err
	}
	if settled > 0 {
		log.Info("history of a restored database settled", "changes", settled)
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

func (d *database) seed(ctx context.Context) error {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	_, err = conn.Conn().PgConn().Exec(ctx, schema.MockData).ReadAll()
	return err
}

// clusterDone is closed when a private cluster has been given up; for a given database never.
func (d *database) clusterDone() <-chan struct{} {
	if d.cluster == nil {
		return nil
	}
	return d.cluster.Done()
}

// close gives up the connections and stops a cluster that this process started.
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
		fmt.Fprintln(os.Stderr, "labledger: Postgres did not stop cleanly; the next start repairs that: "+err.Error())
	}
}

// withOwnerDB runs a command on the database as its owner, whether the server runs at the same time or not.
func (c *config) withOwnerDB(ctx context.Context, run func(*database) error) error {
	d, err := c.openDatabase(ctx, warnLogger(), c.ownerURL(), postgres.StartOrAttach, nil)
	if err != nil {
		return err
	}
	defer d.close()
	return run(d)
}

// dropPrivileges goes on as the server's role, which may do no more than requests need. A given database says itself who works on it; when that
// is somebody who could rewrite the history, and others than its owner get to the server, the operator is told how to do better.
func (c *config) dropPrivileges(ctx context.Context, log *slog.Logger, d *database) error {
	if d.cluster != nil {
		pool, err := postgres.OpenTraced(ctx, d.cluster.ServerURL(), d.tracer)
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
	may, err := postgres.HasOwnerRights(ctx, d.pool)
	if err == nil && may {
		log.Warn("the role of DATABASE_URL may change the schema and rewrite the history, which the server never needs. " +
			"Let it connect as " + postgres.ServerRole + " (once, as the owner: ALTER ROLE " + postgres.ServerRole + " PASSWORD '…'); " +
			"only `labledger migrate up` needs the owner's URL")
	}
	return err
}

// openReplica is what lists are read from; nil when there is none.
func (c *config) openReplica(ctx context.Context, tracer pgx.QueryTracer) (*pgxpool.Pool, error) {
	if c.ReadDatabaseURL == "" {
		return nil, nil
	}
	pool, err := postgres.OpenTraced(ctx, c.ReadDatabaseURL, tracer)
	if err != nil {
		return nil, fmt.Errorf("READ_DATABASE_URL: %w", err)
	}
	return pool, nil
}
