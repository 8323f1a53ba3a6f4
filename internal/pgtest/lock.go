//go:build unix

package pgtest

import "testing"

// WaitForLockWait waits until a statement in the database of q waits for a lock. q must not be the connection that
// holds the lock within a transaction of its own, since pg_stat_activity is cached there.
func WaitForLockWait(t testing.TB, q Querier) {
	t.Helper()
	WaitFor(t, "a statement that waits for a lock", func() bool {
		return QueryValue[bool](t, q, `SELECT EXISTS (
			SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`)
	})
}
