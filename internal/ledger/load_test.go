package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/pgtest"
	"labledger/internal/rules"
	"labledger/internal/rules/oracle"
)

const (
	loadWriters = 64
	loadUsers   = 40
	loadEvents  = 4200
	loadBatch   = 150
)

// runLoad records events of 40 users with 64 concurrent writers. Each event has a random user. It returns the number of
// events.
func runLoad(t *testing.T, record func(writer int, r RecordRequest) error) int {
	t.Helper()
	var next atomic.Int64
	total := int64(scaled(loadEvents))
	concurrently(loadWriters, func(writer int) {
		random := rand.New(rand.NewPCG(uint64(writer), 1))
		for {
			i := next.Add(1)
			if i > total {
				return
			}
			r := RecordRequest{
				UserID: 1 + random.Int64N(loadUsers),
				Event:  randomEvent(random, int(i)),
				Actor:  fmt.Sprint("writer ", writer),
			}
			if err := record(writer, r); err != nil {
				t.Errorf("event %d: %v", i, err)
			}
		}
	})
	return int(total)
}

// inBackground repeats do until the test calls stop, which returns the number of calls.
func inBackground(do func(random *rand.Rand)) (stop func() int) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int)
	go func() {
		random := rand.New(rand.NewPCG(3, 5))
		n := 0
		for ctx.Err() == nil {
			do(random)
			n++
			time.Sleep(10 * time.Millisecond)
		}
		done <- n
	}()
	return func() int { cancel(); return <-done }
}

// changeRules makes a random change of one or two rules.
func changeRules(t *testing.T, pool *pgxpool.Pool, random *rand.Rand) {
	t.Helper()
	changes := []string{
		`UPDATE rule SET "limit" = 50 + 25 * random()::int WHERE code IN (123, 1100)`,
		`UPDATE rule SET "limit" = 2 + (random() * 4)::int WHERE code IN (30, 300, 500)`,
		`UPDATE rule SET window_seconds = (random() * 90)::int WHERE code = 123`,
		`UPDATE rule SET window_seconds = (random() * 300)::int WHERE code = 500`,
		`UPDATE rule SET enabled = NOT enabled WHERE code = 500`,
		`UPDATE rule SET enabled = NOT enabled WHERE code = 123`,
		`UPDATE rule SET applies_to = CASE applies_to WHEN 'any' THEN 'deposit' WHEN 'deposit' THEN 'withdraw'
			ELSE 'any' END WHERE code IN (30, 300)`,
	}
	if _, err := pool.Exec(context.Background(), changes[random.IntN(len(changes))]); err != nil {
		t.Error(err)
	}
}

func changeRisk(t *testing.T, pool *pgxpool.Pool, random *rand.Rand) {
	t.Helper()
	const sql = `INSERT INTO account (id, username, risk) VALUES ($1::bigint, 'user ' || $1::bigint, $2)
		ON CONFLICT (id) DO UPDATE SET risk = excluded.risk`
	risk := []*string{nil, ptr("low"), ptr("medium"), ptr("high")}[random.IntN(4)]
	if _, err := pool.Exec(context.Background(), sql, 1+random.Int64N(loadUsers), risk); err != nil {
		t.Error(err)
	}
}

func ptr[T any](v T) *T { return &v }

// recordRandomBatch records a batch for the users of the load. It returns 0 if the limit of concurrent batches is
// reached.
func recordRandomBatch(t *testing.T, l *Ledger, random *rand.Rand) (recorded int) {
	t.Helper()
	b := &Batch{Actor: "batch"}
	start := random.IntN(loadEvents)
	for i := range loadBatch {
		b.Events = append(b.Events, UserEvent{1 + random.Int64N(loadUsers), randomEvent(random, start+i)})
	}
	_, err := l.RecordAll(context.Background(), b, false)
	if err != nil && !errors.Is(err, ErrBusy) {
		t.Error("batch:", err)
	}
	if err != nil {
		return 0
	}
	return loadBatch
}

