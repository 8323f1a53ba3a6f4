package migrate

import (
	"context"
	"errors"
	"fmt"

	"github.com/golang-migrate/migrate/v4/database"
	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/internal/postgres"
)

// The migrations were once rewritten, with versions from 1 again. A database of the present set, the second, has this
// marker in the comment of schema_migrations. schema/schema.sql sets the same comment.
const (
	schemaSetMarker  = "labledger schema set 2"
	schemaSetComment = schemaSetMarker + ": the version of the schema, which labledger migrate maintains"
)

// ErrOldSchema is wrapped when the database has migrations of the first set.
var ErrOldSchema = errors.New(
	"the database was created by an earlier development version of Labledger (migration set 1)")

// ErrNewerDatabase is wrapped when the database has migrations that this program does not know.
var ErrNewerDatabase = errors.New("the database is newer than this program")

// ErrPooled is wrapped when the schema must change and the URL connects through a connection pooler.
var ErrPooled = errors.New("the database URL connects through a connection pooler")

// ErrNotOwner is wrapped when the schema must change and the role of the URL lacks the privileges to do so.
var ErrNotOwner = errors.New("the database schema is not up to date, and this role may not change it")

// A schemaVersion is the contents of schema_migrations.
type schemaVersion struct {
	version int // database.NilVersion for none
	dirty   bool
	marked  bool // the table's comment contains schemaSetMarker
}

// exists reports whether the table has a row.
func (v schemaVersion) exists() bool { return v.version != database.NilVersion || v.dirty }

func (v schemaVersion) number() uint { return number(v.version) }

// number returns a version for the caller: 0 for database.NilVersion.
func number(version int) uint { return uint(max(version, 0)) }

// readVersion reads the version table. Unlike golang-migrate it needs no privilege to create the table.
func (m *migrator) readVersion(ctx context.Context) (v schemaVersion, err error) {
	err = m.conn.QueryRow(ctx, `
		SELECT
			version,
			dirty,
			coalesce(strpos(obj_description('schema_migrations'::regclass, 'pg_class'), $1) > 0, false)
		FROM schema_migrations
		LIMIT 1`, schemaSetMarker).Scan(&v.version, &v.dirty, &v.marked)
	var pgErr *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows), errors.As(err, &pgErr) && pgErr.Code == pgerrcode.UndefinedTable: // a new database
		return schemaVersion{version: database.NilVersion}, nil
	case err != nil:
		return schemaVersion{}, fmt.Errorf("read the schema version: %w", err)
	}
	return v, nil
}

// markSchemaSet sets the comment of the version table of a database without migrations.
func (m *migrator) markSchemaSet(ctx context.Context, table string) error {
	if _, err := m.conn.Exec(ctx, "COMMENT ON TABLE "+table+" IS '"+schemaSetComment+"'"); err != nil {
		return fmt.Errorf("mark the schema set: %w", err)
	}
	return nil
}

// check returns why this program cannot migrate a database.
func (m *migrator) check(v schemaVersion) error {
	if err := checkSchemaSet(v); err != nil {
		return err
	}
	if v.version > m.newest() {
		return fmt.Errorf("%w: this program knows schema version %d, the database is at %d: run a newer labledger",
			ErrNewerDatabase, number(m.newest()), v.version)
	}
	return nil
}

// checkSchemaSet returns ErrOldSchema for a database with migrations that has no marker.
func checkSchemaSet(v schemaVersion) error {
	if !v.exists() || v.marked {
		return nil
	}
	return fmt.Errorf("%w; its tables cannot be upgraded: create a new database (embedded Postgres: use another "+
		"state directory), or export the data with the old version and import it", ErrOldSchema)
}

// rejectPooler returns ErrPooled when a pooler is between client and Postgres. The lock belongs to a session, and a
// pooler would leave it with another client's session.
func (m *migrator) rejectPooler(ctx context.Context) error {
	pooled, err := postgres.IsPooled(ctx, m.conn)
	if err != nil {
		return fmt.Errorf("prepare the migration: %w", err)
	}
	if pooled {
		return fmt.Errorf("%w, and the schema must be migrated: "+
			"run `labledger migrate up` once with a DATABASE_URL that connects directly to PostgreSQL", ErrPooled)
	}
	return nil
}

// wrapPrivilege turns a lack of privileges into ErrNotOwner.
func (m *migrator) wrapPrivilege(err error) error {
	cause := err
	var toolErr *database.Error // golang-migrate's error does not implement Unwrap
	if errors.As(err, &toolErr) {
		cause = toolErr.OrigErr
	}
	var pgErr *pgconn.PgError
	if errors.As(cause, &pgErr) && pgErr.Code == pgerrcode.InsufficientPrivilege {
		return fmt.Errorf("%w: first run `labledger migrate up` with a DATABASE_URL that connects as the owner of its "+
			"tables (as %s: %w)", ErrNotOwner, m.cfg.User, cause)
	}
	return err
}
