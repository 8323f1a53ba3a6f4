package migrate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strings"
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

// LockID is the advisory lock that whoever changes the schema of a database holds: "labledge" in ASCII.
// It belongs to a session, so url must lead to Postgres itself, not to a pooler in transaction mode.
const LockID int64 = 0x6c61626c65646765

// ErrNewerDatabase is wrapped when the database has migrations that this program does not know.
var ErrNewerDatabase = errors.New("the database is newer than this program")

// State says how far the schema of a database is.
type State struct {
	Version uint // 0 before the first migration
	Dirty   bool // a migration tool was interrupted at Version; Up heals it
	Files   []Migration
}

// Migration is one numbered step that this program knows.
type Migration struct {
	Version uint
	Name    string // what follows the number in the file's name
	Applied bool
}

// Up brings the database at url to the newest of files and returns its version before and after; both are 0 for none.
// Files lie at the root as 000001_name.up.sql and 000001_name.down.sql; others are ignored. Any number of processes may call it
// at once; each waits for its turn until ctx ends. A database that is up to date is only read.
//
// A file runs in one transaction together with the change of version: what fails or is killed leaves no trace. The exception
// is a file with CONCURRENTLY, which must hold that one statement alone, written so that it can run again (IF NOT EXISTS).
// A database that another migration tool left dirty is healed first.
//
// Errors: ErrNewerDatabase, ErrNotOwner, a *pgconn.PgError with the file's name in front, or why the server cannot be reached; never a password.
func Up(ctx context.Context, url string, files fs.FS) (from, to uint, err error) {
	s, err := newMigrator(ctx, url, files)
	if err != nil {
		return 0, 0, err
	}
	defer s.close()
	version, dirty, err := s.readVersion(ctx)
	if err != nil {
		return 0, 0, s.wrapPrivilege(err)
	}
	if err := s.checkNotNewer(version); err != nil {
		return uint(max(version, 0)), uint(max(version, 0)), err
	}
	if version == s.newest() && !dirty { // no lock and no rights needed: this is every start but the first
		return uint(max(version, 0)), uint(max(version, 0)), nil
	}
	from, to, err = s.run(ctx, func(m *gomigrate.Migrate, _ int) error { return m.Up() })
	return from, to, s.wrapPrivilege(err)
}

// Down takes back the last steps migrations, all of them when steps is 0 or less, and returns the version before and after.
// Data in what is dropped are lost. Otherwise as Up.
func Down(ctx context.Context, url string, files fs.FS, steps int) (from, to uint, err error) {
	s, err := newMigrator(ctx, url, files)
	if err != nil {
		return 0, 0, err
	}
	defer s.close()
	return s.run(ctx, func(m *gomigrate.Migrate, version int) error {
		applied := 0
		for _, f := range s.files {
			if int(f.Version) <= version {
				applied++
			}
		}
		if steps <= 0 || steps >= applied {
			return m.Down()
		}
		return m.Steps(-steps)
	})
}

// Status reads how far the database at url is; it changes nothing. Errors as Up, but a newer database is none.
func Status(ctx context.Context, url string, files fs.FS) (State, error) {
	s, err := newMigrator(ctx, url, files)
	if err != nil {
		return State{}, err
	}
	defer s.close()
	version, dirty, err := s.readVersion(ctx)
	if err != nil {
		return State{}, err
	}
	state := State{Version: uint(max(version, 0)), Dirty: dirty, Files: s.files}
	for i, f := range s.files {
		s.files[i].Applied = int(f.Version) < version || int(f.Version) == version && !dirty
	}
	return state, nil
}

// migrator are the files and the connection that holds the lock and runs them: when it breaks, both end together.
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
			slog.Warn("the database warns: "+n.Message, "hint", n.Hint)
		}
	}
	s := &migrator{cfg: cfg}
	if s.source, err = iofs.New(files, "."); err != nil {
		return nil, fmt.Errorf("read the migration files: %w", err)
	}
	for v, err := s.source.First(); ; v, err = s.source.Next(v) {
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the migration files: %w", err)
		}
		s.files = append(s.files, Migration{Version: v, Name: s.name(v)})
	}
	if s.conn, err = pgx.ConnectConfig(ctx, cfg); err != nil {
		return nil, fmt.Errorf("connect for migrating: %w", err)
	}
	return s, nil
}

// name is what a version is called in its file's name; "" for one without an up file.
func (s *migrator) name(version uint) string {
	r, name, err := s.source.ReadUp(version)
	if err != nil {
		return ""
	}
	r.Close()
	return name
}