// TestRecord_missesNoAlertUnderLoad records events of few users from many writers, with one instance and with two.
// Batches and changes of rules and risks run concurrently. The oracle checks every event.
func TestRecord_missesNoAlertUnderLoad(t *testing.T) {
	for instances := 1; instances <= 2; instances++ {
		t.Run(fmt.Sprint(instances, " instances"), func(t *testing.T) {
			one, two := twoInstances(t)
			ledgers := []*Ledger{one, two}[:instances]
			pool := one.pool
			var batched, turn atomic.Int64
			stops := []func() int{
				inBackground(func(random *rand.Rand) { changeRules(t, pool, random) }),
				inBackground(func(random *rand.Rand) { changeRisk(t, pool, random) }),
				inBackground(func(random *rand.Rand) {
					batched.Add(int64(recordRandomBatch(t, ledgers[int(turn.Add(1))%instances], random)))
				}),
			}
			started := time.Now()
			recorded := runLoad(t, func(writer int, r RecordRequest) error {
				_, err := ledgers[writer%instances].Record(context.Background(), r)
				return err
			})
			elapsed := time.Since(started)
			var changes []int
			for _, stop := range stops {
				changes = append(changes, stop())
			}
			waitIdle(t, ledgers...)
			result := auditLedger(t, pool)
			t.Logf("%d events in %s, %d in batches; %d rule changes, %d risk changes; %d alerts", result.events,
				elapsed, batched.Load(), changes[0], changes[1], result.alerts)
			result.requireClean(t)
			if want := recorded + int(batched.Load()); result.events != want {
				t.Errorf("%d events recorded, %d acknowledged", result.events, want)
			}
			if batched.Load() == 0 || result.alerts == 0 ||
				pgtest.QueryValue[int](t, pool, "SELECT count(DISTINCT ruleset_id) FROM event") < 3 ||
				pgtest.QueryValue[int](t, pool, "SELECT count(DISTINCT risk) FROM event") < 3 {
				t.Error("control: the load had no batches, alerts, rule changes or risk changes")
			}
		})
	}
}

// TestRulesets_neverGoBack changes rules while two instances record. No event has an older rule set than an earlier
// event of its user.
func TestRulesets_neverGoBack(t *testing.T) {
	one, two := twoInstances(t)
	stop := inBackground(func(random *rand.Rand) { changeRules(t, one.pool, random) })
	runLoad(t, func(writer int, r RecordRequest) error {
		_, err := []*Ledger{one, two}[writer%2].Record(context.Background(), r)
		return err
	})
	stop()
	requireAscendingRulesets(t, one.pool)
	if n := pgtest.QueryValue[int](t, one.pool, "SELECT count(DISTINCT ruleset_id) FROM event"); n < 3 {
		t.Errorf("control: only %d rule sets were used", n)
	}
}

