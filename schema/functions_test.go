package schema_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
)

// TestCountedEvents checks the events that reasons counted, among interleaved events of two users.
func TestCountedEvents(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	for i, e := range []struct {
		user int
		kind string
		time int64
	}{
		{7, "deposit", 100}, // 0
		{8, "deposit", 100},
		{7, "withdraw", 110}, // 2
		{7, "deposit", 120},
		{8, "withdraw", 120},
		{7, "withdraw", 130}, // 5
		{7, "withdraw", 130},
		{7, "deposit", 131}, // 7
		{7, "withdraw", 160},
		{7, "deposit", 160}, // 9
		{8, "deposit", 160},
		{7, "withdraw", 190}, // 11: after the alert
	} {
		const values = `VALUES (%d, '%s', '%s', 1, 0, %d, 'medium', 1, '{}', '{}', NULL, now(), '')`
		mustExec(t, pool, insertEvent+fmt.Sprintf(values, e.user, eventID(i), e.kind, e.time))
	}
	for reason, want := range map[string]string{
		reasonJSON(1100, "withdraw", "100.00", "null"):   "8",
		reasonJSON(30, "withdraw", "3.00", "null"):       "5 6 8",
		reasonJSON(30, "any", "2.00", "null"):            "7 8",
		reasonJSON(30, "any", "2.50", "null"):            "6 7 8",
		reasonJSON(300, "deposit", "2.00", "null"):       "3 7",
		reasonJSON(300, "deposit", "1000000.00", "null"): "0 3 7",
		reasonJSON(123, "deposit", "200.00", "30"):       "7",
		reasonJSON(123, "withdraw", "200.00", "30"):      "5 6 8",
		reasonJSON(123, "withdraw", "200.00", "29"):      "8",
		reasonJSON(500, "any", "1.00", "0"):              "8",
		reasonJSON(500, "any", "1.00", "40"):             "3 5 6 7 8",
		reasonJSON(500, "any", "1.00", "3600"):           "0 2 3 5 6 7 8",
	} {
		if got := countedEvents(t, pool, 7, 8, reason); got != want {
			t.Errorf("%s counted %s, want %s", reason, got, want)
		}
	}
	mustExec(t, pool, insertEvent+`
		SELECT 9, ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'deposit', 1, 0, 50, 'medium', 1,
			'{}', '{}', NULL, now(), ''
		FROM generate_series(1000, 2500) AS n`)
	for _, reason := range []string{
		reasonJSON(500, "any", "1.00", "60"),
		reasonJSON(300, "deposit", "1200.00", "null"),
	} {
		numbers := strings.Fields(countedEvents(t, pool, 9, 2400, reason))
		if len(numbers) != 1000 || numbers[0] != "1401" || numbers[999] != "2400" {
			t.Errorf("%s counted %d events, %v…", reason, len(numbers), numbers[:min(3, len(numbers))])
		}
	}
}

// TestCountedEvents_voids: a reason counts the events that were voided after the raising event, and none that were
// voided before. The windows of later events are those without the voided event.
func TestCountedEvents_voids(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	for _, e := range []struct {
		id, time, effective int
		kind                string
	}{
		{10, 100, 100, "deposit"},
		{20, 900, 900, "withdraw"}, // a wrong clock, void at 35
		{30, 110, 900, "withdraw"}, // void at 55
		{40, 130, 130, "withdraw"},
		{50, 135, 135, "deposit"},
		{60, 140, 140, "withdraw"},
	} {
		const values = `VALUES (7, '%s', '%s', 1, %d, %d, 'medium', 1, '{}', '{}', NULL, now(), '')`
		mustExec(t, pool, insertEvent+fmt.Sprintf(values, eventID(e.id), e.kind, e.time, e.effective))
	}
	for void, event := range map[int]int{35: 20, 55: 30} {
		const values = "VALUES (7, '%s', '%s', 'x', now(), '')"
		mustExec(t, pool, insertVoid+fmt.Sprintf(values, eventID(void), eventID(event)))
	}
	run, window := reasonJSON(30, "withdraw", "3.00", "null"), reasonJSON(500, "any", "1.00", "20")
	for _, c := range []struct {
		event        int
		reason, want string
	}{
		{30, run, "20 30"},
		{30, window, "20 30"},
		{40, run, "30 40"},
		{40, window, "30 40"},
		{40, reasonJSON(500, "any", "1.00", "19"), "40"},
		{40, reasonJSON(500, "any", "1.00", "30"), "10 30 40"},
		{60, run, "40 60"},
		{60, window, "40 50 60"},
		{60, reasonJSON(500, "any", "1.00", "40"), "10 40 50 60"},
		{60, reasonJSON(1100, "withdraw", "1.00", "null"), "60"},
	} {
		if got := countedEvents(t, pool, 7, c.event, c.reason); got != c.want {
			t.Errorf("%s of event %d counted %s, want %s", c.reason, c.event, got, c.want)
		}
	}
}

