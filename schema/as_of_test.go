package schema_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"labledger/internal/pgtest"
)

// notRegister are the tables with a history that are not parts of the register.
var notRegister = strings.Fields("account attachment checkout rule stocktake stocktake_item todo view")

// TestAsOf_tables: each table of the register has a table of its former versions, with the same columns, and a function
// that returns its rows of the past. A new table with a history gets them, or a line above.
func TestAsOf_tables(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	for _, table := range queryStrings(t, pool, `SELECT relname::text FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
		WHERE tgname = 'record_change'`) {
		if slices.Contains(notRegister, table) {
			continue
		}
		if n := pgtest.QueryValue[int](t, pool, "SELECT count(to_regprocedure($1))", table+"_as_of(timestamptz)"); n != 1 {
			t.Errorf("there is no function %s_as_of(timestamptz)", table)
		}
		columns := func(table string) []string {
			return queryStrings(t, pool, `SELECT concat_ws(' ', attname, format_type(atttypid, atttypmod), attcollation)
				FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, table)
		}
		want := append([]string{"until timestamp with time zone 0"}, columns(table)...)
		if got := columns(table + "_past"); !slices.Equal(got, want) {
			t.Errorf("columns of %s_past: %q, want %q", table, got, want)
		}
	}
}

// TestAsOf_columns: the functions return each column of the past, before and after a change.
func TestAsOf_columns(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	mustExec(t, pool, `INSERT INTO account (username) VALUES ('ann')`)
	mustExec(t, pool, `INSERT INTO site (id, name, contact, address, state_or_region, country, postcode_or_zip)
		VALUES (7, 'a', 'b', 'c', 'd', 'e', 'f')`)
	mustExec(t, pool, `INSERT INTO freezer (id, name, site_id, capacity) VALUES (7, 'a', 7, 9)`)
	mustExec(t, pool, `INSERT INTO computer (id, name, mac, site_id) VALUES (7, 'a', '0a:0b:0c:00:00:01', 7)`)
	mustExec(t, pool, `INSERT INTO container (id, uuid, description, freezer_id, rows, columns, scheme, blocked)
		VALUES (7, md5('box')::uuid, 'Box', 7, 2, 3, '1-1', '1-1')`)
	mustExec(t, pool, `INSERT INTO container (id, uuid, description, barcode, kind, type, owner, project, quantity, unit,
			expires_on, thaw_count, capacity, parent_uuid, position)
		VALUES (8, md5('tube')::uuid, 'Tube', 'b', 'k', 't', 'ann', 'p', 1.50, 'ml', '2026-02-03', 4, 5,
			md5('box')::uuid, '2-2')`)
	mustExec(t, pool, `INSERT INTO container (description, freezer_id) VALUES ('Lost', 7)`)
	mustExec(t, pool, `UPDATE container SET status = 'missing', status_reason = 'r' WHERE description = 'Lost'`)
	mustExec(t, pool, `INSERT INTO checkout (container_uuid, holder, due_on) VALUES (md5('tube')::uuid, 'ann', '2026-03-04')`)
	at := pgtest.QueryValue[time.Time](t, pool, "SELECT clock_timestamp()")
	for _, table := range []string{"site", "freezer", "computer", "container"} {
		rows := func() []string {
			return queryStrings(t, pool, "SELECT to_jsonb(past)::text FROM "+table+"_as_of($1) AS past ORDER BY id", at)
		}
		present := queryStrings(t, pool, "SELECT to_jsonb("+table+")::text FROM "+table+" ORDER BY id")
		if got := rows(); !slices.Equal(got, present) {
			t.Errorf("%s: %q, want %q", table, got, present)
		}
		mustExec(t, pool, "UPDATE "+table+" SET "+map[string]string{
			"site": "name = 'x'", "freezer": "name = 'x'", "computer": "name = 'x'", "container": "thaw_count = thaw_count + 1",
		}[table])
		if got := rows(); !slices.Equal(got, present) {
			t.Errorf("%s after a change: %q, want %q", table, got, present)
		}
		for _, column := range queryStrings(t, pool, `SELECT key FROM unnest($1::jsonb[]) AS row, jsonb_each(row)
			GROUP BY key HAVING bool_and(value = 'null')`, present) {
			t.Errorf("the test sets no value of %s.%s", table, column)
		}
	}
}

// TestAsOf_overlappingTransactions: if a transaction changes a row after one that began later, each state has the row
// once. The state between the two has neither change.
func TestAsOf_overlappingTransactions(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	clock := func() time.Time { return pgtest.QueryValue[time.Time](t, pool, "SELECT clock_timestamp()") }
	first := clock()
	earlier, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = earlier.Rollback(context.Background()) }()
	pgtest.Exec(t, earlier, "SELECT now()")
	between := clock()
	mustExec(t, pool, "UPDATE freezer SET name = 'later' WHERE id = 1")
	afterLater := clock()
	pgtest.Exec(t, earlier, "UPDATE freezer SET name = 'earlier' WHERE id = 1")
	if err := earlier.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustExec(t, pool, "UPDATE freezer SET name = 'last' WHERE id = 1")
	original := pgtest.QueryValue[string](t, pool, `SELECT before ->> 'name' FROM change
		WHERE table_name = 'freezer' AND after ->> 'name' = 'later'`)
	for at, want := range map[time.Time]string{
		first: original, between: original, afterLater: "earlier", clock(): "last",
	} {
		if got := queryStrings(t, pool, "SELECT name FROM freezer_as_of($1) WHERE id = 1", at); !slices.Equal(got, []string{want}) {
			t.Errorf("at %v: %q, want %q", at, got, want)
		}
	}
}

// TestAsOf_createdAgain: a row that is created again, by a transaction that began before the deletion, begins after its
// former version. So no state has both.
func TestAsOf_createdAgain(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	earlier, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = earlier.Rollback(context.Background()) }()
	pgtest.Exec(t, earlier, "SELECT now()")
	between := pgtest.QueryValue[time.Time](t, pool, "SELECT clock_timestamp()")
	mustExec(t, pool, "DELETE FROM computer WHERE id = 1")
	pgtest.Exec(t, earlier, "INSERT INTO computer (id, name, site_id) VALUES (1, 'again', 1)")
	if err := earlier.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := pgtest.QueryValue[time.Time](t, pool, "SELECT clock_timestamp()")
	for at, want := range map[time.Time]string{between: "Computer 1", after: "again"} {
		if got := queryStrings(t, pool, "SELECT name FROM computer_as_of($1) WHERE id = 1", at); !slices.Equal(got, []string{want}) {
			t.Errorf("at %v: %q, want %q", at, got, want)
		}
	}
}

// TestAsOf_guarantees: nobody sets since when a row is as it is, and a version never names two states of one key, also if
// a row got another key in between.
func TestAsOf_guarantees(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	mustExec(t, pool, "INSERT INTO site (id, name, since) VALUES (70, 'a', 'infinity')")
	mustExec(t, pool, "UPDATE site SET since = '2020-01-01' WHERE id = 70")
	const site = "SELECT concat_ws(' ', version, since BETWEEN now() - interval '1 hour' AND now()) FROM site WHERE id = 70"
	if got := pgtest.QueryValue[string](t, pool, site); got != "1 t" {
		t.Errorf("version and a recent time: %s", got)
	}
	mustExec(t, pool, "INSERT INTO container (uuid, freezer_id) VALUES (md5('1')::uuid, 1)")
	mustExec(t, pool, "UPDATE container SET description = 'x' WHERE uuid = md5('1')::uuid")
	mustExec(t, pool, "UPDATE container SET uuid = md5('2')::uuid WHERE uuid = md5('1')::uuid")
	mustExec(t, pool, "INSERT INTO container (uuid, freezer_id) VALUES (md5('1')::uuid, 1)")
	if got := pgtest.QueryValue[int](t, pool, "SELECT version FROM container WHERE uuid = md5('1')::uuid"); got != 3 {
		t.Errorf("version %d of a used UUID, want 3", got)
	}
}

// TestAsOfMigration: the states before the migration are those of the history, also of rows that were created again or
// got another key. Older history lacks newer columns; rows have their defaults.
func TestAsOfMigration(t *testing.T) {
	t.Parallel()
	pool, up := databaseBefore(t, "as_of")
	var times []time.Time
	var states [][]string
	const rows = "SELECT (to_jsonb(row) - 'since')::text FROM %s AS row ORDER BY id"
	for _, sql := range []string{
		"INSERT INTO computer (id, name, site_id) VALUES (70, 'a', 1), (71, 'b', 1)",
		"UPDATE computer SET name = name || '2'",
		"DELETE FROM computer WHERE id = 70",
		"UPDATE computer SET id = 72 WHERE id = 71",
		"INSERT INTO computer (id, name, site_id) VALUES (70, 'again', 1), (71, 'other', 1)",
		"UPDATE computer SET name = name || '3'",
	} {
		mustExec(t, pool, sql)
		times = append(times, pgtest.QueryValue[time.Time](t, pool, "SELECT clock_timestamp()"))
		states = append(states, queryStrings(t, pool, fmt.Sprintf(rows, "computer")))
	}
	mustExec(t, pool, `INSERT INTO change (at, actor, table_name, row_key, action, before)
		VALUES ('2020-01-02Z', 'old', 'container', '123e4567-e89b-12d3-a456-426614174077', 'delete', '{"id": 77,
			"uuid": "123e4567-e89b-12d3-a456-426614174077", "description": "Old", "freezer_id": 1, "version": 3}')`)
	if err := up(); err != nil {
		t.Fatal(err)
	}
	old := queryStrings(t, pool, `SELECT concat_ws(' ', description, status, thaw_count, depth, layout = '', since)
		FROM container_as_of('2020-01-01Z')`)
	if want := []string{"Old stored 0 0 t -infinity"}; !slices.Equal(old, want) {
		t.Errorf("a container of the older history: %q, want %q", old, want)
	}
	for i, at := range times {
		if got := queryStrings(t, pool, fmt.Sprintf(rows, "computer_as_of($1)"), at); !slices.Equal(got, states[i]) {
			t.Errorf("state %d: %q, want %q", i, got, states[i])
		}
	}
	mustExec(t, pool, "UPDATE computer SET name = name || '4'")
	for i, at := range times {
		if got := queryStrings(t, pool, fmt.Sprintf(rows, "computer_as_of($1)"), at); !slices.Equal(got, states[i]) {
			t.Errorf("state %d after a change: %q, want %q", i, got, states[i])
		}
	}
}
