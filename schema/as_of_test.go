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

// TestAsOf_tables: each table of the register has functions that return its rows of the past. A new table with a history
// gets them, or a line above.
func TestAsOf_tables(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	for _, table := range queryStrings(t, pool, `SELECT relname::text FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
		WHERE tgname = 'record_change'`) {
		if slices.Contains(notRegister, table) {
			continue
		}
		for _, state := range []string{"unchanged_since", "changed_since", "as_of"} {
			name := fmt.Sprintf("%s_%s(timestamptz)", table, state)
			if n := pgtest.QueryValue[int](t, pool, "SELECT count(to_regprocedure($1))", name); n != 1 {
				t.Errorf("there is no function %s", name)
			}
		}
	}
}

// TestAsOf_columns: the functions return each column of the past. Without one of them, a state differs from the history.
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
		rows := func(function string) []string {
			return queryStrings(t, pool, fmt.Sprintf("SELECT to_jsonb(past)::text FROM %s_%s($1) AS past ORDER BY id", table,
				function), at)
		}
		present := queryStrings(t, pool, "SELECT to_jsonb("+table+")::text FROM "+table+" ORDER BY id")
		if !slices.Equal(rows("unchanged_since"), present) || len(rows("changed_since")) > 0 {
			t.Errorf("%s: %q, want %q", table, rows("unchanged_since"), present)
		}
		mustExec(t, pool, "UPDATE "+table+" SET "+map[string]string{
			"site": "name = 'x'", "freezer": "name = 'x'", "computer": "name = 'x'", "container": "thaw_count = thaw_count + 1",
		}[table])
		if !slices.Equal(rows("changed_since"), present) || len(rows("unchanged_since")) > 0 {
			t.Errorf("%s: %q, want %q", table, rows("changed_since"), present)
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

// TestAsOfMigration: the states before the migration are those of the history, also of rows that were created again or
// got another key.
func TestAsOfMigration(t *testing.T) {
	t.Parallel()
	pool, up := databaseBefore(t, "as_of")
	var times []time.Time
	var states [][]string
	const rows = "SELECT to_jsonb(row)::text FROM %s AS row ORDER BY id"
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
	if err := up(); err != nil {
		t.Fatal(err)
	}
	for i, at := range times {
		if got := queryStrings(t, pool, fmt.Sprintf(rows, "computer_as_of($1)"), at); !slices.Equal(got, states[i]) {
			t.Errorf("state %d: %q, want %q", i, got, states[i])
		}
	}
	before := pgtest.QueryValue[string](t, pool, "SELECT string_agg(before_since::text, ' ' ORDER BY id) FROM change")
	mustExec(t, pool, "UPDATE computer SET name = name || '4'")
	after := pgtest.QueryValue[string](t, pool, "SELECT string_agg(before_since::text, ' ' ORDER BY id) FROM change")
	if !strings.HasPrefix(after, before) || after == before {
		t.Errorf("before_since: %s, then %s", before, after)
	}
}
