package schema_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/pgtest"
)

// assignments are the writes that assign a row to the user ann.
var assignments = map[string]func(ctx context.Context, q *db.Queries) (assignee *string, err error){
	"PatchAlert": func(ctx context.Context, q *db.Queries) (*string, error) {
		row, err := q.PatchAlert(ctx, db.PatchAlertParams{
			AlertID: alertOfUser1, Given: []string{"assignee"}, Assignee: new("ann"),
		})
		return row.Assignee, err
	},
	"CreateTodo": func(ctx context.Context, q *db.Queries) (*string, error) {
		row, err := q.CreateTodo(ctx, db.CreateTodoParams{Description: "x", Status: "open", Assignee: new("ann")})
		return row.Assignee, err
	},
	"UpdateTodo": func(ctx context.Context, q *db.Queries) (*string, error) {
		row, err := q.UpdateTodo(ctx, db.UpdateTodoParams{
			ID: 1, Description: "x", Status: "open", Assignee: new("ann"),
		})
		return row.Assignee, err
	},
	"PatchTodo": func(ctx context.Context, q *db.Queries) (*string, error) {
		row, err := q.PatchTodo(ctx, db.PatchTodoParams{ID: 1, Given: []string{"assignee"}, Assignee: new("ann")})
		return row.Assignee, err
	},
}

// alertOfUser1 is the alert of renamePool.
var alertOfUser1 = uuid.MustParse("00000000-0000-7000-8000-000000000002")

// renamePool returns a database with the user ann, an alert and a todo.
func renamePool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Pool(t)
	for _, sql := range []string{
		"INSERT INTO account (username) VALUES ('ann')",
		insertEvent + fmt.Sprintf(`VALUES (1, '%s', 'deposit', 1, 1, 1, 'medium', 1, '{}', '{30}', '%s', now(), '')`,
			eventID(1), alertOfUser1),
		insertAlert + fmt.Sprintf(`VALUES (1, '%s', '%s', '{30}', 1, 'medium', 1, '[]', now(), now(), '')`,
			alertOfUser1, eventID(1)),
		"DELETE FROM todo",
		"INSERT INTO todo (id, description, status) VALUES (1, 'x', 'open')",
	} {
		mustExec(t, pool, sql)
	}
	return pool
}

const rename = "UPDATE account SET username = 'anna' WHERE username = 'ann'"

// assignDuringRename assigns a row to ann while a transaction that renames her is open. It returns the assignee that
// the statement returned.
func assignDuringRename(t *testing.T, pool *pgxpool.Pool, name string, ready func(done <-chan string) bool) string {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, tx, rename)
	done := make(chan string, 1)
	go func() {
		assignee, err := assignments[name](context.Background(), db.New(pool))
		if err != nil || assignee == nil {
			done <- fmt.Sprint(err)
			return
		}
		done <- *assignee
	}()
	pgtest.WaitFor(t, "the assignment", func() bool { return ready(done) })
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return <-done
}

// renameDuringAssignment renames ann while a transaction that assigns a row to her is open.
func renameDuringAssignment(t *testing.T, pool *pgxpool.Pool, name string, ready func(done <-chan string) bool) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := assignments[name](t.Context(), db.New(tx)); err != nil {
		t.Fatal(err)
	}
	done := make(chan string, 1)
	go func() {
		_, err := pool.Exec(context.Background(), rename)
		done <- fmt.Sprint(err)
	}()
	pgtest.WaitFor(t, "the rename", func() bool { return ready(done) })
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != "<nil>" {
		t.Error(err)
	}
}

// TestRename_duringAssignment: a row that is assigned to a user while a rename of the user is committed has the new
// name, whichever transaction is first. In the negative control, neither waits for the other.
func TestRename_duringAssignment(t *testing.T) {
	t.Parallel()
	const assigned = `SELECT (SELECT count(*) FROM alert WHERE assignee = $1) +
		(SELECT count(*) FROM todo WHERE assignee = $1)`
	for name := range assignments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, control := range []bool{false, true} {
				for _, renameFirst := range []bool{true, false} {
					pool := renamePool(t)
					want := "anna"
					ready := func(<-chan string) bool {
						return pgtest.QueryValue[int](t, pool, `SELECT count(*) FROM pg_stat_activity
							WHERE datname = current_database() AND wait_event_type = 'Lock'`) > 0
					}
					if control {
						want = "ann"
						ready = func(done <-chan string) bool { return len(done) > 0 }
						mustExec(t, pool, "CREATE OR REPLACE FUNCTION lock_username(name text) RETURNS text "+
							"LANGUAGE sql STRICT AS 'SELECT name'")
					}
					if !renameFirst {
						renameDuringAssignment(t, pool, name, ready)
					} else if got := assignDuringRename(t, pool, name, ready); got != want {
						t.Errorf("control %v: the statement returns %s, want %s", control, got, want)
					}
					if n := pgtest.QueryValue[int](t, pool, assigned, want); n != 1 {
						t.Errorf("control %v, rename first %v: %d rows are assigned to %s, want 1", control, renameFirst,
							n, want)
					}
				}
			}
		})
	}
}
