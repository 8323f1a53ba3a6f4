package schema_test

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/embedded"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

// serverPrivileges lists all privileges of the server's role. A new table, view or sequence needs a line, and so does a
// function that runs as its owner or that is not callable by PUBLIC. An indented line continues the line before.
const serverPrivileges = `
table account: SELECT INSERT UPDATE DELETE
table alert: SELECT INSERT(actor alert_codes changed_at created_at event_id id reasons risk ruleset_id time user_id)
	UPDATE(assignee disposition note snoozed_until state void_id)
table alert_change: SELECT
table api_token: SELECT INSERT UPDATE DELETE
table attachment: SELECT INSERT UPDATE DELETE
table change: SELECT
table changeset: SELECT
table checkout: SELECT INSERT UPDATE
table computer: SELECT INSERT UPDATE DELETE
table computer_past: SELECT
table container: SELECT INSERT UPDATE DELETE
table container_past: SELECT
table credential: SELECT INSERT UPDATE DELETE
table event: SELECT
	INSERT(actor alert_codes alert_id amount container_uuid created_at effective_time facts id risk ruleset_id time type
	user_id)
table event_void: SELECT INSERT
table freezer: SELECT INSERT UPDATE DELETE
table freezer_past: SELECT
table history_seal: SELECT
table history_seal_pending: SELECT
table idempotency: SELECT INSERT DELETE
table idempotency_key: SELECT INSERT DELETE
table instrument: SELECT
table login_attempt: SELECT INSERT UPDATE DELETE
table occupancy: SELECT
table overdue_checkout: SELECT
table password_link: SELECT INSERT UPDATE DELETE
table rule: SELECT UPDATE(applies_to enabled limit severity title window_seconds)
table ruleset: SELECT
table schema_migrations: SELECT
table session: SELECT INSERT UPDATE DELETE
table site: SELECT INSERT UPDATE DELETE
table site_past: SELECT
table stocktake: SELECT INSERT UPDATE
table stocktake_item: SELECT INSERT UPDATE DELETE
table stocktake_report: SELECT
table todo: SELECT INSERT UPDATE DELETE
table user_state: SELECT INSERT UPDATE(last_id risk state)
table view: SELECT INSERT UPDATE DELETE
sequence account_id_seq:
sequence api_token_id_seq:
sequence attachment_id_seq:
sequence change_id_seq:
sequence checkout_id_seq:
sequence computer_id_seq:
sequence container_id_seq: USAGE
sequence freezer_id_seq:
sequence site_id_seq:
sequence stocktake_id_seq:
sequence stocktake_item_id_seq:
sequence todo_id_seq:
sequence view_id_seq:
function advance_ids(regclass,bigint[]): as its owner, with search_path=public, pg_temp; callable by the server
function lock_ruleset(): as its owner, with search_path=public, pg_temp
function prepare_ids(): as its owner, with search_path=public, pg_temp enable_seqscan=off
function publish_ruleset(): as its owner, with search_path=public, pg_temp
function record_alert_change(): as its owner, with search_path=public, pg_temp
function record_credential(): as its owner, with search_path=public, pg_temp
function record_password_link(): as its owner, with search_path=public, pg_temp
function record_change(): as its owner, with search_path=public, pg_temp
function reserve_ids(): as its owner, with search_path=public, pg_temp
function reset_restored_xids(): as its owner, with search_path=public, pg_temp; callable by the server
function undo_changeset(text): as its owner, with search_path=public, pg_temp; callable by the server
function seal_history(integer): as its owner, with search_path=public, pg_temp enable_seqscan=off; callable by the
	server
schema: USAGE
database: CONNECT
owns 0 objects, is a member of 0 roles
LOGIN
`

