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
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/pgtest"
	"labledger/internal/rules"
	"labledger/internal/sqltype"
)

const (
	loadWriters = 64
	loadUsers   = 40
	loadEvents  = 4200
	loadBatch   = 150
)

// runLoad records events of 40 users with 64 concurrent writers. Each event has a random user. Before each 50th event,
// the writer also runs one of the tasks. It returns the number of events.
func runLoad(
	t *testing.T, record func(writer int, r RecordRequest) error, tasks ...func(random *rand.Rand),
) int {
	t.Helper()
	var next atomic.Int64
	total := int64(scaled(loadEvents))
	concurrently(loadWriters, func(writer int) {
		for {
			i := next.Add(1)
			if i > total {
				return
			}
			random := rand.New(rand.NewPCG(uint64(i), 1))
			if n := int(i / 50); i%50 == 0 && len(tasks) > 0 {
				tasks[n%len(tasks)](random)
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
	t.Parallel()
	for instances := 1; instances <= 2; instances++ {
		t.Run(fmt.Sprint(instances, " instances"), func(t *testing.T) {
			t.Parallel()
			one, two := twoInstances(t)
			ledgers := []*Ledger{one, two}[:instances]
			pool := one.pool
			var batched, turn atomic.Int64
			recorded := runLoad(t,
				func(writer int, r RecordRequest) error {
					_, err := ledgers[writer%instances].Record(context.Background(), r)
					return err
				},
				func(random *rand.Rand) { changeRules(t, pool, random) },
				func(random *rand.Rand) { changeRisk(t, pool, random) },
				func(random *rand.Rand) {
					batched.Add(int64(recordRandomBatch(t, ledgers[int(turn.Add(1))%instances], random)))
				})
			waitIdle(t, ledgers...)
			result := auditLedger(t, pool)
			t.Logf("%d events, %d in batches; %d alerts", result.events, batched.Load(), result.alerts)
			result.requireClean(t)
			requireAscendingRulesets(t, pool)
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

// TestRecord_usesCurrentRules changes the rules while an event waits for the lock of its user: the first event of the
// user, whose state another transaction creates, and a later one. The event is evaluated with the changed rules.
func TestRecord_usesCurrentRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, lock string
		user       int64
	}{
		{"first event", "INSERT INTO user_state (user_id) VALUES (1)", 1},
		{"later event", "SELECT FROM user_state WHERE user_id = 2 FOR UPDATE", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(pgtest.Pool(t))
			l.timeouts.firstLock = "1min" // so that the first attempt gets the lock
			pgtest.Exec(t, l.pool, "INSERT INTO user_state (user_id) VALUES (2)")
			conn := pgtest.Connect(t, l.pool.Config().ConnConfig.ConnString())
			pgtest.Exec(t, conn, "begin")
			pgtest.Exec(t, conn, c.lock)
			events := enqueueAll(l, RecordRequest{UserID: c.user, Event: withdrawal(500, 1)})
			pgtest.WaitForLockWait(t, l.pool)
			pgtest.Exec(t, l.pool, `UPDATE rule SET "limit" = "limit" + 1`)
			pgtest.Exec(t, conn, "commit")
			waitRecorded(t, events...)
			const sql = "SELECT ruleset_id = (SELECT max(id) FROM ruleset) FROM event"
			if !pgtest.QueryValue[bool](t, l.pool, sql) {
				t.Error("the event was evaluated with outdated rules")
			}
		})
	}
}

// TestNaiveIntake_missesAlerts is the negative control: an implementation that reads the history, evaluates and records
// in one transaction without locks misses the alert of the third withdrawal, if another transaction reads in between.
func TestNaiveIntake_missesAlerts(t *testing.T) {
	t.Parallel()
	alone := func() {}
	serial := pgtest.Pool(t)
	for i, e := range randomStream(11, 300, 10) {
		if err := recordNaively(serial, RecordRequest{UserID: e.UserID, Event: e.Event}, alone); err != nil {
			t.Fatal(i, err)
		}
	}
	if result := auditLedger(t, serial); result.missed+result.unexpected != 0 {
		t.Errorf("control: even without concurrency, %d codes are missed and %d unexpected", result.missed,
			result.unexpected)
	}
	pool := pgtest.Pool(t)
	third := RecordRequest{UserID: 1, Event: withdrawal(1, 1)}
	if err := recordNaively(pool, third, alone); err != nil {
		t.Fatal(err)
	}
	err := recordNaively(pool, third, func() {
		if err := recordNaively(pool, third, alone); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if result := auditLedger(t, pool); result.events != 3 || result.missed != 1 {
		t.Errorf("%d events, %d codes missed; want 3 and 1", result.events, result.missed)
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

// naiveHistory returns the rules and the earlier events of a user.
func naiveHistory(
	ctx context.Context, q *db.Queries, user int64,
) (id int64, set rules.Set, events []rules.Event, err error) {
	row, err := q.GetLatestRuleset(ctx)
	if err != nil {
		return 0, nil, nil, err
	}
	text, err := q.GetRuleset(ctx, db.GetRulesetParams{ID: row.ID})
	if err != nil {
		return 0, nil, nil, err
	}
	if set, err = rules.ParseSet(text); err != nil {
		return 0, nil, nil, err
	}
	rows, err := q.ListLedger(ctx, db.ListLedgerParams{AfterUser: -1, UserID: &user, Limit: 100_000})
	if err != nil {
		return 0, nil, nil, err
	}
	for _, row := range rows {
		e, err := parseEvent(row.Type, string(row.Amount), row.Time)
		if err != nil {
			return 0, nil, nil, err
		}
		events = append(events, e)
	}
	return row.ID, set, events, nil
}

// recordNaively assumes that no other transaction records an event of the user between its statements. It calls
// afterRead before it writes.
func recordNaively(pool *pgxpool.Pool, r RecordRequest, afterRead func()) error {
	ctx := context.Background()
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		q := db.New(tx)
		rulesetID, set, earlier, err := naiveHistory(ctx, q, r.UserID)
		if err != nil {
			return err
		}
		afterRead()
		var state rules.State
		latest := r.Event.Time
		for _, e := range earlier {
			rules.Step(&state, e, set, rules.Medium, rules.MaxWindow)
			latest = max(latest, e.Time)
		}
		decision := rules.Step(&state, r.Event, set, rules.Medium, rules.MaxWindow)
		e := db.InsertEventsParams{
			UserIds: []int64{r.UserID}, Ids: []uuid.UUID{ascendingID()}, Types: []string{r.Event.Type.String()},
			Amounts: []sqltype.Decimal{sqltype.Decimal(r.Event.Amount.String())},
			Times:   []int64{r.Event.Time}, EffectiveTimes: []int64{latest},
			Risks: []string{"medium"}, RulesetID: rulesetID,
			Facts:      []json.RawMessage{rules.AppendMeasurements(nil, decision.Measurements)},
			AlertCodes: []string{codeArray(decision.Codes)}, AlertIds: []uuid.UUID{uuid.Nil},
			CreatedAt: time.Now(), Actors: []string{"naive"},
		}
		if len(decision.Codes) > 0 {
			e.AlertIds[0] = ascendingID()
		}
		return q.InsertEvents(ctx, e)
	})
}
