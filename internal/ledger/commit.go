package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/rules"
)

// This file is one pass: lock and load, judge, store. Two round trips and one commit, however many events.

// A group is what one transaction records.
type group struct {
	set       rules.Set
	rulesetID int64
	now       time.Time
	states    map[int64]*userState
	events    db.InsertEventsParams
	alerts    db.InsertAlertsParams
	keys      db.SaveKeysParams
}

// userState is a user's locked state.
type userState struct {
	risk   rules.Risk
	state  rules.State
	lastID uuid.UUID
}

// commit records calls, which are sorted by user. What is wrong with a single call goes to its err; an error means that none was recorded,
// or, if the connection broke during the commit, that this is not known.
func (l *Ledger) commit(ctx context.Context, calls []*pendingEvent, patience string, dry bool) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	conn, err := l.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	defer rollback(conn)
	p := &group{now: l.now().UTC().Truncate(time.Microsecond)}
	found, err := l.load(ctx, conn, p, calls, patience)
	if err != nil {
		return err
	}
	for id, s := range p.states {
		if err := extendWindow(ctx, db.New(conn), id, &s.state, p.set.LongestWindow()); err != nil {
			return err
		}
	}
	for _, c := range calls {
		c.prior, c.err = nil, nil
		if c.Key == "" || !c.matchKey(found) {
			p.evaluate(c)
		}
	}
	if err := p.store(ctx, conn, dry); err != nil {
		return err
	}
	if !dry {
		l.onCommit(len(p.events.Ids), len(p.alerts.Ids))
	}
	return nil
}

// rollback gives up what is not committed.
func rollback(conn *pgxpool.Conn) {
	if conn.Conn().PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	_, _ = conn.Exec(ctx, "rollback") // a connection that cannot even do this is thrown away by the pool
}

