package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
	"labledger/internal/rules"
	"labledger/internal/rules/oracle"
)

// This file compares a whole recorded ledger with the oracle.

// An audit is the result of the comparison.
type audit struct {
	events, alerts     int
	missed, unexpected int      // codes that only the oracle, or only the ledger, has
	problems           []string // all other mismatches
}

func (a *audit) addProblem(format string, args ...any) {
	a.problems = append(a.problems, fmt.Sprintf(format, args...))
}

// requireClean fails the test if the audit found a mismatch.
func (a *audit) requireClean(t *testing.T) {
	t.Helper()
	if a.missed != 0 || a.unexpected != 0 {
		t.Errorf("%d events, %d alerts: %d codes missed, %d codes unexpected", a.events, a.alerts, a.missed,
			a.unexpected)
	}
	for i, problem := range a.problems {
		if i == 10 {
			t.Errorf("%d more problems", len(a.problems)-i)
			break
		}
		t.Error(problem)
	}
}

// eventRow is a row of event.
type eventRow struct {
	user          int64
	id            uuid.UUID
	event         rules.Event
	effectiveTime int64
	risk          rules.Risk
	rulesetID     int64
	facts         map[string]json.RawMessage
	codes         []int32
	alertID       *uuid.UUID
}

// alertRow is a row of alert.
type alertRow struct {
	user      int64
	id        uuid.UUID
	codes     []int32
	time      int64
	risk      string
	rulesetID int64
	reasons   []struct {
		Code        int32
		Version     int64
		Limit       json.RawMessage
		LimitAtRisk json.RawMessage `json:"limit_at_risk"`
		Value       json.RawMessage
	}
}

// auditLedger reads the whole ledger, user by user in the order of arrival, and compares it with the oracle.
func auditLedger(t *testing.T, pool *pgxpool.Pool) *audit {
	t.Helper()
	a := &audit{}
	sets := readRulesets(t, pool)
	alerts := readAlerts(t, pool)
	a.alerts = len(alerts)
	events := readEvents(t, pool)
	a.events = len(events)
	last := map[int64]uuid.UUID{}
	histories := map[int64][]eventRow{}
	for _, e := range events {
		histories[e.user] = append(histories[e.user], e)
		a.checkEvent(e, sets)
		newest := e.id
		if e.alertID != nil {
			a.checkAlert(e, alerts, sets)
			newest = *e.alertID
			delete(alerts, e.id)
		}
		if uuidAfter(newest, last[e.user]) {
			last[e.user] = newest
		}
	}
	for event := range alerts {
		a.addProblem("event %s has an alert, but no alert_id", event)
	}
	for user, history := range histories {
		a.checkUser(user, history, sets)
	}
	a.checkStates(t, pool, histories, last, sets)
	return a
}

func readRulesets(t *testing.T, pool *pgxpool.Pool) map[int64]rules.Set {
	t.Helper()
	sets := map[int64]rules.Set{}
	forEachRow(t, pool, "SELECT id, rules::text FROM ruleset", func(scan func(...any) error) error {
		var id int64
		var text string
		if err := scan(&id, &text); err != nil {
			return err
		}
		set, err := rules.ParseSet([]byte(text))
		sets[id] = set
		return err
	})
	return sets
}

func readEvents(t *testing.T, pool *pgxpool.Pool) (all []eventRow) {
	t.Helper()
	const sql = `SELECT user_id, id, type, amount::text, time, effective_time, risk, ruleset_id, facts::text,
		alert_codes, alert_id
		FROM event ORDER BY user_id, id`
	forEachRow(t, pool, sql, func(scan func(...any) error) error {
		var e eventRow
		var eventType, amount, risk, facts string
		err := scan(&e.user, &e.id, &eventType, &amount, &e.event.Time, &e.effectiveTime, &risk, &e.rulesetID, &facts,
			&e.codes, &e.alertID)
		if err != nil {
			return err
		}
		e.event.Type, _ = rules.ParseType(eventType)
		e.event.Amount, _ = rules.ParseCents(amount)
		e.risk, _ = rules.ParseRisk(risk)
		all = append(all, e)
		return json.Unmarshal([]byte(facts), &all[len(all)-1].facts)
	})
	return all
}

