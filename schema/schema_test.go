package schema_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

func TestMain(m *testing.M) {
	pgtest.Main(m, schema.Files, func(ctx context.Context, url string) error {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(ctx) }() // the template is made
		_, err = conn.PgConn().Exec(ctx, schema.MockData).ReadAll()
		return err
	})
}

// texts are the rows of a query with one column.
func texts(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) []string {
	t.Helper()
	rows, err := pool.Query(context.Background(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return all
}

func exec(pool *pgxpool.Pool, sql string) error {
	_, err := pool.Exec(context.Background(), sql)
	return err
}

// everything lists what a schema is made of, so that two states can be compared.
const everything = `
	SELECT format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default) FROM information_schema.columns WHERE table_schema = 'public'
	UNION ALL SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
	UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
	UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
	UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
	ORDER BY 1`

func TestUpDownUp(t *testing.T) {
	ctx := context.Background()
	url := pgtest.Database(t)
	pool, err := postgres.Open(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	first := texts(t, pool, everything)
	if _, to, err := migrate.Down(ctx, url, schema.Files, 0); err != nil || to != 0 {
		t.Fatalf("down: at %d, %v", to, err)
	}
	for _, left := range texts(t, pool, everything) {
		if !strings.Contains(left, "schema_migrations") {
			t.Errorf("down leaves %s", left)
		}
	}
	if _, _, err := migrate.Up(ctx, url, schema.Files); err != nil {
		t.Fatal(err)
	}
	if second := texts(t, pool, everything); strings.Join(first, "\n") != strings.Join(second, "\n") {
		t.Errorf("up after down makes another schema:\n%s\n---\n%s", strings.Join(first, "\n"), strings.Join(second, "\n"))
	}
}

// TestCatalog holds the habits of the schema: every table and column says what it is, and every rule has a name that a person reads.
func TestCatalog(t *testing.T) {
	pool := pgtest.Pool(t)
	const ours = `c.relnamespace = 'public'::regnamespace AND c.relname <> 'schema_migrations' AND c.relkind IN ('r', 'v')`
	for what, sql := range map[string]string{
		"has no comment":                `SELECT c.relname::text FROM pg_class c WHERE ` + ours + ` AND obj_description(c.oid) IS NULL`,
		"is a column without a comment": `SELECT format('%s.%s', c.relname, a.attname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 WHERE ` + ours + ` AND col_description(c.oid, a.attnum) IS NULL`,
		"is not named after its table":  `SELECT conname::text FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid WHERE ` + ours + ` AND NOT starts_with(conname, c.relname || '_')`,
		"is a check not named after its column": `SELECT conname::text FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid WHERE ` + ours + ` AND contype = 'c'
			AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND starts_with(conname, c.relname || '_' || a.attname || '_'))`,
		"is a foreign key without an index": `SELECT conname::text FROM pg_constraint k WHERE contype = 'f' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indkey[0] = k.conkey[1])`,
	} {
		for _, name := range texts(t, pool, sql) {
			t.Errorf("%s %s", name, what)
		}
	}
}

// The kinds of tables there are, by the triggers that make them so. KEY stands for the column that stands in a row's URL.
const (
	stampVersion = "stamp_version BEFORE INSERT OR UPDATE FOR EACH ROW EXECUTE FUNCTION stamp_version(KEY)"
	recordChange = "record_change AFTER INSERT OR DELETE OR UPDATE FOR EACH ROW EXECUTE FUNCTION record_change(KEY)"
	reserveIDs   = "reserve_ids AFTER INSERT REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION reserve_ids()"
	noTruncate   = "no_truncate BEFORE TRUNCATE FOR EACH STATEMENT EXECUTE FUNCTION refuse()"
	copyRisk     = "copy_risk AFTER INSERT OR DELETE OR UPDATE FOR EACH ROW EXECUTE FUNCTION copy_risk()"
)

var kinds = []struct {
	what     string
	tables   string
	triggers []string
}{
	{"rows have versions and a history", "site freezer computer container", []string{stampVersion, recordChange, reserveIDs, noTruncate}},
	{"the same, but for ids, which the server chooses", "attachment", []string{stampVersion, recordChange, noTruncate}},
	{"the same, and an alert that a row is about is there", "todo", []string{stampVersion, recordChange, reserveIDs, noTruncate,
		"alert_exists BEFORE INSERT OR UPDATE OF alert_id FOR EACH ROW WHEN ((new.alert_id IS NOT NULL)) EXECUTE FUNCTION alert_exists()",
		"keep_own BEFORE DELETE OR UPDATE FOR EACH ROW WHEN ((pg_trigger_depth() = 0)) EXECUTE FUNCTION keep_own()"}},
	{"the same, and the risk is copied to the ledger", "account", []string{stampVersion, recordChange, reserveIDs, noTruncate, copyRisk,
		"end_sessions AFTER UPDATE OF disabled FOR EACH ROW WHEN ((new.disabled AND (NOT old.disabled))) EXECUTE FUNCTION end_sessions('id')",
		"rename_owner AFTER UPDATE OF username FOR EACH ROW WHEN ((new.username <> old.username)) EXECUTE FUNCTION rename_owner()"}},
	{"rows have versions and a history, none goes, and all together are published", "rule", []string{
		stampVersion,
		recordChange,
		"no_truncate BEFORE DELETE OR TRUNCATE FOR EACH STATEMENT EXECUTE FUNCTION keep_ledger()",
		"wait_for_ruleset BEFORE INSERT OR UPDATE FOR EACH STATEMENT EXECUTE FUNCTION wait_for_ruleset()",
		"publish_ruleset AFTER INSERT OR UPDATE FOR EACH STATEMENT EXECUTE FUNCTION publish_ruleset()",
	}},
	{"the history itself", "change", []string{"append_only BEFORE DELETE OR UPDATE OR TRUNCATE FOR EACH STATEMENT EXECUTE FUNCTION refuse()"}},
	{"append-only", "ruleset event alert_change", []string{"append_only BEFORE DELETE OR UPDATE OR TRUNCATE FOR EACH STATEMENT EXECUTE FUNCTION keep_ledger()"}},
	{"has a life and a history of its own", "alert", []string{
		"stamp_alert BEFORE UPDATE FOR EACH ROW EXECUTE FUNCTION stamp_alert()",
		"record_alert_change AFTER UPDATE FOR EACH ROW WHEN ((old.version <> new.version)) EXECUTE FUNCTION record_alert_change()",
		"no_delete BEFORE DELETE OR TRUNCATE FOR EACH STATEMENT EXECUTE FUNCTION keep_ledger()",
	}},
	{"forgotten after some days, never changed", "idempotency", []string{"no_truncate BEFORE UPDATE OR TRUNCATE FOR EACH STATEMENT EXECUTE FUNCTION keep_ledger()"}},
	{"follows from the events", "user_state", nil},
	{"a secret, whose change ends what it opened", "credential", []string{"record_credential AFTER INSERT OR DELETE OR UPDATE FOR EACH ROW EXECUTE FUNCTION record_credential()", "end_sessions AFTER DELETE OR UPDATE OF password_hash FOR EACH ROW EXECUTE FUNCTION end_sessions('account_id')"}},
	{"forgotten some time after it has ended", "session api_token login_attempt", nil},
	{"the migrations' own", "schema_migrations", nil},
}

// TestKinds finds each table to be of one kind, and each trigger there and enabled.
func TestKinds(t *testing.T) {
	pool := pgtest.Pool(t)
	known := map[string]bool{}
	for _, kind := range kinds {
		for table := range strings.FieldsSeq(kind.tables) {
			if known[table] {
				t.Errorf("%s is of two kinds", table)
			}
			known[table] = true
			key := map[string]string{"container": "'uuid'", "rule": "'code'"}[table] // what stands in the row's URL
			if key == "" {
				key = "'id'"
			}
			var want []string
			for _, trigger := range kind.triggers {
				want = append(want, "CREATE TRIGGER "+strings.Replace(trigger, "KEY", key, 1))
			}
			got := texts(t, pool, `SELECT replace(pg_get_triggerdef(oid), ' ON public.' || $1::text, '') || CASE tgenabled WHEN 'O' THEN '' ELSE ' disabled' END
				FROM pg_trigger WHERE tgrelid = $1::text::regclass AND NOT tgisinternal`, table)
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s (%s) has the triggers\n%s\nnot\n%s", table, kind.what, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	}
	for _, table := range texts(t, pool, `SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')`) {
		if !known[table] {
			t.Errorf("%s is of no kind", table)
		}
		delete(known, table)
	}
	for table := range known {
		t.Errorf("there is no table %s", table)
	}
}

// TestHistory makes changes as a person in psql does, without a word about who they are.
func TestHistory(t *testing.T) {
	pool := pgtest.Pool(t)
	const last = `SELECT format('%s %s %s %s v%s v%s by %s for %s', table_name, row_key, action, after ->> 'name', before ->> 'version', after ->> 'version', actor, request_id) FROM change ORDER BY id DESC LIMIT 1`
	for _, c := range []struct{ sql, want string }{
		{"INSERT INTO site (name) VALUES ('New')", "site 4 insert New v v1 by labledger for "},
		{"UPDATE site SET name = 'Renamed' WHERE id = 4", "site 4 update Renamed v1 v2 by labledger for "},
		{"UPDATE site SET name = 'Renamed' WHERE id = 4", "site 4 update Renamed v1 v2 by labledger for "}, // nothing has changed, so nothing is recorded
		{"UPDATE site SET version = 99 WHERE id = 4", "site 4 update Renamed v1 v2 by labledger for "},     // nobody chooses a version
		{"DELETE FROM site WHERE id = 4", "site 4 delete  v2 v by labledger for "},
		{"INSERT INTO site (id, name) VALUES (4, 'Again')", "site 4 insert Again v v3 by labledger for "},
		{"INSERT INTO container (uuid, freezer_id) VALUES ('123e4567-e89b-12d3-a456-426614174000', 1)", "container 123e4567-e89b-12d3-a456-426614174000 insert  v v1 by labledger for "},
		{"WITH told AS (SELECT set_config('labledger.actor', 'ada', true), set_config('labledger.request_id', 'r1', true)) UPDATE site SET name = 'Told' FROM told WHERE id = 4", "site 4 update Told v3 v4 by ada for r1"},
		{"UPDATE site SET name = 'Forgotten' WHERE id = 4", "site 4 update Forgotten v4 v5 by labledger for "}, // it held for one transaction
		{"UPDATE freezer SET id = 77 WHERE id = 2", "freezer 77 update -40C v1 v2 by labledger for "},
	} {
		if err := exec(pool, c.sql); err != nil {
			t.Fatalf("%s: %v", c.sql, err)
		}
		if got := texts(t, pool, last)[0]; got != c.want {
			t.Errorf("%s\n recorded %q\n not      %q", c.sql, got, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	pool := pgtest.Pool(t)
	for sql, code := range map[string]string{
		"UPDATE change SET actor = 'nobody'":                         "23001",
		"DELETE FROM change":                                         "23001",
		"TRUNCATE change":                                            "23001",
		"TRUNCATE site CASCADE":                                      "23001",
		"TRUNCATE container CASCADE":                                 "23001",
		"INSERT INTO site (name) VALUES (' ')":                       "23514",
		"INSERT INTO site (name) VALUES (E'\\u2003')":                "23514",
		"INSERT INTO site (id, name) VALUES (0, 'x')":                "23514",
		"INSERT INTO site (id, name) VALUES (4503599627370496, 'x')": "23514",
		"INSERT INTO freezer (name, site_id) VALUES ('x', 99)":       "23503",
		"DELETE FROM site WHERE id = 1":                              "23503",
		"SELECT same_version(3, 2)":                                  "LL412",
		"SELECT same_version(3, 0)":                                  "LL412",
	} {
		var pg *pgconn.PgError
		if err := exec(pool, sql); !errors.As(err, &pg) || pg.Code != code {
			t.Errorf("%s: %v, not %s", sql, err, code)
		}
	}
	for _, sql := range []string{"SELECT same_version(3, 3)", "SELECT same_version(3, NULL)", "SELECT same_version(3, -1)", "INSERT INTO site (id, name) VALUES (4503599627370495, 'x')", "INSERT INTO site (name) VALUES ('y')"} {
		if err := exec(pool, sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// TestPlans shows that a version is found by an index even where the plan was made while the history was small: inserts into a history
// that grows under one connection must not slow down.
func TestPlans(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := context.Background()
	if err := exec(pool, "ANALYZE change"); err != nil { // now the planner knows that it is small
		t.Fatal(err)
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	blocks := func() (n int64) {
		if _, err := conn.Exec(ctx, "SELECT pg_stat_clear_snapshot()"); err != nil {
			t.Fatal(err)
		}
		if err := conn.QueryRow(ctx, "SELECT coalesce(seq_tup_read, 0) + pg_stat_get_xact_tuples_returned(relid) FROM pg_stat_user_tables WHERE relname = 'change'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }() // as meant
	before := blocks()
	for range 10 {
		if _, err := tx.Exec(ctx, "INSERT INTO site (name) SELECT 'x' FROM generate_series(1, 500)"); err != nil {
			t.Fatal(err)
		}
	}
	if read := blocks() - before; read > 5000 {
		t.Errorf("5,000 inserts read %d rows of the history one after another", read)
	}
}