// load opens the transaction, locks the users and reads what judging needs: one round trip. Statements after the lock see what was
// committed while it was waited for.
func (l *Ledger) load(ctx context.Context, conn *pgxpool.Conn, p *group, calls []*pendingEvent, patience string) (found []db.FindKeysRow, err error) {
	var states []db.UserState
	var latest db.GetLatestRulesetRow
	keys := db.FindKeysParams{}
	for _, c := range calls {
		if c.Key != "" {
			keys.Callers, keys.Keys = append(keys.Callers, c.Actor), append(keys.Keys, c.Key)
		}
	}
	trip := &pipeline{}
	trip.exec("begin isolation level read committed")
	trip.add(func(q *db.Queries) error {
		return q.SetLockTimeout(ctx, db.SetLockTimeoutParams{LockTimeout: patience})
	})
	if len(keys.Keys) > 0 {
		trip.add(func(q *db.Queries) error { return q.LockKeys(ctx, db.LockKeysParams(keys)) })
	}
	ids := userIDs(calls)
	lockAll := func(q *db.Queries) (err error) {
		states, err = q.LockStates(ctx, db.LockStatesParams{UserIds: ids})
		return err
	}
	rulesNow := func(q *db.Queries) (err error) { latest, err = q.GetLatestRuleset(ctx); return err }
	if len(ids) == 1 {
		trip.add(func(q *db.Queries) (err error) {
			states, err = q.LockState(ctx, db.LockStateParams{UserID: ids[0]})
			return err
		})
	} else {
		trip.add(lockAll)
	}
	trip.add(rulesNow)
	if len(keys.Keys) > 0 {
		trip.add(func(q *db.Queries) (err error) { found, err = q.FindKeys(ctx, keys); return err })
	}
	if err := trip.run(ctx, conn); err != nil {
		return nil, err
	}
	if len(states) == 0 {
		// The first event of a user ever takes one round trip more. The rules are read again: those above were read without the lock.
		first := &pipeline{}
		first.add(lockAll)
		first.add(rulesNow)
		if err := first.run(ctx, conn); err != nil {
			return nil, err
		}
	}
	p.rulesetID = latest.ID
	if p.set, err = l.loadRuleset(ctx, db.New(conn), latest); err != nil {
		return nil, err
	}
	p.states = make(map[int64]*userState, len(states))
	for _, row := range states {
		if p.states[row.UserID], err = parseState(row); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func parseState(row db.UserState) (*userState, error) {
	s := &userState{}
	if row.LastID != nil {
		s.lastID = *row.LastID
	}
	s.risk, _ = rules.ParseRisk(row.Risk) // the database knows these three only
	var err error
	if s.state, err = rules.ParseState(row.State); err != nil {
		return nil, fmt.Errorf("ledger: state of user %d (labledger ledger rebuild makes it anew): %w", row.UserID, err)
	}
	return s, nil
}

// extendWindow gives the windows of a state the events that they lack, after a rule's window was made longer.
func extendWindow(ctx context.Context, q *db.Queries, userID int64, state *rules.State, horizon int64) error {
	if state.Horizon() >= horizon || state.Count() == 0 {
		return nil
	}
	rows, err := q.ListWindow(ctx, db.ListWindowParams{UserID: userID, Since: state.Latest() - horizon})
	if err != nil {
		return err
	}
	events := make([]rules.Event, 0, len(rows))
	for _, row := range rows {
		e, err := parseEvent(row.Type, row.Amount, row.EffectiveTime)
		if err != nil {
			return err
		}
		events = append(events, e)
	}
	state.RebuildWindow(horizon, events)
	return nil
}

// parseEvent reads an event as the database writes it.
func parseEvent(kind, amount string, time int64) (rules.Event, error) {
	t, ok := rules.ParseType(kind)
	a, fine := rules.ParseCents(amount)
	if !ok || !fine {
		return rules.Event{}, fmt.Errorf("ledger: the ledger holds %q of %q, which is no event", kind, amount)
	}
	return rules.Event{Type: t, Amount: a, Time: time}, nil
}

// matchKey tells whether the call's key was used, and then what that means for the call.
func (c *pendingEvent) matchKey(found []db.FindKeysRow) bool {
	for i := range found {
		row := &found[i]
		if row.Caller != c.Actor || row.Key != c.Key {
			continue
		}
		if string(row.RequestHash) == string(c.Hash[:]) {
			c.prior = row
		} else {
			c.err = ErrKeyReused
		}
		return true
	}
	return false
}

// evaluate steps the user's state by the call's event, and takes down what is to be stored.
func (p *group) evaluate(c *pendingEvent) {
	s := p.states[c.UserID]
	decision := rules.Step(&s.state, c.Event, p.set, s.risk, p.set.LongestWindow())
	s.lastID = nextID(s.lastID, p.now)
	c.result = Result{EventID: s.lastID, UserID: c.UserID, Codes: decision.Codes}
	if len(decision.Codes) > 0 {
		s.lastID = nextID(s.lastID, p.now)
		c.result.AlertID = s.lastID
		a := &p.alerts
		a.UserIds = append(a.UserIds, c.UserID)
		a.Ids = append(a.Ids, c.result.AlertID)
		a.EventIds = append(a.EventIds, c.result.EventID)
		a.AlertCodes = append(a.AlertCodes, codeArray(decision.Codes))
		a.Times = append(a.Times, c.Event.Time)
		a.Risks = append(a.Risks, s.risk.String())
		a.Reasons = append(a.Reasons, marshalReasons(p.set, s.risk, decision))
		a.Actors = append(a.Actors, c.Actor)
	}
	e := &p.events
	e.UserIds = append(e.UserIds, c.UserID)
	e.Ids = append(e.Ids, c.result.EventID)
	e.Types = append(e.Types, c.Event.Type.String())
	e.Amounts = append(e.Amounts, c.Event.Amount.String())
	e.Times = append(e.Times, c.Event.Time)
	e.EffectiveTimes = append(e.EffectiveTimes, decision.EffectiveTime)
	e.Risks = append(e.Risks, s.risk.String())
	e.Facts = append(e.Facts, rules.AppendMeasurements(nil, decision.Measurements))
	e.AlertCodes = append(e.AlertCodes, codeArray(decision.Codes))
	e.AlertIds = append(e.AlertIds, c.result.AlertID)
	e.Actors = append(e.Actors, c.Actor)
	if c.Key != "" {
		k := &p.keys
		k.UserIds = append(k.UserIds, c.UserID)
		k.Callers = append(k.Callers, c.Actor)
		k.Keys = append(k.Keys, c.Key)
		k.RequestHashes = append(k.RequestHashes, c.Hash[:])
		k.FirstIds = append(k.FirstIds, c.result.EventID)
		k.LastIds = append(k.LastIds, c.result.EventID)
	}
}

func codeArray(codes []int32) string { return string(appendCodes(nil, codes)) }

// appendCodes appends codes as PostgreSQL writes an array.
func appendCodes(dst []byte, codes []int32) []byte {
	dst = append(dst, '{')
	for i, code := range codes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, int64(code), 10)
	}
	return append(dst, '}')
}