const privilegesQuery = `
SELECT line FROM (
	SELECT 1, relname, format('table %s: %s', relname, (
		SELECT string_agg(privilege || CASE
			WHEN has_table_privilege('labledger_server', c.oid, privilege) THEN ''
			ELSE columns
		END, ' ' ORDER BY nth)
		FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'])
			WITH ORDINALITY AS p (privilege, nth),
		LATERAL (SELECT privilege IN ('DELETE', 'TRUNCATE', 'TRIGGER') AS whole_table) AS kind,
		LATERAL (
			SELECT format('(%s)', string_agg(attname, ' ' ORDER BY attname)) AS columns
			FROM pg_attribute
			WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND NOT whole_table
				AND has_column_privilege(
					'labledger_server', c.oid, attnum, CASE WHEN whole_table THEN 'SELECT' ELSE privilege END
				)
		) AS of_columns
		WHERE has_table_privilege('labledger_server', c.oid, privilege) OR columns <> '()'
	)) FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN ('i', 'I', 'S', 'c', 't')
	UNION ALL
	SELECT 2, relname, format('sequence %s:%s', relname, (
		SELECT string_agg(' ' || privilege, '' ORDER BY privilege)
		FROM unnest(ARRAY['SELECT', 'UPDATE', 'USAGE']) AS p (privilege)
		WHERE has_sequence_privilege('labledger_server', c.oid, privilege)
	)) FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
	UNION ALL
	SELECT 3, proname, format('function %s: as its %s, with %s%s%s', oid::regprocedure,
		CASE WHEN prosecdef THEN 'owner' ELSE 'caller' END, array_to_string(proconfig, ' '),
		CASE WHEN has_function_privilege('labledger_server', p.oid, 'EXECUTE') THEN '; callable by the server' END,
		CASE WHEN EXISTS (
			SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0
		) THEN '; callable by PUBLIC' END
	) FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND (prosecdef OR proacl IS NOT NULL)
	UNION ALL
	SELECT 4, '', 'schema: ' || (
		SELECT string_agg(privilege, ' ') FROM unnest(ARRAY['USAGE', 'CREATE']) AS p (privilege)
		WHERE has_schema_privilege('labledger_server', 'public', privilege)
	)
	UNION ALL
	SELECT 5, '', 'database: ' || (
		SELECT string_agg(privilege, ' ') FROM unnest(ARRAY['CONNECT', 'TEMPORARY', 'CREATE']) AS p (privilege)
		WHERE has_database_privilege('labledger_server', current_database(), privilege)
	)
	UNION ALL
	SELECT 6, '', format('owns %s objects, is a member of %s roles',
		(SELECT count(*) FROM pg_shdepend WHERE refobjid = 'labledger_server'::regrole AND deptype = 'o'),
		(SELECT count(*) FROM pg_auth_members WHERE member = 'labledger_server'::regrole))
	UNION ALL
	SELECT 7, '', concat_ws(' ',
		CASE WHEN rolcanlogin THEN 'LOGIN' END,
		CASE WHEN rolsuper THEN 'SUPERUSER' END,
		CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
		CASE WHEN rolcreatedb THEN 'CREATEDB' END,
		CASE WHEN rolreplication THEN 'REPLICATION' END,
		CASE WHEN rolbypassrls THEN 'BYPASSRLS' END)
	FROM pg_roles WHERE rolname = 'labledger_server'
) AS lines (kind, name, line)
ORDER BY kind, name`

func assertPrivileges(t *testing.T, owner *pgxpool.Pool) {
	t.Helper()
	assertPrivilegesOf(t, owner, postgres.ServerRole)
}

// assertPrivilegesOf compares the privileges of a role with those of the server's role.
func assertPrivilegesOf(t *testing.T, owner *pgxpool.Pool, role string) {
	t.Helper()
	want := strings.Split(strings.TrimSpace(strings.ReplaceAll(serverPrivileges, "\n\t", " ")), "\n")
	got := queryStrings(t, owner, strings.ReplaceAll(privilegesQuery, postgres.ServerRole, role))
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("unexpected: %s", line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("missing:    %s", line)
		}
	}
}

func TestServerPrivileges(t *testing.T) {
	t.Parallel()
	assertPrivileges(t, pgtest.Pool(t))
}

