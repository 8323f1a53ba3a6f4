package ledger

import (
	"math"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
)

// A costMeter records events of users and counts the blocks that Postgres accesses for them.
type costMeter struct {
	*testing.T
	ledger      *Ledger
	pool, other *pgxpool.Pool   // pool has one connection, so that blocks can flush its statistics
	next        map[int64]int64 // time of the next event by user
}

func newCostMeter(t *testing.T) *costMeter {
	t.Helper()
	url := pgtest.Database(t)
	m := &costMeter{T: t, pool: openPool(t, url+"&pool_max_conns=1"), other: openPool(t, url), next: map[int64]int64{}}
	m.ledger = newLedger(m.pool)
	for _, table := range []string{"event", "alert", "user_state", "ruleset", "rule"} {
		// The block accesses of autovacuum would count, and its statistics would change the plans.
		pgtest.Exec(t, m.other, "ALTER TABLE "+table+" SET (autovacuum_enabled = false)")
	}
	return m
}

// recordHistory records n events of a user, 40 seconds apart.
func (m *costMeter) recordHistory(user int64, n int) {
	m.Helper()
	b := &Batch{Events: make([]UserEvent, n), Actor: "me"}
	for i := range b.Events {
		b.Events[i] = UserEvent{user, withdrawal(10, m.next[user])}
		if i%2 == 0 {
			b.Events[i].Event = deposit(10, m.next[user])
		}
		m.next[user] += 40
	}
	if _, err := m.ledger.RecordAll(m.Context(), b, false); err != nil {
		m.Fatal(err)
	}
}

// cost records n events of a user one by one and returns the number of blocks accessed for each.
func (m *costMeter) cost(user int64, n int) float64 {
	m.Helper()
	before := m.blocks()
	for range n {
		mustRecord(m.T, m.ledger, RecordRequest{UserID: user, Event: deposit(10, m.next[user]), Actor: "me"})
		m.next[user] += 40
	}
	return float64(m.blocks()-before) / float64(n)
}

// lowestCost records n events of a user for each of some rounds and returns the lowest cost. While anybody holds a
// snapshot, as the ANALYZE of autovacuum does, old versions of the user's state cannot be pruned, and a round costs more.
func (m *costMeter) lowestCost(user int64, rounds, n int) float64 {
	m.Helper()
	lowest := math.Inf(1)
	for range rounds {
		lowest = min(lowest, m.cost(user, n))
	}
	return lowest
}

// blocks returns the number of accessed blocks of the ledger's tables so far.
func (m *costMeter) blocks() int64 {
	m.Helper()
	pgtest.Exec(m, m.pool, "SELECT pg_stat_force_next_flush()")
	pgtest.Exec(m, m.pool, "SELECT 1")
	return pgtest.QueryValue[int64](m, m.other,
		`SELECT sum(heap_blks_read + heap_blks_hit
			+ coalesce(idx_blks_read + idx_blks_hit, 0) + coalesce(toast_blks_read + toast_blks_hit, 0))::bigint
		FROM pg_statio_user_tables WHERE relname IN ('event', 'alert', 'user_state', 'idempotency', 'ruleset')`)
}

// TestRecord_costIsIndependentOfHistory records events of a user with a thousand events and of a user with many. The
// cost is the number of blocks that Postgres accesses.
func TestRecord_costIsIndependentOfHistory(t *testing.T) {
	t.Parallel()
	const few, many, rounds, singles, window = 1000, 200_000, 10, 30, 3600
	m := newCostMeter(t)
	m.recordHistory(1, few)
	m.recordHistory(2, many)
	m.cost(1, 20) // warm up: Postgres caches plans
	m.cost(2, 20)
	small, large := m.lowestCost(1, rounds, singles), m.lowestCost(2, rounds, singles)
	t.Logf("with %d events, a new event accesses %.1f blocks; with %d events, %.1f", many, large, few, small)
	if small < 3 || large > small*1.1+2 {
		t.Error("the cost of an event depends on the history of its user")
	}
	before := m.blocks()
	const history = "SELECT count(*) FILTER (WHERE effective_time > 0) FROM event WHERE user_id = 2"
	pgtest.QueryValue[int64](t, m.pool, history)
	if read := m.blocks() - before; read < 1000 {
		t.Errorf("control: reading the whole history accesses only %d blocks", read)
	}
	// After a window was lengthened, the state lacks the 90 events of the window. Record reads them from the ledger.
	cost := [3]float64{}
	for user := int64(1); user <= 2; user++ {
		pgtest.Exec(t, m.other, "UPDATE rule SET window_seconds = 60 WHERE code = 500")
		m.cost(user, 1)
		pgtest.Exec(t, m.other, "UPDATE rule SET window_seconds = $1 WHERE code = 500", window)
		cost[user] = m.cost(user, 1)
		const sql = "SELECT (facts ->> '500')::int FROM event WHERE user_id = $1 ORDER BY id DESC LIMIT 1"
		if n := pgtest.QueryValue[int](t, m.other, sql, user); n != window/40+1 {
			t.Errorf("the window of user %d holds %d events, want %d", user, n, window/40+1)
		}
	}
	t.Logf("after a window was lengthened, the next event accesses %.0f blocks instead of %.0f", cost[2], cost[1])
	if cost[2] > cost[1]+100 {
		t.Error("the cost of a lengthened window depends on the history of its user")
	}
}
