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
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Inventory is what a database holds: rows by table, and what guards them by kind.
type Inventory struct {
	Rows    map[string]int64 // by table
	Objects map[string]int64 // by kind: how many constraints, indexes, triggers, functions, views, sequences and comments there are
}

// Total is how many rows there are in all tables.
func (c Inventory) Total() (n int64) {
	for _, rows := range c.Rows {
		n += rows
	}
	return n
}

// Differences tells where another census differs, in words; none when they agree.
func (c Inventory) Differences(other Inventory) (all []string) {
	for _, part := range []struct {
		what string
		a, b map[string]int64
	}{{"rows of table ", c.Rows, other.Rows}, {"", c.Objects, other.Objects}} {
		names := slices.Sorted(maps.Keys(part.a))
		for name := range part.b {
			if _, both := part.a[name]; !both {
				names = append(names, name)
			}
		}
		for _, name := range names {
			if part.a[name] != part.b[name] {
				all = append(all, fmt.Sprintf("%s%s: %d, and then %d", part.what, name, part.a[name], part.b[name]))
			}
		}
	}
	return all
}

// takeInventory counts what a connection sees.
func takeInventory(ctx context.Context, conn *pgx.Conn) (c Inventory, err error) {
	c = Inventory{Rows: map[string]int64{}, Objects: map[string]int64{}}
	tables, err := queryStrings(ctx, conn, `
		SELECT format('%I.%I', nspname, relname)
		FROM pg_class
		JOIN pg_namespace ON pg_namespace.oid = relnamespace
		WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_(toast|temp)'
		ORDER BY 1`)
	if err != nil {
		return c, err
	}
	for _, table := range tables {
		var rows int64
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&rows); err != nil {
			return c, err
		}
		c.Rows[table] = rows
	}
	guards, err := conn.Query(ctx, `
		WITH ours AS (
			SELECT oid FROM pg_namespace WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_(toast|temp)'
		), class AS (
			SELECT pg_class.oid, relkind FROM pg_class JOIN ours ON ours.oid = relnamespace
		)
		SELECT 'constraints', count(*) FROM pg_constraint JOIN class ON class.oid = conrelid WHERE convalidated
		UNION ALL SELECT 'indexes', count(*) FROM pg_index JOIN class ON class.oid = indrelid WHERE indisvalid
		UNION ALL SELECT 'triggers', count(*) FROM pg_trigger JOIN class ON class.oid = tgrelid WHERE NOT tgisinternal AND tgenabled = 'O'
		UNION ALL SELECT 'functions', count(*) FROM pg_proc JOIN ours ON ours.oid = pronamespace
		UNION ALL SELECT 'views', count(*) FROM class WHERE relkind = 'v'
		UNION ALL SELECT 'sequences', count(*) FROM class WHERE relkind = 'S'
		UNION ALL SELECT 'defaults', count(*) FROM pg_attrdef JOIN class ON class.oid = adrelid`)
	if err != nil {
		return c, err
	}
	var kind string
	var n int64
	_, err = pgx.ForEachRow(guards, []any{&kind, &n}, func() error { c.Objects[kind] = n; return nil })
	return c, err
}

func queryStrings(ctx context.Context, conn *pgx.Conn, sql string) ([]string, error) {
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// connect opens a connection that waits as long as it takes, for work that no request waits for.
func connect(ctx context.Context, url string) (*pgx.Conn, error) {
	cfg, err := ParseConfig(url)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	_, err = conn.Exec(ctx, "SET statement_timeout = 0")
	return conn, err
}

// closeConn closes a connection whose work is done.
func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), cancelTimeout)
	defer cancel()
	_ = conn.Close(ctx) // nothing of it is needed any more
}

// Dump writes the database at url to a file that must not exist yet, in pg_dump's custom format, and returns what the dump holds: one
// snapshot, while others go on writing. Errors: ErrNoBinaries, what pg_dump says, the file system's.
func Dump(ctx context.Context, url, file string) (held Inventory, err error) {
	conn, err := connect(ctx, url)
	if err != nil {
		return held, err
	}
	defer closeConn(conn)
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return held, err
	}
	var snapshot string
	if err := tx.QueryRow(ctx, "SELECT pg_export_snapshot()").Scan(&snapshot); err != nil {
		return held, err
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // it holds everybody's data, and the hashes of passwords
	if err != nil {
		return held, err
	}
	err = errors.Join(runClient(ctx, "pg_dump", url, out, "--format=custom", "--no-owner", "--snapshot="+snapshot), out.Sync(), out.Close())
	if err != nil {
		return held, errors.Join(err, os.Remove(file))
	}
	return takeInventory(ctx, conn)
}