// forbiddenStatements are statements with the SQLSTATE that the server gets (42501 if empty) and the one that the owner
// gets (success if empty). They run in a transaction that is rolled back. The owner gets 25001 for those that cannot.
var forbiddenStatements = []struct{ sql, server, owner string }{
	// Creating objects.
	{sql: `CREATE TABLE mine (n int)`},
	{sql: `CREATE UNLOGGED TABLE mine (n int)`},
	{sql: `CREATE TABLE mine AS TABLE site`},
	{sql: `SELECT * INTO mine FROM site`},
	{sql: `CREATE TEMPORARY TABLE change (LIKE change)`},
	{sql: `SET search_path = pg_temp; CREATE TABLE change (n int)`},
	{sql: `CREATE TEMPORARY VIEW change AS SELECT 1`},
	{sql: `CREATE INDEX ON site (country)`},
	{sql: `CREATE VIEW mine AS TABLE site`},
	{sql: `CREATE OR REPLACE VIEW instrument AS SELECT * FROM instrument`},
	{sql: `CREATE MATERIALIZED VIEW mine AS TABLE site`},
	{sql: `REFRESH MATERIALIZED VIEW site_copy`},
	{sql: `CREATE SEQUENCE mine`},
	{sql: `CREATE TYPE mine AS ENUM ('a')`},
	{sql: `CREATE DOMAIN mine AS text`},
	{sql: `CREATE FUNCTION mine() RETURNS int LANGUAGE sql RETURN 1`},
	{sql: `CREATE OR REPLACE FUNCTION record_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`},
	{sql: `CREATE PROCEDURE mine() LANGUAGE sql AS ''`},
	{sql: `CREATE AGGREGATE mine(int) (SFUNC = int4pl, STYPE = int)`},
	{sql: `CREATE OPERATOR = (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = jsonb_exists)`},
	{sql: `CREATE TRIGGER mine BEFORE INSERT ON site FOR EACH ROW EXECUTE FUNCTION reject_statement()`},
	{sql: `CREATE RULE mine AS ON UPDATE TO site DO INSTEAD NOTHING`},
	{sql: `CREATE POLICY mine ON site`},
	{sql: `CREATE STATISTICS mine ON name, country FROM site`},
	{sql: `CREATE SCHEMA mine`},
	{sql: `CREATE ROLE mine`},
	{sql: `CREATE DATABASE mine`, owner: "25001"},
	{sql: `CREATE EXTENSION citext`},
	{sql: `CREATE EVENT TRIGGER mine ON sql_drop EXECUTE FUNCTION record_change()`, owner: "42P17"},
	{sql: `CREATE FOREIGN DATA WRAPPER mine`},
	{sql: `CREATE PUBLICATION mine FOR TABLE site`},
	{sql: `CREATE SUBSCRIPTION mine CONNECTION 'dbname=x' PUBLICATION x WITH (connect = false)`},
	{sql: `CREATE CAST (jsonb AS bytea) WITHOUT FUNCTION`},

	// Changing objects.
	{sql: `ALTER TABLE site ADD COLUMN mine int`},
	{sql: `ALTER TABLE change DROP COLUMN actor`, owner: "2BP01"},
	{sql: `ALTER TABLE change RENAME TO changes`},
	{sql: `ALTER TABLE change OWNER TO labledger_server`},
	{sql: `ALTER TABLE change SET UNLOGGED`},
	{sql: `ALTER TABLE change DISABLE TRIGGER append_only`},
	{sql: `ALTER TABLE site DISABLE TRIGGER record_change`},
	{sql: `ALTER TABLE site DISABLE TRIGGER ALL`},
	{sql: `ALTER TABLE site ENABLE ROW LEVEL SECURITY`},
	{sql: `ALTER TABLE event ALTER COLUMN xid SET DEFAULT 0`},
	{sql: `ALTER TABLE alert_change DROP CONSTRAINT alert_change_pkey`},
	{sql: `ALTER TRIGGER record_change ON site RENAME TO mine`},
	{sql: `ALTER FUNCTION record_change() SECURITY INVOKER`},
	{sql: `ALTER FUNCTION reset_restored_xids() SET search_path = pg_temp`},
	{sql: `ALTER SEQUENCE change_id_seq RESTART`},
	{sql: `ALTER EXTENSION plpgsql DROP FUNCTION plpgsql_call_handler()`},
	{sql: `ALTER ROLE labledger_server SUPERUSER`},
	{sql: `ALTER ROLE labledger_server CREATEROLE`},
	{sql: `ALTER ROLE labledger PASSWORD 'mine'`},
	{sql: `ALTER DATABASE template1 SET search_path = ''`},
	{sql: `ALTER SYSTEM SET fsync = off`, owner: "25001"},
	{sql: `ALTER DEFAULT PRIVILEGES FOR ROLE labledger GRANT ALL ON TABLES TO labledger_server`},
	{sql: `COMMENT ON TABLE change IS 'mine'`},
	{sql: `SECURITY LABEL ON TABLE change IS 'mine'`, server: "22023", owner: "22023"}, // no label provider is loaded
	{sql: `CLUSTER site USING site_pkey`},
	{sql: `REINDEX TABLE site`},

	// Dropping objects.
	{sql: `DROP TABLE change`, owner: "2BP01"},
	{sql: `DROP TABLE login_attempt`},
	{sql: `DROP VIEW instrument CASCADE`},
	{sql: `DROP INDEX change_table_name_row_key_id_idx`},
	{sql: `DROP TRIGGER record_change ON site`},
	{sql: `DROP FUNCTION record_change() CASCADE`},
	{sql: `DROP SCHEMA public CASCADE`},
	{sql: `DROP EXTENSION plpgsql CASCADE`},
	{sql: `DROP OWNED BY labledger`, owner: "2BP01"},
	{sql: `REASSIGN OWNED BY labledger TO labledger_server`, owner: "2BP01"},

	// Writing append-only tables.
	{sql: `INSERT INTO change (actor, table_name, row_key, action) VALUES ('mine', 'site', '1', 'insert')`},
	{sql: `UPDATE change SET actor = 'mine'`, owner: "23001"},
	{sql: `DELETE FROM change`, owner: "23001"},
	{sql: `DELETE FROM change WHERE false`, owner: "23001"},
	{sql: `SELECT id FROM change FOR UPDATE`},
	{sql: `SELECT id FROM change FOR KEY SHARE`},
	{sql: `EXPLAIN ANALYZE DELETE FROM change`, owner: "23001"},
	{sql: `WITH gone AS (DELETE FROM change RETURNING *) SELECT count(*) FROM gone`, owner: "23001"},
	{sql: `INSERT INTO history_seal (id, sealed_at, first_id, last_id, changes, root, chain)
		VALUES (1, now(), 1, 9, 5, sha256(''), sha256(''))`},
	{sql: `UPDATE history_seal SET root = chain`, owner: "23001"},
	{sql: `DELETE FROM history_seal`, owner: "23001"},
	{sql: `ALTER TABLE history_seal DISABLE TRIGGER append_only`},
	{sql: `LOCK TABLE history_seal IN SHARE UPDATE EXCLUSIVE MODE`}, // which would keep seal_history waiting
	{sql: `INSERT INTO history_seal_pending (last_id, xid) VALUES (9, 9)`},
	{sql: `UPDATE history_seal_pending SET xid = 1`},
	{sql: `DELETE FROM history_seal_pending`},
	{sql: `INSERT INTO ruleset (id, rules) VALUES (99, '[]')`},
	{sql: `UPDATE ruleset SET actor = 'mine'`, owner: "23001"},
	{sql: `DELETE FROM ruleset`, owner: "23001"},
	{sql: `MERGE INTO ruleset USING ruleset AS r ON r.id = ruleset.id WHEN MATCHED THEN DELETE`, owner: "23001"},
	{sql: `INSERT INTO alert_change SELECT user_id, id, 9, now(), 'mine', NULL, '{}', '{}' FROM alert`},
	{sql: `UPDATE alert_change SET actor = 'mine'`, owner: "23001"},
	{sql: `DELETE FROM alert_change`, owner: "23001"},
	{sql: `UPDATE event SET amount = 1`, owner: "23001"},
	{sql: `DELETE FROM event`, owner: "23001"},
	{sql: `INSERT INTO event
		SELECT (json_populate_record(event, json_build_object('id', gen_random_uuid()))).* FROM event`},
	{sql: `UPDATE event_void SET reason = 'mine'`, owner: "23001"},
	{sql: `DELETE FROM event_void`, owner: "23001"},
	{sql: `UPDATE alert SET reasons = '[1]'`, owner: "23001"},
	{sql: `UPDATE alert SET actor = 'mine', version = 7`}, // the trigger sets both columns
	{sql: `UPDATE alert SET xid = 0`},
	{sql: `INSERT INTO alert (user_id, id, event_id, alert_codes, time, risk, ruleset_id, reasons, created_at,
			changed_at, actor, state)
		SELECT user_id, gen_random_uuid(), id, '{30}', 1, 'low', 1, '[]', now(), now(), 'mine', 'closed'
		FROM event WHERE alert_id IS NULL`},
	{sql: `DELETE FROM alert`, owner: "23001"},
	{sql: `INSERT INTO rule SELECT * FROM rule`, owner: "23505"},
	{sql: `UPDATE rule SET code = 31 WHERE code = 30`, owner: "23514"},
	{sql: `DELETE FROM rule`, owner: "23001"},
	{sql: `UPDATE user_state SET user_id = user_id + 1000`},
	{sql: `DELETE FROM user_state`},
	{sql: `UPDATE idempotency SET key = 'mine'`, owner: "23001"},
	{sql: `UPDATE idempotency_key SET body = 'mine'`, owner: "23001"},
	{sql: `UPDATE schema_migrations SET version = 1`},
	{sql: `DELETE FROM schema_migrations`},
	{sql: `SELECT setval('change_id_seq', 1000000)`},
	{sql: `SELECT setval('site_id_seq', 1000000)`},
	{sql: `SELECT setval('container_id_seq', 1000000)`},
	{sql: `SELECT nextval('change_id_seq')`},
	{sql: `SELECT advance_ids('change', '{20000}')`, owner: "42501"},
	{sql: `SELECT advance_ids('api_token', '{20000}')`, owner: "42501"},
	{sql: `SELECT pass_ids('site_id_seq', '{20000}')`},
	{sql: `SELECT setval('site_id_seq', 99); SELECT return_ids('site', 'site_id_seq', 0)`},
	{sql: `LOCK TABLE change IN ACCESS EXCLUSIVE MODE`},
	{sql: `LOCK TABLE ruleset IN SHARE ROW EXCLUSIVE MODE`},
	{sql: `DO 'BEGIN TRUNCATE change; END'`, owner: "23001"},
	{sql: `DO 'BEGIN ALTER TABLE change DISABLE TRIGGER append_only; DELETE FROM change; END'`},

	// Changing the role or gaining privileges. A GRANT without the right to grant is only a warning, so each GRANT is
	// followed by a statement that needs the privilege.
	{sql: `SET ROLE labledger`},
	{sql: `SET SESSION AUTHORIZATION labledger`},
	{sql: `SET session_replication_role = replica`},
	{sql: `SET log_statement = 'none'`},
	{sql: `LOAD 'plpgsql'`},
	{sql: `GRANT labledger TO labledger_server`},
	{sql: `GRANT pg_read_server_files TO labledger_server`},
	{sql: `GRANT INSERT ON change TO labledger_server;
		INSERT INTO change (actor, table_name, row_key, action) VALUES ('mine', 'site', '1', 'insert')`},
	{sql: `GRANT TRUNCATE ON login_attempt TO labledger_server; TRUNCATE login_attempt`},
	{sql: `GRANT CREATE ON SCHEMA public TO labledger_server; CREATE TABLE mine (n int)`},

	// Reaching the machine.
	{sql: `COPY change TO PROGRAM 'cat >/dev/null'`},
	{sql: `COPY site FROM PROGRAM 'true'`},
	{sql: `COPY change TO '/dev/null'`},
	{sql: `COPY site FROM '/dev/null'`},
	{sql: `SELECT pg_read_file('PG_VERSION')`},
	{sql: `SELECT pg_ls_dir('.')`},
	{sql: `SELECT lo_import('/dev/null')`},
	{sql: `SELECT pg_reload_conf()`},
	{sql: `SELECT pg_switch_wal()`},
	{sql: `SELECT rolpassword FROM pg_authid`},
}

