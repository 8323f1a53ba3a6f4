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

// This file recomputes from the events alone what follows from them: facts, alerts and states. What is wrong with an event or an alert is
// told and stays, since the ledger is append-only; what is wrong with a state can be put right.

// maxDirtyStates bounds how many users with a wrong state are kept in mind before they are put right.
const maxDirtyStates = 1000

// A Difference is something recorded that does not follow from the events.
type Difference struct {
	UserID     int64     `json:"user_id"`    // The user.
	EventID    uuid.UUID `json:"event_id"`   // The event; all zeros when it is about the user's state.
	What       string    `json:"what"`       // What differs: state, last_id or risk of the user; or something of the event or its alert.
	Recorded   string    `json:"recorded"`   // As it is recorded.
	Recomputed string    `json:"recomputed"` // As it follows from the events.
	Repaired   bool      `json:"put_right"`  // True: it was put right.
}

// A Summary counts what was looked at and found.
type Summary struct {
	Users       int64 `json:"users"`       // Users with a state or an event.
	Events      int64 `json:"events"`      // Events that were judged again.
	Alerts      int64 `json:"alerts"`      // Alerts that were compared.
	Differences int64 `json:"differences"` // Differences that were told.
	Repaired    int64 `json:"put_right"`   // How many of them were put right.
}

// Verify recomputes what follows from the events, in one snapshot, and tells what is recorded otherwise. It changes nothing and holds up
// nobody. progress, which may be nil, is called now and then with the number of events read.
func (l *Ledger) Verify(ctx context.Context, progress func(events int64), tell func(Difference)) (Summary, error) {
	a := &verifier{ctx: ctx, onDifference: tell, progress: progress}
	err := l.inSnapshot(ctx, func(q *db.Queries) error {
		_, err := a.scan(q, -1)
		return err
	})
	return a.Summary, err
}

// Rebuild does what Verify does, and puts right the states that differ: each in a transaction of its own that locks the one user, so that
// events may be recorded all the while. What stays wrong is told with Repaired false.
func (l *Ledger) Rebuild(ctx context.Context, progress func(events int64), tell func(Difference)) (Summary, error) {
	a := &verifier{ctx: ctx, onDifference: tell, progress: progress, rebuild: true}
	for after, done := int64(-1), false; !done; {
		err := l.inSnapshot(ctx, func(q *db.Queries) (err error) {
			done, err = a.scan(q, after)
			return err
		})
		if err != nil {
			return a.Summary, err
		}
		for _, s := range a.dirty {
			if err := a.repair(l, s); err != nil {
				return a.Summary, err
			}
			after = s.userID
		}
		a.dirty = a.dirty[:0]
	}
	return a.Summary, nil
}

// A verifier is one under way.
type verifier struct {
	Summary
	ctx           context.Context
	onDifference  func(Difference)
	progress      func(int64)
	rebuild       bool
	dirty         []dirtyState // users whose state is to be put right, if rebuild
	sets          map[int64]rules.Set
	horizon       int64 // longest window of any rule set
	latestHorizon int64 // longest window of the rules as they stand
	events        *cursor[db.ListLedgerRow]
	alerts        *cursor[db.ListLedgerAlertsRow]
}

// A dirtyState is a user whose state differs in the snapshot.
type dirtyState struct {
	userID      int64
	lastEventID uuid.UUID // newest one in the snapshot: what is wrong up to it has been told
}

// open starts to read events and alerts of the users after one, or of the only one.
func (a *verifier) open(q *db.Queries, after int64, only *int64) (err error) {
	before := a.Events
	a.events = eventCursor(a.ctx, q, after, only, func(n int64) {
		if a.progress != nil {
			a.progress(before + n)
		}
	})
	a.alerts = alertCursor(a.ctx, q, after, only)
	a.sets, a.horizon, err = loadRulesets(a.ctx, q, nil)
	if len(a.sets) > 0 {
		a.latestHorizon = a.sets[slices.Max(slices.Collect(maps.Keys(a.sets)))].LongestWindow()
	}
	return err
}

