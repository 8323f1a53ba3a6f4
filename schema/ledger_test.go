package schema_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
)

// distributedTables selects the tables that can be distributed over machines by user.
const distributedTables = `(
	SELECT oid, relname::text AS name FROM pg_class
	WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
		AND relname IN ('user_state', 'event', 'event_void', 'alert', 'alert_change', 'idempotency')
) AS distributed`

// TestDistributedTables checks what the tables of the ledger need so that they can be distributed by user.
func TestDistributedTables(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	if n := queryStrings(t, pool, "SELECT count(*)::text FROM "+distributedTables)[0]; n != "6" {
		t.Fatalf("%s tables can be distributed by user, want 6", n)
	}
	const foreignKeys = `SELECT conname::text FROM pg_constraint
		JOIN ` + distributedTables + ` ON distributed.oid = conrelid WHERE contype = 'f'`
	for problem, sql := range map[string]string{
		"has no bigint user_id that is NOT NULL": `SELECT name FROM ` + distributedTables + ` WHERE NOT EXISTS (
			SELECT FROM pg_attribute
			WHERE attrelid = oid AND attname = 'user_id' AND atttypid = 'bigint'::regtype AND attnotnull)`,
		"has no primary key": `SELECT name FROM ` + distributedTables + ` WHERE NOT EXISTS (
			SELECT FROM pg_index WHERE indrelid = oid AND indisprimary)`,
		"is a unique index that does not begin with user_id": `SELECT indexrelid::regclass::text FROM pg_index
			JOIN ` + distributedTables + ` ON oid = indrelid
			WHERE indisunique AND pg_get_indexdef(indexrelid, 1, true) <> 'user_id'`,
		"is an exclusion constraint": `SELECT conname::text FROM pg_constraint
			JOIN ` + distributedTables + ` ON distributed.oid = conrelid WHERE contype = 'x'`,
		"has a generated default": `SELECT format('%s.%s', name, attname) FROM pg_attribute
			JOIN ` + distributedTables + ` ON oid = attrelid
			LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
			WHERE attnum > 0 AND (attidentity <> '' OR pg_get_expr(adbin, adrelid) ~* 'nextval|gen_random|uuid')`,
		"owns a sequence": `SELECT name FROM pg_depend
			JOIN ` + distributedTables + ` ON distributed.oid = refobjid
			JOIN pg_class s ON s.oid = objid WHERE s.relkind = 'S'`,
		"is a foreign key to or from another table": `SELECT conname::text FROM pg_constraint WHERE contype = 'f'
			AND (conrelid IN (SELECT oid FROM ` + distributedTables + `))
				<> (confrelid IN (SELECT oid FROM ` + distributedTables + `))`,
		"is a foreign key without user_id": foreignKeys + ` AND NOT EXISTS (
			SELECT FROM unnest(conkey, confkey) AS pair (here, there)
			JOIN pg_attribute h ON h.attrelid = conrelid AND h.attnum = here
			JOIN pg_attribute f ON f.attrelid = confrelid AND f.attnum = there
			WHERE h.attname = 'user_id' AND f.attname = 'user_id')`,
		"is a foreign key that changes rows": foreignKeys + ` AND (confdeltype <> 'a' OR confupdtype <> 'a')`,
		"has no plain index that begins with id": `SELECT name FROM ` + distributedTables + `
			WHERE name IN ('event', 'alert') AND NOT EXISTS (
				SELECT FROM pg_index WHERE indrelid = oid AND NOT indisunique AND indpred IS NULL
					AND pg_get_indexdef(indexrelid, 1, true) = 'id')`,
	} {
		for _, name := range queryStrings(t, pool, sql) {
			t.Errorf("%s %s", name, problem)
		}
	}
	// Only these trigger functions use tables on both sides: the copy of a risk level, the checks of an alert and of an
	// assignee, and the renaming and the deletion of an assignee.
	const crossReferences = `SELECT DISTINCT format('%s on %s uses %s', tgname, c.relname, other.name)
		FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid JOIN pg_proc ON pg_proc.oid = tgfoid
		JOIN (
			SELECT relname::text AS name FROM pg_class
			WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
		) AS other ON prosrc ~ ('(INTO|FROM|JOIN|UPDATE|TABLE)\s+(ONLY\s+)?' || other.name || '\M')
		WHERE NOT tgisinternal
			AND (c.oid IN (SELECT oid FROM ` + distributedTables + `))
				<> (other.name IN (SELECT name FROM ` + distributedTables + `))
		ORDER BY 1`
	const want = "assert_alert_exists on todo uses alert; assert_assignee_exists on alert uses account; " +
		"rename_assignee on account uses alert; sync_risk on account uses user_state; unassign_alerts on account uses alert"
	if got := strings.Join(queryStrings(t, pool, crossReferences), "; "); got != want {
		t.Errorf("triggers between the ledger and other tables: %s; want %s", got, want)
	}
}