// sqlState runs SQL on a new connection and returns the SQLSTATE of its error. A transaction around it is rolled back.
func sqlState(t *testing.T, url, sql string, inTransaction bool) string {
	t.Helper()
	if inTransaction {
		sql = "BEGIN; " + sql // the end of the connection rolls back
	}
	_, err := pgtest.Value(url, sql)
	var pgErr *pgconn.PgError
	if err != nil && !errors.As(err, &pgErr) {
		t.Fatalf("%s: %v", sql, err)
	}
	if pgErr != nil {
		return pgErr.Code
	}
	return ""
}

// TestForbiddenStatements runs the statements as the server's role. The owner runs the same statements without a lack
// of privileges: the negative control.
func TestForbiddenStatements(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	owner, err := postgres.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	insertLedgerRows(t, owner)
	mustExec(t, owner, "CREATE MATERIALIZED VIEW site_copy AS TABLE site")
	mustExec(t, owner, "GRANT SELECT ON site_copy TO labledger_server")
	statements := forbiddenStatements
	const tables = `SELECT relname::text FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1`
	truncatable := []string{
		"api_token", "credential", "history_seal_pending", "login_attempt", "password_link", "schema_migrations",
		"session", "user_state",
	}
	for _, table := range queryStrings(t, owner, tables) {
		ownerState := "23001"
		if slices.Contains(truncatable, table) {
			ownerState = ""
		}
		statements = append(statements, struct{ sql, server, owner string }{
			sql: "TRUNCATE " + table + " CASCADE", owner: ownerState,
		})
	}
	succeeded := 0
	for _, c := range statements {
		if c.server == "" {
			c.server = "42501"
		}
		if got := sqlState(t, pgtest.ServerURL(database), c.sql, c.owner != "25001"); got != c.server {
			t.Errorf("the server gets %q, want %s: %s", got, c.server, c.sql)
		}
		if got := sqlState(t, database, c.sql, true); got != c.owner {
			t.Errorf("the owner gets %q, want %q: %s", got, c.owner, c.sql)
		} else if got == "" {
			succeeded++
		}
	}
	if len(statements) < 30 || succeeded < len(statements)/2 {
		t.Errorf("%d of %d statements succeed as the owner", succeeded, len(statements))
	}
	mustExec(t, owner, "DROP MATERIALIZED VIEW site_copy")
	assertPrivileges(t, owner)
}

