package schema_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
)

// riskSyncedPerRow replaces the trigger that copies risk levels by one that locks a user state with each changed row.
const riskSyncedPerRow = `
	CREATE FUNCTION sync_risk_per_row() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			INSERT INTO user_state (user_id, risk) VALUES (NEW.id, coalesce(NEW.risk, 'medium'))
			ON CONFLICT (user_id) DO UPDATE SET risk = excluded.risk;
			RETURN NULL;
		END
	$$;
	DROP TRIGGER sync_risk ON account;
	CREATE TRIGGER sync_risk AFTER UPDATE ON account FOR EACH ROW EXECUTE FUNCTION sync_risk_per_row()`

// lockBesideImport changes the risk levels of users 2 and 1, in this order, in a transaction that must wait for the
// lock on user 1. Meanwhile it tries to lock user 2 and returns the error.
func lockBesideImport(t *testing.T, pool *pgxpool.Pool) error {
	t.Helper()
	holder := pgtest.Connect(t, pool.Config().ConnConfig.ConnString())
	mustExec(t, holder, "begin")
	mustExec(t, holder, "SELECT FROM user_state WHERE user_id = 1 FOR UPDATE")
	imported := make(chan error, 1)
	go func() {
		imported <- exec(pool, `BEGIN;
			UPDATE account SET risk = 'high' WHERE id = 2;
			UPDATE account SET risk = 'high' WHERE id = 1;
			COMMIT`)
	}()
	pgtest.WaitForLockWait(t, pool)
	err := exec(pool, "SELECT FROM user_state WHERE user_id = 2 FOR UPDATE NOWAIT")
	mustExec(t, holder, "rollback")
	if err := <-imported; err != nil {
		t.Error("import:", err)
	}
	return err
}

// TestRiskSync_locksAscending: a transaction that changes accounts in descending order locks their user states in
// ascending order. So it holds no lock on user 2 while it waits for user 1.
func TestRiskSync_locksAscending(t *testing.T) {
	t.Parallel()
	if err := lockBesideImport(t, pgtest.Pool(t)); err != nil {
		t.Error("user 2 is locked while the import waits for user 1:", err)
	}
	control := pgtest.Pool(t)
	mustExec(t, control, riskSyncedPerRow)
	if lockBesideImport(t, control) == nil {
		t.Error("control: a trigger for each row locks no user before it waits; the test proves nothing")
	}
}

// TestRiskSync_locksOnlyChangedRisks: other changes of an account do not wait for its user state.
func TestRiskSync_locksOnlyChangedRisks(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	holder := pgtest.Connect(t, pool.Config().ConnConfig.ConnString())
	mustExec(t, holder, "begin")
	mustExec(t, holder, "SELECT FROM user_state FOR UPDATE")
	// The holder keeps the locks, so a statement that needs one always fails.
	const update = "BEGIN; SET LOCAL lock_timeout = '1ms'; UPDATE account SET "
	for _, set := range []string{"country = 'Iceland'", "username = username || '2'", "disabled = true"} {
		if err := exec(pool, update+set+"; COMMIT"); err != nil {
			t.Errorf("UPDATE account SET %s: %v", set, err)
		}
	}
	assertRejected(t, pool, update+"risk = 'high'; COMMIT", "55P03") // the negative control
}
