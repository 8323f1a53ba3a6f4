package ledger

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5/pgxpool"

	diff "github.com/google/go-cmp/cmp"

	"labledger/internal/pgtest"
	"labledger/internal/rules"
	"labledger/internal/rules/oracle"
)

// A candidate is a change of rules in two forms: as a replay request, and as a function for the oracle.
type candidate struct {
	name     string
	request  []RuleChange
	override func(*rules.Rule)
}

func candidates() []candidate {
	set := func(code int32, change func(*rules.Rule)) func(*rules.Rule) {
		return func(r *rules.Rule) {
			if r.Code == code {
				change(r)
			}
		}
	}
	return []candidate{
		{"none", nil, keepRule},
		{"no settings", []RuleChange{{Code: 30}}, keepRule},
		{
			"amount",
			[]RuleChange{{Code: 1100, Limit: ptr(rules.Cents(60_50))}},
			set(1100, func(r *rules.Rule) { r.Limit = 60_50 }),
		},
		{
			"no limit",
			[]RuleChange{{Code: 1100, Limit: ptr(rules.Cents(0))}},
			set(1100, func(r *rules.Rule) { r.Limit = 0 }),
		},
		{
			"run",
			[]RuleChange{{Code: 30, Limit: ptr(rules.Cents(2_00))}},
			set(30, func(r *rules.Rule) { r.Limit = 2_00 }),
		},
		{
			"other events",
			[]RuleChange{{Code: 300, AppliesTo: ptr("any")}},
			set(300, func(r *rules.Rule) { r.AppliesTo = "any" }),
		},
		{
			"longest window",
			[]RuleChange{{Code: 123, WindowSeconds: ptr(int64(3600))}},
			set(123, func(r *rules.Rule) { r.WindowSeconds = ptr(int64(3600)) }),
		},
		{
			"no window",
			[]RuleChange{{Code: 123, WindowSeconds: ptr(int64(0))}},
			set(123, func(r *rules.Rule) { r.WindowSeconds = ptr(int64(0)) }),
		},
		{"off", []RuleChange{{Code: 500, Enabled: ptr(false)}}, set(500, func(r *rules.Rule) { r.Enabled = false })},
		{"on", []RuleChange{{Code: 500, Enabled: ptr(true)}}, set(500, func(r *rules.Rule) { r.Enabled = true })},
		{
			"many",
			[]RuleChange{
				{500, ptr("withdraw"), ptr(rules.Cents(2_00)), ptr(int64(400)), ptr(true)},
				{Code: 123, Limit: ptr(rules.Cents(99_99))},
				{Code: 30, Enabled: ptr(false)},
			},
			func(r *rules.Rule) {
				switch r.Code {
				case 500:
					r.AppliesTo, r.Limit, r.WindowSeconds, r.Enabled = "withdraw", 2_00, ptr(int64(400)), true
				case 123:
					r.Limit = 99_99
				case 30:
					r.Enabled = false
				}
			},
		},
	}
}

// keepRule is the override of oracleCodes that changes no rule.
func keepRule(*rules.Rule) {}

// oracleCodes returns the oracle's codes for each event. The events are sorted by user and in the order of arrival.
func oracleCodes(t *testing.T, pool *pgxpool.Pool, events []eventRow, override func(*rules.Rule)) (codes [][]int32) {
	t.Helper()
	sets := readRulesets(t, pool)
	for _, set := range sets {
		for i := range set {
			override(&set[i])
		}
	}
	for len(events) > 0 {
		var history []oracle.Entry
		n := 0
		for ; n < len(events) && events[n].user == events[0].user; n++ {
			history = append(history,
				oracle.Entry{Event: events[n].event, Risk: events[n].risk, Rules: sets[events[n].rulesetID]})
		}
		codes = append(codes, oracle.Codes(history)...)
		events = events[n:]
	}
	return codes
}

// addCounts adds n to all sums.
func addCounts(n Counts, sums ...*Counts) {
	for _, sum := range sums {
		sum.Added += n.Added
		sum.Removed += n.Removed
		sum.Unchanged += n.Unchanged
	}
}

func expectedDifference(e eventRow, code int32, change string) AlertDifference {
	return AlertDifference{e.id, e.user, e.event.Time, code, e.risk.String(), change}
}