// insertLedgerRows inserts two events; one of them has an alert, which is changed.
func insertLedgerRows(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for _, sql := range []string{
		insertEvent + `VALUES
			(7, '00000000-0000-7000-8000-000000000001', 'withdraw', 500, 1, 1, 'low', 1, '{}', '{1100}',
				'00000000-0000-7000-8000-000000000002', now(), 'bob'),
			(7, '00000000-0000-7000-8000-000000000003', 'withdraw', 5, 2, 2, 'low', 1, '{}', '{}', NULL, now(), 'bob')`,
		insertAlert + `VALUES (7, '00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001',
			'{1100}', 1, 'low', 1, '[]', now(), now(), 'bob')`,
		`INSERT INTO user_state (user_id) VALUES (7)`,
		`INSERT INTO idempotency VALUES (7, 'bob', 'k', '', gen_random_uuid(), gen_random_uuid(), now())`,
		`UPDATE alert SET state = 'acknowledged'`,
	} {
		mustExec(t, pool, sql)
	}
}

// allowedStatements are statements like those of requests.
var allowedStatements = []string{
	`INSERT INTO site (name) VALUES ('without actor')`,
	`SET LOCAL labledger.actor = 'alice'; INSERT INTO site (id, name) VALUES (50, 'chosen');
		INSERT INTO site (name) VALUES ('next')`,
	`SET LOCAL labledger.actor = 'alice';
		INSERT INTO site (name) SELECT 'after an import' FROM advance_ids('site', '{60}')`,
	`SET LOCAL labledger.actor = 'alice'; INSERT INTO todo (description, status, site_id) VALUES ('d', 'open', 50)`,
	`INSERT INTO container (id, freezer_id) VALUES (nextval('container_id_seq'), 1)`,
	`SET LOCAL labledger.actor = 'bob'; UPDATE site SET name = 'renamed' WHERE id = 50`,
	`SET LOCAL labledger.actor = 'carol'; DELETE FROM site WHERE id = 50`,
	`SET LOCAL labledger.actor = 'alice'; UPDATE rule SET "limit" = 4 WHERE code = 30`,
	`SET LOCAL labledger.actor = 'alice'; UPDATE alert SET state = 'closed', note = 'n'`,
	`SET LOCAL labledger.actor = 'alice'; INSERT INTO account (username, risk) VALUES ('dora', 'high')`,
	`INSERT INTO credential (account_id, password_hash)
		SELECT id, '$argon2id$' FROM account WHERE username = 'dora'`,
	`INSERT INTO session (account_id, expires_at) SELECT id, now() FROM account WHERE username = 'dora'`,
	`INSERT INTO api_token (account_id, name, prefix, hash, role, expires_at)
		SELECT id, 'n', 'p', sha256(''), 'viewer', now() FROM account WHERE username = 'dora'`,
	`INSERT INTO login_attempt (subject, attempts) VALUES ('s', 1)
		ON CONFLICT (subject) DO UPDATE SET attempts = login_attempt.attempts + 1`,
	`UPDATE account SET disabled = true WHERE username = 'dora'`,
	`DELETE FROM login_attempt; DELETE FROM session; DELETE FROM api_token; DELETE FROM credential;
		DELETE FROM idempotency`,
}