// TestRecord_firstEventUsesCurrentRules changes the rules while the first event of a user waits for a lock. The event
// is evaluated with the changed rules.
func TestRecord_firstEventUsesCurrentRules(t *testing.T) {
	l, other := twoInstances(t)
	conn, err := other.pool.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	// The other instance records the first event of the same user.
	for _, sql := range []string{"begin", "INSERT INTO user_state (user_id) VALUES (1)"} {
		if _, err := conn.Exec(context.Background(), sql); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error)
	go func() {
		_, err := l.Record(context.Background(), RecordRequest{UserID: 1, Event: withdrawal(500, 1), Actor: "test"})
		done <- err
	}()
	waitFor(t, "the first event to wait for the lock", func() bool { return countLockWaiters(t, l.pool) == 1 })
	pgtest.Exec(t, l.pool, `UPDATE rule SET "limit" = "limit" + 1`)
	if _, err := conn.Exec(context.Background(), "commit"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if !pgtest.QueryValue[bool](t, l.pool, "SELECT ruleset_id = (SELECT max(id) FROM ruleset) FROM event") {
		t.Error("the first event of the user was evaluated with outdated rules")
	}
}

// TestNaiveIntake_missesAlertsUnderLoad is the negative control: the same load on a naive implementation, which reads
// the history, evaluates and records in one transaction without locks, must miss alerts.
func TestNaiveIntake_missesAlertsUnderLoad(t *testing.T) {
	serial := pgtest.Pool(t)
	for i, e := range randomStream(11, 300, 10) {
		if err := recordNaively(serial, RecordRequest{UserID: e.UserID, Event: e.Event}); err != nil {
			t.Fatal(i, err)
		}
	}
	if result := auditLedger(t, serial); result.missed+result.unexpected != 0 {
		t.Errorf("control: even without concurrency, %d codes are missed and %d unexpected", result.missed,
			result.unexpected)
	}
	pool := pgtest.Pool(t)
	recorded := runLoad(t, func(_ int, r RecordRequest) error { return recordNaively(pool, r) })
	result := auditLedger(t, pool)
	t.Logf("%d events: %d codes missed, %d unexpected", result.events, result.missed, result.unexpected)
	if result.events != recorded {
		t.Errorf("%d events recorded, want %d", result.events, recorded)
	}
	if result.missed+result.unexpected == 0 {
		t.Error("control: the naive implementation missed no alert")
	}
}

// ascendingID returns an ID that is greater than all earlier ones, so that the audit does not find wrong orders of IDs.
var ascendingID = func() func() uuid.UUID {
	var mu sync.Mutex
	var last uuid.UUID
	return func() uuid.UUID {
		mu.Lock()
		defer mu.Unlock()
		last = nextID(last, time.Now())
		return last
	}
}()

// recordNaively assumes that no other transaction records an event of the user between its statements.
func recordNaively(pool *pgxpool.Pool, r RecordRequest) error {
	ctx := context.Background()
	tx, err := pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	q := db.New(tx)
	row, err := q.GetLatestRuleset(ctx)
	if err != nil {
		return err
	}
	text, err := q.GetRuleset(ctx, db.GetRulesetParams{ID: row.ID})
	if err != nil {
		return err
	}
	set, err := rules.ParseSet(text)
	if err != nil {
		return err
	}
	earlier, err := q.ListLedger(ctx, db.ListLedgerParams{AfterUser: -1, UserID: &r.UserID, Limit: 100_000})
	if err != nil {
		return err
	}
	var history []oracle.Entry
	latest := r.Event.Time
	for _, event := range earlier {
		e, err := parseEvent(event.Type, event.Amount, event.Time)
		if err != nil {
			return err
		}
		history = append(history, oracle.Entry{Event: e, Rules: set})
		latest = max(latest, e.Time)
	}
	var state rules.State
	for _, entry := range history {
		rules.Step(&state, entry.Event, set, rules.Medium, rules.MaxWindow)
	}
	decision := rules.Step(&state, r.Event, set, rules.Medium, rules.MaxWindow)
	e := db.InsertEventsParams{
		UserIds: []int64{r.UserID}, Ids: []uuid.UUID{ascendingID()}, Types: []string{r.Event.Type.String()},
		Amounts: []string{r.Event.Amount.String()}, Times: []int64{r.Event.Time}, EffectiveTimes: []int64{latest},
		Risks: []string{"medium"}, RulesetID: row.ID,
		Facts:      []json.RawMessage{rules.AppendMeasurements(nil, decision.Measurements)},
		AlertCodes: []string{codeArray(decision.Codes)}, AlertIds: []uuid.UUID{uuid.Nil},
		CreatedAt: time.Now(), Actors: []string{"naive"},
	}
	if len(decision.Codes) > 0 {
		e.AlertIds[0] = ascendingID()
	}
	if err := q.InsertEvents(ctx, e); err != nil {
		return err
	}
	return tx.Commit(ctx)
}