// VerifyDump restores a dump into a scratch database beside the one at url, counts what is there then, and drops it.
// The role of url must be allowed to create databases.
func VerifyDump(ctx context.Context, url, file string) (held Inventory, err error) {
	name := "labledger_rehearsal_" + strings.ToLower(rand.Text()[:12])
	conn, err := connect(ctx, url)
	if err != nil {
		return held, err
	}
	defer closeConn(conn)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		return held, fmt.Errorf("a scratch database is needed for that: %w", err)
	}
	defer func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		_, failed := conn.Exec(late, "DROP DATABASE "+name+" WITH (FORCE)")
		err = errors.Join(err, failed)
	}()
	scratch, err := withDatabase(url, name)
	if err != nil {
		return held, err
	}
	return RestoreDump(ctx, scratch, file)
}

// withDatabase is the URL of another database of the same server.
func withDatabase(database, name string) (string, error) {
	if u, err := url.Parse(database); err == nil && u.Scheme != "" {
		u.Path = "/" + name
		return u.String(), nil
	}
	cfg, err := ParseConfig(database)
	if err != nil {
		return "", err
	}
	return database + " dbname=" + name + " user='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(cfg.User) + "'", nil
}

// ErrNotEmpty is wrapped when the database that a dump is to be restored into holds something.
var ErrNotEmpty = errors.New("the database is not empty")

// RestoreDump fills the empty database at url with a dump, all or nothing, and returns what it holds then. Errors: ErrNotEmpty, ErrNoBinaries, what
// pg_restore says.
func RestoreDump(ctx context.Context, url, file string) (held Inventory, err error) {
	conn, err := connect(ctx, url)
	if err != nil {
		return held, err
	}
	defer closeConn(conn)
	before, err := takeInventory(ctx, conn)
	if err != nil {
		return held, err
	}
	if len(before.Rows) > 0 {
		return held, fmt.Errorf("%w: it has %d tables", ErrNotEmpty, len(before.Rows))
	}
	// A dump has the rights of the server's role, not the role.
	_, err = conn.Exec(ctx, `
		DO $$
		BEGIN
			IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '`+ServerRole+`') THEN
				CREATE ROLE `+ServerRole+` LOGIN;
			END IF;
		EXCEPTION
			WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL;
		END
		$$`)
	if err != nil {
		return held, err
	}
	jobs := []string{"--no-owner", "--exit-on-error", "--single-transaction"}
	if err := runClient(ctx, "pg_restore", url, nil, append(jobs, "--dbname", "", file)...); err != nil {
		return held, err
	}
	_, err = conn.Exec(ctx, "REVOKE TEMPORARY ON DATABASE "+pgx.Identifier{conn.Config().Database}.Sanitize()+" FROM PUBLIC") // rights to the database itself are in no dump
	if err != nil {
		return held, err
	}
	if _, err := conn.Exec(ctx, "ANALYZE"); err != nil {
		return held, err
	}
	return takeInventory(ctx, conn)
}

// runClient runs one of PostgreSQL's programs on the database at url. An empty argument stands for the database. The password goes by the
// environment: arguments are for everyone on the machine to see.
func runClient(ctx context.Context, program, url string, out *os.File, args ...string) error {
	path, err := FindClient(program)
	if err != nil {
		return err
	}
	target, password := WithoutPassword(url)
	if i := slices.Index(args, ""); i >= 0 {
		args = slices.Replace(slices.Clone(args), i, i+1, target)
	} else {
		args = append(args, "--dbname", target)
	}
	command := exec.CommandContext(ctx, path, args...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 10 * time.Second
	command.Env = os.Environ()
	if password != "" {
		command.Env = append(command.Env, "PGPASSWORD="+password)
	}
	var said strings.Builder
	command.Stderr = &said
	if out != nil {
		command.Stdout = out
	}
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, lastLines(said.String(), 10))
	}
	return nil
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
