package schema_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/pgtest"
)

// largeTables fills the tables with 20,000 rows each. Few of them match the filters of filterQueries.
const largeTables = `
	INSERT INTO change (actor, request_id, table_name, row_key, action, after, xid)
		SELECT CASE WHEN n % 5000 = 1 THEN 'rare' ELSE 'usual ' || n % 3 END,
			CASE WHEN n % 3 = 0 THEN 'request ' || n % 5000 END, 'site', n::text, 'update', '{}', 1
		FROM generate_series(1, 20000) AS n;
	INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts, alert_codes, alert_id,
			created_at, actor)
		SELECT n % 1000, ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'deposit', 1, n * 7919 % 20000,
			20000, 'low', 1, '{}', '{30}', ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, now(), 'me'
		FROM generate_series(1, 20000) AS n;
	INSERT INTO alert (user_id, id, event_id, alert_codes, time, risk, ruleset_id, reasons, assignee, created_at,
			changed_at, actor)
		SELECT user_id, alert_id, id, '{30}', time, 'low', 1, '[]', CASE WHEN time % 5000 = 1 THEN 'rare'
			WHEN time % 3 = 0 THEN 'usual' END, now(), now(), 'me'
		FROM event;
	INSERT INTO event_void (user_id, id, event_id, reason, created_at, actor)
		SELECT user_id, ('00000000-0000-7000-a000-' || lpad(time::text, 12, '0'))::uuid, id, 'wrong', now(), 'me'
		FROM event WHERE time % 5000 = 1;
	UPDATE alert SET void_id = event_void.id
		FROM event_void WHERE event_void.user_id = alert.user_id AND event_void.event_id = alert.event_id;
	ANALYZE`

// filterQueries are lists of a few rows, with the index that each one needs. Those without one need a nested loop.
var filterQueries = []struct {
	name, index string
	list        func(ctx context.Context, q *db.Queries) (int, error)
}{
	{"changes by actor", "change_actor_xid_id_idx", func(ctx context.Context, q *db.Queries) (int, error) {
		rows, err := q.ListChanges(ctx, db.ListChangesParams{Actor: new("rare"), Limit: new(int64(100))})
		return len(rows), err
	}},
	{"newest changes by actor", "change_actor_xid_id_idx", func(ctx context.Context, q *db.Queries) (int, error) {
		rows, err := q.ListChangesDesc(ctx, db.ListChangesDescParams{Actor: new("rare"), Limit: new(int64(100))})
		return len(rows), err
	}},
	{"changes by request", "change_request_id_xid_id_idx", func(ctx context.Context, q *db.Queries) (int, error) {
		rows, err := q.ListChanges(ctx, db.ListChangesParams{RequestID: new("request 3"), Limit: new(int64(100))})
		return len(rows), err
	}},
	{"alerts by assignee", "alert_assignee_id_idx", func(ctx context.Context, q *db.Queries) (int, error) {
		rows, err := q.ListAlerts(ctx, db.ListAlertsParams{Assignee: new("rare"), Limit: new(int64(100))})
		return len(rows), err
	}},
	{"alerts by time", "alert_time_idx", func(ctx context.Context, q *db.Queries) (int, error) {
		rows, err := q.ListAlertsDesc(ctx, db.ListAlertsDescParams{
			From: new(int64(100)), To: new(int64(110)), Limit: new(int64(100)),
		})
		return len(rows), err
	}},
	{"events by time", "event_time_idx", func(ctx context.Context, q *db.Queries) (int, error) {
		rows, err := q.ListEvents(ctx, db.ListEventsParams{
			From: new(int64(100)), To: new(int64(110)), Limit: new(int64(100)),
		})
		return len(rows), err
	}},
	{"newest events by time", "event_time_idx", func(ctx context.Context, q *db.Queries) (int, error) {
		rows, err := q.ListEventsDesc(ctx, db.ListEventsDescParams{
			From: new(int64(100)), To: new(int64(110)), Limit: new(int64(100)),
		})
		return len(rows), err
	}},
	{"voided events", "", func(ctx context.Context, q *db.Queries) (int, error) {
		rows, err := q.ListEvents(ctx, db.ListEventsParams{Voided: new(true), Limit: new(int64(100))})
		return len(rows), err
	}},
	{"newest voided events", "", func(ctx context.Context, q *db.Queries) (int, error) {
		rows, err := q.ListEventsDesc(ctx, db.ListEventsDescParams{Voided: new(true), Limit: new(int64(100))})
		return len(rows), err
	}},
	{"marked alerts", "alert_void_id_idx", func(ctx context.Context, q *db.Queries) (int, error) {
		rows, err := q.ListAlerts(ctx, db.ListAlertsParams{Voided: new(true), Limit: new(int64(100))})
		return len(rows), err
	}},
	{"newest marked alerts", "alert_void_id_idx", func(ctx context.Context, q *db.Queries) (int, error) {
		rows, err := q.ListAlertsDesc(ctx, db.ListAlertsDescParams{Voided: new(true), Limit: new(int64(100))})
		return len(rows), err
	}},
	{"newest events that count", "event_id_idx", func(ctx context.Context, q *db.Queries) (int, error) {
		rows, err := q.ListEventsDesc(ctx, db.ListEventsDescParams{Voided: new(false), Limit: new(int64(20))})
		return len(rows), err
	}},
}

// rowsRead returns how many rows of tables the database reads for a list, and how many the list has. A statement runs
// before; it is rolled back.
func rowsRead(
	t *testing.T, pool *pgxpool.Pool, statement string, list func(ctx context.Context, q *db.Queries) (int, error),
) (read int64, found int) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	mustExec(t, tx, statement)
	q := db.New(tx)
	if err := q.ForceCustomPlans(t.Context()); err != nil {
		t.Fatal(err)
	}
	const sum = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_xact_user_tables"
	before := pgtest.QueryValue[int64](t, tx, sum)
	if found, err = list(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	return pgtest.QueryValue[int64](t, tx, sum) - before, found
}

// TestFilters_useIndexes: a list that a filter limits to a few rows reads few rows. The negative control is the same
// list without the index or the nested loop.
func TestFilters_useIndexes(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	mustExec(t, pool, largeTables)
	for _, c := range filterQueries {
		if read, found := rowsRead(t, pool, "SELECT", c.list); found < 2 || read > 100 {
			t.Errorf("%s: found %d rows and read %d", c.name, found, read)
		}
		control := "SET LOCAL enable_nestloop = off"
		if c.index != "" {
			control = "DROP INDEX " + c.index
		}
		if read, _ := rowsRead(t, pool, control, c.list); read < 1000 {
			t.Errorf("%s: after %s it reads %d rows; the test proves nothing", c.name, control, read)
		}
	}
}
