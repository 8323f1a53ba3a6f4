package ledger

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"labledger/db"
	"labledger/internal/rules"
)

// This file replays the ledger: which alerts there would be, had other rules been in force. It reads one snapshot, event by event, and keeps
// nothing of what it has read but counts and what fits into the bounds below.

// Bounds of a replay.
const (
	defaultDifferences = 1000
	maxDifferences     = 100_000
	maxUsers           = 1000
	maxDays            = 10_000
	daySeconds         = 86_400
)

// A RuleChange is what a candidate changes of a rule; nil keeps what was in force.
type RuleChange struct {
	Code          int32        `json:"code"`           // Code of the rule.
	AppliesTo     *string      `json:"applies_to"`     // Events that the rule shall look at: deposit, withdraw or any.
	Limit         *rules.Cents `json:"limit"`          // Limit for users of medium risk: an amount, or a number of events.
	WindowSeconds *int64       `json:"window_seconds"` // How far back the rule shall count, in seconds.
	Enabled       *bool        `json:"enabled"`        // False: the rule raises nothing.
}

// A ReplayRequest says what to replay: the whole ledger, or the events of a time range or of one user.
type ReplayRequest struct {
	Changes  []RuleChange
	From, To *int64             // the times of the events that count, in seconds: from <= time < to
	UserID   *int64             // of the only user who counts
	Limit    int                // differences that are listed, at most 100000; 0 is 1000
	Progress func(events int64) // called now and then with the number of events read; may be nil
}

// Replay is what changed rules would have done over the recorded events.
type Replay struct {
	Events      int64             `json:"events"`      // Events that were counted: those of the range and the user that were asked for.
	Users       int64             `json:"users"`       // Users who have such events.
	Added       int64             `json:"added"`       // Alerts, by code, that the changed rules raise and that were not raised.
	Removed     int64             `json:"removed"`     // Alerts, by code, that were raised and that the changed rules do not raise.
	Unchanged   int64             `json:"unchanged"`   // Alerts, by code, that were raised and that the changed rules raise too.
	ByCode      []CodeCounts      `json:"by_code"`     // The same for each rule, ascending by code.
	ByRisk      []RiskCounts      `json:"by_risk"`     // The same for each risk level that users had when the event arrived: low, medium, high.
	ByUser      []UserCounts      `json:"by_user"`     // The same for users with any alert, those with the most differences first, then by number; at most 1000 of them.
	ByDay       []DayCounts       `json:"by_day"`      // The same for days of event time with any alert, ascending; at most 10000 of them, the newest.
	Differences []AlertDifference `json:"differences"` // The alerts added and removed, by user, each user's in the order of arrival; at most as many as were asked for.
	Truncated   bool              `json:"truncated"`   // True: there are more differences than are listed. The counts are of all.
}

// CodeCounts is what would be different for one rule.
type CodeCounts struct {
	Code      int32 `json:"code"`      // Code of the rule.
	Added     int64 `json:"added"`     // Alerts that the changed rules raise and that were not raised.
	Removed   int64 `json:"removed"`   // Alerts that were raised and that the changed rules do not raise.
	Unchanged int64 `json:"unchanged"` // Alerts that were raised and that the changed rules raise too.
}

// RiskCounts is what would be different for users of one risk level.
type RiskCounts struct {
	Risk      string `json:"risk"`      // Risk level when the event arrived: low, medium or high.
	Added     int64  `json:"added"`     // Alerts, by code, that the changed rules raise and that were not raised.
	Removed   int64  `json:"removed"`   // Alerts, by code, that were raised and that the changed rules do not raise.
	Unchanged int64  `json:"unchanged"` // Alerts, by code, that were raised and that the changed rules raise too.
}