// scan goes through all users after one, or until there are enough suspects.
func (a *verifier) scan(q *db.Queries, after int64) (done bool, err error) {
	if err := a.open(q, after, nil); err != nil {
		return false, err
	}
	states, accounts := stateCursor(a.ctx, q, after), accountCursor(a.ctx, q, after)
	for len(a.dirty) < maxDirtyStates {
		id := min(a.events.peekUser(), a.alerts.peekUser(), states.peekUser(), accounts.peekUser())
		if err := errors.Join(a.events.err, a.alerts.err, states.err, accounts.err); err != nil || id == math.MaxInt64 {
			return true, err
		}
		u, err := a.auditUser(id, states.next(id), riskOf(accounts.next(id)))
		if err != nil {
			return false, err
		}
		if a.rebuild && len(u.differences) > 0 {
			a.dirty = append(a.dirty, dirtyState{id, u.lastEventID})
			continue
		}
		for _, d := range u.differences {
			a.report(d)
		}
	}
	return false, nil
}

func riskOf(account *db.Account) string {
	if account == nil || account.Risk == nil {
		return rules.Medium.String()
	}
	return *account.Risk
}

func (a *verifier) report(d Difference) {
	a.Differences++
	if d.Repaired {
		a.Repaired++
	}
	a.onDifference(d)
}

// repair recomputes the state of a user while nobody can add to it, and saves it if it is wrong.
func (a *verifier) repair(l *Ledger, s dirtyState) error {
	var u *userAudit
	err := l.inTx(a.ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(q *db.Queries) error {
		states, err := q.LockStates(a.ctx, db.LockStatesParams{UserIds: []int64{s.userID}})
		if err != nil {
			return err
		}
		// What follows sees what was committed while the lock was waited for.
		account, err := q.GetAccount(a.ctx, db.GetAccountParams{ID: s.userID})
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		risk := riskOf(&account)
		newer := &verifier{ctx: a.ctx, onDifference: func(d Difference) {
			if uuidAfter(d.EventID, s.lastEventID) {
				a.report(d)
			}
		}}
		if err := newer.open(q, -1, &s.userID); err != nil {
			return err
		}
		if u, err = newer.auditUser(s.userID, &states[0], risk); err != nil || len(u.differences) == 0 || u.invalidEvent {
			return err
		}
		_, err = q.RepairState(a.ctx, db.RepairStateParams{UserID: s.userID, Risk: risk, LastID: u.lastID, State: u.expected.Append(nil)})
		return err
	})
	if err != nil {
		return err
	}
	for _, d := range u.differences {
		d.Repaired = !u.invalidEvent
		a.report(d)
	}
	return nil
}

// userAudit is what follows from the events of a user.
type userAudit struct {
	userID       int64
	full         rules.State // complete for any rule set: what events are judged by
	expected     rules.State // complete for as long as the stored state is; without one, for the rules as they stand
	lastID       *uuid.UUID  // greatest id; nil for none
	lastEventID  uuid.UUID
	invalidEvent bool         // there is an event that is none, so that state is not to be told
	differences  []Difference // of the state
}

func (u *userAudit) noteID(id uuid.UUID) {
	if u.lastID == nil || uuidAfter(id, *u.lastID) {
		u.lastID = &id
	}
}

// auditUser recomputes what follows from a user's events. What is wrong with events and alerts it tells, what is wrong with the state it returns.
func (a *verifier) auditUser(id int64, stored *db.UserState, risk string) (*userAudit, error) {
	u := &userAudit{userID: id}
	var state rules.State
	var broken error
	horizon := a.latestHorizon
	if stored != nil {
		if state, broken = rules.ParseState(stored.State); state.Count() > 0 {
			horizon = state.Horizon()
		}
	}
	a.Users++
	for row := a.events.next(id); row != nil; row = a.events.next(id) {
		a.auditEvent(u, row, horizon)
	}
	a.nextAlert(u, uuid.Max)
	if err := errors.Join(a.events.err, a.alerts.err); err != nil {
		return nil, err
	}
	wrong := func(what, recorded, recomputed string) {
		u.differences = append(u.differences, Difference{UserID: id, What: what, Recorded: recorded, Recomputed: recomputed})
	}
	if stored == nil {
		stored = &db.UserState{Risk: rules.Medium.String(), State: []byte("none")}
		broken = errors.New("there is none")
		if u.expected.Count() == 0 { // the first event makes one
			broken = nil
		}
	}
	if (broken != nil || !u.expected.Equal(&state)) && !u.invalidEvent {
		wrong("state", string(stored.State), string(u.expected.Append(nil)))
	}
	if u.lastID != nil && (stored.LastID == nil || uuidAfter(*u.lastID, *stored.LastID)) {
		wrong("last_id", formatID(stored.LastID), u.lastID.String())
	} else {
		u.lastID = stored.LastID
	}
	if stored.Risk != risk {
		wrong("risk", stored.Risk, risk)
	}
	return u, nil
}

