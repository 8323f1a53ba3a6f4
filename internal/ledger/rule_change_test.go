package ledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/rules"
)

// requireFires records an event and fails the test unless exactly these rules fire.
func requireFires(t *testing.T, l *Ledger, r RecordRequest, codes ...int32) {
	t.Helper()
	if got := mustRecord(t, l, r); !slices.Equal(got.Codes, codes) {
		t.Errorf("%+v fires %d, want %d", r.Event, got.Codes, codes)
	}
}

// enableOnly disables all rules except one.
func enableOnly(t *testing.T, pool *pgxpool.Pool, code int) {
	t.Helper()
	pgtest.Exec(t, pool, "UPDATE rule SET enabled = code = $1", code)
}

// TestWindow_lengthened checks that a lengthened window includes events that had already left the window and the state.
func TestWindow_lengthened(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLedger(pool)
	enableOnly(t, pool, 123)
	pgtest.Exec(t, pool, "UPDATE rule SET window_seconds = 10 WHERE window_seconds IS NOT NULL")
	for i := range int64(5) {
		requireFires(t, l, RecordRequest{UserID: 1, Event: deposit(60, 1000+20*i)}) // no other event in its window
	}
	pgtest.Exec(t, pool, "UPDATE rule SET window_seconds = 60 WHERE code = 123")
	// 1030 is outside; 1040, 1060, 1080 and 1090 sum up to 240.
	requireFires(t, l, RecordRequest{UserID: 1, Event: deposit(60, 1090)}, 123)
	pgtest.Exec(t, pool, "UPDATE rule SET window_seconds = 10 WHERE code = 123")
	requireFires(t, l, RecordRequest{UserID: 1, Event: deposit(60, 1091)})
	pgtest.Exec(t, pool, "UPDATE rule SET window_seconds = 91 WHERE code = 123")
	requireFires(t, l, RecordRequest{UserID: 1, Event: deposit(1, 1091)}, 123)
	const windowSum = "SELECT facts ->> '123' FROM event ORDER BY id DESC LIMIT 1"
	facts := pgtest.QueryValue[string](t, pool, windowSum)
	if facts != "421.00" { // seven deposits of 60, the first at 1000, and one of 1
		t.Errorf("the sum of the window is %s, want 421.00", facts)
	}
	pgtest.Exec(t, pool, "UPDATE rule SET window_seconds = 90 WHERE code = 123")
	requireFires(t, l, RecordRequest{UserID: 1, Event: deposit(1, 1091)}, 123)
	if facts := pgtest.QueryValue[string](t, pool, windowSum); facts != "362.00" {
		t.Errorf("the sum of the window is %s, want 362.00", facts)
	}
	auditLedger(t, pool).requireClean(t)
}

// A tripCounter counts the round trips of statements and pipelines to the database.
type tripCounter struct{ n atomic.Int64 }

func (c *tripCounter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.n.Add(1)
	return ctx
}

func (c *tripCounter) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	c.n.Add(1)
	return ctx
}

