package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"labledger/db"
	"labledger/internal/rules"
)

// This file recomputes measurements, alerts and states from the events. Mismatches in events and alerts are only
// reported, since the ledger is append-only. States can be repaired.

// maxDirtyStates bounds the number of users with a wrong state that are collected before they are repaired.
const maxDirtyStates = 1000

// A Difference is a recorded value that does not follow from the events.
type Difference struct {
	UserID     int64     `json:"user_id"`    // ID of the user.
	EventID    uuid.UUID `json:"event_id"`   // ID of the event; all zeros for a difference in the user's state.
	What       string    `json:"what"`       // state, last_id or risk of the user, or a part of the event or its alert.
	Recorded   string    `json:"recorded"`   // The recorded value.
	Recomputed string    `json:"recomputed"` // The value that follows from the events.
	Repaired   bool      `json:"repaired"`   // True: the value was repaired.
}

// A Summary counts what was checked and found.
type Summary struct {
	Users       int64 `json:"users"`       // Users with a state or an event.
	Events      int64 `json:"events"`      // Events that were evaluated again.
	Alerts      int64 `json:"alerts"`      // Alerts that were compared.
	Differences int64 `json:"differences"` // Differences that were reported.
	Repaired    int64 `json:"repaired"`    // Differences that were repaired.
}

// Verify recomputes everything that follows from the events, in one snapshot, and calls report for each recorded value
// that differs. It changes nothing and does not block other transactions. progress, if not nil, is called after each
// page with the number of events read.
func (l *Ledger) Verify(
	ctx context.Context, progress func(events int64), report func(Difference),
) (Summary, error) {
	v := &verifier{ctx: ctx, onDifference: report, progress: progress}
	err := l.inSnapshot(ctx, func(q *db.Queries) error {
		_, err := v.scan(q, -1)
		return err
	})
	return v.Summary, err
}

// Rebuild does the same as Verify and repairs the states that differ. It repairs each state in its own transaction that
// locks only this user, so that events can be recorded meanwhile. It reports differences that it cannot repair with
// Repaired false.
func (l *Ledger) Rebuild(
	ctx context.Context, progress func(events int64), report func(Difference),
) (Summary, error) {
	v := &verifier{ctx: ctx, onDifference: report, progress: progress, rebuild: true}
	for after, done := int64(-1), false; !done; {
		err := l.inSnapshot(ctx, func(q *db.Queries) (err error) {
			done, err = v.scan(q, after)
			return err
		})
		if err != nil {
			return v.Summary, err
		}
		for _, s := range v.dirty {
			if err := v.repair(l, s); err != nil {
				return v.Summary, err
			}
			after = s.userID
		}
		v.dirty = v.dirty[:0]
	}
	return v.Summary, nil
}

// A verifier is a verification in progress.
type verifier struct {
	Summary
	ctx           context.Context
	onDifference  func(Difference)
	progress      func(int64)
	rebuild       bool
	dirty         []dirtyState // states to repair if rebuild is set
	sets          map[int64]rules.Set
	horizon       int64 // longest window of all rule sets
	latestHorizon int64 // longest window of the latest rule set
	events        *cursor[db.ListLedgerRow]
	alerts        *cursor[db.ListLedgerAlertsRow]
	voids         *cursor[db.ListVoidsRow]
	queries       *db.Queries
}

// A dirtyState is a state that differs in the snapshot.
type dirtyState struct {
	userID      int64
	lastEventID uuid.UUID // last event in the snapshot: differences up to it have been reported
}

// open opens the cursors over the events and alerts of the users after user ID after, or of one user if only is not
// nil.
func (v *verifier) open(q *db.Queries, after int64, only *int64) (err error) {
	before := v.Events
	v.events = eventCursor(v.ctx, q, after, only, func(n int64) {
		if v.progress != nil {
			v.progress(before + n)
		}
	})
	v.alerts = alertCursor(v.ctx, q, after, only)
	v.voids, v.queries = voidCursor(v.ctx, q, after, only), q
	v.sets, v.horizon, err = loadRulesets(v.ctx, q, nil)
	if len(v.sets) > 0 {
		v.latestHorizon = v.sets[slices.Max(slices.Collect(maps.Keys(v.sets)))].LongestWindow()
	}
	return err
}