// Beginnings of statements that insert events and alerts, with the columns that the server may insert.
const (
	insertEvent = `INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts,
		alert_codes, alert_id, created_at, actor) `
	insertAlert = `INSERT INTO alert (user_id, id, event_id, alert_codes, time, risk, ruleset_id, reasons,
		created_at, changed_at, actor) `
	insertVoid = `INSERT INTO event_void (user_id, id, event_id, reason, created_at, actor) `
)

// ledgerRows inserts two events of user 7, an alert for each, the second one closed, and an idempotency key.
var ledgerRows = []string{
	`INSERT INTO user_state (user_id) VALUES (7)`,
	insertEvent + `VALUES
		(7, '00000000-0000-7000-8000-000000000001', 'withdraw', 200, 1, 1, 'medium', 1, '{}', '{1100}',
			'00000000-0000-7000-8000-000000000002', now(), 'a'),
		(7, '00000000-0000-7000-8000-000000000003', 'withdraw', 200, 2, 2, 'medium', 1, '{}', '{1100}',
			'00000000-0000-7000-8000-000000000004', now(), 'a')`,
	insertAlert + `VALUES
		(7, '00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001', '{1100}', 1, 'medium', 1,
			'[]', now(), now(), 'a'),
		(7, '00000000-0000-7000-8000-000000000004', '00000000-0000-7000-8000-000000000003', '{1100}', 2, 'medium', 1,
			'[]', now(), now(), 'a')`,
	`UPDATE alert SET state = 'closed' WHERE time = 2`,
	`UPDATE alert SET note = 'Known' WHERE time = 2`,
	`INSERT INTO idempotency (user_id, caller, key, request_hash, first_id, last_id, created_at) VALUES
		(7, 'a', 'k', '', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000001', now())`,
}

func poolWithLedger(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Pool(t)
	for _, sql := range ledgerRows {
		mustExec(t, pool, sql)
	}
	return pool
}

