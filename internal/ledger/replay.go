package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"labledger/db"
	"labledger/internal/rules"
)

// This file replays the ledger: it computes which alerts changed rules would have raised. It reads one snapshot event
// by event. Apart from counts it keeps only what fits the limits below.

// Limits of a replay.
const (
	defaultDifferences = 1000
	maxDifferences     = 100_000
	maxUsers           = 1000
	maxDays            = 10_000
	daySeconds         = 86_400
)

// A RuleChange overrides settings of one rule. A nil setting keeps the value that was in force.
type RuleChange struct {
	Code          int32        `json:"code"`           // Code of the rule.
	AppliesTo     *string      `json:"applies_to"`     // Events that the rule counts: deposit, withdraw or any.
	Limit         *rules.Cents `json:"limit"`          // Limit at medium risk: an amount or a number of events.
	WindowSeconds *int64       `json:"window_seconds"` // Length of the rule's window in seconds.
	Enabled       *bool        `json:"enabled"`        // False: the rule raises no alerts.
}

// A ReplayRequest selects the events to replay: the whole ledger, a time range or one user.
type ReplayRequest struct {
	Changes  []RuleChange
	From, To *int64             // time range of the events to count, in seconds: from <= time < to
	UserID   *int64             // user whose events to count; nil for all users
	Limit    int                // maximum number of listed differences, at most 100000; 0 for 1000
	Progress func(events int64) // called after each page with the number of events read; may be nil
}

// ValidationError lists all invalid fields of a request, such as "rules[1].limit".
type ValidationError []rules.FieldError

func (e ValidationError) Error() string {
	var all []string
	for _, field := range e {
		all = append(all, field.Field+": "+field.Message)
	}
	return strings.Join(all, "; ")
}

// Replay computes which alerts the changed rules would have raised. It evaluates each event with the risk and the rules
// that were in force when it arrived, overridden by the changes. Windows and runs include the events before the time
// range. It does not count voided events; events after a void are evaluated without its event. Without changes the
// result equals the recorded alerts. Replay reads one snapshot and does not block other transactions. It returns a
// ValidationError, an error of the context or an error of the database.
func (l *Ledger) Replay(ctx context.Context, r ReplayRequest) (*Replay, error) {
	if errs := r.Validate(); len(errs) > 0 {
		return nil, errs
	}
	run := &replayRun{
		ReplayRequest: r, byCode: map[int32]*Counts{}, byDay: map[int64]*Counts{}, removed: map[uuid.UUID]int64{},
	}
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
				run.byCode[rule.Code] = &Counts{}
			}
		}
		if err := run.scan(ctx, q); err != nil {
			return err
		}
		return run.countConfirmed(ctx, q)
	})
	if err != nil {
		return nil, err
	}
	return run.finish(), nil
}

// applyTo overrides the settings of the rule in the set.
func (c *RuleChange) applyTo(set rules.Set) {
	for i := range set {
		if set[i].Code == c.Code {
			c.apply(&set[i])
		}
	}
}