// reasonJSON returns the reason of an alert as JSON.
func reasonJSON(code int, appliesTo, limit, window string) string {
	return fmt.Sprintf(`{"code": %d, "applies_to": %q, "limit_at_risk": %q, "window_seconds": %s}`,
		code, appliesTo, limit, window)
}

func eventID(i int) string { return fmt.Sprintf("00000000-0000-7000-8000-%012d", i) }

// countedEvents returns the numbers of the events that a reason counted, in the order of counted_events().
func countedEvents(t *testing.T, pool *pgxpool.Pool, user, event int, reason string) string {
	t.Helper()
	const sql = `SELECT right(id::text, 12)::bigint::text
		FROM counted_events($1::text::bigint, $2::text::uuid, $3::text::jsonb) AS id`
	return strings.Join(queryStrings(t, pool, sql, fmt.Sprint(user), eventID(event), reason), " ")
}

// TestResetRestoredXids restores a row with a greater transaction ID, as from another cluster, in each of the three
// tables.
func TestResetRestoredXids(t *testing.T) {
	t.Parallel()
	const resetTables = `SELECT format('%s %s %s',
		(SELECT string_agg(DISTINCT (xid = 0)::text, ' ') FROM change),
		(SELECT string_agg(DISTINCT (xid = 0)::text, ' ') FROM event),
		(SELECT string_agg(DISTINCT (xid = 0)::text, ' ') FROM alert))`
	for table, foreignRow := range map[string]string{
		"event": `INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts,
				alert_codes, created_at, actor, xid)
			VALUES (1, gen_random_uuid(), 'deposit', 1, 1, 1, 'low', 1, '{}', '{}', now(), '', 1000000000000)`,
		"alert": `INSERT INTO alert (user_id, id, event_id, alert_codes, time, risk, ruleset_id, reasons, created_at, changed_at,
				actor, xid)
			SELECT 1, a.id, e.id, alert_codes, time, risk, ruleset_id, reasons, created_at, changed_at, actor, 1000000000000
			FROM alert a, LATERAL (SELECT id FROM event WHERE user_id = 1) AS e WHERE a.time = 1`,
		"change": `INSERT INTO change (actor, table_name, row_key, action, xid)
			VALUES ('', 'site', '1', 'insert', 1000000000000)`,
	} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			pool := poolWithLedger(t)
			mustExec(t, pool, insertEvent+`
				VALUES (1, gen_random_uuid(), 'deposit', 1, 1, 1, 'low', 1, '{}', '{}', NULL, now(), '')`)
			reset := func() string { return queryStrings(t, pool, "SELECT reset_restored_xids()::text")[0] }
			if got := reset(); got != "0" {
				t.Errorf("a ledger of this cluster: %s rows were reset", got)
			}
			if got := queryStrings(t, pool, resetTables)[0]; got != "false false false" {
				t.Errorf("xid is 0 in change, event, alert: %s", got)
			}
			before := queryStrings(t, pool, `SELECT (alert_change)::text FROM alert_change
				UNION ALL SELECT (to_jsonb(alert) - 'xid')::text FROM alert ORDER BY 1`)
			mustExec(t, pool, foreignRow)
			want := queryStrings(t, pool, `SELECT (
				(SELECT count(*) FROM change) + (SELECT count(*) FROM event) + (SELECT count(*) FROM alert)
			)::text`)[0]
			if got := reset(); got != want {
				t.Errorf("%s rows were reset, want %s", got, want)
			}
			if got := queryStrings(t, pool, resetTables)[0]; got != "true true true" {
				t.Errorf("xid is 0 in change, event, alert: %s", got)
			}
			after := queryStrings(t, pool, `SELECT (alert_change)::text FROM alert_change
				UNION ALL SELECT (to_jsonb(alert) - 'xid')::text FROM alert WHERE user_id = 7 ORDER BY 1`)
			if strings.Join(after, "\n") != strings.Join(before, "\n") {
				t.Errorf("the reset changed other columns:\n%s\n---\n%s",
					strings.Join(before, "\n"), strings.Join(after, "\n"))
			}
			const disabledTriggers = "SELECT tgname::text FROM pg_trigger WHERE tgenabled <> 'O'"
			if disabled := queryStrings(t, pool, disabledTriggers); len(disabled) > 0 {
				t.Error("the reset leaves triggers disabled:", disabled)
			}
			if got := reset(); got != "0" {
				t.Errorf("the second reset changed %s rows", got)
			}
		})
	}
}