// allowedResults are queries with their results after allowedStatements.
var allowedResults = map[string]string{
	"db:labledger_server: acknowledged, alice: closed": `
		SELECT string_agg(format('%s: %s', actor, after ->> 'state'), ', ' ORDER BY version) FROM alert_change`,
	"alice: 4": `
		SELECT format('%s: %s', actor, (rules -> 0 ->> 'limit')::numeric::int)
		FROM ruleset ORDER BY id DESC LIMIT 1`,
	"db:labledger_server insert without actor": `
		SELECT concat_ws(' ', actor, action, after ->> 'name')
		FROM change WHERE table_name = 'site' ORDER BY id DESC OFFSET 5 LIMIT 1`,
	"alice insert 50, bob update 50, carol delete 50": `
		SELECT string_agg(concat_ws(' ', actor, action, row_key), ', ' ORDER BY id)
		FROM change WHERE table_name = 'site' AND row_key = '50'`,
	"51, 61": `
		SELECT string_agg(id::text, ', ' ORDER BY id) FROM site WHERE name IN ('next', 'after an import')`,
	"alice insert, carol update null": `
		SELECT string_agg(
			concat_ws(' ', actor, action, CASE WHEN after -> 'site_id' = 'null' THEN 'null' END), ', ' ORDER BY id
		) FROM change WHERE table_name = 'todo'`,
	"high": `
		SELECT user_state.risk FROM user_state JOIN account ON id = user_id WHERE username = 'dora'`,
}