// UserCounts is what would be different for one user.
type UserCounts struct {
	UserID    int64 `json:"user_id"`   // The user.
	Added     int64 `json:"added"`     // Alerts, by code, that the changed rules raise and that were not raised.
	Removed   int64 `json:"removed"`   // Alerts, by code, that were raised and that the changed rules do not raise.
	Unchanged int64 `json:"unchanged"` // Alerts, by code, that were raised and that the changed rules raise too.
}

// DayCounts is what would be different for the events of one day.
type DayCounts struct {
	Day       int64 `json:"day"`       // Start of the day in seconds since 1970, in UTC: a multiple of 86400.
	Added     int64 `json:"added"`     // Alerts, by code, that the changed rules raise and that were not raised.
	Removed   int64 `json:"removed"`   // Alerts, by code, that were raised and that the changed rules do not raise.
	Unchanged int64 `json:"unchanged"` // Alerts, by code, that were raised and that the changed rules raise too.
}

// AlertDifference is one alert of one code that would be added or removed.
type AlertDifference struct {
	EventID uuid.UUID `json:"event_id"` // The event that raises it.
	UserID  int64     `json:"user_id"`  // The user of the event.
	Time    int64     `json:"time"`     // When the event happened, in seconds since 1970, as the caller said.
	Code    int32     `json:"code"`     // Code of the rule.
	Risk    string    `json:"risk"`     // Risk level of the user when the event arrived.
	Change  string    `json:"change"`   // added or removed.
}

// ValidationError is all that is wrong with a request.
type ValidationError []FieldError

// A FieldError is what is wrong with one field, such as "rules[1].limit".
type FieldError struct{ Field, Message string }

func (i ValidationError) Error() string {
	var all []string
	for _, fault := range i {
		all = append(all, fault.Field+": "+fault.Message)
	}
	return strings.Join(all, "; ")
}

// Replay tells which alerts the changed rules would have raised. Each event is judged as it was, at the risk and by the rules that were in
// force when it arrived, but for the changes; all earlier events of its user count, those before the range too. Without changes it answers
// what was recorded. It reads one snapshot and holds up nobody. Errors: Invalid, the context's, the database's.
func (l *Ledger) Replay(ctx context.Context, r ReplayRequest) (*Replay, error) {
	if faults := r.Validate(); len(faults) > 0 {
		return nil, faults
	}
	run := &replayRun{ReplayRequest: r, byCode: map[int32]*counts{}, byDay: map[int64]*counts{}}
	if run.Limit == 0 {
		run.Limit = defaultDifferences
	}
	run.result.Differences = []AlertDifference{}
	err := l.inSnapshot(ctx, func(q *db.Queries) (err error) {
		if run.sets, run.horizon, err = loadRulesets(ctx, q, r.Changes); err != nil {
			return err
		}
		for _, set := range run.sets {
			for _, rule := range set {
				run.byCode[rule.Code] = &counts{}
			}
		}
		return run.scan(ctx, q)
	})
	if err != nil {
		return nil, err
	}
	return run.finish(), nil
}

// applyTo overlays the rules that were in force with the change.
func (c *RuleChange) applyTo(set rules.Set) {
	for i := range set {
		rule := &set[i]
		if rule.Code != c.Code {
			continue
		}
		if c.AppliesTo != nil {
			rule.AppliesTo = *c.AppliesTo
		}
		if c.Limit != nil {
			rule.Limit = *c.Limit
		}
		if c.WindowSeconds != nil {
			rule.WindowSeconds = c.WindowSeconds
		}
		if c.Enabled != nil {
			rule.Enabled = *c.Enabled
		}
	}
}

// Validate is all that is wrong with the request.
func (r *ReplayRequest) Validate() (all ValidationError) {
	named := map[int32]bool{}
	for i, c := range r.Changes {
		for _, fault := range c.validate() {
			all = append(all, FieldError{fmt.Sprintf("rules[%d].%s", i, fault.Field), fault.Message})
		}
		if named[c.Code] {
			all = append(all, FieldError{fmt.Sprintf("rules[%d].code", i), fmt.Sprintf("%d is named twice", c.Code)})
		}
		named[c.Code] = true
	}
	if r.From != nil && r.To != nil && *r.From > *r.To {
		all = append(all, FieldError{"to", "must not be less than from"})
	}
	if r.Limit < 0 || r.Limit > maxDifferences {
		all = append(all, FieldError{"limit", "must be a number from 1 to " + strconv.Itoa(maxDifferences)})
	}
	return all
}