// lateEvents makes event a view that is read later than its statement began, as from a shard on another machine: it
// waits for an advisory lock and then takes a new snapshot.
const lateEvents = `
	ALTER TABLE event RENAME TO event_rows;
	CREATE FUNCTION late_events() RETURNS SETOF event_rows LANGUAGE plpgsql AS $$
		BEGIN
			PERFORM pg_advisory_xact_lock(1);
			RETURN QUERY SELECT * FROM event_rows;
		END
	$$;
	CREATE VIEW event AS SELECT * FROM late_events()`

// readBesideCommit evaluates a condition while another transaction commits an event between the snapshot of the
// statement and its read of the events.
func readBesideCommit(t *testing.T, condition string) string {
	t.Helper()
	pool := pgtest.Pool(t)
	mustExec(t, pool, lateEvents)
	conn := pgtest.Connect(t, pool.Config().ConnConfig.ConnString())
	mustExec(t, conn, "SELECT pg_advisory_lock(1)")
	result := make(chan string, 1)
	go func() {
		var value bool
		err := pool.QueryRow(context.Background(), "SELECT "+condition).Scan(&value)
		result <- fmt.Sprint(value, err)
	}()
	pgtest.WaitForLockWait(t, conn)
	mustExec(t, conn, strings.Replace(insertEvent, "event", "event_rows", 1)+`
		VALUES (1, gen_random_uuid(), 'deposit', 1, 1, 1, 'low', 1, '{}', '{}', NULL, now(), '')`)
	mustExec(t, conn, "SELECT pg_advisory_unlock(1)")
	return <-result
}

// TestHasRestoredXids_commitInBetween: an event that is committed while the function reads is not one of another
// cluster. The negative control reads the events and the snapshot in one statement.
func TestHasRestoredXids_commitInBetween(t *testing.T) {
	t.Parallel()
	if got := readBesideCommit(t, "has_restored_xids()"); got != "false <nil>" {
		t.Error("after a commit in between:", got)
	}
	const oneStatement = "(SELECT max(xid) FROM event) >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
	if got := readBesideCommit(t, oneStatement); got != "true <nil>" {
		t.Error("control: the snapshot of one statement includes the commit; the test proves nothing:", got)
	}
}

