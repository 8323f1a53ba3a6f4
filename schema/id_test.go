package schema_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
)

// idColumns are the columns that a row needs besides its ID, and their values.
var idColumns = map[string][2]string{
	"site":      {"name", "'x'"},
	"freezer":   {"name, site_id", "'x', 1"},
	"computer":  {"name, site_id", "'x', 1"},
	"container": {"freezer_id", "1"},
	"account":   {"username", "gen_random_uuid()"},
	"todo":      {"description, status", "'x', 'open'"},
	"view":      {"name, noun, query", "gen_random_uuid(), 'sites', 'q=x'"},
	"attachment": {
		"name, url, type, size, sha256",
		"'x', '/media/00/' || left(md5(random()::text), 26) || '.txt', 'text/plain', 1, repeat('0', 64)",
	},
}

// insertIDs returns a statement that inserts n rows with the IDs from first on, or with drawn IDs if first is 0. It
// returns the IDs.
func insertIDs(table string, first int64, n int) string {
	columns, values := idColumns[table][0], idColumns[table][1]
	if first != 0 {
		columns, values = "id, "+columns, fmt.Sprint(first, " + n, ", values)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM generate_series(0, %d) AS n RETURNING id",
		table, columns, values, n-1)
}

// insertID runs insertIDs for one row and returns its ID.
func insertID(t *testing.T, q pgtest.Querier, table string, id int64) int64 {
	t.Helper()
	return pgtest.QueryValue[int64](t, q, insertIDs(table, id, 1))
}

// rolledBackInserts are statements of transactions that are rolled back, after a row with the ID last.
func rolledBackInserts(table string, last int64) map[string][]string {
	return map[string][]string{
		"drawn":          {insertIDs(table, 0, 1)},
		"many drawn":     {insertIDs(table, 0, 5000)},
		"near":           {insertIDs(table, last+100, 5)},
		"near and drawn": {insertIDs(table, last+100, 5), insertIDs(table, 0, 5)},
		"far":            {insertIDs(table, 20250101001, 1)},
		"greatest":       {insertIDs(table, 4503599627370495, 1)},
		"far and near":   {insertIDs(table, last+60000, 5), insertIDs(table, last+20000, 5)},
		"a savepoint":    {"SAVEPOINT s", insertIDs(table, 0, 3), "ROLLBACK TO s", insertIDs(table, 0, 3)},
		"a failure":      {insertIDs(table, 0, 5), insertIDs(table, last, 1)},
	}
}

// TestRolledBackInsert_leavesNoTrace: the next ID is the same as without the inserts that were rolled back.
func TestRolledBackInsert_leavesNoTrace(t *testing.T) {
	t.Parallel()
	for table := range idColumns {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			conn := pgtest.Connect(t, pgtest.Database(t))
			last := insertID(t, conn, table, 0)
			for name := range rolledBackInserts(table, 0) {
				mustExec(t, conn, "BEGIN")
				for _, sql := range rolledBackInserts(table, last)[name] {
					_, err := conn.Exec(t.Context(), sql)
					if wantError := name == "a failure" && sql == insertIDs(table, last, 1); wantError != (err != nil) {
						t.Fatalf("%s: %s: %v", name, sql, err)
					}
				}
				mustExec(t, conn, "ROLLBACK")
				want := last + 1
				if last = insertID(t, conn, table, 0); last != want {
					t.Errorf("after %s, rolled back, the next ID is %d, want %d", name, last, want)
				}
			}
			mustExec(t, conn, "BEGIN")
			mustExec(t, conn, "SAVEPOINT s")
			mustExec(t, conn, insertIDs(table, 0, 3))
			mustExec(t, conn, "ROLLBACK TO s")
			if id := insertID(t, conn, table, 0); id != last+1 {
				t.Errorf("after a savepoint, the next ID is %d, want %d", id, last+1)
			}
			mustExec(t, conn, "COMMIT")
		})
	}
}

