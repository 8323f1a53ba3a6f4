package schema_test

import (
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5"

	"labledger/internal/pgtest"
)

// A rowChange is a change of the history. Its rows are normalized JSON texts, or null.
type rowChange struct {
	key, action   string
	before, after *string
}

// TestContainerState_fromHistory: the history of a container has no gaps, its versions are numbered one by one, and the
// last state in it is the stored row. STORAGE_OPERATIONS=100000 makes more changes.
func TestContainerState_fromHistory(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.ExecScript(t, url, movesLab)
	if found := moveRandomly(t, url, fullRun(t, "STORAGE_OPERATIONS", 2000)); len(found) > 0 {
		t.Errorf("violations: %v", found)
	}
	conn := pgtest.Connect(t, url)
	problems, states := foldHistory(t, conn)
	if len(problems) > 0 {
		t.Error(problems)
	}
	stored := map[string]string{}
	rows, err := conn.Query(t.Context(), "SELECT uuid::text, (to_jsonb(container) - 'since')::text FROM container")
	if err != nil {
		t.Fatal(err)
	}
	var key, row string
	if _, err := pgx.ForEachRow(rows, []any{&key, &row}, func() error {
		stored[key] = row
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(stored) == 0 || len(stored) != len(states) {
		t.Errorf("%d containers, but %d by the history", len(stored), len(states))
	}
	for key, row := range stored {
		if states[key] != row {
			t.Errorf("the container\n%s\nhas another state in the history\n%s", row, states[key])
		}
	}

	// Without the version trigger, and with a gap in the history, the test fails.
	pgtest.ExecScript(t, url, `ALTER TABLE container DISABLE TRIGGER set_version;
		UPDATE container SET thaw_count = thaw_count + 1;
		ALTER TABLE container ENABLE TRIGGER set_version, DISABLE TRIGGER record_change;
		UPDATE container SET thaw_count = thaw_count + 1;
		ALTER TABLE container ENABLE TRIGGER record_change;
		UPDATE container SET thaw_count = thaw_count + 1`)
	problems, _ = foldHistory(t, conn)
	if problems["version"] != 2*len(stored) || problems["gap"] != len(stored) {
		t.Errorf("control: %v, want %d gaps and twice as many versions", problems, len(stored))
	}
}

// TestContainerVersion_afterDelete: a container that is created again while another transaction deletes it continues
// the versions of the deleted one, also if the insert first waits for the lock of the parent. Without the lock of the
// row it does not: the negative control.
func TestContainerVersion_afterDelete(t *testing.T) {
	t.Parallel()
	for _, control := range []bool{false, true} {
		url := pgtest.Database(t)
		pgtest.ExecScript(t, url, withUUIDs(storageLab))
		if control {
			pgtest.ExecScript(t, url, "DROP TRIGGER set_row_lock ON container")
		}
		observer, parent := pgtest.Connect(t, url), pgtest.Connect(t, url)
		mustExec(t, parent, "BEGIN")
		mustExec(t, parent, withUUIDs("SELECT FROM container WHERE uuid = :drawer FOR UPDATE"))
		inserted := make(chan error, 1)
		go func() {
			_, err := pgtest.Value(url, withUUIDs("INSERT INTO container (uuid, parent_uuid) VALUES (:new, :drawer)"))
			inserted <- err
		}()
		pgtest.WaitForLockWait(t, observer)
		mustExec(t, observer, withUUIDs("INSERT INTO container (uuid, freezer_id) VALUES (:new, 1)")) // version 2
		deleter := pgtest.Connect(t, url)
		mustExec(t, deleter, "BEGIN")
		mustExec(t, deleter, withUUIDs("DELETE FROM container WHERE uuid = :new"))
		mustExec(t, parent, "COMMIT")
		pgtest.WaitFor(t, "the insert to wait for the delete", func() bool {
			return pgtest.QueryValue[bool](t, observer, `SELECT EXISTS (
				SELECT FROM pg_stat_activity WHERE $1::integer = ANY (pg_blocking_pids(pid))
			)`, deleter.PgConn().PID())
		})
		mustExec(t, deleter, "COMMIT")
		if err := <-inserted; err != nil {
			t.Fatal(err)
		}
		want := int64(3)
		if control {
			want = 2
		}
		const version = "SELECT version FROM container WHERE uuid = :new"
		if got := pgtest.QueryValue[int64](t, observer, withUUIDs(version)); got != want {
			t.Errorf("control %v: version %d, want %d", control, got, want)
		}
	}
}

// foldHistory applies all changes of containers in their order. It counts the problems and returns the last states of
// the containers that are not deleted.
func foldHistory(t *testing.T, q pgtest.Querier) (problems map[string]int, states map[string]string) {
	t.Helper()
	rows, err := q.Query(t.Context(), `SELECT row_key, action, before::text, after::text
		FROM change WHERE table_name = 'container' ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	problems, states = map[string]int{}, map[string]string{}
	versions := map[string]int64{}
	var c rowChange
	_, err = pgx.ForEachRow(rows, []any{&c.key, &c.action, &c.before, &c.after}, func() error {
		state, exists := states[c.key]
		if exists != (c.before != nil) || exists && state != *c.before {
			problems["gap"]++
		}
		if (c.action == "insert") != (c.before == nil) || (c.action == "delete") != (c.after == nil) {
			problems["action"]++
		}
		if c.after == nil {
			delete(states, c.key)
			return nil
		}
		var row struct{ Version int64 }
		if err := json.Unmarshal([]byte(*c.after), &row); err != nil {
			return err
		}
		if row.Version != versions[c.key]+1 {
			problems["version"]++
		}
		states[c.key], versions[c.key] = *c.after, row.Version
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return problems, states
}