// expectedReplay computes the result of a replay from the oracle's codes.
func expectedReplay(events []eventRow, codes [][]int32, r ReplayRequest) *Replay {
	want := &Replay{ByRisk: []RiskCounts{{Risk: "low"}, {Risk: "medium"}, {Risk: "high"}}}
	for _, code := range []int32{30, 123, 300, 500, 1100} {
		want.ByCode = append(want.ByCode, CodeCounts{Code: code})
	}
	users, byUser, byDay := map[int64]bool{}, map[int64]*UserCounts{}, map[int64]*DayCounts{}
	for i, e := range events {
		if r.From != nil && e.event.Time < *r.From || r.To != nil && e.event.Time >= *r.To ||
			r.UserID != nil && e.user != *r.UserID {
			continue
		}
		want.Events++
		users[e.user] = true
		for k, code := range []int32{30, 123, 300, 500, 1100} {
			fires, recorded := slices.Contains(codes[i], code), slices.Contains(e.codes, code)
			if !fires && !recorded {
				continue
			}
			day := e.event.Time / 86400 * 86400
			if byUser[e.user] == nil {
				byUser[e.user] = &UserCounts{UserID: e.user}
			}
			if byDay[day] == nil {
				byDay[day] = &DayCounts{Day: day}
			}
			risk := map[rules.Risk]int{rules.Low: 0, rules.Medium: 1, rules.High: 2}[e.risk]
			n := Counts{}
			switch {
			case fires && recorded:
				n.Unchanged = 1
			case fires:
				n.Added = 1
				want.Differences = append(want.Differences, expectedDifference(e, code, "added"))
			default:
				n.Removed = 1
				want.Differences = append(want.Differences, expectedDifference(e, code, "removed"))
			}
			addCounts(n, &want.Counts, &want.ByCode[k].Counts, &want.ByRisk[risk].Counts, &byUser[e.user].Counts,
				&byDay[day].Counts)
		}
	}
	want.Users = int64(len(users))
	for _, n := range byUser {
		want.ByUser = append(want.ByUser, *n)
	}
	slices.SortFunc(want.ByUser, func(a, b UserCounts) int {
		return cmp.Or(cmp.Compare(b.Added+b.Removed, a.Added+a.Removed), cmp.Compare(a.UserID, b.UserID))
	})
	for _, n := range byDay {
		want.ByDay = append(want.ByDay, *n)
	}
	slices.SortFunc(want.ByDay, func(a, b DayCounts) int { return cmp.Compare(a.Day, b.Day) })
	if limit := cmp.Or(r.Limit, 1000); len(want.Differences) > limit {
		want.Differences, want.Truncated = want.Differences[:limit], true
	}
	return want
}

