package ledger

import (
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
)

// TestRecord_costIsIndependentOfHistory records events of a user with a million events and of a user with a thousand,
// alternately. The cost is the number of blocks that Postgres accesses. Times are only logged.
func TestRecord_costIsIndependentOfHistory(t *testing.T) {
	url := pgtest.Database(t)
	pool := openPool(t, url+"&pool_max_conns=1") // one connection, so that countBlocks can flush its statistics
	other := openPool(t, url)
	for _, table := range []string{"event", "alert", "user_state", "ruleset", "rule"} {
		// The block accesses of autovacuum would count, and its statistics would change the plans.
		pgtest.Exec(t, other, "ALTER TABLE "+table+" SET (autovacuum_enabled = false)")
	}
	l := New(pool, nil)
	const few, singles, window = 1000, 300, 3600
	many := scaled(1_000_000)
	next := map[int64]int64{1: 0, 2: 0} // time of the next event by user
	history := func(user int64, n int) {
		b := &Batch{Events: make([]UserEvent, n), Actor: "me"}
		for i := range b.Events {
			b.Events[i] = UserEvent{user, withdrawal(10, next[user])}
			if i%2 == 0 {
				b.Events[i].Event = deposit(10, next[user])
			}
			next[user] += 40
		}
		if _, err := l.RecordAll(t.Context(), b, false); err != nil {
			t.Fatal(err)
		}
	}
	history(1, few)
	history(2, many)
	single := func(user int64) time.Duration {
		started := time.Now()
		mustRecord(t, l, RecordRequest{UserID: user, Event: deposit(10, next[user]), Actor: "me"})
		next[user] += 40
		return time.Since(started)
	}
	for range 20 { // warm up: Postgres caches plans, and the first writes to a WAL segment are over
		single(1)
		single(2)
	}
	elapsed := map[int64][]time.Duration{}
	for range singles {
		for user := int64(1); user <= 2; user++ {
			elapsed[user] = append(elapsed[user], single(user))
		}
	}
	median := func(user int64) time.Duration { slices.Sort(elapsed[user]); return elapsed[user][singles/2] }
	ratio := float64(median(2)) / float64(median(1))
	t.Logf("with %d events, a new event takes %.2f times as long as with %d (%s)", many, ratio, few, median(1))
	cost := map[int64]float64{}
	for user := int64(1); user <= 2; user++ {
		before := countBlocks(t, pool, other)
		for range singles {
			single(user)
		}
		cost[user] = float64(countBlocks(t, pool, other)-before) / singles
	}
	t.Logf("it accesses %.1f blocks instead of %.1f", cost[2], cost[1])
	if cost[1] < 3 || cost[2] > cost[1]*1.1+2 {
		t.Errorf("with %d events, a new event accesses %.1f blocks; with %d events, %.1f", many, cost[2], few, cost[1])
	}
	before := countBlocks(t, pool, other)
	_ = pgtest.QueryValue[int64](t, pool, "SELECT count(*) FILTER (WHERE effective_time > 0) FROM event WHERE user_id = 2")
	if read := countBlocks(t, pool, other) - before; read < 1000 {
		t.Errorf("control: reading the whole history accesses only %d blocks", read)
	}
	// After a window was lengthened, the state lacks the 90 events of the window. Record reads them from the ledger.
	for user := int64(1); user <= 2; user++ {
		pgtest.Exec(t, other, "UPDATE rule SET window_seconds = 60 WHERE code = 500")
		single(user)
		pgtest.Exec(t, other, "UPDATE rule SET window_seconds = $1 WHERE code = 500", window)
		before := countBlocks(t, pool, other)
		single(user)
		cost[user] = float64(countBlocks(t, pool, other) - before)
		const sql = "SELECT (facts ->> '500')::int FROM event WHERE user_id = $1 ORDER BY id DESC LIMIT 1"
		if n := pgtest.QueryValue[int](t, other, sql, user); n != window/40+1 {
			t.Errorf("the window of user %d holds %d events, want %d", user, n, window/40+1)
		}
	}
	t.Logf("after a window was lengthened, the next event accesses %.0f blocks instead of %.0f", cost[2], cost[1])
	if cost[2] > cost[1]+100 {
		t.Errorf("after a window was lengthened: with %d events, %.0f blocks; with %d events, %.0f", many, cost[2], few,
			cost[1])
	}
}

// countBlocks returns the number of accessed blocks of the ledger's tables so far.
func countBlocks(t *testing.T, counted, other *pgxpool.Pool) int64 {
	t.Helper()
	pgtest.Exec(t, counted, "SELECT pg_stat_force_next_flush()")
	pgtest.Exec(t, counted, "SELECT 1")
	return pgtest.QueryValue[int64](t, other,
		`SELECT sum(heap_blks_read + heap_blks_hit
			+ coalesce(idx_blks_read + idx_blks_hit, 0) + coalesce(toast_blks_read + toast_blks_hit, 0))::bigint
		FROM pg_statio_user_tables WHERE relname IN ('event', 'alert', 'user_state', 'idempotency', 'ruleset')`)
}