// close frees the lock with the connection.
func (s *migrator) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.conn.Close(ctx)
}

// newest is the last version of the files, database.NilVersion when there are none.
func (s *migrator) newest() int {
	if len(s.files) == 0 {
		return database.NilVersion
	}
	return int(s.files[len(s.files)-1].Version)
}

// versionBefore is the version a step starts from: the one before it in the files.
func (s *migrator) versionBefore(version int) int {
	before := database.NilVersion
	for _, f := range s.files {
		if int(f.Version) >= version {
			break
		}
		before = int(f.Version)
	}
	return before
}

func (s *migrator) checkNotNewer(version int) error {
	if version <= s.newest() {
		return nil
	}
	return fmt.Errorf("%w: this program knows schema %d, the database is at %d: run a newer labledger", ErrNewerDatabase, max(s.newest(), 0), version)
}

// readVersion reads golang-migrate's table without needing a right to make it.
func (s *migrator) readVersion(ctx context.Context) (version int, dirty bool, err error) {
	err = s.conn.QueryRow(ctx, "SELECT version, dirty FROM schema_migrations LIMIT 1").Scan(&version, &dirty)
	var pgErr *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows), errors.As(err, &pgErr) && pgErr.Code == "42P01": // no such table: a new database
		return database.NilVersion, false, nil
	case err != nil:
		return 0, false, fmt.Errorf("read the version of the schema: %w", err)
	}
	return version, dirty, nil
}

// ErrPooled is wrapped when a URL that is to change the schema leads through a connection pooler.
var ErrPooled = errors.New("the database URL leads through a connection pooler")

// rejectPooler refuses a pooler: our lock belongs to a session, and there a session is not ours; the lock would stay behind with a stranger.
func (s *migrator) rejectPooler(ctx context.Context) error {
	var behind uint32
	if err := s.conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&behind); err != nil {
		return fmt.Errorf("prepare to migrate: %w", err)
	}
	if behind != s.conn.PgConn().PID() {
		return fmt.Errorf("%w, and the schema must be brought up to date: run `labledger migrate up` once with a DATABASE_URL that leads to PostgreSQL itself", ErrPooled)
	}
	return nil
}

// ErrNotOwner is wrapped when the schema must change and the role of the URL may not change it.
var ErrNotOwner = errors.New("the schema of the database is not up to date, and this role may not change it")

// wrapPrivilege adds to a lack of rights what to do about it.
func (s *migrator) wrapPrivilege(err error) error {
	cause := err
	var inTool *database.Error // golang-migrate's own, which does not unwrap
	if errors.As(err, &inTool) {
		cause = inTool.OrigErr
	}
	var pgErr *pgconn.PgError
	if errors.As(cause, &pgErr) && pgErr.Code == "42501" {
		return fmt.Errorf("%w: first run `labledger migrate up` with a DATABASE_URL that connects as the owner of its tables (as %s: %w)", ErrNotOwner, s.cfg.User, cause)
	}
	return err
}

// run runs golang-migrate under our lock, on a healed database.
func (s *migrator) run(ctx context.Context, run func(m *gomigrate.Migrate, version int) error) (from, to uint, err error) {
	if err := s.rejectPooler(ctx); err != nil {
		return 0, 0, err
	}
	if err := s.lock(ctx); err != nil {
		return 0, 0, err
	}
	version, dirty, err := s.readVersion(ctx)
	if err != nil {
		return 0, 0, err
	}
	at := uint(max(version, 0))
	if err := s.checkNotNewer(version); err != nil {
		return at, at, err
	}

	cfg := s.cfg.Copy()
	cfg.RuntimeParams["lock_timeout"] = "15s" // golang-migrate waits for other migration tools without a bound of its own
	db := stdlib.OpenDB(*cfg)
	defer db.Close()
	table, err := migratepgx.WithInstance(db, &migratepgx.Config{})
	if err != nil {
		return at, at, fmt.Errorf("prepare schema_migrations: %w", err)
	}
	defer table.Close()
	var schema string
	if err := s.conn.QueryRow(ctx, "SELECT current_schema()").Scan(&schema); err != nil {
		return at, at, err
	}
	step := &txDriver{Driver: table, ctx: ctx, conn: s.conn, table: pgx.Identifier{schema, migratepgx.DefaultMigrationsTable}.Sanitize()}
	m, err := gomigrate.NewWithInstance("iofs", s.source, "pgx5", step)
	if err != nil {
		return at, at, err
	}

	if dirty {
		healed := s.cleanVersion(version)
		slog.Warn("a migration of the database was interrupted; taking it up again", "interrupted", version, "from", healed)
		if err := m.Force(healed); err != nil {
			return at, at, fmt.Errorf("heal the interrupted migration %d: %w", version, err)
		}
		version = healed
	}

	err = run(m, version)
	after, _, readErr := s.readVersion(context.WithoutCancel(ctx))
	if readErr != nil { // the connection broke: the steps that ended are kept, which ones the next start sees
		after = version
	}
	from, to = uint(max(version, 0)), uint(max(after, 0))
	if err == nil || errors.Is(err, gomigrate.ErrNoChange) {
		return from, to, readErr
	}
	return from, to, s.wrapStepError(step, err)
}