func (*tripCounter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (*tripCounter) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (*tripCounter) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// TestWindow_lengthenedForManyUsers checks that the windows of all users of a group or a batch are extended together:
// the number of round trips does not depend on the number of users.
func TestWindow_lengthenedForManyUsers(t *testing.T) {
	t.Parallel()
	trips := &tripCounter{}
	pool, err := postgres.Open(t.Context(), pgtest.Database(t), postgres.WithTracer(trips))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	l := newLedger(pool)
	const users = 200 // fit into one group
	enableOnly(t, pool, 500)
	events := make([]UserEvent, 0, users)
	requests := make([]RecordRequest, 0, users)
	for user := range int64(users) {
		e := deposit(1, 1000)
		events = append(events, UserEvent{user, e})
		e.Time = 1100
		requests = append(requests, RecordRequest{UserID: user, Event: e})
	}
	batch := func() {
		if _, err := l.RecordAll(t.Context(), &Batch{Events: events}, false); err != nil {
			t.Fatal(err)
		}
	}
	batch()
	for name, record := range map[string]func(){
		"a group": func() { waitRecorded(t, enqueueAll(l, requests...)...); waitIdle(t, l) },
		"a batch": batch,
	} {
		pgtest.Exec(t, pool, "UPDATE rule SET window_seconds = window_seconds * 4 WHERE code = 500")
		before := trips.n.Load()
		record()
		if n := trips.n.Load() - before; n > 20 {
			t.Errorf("%s of %d users takes %d round trips", name, users, n)
		}
	}
	auditLedger(t, pool).requireClean(t)
}

// TestWindow_zeroSeconds checks that a window of 0 seconds includes only events of the same second.
func TestWindow_zeroSeconds(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLedger(pool)
	enableOnly(t, pool, 500)
	pgtest.Exec(t, pool,
		`UPDATE rule SET window_seconds = 0, "limit" = CASE code WHEN 500 THEN 2 ELSE "limit" END
		WHERE code IN (123, 500)`)
	for _, time := range []int64{5, 5, 6, 6, 5} {
		want := []int32(nil)
		if time == 5 && countRows(t, pool, "event") == 4 {
			want = []int32{500} // its effective time is 6: the third event in that second
		}
		requireFires(t, l, RecordRequest{UserID: 1, Event: deposit(1, time)}, want...)
	}
	auditLedger(t, pool).requireClean(t)
	pgtest.Exec(t, pool, "UPDATE rule SET window_seconds = 1 WHERE code = 500")
	requireFires(t, l, RecordRequest{UserID: 1, Event: deposit(1, 6)}, 500)
	const windowCount = "SELECT (facts ->> '500')::int FROM event ORDER BY id DESC LIMIT 1"
	if got := pgtest.QueryValue[int](t, pool, windowCount); got != 6 {
		t.Errorf("the window holds %d events, want 6", got)
	}
	auditLedger(t, pool).requireClean(t)
}

// TestRuleEnabled_hasCompleteWindow checks that windows and runs of a rule are complete when it is enabled.
func TestRuleEnabled_hasCompleteWindow(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLedger(pool)
	pgtest.Exec(t, pool, "UPDATE rule SET enabled = false")
	for i := range int64(5) {
		requireFires(t, l, RecordRequest{UserID: 1, Event: withdrawal(200, i)})
	}
	pgtest.Exec(t, pool, "UPDATE rule SET enabled = true")
	requireFires(t, l, RecordRequest{UserID: 1, Event: withdrawal(200, 5)}, 30, 500, 1100)
	pgtest.Exec(t, pool, "UPDATE rule SET applies_to = 'deposit' WHERE code IN (30, 1100)")
	requireFires(t, l, RecordRequest{UserID: 1, Event: deposit(200, 6)}, 500, 1100)
	pgtest.Exec(t, pool, "UPDATE rule SET applies_to = 'any' WHERE code IN (30, 123)")
	requireFires(t, l, RecordRequest{UserID: 1, Event: withdrawal(1, 7)}, 30, 123, 500) // eight events, sum 1401
	auditLedger(t, pool).requireClean(t)
}

// TestRecord_randomRuleChanges changes all settings randomly between single events and batches, and compares with the
// oracle.
func TestRecord_randomRuleChanges(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLedger(pool)
	random := rand.New(rand.NewPCG(21, 21))
	pick := func(values ...any) any { return values[random.IntN(len(values))] }
	n := 0
	for range scaled(60) {
		for range 1 + random.IntN(3) {
			code := pick(30, 123, 300, 500, 1100)
			pgtest.Exec(t, pool, `UPDATE rule SET enabled = $2, applies_to = $3, "limit" = $4 WHERE code = $1`, code,
				pick(true, true, true, false), pick("deposit", "withdraw", "any"), pick(1, 2, 3, 5, 8))
			pgtest.Exec(t, pool,
				`UPDATE rule SET window_seconds = $2 WHERE code = $1 AND window_seconds IS NOT NULL`, code,
				pick(0, 1, 10, 59, 60, 61, 300, 3600))
			if code == 123 || code == 1100 {
				pgtest.Exec(t, pool, `UPDATE rule SET "limit" = $2 WHERE code = $1`, code,
					pick("0", "50.5", "100", "151.99", "9999999999.99"))
			}
		}
		if random.IntN(3) == 0 {
			changeRisk(t, pool, random)
		}
		var events []UserEvent
		for range random.IntN(20) {
			events = append(events, UserEvent{1 + random.Int64N(4), randomEvent(random, n*12)})
			n++
		}
		if len(events) > 0 && random.IntN(2) == 0 {
			if _, err := l.RecordAll(t.Context(), &Batch{Events: events}, false); err != nil {
				t.Fatal(err)
			}
			continue
		}
		for _, e := range events {
			mustRecord(t, l, RecordRequest{UserID: e.UserID, Event: e.Event})
		}
	}
	result := auditLedger(t, pool)
	t.Logf("%d events, %d alerts, %d rule sets", result.events, result.alerts, countRows(t, pool, "ruleset"))
	result.requireClean(t)
}

// TestSimulate checks that Simulate returns the result of the next Record and stores nothing.
func TestSimulate(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLedger(pool)
	for i, e := range randomStream(13, 200, 5) {
		if i == 100 {
			// Simulate extends the window of the state and must not store that either.
			pgtest.Exec(t, pool, "UPDATE rule SET window_seconds = window_seconds * 5 WHERE window_seconds IS NOT NULL")
		}
		r := RecordRequest{UserID: e.UserID, Event: e.Event, Actor: "me"}
		if i%3 == 0 {
			r.Key = fmt.Sprint(i)
		}
		const all = `SELECT format('%s %s %s %s %s',
			(SELECT count(*) FROM event), (SELECT count(*) FROM alert), (SELECT count(*) FROM idempotency),
			(SELECT md5(string_agg(user_state::text, '' ORDER BY user_id)) FROM user_state),
			(SELECT max(id::text) FROM event))`
		before := pgtest.QueryValue[string](t, pool, all)
		simulated, err := l.Simulate(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if after := pgtest.QueryValue[string](t, pool, all); after != before {
			t.Fatalf("the simulation changed the database: got %s, want %s", after, before)
		}
		got := mustRecord(t, l, r)
		if !slices.Equal(got.Codes, simulated.Codes) || got.UserID != simulated.UserID ||
			(got.AlertID == uuid.Nil) != (simulated.AlertID == uuid.Nil) ||
			got.Replayed || simulated.Replayed {
			t.Fatalf("event %d: simulated %+v, recorded %+v", i, simulated, got)
		}
	}
	auditLedger(t, pool).requireClean(t)
}

// TestRiskChange_appliesToNextEvent changes the risk of an account between single events and batches.
func TestRiskChange_appliesToNextEvent(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLedger(pool)
	enableOnly(t, pool, 1100)
	r := RecordRequest{UserID: 5, Event: withdrawal(60, 1)} // above 51, the limit at high risk
	requireFires(t, l, r)
	for _, c := range []struct {
		sql, risk string
		codes     []int32
	}{
		{"INSERT INTO account (id, username, risk) VALUES (5, 'five', 'high')", "high", []int32{1100}},
		{"UPDATE account SET risk = 'low'", "low", nil},
		{"UPDATE account SET risk = NULL", "medium", nil},
		{"UPDATE account SET risk = 'high'", "high", []int32{1100}},
		{"DELETE FROM account", "medium", nil},
	} {
		pgtest.Exec(t, pool, c.sql)
		requireFires(t, l, r, c.codes...)
		a, err := l.RecordAll(t.Context(), &Batch{Events: []UserEvent{{r.UserID, r.Event}}}, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := batchResults(t, a)[0]; !slices.Equal(got.Codes, c.codes) {
			t.Errorf("%s: as a batch, it fires %d, want %d", c.sql, got.Codes, c.codes)
		}
		const sql = "SELECT risk FROM (SELECT risk, id FROM event ORDER BY id DESC LIMIT 2) AS last ORDER BY id"
		if got := pgtest.QueryColumn(t, pool, sql); !slices.Equal(got, []string{c.risk, c.risk}) {
			t.Errorf("%s: recorded with risk %s, want %s", c.sql, got, c.risk)
		}
	}
	auditLedger(t, pool).requireClean(t)
}

// TestRecord_afterRestoredRuleset restores a database under a running server. Its latest rule set has the ID of the
// cached one.
func TestRecord_afterRestoredRuleset(t *testing.T) {
	t.Parallel()
	pool := openPool(t, pgtest.Database(t))
	l := newLedger(pool)
	large := RecordRequest{UserID: 1, Event: rules.Event{Type: rules.Withdraw, Amount: 99_00, Time: 1}, Actor: "me"}
	if r := mustRecord(t, l, large); len(r.Codes) != 0 {
		t.Fatalf("%v fired", r.Codes)
	}
	pgtest.Exec(t, pool, "ALTER TABLE ruleset DISABLE TRIGGER append_only")
	pgtest.Exec(t, pool,
		`UPDATE ruleset SET at = at + '1 s', rules = (
			SELECT jsonb_agg(CASE r ->> 'code' WHEN '1100' THEN r || '{"limit": 98.00}' ELSE r END)
			FROM jsonb_array_elements(rules) AS r)
		WHERE id = (SELECT max(id) FROM ruleset)`)
	large.UserID = 2
	if r := mustRecord(t, l, large); !slices.Equal(r.Codes, []int32{1100}) {
		t.Errorf("with the restored rules, %v fired; want 1100", r.Codes)
	}
}
