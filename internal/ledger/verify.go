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

// maxSuspects bounds how many users with a wrong state are kept in mind before they are put right.
const maxSuspects = 1000

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
	a := &verification{ctx: ctx, tell: tell, progress: progress}
	err := l.snapshot(ctx, func(q *db.Queries) error {
		_, err := a.walk(q, -1)
		return err
	})
	return a.Summary, err
}

// Rebuild does what Verify does, and puts right the states that differ: each in a transaction of its own that locks the one user, so that
// events may be recorded all the while. What stays wrong is told with Repaired false.
func (l *Ledger) Rebuild(ctx context.Context, progress func(events int64), tell func(Difference)) (Summary, error) {
	a := &verification{ctx: ctx, tell: tell, progress: progress, rebuild: true}
	for after, done := int64(-1), false; !done; {
		err := l.snapshot(ctx, func(q *db.Queries) (err error) {
			done, err = a.walk(q, after)
			return err
		})
		if err != nil {
			return a.Summary, err
		}
		for _, s := range a.suspects {
			if err := a.putRight(l, s); err != nil {
				return a.Summary, err
			}
			after = s.userID
		}
		a.suspects = a.suspects[:0]
	}
	return a.Summary, nil
}

// A verification is one under way.
type verification struct {
	Summary
	ctx      context.Context
	tell     func(Difference)
	progress func(int64)
	rebuild  bool
	suspects []suspect // users whose state is to be put right, if rebuild
	sets     map[int64]rules.Set
	horizon  int64 // longest window of any rule set
	latest   int64 // longest window of the rules as they stand
	events   *pages[db.ListLedgerRow]
	alerts   *pages[db.ListLedgerAlertsRow]
}

// A suspect is a user whose state differs in the snapshot.
type suspect struct {
	userID    int64
	lastEvent uuid.UUID // newest one in the snapshot: what is wrong up to it has been told
}

// open starts to read events and alerts of the users after one, or of the only one.
func (a *verification) open(q *db.Queries, after int64, only *int64) (err error) {
	before := a.Events
	a.events = eventPages(a.ctx, q, after, only, func(n int64) {
		if a.progress != nil {
			a.progress(before + n)
		}
	})
	a.alerts = alertPages(a.ctx, q, after, only)
	a.sets, a.horizon, err = loadSets(a.ctx, q, nil)
	if len(a.sets) > 0 {
		a.latest = a.sets[slices.Max(slices.Collect(maps.Keys(a.sets)))].LongestWindow()
	}
	return err
}

