package schema_test

import (
	"context"
	"fmt"
	"strings"
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

// Changes of the user ann.
const (
	rename       = "UPDATE account SET username = 'anna' WHERE username = 'ann'"
	deleteUser   = "DELETE FROM account WHERE username = 'ann'"
	assignedRows = `SELECT (SELECT count(*) FROM alert WHERE assignee = $1) +
		(SELECT count(*) FROM todo WHERE assignee = $1)`
)

// removeAssigneeLocks makes assignments ignore concurrent changes of users, for a negative control.
func removeAssigneeLocks(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for _, sql := range []string{
		"CREATE OR REPLACE FUNCTION lock_username(name text) RETURNS text LANGUAGE sql STRICT AS 'SELECT name'",
		"ALTER TABLE todo DROP CONSTRAINT todo_assignee_fkey",
		"DROP TRIGGER assert_assignee_exists ON alert",
	} {
		mustExec(t, pool, sql)
	}
}

// isBlocked returns a function that reports whether a statement waits for a lock.
func isBlocked(t *testing.T, pool *pgxpool.Pool) func(<-chan string) bool {
	return func(<-chan string) bool {
		return pgtest.QueryValue[int](t, pool, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`) > 0
	}
}

func isDone(done <-chan string) bool { return len(done) > 0 }

// assignDuring assigns a row to ann while a transaction with a change of her is open. It returns the assignee that the
// statement returned, or its error.
func assignDuring(
	t *testing.T, pool *pgxpool.Pool, change, name string, ready func(done <-chan string) bool,
) string {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, tx, change)
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

// changeDuringAssignment changes ann while a transaction that assigns a row to her is open.
func changeDuringAssignment(
	t *testing.T, pool *pgxpool.Pool, change, name string, ready func(done <-chan string) bool,
) {
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
		_, err := pool.Exec(context.Background(), change)
		done <- fmt.Sprint(err)
	}()
	pgtest.WaitFor(t, "the change", func() bool { return ready(done) })
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
	for name := range assignments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, control := range []bool{false, true} {
				for _, renameFirst := range []bool{true, false} {
					pool := renamePool(t)
					want, ready := "anna", isBlocked(t, pool)
					if control {
						want, ready = "ann", isDone
						removeAssigneeLocks(t, pool)
					}
					if !renameFirst {
						changeDuringAssignment(t, pool, rename, name, ready)
					} else if got := assignDuring(t, pool, rename, name, ready); got != want {
						t.Errorf("control %v: the statement returns %s, want %s", control, got, want)
					}
					if n := pgtest.QueryValue[int](t, pool, assignedRows, want); n != 1 {
						t.Errorf("control %v, rename first %v: %d rows are assigned to %s, want 1", control, renameFirst,
							n, want)
					}
				}
			}
		})
	}
}

// TestDeleteUser_duringAssignment: no row stays assigned to a user who is deleted at the same time, whichever
// transaction is first. In the negative control, neither waits for the other.
func TestDeleteUser_duringAssignment(t *testing.T) {
	t.Parallel()
	for name := range assignments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, control := range []bool{false, true} {
				for _, deleteFirst := range []bool{true, false} {
					pool := renamePool(t)
					want, ready := 0, isBlocked(t, pool)
					if control {
						want, ready = 1, isDone
						removeAssigneeLocks(t, pool)
					}
					if !deleteFirst {
						changeDuringAssignment(t, pool, deleteUser, name, ready)
					} else if got := assignDuring(t, pool, deleteUser, name, ready); !control && !isUnknownUser(got) {
						t.Errorf("the statement returns %s, want an error", got)
					}
					if n := pgtest.QueryValue[int](t, pool, assignedRows, "ann"); n != want {
						t.Errorf("control %v, delete first %v: %d rows are assigned to ann, want %d", control, deleteFirst,
							n, want)
					}
				}
			}
		})
	}
}

// isUnknownUser reports whether a text is the error of an assignment to a user who does not exist.
func isUnknownUser(text string) bool {
	return strings.Contains(text, "SQLSTATE 23503")
}