func mustReplay(t *testing.T, l *Ledger, r ReplayRequest) *Replay {
	t.Helper()
	got, err := l.Replay(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestReplay_matchesOracle compares complete results for each kind of change, over the whole ledger and over parts of
// it.
func TestReplay_matchesOracle(t *testing.T) {
	t.Parallel()
	l := recordedLedger(t, 11, scaled(1500))
	pgtest.Exec(t, l.pool,
		"UPDATE rule SET window_seconds = 20, enabled = true, applies_to = 'any' WHERE window_seconds IS NOT NULL")
	if _, err := l.RecordAll(t.Context(), &Batch{Events: randomStream(12, 100, 10), Actor: "test"}, false); err != nil {
		t.Fatal(err)
	}
	// Events on several days.
	for i := range int64(30) {
		mustRecord(t, l, RecordRequest{UserID: i % 4, Event: withdrawal(80+i, 86400*(2+i/5)-1+i%2), Actor: "test"})
	}
	events := readEvents(t, l.pool)
	var total Counts
	for _, c := range candidates() {
		codes := oracleCodes(t, l.pool, events, c.override)
		for _, r := range []ReplayRequest{
			{}, {From: ptr(int64(1100))}, {To: ptr(int64(1300))},
			{From: ptr(int64(1100)), To: ptr(int64(86400 * 3))}, {From: ptr(int64(1150)), To: ptr(int64(1150))},
			{UserID: ptr(int64(3))}, {UserID: ptr(int64(3)), From: ptr(int64(1050)), Limit: 5},
			{UserID: ptr(int64(99))}, {UserID: ptr(int64(0))}, {Limit: 1},
		} {
			r.Changes = c.request
			got, want := mustReplay(t, l, r), expectedReplay(events, codes, r)
			if d := diff.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("%s, %+v (- want, + got):\n%s", c.name, r, d)
			}
			if len(c.request) < 1 && (got.Added != 0 || got.Removed != 0) {
				t.Error("replay without changes reports differences:", got.Differences)
			}
			total.Added += got.Added
			total.Removed += got.Removed
			total.Unchanged += got.Unchanged
		}
	}
	if min(total.Added, total.Removed, total.Unchanged) == 0 {
		t.Errorf("control: no alerts of some kind: %+v", total)
	}
}

// TestReplay_includesEarlierEvents checks that windows and runs include the events before the time range.
func TestReplay_includesEarlierEvents(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	for i := range int64(3) {
		mustRecord(t, l, RecordRequest{UserID: 1, Event: withdrawal(10, 100+i), Actor: "test"})
	}
	got := mustReplay(t, l, ReplayRequest{From: ptr(int64(102))})
	if got.Events != 1 || got.Unchanged != 1 || got.Removed != 0 {
		t.Errorf("%+v", got)
	}
}

// TestReplay_lengthenedWindows checks that a replay handles a lengthened window in the same way as Record, which loads
// the missing events.
func TestReplay_lengthenedWindows(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	for i, window := range []int{60, 60, 60, 60, 60, 0, 60} {
		pgtest.Exec(t, l.pool, "UPDATE rule SET window_seconds = least($1, 30) WHERE code = 123", window)
		pgtest.Exec(t, l.pool, "UPDATE rule SET window_seconds = $1 WHERE code = 500", window)
		mustRecord(t, l, RecordRequest{UserID: 1, Event: deposit(1, int64(100+i)), Actor: "test"})
	}
	if got := mustReplay(t, l, ReplayRequest{}); got.Unchanged != 1 || got.Added != 0 || got.Removed != 0 {
		t.Errorf("%+v", got)
	}
	got := mustReplay(t, l, ReplayRequest{Changes: []RuleChange{{Code: 500, WindowSeconds: ptr(int64(60))}}})
	if got.Unchanged != 1 || got.Added != 1 || got.Differences[0].Time != 105 {
		t.Errorf("%+v", got)
	}
}

// manyPagesLedger returns a ledger of several pages, with more users and more days than a result lists.
func manyPagesLedger(t *testing.T) *Ledger {
	t.Helper()
	l := newLedger(pgtest.Pool(t))
	b := &Batch{Actor: "test"}
	for i := range int64(25_000) {
		b.Events = append(b.Events,
			UserEvent{i % 2300, rules.Event{Type: rules.Withdraw, Amount: 1_00, Time: i * 86400}})
	}
	for i := range int64(5000) { // one user on more than one page, on days that repeat
		b.Events = append(b.Events,
			UserEvent{1150, rules.Event{Type: rules.Type(i % 2), Amount: 1_00, Time: i * 7 * 86400}})
	}
	if _, err := l.RecordAll(t.Context(), b, false); err != nil {
		t.Fatal(err)
	}
	return l
}

// requireDaysAndUsers compares the days and users of a replay in which every withdrawal adds an alert and every
// recorded alert is removed.
func requireDaysAndUsers(t *testing.T, pool *pgxpool.Pool, got *Replay) {
	t.Helper()
	const days = `SELECT format('%s %s %s', time / 86400 * 86400,
			count(*) FILTER (WHERE type = 'withdraw'), sum(cardinality(alert_codes)))
		FROM event GROUP BY time / 86400
		HAVING count(*) FILTER (WHERE type = 'withdraw') + sum(cardinality(alert_codes)) > 0
		ORDER BY time / 86400 DESC LIMIT 10000`
	var gotDays, gotUsers []string
	for _, d := range slices.Backward(got.ByDay) {
		gotDays = append(gotDays, fmt.Sprint(d.Day, " ", d.Added, " ", d.Removed))
	}
	requireEqual(t, gotDays, pgtest.QueryColumn(t, pool, days))
	for _, u := range got.ByUser {
		gotUsers = append(gotUsers, fmt.Sprint(u.UserID, " ", u.Added, " ", u.Removed))
	}
	const users = `SELECT format('%s %s %s', user_id,
			count(*) FILTER (WHERE type = 'withdraw'), sum(cardinality(alert_codes)))
		FROM event GROUP BY user_id
		ORDER BY count(*) FILTER (WHERE type = 'withdraw') + sum(cardinality(alert_codes)) DESC, user_id LIMIT 1000`
	requireEqual(t, gotUsers, pgtest.QueryColumn(t, pool, users))
}

// TestReplay_manyPages compares the totals, days and users of a long replay with the ledger.
func TestReplay_manyPages(t *testing.T) {
	t.Parallel()
	l := manyPagesLedger(t)
	pgtest.Exec(t, l.pool, `UPDATE alert SET disposition = CASE user_id % 3 WHEN 0 THEN 'confirmed' ELSE 'false_positive' END
		WHERE user_id % 3 < 2`)
	var progress []int64
	got := mustReplay(t, l, ReplayRequest{
		Progress: func(n int64) { progress = append(progress, n) },
		Limit:    maxDifferences,
		Changes: []RuleChange{
			{Code: 1100, Limit: ptr(rules.Cents(0))},
			{Code: 30, Enabled: ptr(false)},
			{Code: 500, Enabled: ptr(false)},
			{Code: 123, Enabled: ptr(false)},
		},
	})
	withdrawals := pgtest.QueryValue[int64](t, l.pool, "SELECT count(*) FROM event WHERE type = 'withdraw'")
	recorded := pgtest.QueryValue[int64](t, l.pool, "SELECT sum(cardinality(alert_codes)) FROM event")
	if got.Events != 30_000 || got.Users != 2300 || got.Added != withdrawals || got.Removed != recorded ||
		len(got.Differences) != int(withdrawals+recorded) || got.Truncated {
		t.Errorf("%d events, %d users, %d added (want %d), %d removed (want %d), %d listed", got.Events, got.Users,
			got.Added, withdrawals, got.Removed, recorded, len(got.Differences))
	}
	confirmed := pgtest.QueryValue[int64](t, l.pool,
		"SELECT sum(cardinality(alert_codes)) FROM alert WHERE disposition = 'confirmed'")
	if confirmed < 2*alertsPerQuery || got.RemovedConfirmed != confirmed {
		t.Errorf("%d removed alerts are confirmed, want %d", got.RemovedConfirmed, confirmed)
	}
	requireDaysAndUsers(t, l.pool, got)
	if len(progress) < 4 || !slices.IsSorted(progress) || progress[len(progress)-1] != 30_000 {
		t.Error("progress:", progress)
	}
	got = mustReplay(t, l, ReplayRequest{})
	if got.Added+got.Removed+got.RemovedConfirmed != 0 || got.Unchanged != recorded || got.Truncated ||
		len(got.Differences) != 0 {
		t.Errorf("replay without changes: %d added, %d removed, %d unchanged", got.Added, got.Removed, got.Unchanged)
	}
	got = mustReplay(t, l, ReplayRequest{Changes: []RuleChange{{Code: 30, Enabled: ptr(false)}}})
	if len(got.Differences) != 1000 || !got.Truncated {
		t.Error(len(got.Differences), "differences with the default limit, truncated:", got.Truncated)
	}
}

// TestReplay_readsOneSnapshot checks that events recorded during a replay do not affect it, and that it takes no locks.
func TestReplay_readsOneSnapshot(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	b := &Batch{Events: randomStream(5, 25_000, 300), Actor: "test"}
	if _, err := l.RecordAll(t.Context(), b, false); err != nil {
		t.Fatal(err)
	}
	r := ReplayRequest{Changes: []RuleChange{{Code: 123, WindowSeconds: ptr(int64(100))}}}
	before := mustReplay(t, l, r)
	// Only locks of clients, because autovacuum takes some, too.
	const heldLocks = `SELECT locktype || ' ' || mode FROM pg_locks JOIN pg_stat_activity USING (pid)
		WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
			AND locktype <> 'virtualxid' AND mode <> 'AccessShareLock'`
	pages, locks := 0, []string{}
	r.Progress = func(int64) {
		pages++
		for user := int64(1); user <= 300; user += 50 {
			mustRecord(t, l, RecordRequest{UserID: user, Event: withdrawal(500, 1), Actor: "test"})
		}
		mustRecord(t, l, RecordRequest{UserID: 10_000, Event: withdrawal(500, 1), Actor: "test"})
		pgtest.Exec(t, l.pool, `UPDATE rule SET "limit" = "limit" + 1`)
		locks = append(locks, pgtest.QueryColumn(t, l.pool, heldLocks)...)
	}
	during := mustReplay(t, l, r)
	if d := diff.Diff(before, during); d != "" || pages < 3 || len(locks) > 0 {
		t.Errorf("%d pages, locks %v (- before, + during):\n%s", pages, locks, d)
	}
	r.Progress = nil
	if after := mustReplay(t, l, r); after.Events != before.Events+int64(pages*7) {
		t.Errorf("%d events after %d more, %d before", after.Events, pages*7, before.Events)
	}
}

func TestReplay_emptyCancelledAndDamaged(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	got := mustReplay(t, l, ReplayRequest{})
	text, err := json.Marshal(got)
	if err != nil || strings.Contains(string(text), "null") || got.Events != 0 || len(got.ByCode) != 5 ||
		len(got.ByRisk) != 3 {
		t.Errorf("replay of an empty ledger: %s, %v", text, err)
	}
	mustRecord(t, l, RecordRequest{UserID: 1, Event: deposit(1, 1), Actor: "test"})
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := l.Replay(ctx, ReplayRequest{Progress: func(int64) { cancel() }}); !errors.Is(err, context.Canceled) {
		t.Error("after the context was cancelled:", err)
	}
	damage(t, l, "UPDATE event SET ruleset_id = 99")
	if _, err := l.Replay(t.Context(), ReplayRequest{}); err == nil || !strings.Contains(err.Error(), "rule set 99") {
		t.Error("with a missing rule set:", err)
	}
}

func TestReplay_validation(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	for _, c := range []struct {
		r    ReplayRequest
		want []string
	}{
		{ReplayRequest{Changes: []RuleChange{{Code: 31}}}, []string{"rules[0].code"}},
		{ReplayRequest{Changes: []RuleChange{{Code: 30}, {Code: 30}}}, []string{"rules[1].code"}},
		{ReplayRequest{Changes: []RuleChange{
			{Code: 30, WindowSeconds: ptr(int64(5))},
			{Code: 1100, WindowSeconds: ptr(int64(5))},
			{Code: 300, WindowSeconds: ptr(int64(5))},
		}},
			[]string{"rules[0].window_seconds", "rules[1].window_seconds", "rules[2].window_seconds"}},
		{ReplayRequest{Changes: []RuleChange{
			{Code: 123, WindowSeconds: ptr(int64(-1))},
			{Code: 500, WindowSeconds: ptr(int64(3601))},
		}},
			[]string{"rules[0].window_seconds", "rules[1].window_seconds"}},
		{ReplayRequest{Changes: []RuleChange{
			{Code: 123, Limit: ptr(rules.Cents(-1))},
			{Code: 1100, Limit: ptr(rules.Cents(1_000_000_000_000))},
			{Code: 30, Limit: ptr(rules.Cents(2_50))},
		}},
			[]string{"rules[0].limit", "rules[1].limit", "rules[2].limit"}},
		{ReplayRequest{Changes: []RuleChange{
			{Code: 300, Limit: ptr(rules.Cents(0))},
			{Code: 500, Limit: ptr(rules.Cents(1_000_001_00))},
		}},
			[]string{"rules[0].limit", "rules[1].limit"}},
		{ReplayRequest{
			Changes: []RuleChange{{7, ptr("Any"), ptr(rules.Cents(-5)), ptr(int64(9999)), nil}},
			From:    ptr(int64(2)), To: ptr(int64(1)), Limit: -1,
		},
			[]string{
				"rules[0].code", "rules[0].applies_to", "rules[0].limit", "rules[0].window_seconds", "to", "limit",
			}},
		{ReplayRequest{Limit: maxDifferences + 1}, []string{"limit"}},
	} {
		_, err := l.Replay(t.Context(), c.r)
		var invalid ValidationError
		var fields []string
		if errors.As(err, &invalid) {
			for _, fieldErr := range invalid {
				fields = append(fields, fieldErr.Field)
				if fieldErr.Message == "" || !strings.Contains(err.Error(), fieldErr.Field+": "+fieldErr.Message) {
					t.Errorf("%v does not contain %+v", err, fieldErr)
				}
			}
		}
		if !slices.Equal(fields, c.want) {
			t.Errorf("%+v: %v; want %v", c.r, err, c.want)
		}
	}
	for _, c := range []RuleChange{
		{123, ptr("deposit"), ptr(rules.Cents(0)), ptr(int64(0)), ptr(true)},
		{1100, ptr("withdraw"), ptr(rules.Cents(999_999_999_999)), nil, nil},
		{500, ptr("any"), ptr(rules.Cents(1_000_000_00)), ptr(int64(3600)), nil},
		{Code: 30, Limit: ptr(rules.Cents(1_00))},
	} {
		if _, err := l.Replay(t.Context(), ReplayRequest{Changes: []RuleChange{c}, Limit: maxDifferences}); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
