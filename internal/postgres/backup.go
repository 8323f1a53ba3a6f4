package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// An Inventory counts the contents of a database: the rows of each table and its schema objects.
type Inventory struct {
	Rows    map[string]int64 // by table
	Objects map[string]int64 // by kind: constraints, indexes, triggers, functions, views, sequences and defaults
}

// Total returns the number of rows in all tables.
func (inv Inventory) Total() (n int64) {
	for _, rows := range inv.Rows {
		n += rows
	}
	return n
}

// Differences describes each count in which other differs; it returns nil when they are equal.
func (inv Inventory) Differences(other Inventory) (differences []string) {
	for _, part := range []struct {
		prefix string
		a, b   map[string]int64
	}{
		{"rows of table ", inv.Rows, other.Rows},
		{"", inv.Objects, other.Objects},
	} {
		names := slices.Sorted(maps.Keys(part.a))
		for name := range part.b {
			if _, ok := part.a[name]; !ok {
				names = append(names, name)
			}
		}
		for _, name := range names {
			if a, b := part.a[name], part.b[name]; a != b {
				differences = append(differences, fmt.Sprintf("%s%s: expected %d, got %d", part.prefix, name, a, b))
			}
		}
	}
	return differences
}

// takeInventory counts what the connection's transaction can see, without the contents of extensions, as in a dump.
func takeInventory(ctx context.Context, conn *pgx.Conn) (inv Inventory, err error) {
	inv = Inventory{Rows: map[string]int64{}, Objects: map[string]int64{}}
	tables, err := queryStrings(ctx, conn, `
		SELECT format('%I.%I', nspname, relname)
		FROM pg_class
		JOIN pg_namespace ON pg_namespace.oid = relnamespace
		WHERE relkind = 'r'
			AND nspname NOT IN ('pg_catalog', 'information_schema')
			AND nspname !~ '^pg_(toast|temp)'
			AND NOT EXISTS (
				SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e'
			)
		ORDER BY 1`)
	if err != nil {
		return inv, err
	}
	for _, table := range tables {
		var rows int64
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&rows); err != nil {
			return inv, err
		}
		inv.Rows[table] = rows
	}
	objects, err := conn.Query(ctx, `
		WITH namespace AS (
			SELECT oid
			FROM pg_namespace
			WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_(toast|temp)'
		), member AS (
			SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
		), class AS (
			SELECT pg_class.oid, relkind FROM pg_class JOIN namespace ON namespace.oid = relnamespace
			WHERE ('pg_class'::regclass, pg_class.oid) NOT IN (TABLE member)
		)
		SELECT 'constraints', count(*) FROM pg_constraint JOIN class ON class.oid = conrelid WHERE convalidated
		UNION ALL SELECT 'indexes', count(*) FROM pg_index JOIN class ON class.oid = indrelid WHERE indisvalid
		UNION ALL SELECT 'triggers', count(*) FROM pg_trigger JOIN class ON class.oid = tgrelid
			WHERE NOT tgisinternal AND tgenabled = 'O'
		UNION ALL SELECT 'functions', count(*) FROM pg_proc JOIN namespace ON namespace.oid = pronamespace
			WHERE ('pg_proc'::regclass, pg_proc.oid) NOT IN (TABLE member)
		UNION ALL SELECT 'views', count(*) FROM class WHERE relkind = 'v'
		UNION ALL SELECT 'sequences', count(*) FROM class WHERE relkind = 'S'
		UNION ALL SELECT 'defaults', count(*) FROM pg_attrdef JOIN class ON class.oid = adrelid`)
	if err != nil {
		return inv, err
	}
	var kind string
	var n int64
	_, err = pgx.ForEachRow(objects, []any{&kind, &n}, func() error {
		inv.Objects[kind] = n
		return nil
	})
	return inv, err
}

func queryStrings(ctx context.Context, conn *pgx.Conn, sql string) ([]string, error) {
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// connect opens a connection without a statement timeout, for long maintenance work.
func connect(ctx context.Context, url string) (*pgx.Conn, error) {
	cfg, err := ParseConfig(url)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "SET statement_timeout = 0"); err != nil {
		closeConn(conn)
		return nil, err
	}
	return conn, nil
}

// closeConn closes a connection, also when the caller's context has ended.
func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), cancelTimeout)
	defer cancel()
	_ = conn.Close(ctx)
}

// Dump writes the database at url to a file in pg_dump's custom format, and returns the inventory of the dump. Dump and
// inventory share one snapshot, so the database may change meanwhile. Errors: ErrNoBinaries, or the error output of
// pg_dump.
//
// The dump contains an extension only if an unprivileged owner can create it again and it has no tables: the owner may
// not be able to read those, and they belong to the server rather than to Labledger. An example is pg_cron.
func Dump(ctx context.Context, url string, file *os.File) (dumped Inventory, err error) {
	conn, err := connect(ctx, url)
	if err != nil {
		return dumped, err
	}
	defer closeConn(conn)
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return dumped, err
	}
	var snapshot string
	if err := tx.QueryRow(ctx, "SELECT pg_export_snapshot()").Scan(&snapshot); err != nil {
		return dumped, err
	}
	major, err := serverMajor(ctx, conn) // pg_dump rejects a newer server than itself
	if err != nil {
		return dumped, err
	}
	extensions, err := queryStrings(ctx, conn, `
		SELECT name
		FROM pg_available_extension_versions
		WHERE installed AND trusted AND NOT EXISTS (
			SELECT
			FROM pg_extension
			JOIN pg_depend ON refclassid = 'pg_extension'::regclass AND refobjid = pg_extension.oid AND deptype = 'e'
			JOIN pg_class ON classid = 'pg_class'::regclass AND objid = pg_class.oid
			WHERE extname = name AND relkind IN ('r', 'p')
		)`)
	if err != nil {
		return dumped, err
	}
	// To standard output, pg_dump 18 appends its table of contents again instead of completing it.
	args := []string{"--format=custom", "--no-owner", "--snapshot=" + snapshot, "--file=" + file.Name()}
	for _, extension := range extensions { // never empty, since plpgsql is one
		args = append(args, `--extension="`+extension+`"`)
	}
	if err := runClient(ctx, "pg_dump", major, url, args...); err != nil {
		return dumped, err
	}
	return takeInventory(ctx, conn)
}