// TestAllowedStatements runs the statements as the server's role.
func TestAllowedStatements(t *testing.T) {
	t.Parallel()
	owner, server := pgtest.Pools(t)
	const relations = `SELECT relname::text FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')`
	for _, table := range queryStrings(t, owner, relations) {
		mustExec(t, server, "SELECT FROM "+table)
	}
	insertLedgerRows(t, server)
	for _, sql := range allowedStatements {
		conn, err := server.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = conn.Conn().PgConn().Exec(t.Context(), sql).ReadAll()
		conn.Release()
		if err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if got := queryStrings(t, server, "SELECT reset_restored_xids()::text")[0]; got != "0" {
		t.Errorf("%s rows were reset", got)
	}
	for want, sql := range allowedResults {
		if got := queryStrings(t, server, sql)[0]; got != want {
			t.Errorf("%s: got %q, want %q", sql, got, want)
		}
	}
	recordEvents(t, server)
}

// TestAuditIgnoresTemporaryTables hides the audit tables behind temporary tables of the same names. The triggers write
// to the real tables all the same. With a search_path that begins with pg_temp they would not: the negative control.
func TestAuditIgnoresTemporaryTables(t *testing.T) {
	t.Parallel()
	owner, server := pgtest.Pools(t)
	insertLedgerRows(t, owner)
	mustExec(t, owner, `DO $$ BEGIN
		EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO labledger_server', current_database());
	END $$`)
	const counts = `SELECT format('%s %s %s',
		(SELECT count(*) FROM change), (SELECT count(*) FROM alert_change), (SELECT count(*) FROM ruleset))`
	writeWithTemporaryTables := func() (before, after string) {
		before = queryStrings(t, owner, counts)[0]
		conn, err := server.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Release()
		if _, err := conn.Conn().PgConn().Exec(t.Context(), `
			CREATE TEMPORARY TABLE change (LIKE public.change INCLUDING ALL);
			CREATE TEMPORARY TABLE alert_change (LIKE public.alert_change INCLUDING ALL);
			CREATE TEMPORARY TABLE ruleset (LIKE public.ruleset INCLUDING ALL);
			SET search_path = pg_temp, public;
			INSERT INTO public.site (name) VALUES ('unseen');
			UPDATE public.rule SET "limit" = "limit" + 1 WHERE code = 30;
			UPDATE public.alert SET note = coalesce(note, '') || 'x';
			SET search_path = '';
			UPDATE public.site SET name = name || '!' WHERE id = 1`).ReadAll(); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "DISCARD ALL"); err != nil {
			t.Fatal(err)
		}
		return before, queryStrings(t, owner, counts)[0]
	}
	if before, after := writeWithTemporaryTables(); before != "15 1 1" || after != "18 2 2" {
		t.Errorf("rows of change, alert_change and ruleset: %s, then %s", before, after)
	}
	for _, function := range []string{"record_change", "record_alert_change", "publish_ruleset"} {
		mustExec(t, owner, "ALTER FUNCTION "+function+"() SET search_path = pg_temp, public")
	}
	if before, after := writeWithTemporaryTables(); after != before {
		t.Errorf("with pg_temp first the triggers write as well (%s, then %s): the test proves nothing", before, after)
	}
}

// TestResetRestoredXids_rejectsWritingTransaction: the ID of a transaction that has written looks like one of another
// cluster.
func TestResetRestoredXids_rejectsWritingTransaction(t *testing.T) {
	t.Parallel()
	owner, server := pgtest.Pools(t)
	tx, err := server.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), "INSERT INTO site (name) VALUES ('mine')"); err != nil {
		t.Fatal(err)
	}
	_, err = tx.Exec(t.Context(), "SELECT reset_restored_xids()")
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != "25001" {
		t.Errorf("reset_restored_xids() after a write: %v, want 25001", err)
	}
	if n := queryStrings(t, owner, "SELECT count(*)::text FROM change WHERE xid = 0")[0]; n != "0" {
		t.Errorf("%s changes were reset", n)
	}
}

// TestServerRoleCreation migrates databases of a cluster without the role: as an owner who cannot create it, as a role
// that owns only the tables, and four databases at once as a superuser while another transaction has just created the
// role.
func TestServerRoleCreation(t *testing.T) {
	t.Parallel()
	r := newRoleCreation(t)
	r.migrateAndInsert("plain", "plain")
	r.migrateAndInsert("guest", "guest")
	const serverRoles = "SELECT count(*)::text FROM pg_roles WHERE rolname = 'labledger_server'"
	if n := queryStrings(t, r.admin, serverRoles)[0]; n != "0" {
		t.Error("a role without CREATEROLE created the server's role")
	}
	names := []string{"four_0", "four_1", "four_2", "four_3"}
	r.migrateConcurrently(names)
	r.migrateAndInsert("guest", "guest2")
	for _, name := range append(names, "guest2") {
		const serverView = `SELECT (SELECT max(version) FROM schema_migrations)::text || (
			SELECT has_database_privilege(current_database(), 'TEMPORARY') FROM rule WHERE code = 30
		)`
		// PUBLIC keeps TEMPORARY on guest2, since its migrating role does not own the database.
		const ownerView = "SELECT version::text || (current_database() = 'guest2') FROM schema_migrations"
		got := pgtest.MustValue(t, r.url("labledger_server", name), serverView)
		want := pgtest.MustValue(t, r.url("labledger", name), ownerView)
		if got != want {
			t.Errorf("%s: schema version and TEMPORARY privilege of the server's role: %s, want %s", name, got, want)
		}
	}
}

