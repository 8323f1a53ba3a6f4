package schema_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

func TestMain(m *testing.M) {
	pgtest.Main(m, schema.Files, func(_ context.Context, url string) error {
		_, err := pgtest.Value(url, schema.MockData)
		return err
	})
}

// Short names of the harness.
var (
	queryStrings = pgtest.QueryColumn
	mustExec     = pgtest.Exec
)

func exec(pool *pgxpool.Pool, sql string) error {
	_, err := pool.Exec(context.Background(), sql)
	return err
}

// catalogQuery lists the objects of a schema, to compare two schemas.
const catalogQuery = `
	SELECT format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default)
		FROM information_schema.columns WHERE table_schema = 'public'
	UNION ALL SELECT conname || ' ' || pg_get_constraintdef(oid)
		FROM pg_constraint WHERE connamespace = 'public'::regnamespace
	UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
	UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc
		WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS (
			SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e'
		)
	UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
	ORDER BY 1`

// TestDown reverts the migrations one by one. Each step restores the schema of the migration before it, and the step up
// again restores the schema of the migration.
func TestDown(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	url := pgtest.Database(t)
	pool, err := postgres.Open(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, to, err := migrate.Down(ctx, url, schema.Files, 0); err != nil || to != 0 {
		t.Fatalf("down: at %d, %v", to, err)
	}
	for _, object := range queryStrings(t, pool, catalogQuery) {
		if !strings.Contains(object, "schema_migrations") {
			t.Errorf("down leaves %s", object)
		}
	}
	catalog := func() string { return strings.Join(queryStrings(t, pool, catalogQuery), "\n") }
	catalogs := []string{catalog()}
	for version := 1; len(migrations(t, version, nil)) > len(migrations(t, version-1, nil)); version++ {
		if _, to, err := migrate.Up(ctx, url, migrations(t, version, nil)); err != nil || to != uint(version) {
			t.Fatalf("up to %d: at %d, %v", version, to, err)
		}
		catalogs = append(catalogs, catalog())
	}
	for version := len(catalogs) - 1; version > 0; version-- {
		if _, _, err := migrate.Down(ctx, url, schema.Files, 1); err != nil {
			t.Fatalf("down from %d: %v", version, err)
		}
		if got := catalog(); got != catalogs[version-1] {
			t.Errorf("down from %d makes another schema:\n%s\n--- want\n%s", version, got, catalogs[version-1])
		}
		if _, _, err := migrate.Up(ctx, url, migrations(t, version, nil)); err != nil {
			t.Fatalf("up again to %d: %v", version, err)
		}
		if got := catalog(); got != catalogs[version] {
			t.Errorf("up again to %d makes another schema:\n%s\n--- want\n%s", version, got, catalogs[version])
		}
		if _, _, err := migrate.Down(ctx, url, schema.Files, 1); err != nil {
			t.Fatalf("down from %d: %v", version, err)
		}
	}
}

// TestCatalog checks the conventions of the schema: every table and column has a comment, and constraints and indexes
// are named after their table and columns.
func TestCatalog(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	const relation = `c.relnamespace = 'public'::regnamespace AND c.relname <> 'schema_migrations'
		AND c.relkind IN ('r', 'v')`
	for problem, sql := range map[string]string{
		"has no comment": `SELECT c.relname::text FROM pg_class c
			WHERE ` + relation + ` AND obj_description(c.oid) IS NULL`,
		"is a column without a comment": `SELECT format('%s.%s', c.relname, a.attname)
			FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
			WHERE ` + relation + ` AND col_description(c.oid, a.attnum) IS NULL`,
		"is a function without a comment": `SELECT proname::text FROM pg_proc
			WHERE pronamespace = 'public'::regnamespace AND obj_description(oid) IS NULL AND NOT EXISTS (
				SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e'
			)`,
		"is a constraint not named after its table": `SELECT conname::text
			FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
			WHERE ` + relation + ` AND contype <> 't' AND NOT starts_with(conname, c.relname || '_')`,
		"is a check not named after its column": `SELECT conname::text
			FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
			WHERE ` + relation + ` AND contype = 'c' AND NOT EXISTS (
				SELECT FROM pg_attribute a
				WHERE a.attrelid = c.oid AND a.attnum > 0 AND starts_with(conname, c.relname || '_' || a.attname || '_')
			)`,
		"is an index not named <table>_<columns>_idx": `SELECT i.relname::text
			FROM pg_index x JOIN pg_class i ON i.oid = indexrelid JOIN pg_class c ON c.oid = indrelid
			WHERE ` + relation + ` AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
				AND i.relname <> c.relname || '_' || (
					SELECT string_agg(CASE
						WHEN key LIKE '%->%' THEN regexp_replace(key, '.*\((\w+) ->>? ''(\w+)''.*', '\1_\2')
						WHEN key LIKE '"left"(%' THEN regexp_replace(key, '.*\((\w+), .*', '\1')
						ELSE regexp_replace(trim('"' FROM key), '\(.*', '') -- the column, or the name of the function
					END, '_' ORDER BY nth)
					FROM generate_series(1, indnkeyatts::int) AS nth, pg_get_indexdef(indexrelid, nth, true) AS key
				) || '_idx'`,
		"is a foreign key without an index": `SELECT conname::text FROM pg_constraint k WHERE contype = 'f'
			AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indkey[0] = k.conkey[1])`,
	} {
		for _, name := range queryStrings(t, pool, sql) {
			t.Errorf("%s %s", name, problem)
		}
	}
}

// Triggers of the kinds of tables. KEY stands for the column that identifies a row in its URL.
const (
	setVersion   = "set_version BEFORE INSERT OR UPDATE FOR EACH ROW EXECUTE FUNCTION set_version(KEY)"
	setRegister  = "set_version BEFORE INSERT OR UPDATE FOR EACH ROW EXECUTE FUNCTION set_register_version()"
	recordChange = "record_change AFTER INSERT OR DELETE OR UPDATE FOR EACH ROW EXECUTE FUNCTION record_change(KEY)"
	reserveIDs   = "reserve_ids AFTER INSERT REFERENCING NEW TABLE AS inserted " +
		"FOR EACH STATEMENT EXECUTE FUNCTION reserve_ids()"
	prepareIDs = "prepare_ids BEFORE INSERT FOR EACH STATEMENT EXECUTE FUNCTION prepare_ids()"
	noTruncate = "no_truncate BEFORE TRUNCATE FOR EACH STATEMENT EXECUTE FUNCTION reject_statement()"
	syncRisk   = "sync_risk AFTER INSERT OR DELETE OR UPDATE DEFERRABLE INITIALLY DEFERRED FOR EACH ROW " +
		"EXECUTE FUNCTION sync_risk()"
)

var tableKinds = []struct {
	kind     string
	tables   string
	triggers []string
}{
	{"versions with times, and history", "site computer", []string{
		setRegister, recordChange, prepareIDs, reserveIDs, noTruncate,
	}},
	{"versions with times, and history, holds no more than its capacity", "freezer", []string{
		setRegister,
		recordChange,
		prepareIDs,
		reserveIDs,
		noTruncate,
		"assert_freezer_fits BEFORE UPDATE OF capacity FOR EACH ROW " +
			"WHEN ((new.capacity IS DISTINCT FROM old.capacity)) EXECUTE FUNCTION assert_freezer_fits()",
	}},
	{"versions and history, determines who has a container", "checkout", []string{
		setVersion,
		recordChange,
		prepareIDs,
		noTruncate,
		"assert_available BEFORE INSERT FOR EACH ROW WHEN (((new.returned_at IS NULL) AND (NOT is_undo()))) " +
			"EXECUTE FUNCTION assert_available()",
		"apply_checkout AFTER INSERT OR DELETE OR UPDATE FOR EACH ROW WHEN ((NOT is_undo())) EXECUTE FUNCTION apply_checkout()",
	}},
	{"versions with times, and history, has a place and a holder", "container", []string{
		setRegister,
		recordChange,
		prepareIDs,
		reserveIDs,
		noTruncate,
		"set_custody BEFORE INSERT OR UPDATE OF status, holder, held_since, due_on FOR EACH ROW " +
			"WHEN ((NOT is_undo())) EXECUTE FUNCTION set_custody()",
		"set_place BEFORE INSERT OR UPDATE FOR EACH ROW WHEN ((NOT is_undo())) EXECUTE FUNCTION set_place()",
		"set_restored_place BEFORE INSERT OR UPDATE FOR EACH ROW WHEN (is_undo()) " +
			"EXECUTE FUNCTION set_restored_place()",
		"set_row_lock BEFORE INSERT FOR EACH ROW EXECUTE FUNCTION set_row_lock()",
	}},
	{"versions and history, IDs from the server", "attachment", []string{
		setVersion, recordChange, prepareIDs, noTruncate,
	}},
	{"versions and history, checked alert and owner", "todo", []string{
		setVersion,
		recordChange,
		prepareIDs,
		reserveIDs,
		noTruncate,
		"assert_alert_exists BEFORE INSERT OR UPDATE OF alert_id FOR EACH ROW WHEN ((new.alert_id IS NOT NULL)) " +
			"EXECUTE FUNCTION assert_alert_exists()",
		"assert_owner BEFORE DELETE OR UPDATE FOR EACH ROW " +
			"WHEN (((pg_trigger_depth() = 0) AND (NOT is_undo()))) EXECUTE FUNCTION assert_owner()",
	}},
	{"versions and history, IDs from the server, with a snapshot", "stocktake", []string{
		setVersion,
		recordChange,
		prepareIDs,
		noTruncate,
		"set_scope BEFORE INSERT FOR EACH ROW WHEN ((NOT is_undo())) EXECUTE FUNCTION set_scope()",
		"insert_expected AFTER INSERT FOR EACH ROW WHEN ((NOT is_undo())) EXECUTE FUNCTION insert_expected()",
		"set_results BEFORE UPDATE OF closed_at FOR EACH ROW " +
			"WHEN (((old.closed_at IS NULL) AND (new.closed_at IS NOT NULL))) EXECUTE FUNCTION set_results()",
		"clear_results AFTER UPDATE OF closed_at FOR EACH ROW " +
			"WHEN (((old.closed_at IS NOT NULL) AND (new.closed_at IS NULL))) EXECUTE FUNCTION clear_results()",
	}},
	{"a snapshot and scans, fixed when the stock-take is closed", "stocktake_item", []string{
		noTruncate,
		"reject_closed_stocktake BEFORE INSERT OR DELETE OR UPDATE FOR EACH ROW " +
			"WHEN (((pg_trigger_depth() = 0) AND (NOT is_undo()))) EXECUTE FUNCTION reject_closed_stocktake()",
		"record_change AFTER DELETE FOR EACH ROW WHEN ((pg_trigger_depth() > 0)) EXECUTE FUNCTION record_change('id')",
	}},
	{"versions and history, checked owner", "view", []string{
		setVersion,
		recordChange,
		prepareIDs,
		reserveIDs,
		noTruncate,
		"assert_view_owner BEFORE DELETE OR UPDATE FOR EACH ROW " +
			"WHEN (((pg_trigger_depth() = 0) AND (NOT is_undo()))) EXECUTE FUNCTION assert_view_owner()",
	}},
	{"versions and history, risk copied to the ledger", "account", []string{
		setVersion,
		recordChange,
		prepareIDs,
		reserveIDs,
		noTruncate,
		syncRisk,
		"end_sessions AFTER UPDATE OF disabled FOR EACH ROW WHEN ((new.disabled AND (NOT old.disabled))) " +
			"EXECUTE FUNCTION end_sessions('id')",
		"rename_owner BEFORE UPDATE OF username FOR EACH ROW WHEN ((new.username <> old.username)) " +
			"EXECUTE FUNCTION rename_owner()",
		"rename_assignee AFTER UPDATE OF username FOR EACH ROW WHEN ((new.username <> old.username)) " +
			"EXECUTE FUNCTION rename_assignee()",
		"rename_view_owner AFTER UPDATE OF username FOR EACH ROW WHEN ((new.username <> old.username)) " +
			"EXECUTE FUNCTION rename_view_owner()",
		"end_password_links AFTER UPDATE OF disabled FOR EACH ROW WHEN ((new.disabled AND (NOT old.disabled))) " +
			"EXECUTE FUNCTION end_password_links('id')",
		"unassign_alerts AFTER DELETE FOR EACH ROW EXECUTE FUNCTION unassign_alerts()",
	}},
	{"versions and history, never deleted, published as rule sets", "rule", []string{
		setVersion,
		recordChange,
		"no_delete BEFORE DELETE OR TRUNCATE FOR EACH STATEMENT EXECUTE FUNCTION reject_ledger_write()",
		"lock_ruleset BEFORE INSERT OR UPDATE FOR EACH STATEMENT EXECUTE FUNCTION lock_ruleset()",
		"publish_ruleset AFTER INSERT OR UPDATE FOR EACH STATEMENT EXECUTE FUNCTION publish_ruleset()",
	}},
	{"the history, its seals and former versions", "change history_seal site_past freezer_past computer_past container_past", []string{
		"append_only BEFORE DELETE OR UPDATE OR TRUNCATE FOR EACH STATEMENT EXECUTE FUNCTION reject_statement()",
	}},
	{"append-only", "ruleset event event_void alert_change", []string{
		"append_only BEFORE DELETE OR UPDATE OR TRUNCATE FOR EACH STATEMENT EXECUTE FUNCTION reject_ledger_write()",
	}},
	{"a life cycle and its own history", "alert", []string{
		"assert_assignee_exists BEFORE INSERT OR UPDATE OF assignee FOR EACH ROW WHEN ((new.assignee IS NOT NULL)) " +
			"EXECUTE FUNCTION assert_assignee_exists()",
		"set_alert_version BEFORE UPDATE FOR EACH ROW EXECUTE FUNCTION set_alert_version()",
		"record_alert_change AFTER UPDATE FOR EACH ROW WHEN ((old.version <> new.version)) " +
			"EXECUTE FUNCTION record_alert_change()",
		"no_delete BEFORE DELETE OR TRUNCATE FOR EACH STATEMENT EXECUTE FUNCTION reject_ledger_write()",
	}},
	{"deleted after some days, never changed", "idempotency", []string{
		"no_update BEFORE UPDATE OR TRUNCATE FOR EACH STATEMENT EXECUTE FUNCTION reject_ledger_write()",
	}},
	{"deleted after some days, never changed", "idempotency_key", []string{
		"no_update BEFORE UPDATE OR TRUNCATE FOR EACH STATEMENT EXECUTE FUNCTION reject_statement()",
	}},
	{"derived from the events", "user_state", nil},
	{"a secret whose change ends sessions", "credential", []string{
		"record_credential AFTER INSERT OR DELETE OR UPDATE FOR EACH ROW EXECUTE FUNCTION record_credential()",
		"end_sessions AFTER DELETE OR UPDATE OF password_hash FOR EACH ROW EXECUTE FUNCTION end_sessions('account_id')",
		"lift_login_lock AFTER INSERT OR UPDATE OF password_hash FOR EACH ROW EXECUTE FUNCTION lift_login_lock()",
		"end_password_links AFTER INSERT OR UPDATE OF password_hash FOR EACH ROW " +
			"EXECUTE FUNCTION end_password_links('account_id')",
	}},
	{"a secret that is used once", "password_link", []string{
		"record_password_link AFTER INSERT OR DELETE OR UPDATE FOR EACH ROW EXECUTE FUNCTION record_password_link()",
	}},
	{"deleted some time after its end", "session api_token login_attempt", nil},
	{"one row, written by seal_history", "history_seal_pending", nil},
	{"owned by the migrations", "schema_migrations", nil},
}

// TestTableKinds checks that each table is of exactly one kind, and has exactly the triggers of its kind, enabled.
func TestTableKinds(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	known := map[string]bool{}
	for _, kind := range tableKinds {
		for table := range strings.FieldsSeq(kind.tables) {
			if known[table] {
				t.Errorf("%s is of two kinds", table)
			}
			known[table] = true
			key := map[string]string{"container": "'uuid'", "rule": "'code'"}[table]
			if key == "" {
				key = "'id'"
			}
			var want []string
			for _, trigger := range kind.triggers {
				create := "CREATE TRIGGER "
				if strings.Contains(trigger, " DEFERRABLE ") {
					create = "CREATE CONSTRAINT TRIGGER "
				}
				want = append(want, create+strings.Replace(trigger, "KEY", key, 1))
			}
			got := queryStrings(t, pool, `
				SELECT replace(pg_get_triggerdef(oid), ' ON public.' || $1::text, '')
					|| CASE tgenabled WHEN 'O' THEN '' ELSE ' disabled' END
				FROM pg_trigger WHERE tgrelid = $1::text::regclass AND NOT tgisinternal`, table)
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s (%s) has the triggers\n%s\nwant\n%s",
					table, kind.kind, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	}
	const tables = `SELECT relname::text FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')`
	for _, table := range queryStrings(t, pool, tables) {
		if !known[table] {
			t.Errorf("table %s has no kind", table)
		}
		delete(known, table)
	}
	for table := range known {
		t.Errorf("table %s does not exist", table)
	}
}

// TestHistory makes changes as in psql, with and without an actor.
func TestHistory(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	const lastChange = `
		SELECT format('%s %s %s %s v%s v%s by %s for %s', table_name, row_key, action, after ->> 'name',
			before ->> 'version', after ->> 'version', actor, request_id)
		FROM change ORDER BY id DESC LIMIT 1`
	for _, c := range []struct{ sql, want string }{
		{"INSERT INTO site (name) VALUES ('New')", "site 4 insert New v v1 by db:labledger for "},
		{"UPDATE site SET name = 'Renamed' WHERE id = 4", "site 4 update Renamed v1 v2 by db:labledger for "},
		// An update that changes nothing is not recorded, and a statement cannot choose the version.
		{"UPDATE site SET name = 'Renamed' WHERE id = 4", "site 4 update Renamed v1 v2 by db:labledger for "},
		{"UPDATE site SET version = 99 WHERE id = 4", "site 4 update Renamed v1 v2 by db:labledger for "},
		{"DELETE FROM site WHERE id = 4", "site 4 delete  v2 v by db:labledger for "},
		{"INSERT INTO site (id, name) VALUES (4, 'Again')", "site 4 insert Again v v3 by db:labledger for "},
		{
			"INSERT INTO container (uuid, freezer_id) VALUES ('123e4567-e89b-12d3-a456-426614174000', 1)",
			"container 123e4567-e89b-12d3-a456-426614174000 insert  v v1 by db:labledger for ",
		},
		{
			`WITH context AS (
				SELECT set_config('labledger.actor', 'ada', true), set_config('labledger.request_id', 'r1', true)
			)
			UPDATE site SET name = 'With actor' FROM context WHERE id = 4`,
			"site 4 update With actor v3 v4 by ada for r1",
		},
		// The context ends with its transaction.
		{"UPDATE site SET name = 'Without actor' WHERE id = 4", "site 4 update Without actor v4 v5 by db:labledger for "},
		{"UPDATE freezer SET id = 77 WHERE id = 2", "freezer 77 update -40C v1 v2 by db:labledger for "},
	} {
		if err := exec(pool, c.sql); err != nil {
			t.Fatalf("%s: %v", c.sql, err)
		}
		if got := queryStrings(t, pool, lastChange)[0]; got != c.want {
			t.Errorf("%s\n recorded %q\n want     %q", c.sql, got, c.want)
		}
	}
}

// TestChangeMessage sets the message of changes as in psql, for a session and for a transaction.
func TestChangeMessage(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for _, c := range []struct{ before, after, want string }{
		{"SELECT 1", "SELECT 1", "none"},
		{"SET labledger.change_message = ' inventory of 2026 '", "SELECT 1", "inventory of 2026"},
		{"SELECT 1", "RESET labledger.change_message", "inventory of 2026"},
		{"BEGIN", "COMMIT", "none"},
		{"SET labledger.change_message = ''", "SELECT 1", "none"},
		{"SELECT set_config('labledger.change_message', repeat('☃', 200), false)", "SELECT 1", strings.Repeat("☃", 200)},
	} {
		for _, sql := range []string{c.before, "UPDATE site SET contact = concat(contact, '.') WHERE id = 1", c.after} {
			mustExec(t, conn, sql)
		}
		const last = "SELECT coalesce(message, 'none') FROM change ORDER BY id DESC LIMIT 1"
		if got := queryStrings(t, pool, last)[0]; got != c.want {
			t.Errorf("%s: message %q, want %q", c.before, got, c.want)
		}
	}
	mustExec(t, conn, "SELECT set_config('labledger.change_message', repeat('x', 201), false)")
	var pgErr *pgconn.PgError
	_, err = conn.Exec(t.Context(), "UPDATE site SET contact = 'x' WHERE id = 1")
	if !errors.As(err, &pgErr) || pgErr.ConstraintName != "change_message_at_most_200_characters" {
		t.Errorf("with 201 characters: %v", err)
	}
}

func TestRejectedStatements(t *testing.T) {
	t.Parallel()
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
		"SELECT assert_version(3, 2)":                                "LL412",
		"SELECT assert_version(3, 0)":                                "LL412",
		"SELECT assert_unchanged('id', 3, 2)":                        "23514",
		`SELECT assert_unreferenced('{"computers": 2, "sites": 0}')`: "23503",
		"SELECT assert_attachment_quota(1000)":                       "23514",
	} {
		var pgErr *pgconn.PgError
		if err := exec(pool, sql); !errors.As(err, &pgErr) || pgErr.Code != code {
			t.Errorf("%s: %v, want %s", sql, err, code)
		}
	}
	for _, sql := range []string{
		"SELECT assert_version(3, 3)",
		"SELECT assert_version(3, NULL)",
		"SELECT assert_version(3, -1)",
		"INSERT INTO site (id, name) VALUES (4503599627370495, 'x')",
		"INSERT INTO site (name) VALUES ('y')",
	} {
		if err := exec(pool, sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// TestVersionLookupUsesIndex: inserts find the last version by index, even if their plan was made while the history was
// small. Otherwise inserts into a growing history would slow down on a long-lived connection.
func TestVersionLookupUsesIndex(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	ctx := context.Background()
	mustExec(t, pool, "ANALYZE change") // so that the planner knows that the table is small
	conn, err := pool.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	rowsScanned := func() (n int64) {
		if _, err := conn.Exec(ctx, "SELECT pg_stat_clear_snapshot()"); err != nil {
			t.Fatal(err)
		}
		const sql = `SELECT coalesce(seq_tup_read, 0) + pg_stat_get_xact_tuples_returned(relid)
			FROM pg_stat_user_tables WHERE relname = 'change'`
		if err := conn.QueryRow(ctx, sql).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	before := rowsScanned()
	for range 10 {
		if _, err := tx.Exec(ctx, "INSERT INTO site (name) SELECT 'x' FROM generate_series(1, 500)"); err != nil {
			t.Fatal(err)
		}
	}
	if scanned := rowsScanned() - before; scanned > 5000 {
		t.Errorf("5,000 inserts scanned %d rows of the history sequentially", scanned)
	}
}