// scan verifies the users after user ID after. It stops when it has collected maxDirtyStates; done is true after the
// last user.
func (v *verifier) scan(q *db.Queries, after int64) (done bool, err error) {
	if err := v.open(q, after, nil); err != nil {
		return false, err
	}
	states, accounts := stateCursor(v.ctx, q, after), riskCursor(v.ctx, q, after)
	for len(v.dirty) < maxDirtyStates {
		id := min(v.events.peekUser(), v.alerts.peekUser(), states.peekUser(), accounts.peekUser())
		err := errors.Join(v.events.err, v.alerts.err, states.err, accounts.err)
		if err != nil || id == math.MaxInt64 {
			return true, err
		}
		u, err := v.auditUser(id, states.next(id), riskOf(accounts.next(id)))
		if err != nil {
			return false, err
		}
		if v.rebuild && len(u.differences) > 0 {
			v.dirty = append(v.dirty, dirtyState{id, u.lastEventID})
			continue
		}
		for _, d := range u.differences {
			v.report(d)
		}
	}
	return false, nil
}

// riskOf returns the risk level of an account; medium if account or risk is nil.
func riskOf(account *db.ListRiskLevelsRow) string {
	if account == nil || account.Risk == nil {
		return rules.Medium.String()
	}
	return *account.Risk
}

func (v *verifier) report(d Difference) {
	v.Differences++
	if d.Repaired {
		v.Repaired++
	}
	v.onDifference(d)
}

// repair recomputes the state of a user while its row is locked, and saves it if it differs.
func (v *verifier) repair(l *Ledger, s dirtyState) error {
	var u *userAudit
	err := l.inTx(v.ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(q *db.Queries) error {
		ids := []int64{s.userID}
		if err := q.LockUsers(v.ctx, db.LockUsersParams{UserIds: ids}); err != nil {
			return err
		}
		// The next statements see what other transactions committed while this one waited for the lock.
		states, err := q.ListLockedStates(v.ctx, db.ListLockedStatesParams{UserIds: ids})
		if err != nil {
			return err
		}
		account, err := q.GetAccount(v.ctx, db.GetAccountParams{ID: s.userID})
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		risk := riskOf(&db.ListRiskLevelsRow{ID: account.ID, Risk: account.Risk})
		second := &verifier{ctx: v.ctx, onDifference: func(d Difference) {
			if uuidAfter(d.EventID, s.lastEventID) {
				v.report(d)
			}
		}}
		if err := second.open(q, -1, &s.userID); err != nil {
			return err
		}
		u, err = second.auditUser(s.userID, &states[0], risk)
		if err != nil || len(u.differences) == 0 || u.invalidEvent {
			return err
		}
		_, err = q.RepairState(v.ctx, db.RepairStateParams{
			UserID: s.userID, Risk: risk, LastID: u.lastID, State: u.expected.Append(nil),
		})
		return err
	})
	if err != nil {
		return err
	}
	for _, d := range u.differences {
		d.Repaired = !u.invalidEvent
		v.report(d)
	}
	return nil
}

// A userAudit is what follows from the events of a user.
type userAudit struct {
	userID       int64
	full         rules.State // complete for all rule sets: used to evaluate the events
	expected     rules.State // with the horizon of the stored state, or of the latest rules if there is none
	lastID       *uuid.UUID  // greatest ID of the events and alerts; nil for none
	lastEventID  uuid.UUID
	invalidEvent bool         // an event does not parse, so the state is unknown
	differences  []Difference // of the state
	history      history
	marks        map[uuid.UUID]uuid.UUID // voids that should mark the alerts, by event
	marked       map[uuid.UUID]uuid.UUID // voids that mark the alerts, by event
}

func (u *userAudit) noteID(id uuid.UUID) {
	if u.lastID == nil || uuidAfter(id, *u.lastID) {
		u.lastID = &id
	}
}

