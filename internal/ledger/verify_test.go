package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"labledger/db"
	"labledger/internal/pgtest"
	"labledger/internal/rules"
	"labledger/internal/sqltype"
)

// damage runs a statement that the constraints and triggers of the database would reject.
func damage(t *testing.T, l *Ledger, sql string) {
	t.Helper()
	err := pgx.BeginFunc(context.Background(), l.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(context.Background(), "SET LOCAL session_replication_role = replica")
		if err == nil && strings.Contains(sql, "'NaN'") {
			_, err = tx.Exec(context.Background(), "ALTER TABLE event DROP CONSTRAINT event_amount_more_than_0")
		}
		if err == nil {
			_, err = tx.Exec(context.Background(), sql)
		}
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// collectDifferences returns the differences of Verify or Rebuild as "what user", followed by + if it was repaired.
func collectDifferences(
	t *testing.T,
	run func(context.Context, func(int64), func(Difference)) (Summary, error),
) (all []string, full []Difference, s Summary) {
	t.Helper()
	s, err := run(t.Context(), nil, func(d Difference) {
		mark := ""
		if d.Repaired {
			mark = "+"
		}
		all = append(all, fmt.Sprint(d.What, " ", d.UserID, mark))
		full = append(full, d)
		if d.Recorded == d.Recomputed || d.Recorded == "" || d.Recomputed == "" {
			t.Errorf("invalid difference: %+v", d)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.Differences != int64(len(all)) {
		t.Errorf("%d differences reported, summary %+v", len(all), s)
	}
	return all, full, s
}

func TestVerify_cleanLedger(t *testing.T) {
	t.Parallel()
	l := recordedLedger(t, 21, 1200)
	changeRisk(t, l.pool, rand.New(rand.NewPCG(1, 1)))
	pgtest.Exec(t, l.pool,
		"INSERT INTO account (id, username, risk) VALUES (500, 'idle', 'high'), (501, 'unknown', NULL)")
	// The horizons of the states are shorter than this window.
	pgtest.Exec(t, l.pool, "UPDATE rule SET window_seconds = 3600 WHERE code = 500")
	var progress []int64
	s, err := l.Verify(t.Context(),
		func(n int64) { progress = append(progress, n) },
		func(d Difference) { t.Errorf("%+v", d) })
	if err != nil || s.Events != 1200 || s.Alerts != int64(countRows(t, l.pool, "alert")) ||
		s.Users != 12 || s.Differences != 0 || s.Repaired != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	if !slices.Equal(progress, []int64{1200}) {
		t.Error("progress:", progress)
	}
	const states = "SELECT user_state::text || xmin FROM user_state ORDER BY user_id"
	before := pgtest.QueryColumn(t, l.pool, states)
	if all, _, _ := collectDifferences(t, l.Rebuild); len(all) != 0 {
		t.Error(all)
	}
	requireEqual(t, pgtest.QueryColumn(t, l.pool, states), before)
}

// Rows that the damages change.
const (
	alertID      = "(SELECT id FROM alert WHERE user_id = 4 ORDER BY id OFFSET 2 LIMIT 1)"
	eventID      = "(SELECT id FROM event WHERE user_id = 4 ORDER BY id OFFSET 20 LIMIT 1)"
	alertEventID = "(SELECT event_id FROM alert WHERE user_id = 4 ORDER BY id OFFSET 2 LIMIT 1)"
	lastEventID  = "(SELECT id FROM event WHERE user_id = 4 ORDER BY id DESC LIMIT 1)"
)

// damages are statements, and the differences that Verify reports afterwards. Rebuild repairs those that end in +. An
// asterisk stands for any number of further differences.
var damages = []struct{ sql, want string }{
	{
		"UPDATE user_state SET state = replace(state::text, '\"run\":', '\"run\":1')::json WHERE user_id = 4",
		"state 4+",
	},
	{
		"UPDATE user_state SET state = replace(state::text, '\"horizon\":', '\"horizon\":1')::json WHERE user_id = 5",
		"state 5+",
	},
	{"UPDATE user_state SET state = '{}' WHERE user_id = 4", "state 4+"},
	{"UPDATE user_state SET state = '[\"nonsense\"]' WHERE user_id IN (4, 5)", "state 4+, state 5+"},
	{
		"UPDATE user_state SET state = (SELECT state FROM user_state WHERE user_id = 4) WHERE user_id = 0",
		"state 0+",
	},
	{"DELETE FROM user_state WHERE user_id = 4", "state 4+, last_id 4+, risk 4+"},
	{"DELETE FROM user_state WHERE user_id = 0", "risk 0+"},
	{
		"DELETE FROM user_state",
		"risk 0+, state 1+, last_id 1+, state 2+, last_id 2+, " +
			"state 3+, last_id 3+, state 4+, last_id 4+, risk 4+, state 5+, last_id 5+",
	},
	{"UPDATE user_state SET last_id = NULL WHERE user_id = 4", "last_id 4+"},
	{"UPDATE user_state SET last_id = " + eventID + " WHERE user_id = 4", "last_id 4+"},
	// The event raised an alert, whose ID is greater.
	{"UPDATE user_state SET last_id = " + lastEventID + " WHERE user_id = 4", "last_id 4+"},
	// Valid: the next ID will be greater.
	{"UPDATE user_state SET last_id = 'ffffffff-ffff-7fff-bfff-ffffffffffff' WHERE user_id = 4", ""},
	{"UPDATE user_state SET risk = 'low' WHERE user_id IN (3, 4)", "risk 3+, risk 4+"},
	{"UPDATE account SET risk = 'low' WHERE id = 4", "risk 4+"},
	{"DELETE FROM account WHERE id = 4", "risk 4+"},
	{"UPDATE event SET facts = facts || '{\"500\": 77}' WHERE user_id = 4 AND id = " + eventID, "facts 4"},
	{"UPDATE event SET facts = '{}' WHERE user_id = 4 AND id = " + eventID, "facts 4"},
	{"UPDATE event SET alert_codes = alert_codes || 7 WHERE user_id = 4 AND id = " + alertEventID, "alert_codes 4"},
	{
		"UPDATE event SET alert_codes = '{}', alert_id = NULL WHERE user_id = 4 AND id = " + alertEventID,
		"alert_codes 4, alert 4",
	},
	{"UPDATE event SET alert_id = gen_random_uuid() WHERE user_id = 4 AND id = " + alertEventID, "alert 4"},
	{
		"UPDATE event SET effective_time = effective_time + 1 WHERE user_id = 4 AND id = " + eventID,
		"effective_time 4",
	},
	{"UPDATE event SET ruleset_id = 77 WHERE user_id = 4 AND id = " + eventID, "ruleset_id 4"},
	{
		"UPDATE event SET amount = amount + 0.01 WHERE user_id = 4 AND id = " + lastEventID,
		"facts 4, alert reasons 4, state 4+",
	},
	{"UPDATE event SET amount = 'NaN' WHERE user_id = 4 AND id = " + eventID, "type and amount 4, *"},
	{
		"WITH broken AS (UPDATE event SET amount = 'NaN' WHERE user_id = 4 AND id = " + eventID +
			") UPDATE user_state SET risk = 'low' WHERE user_id = 4",
		"type and amount 4, *",
	},
	{"DELETE FROM alert WHERE user_id = 4 AND id = " + alertID, "alert 4"},
	{"UPDATE alert SET alert_codes = '{30,1100}' WHERE user_id = 4 AND id = " + alertID, "alert 4"},
	{"UPDATE alert SET time = time + 1 WHERE user_id = 4 AND id = " + alertID, "alert 4"},
	{"UPDATE alert SET risk = 'low' WHERE user_id = 4 AND id = " + alertID, "alert 4"},
	{"UPDATE alert SET ruleset_id = 7 WHERE user_id = 4 AND id = " + alertID, "alert 4"},
	{
		"UPDATE alert SET reasons = jsonb_set(reasons, '{0,value}', '\"0.01\"') WHERE user_id = 4 AND id = " + alertID,
		"alert reasons 4",
	},
	{"UPDATE alert SET reasons = '[]' WHERE user_id = 4 AND id = " + alertID, "alert reasons 4"},
	// Written by a later version.
	{"UPDATE alert SET reasons = jsonb_set(reasons, '{0,later}', '1') WHERE user_id = 4 AND id = " + alertID, ""},
	{"DELETE FROM event WHERE user_id = 4 AND id = " + lastEventID, "alert event 4, state 4+"},
	{"UPDATE alert SET state = 'closed', note = 'seen' WHERE user_id = 4", ""},
}

// TestVerify_findsDamage makes every kind of damage, and checks what Verify reports and what Rebuild repairs.
func TestVerify_findsDamage(t *testing.T) {
	t.Parallel()
	for _, c := range damages {
		t.Run(c.sql, func(t *testing.T) {
			t.Parallel()
			l := damagedLedger(t, c.sql)
			var want, unrepairable, repaired []string
			for d := range strings.SplitSeq(c.want, ", ") {
				if d == "" {
					continue
				}
				want = append(want, strings.TrimSuffix(d, "+"))
				if strings.HasSuffix(d, "+") {
					repaired = append(repaired, d)
				} else {
					unrepairable = append(unrepairable, d)
				}
			}
			const ledgerRows = "SELECT event::text FROM event UNION ALL SELECT alert::text FROM alert ORDER BY 1"
			const stateRows = "SELECT user_state::text FROM user_state ORDER BY user_id"
			ledgerBefore := pgtest.QueryColumn(t, l.pool, ledgerRows)
			statesBefore := pgtest.QueryColumn(t, l.pool, stateRows)
			requireDifferences(t, "Verify", l.Verify, want, 0)
			// Rebuild repairs the users after it has scanned all of them.
			requireDifferences(t, "Rebuild", l.Rebuild, slices.Concat(unrepairable, repaired), len(repaired))
			requireEqual(t, pgtest.QueryColumn(t, l.pool, ledgerRows), ledgerBefore)
			if len(repaired) == 0 {
				requireEqual(t, pgtest.QueryColumn(t, l.pool, stateRows), statesBefore)
			}
			requireDifferences(t, "Verify after Rebuild", l.Verify, unrepairable, 0)
		})
	}
}

// damagedLedger returns a ledger of six users, two of them with an account, and runs a statement that damages it.
func damagedLedger(t *testing.T, sql string) *Ledger {
	t.Helper()
	l := newLedger(pgtest.Pool(t))
	pgtest.Exec(t, l.pool, "INSERT INTO account (id, username, risk) VALUES (0, 'zero', 'low'), (4, 'four', 'high')")
	events := append(randomStream(31, 300, 5), UserEvent{4, withdrawal(500, 5000)})
	if _, err := l.RecordAll(t.Context(), &Batch{Events: events, Actor: "test"}, false); err != nil {
		t.Fatal(err)
	}
	damage(t, l, sql)
	return l
}

// requireDifferences fails the test unless Verify or Rebuild reports these differences and repairs so many.
func requireDifferences(
	t *testing.T, name string, run func(context.Context, func(int64), func(Difference)) (Summary, error),
	want []string, repaired int,
) {
	t.Helper()
	got, full, s := collectDifferences(t, run)
	if n := len(want) - 1; n >= 0 && want[n] == "*" && len(got) > n {
		got, want = got[:n], want[:n]
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s reports %q; want %q", name, got, want)
	}
	for _, d := range full {
		ofUser := d.What == "state" || d.What == "last_id" || d.What == "risk"
		if ofUser != (d.EventID == uuid.Nil) {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if s.Repaired != int64(repaired) {
		t.Errorf("%s: %+v, want %d repaired", name, s, repaired)
	}
}

// TestVerify_acceptsShorterHorizons checks that a state with a shorter horizon than the current rules need is valid.
func TestVerify_acceptsShorterHorizons(t *testing.T) {
	t.Parallel()
	l := recordedLedger(t, 41, 300)
	states, err := db.New(l.pool).ListStates(t.Context(), db.ListStatesParams{After: -1, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range states {
		state, err := rules.ParseState(row.State)
		if err != nil {
			t.Fatal(err)
		}
		horizon := int64(i) * 7
		window := db.ListWindowParams{UserID: row.UserID, Since: state.Latest() - horizon}
		rows, err := db.New(l.pool).ListWindow(t.Context(), window)
		if err != nil {
			t.Fatal(err)
		}
		var events []rules.Event
		for _, row := range rows {
			e, err := parseEvent(row.Type, string(row.Amount), row.EffectiveTime)
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, e)
		}
		state.RebuildWindow(horizon, events)
		pgtest.Exec(t, l.pool, "UPDATE user_state SET state = $2::text::json WHERE user_id = $1", row.UserID,
			string(state.Append(nil)))
	}
	if all, full, _ := collectDifferences(t, l.Verify); len(all) != 0 {
		t.Errorf("%+v", full)
	}
}

// TestRebuild_manyUsers rebuilds more users than are collected at a time.
func TestRebuild_manyUsers(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	const users = 2*maxDirtyStates + 300
	b := &Batch{Events: randomStream(51, 11_000, users), Actor: "test"}
	if _, err := l.RecordAll(t.Context(), b, false); err != nil {
		t.Fatal(err)
	}
	userCount := pgtest.QueryValue[int](t, l.pool, "SELECT count(*) FROM user_state")
	pgtest.Exec(t, l.pool, "UPDATE user_state SET state = '{}', risk = 'high'")
	all, _, s := collectDifferences(t, l.Rebuild)
	if len(all) != 2*userCount || s.Repaired != int64(2*userCount) || s.Events != 11_000 ||
		s.Users != int64(userCount) {
		t.Errorf("%d users, %+v", userCount, s)
	}
	auditLedger(t, l.pool).requireClean(t)
	if all, _, _ := collectDifferences(t, l.Verify); len(all) != 0 {
		t.Error(all)
	}
}

// TestRebuild_underLoad rebuilds the states repeatedly while events are recorded, rules change, and risks in user_state
// are damaged. It ends when enough risks were repaired.
func TestRebuild_underLoad(t *testing.T) {
	t.Parallel()
	one, two := twoInstances(t)
	var repaired atomic.Int64
	for repaired.Load() < 20 && !t.Failed() {
		runLoad(t,
			func(_ int, r RecordRequest) error {
				_, err := one.Record(context.Background(), r)
				return err
			},
			func(random *rand.Rand) {
				for user := range loadUsers { // one at a time, so that the statement never holds two locks
					_, err := one.pool.Exec(context.Background(), "UPDATE user_state SET risk = $2 WHERE user_id = $1",
						user+1, []string{"low", "high"}[random.IntN(2)])
					if err != nil {
						t.Error(err)
					}
				}
			},
			func(*rand.Rand) {
				s, err := two.Rebuild(context.Background(), nil, func(d Difference) {
					if d.What != "risk" || !d.Repaired {
						t.Errorf("a difference other than a repaired risk: %+v", d)
					}
				})
				if err != nil {
					t.Error(err)
				}
				repaired.Add(s.Repaired)
			},
			func(random *rand.Rand) { changeRules(t, one.pool, random) })
	}
	waitIdle(t, one)
	result := auditLedger(t, one.pool)
	result.requireClean(t)
	t.Logf("%d events, %d users repaired", result.events, repaired.Load())
	if _, err := one.Rebuild(t.Context(), nil, func(Difference) {}); err != nil {
		t.Fatal(err)
	}
	if all, _, _ := collectDifferences(t, one.Verify); len(all) != 0 {
		t.Error(all)
	}
}

// TestRebuild_waitsForUserLock checks that the rebuilt state includes an event that was recorded while Rebuild waited
// for the lock.
func TestRebuild_waitsForUserLock(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	first := mustRecord(t, l, RecordRequest{UserID: 1, Event: withdrawal(10, 100), Actor: "test"})
	pgtest.Exec(t, l.pool, "UPDATE user_state SET risk = 'high'")
	rebuilt := make(chan error, 1)
	err := pgx.BeginFunc(context.Background(), l.pool, func(tx pgx.Tx) error {
		q := db.New(tx)
		locked, err := q.LockState(context.Background(), db.LockStateParams{UserID: 1})
		if err != nil {
			return err
		}
		go func() {
			_, err := l.Rebuild(context.Background(), nil, func(Difference) {})
			rebuilt <- err
		}()
		pgtest.WaitForLockWait(t, l.pool)
		s, err := parseState(locked[0])
		if err != nil {
			return err
		}
		set := readRulesets(t, l.pool)[1]
		d := rules.Step(&s.state, deposit(1, 200), set, s.risk, set.LongestWindow())
		id := addUUID(first.EventID, 1)
		err = q.InsertEvents(context.Background(), db.InsertEventsParams{
			UserIds: []int64{1}, Ids: []uuid.UUID{id}, Types: []string{"deposit"}, Amounts: []sqltype.Decimal{"1.00"},
			Times: []int64{200}, EffectiveTimes: []int64{200}, Risks: []string{"high"}, RulesetID: 1,
			Facts:      []json.RawMessage{rules.AppendMeasurements(nil, d.Measurements)},
			AlertCodes: []string{"{}"}, AlertIds: []uuid.UUID{uuid.Nil},
			CreatedAt: time.Now(), Actors: []string{"test"},
		})
		if err != nil {
			return err
		}
		return q.SaveStates(context.Background(), db.SaveStatesParams{
			UserIds: []int64{1}, LastIds: []uuid.UUID{id}, States: []string{string(s.state.Append(nil))},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-rebuilt; err != nil {
		t.Fatal(err)
	}
	auditLedger(t, l.pool).requireClean(t)
	if all, _, _ := collectDifferences(t, l.Verify); len(all) != 0 ||
		pgtest.QueryValue[int](t, l.pool, "SELECT count(*) FROM event") != 2 {
		t.Error(all)
	}
}

// TestRebuild_withoutLockLosesEvents is the negative control: a rebuild that does not lock the user loses an event that
// is recorded before it saves the state.
func TestRebuild_withoutLockLosesEvents(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	r := RecordRequest{UserID: 1, Event: withdrawal(1, 1)}
	mustRecord(t, l, r)
	v := &verifier{ctx: t.Context(), onDifference: func(d Difference) { t.Errorf("%+v", d) }}
	q := db.New(l.pool)
	if err := v.open(q, -1, &r.UserID); err != nil {
		t.Fatal(err)
	}
	u, err := v.auditUser(r.UserID, nil, "medium")
	if err != nil {
		t.Fatal(err)
	}
	mustRecord(t, l, r)
	repaired := db.RepairStateParams{UserID: r.UserID, Risk: "medium", LastID: u.lastID, State: u.expected.Append(nil)}
	if _, err := q.RepairState(t.Context(), repaired); err != nil {
		t.Fatal(err)
	}
	mustRecord(t, l, r)
	if result := auditLedger(t, l.pool); result.missed != 1 {
		t.Errorf("control: %d codes missed, want 1", result.missed)
	}
}