// auditEvent judges an event again and compares it, and its alert, with what is recorded.
func (a *verifier) auditEvent(u *userAudit, row *db.ListLedgerRow, horizon int64) {
	a.Events++
	u.noteID(row.ID)
	u.lastEventID = row.ID
	alert := a.nextAlert(u, row.ID)
	compare := func(what, recorded, recomputed string) {
		if recorded != recomputed {
			a.report(Difference{UserID: row.UserID, EventID: row.ID, What: what, Recorded: recorded, Recomputed: recomputed})
		}
	}
	e, err := parseEvent(row.Type, row.Amount, row.Time)
	if err != nil {
		u.invalidEvent = true
		compare("type and amount", row.Type+" "+row.Amount, "no event")
		return
	}
	risk, _ := rules.ParseRisk(row.Risk) // the database knows these three only
	set, known := a.sets[row.RulesetID]
	decision := rules.Step(&u.full, e, set, risk, a.horizon)
	rules.Step(&u.expected, e, nil, risk, horizon)
	compare("effective_time", strconv.FormatInt(row.EffectiveTime, 10), strconv.FormatInt(decision.EffectiveTime, 10))
	if !known {
		compare("ruleset_id", strconv.FormatInt(row.RulesetID, 10), "no rules that can be read")
		return
	}
	// The database writes facts in the order of their codes, as we do, but with spaces.
	compare("facts", string(bytes.ReplaceAll(row.Facts, []byte(" "), nil)), string(rules.AppendMeasurements(nil, decision.Measurements)))
	compare("alert_codes", codeArray(row.AlertCodes), codeArray(decision.Codes))
	switch {
	case len(decision.Codes) == 0 && alert != nil:
		compare("alert", alertText(alert), "none")
	case len(decision.Codes) > 0 && alert == nil:
		compare("alert", "none", codeArray(decision.Codes))
	case alert != nil:
		follows := &db.ListLedgerAlertsRow{ID: alert.ID, AlertID: &alert.ID, AlertCodes: decision.Codes, Time: row.Time, Risk: row.Risk, RulesetID: row.RulesetID}
		compare("alert", alertText(alert), alertText(follows))
		reasons := marshalReasons(set, risk, decision)
		if !equalReasons(alert.Reasons, reasons) {
			compare("reasons of the alert", string(alert.Reasons), string(reasons))
		}
	}
}

// nextAlert is the alert of the event, nil for none. Alerts before it that have no event are told.
func (a *verifier) nextAlert(u *userAudit, event uuid.UUID) *db.ListLedgerAlertsRow {
	for a.alerts.peekUser() == u.userID && !uuidAfter(a.alerts.peek().EventID, event) {
		alert := a.alerts.next(u.userID)
		a.Alerts++
		u.noteID(alert.ID)
		if alert.EventID == event {
			return alert
		}
		u.lastEventID = alert.EventID
		a.report(Difference{UserID: u.userID, EventID: alert.EventID, What: "event of an alert", Recorded: "none", Recomputed: "one for " + alertText(alert)})
	}
	return nil
}

// alertText puts what an alert must have in common with its event into words.
func alertText(alert *db.ListLedgerAlertsRow) string {
	return fmt.Sprintf("alert %s of codes %s at %d, %s risk, rule set %d; the event names %s",
		alert.ID, codeArray(alert.AlertCodes), alert.Time, alert.Risk, alert.RulesetID, formatID(alert.AlertID))
}

func formatID(id *uuid.UUID) string {
	if id == nil {
		return "none"
	}
	return id.String()
}

// equalReasons tells whether an alert's reasons say the same. A member that only one of them has is no difference: another version wrote it.
func equalReasons(a, b json.RawMessage) bool {
	var some, others []map[string]any
	if json.Unmarshal(a, &some) != nil || json.Unmarshal(b, &others) != nil || len(some) != len(others) {
		return false
	}
	for i := range some {
		for name, value := range some[i] {
			if other, ok := others[i][name]; ok && !reflect.DeepEqual(value, other) {
				return false
			}
		}
	}
	return true
}