// auditUser recomputes what follows from the events of a user. It reports differences in events and alerts, and returns
// those in the state.
func (v *verifier) auditUser(id int64, stored *db.UserState, risk string) (*userAudit, error) {
	u := &userAudit{
		userID: id, history: history{user: id, sets: v.sets, horizon: v.horizon},
		marks: map[uuid.UUID]uuid.UUID{}, marked: map[uuid.UUID]uuid.UUID{},
	}
	var state rules.State
	var stateErr error
	horizon := v.latestHorizon
	if stored != nil {
		if state, stateErr = rules.ParseState(stored.State); state.Count() > 0 {
			horizon = state.Horizon()
		}
	}
	v.Users++
	for void := v.voids.next(id); void != nil; void = v.voids.next(id) {
		u.history.voids = append(u.history.voids, *void)
	}
	applied := 0
	for row := v.events.next(id); row != nil; row = v.events.next(id) {
		for ; applied < len(u.history.voids) && uuidAfter(row.ID, u.history.voids[applied].ID); applied++ {
			if err := v.applyVoid(u, applied, horizon); err != nil {
				return nil, err
			}
		}
		v.auditEvent(u, row, horizon)
	}
	for ; applied < len(u.history.voids); applied++ {
		if err := v.applyVoid(u, applied, horizon); err != nil {
			return nil, err
		}
	}
	v.nextAlert(u, uuid.Max)
	if err := errors.Join(v.events.err, v.alerts.err, v.voids.err); err != nil {
		return nil, err
	}
	v.compareMarks(u)
	differ := func(what, recorded, recomputed string) {
		u.differences = append(u.differences, Difference{
			UserID: id, What: what, Recorded: recorded, Recomputed: recomputed,
		})
	}
	if stored == nil {
		stored = &db.UserState{Risk: rules.Medium.String(), State: []byte("none")}
		if u.expected.Count() > 0 { // a user without events needs no state
			stateErr = errors.New("the user has events but no state")
		}
	}
	if (stateErr != nil || !u.expected.Equal(&state)) && !u.invalidEvent {
		differ("state", string(stored.State), string(u.expected.Append(nil)))
	}
	if u.lastID != nil && (stored.LastID == nil || uuidAfter(*u.lastID, *stored.LastID)) {
		differ("last_id", formatID(stored.LastID), u.lastID.String())
	} else {
		u.lastID = stored.LastID
	}
	if stored.Risk != risk {
		differ("risk", stored.Risk, risk)
	}
	return u, nil
}

// applyVoid rebuilds the states of a user without the events that the voids up to the n-th one concern.
func (v *verifier) applyVoid(u *userAudit, n int, horizon int64) (err error) {
	void := u.history.voids[n]
	u.noteID(void.ID)
	if u.invalidEvent {
		return nil // the states are unknown
	}
	var alerts []uuid.UUID
	if u.full, alerts, err = u.history.without(v.ctx, v.queries, n+1); err != nil {
		return err
	}
	for _, event := range alerts {
		if _, marked := u.marks[event]; !marked {
			u.marks[event] = void.ID
		}
	}
	expected := u.history
	expected.horizon = horizon
	u.expected, _, err = expected.without(v.ctx, v.queries, n+1)
	return err
}