// rejectedLedgerStatements are statements with their SQLSTATE, and the constraint if there is one.
var rejectedLedgerStatements = []struct{ sql, want string }{
	{
		insertEvent + `VALUES (7, gen_random_uuid(), 'Deposit', 1, 1, 1, 'medium', 1, '{}', '{}', NULL, now(), '')`,
		"23514 event_type_deposit_or_withdraw",
	},
	{
		insertEvent + `VALUES (7, gen_random_uuid(), 'deposit', 0, 1, 1, 'medium', 1, '{}', '{}', NULL, now(), '')`,
		"23514 event_amount_more_than_0",
	},
	{
		insertEvent + `VALUES (7, gen_random_uuid(), 'deposit', 'NaN', 1, 1, 'medium', 1, '{}', '{}', NULL, now(), '')`,
		"23514 event_amount_more_than_0",
	},
	{
		insertEvent + `VALUES (7, gen_random_uuid(), 'deposit',
			10000000000, 1, 1, 'medium', 1, '{}', '{}', NULL, now(), '')`,
		"22003",
	},
	{
		insertEvent + `VALUES (-1, gen_random_uuid(), 'deposit', 1, 1, 1, 'medium', 1, '{}', '{}', NULL, now(), '')`,
		"23514 event_user_id_in_range",
	},
	{
		insertEvent + `VALUES (9007199254740992, gen_random_uuid(), 'deposit',
			1, 1, 1, 'low', 1, '{}', '{}', NULL, now(), '')`,
		"23514 event_user_id_in_range",
	},
	{
		insertEvent + `VALUES (7, gen_random_uuid(), 'deposit', 1, -1, 1, 'medium', 1, '{}', '{}', NULL, now(), '')`,
		"23514 event_time_in_range",
	},
	{
		insertEvent + `VALUES (7, gen_random_uuid(), 'deposit', 1, 2, 1, 'medium', 1, '{}', '{}', NULL, now(), '')`,
		"23514 event_effective_time_not_before_time",
	},
	{
		insertEvent + `VALUES (7, gen_random_uuid(), 'deposit', 1, 1, 1, 'none', 1, '{}', '{}', NULL, now(), '')`,
		"23514 event_risk_low_medium_or_high",
	},
	{
		insertEvent + `VALUES (7, gen_random_uuid(), 'deposit', 1, 1, 1, 'low', 1, '{}', '{30}', NULL, now(), '')`,
		"23514 event_alert_id_set_if_any_rule_fired",
	},
	{
		insertEvent + `VALUES (7, gen_random_uuid(), 'deposit',
			1, 1, 1, 'low', 1, '{}', '{}', gen_random_uuid(), now(), '')`,
		"23514 event_alert_id_set_if_any_rule_fired",
	},
	{
		insertEvent + `VALUES (7, '00000000-0000-7000-8000-000000000001', 'deposit',
			1, 1, 1, 'low', 1, '{}', '{}', NULL,
			now(), '')`,
		"23505 event_pkey",
	},
	{
		insertAlert + `SELECT user_id, '00000000-0000-7000-8000-000000000009', event_id, alert_codes, time, risk,
			ruleset_id, reasons, created_at, changed_at, actor FROM alert`,
		"23505",
	},
	{
		insertAlert + `SELECT 8, id, event_id, alert_codes, time, risk, ruleset_id, reasons, created_at, changed_at, actor
			FROM alert`,
		"23503 alert_event_id_fkey",
	},
	{
		insertVoid + `VALUES (7, '00000000-0000-7000-8000-000000000000',
			'00000000-0000-7000-8000-000000000001', 'r', now(), 'a')`,
		"23514 event_void_id_after_event",
	},
	{insertVoid + `SELECT 7, gen_random_uuid(), id, ' ', now(), 'a' FROM event`, "23514 event_void_reason_not_blank"},
	{
		insertVoid + `SELECT 7, gen_random_uuid(), id, repeat('x', 1001), now(), 'a' FROM event`,
		"23514 event_void_reason_at_most_1000_characters",
	},
	{
		insertVoid + `SELECT 8, gen_random_uuid(), id, 'r', now(), 'a' FROM event`,
		"23503 event_void_event_id_fkey",
	},
	{`UPDATE alert SET void_id = gen_random_uuid()`, "23503 alert_void_id_fkey"},
	{`INSERT INTO user_state (user_id) VALUES (-1)`, "23514 user_state_user_id_in_range"},
	{`INSERT INTO user_state (user_id, risk) VALUES (1, 'none')`, "23514 user_state_risk_low_medium_or_high"},
	{
		`INSERT INTO rule SELECT (json_populate_record(r, '{"code": 31}')).* FROM rule r WHERE code = 30`,
		"23514 rule_code_30_123_300_500_or_1100",
	},
	{`UPDATE rule SET code = 31 WHERE code = 30`, "23514 rule_code_30_123_300_500_or_1100"},
	{`UPDATE rule SET title = E' \t' WHERE code = 30`, "23514 rule_title_not_blank"},
	{`UPDATE rule SET applies_to = 'all' WHERE code = 30`, "23514 rule_applies_to_deposit_withdraw_or_any"},
	{`UPDATE rule SET "limit" = 'NaN' WHERE code = 1100`, "23514 rule_limit_at_least_0"},
	{`UPDATE rule SET "limit" = 'NaN' WHERE code = 30`, "23514"},
	{`UPDATE rule SET "limit" = -0.01 WHERE code = 123`, "23514 rule_limit_at_least_0"},
	{`UPDATE rule SET "limit" = 0 WHERE code = 500`, "23514 rule_limit_an_integer_from_1_to_1_million"},
	{`UPDATE rule SET "limit" = 2.5 WHERE code = 30`, "23514 rule_limit_an_integer_from_1_to_1_million"},
	{`UPDATE rule SET "limit" = 1000001 WHERE code = 300`, "23514 rule_limit_an_integer_from_1_to_1_million"},
	{`UPDATE rule SET window_seconds = 3601 WHERE code = 123`, "23514 rule_window_seconds_from_0_to_3600"},
	{`UPDATE rule SET window_seconds = -1 WHERE code = 500`, "23514 rule_window_seconds_from_0_to_3600"},
	{
		`UPDATE rule SET window_seconds = NULL WHERE code = 500`,
		"23514 rule_window_seconds_set_for_rules_123_and_500_only",
	},
	{
		`UPDATE rule SET window_seconds = 60 WHERE code = 1100`,
		"23514 rule_window_seconds_set_for_rules_123_and_500_only",
	},
	{`UPDATE alert SET state = 'lost' WHERE time = 1`, "23514 alert_state_open_acknowledged_or_closed"},
	{`UPDATE alert SET state = NULL WHERE time = 1`, "23502"},
	{`UPDATE alert SET state = 'open' WHERE time = 2`, "23514"},
	{`UPDATE alert SET state = 'acknowledged' WHERE time = 2`, "23514"},
	{`UPDATE alert SET disposition = 'maybe'`, "23514 alert_disposition_confirmed_or_false_positive"},
	{`UPDATE alert SET assignee = 'nobody'`, "23503"},
	{`INSERT INTO todo (description, status, assignee) VALUES ('x', 'open', 'nobody')`, "23503 todo_assignee_fkey"},
	{`INSERT INTO account (username, display_name) VALUES ('x', ' ')`, "23514 account_display_name_not_blank"},
	{`INSERT INTO account (username, display_name) VALUES ('x', E'a\nb')`, "23514 account_display_name_in_one_line"},
	{`INSERT INTO account (username, email) VALUES ('x', 'a@b@c')`, "23514 account_email_an_address_with_one_at_sign"},
	{`INSERT INTO account (username, email) VALUES ('x', 'a b@c')`, "23514 account_email_an_address_with_one_at_sign"},
	{
		`INSERT INTO password_link (account_id, hash, expires_at)
			SELECT max(id), decode(repeat('00', 32), 'hex'), now() + interval '25 hours' FROM account`,
		"23514 password_link_expires_at_within_24_hours",
	},
	{`UPDATE alert SET note = repeat('x', 10001)`, "23514 alert_note_at_most_10000_characters"},
	{`INSERT INTO account (username, risk) VALUES ('x', 'none')`, "23514 account_risk_low_medium_or_high"},
	{`INSERT INTO account (username, role) VALUES ('x', 'root')`, "23514 account_role_viewer_operator_or_admin"},
	{`INSERT INTO account (username) VALUES (E'\t')`, "23514 account_username_not_blank"},
	{`INSERT INTO account (username) VALUES (repeat('x', 101))`, "23514 account_username_at_most_100_characters"},
	{`INSERT INTO account (username) VALUES ('Bob')`, "23505 account_username_unique"},
	{`INSERT INTO account (id, username) VALUES (-1, 'x')`, "23514 account_id_in_range"},
	{`INSERT INTO account (id, username) VALUES (9007199254740992, 'x')`, "23514"},
	{`TRUNCATE account CASCADE`, "23001"},
	{`UPDATE idempotency SET key = 'other'`, "23001"},
	{`DELETE FROM rule WHERE code = 30`, "23001"},
	{`DELETE FROM rule WHERE false`, "23001"}, // even if the statement changes nothing
	{`DELETE FROM alert`, "23001"},
}