// resetTwice resets a restored history in two sessions. Both decide to reset it before the first one has the locks, and
// a writer commits a change in between. It returns the results of the second session, and the transaction ID of the
// change.
func resetTwice(t *testing.T, pool *pgxpool.Pool) (rows, xid int64) {
	t.Helper()
	mustExec(t, pool, `INSERT INTO change (actor, table_name, row_key, action, xid)
		VALUES ('', 'site', '1', 'insert', 1000000000000)`)
	waiters := func(n int) {
		pgtest.WaitFor(t, fmt.Sprint(n, " waiting sessions"), func() bool {
			return pgtest.QueryValue[int](t, pool, `SELECT count(*) FROM pg_stat_activity
				WHERE datname = current_database() AND wait_event_type = 'Lock'`) == n
		})
	}
	first := pgtest.Connect(t, pool.Config().ConnConfig.ConnString())
	mustExec(t, first, "begin")
	mustExec(t, first, "SELECT reset_restored_xids()")
	written, reset := make(chan error, 1), make(chan error, 1)
	go func() { written <- exec(pool, "INSERT INTO site (name) VALUES ('in between')") }()
	waiters(1)
	go func() {
		reset <- pool.QueryRow(context.Background(), "SELECT reset_restored_xids()").Scan(&rows)
	}()
	waiters(2)
	mustExec(t, first, "commit") // the writer is next in the queue for the lock, before the second session
	if err := errors.Join(<-written, <-reset); err != nil {
		t.Fatal(err)
	}
	return rows, pgtest.QueryValue[int64](t, pool, "SELECT xid FROM change ORDER BY id DESC LIMIT 1")
}

// TestResetRestoredXids_secondInstance: a second session does not reset a history again that the first one has reset,
// so the change of a writer in between keeps its transaction ID. The negative control does not look again.
func TestResetRestoredXids_secondInstance(t *testing.T) {
	t.Parallel()
	if rows, xid := resetTwice(t, pgtest.Pool(t)); rows != 0 || xid == 0 {
		t.Errorf("the second session reset %d rows; the change in between has the transaction ID %d", rows, xid)
	}
	control := pgtest.Pool(t)
	const looksOnce = `DO $$
		DECLARE
			again constant text := E'SHARE ROW EXCLUSIVE MODE;\n    IF NOT has_restored_xids() THEN';
			text  constant text := pg_get_functiondef('reset_restored_xids'::regproc);
		BEGIN
			ASSERT position(again IN text) > 0;
			EXECUTE replace(text, again, replace(again, 'NOT has_restored_xids()', 'false'));
		END $$`
	mustExec(t, control, looksOnce)
	if rows, xid := resetTwice(t, control); rows == 0 || xid != 0 {
		t.Errorf("control: reset %d rows, transaction ID %d: the test proves nothing", rows, xid)
	}
}

// TestSettledXid: rows of this database are settled when its older transactions have ended, also for the server's role.
// Transactions of other databases do not matter.
func TestSettledXid(t *testing.T) {
	t.Parallel()
	owner, server := pgtest.Pools(t)
	begin := func(pool *pgxpool.Pool) pgx.Tx {
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = tx.Rollback(context.Background()) }) // after a failure
		pgtest.Exec(t, tx, "SELECT pg_current_xact_id()")
		return tx
	}
	// settled reports whether a new row is settled, and whether it is older than every transaction of the cluster.
	settled := func() (settled, oldest bool) {
		pgtest.Exec(t, owner, "INSERT INTO site (name) VALUES ('new')")
		row := server.QueryRow(t.Context(), `SELECT
				max(xid) < (SELECT settled_xid()),
				max(xid) < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
			FROM change`)
		if err := row.Scan(&settled, &oldest); err != nil {
			t.Fatal(err)
		}
		return settled, oldest
	}
	foreign := begin(pgtest.Pool(t))
	if settled, oldest := settled(); !settled || oldest {
		t.Errorf("with a transaction in another database: settled %t, oldest %t; want true, false", settled, oldest)
	}
	own := begin(owner)
	if settled, _ := settled(); settled {
		t.Error("a row is settled although an older transaction of this database runs")
	}
	pgtest.Exec(t, own, "SAVEPOINT s")
	pgtest.Exec(t, own, "INSERT INTO site (name) VALUES ('of a subtransaction')")
	if settled, _ := settled(); settled {
		t.Error("a row is settled although an older subtransaction of this database runs")
	}
	backend := pgtest.QueryValue[string](t, owner, `SELECT concat_ws(' ', pid, role, application)
		FROM transaction_backend((SELECT settled_xid()))`)
	want := pgtest.QueryValue[string](t, own, "SELECT concat_ws(' ', pg_backend_pid(), current_user, 'labledger')")
	if backend != want {
		t.Errorf("the backend is %s, want %s", backend, want)
	}
	if err := own.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if settled, _ := settled(); !settled {
		t.Error("a row is not settled although the older transaction has ended")
	}
	if err := foreign.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestSettledXid_endedMeanwhile: a transaction that ends while a statement runs, before the statement can see in which