func (c *RuleChange) validate() (all ValidationError) {
	const maxLimit, maxCount = rules.Cents(999_999_999_999), rules.Cents(1_000_000_00)
	wrong := func(field, message string) { all = append(all, FieldError{field, message}) }
	counts, window := c.Code == 30 || c.Code == 300 || c.Code == 500, c.Code == 123 || c.Code == 500
	if !counts && !window && c.Code != 1100 {
		wrong("code", fmt.Sprintf("%d is no rule; there are 30, 123, 300, 500 and 1100", c.Code))
		window = true // which of the others apply is not known
	}
	if to := c.AppliesTo; to != nil && *to != "deposit" && *to != "withdraw" && *to != "any" {
		wrong("applies_to", "must be deposit, withdraw or any")
	}
	if limit := c.Limit; limit != nil {
		if counts && (*limit%100 != 0 || *limit < 1_00 || *limit > maxCount) {
			wrong("limit", "must be a whole number from 1 to 1000000")
		} else if *limit < 0 || *limit > maxLimit {
			wrong("limit", "must be an amount from 0 to "+maxLimit.String())
		}
	}
	switch seconds := c.WindowSeconds; {
	case seconds == nil:
	case !window:
		wrong("window_seconds", fmt.Sprintf("rule %d has no window; only 123 and 500 have", c.Code))
	case *seconds < 0 || *seconds > rules.MaxWindow:
		wrong("window_seconds", fmt.Sprintf("must be from 0 to %d", rules.MaxWindow))
	}
	return all
}

// counts are alerts added, removed and unchanged.
type counts [3]int64

const (
	added = iota
	removed
	unchanged
)

// replayRun is a replay under way.
type replayRun struct {
	ReplayRequest
	sets       map[int64]rules.Set
	horizon    int64
	result     Replay
	totals     counts
	byCode     map[int32]*counts
	byRisk     [3]counts // by rules.Risk
	byDay      map[int64]*counts
	oldestDay  int64 // earlier days are no longer counted: there are maxDays later ones
	userCounts counts
}

// scan steps through the ledger.
func (run *replayRun) scan(ctx context.Context, q *db.Queries) error {
	events := eventCursor(ctx, q, -1, run.UserID, run.Progress)
	var user, counted int64 = -1, -1
	var state rules.State
	for row := events.peek(); row != nil; row = events.peek() {
		if row.UserID != user {
			run.flushUser(user)
			user, state = row.UserID, rules.State{}
		}
		e, err := parseEvent(row.Type, row.Amount, row.Time)
		risk, _ := rules.ParseRisk(row.Risk) // the database knows these three only
		set, ok := run.sets[row.RulesetID]
		if !ok {
			err = fmt.Errorf("ledger: rule set %d, which judged event %s, cannot be read", row.RulesetID, row.ID)
		}
		if err != nil {
			return err
		}
		d := rules.Step(&state, e, set, risk, run.horizon)
		if run.From == nil || *run.From <= row.Time {
			if run.To == nil || row.Time < *run.To {
				run.result.Events++
				if counted != user {
					counted = user
					run.result.Users++
				}
				run.compare(row, risk, d.Codes)
			}
		}
		events.next(user)
	}
	run.flushUser(user)
	return events.err
}

