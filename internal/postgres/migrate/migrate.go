package migrate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	gomigrate "github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"labledger/internal/postgres"
)

// lockID is the advisory lock that a process holds while it changes the schema: "labledge" in ASCII. The lock belongs
// to a session, so the URL must connect to Postgres itself, not to a pooler in transaction mode.
const lockID int64 = 0x6c61626c65646765

// State describes the schema of a database.
type State struct {
	Version uint // 0 before the first migration
	Dirty   bool // a migration tool was interrupted at Version; Up repairs that
	Files   []Migration
}

// Migration is one version of the schema.
type Migration struct {
	Version uint
	Name    string // the part of the file name after the version
	Applied bool
}

// Up applies all missing migrations to the database at url. It returns the schema version before and after, 0 for none.
//
// The migrations are 000001_name.up.sql and 000001_name.down.sql in the root of files; other files are ignored. Several
// processes may call Up at the same time: each waits for the others until ctx ends. On a database that is up to date,
// Up only reads the version, so it needs neither the lock nor further privileges.
//
// A migration and its version are committed in one transaction, so a failed or killed migration changes nothing. The
// exception is a file with CONCURRENTLY. It must contain only that statement, which must be repeatable (IF NOT EXISTS).
// A database that another migration tool left dirty is repaired first.
//
// Errors: ErrOldSchema, ErrNewerDatabase, ErrPooled, ErrNotOwner, a *pgconn.PgError wrapped with the name of the
// migration, or a connection error. They never contain the password.
func Up(ctx context.Context, url string, files fs.FS) (from, to uint, err error) {
	m, err := newMigrator(ctx, url, files)
	if err != nil {
		return 0, 0, err
	}
	defer m.close()
	current, err := m.readVersion(ctx)
	if err != nil {
		return 0, 0, m.wrapPrivilege(err)
	}
	if err := m.check(current); err != nil {
		return current.number(), current.number(), err
	}
	if current.version == m.newest() && !current.dirty {
		return current.number(), current.number(), nil
	}
	from, to, err = m.migrate(ctx, func(tool *gomigrate.Migrate, _ int) error { return tool.Up() })
	return from, to, m.wrapPrivilege(err)
}

// Down reverts the last steps migrations, or all when steps is 0 or less, and returns the schema version before and
// after. The data in dropped tables and columns is lost. Otherwise it works like Up.
func Down(ctx context.Context, url string, files fs.FS, steps int) (from, to uint, err error) {
	m, err := newMigrator(ctx, url, files)
	if err != nil {
		return 0, 0, err
	}
	defer m.close()
	return m.migrate(ctx, func(tool *gomigrate.Migrate, version int) error {
		applied := 0
		for _, f := range m.files {
			if int(f.Version) <= version {
				applied++
			}
		}
		if steps <= 0 || steps >= applied {
			return tool.Down()
		}
		return tool.Steps(-steps)
	})
}

// Status reads the state of the schema and changes nothing. It returns the errors of Up, except that a newer database
// is no error.
func Status(ctx context.Context, url string, files fs.FS) (State, error) {
	m, err := newMigrator(ctx, url, files)
	if err != nil {
		return State{}, err
	}
	defer m.close()
	current, err := m.readVersion(ctx)
	if err != nil {
		return State{}, err
	}
	if err := checkSchemaSet(current); err != nil {
		return State{}, err
	}
	state := State{Version: current.number(), Dirty: current.dirty, Files: m.files}
	for i, f := range m.files {
		version := int(f.Version)
		m.files[i].Applied = version < current.version || version == current.version && !current.dirty
	}
	return state, nil
}

// A migrator has the migrations and the one connection that holds the lock and runs them. When the connection breaks,
// Postgres both rolls back and releases the lock.
type migrator struct {
	cfg    *pgx.ConnConfig
	conn   *pgx.Conn
	source source.Driver
	files  []Migration
}

func newMigrator(ctx context.Context, url string, files fs.FS) (*migrator, error) {
	cfg, err := postgres.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if n.SeverityUnlocalized == "WARNING" {
			slog.Warn("Postgres warning: "+n.Message, "hint", n.Hint)
		}
	}
	m := &migrator{cfg: cfg}
	if m.source, err = iofs.New(files, "."); err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	for v, err := m.source.First(); ; v, err = m.source.Next(v) {
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the migrations: %w", err)
		}
		m.files = append(m.files, Migration{Version: v, Name: m.name(v)})
	}
	if m.conn, err = pgx.ConnectConfig(ctx, cfg); err != nil {
		return nil, fmt.Errorf("connect for migrations: %w", err)
	}
	return m, nil
}

// name returns the name of a version, or "" when it has no up file.
func (m *migrator) name(version uint) string {
	r, name, err := m.source.ReadUp(version)
	if err != nil {
		return ""
	}
	r.Close()
	return name
}

// close closes the connection, which releases the lock.
func (m *migrator) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	m.conn.Close(ctx)
}