// walk goes through all users after one, or until there are enough suspects.
func (a *verification) walk(q *db.Queries, after int64) (done bool, err error) {
	if err := a.open(q, after, nil); err != nil {
		return false, err
	}
	states, accounts := statePages(a.ctx, q, after), accountPages(a.ctx, q, after)
	for len(a.suspects) < maxSuspects {
		id := min(a.events.user(), a.alerts.user(), states.user(), accounts.user())
		if err := errors.Join(a.events.err, a.alerts.err, states.err, accounts.err); err != nil || id == math.MaxInt64 {
			return true, err
		}
		u, err := a.user(id, states.take(id), riskOf(accounts.take(id)))
		if err != nil {
			return false, err
		}
		if a.rebuild && len(u.wrong) > 0 {
			a.suspects = append(a.suspects, suspect{id, u.lastEvent})
			continue
		}
		for _, d := range u.wrong {
			a.differs(d)
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

func (a *verification) differs(d Difference) {
	a.Differences++
	if d.Repaired {
		a.Repaired++
	}
	a.tell(d)
}

// putRight recomputes the state of a user while nobody can add to it, and saves it if it is wrong.
func (a *verification) putRight(l *Ledger, s suspect) error {
	var u *recomputed
	err := l.transact(a.ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(q *db.Queries) error {
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
		newer := &verification{ctx: a.ctx, tell: func(d Difference) {
			if greater(d.EventID, s.lastEvent) {
				a.differs(d)
			}
		}}
		if err := newer.open(q, -1, &s.userID); err != nil {
			return err
		}
		if u, err = newer.user(s.userID, &states[0], risk); err != nil || len(u.wrong) == 0 || u.unreadable {
			return err
		}
		_, err = q.RepairState(a.ctx, db.RepairStateParams{UserID: s.userID, Risk: risk, LastID: u.lastID, State: u.kept.Append(nil)})
		return err
	})
	if err != nil {
		return err
	}
	for _, d := range u.wrong {
		d.Repaired = !u.unreadable
		a.differs(d)
	}
	return nil
}

// recomputed is what follows from the events of a user.
type recomputed struct {
	id         int64
	full       rules.State // complete for any rule set: what events are judged by
	kept       rules.State // complete for as long as the stored state is; without one, for the rules as they stand
	lastID     *uuid.UUID  // greatest id; nil for none
	lastEvent  uuid.UUID
	unreadable bool         // there is an event that is none, so that state is not to be told
	wrong      []Difference // of the state
}

func (u *recomputed) has(id uuid.UUID) {
	if u.lastID == nil || greater(id, *u.lastID) {
		u.lastID = &id
	}
}

// user recomputes what follows from a user's events. What is wrong with events and alerts it tells, what is wrong with the state it returns.
func (a *verification) user(id int64, stored *db.UserState, risk string) (*recomputed, error) {
	u := &recomputed{id: id}
	var state rules.State
	var broken error
	horizon := a.latest
	if stored != nil {
		if state, broken = rules.ParseState(stored.State); state.Count() > 0 {
			horizon = state.Horizon()
		}
	}
	a.Users++
	for row := a.events.take(id); row != nil; row = a.events.take(id) {
		a.event(u, row, horizon)
	}
	a.alertOf(u, uuid.Max)
	if err := errors.Join(a.events.err, a.alerts.err); err != nil {
		return nil, err
	}
	wrong := func(what, recorded, recomputed string) {
		u.wrong = append(u.wrong, Difference{UserID: id, What: what, Recorded: recorded, Recomputed: recomputed})
	}
	if stored == nil {
		stored = &db.UserState{Risk: rules.Medium.String(), State: []byte("none")}
		broken = errors.New("there is none")
		if u.kept.Count() == 0 { // the first event makes one
			broken = nil
		}
	}
	if (broken != nil || !u.kept.Equal(&state)) && !u.unreadable {
		wrong("state", string(stored.State), string(u.kept.Append(nil)))
	}
	if u.lastID != nil && (stored.LastID == nil || greater(*u.lastID, *stored.LastID)) {
		wrong("last_id", idText(stored.LastID), u.lastID.String())
	} else {
		u.lastID = stored.LastID
	}
	if stored.Risk != risk {
		wrong("risk", stored.Risk, risk)
	}
	return u, nil
}

// event judges an event again and compares it, and its alert, with what is recorded.
func (a *verification) event(u *recomputed, row *db.ListLedgerRow, horizon int64) {
	a.Events++
	u.has(row.ID)
	u.lastEvent = row.ID
	alert := a.alertOf(u, row.ID)
	compare := func(what, recorded, recomputed string) {
		if recorded != recomputed {
			a.differs(Difference{UserID: row.UserID, EventID: row.ID, What: what, Recorded: recorded, Recomputed: recomputed})
		}
	}
	e, err := asEvent(row.Type, row.Amount, row.Time)
	if err != nil {
		u.unreadable = true
		compare("type and amount", row.Type+" "+row.Amount, "no event")
		return
	}
	risk, _ := rules.ParseRisk(row.Risk) // the database knows these three only
	set, known := a.sets[row.RulesetID]
	decision := rules.Step(&u.full, e, set, risk, a.horizon)
	rules.Step(&u.kept, e, nil, risk, horizon)
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
		compare("alert", describe(alert), "none")
	case len(decision.Codes) > 0 && alert == nil:
		compare("alert", "none", codeArray(decision.Codes))
	case alert != nil:
		follows := &db.ListLedgerAlertsRow{ID: alert.ID, AlertID: &alert.ID, AlertCodes: decision.Codes, Time: row.Time, Risk: row.Risk, RulesetID: row.RulesetID}
		compare("alert", describe(alert), describe(follows))
		reasons := reasons(set, risk, decision)
		if !sameReasons(alert.Reasons, reasons) {
			compare("reasons of the alert", string(alert.Reasons), string(reasons))
		}
	}
}

// alertOf is the alert of the event, nil for none. Alerts before it that have no event are told.
func (a *verification) alertOf(u *recomputed, event uuid.UUID) *db.ListLedgerAlertsRow {
	for a.alerts.user() == u.id && !greater(a.alerts.head().EventID, event) {
		alert := a.alerts.take(u.id)
		a.Alerts++
		u.has(alert.ID)
		if alert.EventID == event {
			return alert
		}
		u.lastEvent = alert.EventID
		a.differs(Difference{UserID: u.id, EventID: alert.EventID, What: "event of an alert", Recorded: "none", Recomputed: "one for " + describe(alert)})
	}
	return nil
}

// describe puts what an alert must have in common with its event into words.
func describe(alert *db.ListLedgerAlertsRow) string {
	return fmt.Sprintf("alert %s of codes %s at %d, %s risk, rule set %d; the event names %s",
		alert.ID, codeArray(alert.AlertCodes), alert.Time, alert.Risk, alert.RulesetID, idText(alert.AlertID))
}

func idText(id *uuid.UUID) string {
	if id == nil {
		return "none"
	}
	return id.String()
}

// sameReasons tells whether an alert's reasons say the same. A member that only one of them has is no difference: another version wrote it.
func sameReasons(a, b json.RawMessage) bool {
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