// TestDeletedID_isNotUsedAgain: the ID of a deleted row stays used, also if later ones are rolled back.
func TestDeletedID_isNotUsedAgain(t *testing.T) {
	t.Parallel()
	for table := range idColumns {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.Pool(t)
			last := insertID(t, pool, table, 0)
			mustExec(t, pool, fmt.Sprintf("DELETE FROM %s WHERE id = %d", table, last))
			mustExec(t, pool, "BEGIN; "+insertIDs(table, 0, 10)+"; ROLLBACK")
			if id := insertID(t, pool, table, 0); id != last+1 {
				t.Errorf("after the deleted row %d, the next ID is %d", last, id)
			}
		})
	}
}

// TestChosenID_far: a chosen ID far above the others does not move the next one. When the sequence comes near, it
// passes the chosen IDs.
func TestChosenID_far(t *testing.T) {
	t.Parallel()
	for table := range idColumns {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.Pool(t)
			last := insertID(t, pool, table, 0)
			mustExec(t, pool, insertIDs(table, last+60000, 10))
			mustExec(t, pool, insertIDs(table, last+90000, 10))
			if id := insertID(t, pool, table, 0); id != last+1 {
				t.Errorf("the next ID is %d, want %d", id, last+1)
			}
			mustExec(t, pool, insertIDs(table, last+15000, 1))
			if id, want := insertID(t, pool, table, 0), last+90010; id != want {
				t.Errorf("near the chosen IDs, the next ID is %d, want %d", id, want)
			}
		})
	}
}

// insertBeside inserts a row while another transaction, which then rolls back, has run a statement. It returns the ID,
// the ID of another row after the rollback, and the error of the first insert.
func insertBeside(t *testing.T, pool *pgxpool.Pool, statements ...string) (id, next int64, err error) {
	t.Helper()
	other := pgtest.Connect(t, pool.Config().ConnConfig.ConnString())
	mustExec(t, other, "BEGIN")
	for _, sql := range statements {
		mustExec(t, other, sql)
	}
	conn := pgtest.Connect(t, pool.Config().ConnConfig.ConnString())
	mustExec(t, conn, "SET lock_timeout = '1ms'") // the other transaction is idle: a lock of it is never released
	err = conn.QueryRow(t.Context(), insertIDs("site", 0, 1)).Scan(&id)
	mustExec(t, other, "ROLLBACK")
	return id, insertID(t, pool, "site", 0), err
}

// TestInsert_doesNotWait: an insert neither waits for another one nor uses its IDs. Since it commits before the other
// one rolls back, the IDs below remain unused. The negative controls lack one of the triggers, or set the sequence back
// too early.
func TestInsert_doesNotWait(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		insert string
		want   int64
	}{
		"drawn":     {insertIDs("site", 0, 1), 5},
		"chosen":    {insertIDs("site", 4, 1), 5},
		"many near": {insertIDs("site", 4, 5000), 5004},
		"far":       {insertIDs("site", 1000000, 1), 4},
	} {
		if id, next, err := insertBeside(t, pgtest.Pool(t), c.insert); err != nil || id != c.want || next != c.want+1 {
			t.Errorf("%s: %d, then %d, want %d: %v", name, id, next, c.want, err)
		}
	}
	for name, c := range map[string]struct{ before, insert, beside string }{
		"without reserve_ids": {"ALTER TABLE site DISABLE TRIGGER reserve_ids", insertIDs("site", 4, 1), "SELECT"},
		"set back too early":  {"SELECT", insertIDs("site", 0, 1), "SELECT setval('site_id_seq', 3)"},
	} {
		control := pgtest.Pool(t)
		mustExec(t, control, c.before)
		if _, _, err := insertBeside(t, control, c.insert, c.beside); err == nil ||
			!strings.Contains(err.Error(), "55P03") {
			t.Errorf("control %s: %v, want a lock timeout; the test proves nothing", name, err)
		}
	}
}