// database it runs, does not matter if it has left no row here. If it has, the statement does not see that row.
func TestSettledXid_endedMeanwhile(t *testing.T) {
	t.Parallel()
	const insert = "INSERT INTO site (name) VALUES ('of the older transaction')"
	for name, c := range map[string]struct {
		isForeign, isRolledBack bool
		sql, isolation          string
		want                    bool
	}{
		"other database":          {isForeign: true, sql: insert, isolation: "read committed", want: true},
		"other, old snapshot":     {isForeign: true, sql: insert, isolation: "repeatable read", want: false},
		"without rows":            {sql: "SELECT pg_current_xact_id()", isolation: "read committed", want: true},
		"rolled back":             {isRolledBack: true, sql: insert, isolation: "read committed", want: true},
		"with rows":               {sql: insert, isolation: "read committed", want: false},
		"with rows, old snapshot": {sql: insert, isolation: "repeatable read", want: false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			owner, server := pgtest.Pools(t)
			pool := owner
			if c.isForeign {
				pool = pgtest.Pool(t)
			}
			begin := func(pool *pgxpool.Pool) pgx.Tx {
				tx, err := pool.Begin(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = tx.Rollback(context.Background()) }) // after a failure
				return tx
			}
			end := func(commitOrRollback func(context.Context) error) {
				if err := commitOrRollback(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			older, blocker, reader := begin(pool), begin(owner), begin(server)
			pgtest.Exec(t, older, c.sql)
			pgtest.Exec(t, owner, "INSERT INTO site (name) VALUES ('later')")
			pgtest.Exec(t, blocker, "SELECT pg_advisory_xact_lock(1)")
			pgtest.Exec(t, reader, "SET TRANSACTION ISOLATION LEVEL "+c.isolation)
			var settled bool
			read := make(chan error, 1)
			go func() { // the statement has its snapshot when it waits for the lock
				read <- reader.QueryRow(t.Context(), `WITH waits AS MATERIALIZED (SELECT pg_advisory_xact_lock(1))
					SELECT (SELECT max(xid) FROM change) < (SELECT settled_xid()) FROM waits`).Scan(&settled)
			}()
			pgtest.WaitForLockWait(t, owner)
			if c.isRolledBack {
				end(older.Rollback)
			} else {
				end(older.Commit)
			}
			end(blocker.Rollback)
			if err := <-read; err != nil || settled != c.want {
				t.Errorf("the later row is settled: %t, %v; want %t", settled, err, c.want)
			}
		})
	}
}

// TestSettledXid_calledOnce: each statement calls settled_xid at most once. A transaction may end between two calls, and
// a reader that gets events and alerts up to different transactions misses rows.
func TestSettledXid_calledOnce(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../queries/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	callers := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, query := range strings.Split(string(text), "-- name: ") {
			switch calls := strings.Count(query, "settled_xid()"); {
			case calls > 1:
				t.Errorf("%s: %.30q calls settled_xid %d times", file, query, calls)
			case calls == 1:
				callers++
			}
		}
	}
	if callers < 4 {
		t.Errorf("%d statements call settled_xid; want at least 4", callers)
	}
}