func readAlerts(t *testing.T, pool *pgxpool.Pool) map[uuid.UUID]alertRow {
	t.Helper()
	all := map[uuid.UUID]alertRow{}
	forEachRow(t, pool, "SELECT user_id, id, event_id, alert_codes, time, risk, ruleset_id, reasons::text FROM alert",
		func(scan func(...any) error) error {
			var r alertRow
			var event uuid.UUID
			var reasons string
			if err := scan(&r.user, &r.id, &event, &r.codes, &r.time, &r.risk, &r.rulesetID, &reasons); err != nil {
				return err
			}
			err := json.Unmarshal([]byte(reasons), &r.reasons)
			all[event] = r
			return err
		})
	return all
}

func forEachRow(t *testing.T, pool *pgxpool.Pool, sql string, row func(scan func(...any) error) error) {
	t.Helper()
	rows, err := pool.Query(context.Background(), sql)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// checkEvent compares the facts of an event with its codes. Each enabled rule that applies to the event must have a
// fact, and must have fired if the fact is beyond the limit.
func (a *audit) checkEvent(e eventRow, sets map[int64]rules.Set) {
	set, known := sets[e.rulesetID]
	if !known {
		a.addProblem("event %s refers to rule set %d, which does not exist", e.id, e.rulesetID)
	}
	applicable := 0
	for _, rule := range set {
		fact, ok := e.facts[fmt.Sprint(rule.Code)]
		if !rule.Enabled || rule.AppliesTo != "any" && rule.AppliesTo != e.event.Type.String() {
			continue
		}
		applicable++
		if !ok {
			a.addProblem("event %s has no fact for rule %d", e.id, rule.Code)
			continue
		}
		measured, limit := hundredths(fact), rule.LimitFor(e.risk)
		reached := measured > limit
		if rule.Code == 30 || rule.Code == 300 {
			reached = measured >= limit
		}
		if reached != slices.Contains(e.codes, rule.Code) {
			a.addProblem("event %s: rule %d measured %s with limit %s, codes %d", e.id, rule.Code, fact, limit, e.codes)
		}
	}
	if applicable != len(e.facts) || !slices.IsSorted(e.codes) {
		a.addProblem("event %s has facts %s and codes %d; %d rules apply to it", e.id, e.facts, e.codes, applicable)
	}
}

// hundredths parses a fact, "12.50" or a count, into hundredths. It returns -1 if the fact is invalid.
func hundredths(fact json.RawMessage) rules.Cents {
	if bytes.HasPrefix(fact, []byte(`"`)) {
		var amount string
		_ = json.Unmarshal(fact, &amount) // after an error amount is "", which Sscanf rejects
		var units, cents int64
		if _, err := fmt.Sscanf(amount, "%d.%2d", &units, &cents); err != nil {
			return -1
		}
		return rules.Cents(units*100 + cents)
	}
	var count int64
	if json.Unmarshal(fact, &count) != nil {
		return -1
	}
	return rules.Cents(count * 100)
}

// checkAlert compares an alert with its event.
func (a *audit) checkAlert(e eventRow, alerts map[uuid.UUID]alertRow, sets map[int64]rules.Set) {
	r, ok := alerts[e.id]
	if !ok || r.id != *e.alertID || r.user != e.user || !slices.Equal(r.codes, e.codes) || r.time != e.event.Time ||
		r.risk != e.risk.String() || r.rulesetID != e.rulesetID || !uuidAfter(r.id, e.id) {
		a.addProblem("event %+v has alert %+v", e, r)
		return
	}
	codes := make([]int32, 0, len(r.reasons))
	for _, reason := range r.reasons {
		codes = append(codes, reason.Code)
		i := slices.IndexFunc(sets[e.rulesetID], func(rule rules.Rule) bool { return rule.Code == reason.Code })
		if i < 0 {
			continue
		}
		rule := sets[e.rulesetID][i]
		if reason.Version != rule.Version || hundredths(reason.Limit) != rule.Limit ||
			hundredths(reason.LimitAtRisk) != rule.LimitFor(e.risk) ||
			!bytes.Equal(reason.Value, e.facts[fmt.Sprint(rule.Code)]) {
			a.addProblem("alert %s has reason %+v; the rule is %+v and the fact %s", r.id, reason, rule,
				e.facts[fmt.Sprint(rule.Code)])
		}
	}
	if !slices.Equal(codes, r.codes) {
		a.addProblem("alert %s has reasons for codes %d, want %d", r.id, codes, r.codes)
	}
}

// checkUser compares the codes of a user's events with the oracle.
func (a *audit) checkUser(user int64, history []eventRow, sets map[int64]rules.Set) {
	entries := make([]oracle.Entry, len(history))
	latest := int64(0)
	for i, e := range history {
		entries[i] = oracle.Entry{Event: e.event, Risk: e.risk, Rules: sets[e.rulesetID]}
		latest = max(latest, e.event.Time)
		if e.effectiveTime != latest {
			a.addProblem("event %s of user %d has effective time %d, want %d", e.id, user, e.effectiveTime, latest)
		}
	}
	for i, want := range oracle.Codes(entries) {
		for _, code := range want {
			if !slices.Contains(history[i].codes, code) {
				a.missed++
			}
		}
		for _, code := range history[i].codes {
			if !slices.Contains(want, code) {
				a.unexpected++
			}
		}
	}
}

// checkStates recomputes the state of each user and compares it with the stored one.
func (a *audit) checkStates(
	t *testing.T,
	pool *pgxpool.Pool,
	histories map[int64][]eventRow,
	last map[int64]uuid.UUID,
	sets map[int64]rules.Set,
) {
	t.Helper()
	withState := 0
	forEachRow(t, pool, "SELECT user_id, last_id, state::text FROM user_state", func(scan func(...any) error) error {
		var user int64
		var lastID *uuid.UUID
		var text string
		if err := scan(&user, &lastID, &text); err != nil {
			return err
		}
		history := histories[user]
		if len(history) == 0 {
			if lastID != nil || text != "{}" {
				a.addProblem("user %d has no events but the state %s", user, text)
			}
			return nil
		}
		withState++
		if lastID == nil || *lastID != last[user] {
			a.addProblem("user %d has last_id %v, want %v", user, lastID, last[user])
		}
		stored, err := rules.ParseState([]byte(text))
		if err != nil {
			a.addProblem("user %d: %v", user, err)
			return nil
		}
		var rebuilt rules.State
		var effective []rules.Event
		for _, e := range history {
			rules.Step(&rebuilt, e.event, sets[e.rulesetID], e.risk, rules.MaxWindow)
			effective = append(effective,
				rules.Event{Type: e.event.Type, Amount: e.event.Amount, Time: e.effectiveTime})
		}
		rebuilt.RebuildWindow(sets[history[len(history)-1].rulesetID].LongestWindow(), effective)
		if !rebuilt.Equal(&stored) {
			a.addProblem("user %d has state %s, want %s", user, text, rebuilt.Append(nil))
		}
		return nil
	})
	if withState != len(histories) {
		a.addProblem("%d users have events, but %d have a state", len(histories), withState)
	}
}

// requireAscendingRulesets fails the test if an event was evaluated with an older rule set than an earlier event of its
// user.
func requireAscendingRulesets(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	const sql = `SELECT user_id::text FROM (
		SELECT user_id, ruleset_id < lag(ruleset_id) OVER (PARTITION BY user_id ORDER BY id) AS back FROM event
	) AS e WHERE back`
	if users := pgtest.QueryColumn(t, pool, sql); len(users) > 0 {
		t.Errorf("users %s have events with older rules than an earlier event", strings.Join(users, ", "))
	}
}