// TestInsert_withOldSnapshot: a transaction that does not see the newest row does not use its ID.
func TestInsert_withOldSnapshot(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	conn := pgtest.Connect(t, pool.Config().ConnConfig.ConnString())
	mustExec(t, conn, "BEGIN ISOLATION LEVEL REPEATABLE READ")
	mustExec(t, conn, "SELECT FROM site")
	if id := insertID(t, pool, "site", 0); id != 4 {
		t.Fatal(id)
	}
	if id := insertID(t, conn, "site", 0); id != 5 {
		t.Errorf("ID %d, want 5", id)
	}
	mustExec(t, conn, "COMMIT")
}

// TestRandomInserts runs transactions in three sessions, which insert and delete rows, and commit or roll back. No
// insert waits or fails. The first ID that a transaction draws while it is the only one follows the greatest ID that is
// or was stored.
func TestRandomInserts(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	random := rand.New(rand.NewPCG(4, 4))
	type session struct {
		*pgx.Conn
		open, inserted bool
	}
	sessions := make([]*session, 3)
	for i := range sessions {
		sessions[i] = &session{Conn: pgtest.Connect(t, pool.Config().ConnConfig.ConnString())}
		mustExec(t, sessions[i], "SET lock_timeout = '1ms'") // the other sessions are idle
	}
	const stored = `SELECT greatest((SELECT max(id) FROM site), (
		SELECT max(row_key::bigint) FROM change WHERE table_name = 'site' AND action = 'delete'))`
	greatest, checked := int64(3), 0
	for range 2000 {
		s := sessions[random.IntN(len(sessions))]
		if !s.open {
			mustExec(t, s, "BEGIN")
			s.open, s.inserted = true, false
		}
		alone := true
		for _, other := range sessions {
			alone = alone && (other == s || !other.open)
		}
		switch random.IntN(6) {
		case 0:
			mustExec(t, s, "COMMIT")
			s.open = false
		case 1:
			mustExec(t, s, "ROLLBACK")
			s.open = false
		case 2:
			greatest += 1 + random.Int64N(3)
			mustExec(t, s, insertIDs("site", greatest, 1))
			s.inserted = true
		case 3:
			if alone {
				mustExec(t, s, "DELETE FROM site WHERE id = (SELECT max(id) FROM site) AND id > 3")
			}
		default:
			id := insertID(t, s, "site", 0)
			if alone && !s.inserted {
				if want := pgtest.QueryValue[int64](t, pool, stored) + 1; id != want {
					t.Fatalf("ID %d, want %d", id, want)
				}
				checked++
			}
			greatest, s.inserted = max(greatest, id), true
		}
	}
	if checked < 30 {
		t.Errorf("only %d IDs were checked", checked)
	}
}

// TestInsert_findsGreatestDeletedID: an insert after the newest row was deleted reads the deletions of other rows by an
// index. It would take seconds in a long history.
func TestInsert_findsGreatestDeletedID(t *testing.T) {
	t.Parallel()
	for table := range idColumns {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			conn := pgtest.Connect(t, pgtest.Database(t))
			mustExec(t, conn, insertIDs(table, 0, 5000))
			last := pgtest.QueryValue[int64](t, conn, "SELECT max(id) FROM "+table)
			mustExec(t, conn, fmt.Sprintf("DELETE FROM %s WHERE id > %d", table, last-5000))
			mustExec(t, conn, "ANALYZE change")
			mustExec(t, conn, "BEGIN")
			if got := insertID(t, conn, table, 0); got != last+1 {
				t.Errorf("the next ID is %d, want %d", got, last+1)
			}
			const entries = `SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid))::bigint
				FROM pg_index WHERE indrelid = 'change'::regclass`
			if n := pgtest.QueryValue[int64](t, conn, entries); n < 1 || n > 100 {
				t.Errorf("the insert read %d entries of indexes on change", n)
			}
			mustExec(t, conn, "ROLLBACK")
		})
	}
}