// compare compares the codes that fire, ascending, with those that are recorded, likewise.
func (run *replayRun) compare(row *db.ListLedgerRow, risk rules.Risk, fire []int32) {
	recorded := row.AlertCodes
	for len(fire) > 0 || len(recorded) > 0 {
		switch {
		case len(recorded) == 0 || len(fire) > 0 && fire[0] < recorded[0]:
			run.add(row, risk, fire[0], added)
			fire = fire[1:]
		case len(fire) == 0 || recorded[0] < fire[0]:
			run.add(row, risk, recorded[0], removed)
			recorded = recorded[1:]
		default:
			run.add(row, risk, fire[0], unchanged)
			fire, recorded = fire[1:], recorded[1:]
		}
	}
}

func (run *replayRun) add(row *db.ListLedgerRow, risk rules.Risk, code int32, kind int) {
	run.totals[kind]++
	run.userCounts[kind]++
	run.byRisk[risk][kind]++
	if run.byCode[code] == nil { // recorded under a rule that is in no set
		run.byCode[code] = &counts{}
	}
	run.byCode[code][kind]++
	if day := row.Time - row.Time%daySeconds; day >= run.oldestDay {
		if run.byDay[day] == nil {
			run.byDay[day] = &counts{}
		}
		run.byDay[day][kind]++
		if len(run.byDay) == 2*maxDays {
			run.oldestDay = run.newestDays()[0]
			maps.DeleteFunc(run.byDay, func(day int64, _ *counts) bool { return day < run.oldestDay })
		}
	}
	if kind == unchanged {
		return
	}
	if len(run.result.Differences) == run.Limit {
		run.result.Truncated = true
		return
	}
	run.result.Differences = append(run.result.Differences, AlertDifference{
		row.ID, row.UserID, row.Time, code, row.Risk, [...]string{added: "added", removed: "removed"}[kind],
	})
}

// newestDays are the days that the answer has room for, ascending.
func (run *replayRun) newestDays() []int64 {
	days := slices.Sorted(maps.Keys(run.byDay))
	return days[max(0, len(days)-maxDays):]
}

// flushUser takes down what was counted for a user.
func (run *replayRun) flushUser(id int64) {
	if run.userCounts != (counts{}) {
		n := run.userCounts
		run.result.ByUser = append(run.result.ByUser, UserCounts{id, n[added], n[removed], n[unchanged]})
		run.userCounts = counts{}
	}
	if len(run.result.ByUser) == 2*maxUsers {
		run.trimUsers()
	}
}

// trimUsers sorts the users and keeps those that the answer has room for.
func (run *replayRun) trimUsers() {
	slices.SortFunc(run.result.ByUser, func(a, b UserCounts) int {
		return cmp.Or(cmp.Compare(b.Added+b.Removed, a.Added+a.Removed), cmp.Compare(a.UserID, b.UserID))
	})
	run.result.ByUser = run.result.ByUser[:min(len(run.result.ByUser), maxUsers)]
}

// finish puts the answer together.
func (run *replayRun) finish() *Replay {
	a := &run.result
	a.Added, a.Removed, a.Unchanged = run.totals[added], run.totals[removed], run.totals[unchanged]
	a.ByCode, a.ByRisk, a.ByDay = []CodeCounts{}, []RiskCounts{}, []DayCounts{}
	for _, code := range slices.Sorted(maps.Keys(run.byCode)) {
		n := run.byCode[code]
		a.ByCode = append(a.ByCode, CodeCounts{code, n[added], n[removed], n[unchanged]})
	}
	for _, risk := range []rules.Risk{rules.Low, rules.Medium, rules.High} {
		n := run.byRisk[risk]
		a.ByRisk = append(a.ByRisk, RiskCounts{risk.String(), n[added], n[removed], n[unchanged]})
	}
	for _, day := range run.newestDays() {
		n := run.byDay[day]
		a.ByDay = append(a.ByDay, DayCounts{day, n[added], n[removed], n[unchanged]})
	}
	run.trimUsers()
	if a.ByUser == nil {
		a.ByUser = []UserCounts{}
	}
	return a
}