// A roleCreation is a cluster without the server's role.
type roleCreation struct {
	*testing.T
	cluster *embedded.Cluster
	admin   *pgxpool.Pool
}

// newRoleCreation starts a cluster with databases of roles that cannot create roles: plain owns its database, guest
// owns none.
func newRoleCreation(t *testing.T) roleCreation {
	t.Helper()
	r := roleCreation{T: t, cluster: pgtest.NewCluster(t)}
	var err error
	if r.admin, err = postgres.Open(t.Context(), r.cluster.URL()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.admin.Close)
	for _, sql := range []string{
		"DROP ROLE labledger_server", "CREATE ROLE plain LOGIN", "CREATE ROLE guest LOGIN",
		"CREATE DATABASE plain OWNER plain", "CREATE DATABASE guest", "CREATE DATABASE guest2",
	} {
		mustExec(t, r.admin, sql)
	}
	for _, name := range []string{"guest", "guest2"} {
		pgtest.ExecScript(t, r.url("labledger", name), "GRANT CREATE ON SCHEMA public TO guest")
	}
	return r
}

// url returns the URL of a database for a user.
func (r roleCreation) url(user, name string) string {
	u, err := url.Parse(r.cluster.URL())
	if err != nil {
		panic(err) // the cluster's URL is valid
	}
	u.User, u.Path = url.User(user), "/"+name
	return u.String()
}

// migrateAndInsert migrates a database as a user, who must then be the actor of an insert.
func (r roleCreation) migrateAndInsert(user, name string) {
	r.Helper()
	if _, _, err := migrate.Up(r.Context(), r.url(user, name), schema.Files); err != nil {
		r.Error(err)
		return
	}
	pgtest.ExecScript(r, r.url(user, name), "INSERT INTO site (name) VALUES ('n')")
	pgtest.WantValue(r, r.url(user, name), "SELECT actor FROM change WHERE table_name = 'site'", "db:"+user)
}

// migrateConcurrently creates and migrates databases as a superuser. All migrations wait for a transaction that has
// created the server's role.
func (r roleCreation) migrateConcurrently(names []string) {
	r.Helper()
	creator, err := r.admin.Begin(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	var migrating sync.WaitGroup
	defer migrating.Wait()
	defer func() { _ = creator.Rollback(context.Background()) }() // after a failure, so that the migrations end
	mustExec(r, creator, "CREATE ROLE labledger_server LOGIN")
	for _, name := range names {
		mustExec(r, r.admin, "CREATE DATABASE "+name)
		migrating.Go(func() {
			if _, _, err := migrate.Up(r.Context(), r.url("labledger", name), schema.Files); err != nil {
				r.Error(err)
			}
		})
	}
	const waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
	pgtest.WaitFor(r, "all migrations to wait for the transaction that created the role", func() bool {
		return pgtest.QueryValue[int](r, r.admin, waiting) == len(names)
	})
	if err := creator.Commit(r.Context()); err != nil {
		r.Error(err)
	}
}

// TestServerRoleDown reverts the migration that grants the privileges of the server's role. No privilege remains, and
// no function that runs as its owner becomes callable by PUBLIC.
func TestServerRoleDown(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	pool, err := postgres.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	const granted = `SELECT concat_ws(' ', classid::regclass, objid, objsubid) FROM pg_shdepend
		WHERE refobjid = 'labledger_server'::regrole
			AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())`
	if got := queryStrings(t, pool, granted); len(got) < 20 {
		t.Errorf("the role has privileges on %d objects", len(got))
	}
	_, newest, err := migrate.Up(t.Context(), database, schema.Files)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := migrate.Down(t.Context(), database, schema.Files, int(newest)-serverRoleVersion+1); err != nil {
		t.Fatal(err)
	}
	for _, object := range queryStrings(t, pool, granted) {
		t.Error("the role still has privileges on", object)
	}
	const callable = `SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
		AND EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee <> proowner)`
	if got := queryStrings(t, pool, callable); len(got) > 0 {
		t.Error("functions that run as their owner are callable by other roles:", got)
	}
}

// serverRoleVersion is the version of the migration 000008_server_role.
const serverRoleVersion = 8