// newest returns the last version, or database.NilVersion when there are no migrations.
func (m *migrator) newest() int {
	if len(m.files) == 0 {
		return database.NilVersion
	}
	return int(m.files[len(m.files)-1].Version)
}

// versionBefore returns the version that precedes version, or database.NilVersion.
func (m *migrator) versionBefore(version int) int {
	before := database.NilVersion
	for _, f := range m.files {
		if int(f.Version) >= version {
			break
		}
		before = int(f.Version)
	}
	return before
}

// migrate runs golang-migrate while holding the lock. It repairs a dirty database first.
func (m *migrator) migrate(
	ctx context.Context, run func(tool *gomigrate.Migrate, version int) error,
) (from, to uint, err error) {
	if err := m.rejectPooler(ctx); err != nil {
		return 0, 0, err
	}
	if err := m.lock(ctx); err != nil {
		return 0, 0, err
	}
	current, err := m.readVersion(ctx)
	if err != nil {
		return 0, 0, err
	}
	if err := m.check(current); err != nil {
		return current.number(), current.number(), err
	}

	tool, driver, err := m.openTool(ctx)
	if err != nil {
		return current.number(), current.number(), err
	}
	defer driver.Close()
	if !current.exists() {
		if err := m.markSchemaSet(ctx, driver.table); err != nil {
			return 0, 0, err
		}
	}
	version := current.version
	if current.dirty {
		version = m.cleanVersion(version)
		slog.Warn("repairing an interrupted migration", "interrupted", current.version, "from", version)
		if err := tool.Force(version); err != nil {
			err = fmt.Errorf("repair the interrupted migration %d: %w", current.version, err)
			return current.number(), current.number(), err
		}
	}

	err = run(tool, version)
	after, readErr := m.readVersion(context.WithoutCancel(ctx))
	if readErr != nil { // the connection broke; finished steps are committed, and the next call reads the real version
		after.version = version
	}
	from, to = number(version), after.number()
	if err == nil || errors.Is(err, gomigrate.ErrNoChange) {
		return from, to, readErr
	}
	return from, to, m.wrapStepError(driver, err)
}

// openTool prepares golang-migrate, and creates the version table when it does not exist.
func (m *migrator) openTool(ctx context.Context) (*gomigrate.Migrate, *txDriver, error) {
	cfg := m.cfg.Copy()
	cfg.RuntimeParams["lock_timeout"] = "15s" // golang-migrate waits for other migration tools without a timeout
	db := stdlib.OpenDB(*cfg)
	table, err := migratepgx.WithInstance(db, &migratepgx.Config{})
	if err != nil {
		db.Close()
		return nil, nil, fmt.Errorf("prepare %s: %w", migratepgx.DefaultMigrationsTable, err)
	}
	driver := &txDriver{Driver: table, ctx: ctx, conn: m.conn}
	var schema string
	if err := m.conn.QueryRow(ctx, "SELECT current_schema()").Scan(&schema); err != nil {
		driver.Close()
		return nil, nil, err
	}
	driver.table = pgx.Identifier{schema, migratepgx.DefaultMigrationsTable}.Sanitize()
	tool, err := gomigrate.NewWithInstance("iofs", m.source, "pgx5", driver)
	if err != nil {
		driver.Close()
		return nil, nil, err
	}
	return tool, driver, nil
}

// cleanVersion returns the real version of a dirty database: the interrupted step was one transaction and was rolled
// back. Version -1 is dirty only when the first migration was being reverted; otherwise a migration was being applied.
func (m *migrator) cleanVersion(version int) int {
	if version < 0 && len(m.files) > 0 {
		return int(m.files[0].Version)
	}
	return m.versionBefore(version)
}

// wrapStepError adds the name of the failed migration and removes its text, which golang-migrate includes.
func (m *migrator) wrapStepError(driver *txDriver, err error) error {
	name := fmt.Sprintf("version %d", max(driver.target, 0))
	for _, f := range m.files {
		if int(f.Version) == driver.target {
			name = fmt.Sprintf("version %d (%s)", f.Version, f.Name)
		}
	}
	var toolErr database.Error
	if errors.As(err, &toolErr) {
		err = toolErr.OrigErr
	}
	return fmt.Errorf("migration to %s failed and was rolled back: %w", name, err)
}

// lock acquires the advisory lock. It polls instead of waiting in Postgres: a waiting statement holds a snapshot, and
// CREATE INDEX CONCURRENTLY of the lock's holder would wait for that snapshot, a deadlock.
func (m *migrator) lock(ctx context.Context) error {
	for first := true; ; first = false {
		var acquired bool
		if err := m.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", lockID).Scan(&acquired); err != nil {
			return fmt.Errorf("lock the schema: %w", err)
		}
		if acquired {
			// A migration of large tables may take longer than the role's timeout for requests.
			_, err := m.conn.Exec(ctx, "SET statement_timeout = 0")
			return err
		}
		if first {
			slog.Info("waiting for another process that migrates this database")
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("another process is migrating this database: %w", context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