func TestLedgerConstraints(t *testing.T) {
	t.Parallel()
	pool := poolWithLedger(t)
	for _, c := range rejectedLedgerStatements {
		assertRejected(t, pool, c.sql, c.want)
	}
	for _, table := range []string{"event", "event_void", "ruleset", "alert_change"} {
		assertRejected(t, pool, "UPDATE "+table+" SET actor = actor", "23001")
		assertRejected(t, pool, "DELETE FROM "+table, "23001")
	}
	for _, table := range []string{"event", "event_void", "ruleset", "alert_change", "rule", "alert", "idempotency"} {
		assertRejected(t, pool, "TRUNCATE "+table+" CASCADE", "23001")
	}
	for _, set := range []string{
		"user_id = 8", "id = gen_random_uuid()", "event_id = gen_random_uuid()", "alert_codes = '{30}'", "time = 3",
		"risk = 'low'", "ruleset_id = 2", "reasons = '[1]'", "created_at = '2000-01-01'",
	} {
		assertRejected(t, pool, "UPDATE alert SET "+set+" WHERE time = 1", "23001")
	}
	for _, sql := range []string{
		`INSERT INTO account (username, display_name, email) VALUES (repeat('x', 100), 'X', 'x@example.org')`,
		`UPDATE alert SET state = 'acknowledged', assignee = repeat('x', 100), note = repeat('x', 10000),
			disposition = 'false_positive' WHERE time = 1`,
		`UPDATE alert SET disposition = NULL WHERE time = 2`, // a closed alert can still be corrected
		`UPDATE rule SET "limit" = 1000000, window_seconds = 3600 WHERE code = 500`,
		`UPDATE rule SET "limit" = 0, window_seconds = 0 WHERE code = 123`,
		`UPDATE rule SET "limit" = 9999999999.99 WHERE code = 1100`,
		`DELETE FROM idempotency`,
		insertEvent + `VALUES (9007199254740991, gen_random_uuid(), 'deposit',
			9999999999.99, 9007199254740991, 9007199254740991,
			'low', 1, '{}', '{}', NULL, now(), '')`,
	} {
		if err := exec(pool, sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// assertRejected checks that a statement fails with a SQLSTATE, and with the constraint after it if there is one.
func assertRejected(t *testing.T, pool *pgxpool.Pool, sql, want string) {
	t.Helper()
	err := exec(pool, sql)
	var pgErr *pgconn.PgError
	code, constraint, _ := strings.Cut(want, " ")
	if !errors.As(err, &pgErr) || pgErr.Code != code || constraint != "" && pgErr.ConstraintName != constraint {
		t.Errorf("%s: %v, want %s", sql, err, want)
	}
}

func TestAlertHistory(t *testing.T) {
	t.Parallel()
	pool := poolWithLedger(t)
	const lastChange = `SELECT format('v%s by %s for %s: %s to %s', version, actor, request_id, before, after)
		FROM alert_change WHERE alert_id = '00000000-0000-7000-8000-000000000002' ORDER BY version DESC LIMIT 1`
	const currentRow = `SELECT format('v%s %s by %s', version, state, actor) FROM alert WHERE time = 1`
	const withContext = `WITH context AS (
		SELECT set_config('labledger.actor', 'ada', true), set_config('labledger.request_id', 'r1', true)
	) `
	mustExec(t, pool, "INSERT INTO account (username) VALUES ('ada')")
	for _, c := range []struct{ sql, row, change string }{
		{`UPDATE alert SET state = state WHERE time = 1`, "v1 open by a", ""},
		// Only the trigger sets these columns.
		{
			`UPDATE alert SET version = 9, xid = 1, actor = 'x', changed_at = '2000-01-01' WHERE time = 1`,
			"v1 open by a", "",
		},
		{
			withContext + `UPDATE alert SET state = 'acknowledged', assignee = 'ada' FROM context WHERE time = 1`,
			"v2 acknowledged by ada",
			`v2 by ada for r1: {"note": null, "state": "open", "assignee": null, "disposition": null, "snoozed_until": null}` +
				` to {"note": null, "state": "acknowledged", "assignee": "ada", "disposition": null, "snoozed_until": null}`,
		},
		{
			`UPDATE alert SET state = 'closed', note = 'n', disposition = 'confirmed' WHERE time = 1`,
			"v3 closed by db:labledger",
			`v3 by db:labledger for : {"note": null, "state": "acknowledged", "assignee": "ada", "disposition": null, "snoozed_until": null}` +
				` to {"note": "n", "state": "closed", "assignee": "ada", "disposition": "confirmed", "snoozed_until": null}`,
		},
	} {
		mustExec(t, pool, c.sql)
		if got := queryStrings(t, pool, currentRow)[0]; got != c.row {
			t.Errorf("%s\n made the row %q, want %q", c.sql, got, c.row)
		}
		if got := strings.Join(queryStrings(t, pool, lastChange), ""); got != c.change {
			t.Errorf("%s\n recorded %q\n want     %q", c.sql, got, c.change)
		}
	}
	const unchangedRows = `SELECT id::text FROM alert
		WHERE time = 1 AND (changed_at <= created_at OR xid = (SELECT max(xid) FROM event))`
	if unchanged := queryStrings(t, pool, unchangedRows); len(unchanged) != 0 {
		t.Error("xid or changed_at of a changed alert is unchanged:", unchanged)
	}
}

// TestRiskIsSynced changes risk levels of accounts. The user states change in the same transaction.
func TestRiskIsSynced(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	const risks = `SELECT string_agg(format('%s %s', user_id, risk), ', ' ORDER BY user_id) FROM user_state`
	for _, c := range []struct{ sql, want string }{
		{"SELECT", "1 medium, 2 medium, 3 medium"}, // the mock data
		{"UPDATE account SET risk = 'high' WHERE id = 1", "1 high, 2 medium, 3 medium"},
		{"UPDATE account SET country = 'X', risk = 'high' WHERE id = 1", "1 high, 2 medium, 3 medium"},
		{"INSERT INTO account (id, username, risk) VALUES (9, 'x', 'low')", "1 high, 2 medium, 3 medium, 9 low"},
		{"UPDATE account SET id = 10 WHERE id = 9", "1 high, 2 medium, 3 medium, 9 medium, 10 low"},
		{"UPDATE account SET id = 9, risk = 'high' WHERE id = 10", "1 high, 2 medium, 3 medium, 9 high, 10 medium"},
		{"UPDATE account SET risk = NULL WHERE id = 1", "1 medium, 2 medium, 3 medium, 9 high, 10 medium"},
		{"DELETE FROM account WHERE id = 9", "1 medium, 2 medium, 3 medium, 9 medium, 10 medium"},
		{
			`INSERT INTO account (id, username, risk) VALUES (2, 'y', 'low')
				ON CONFLICT (id) DO UPDATE SET risk = excluded.risk`,
			"1 medium, 2 low, 3 medium, 9 medium, 10 medium",
		},
		{
			"UPDATE account SET risk = 'low' WHERE id = 1; UPDATE account SET risk = 'high' WHERE id = 1",
			"1 high, 2 low, 3 medium, 9 medium, 10 medium",
		},
		{
			`SAVEPOINT s; UPDATE account SET risk = 'low' WHERE id = 3; ROLLBACK TO s;
				UPDATE account SET country = 'Y'`,
			"1 high, 2 low, 3 medium, 9 medium, 10 medium",
		},
		{
			`UPDATE account SET risk = 'low'; SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED;
				UPDATE account SET risk = 'medium' WHERE id <> 2`,
			"1 medium, 2 low, 3 medium, 9 medium, 10 medium",
		},
	} {
		conn, err := pool.Acquire(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		before := queryStrings(t, pool, risks)[0]
		tx, err := conn.Begin(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(context.Background(), c.sql); err != nil {
			t.Fatalf("%s: %v", c.sql, err)
		}
		if during := queryStrings(t, pool, risks)[0]; during != before {
			t.Errorf("%s: another transaction sees %s before the commit", c.sql, during)
		}
		if err := tx.Commit(context.Background()); err != nil {
			t.Fatal(err)
		}
		conn.Release()
		if got := queryStrings(t, pool, risks)[0]; got != c.want {
			t.Errorf("%s\n makes %s\n want  %s", c.sql, got, c.want)
		}
	}
}

func TestRuleChangesPublishRulesets(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	const count = `SELECT count(*)::text FROM ruleset`
	for i, c := range []struct {
		sql  string
		want int
	}{
		{"SELECT", 1},
		{`UPDATE rule SET "limit" = "limit"`, 1},
		{`UPDATE rule SET version = 9`, 1},
		{`UPDATE rule SET "limit" = 4 WHERE code = 30`, 2},
		{`UPDATE rule SET "limit" = "limit" + 1`, 3}, // one statement publishes one rule set
		{`UPDATE rule SET enabled = false WHERE false`, 3},
		{`INSERT INTO rule SELECT (json_populate_record(r, '{"limit": 77}')).* FROM rule r WHERE code = 30
			ON CONFLICT (code) DO UPDATE SET "limit" = excluded."limit"`, 4},
		{`WITH context AS (SELECT set_config('labledger.actor', 'ada', true))
			UPDATE rule SET enabled = false FROM context WHERE code = 30`, 5},
	} {
		mustExec(t, pool, c.sql)
		if got := queryStrings(t, pool, count)[0]; got != fmt.Sprint(c.want) {
			t.Errorf("step %d, %s: %s rule sets, want %d", i, c.sql, got, c.want)
		}
		const upToDate = `SELECT (
			(SELECT jsonb_agg(to_jsonb(rule) ORDER BY code) FROM rule)
			= (SELECT rules FROM ruleset ORDER BY id DESC LIMIT 1)
		)::text`
		if queryStrings(t, pool, upToDate)[0] != "true" {
			t.Errorf("step %d, %s: the latest rule set differs from the rules", i, c.sql)
		}
	}
	const actors = "SELECT string_agg(id || ' ' || actor, ', ' ORDER BY id) FROM ruleset"
	const wantActors = "1 labledger, 2 db:labledger, 3 db:labledger, 4 db:labledger, 5 ada"
	if got := queryStrings(t, pool, actors)[0]; got != wantActors {
		t.Errorf("IDs and actors of the rule sets: %s, want %s", got, wantActors)
	}
	const versions = "SELECT string_agg(version::text, ' ' ORDER BY code) FROM rule"
	if got := queryStrings(t, pool, versions)[0]; got != "5 2 2 2 2" {
		t.Error("versions of the rules:", got)
	}
}

// changeRulesConcurrently changes one rule in each of two transactions. The second one waits for the end of the first
// one. It reports whether the latest rule set has both changes, and returns the error of the second transaction.
func changeRulesConcurrently(t *testing.T, pool *pgxpool.Pool) (both bool, err error) {
	t.Helper()
	first, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Rollback(context.Background()) }()
	mustExec(t, first, `UPDATE rule SET "limit" = 11 WHERE code = 30`)
	second := make(chan error, 1)
	go func() { second <- exec(pool, `UPDATE rule SET "limit" = 12 WHERE code = 300`) }()
	pgtest.WaitForLockWait(t, pool)
	if err := first.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = <-second
	const latest = `SELECT string_agg(value ->> 'limit', ' ' ORDER BY value ->> 'code')
		FROM ruleset, jsonb_array_elements(rules)
		WHERE id = (SELECT max(id) FROM ruleset) AND value ->> 'code' IN ('30', '300')`
	return queryStrings(t, pool, latest)[0] == "11.00 12.00", err
}

// TestConcurrentRuleChanges: the latest rule set has both changes. Without the lock, the second transaction makes a
// rule set with the same ID and fails: the negative control.
func TestConcurrentRuleChanges(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	if both, err := changeRulesConcurrently(t, pool); !both || err != nil {
		t.Errorf("the latest rule set has both changes: %v, %v", both, err)
	}
	if n := queryStrings(t, pool, "SELECT count(*)::text FROM ruleset")[0]; n != "3" {
		t.Errorf("%s rule sets, want 3", n)
	}
	control := pgtest.Pool(t)
	mustExec(t, control, "DROP TRIGGER lock_ruleset ON rule")
	if both, err := changeRulesConcurrently(t, control); both || err == nil {
		t.Error("without the lock the latest rule set has both changes as well: the test proves nothing")
	}
}
