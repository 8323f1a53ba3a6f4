package schema_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/pgtest"
)

// insertAlerts inserts an event and an alert for each of the users 1 to 3, at the time with the number of the user.
// reasons is SQL.
func insertAlerts(t *testing.T, pool *pgxpool.Pool, reasons string) {
	t.Helper()
	mustExec(t, pool, insertEvent+`SELECT n, ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'deposit', 1, n, n,
			'medium', 1, '{}', '{30}', ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, now(), ''
		FROM generate_series(1, 3) AS n`)
	mustExec(t, pool, insertAlert+`SELECT user_id, alert_id, id, '{30}', time, 'medium', 1, `+reasons+`, now(), now(), ''
		FROM event`)
}

// TestPeopleMigration: an assignee who is no user is removed. Other rows stay as they are.
func TestPeopleMigration(t *testing.T) {
	t.Parallel()
	pool, up := databaseBefore(t, "people")
	insertAlerts(t, pool, "'[]'")
	for i, assignee := range []string{"'Bob'", "'Bob Smith'", "NULL"} {
		mustExec(t, pool, fmt.Sprintf("UPDATE alert SET assignee = %s, note = 'x' WHERE time = %d", assignee, i+1))
		mustExec(t, pool, "INSERT INTO todo (description, status, assignee) VALUES ('new', 'open', "+assignee+")")
	}
	if err := up(); err != nil {
		t.Fatal(err)
	}
	const assignees = "SELECT concat(coalesce(assignee, 'none'), ' v', version) FROM "
	if got := strings.Join(queryStrings(t, pool, assignees+"alert ORDER BY id"), ", "); got != "Bob v2, none v3, none v2" {
		t.Errorf("alerts of %s", got)
	}
	todos := queryStrings(t, pool, assignees+"todo WHERE description = 'new' ORDER BY id")
	if got := strings.Join(todos, ", "); got != "Bob v1, none v2, none v1" {
		t.Errorf("todos of %s", got)
	}
	const removed = `SELECT before ->> 'assignee' FROM change WHERE table_name = 'todo' AND action = 'update'
		UNION ALL SELECT before ->> 'assignee' FROM alert_change WHERE before ->> 'assignee' <> 'Bob' AND version = 3`
	if got := strings.Join(queryStrings(t, pool, removed), ", "); got != "Bob Smith, Bob Smith" {
		t.Errorf("removed assignees in the history: %s", got)
	}
}

// TestPatchAlert_duringRename: a change that keeps the assignee does not wait for a rename of the user. The rename
// locks the account and then waits for a todo, before it changes the alerts. A change that waited for the account would
// hold the lock of the alert, for which the rename waits: as in the negative control, a deadlock.
func TestPatchAlert_duringRename(t *testing.T) {
	t.Parallel()
	for _, control := range []bool{false, true} {
		pool := renamePool(t)
		mustExec(t, pool, "UPDATE alert SET assignee = 'ann'")
		mustExec(t, pool, "UPDATE todo SET assignee = 'ann' WHERE id = 1")
		if control {
			const function = "SELECT pg_get_functiondef('assert_assignee_exists'::regproc)"
			mustExec(t, pool, strings.Replace(queryStrings(t, pool, function)[0], "IF TG_OP", "IF false AND TG_OP", 1))
		}
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		mustExec(t, tx, "SELECT FROM todo WHERE id = 1 FOR UPDATE")
		results := make(chan error, 2)
		go func() { _, err := pool.Exec(context.Background(), rename); results <- err }()
		pgtest.WaitForLockWait(t, pool)
		note := "changed"
		patch := func() {
			_, err := db.New(pool).PatchAlert(context.Background(), db.PatchAlertParams{
				AlertID: alertOfUser1, Given: []string{"note"}, Note: &note,
			})
			results <- err
		}
		if control {
			go patch()
			pgtest.WaitFor(t, "the change of the alert", func() bool {
				return pgtest.QueryValue[int](t, pool, `SELECT count(*) FROM pg_stat_activity
					WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 2
			})
		} else if patch(); len(results) != 1 {
			t.Error("the rename did not wait")
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		deadlocks := 0
		for range 2 {
			var pgErr *pgconn.PgError
			if err := <-results; errors.As(err, &pgErr) && pgErr.Code == "40P01" {
				deadlocks++
			} else if err != nil {
				t.Error(err)
			}
		}
		if (deadlocks > 0) != control {
			t.Errorf("control %v: %d deadlocks", control, deadlocks)
		}
		const alert = "SELECT concat(assignee, ' ', note) FROM alert"
		if got := queryStrings(t, pool, alert)[0]; !control && got != "anna changed" {
			t.Errorf("the alert is %s", got)
		}
	}
}

// TestPasswordLink_history: the history has creations, replacements and deletions of links with their messages, but not
// the deletion of an expired link. No change has the hash.
func TestPasswordLink_history(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	const insert = `INSERT INTO password_link (account_id, hash, created_at, expires_at)
		SELECT id, sha256(username::bytea), now() - interval '2 hours', now() + interval '%s' FROM account WHERE id IN (%s)`
	mustExec(t, pool, fmt.Sprintf(insert, "1 hour", "1, 2"))
	mustExec(t, pool, fmt.Sprintf(insert, "-1 hour", "3"))
	for _, sql := range []string{
		`BEGIN; SET LOCAL labledger.change_message = 'lost'; UPDATE password_link SET hash = sha256('x') WHERE account_id = 1;
			COMMIT`,
		"DELETE FROM password_link WHERE account_id = 3",
		"INSERT INTO credential VALUES (1, '$argon2id$x')",
		"UPDATE account SET disabled = true WHERE id = 2",
	} {
		mustExec(t, pool, sql)
	}
	const changes = `SELECT concat_ws(' ', action, row_key, message) FROM change WHERE table_name = 'password_link' ORDER BY id`
	const want = "insert 1, insert 2, insert 3, update 1 lost, delete 1, delete 2"
	if got := strings.Join(queryStrings(t, pool, changes), ", "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	const hashes = `SELECT DISTINCT key FROM change, jsonb_object_keys(coalesce(before, after)) AS key
		WHERE table_name = 'password_link' ORDER BY 1`
	if got := strings.Join(queryStrings(t, pool, hashes), ", "); got != "account_id, expires_at" {
		t.Errorf("the changes have the columns %s", got)
	}
}

// TestDeleteExpiredSessions_links: the cleanup deletes expired links only.
func TestDeleteExpiredSessions_links(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	mustExec(t, pool, `INSERT INTO password_link (account_id, hash, created_at, expires_at)
		SELECT id, sha256(username::bytea), now() - interval '2 hours', now() + (id - 2) * interval '1 second' * 600 FROM account`)
	n, err := db.New(pool).DeleteExpiredSessions(t.Context(), db.DeleteExpiredSessionsParams{Seconds: 3600})
	if err != nil || n != 2 {
		t.Errorf("%d rows were deleted, %v; want 2", n, err)
	}
	if got := strings.Join(queryStrings(t, pool, "SELECT account_id::text FROM password_link"), " "); got != "3" {
		t.Errorf("the links of the accounts %s remain", got)
	}
}