// serverMajor returns the major version of a server.
func serverMajor(ctx context.Context, conn *pgx.Conn) (major int, err error) {
	err = conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int / 10000").Scan(&major)
	return major, err
}

// scratchPrefix begins the names of the databases that VerifyDump creates.
const scratchPrefix = "labledger_verify_"

// VerifyDump restores a dump into a scratch database on the server of url, returns the inventory of that database, and
// drops it. The role of url must have the CREATEDB privilege.
func VerifyDump(ctx context.Context, url, file string) (restored Inventory, err error) {
	name := scratchPrefix + strings.ToLower(rand.Text()[:12])
	conn, err := connect(ctx, url)
	if err != nil {
		return restored, err
	}
	defer closeConn(conn)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		return restored, fmt.Errorf("create a scratch database: %w", err)
	}
	defer func() {
		dropCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		_, dropErr := conn.Exec(dropCtx, "DROP DATABASE "+name+" WITH (FORCE)")
		err = errors.Join(err, dropErr)
	}()
	scratch, err := withDatabase(url, name)
	if err != nil {
		return restored, err
	}
	return RestoreDump(ctx, scratch, file)
}

// withDatabase returns the URL of another database on the same server.
func withDatabase(database, name string) (string, error) {
	if u, err := url.Parse(database); err == nil && u.Scheme != "" {
		u.Path = "/" + name
		return u.String(), nil
	}
	cfg, err := ParseConfig(database)
	if err != nil {
		return "", err
	}
	// With an explicit user, pgx and pg_restore cannot default to different ones.
	user := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(cfg.User)
	return database + " dbname=" + name + " user='" + user + "'", nil
}

// ErrNotEmpty is wrapped by the error of RestoreDump when the target database has tables.
var ErrNotEmpty = errors.New("the database is not empty")

var missingRole = regexp.MustCompile(`role ".*" does not exist`)

// RestoreDump restores a dump into the empty database at url in one transaction, and returns the inventory of the
// database. It first creates ServerRole and roles, as far as the role of url may. Errors: ErrNotEmpty, ErrNoBinaries,
// or the error output of pg_restore.
func RestoreDump(ctx context.Context, url, file string, roles ...string) (restored Inventory, err error) {
	conn, err := connect(ctx, url)
	if err != nil {
		return restored, err
	}
	defer closeConn(conn)
	before, err := takeInventory(ctx, conn)
	if err != nil {
		return restored, err
	}
	if len(before.Rows) > 0 {
		return restored, fmt.Errorf("%w: it has %d tables", ErrNotEmpty, len(before.Rows))
	}
	// A dump contains the privileges of the server's role, but not the role.
	for _, role := range append(roles, ServerRole) {
		_, err := createRole(ctx, conn, role)
		var pgErr *pgconn.PgError
		if err != nil && !(errors.As(err, &pgErr) && pgErr.Code == pgerrcode.InsufficientPrivilege) {
			return restored, err
		}
	}
	// An older pg_restore cannot read a dump of this server. It can read a dump of its own version.
	major, err := serverMajor(ctx, conn)
	if err != nil {
		return restored, err
	}
	if _, err := FindClient("pg_restore", major); err != nil {
		major = 0
	}
	err = runClient(ctx, "pg_restore", major, url,
		"--no-owner", "--exit-on-error", "--single-transaction", "--dbname", "", file)
	if err != nil {
		if missingRole.MatchString(err.Error()) {
			err = fmt.Errorf("%w\nthe backup has privileges of this role: name it in DATABASE_URL, or create it", err)
		}
		return restored, err
	}
	// A dump of one database does not contain the privileges on the database itself.
	database := pgx.Identifier{conn.Config().Database}.Sanitize()
	if _, err := conn.Exec(ctx, "REVOKE TEMPORARY ON DATABASE "+database+" FROM PUBLIC"); err != nil {
		return restored, err
	}
	if _, err := conn.Exec(ctx, "ANALYZE"); err != nil {
		return restored, err
	}
	return takeInventory(ctx, conn)
}

// runClient runs a PostgreSQL client program of version minMajor or newer on the database at url. An empty argument is
// replaced with the database; without one, --dbname is appended.
func runClient(ctx context.Context, program string, minMajor int, url string, args ...string) error {
	path, err := FindClient(program, minMajor)
	if err != nil {
		return err
	}
	target, password, options := ForLibpq(url)
	if i := slices.Index(args, ""); i >= 0 {
		args = slices.Replace(slices.Clone(args), i, i+1, target)
	} else {
		args = append(args, "--dbname", target)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = ClientEnv(password, options)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, LastLines(stderr.String(), 10))
	}
	return nil
}

// LastLines returns the last n lines of s, for the output of a program in an error.
func LastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