// apply overrides the settings of a rule.
func (c *RuleChange) apply(rule *rules.Rule) {
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

// Validate returns all invalid fields of the request; nil if it is valid.
func (r *ReplayRequest) Validate() (errs ValidationError) {
	addError := func(field, message string) {
		errs = append(errs, rules.FieldError{Field: field, Message: message})
	}
	seen := map[int32]bool{}
	for i, c := range r.Changes {
		for _, e := range c.validate() {
			addError(fmt.Sprintf("rules[%d].%s", i, e.Field), e.Message)
		}
		if seen[c.Code] {
			addError(fmt.Sprintf("rules[%d].code", i), fmt.Sprintf("rule %d is listed twice", c.Code))
		}
		seen[c.Code] = true
	}
	if r.From != nil && r.To != nil && *r.From > *r.To {
		addError("to", "must not be less than from")
	}
	if r.Limit < 0 || r.Limit > maxDifferences {
		addError("limit", fmt.Sprintf("must be an integer from 1 to %d", maxDifferences))
	}
	return errs
}

// validate returns the invalid settings of the change.
func (c *RuleChange) validate() []rules.FieldError {
	rule := rules.Rule{Code: c.Code, AppliesTo: "any", Limit: 1_00} // valid where the change sets nothing
	if c.Code == rules.CodeSum || c.Code == rules.CodeFrequency {
		rule.WindowSeconds = new(int64)
	}
	c.apply(&rule)
	return rules.Validate(rule)
}

// An alertKind is how an alert of the changed rules compares with the recorded ones.
type alertKind int

const (
	added alertKind = iota
	removed
	unchanged
)

// A replayRun is a replay in progress.
type replayRun struct {
	ReplayRequest
	sets       map[int64]rules.Set
	horizon    int64
	result     Replay
	byCode     map[int32]*Counts
	byRisk     [3]Counts // by rules.Risk
	byDay      map[int64]*Counts
	oldestDay  int64               // earlier days are not counted: maxDays later ones exist
	userCounts Counts              // of the current user
	removed    map[uuid.UUID]int64 // number of removed codes by alert, until countConfirmed
}

// scan evaluates and compares all events.
func (run *replayRun) scan(ctx context.Context, q *db.Queries) error {
	events := eventCursor(ctx, q, -1, run.UserID, run.Progress)
	voids := voidCursor(ctx, q, -1, run.UserID)
	var user, lastCounted int64 = -1, -1
	var state rules.State
	var h history
	applied := 0
	for row := events.peek(); row != nil; row = events.peek() {
		if row.UserID != user {
			run.flushUser(user)
			user, state = row.UserID, rules.State{}
			h, applied = history{user: user, sets: run.sets, horizon: run.horizon}, 0
			for void := voids.next(user); void != nil; void = voids.next(user) {
				h.voids = append(h.voids, *void)
			}
		}
		for ; applied < len(h.voids) && uuidAfter(row.ID, h.voids[applied].ID); applied++ {
			var err error
			if state, _, err = h.without(ctx, q, applied+1); err != nil {
				return err
			}
		}
		e, err := parseEvent(row.Type, string(row.Amount), row.Time)
		risk, _ := rules.ParseRisk(row.Risk) // a CHECK constraint ensures a valid risk
		set, ok := run.sets[row.RulesetID]
		if !ok {
			err = fmt.Errorf("ledger: rule set %d of event %s is missing or invalid", row.RulesetID, row.ID)
		}
		if err != nil {
			return err
		}
		d := rules.Step(&state, e, set, risk, run.horizon)
		if run.inRange(row.Time) && !h.isVoided(row.ID) {
			run.result.Events++
			if lastCounted != user {
				lastCounted = user
				run.result.Users++
			}
			run.compare(row, risk, d.Codes)
		}
		if len(run.removed) == alertsPerQuery {
			if err := run.countConfirmed(ctx, q); err != nil {
				return err
			}
		}
		events.next(user)
	}
	run.flushUser(user)
	return errors.Join(events.err, voids.err)
}

func (run *replayRun) inRange(time int64) bool {
	return (run.From == nil || *run.From <= time) && (run.To == nil || time < *run.To)
}

// compare compares the codes that fire with the recorded ones. Both are ascending.
func (run *replayRun) compare(row *db.ListLedgerRow, risk rules.Risk, codes []int32) {
	recorded := row.AlertCodes
	for len(codes) > 0 || len(recorded) > 0 {
		switch {
		case len(recorded) == 0 || len(codes) > 0 && codes[0] < recorded[0]:
			run.add(row, risk, codes[0], added)
			codes = codes[1:]
		case len(codes) == 0 || recorded[0] < codes[0]:
			run.add(row, risk, recorded[0], removed)
			recorded = recorded[1:]
		default:
			run.add(row, risk, codes[0], unchanged)
			codes, recorded = codes[1:], recorded[1:]
		}
	}
}

// add adds one alert to all counts, and lists it if it is a difference.
func (run *replayRun) add(row *db.ListLedgerRow, risk rules.Risk, code int32, kind alertKind) {
	run.result.increment(kind)
	run.userCounts.increment(kind)
	run.byRisk[risk].increment(kind)
	if run.byCode[code] == nil { // a recorded code that no rule set contains
		run.byCode[code] = &Counts{}
	}
	run.byCode[code].increment(kind)
	if day := row.Time - row.Time%daySeconds; day >= run.oldestDay {
		if run.byDay[day] == nil {
			run.byDay[day] = &Counts{}
		}
		run.byDay[day].increment(kind)
		if len(run.byDay) == 2*maxDays {
			run.oldestDay = run.newestDays()[0]
			maps.DeleteFunc(run.byDay, func(day int64, _ *Counts) bool { return day < run.oldestDay })
		}
	}
	if kind == unchanged {
		return
	}
	if kind == removed && row.AlertID != nil {
		run.removed[*row.AlertID]++
	}
	if len(run.result.Differences) == run.Limit {
		run.result.Truncated = true
		return
	}
	change := [...]string{added: "added", removed: "removed"}[kind]
	run.result.Differences = append(run.result.Differences, AlertDifference{
		EventID: row.ID, UserID: row.UserID, Time: row.Time, Code: code, Risk: row.Risk, Change: change,
	})
}

// alertsPerQuery bounds the memory of a replay and the parameters of one query.
const alertsPerQuery = 1000

// countConfirmed counts the alerts in removed whose outcome is confirmed, and clears removed.
func (run *replayRun) countConfirmed(ctx context.Context, q *db.Queries) error {
	ids := slices.Collect(maps.Keys(run.removed))
	confirmed, err := q.ListConfirmedAlerts(ctx, db.ListConfirmedAlertsParams{AlertIds: ids})
	for _, id := range confirmed {
		run.result.RemovedConfirmed += run.removed[id]
	}
	clear(run.removed)
	return err
}

// newestDays returns the newest maxDays days, ascending.
func (run *replayRun) newestDays() []int64 {
	days := slices.Sorted(maps.Keys(run.byDay))
	return days[max(0, len(days)-maxDays):]
}

// flushUser adds the counts of the current user to the result and resets them.
func (run *replayRun) flushUser(id int64) {
	if run.userCounts != (Counts{}) {
		run.result.ByUser = append(run.result.ByUser, UserCounts{id, run.userCounts})
		run.userCounts = Counts{}
	}
	if len(run.result.ByUser) == 2*maxUsers {
		run.trimUsers()
	}
}

// trimUsers sorts the users by their number of differences and keeps the first maxUsers.
func (run *replayRun) trimUsers() {
	slices.SortFunc(run.result.ByUser, func(a, b UserCounts) int {
		return cmp.Or(cmp.Compare(b.Added+b.Removed, a.Added+a.Removed), cmp.Compare(a.UserID, b.UserID))
	})
	run.result.ByUser = run.result.ByUser[:min(len(run.result.ByUser), maxUsers)]
}

// finish copies the counts into the result.
func (run *replayRun) finish() *Replay {
	r := &run.result
	r.ByCode, r.ByRisk, r.ByDay = []CodeCounts{}, []RiskCounts{}, []DayCounts{}
	for _, code := range slices.Sorted(maps.Keys(run.byCode)) {
		r.ByCode = append(r.ByCode, CodeCounts{code, *run.byCode[code]})
	}
	for _, risk := range []rules.Risk{rules.Low, rules.Medium, rules.High} {
		r.ByRisk = append(r.ByRisk, RiskCounts{risk.String(), run.byRisk[risk]})
	}
	for _, day := range run.newestDays() {
		r.ByDay = append(r.ByDay, DayCounts{day, *run.byDay[day]})
	}
	run.trimUsers()
	if r.ByUser == nil {
		r.ByUser = []UserCounts{}
	}
	return r
}