// cleanVersion is the version a dirty database really has: its interrupted step was one transaction and left nothing.
// Version -1 is dirty only when the first step was being taken back; else the step was on its way up.
func (s *migrator) cleanVersion(version int) int {
	if version < 0 && len(s.files) > 0 {
		return int(s.files[0].Version)
	}
	return s.versionBefore(version)
}

// wrapStepError names the file and leaves out its text, which golang-migrate would print in full.
func (s *migrator) wrapStepError(step *txDriver, err error) error {
	name := fmt.Sprintf("version %d", max(step.target, 0))
	for _, f := range s.files {
		if int(f.Version) == step.target {
			name = fmt.Sprintf("version %d (%s)", f.Version, f.Name)
		}
	}
	var inStep database.Error
	if errors.As(err, &inStep) {
		err = inStep.OrigErr
	}
	return fmt.Errorf("migrating to %s failed, the database stays as it was before that step: %w", name, err)
}

// lock takes LockID on s.conn. It asks again and again rather than wait inside of Postgres:
// a waiting statement holds a snapshot, and CREATE INDEX CONCURRENTLY of the one ahead would wait for that in turn.
func (s *migrator) lock(ctx context.Context) error {
	for first := true; ; first = false {
		var got bool
		if err := s.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", LockID).Scan(&got); err != nil {
			return fmt.Errorf("lock the schema: %w", err)
		}
		if got {
			// A migration of large tables may take longer than what the role allows a request.
			_, err := s.conn.Exec(ctx, "SET statement_timeout = 0")
			return err
		}
		if first {
			slog.Info("another process is migrating this database; waiting for it")
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("another process is migrating this database: %w", context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// txDriver makes each step of golang-migrate all or nothing. By itself it marks the version dirty, runs the file and marks it
// clean, in three transactions: killed between the last two, it leaves a version that is called dirty but is applied.
// Here file and version are one transaction, on the connection that holds our lock, and a step that does not end leaves no mark.
type txDriver struct {
	database.Driver // golang-migrate's own: the version table and its lock against other migration tools

	ctx    context.Context // of the one call this serves; golang-migrate's interface has none
	conn   *pgx.Conn
	table  string
	target int  // the version that the running step leads to
	done   bool // Run has written it
}

// SetVersion implements database.Driver.
func (d *txDriver) SetVersion(version int, dirty bool) error {
	switch {
	case dirty: // the beginning of a step: no mark, since Run changes the version or nothing
		d.target, d.done = version, false
		return nil
	case d.done && version == d.target:
		return nil
	}
	return d.Driver.SetVersion(version, false)
}

// Run implements database.Driver.
func (d *txDriver) Run(migration io.Reader) error {
	file, err := io.ReadAll(migration)
	if err != nil {
		return err
	}
	if strings.Contains(strings.ToUpper(string(file)), "CONCURRENTLY") {
		// Not possible inside a transaction. The version follows it; cut short in between, the step runs again.
		return d.exec(string(file))
	}
	// Several statements in one simple query are one transaction.
	version := "DELETE FROM " + d.table
	if d.target >= 0 {
		version += fmt.Sprintf(";\nINSERT INTO %s (version, dirty) VALUES (%d, false)", d.table, d.target)
	}
	err = d.exec(string(file) + "\n;\n" + version)
	d.done = err == nil
	return err
}

// exec adds the line to what Postgres says about a file.
func (d *txDriver) exec(text string) error {
	_, err := d.conn.PgConn().Exec(d.ctx, text).ReadAll()
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Position > 0 {
		line := 1 + strings.Count(string([]rune(text)[:min(int(pgErr.Position)-1, len([]rune(text)))]), "\n")
		return fmt.Errorf("line %d: %w", line, err)
	}
	return err
}