func marshalReasons(set rules.Set, risk rules.Risk, d rules.Decision) json.RawMessage {
	text, err := json.Marshal(rules.Explain(set, risk, d))
	if err != nil {
		panic(fmt.Errorf("ledger: reasons cannot be encoded: %w", err))
	}
	return text
}

// store writes everything and commits, or rolls back: one round trip.
func (p *group) store(ctx context.Context, conn *pgxpool.Conn, dry bool) error {
	if len(p.events.Ids) == 0 {
		return nil // only repeated requests; the deferred rollback ends the transaction
	}
	p.events.RulesetID, p.events.CreatedAt = p.rulesetID, p.now
	p.alerts.RulesetID, p.alerts.CreatedAt = p.rulesetID, p.now
	p.keys.CreatedAt = p.now
	trip := &pipeline{}
	states := p.statesFor(slices.Compact(slices.Clone(p.events.UserIds))) // the events are sorted by user
	if e := &p.events; len(e.Ids) == 1 {
		trip.add(func(q *db.Queries) error {
			return q.InsertEvent(ctx, db.InsertEventParams{
				UserID: e.UserIds[0], EventID: e.Ids[0], Type: e.Types[0], Amount: e.Amounts[0], Time: e.Times[0], EffectiveTime: e.EffectiveTimes[0],
				Risk: e.Risks[0], RulesetID: e.RulesetID, EventFacts: e.Facts[0], Codes: e.AlertCodes[0], AlertID: e.AlertIds[0],
				CreatedAt: e.CreatedAt, Actor: e.Actors[0],
			})
		})
		trip.add(func(q *db.Queries) error {
			return q.SaveState(ctx, db.SaveStateParams{UserID: states.UserIds[0], LastID: states.LastIds[0], NewState: states.States[0]})
		})
	} else {
		trip.add(func(q *db.Queries) error { return q.InsertEvents(ctx, *e) })
		trip.add(func(q *db.Queries) error { return q.SaveStates(ctx, states) })
	}
	if len(p.alerts.Ids) > 0 {
		trip.add(func(q *db.Queries) error { return q.InsertAlerts(ctx, p.alerts) })
	}
	if len(p.keys.Keys) > 0 {
		trip.add(func(q *db.Queries) error { return q.SaveKeys(ctx, p.keys) })
	}
	if dry {
		trip.exec("rollback")
	} else {
		trip.exec("commit")
	}
	return trip.run(ctx, conn)
}

// statesFor are the states of users, to be saved.
func (p *group) statesFor(ids []int64) (all db.SaveStatesParams) {
	for _, id := range ids {
		s := p.states[id]
		all.UserIds = append(all.UserIds, id)
		all.LastIds = append(all.LastIds, s.lastID)
		all.States = append(all.States, string(s.state.Append(nil)))
	}
	return all
}