// compareMarks compares the voids that mark the alerts of a user with those that should.
func (v *verifier) compareMarks(u *userAudit) {
	text := func(id uuid.UUID) string {
		if id == uuid.Nil {
			return "none"
		}
		return id.String()
	}
	events := slices.AppendSeq(slices.Collect(maps.Keys(u.marks)), maps.Keys(u.marked))
	slices.SortFunc(events, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	for _, event := range slices.Compact(events) {
		if u.marks[event] != u.marked[event] && !u.invalidEvent {
			v.report(Difference{
				UserID: u.userID, EventID: event, What: "alert void",
				Recorded: text(u.marked[event]), Recomputed: text(u.marks[event]),
			})
		}
	}
}

// auditEvent evaluates an event again and compares it and its alert with the recorded ones.
func (v *verifier) auditEvent(u *userAudit, row *db.ListLedgerRow, horizon int64) {
	v.Events++
	u.noteID(row.ID)
	u.lastEventID = row.ID
	alert := v.nextAlert(u, row.ID)
	compare := func(what, recorded, recomputed string) {
		if recorded != recomputed {
			v.report(Difference{
				UserID: row.UserID, EventID: row.ID, What: what, Recorded: recorded, Recomputed: recomputed,
			})
		}
	}
	e, err := parseEvent(row.Type, string(row.Amount), row.Time)
	if err != nil {
		u.invalidEvent = true
		compare("type and amount", row.Type+" "+string(row.Amount), "not a valid event")
		return
	}
	risk, _ := rules.ParseRisk(row.Risk) // a CHECK constraint ensures a valid risk
	set, ok := v.sets[row.RulesetID]
	decision := rules.Step(&u.full, e, set, risk, v.horizon)
	rules.Step(&u.expected, e, nil, risk, horizon)
	compare("effective_time", strconv.FormatInt(row.EffectiveTime, 10), strconv.FormatInt(decision.EffectiveTime, 10))
	if !ok {
		compare("ruleset_id", strconv.FormatInt(row.RulesetID, 10), "not a valid rule set")
		return
	}
	// Postgres writes the facts in the same order, ascending by code, but with spaces.
	facts := string(bytes.ReplaceAll(row.Facts, []byte(" "), nil))
	compare("facts", facts, string(rules.AppendMeasurements(nil, decision.Measurements)))
	compare("alert_codes", codeArray(row.AlertCodes), codeArray(decision.Codes))
	switch {
	case len(decision.Codes) == 0 && alert != nil:
		compare("alert", alertText(alert), "none")
	case len(decision.Codes) > 0 && alert == nil:
		compare("alert", "none", codeArray(decision.Codes))
	case alert != nil:
		expected := &db.ListLedgerAlertsRow{
			ID: alert.ID, AlertID: &alert.ID, AlertCodes: decision.Codes,
			Time: row.Time, Risk: row.Risk, RulesetID: row.RulesetID,
		}
		compare("alert", alertText(alert), alertText(expected))
		reasons := marshalReasons(set, risk, decision)
		if !equalReasons(alert.Reasons, reasons) {
			compare("alert reasons", string(alert.Reasons), string(reasons))
		}
	}
}

// nextAlert returns the alert of the event; nil for none. It reports the alerts before it, whose events do not exist.
func (v *verifier) nextAlert(u *userAudit, eventID uuid.UUID) *db.ListLedgerAlertsRow {
	for v.alerts.peekUser() == u.userID && !uuidAfter(v.alerts.peek().EventID, eventID) {
		alert := v.alerts.next(u.userID)
		v.Alerts++
		u.noteID(alert.ID)
		if alert.VoidID != nil {
			u.marked[alert.EventID] = *alert.VoidID
		}
		if alert.EventID == eventID {
			return alert
		}
		u.lastEventID = alert.EventID
		v.report(Difference{
			UserID: u.userID, EventID: alert.EventID, What: "alert event",
			Recorded: "none", Recomputed: "an event for " + alertText(alert),
		})
	}
	return nil
}

// alertText returns a text of the columns that an alert has in common with its event.
func alertText(alert *db.ListLedgerAlertsRow) string {
	return fmt.Sprintf("alert %s: codes %s, time %d, %s risk, rule set %d, event with alert_id %s",
		alert.ID, codeArray(alert.AlertCodes), alert.Time, alert.Risk, alert.RulesetID, formatID(alert.AlertID))
}

func formatID(id *uuid.UUID) string {
	if id == nil {
		return "none"
	}
	return id.String()
}

// equalReasons reports whether the reasons of two alerts are equal. It ignores members that only one of them has, since
// another version of the program may have written them.
func equalReasons(a, b json.RawMessage) bool {
	var reasonsA, reasonsB []map[string]any
	if json.Unmarshal(a, &reasonsA) != nil || json.Unmarshal(b, &reasonsB) != nil || len(reasonsA) != len(reasonsB) {
		return false
	}
	for i := range reasonsA {
		for name, value := range reasonsA[i] {
			if other, ok := reasonsB[i][name]; ok && !reflect.DeepEqual(value, other) {
				return false
			}
		}
	}
	return true
}
