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
	"labledger/internal/dbtx"
	"labledger/internal/rules"
	"labledger/internal/sqltype"
)

// This file commits one group of events: lock and load, evaluate, store. It takes two round trips and one commit,
// independent of the number of events.

// A group is what one transaction records. Its rows are parallel arrays, one for each column: sqlc can pass rows to a
// statement only as arrays for unnest.
type group struct {
	set       rules.Set
	rulesetID int64
	now       time.Time
	states    map[int64]*userState
	events    db.InsertEventsParams
	alerts    db.InsertAlertsParams
	keys      db.SaveKeysParams
}

// userState is the locked state of a user.
type userState struct {
	risk   rules.Risk
	state  rules.State
	lastID uuid.UUID
}

const beginStatement = "begin isolation level read committed"

// commit records events, which must be sorted by user, in one transaction. An error of a single event is stored in its
// err. If commit returns an error, it recorded no event; if the connection broke during the commit, the outcome is
// unknown. The statements of a caller, which may be nil, run in the same transaction.
func (l *Ledger) commit(
	ctx context.Context, events []*pendingEvent, lockTimeout string, dryRun bool, caller *callerStatements,
) error {
	ctx, cancel := context.WithTimeout(ctx, l.timeouts.commit)
	defer cancel()
	conn, err := l.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	defer rollback(conn)
	if err := caller.runBegin(ctx, conn); err != nil {
		return err
	}
	g := &group{now: l.now().UTC().Truncate(time.Microsecond)}
	keys, err := l.load(ctx, conn, g, events, lockTimeout)
	if err != nil {
		return err
	}
	if err := extendWindows(ctx, conn, g.states, g.set.LongestWindow()); err != nil {
		return err
	}
	for _, e := range events {
		e.prior, e.err = nil, nil
		if e.Key == "" || !e.matchKey(keys) {
			g.evaluate(e)
		}
	}
	if err := g.store(ctx, conn, dryRun, caller); err != nil {
		return err
	}
	if !dryRun && len(g.events.Ids) > 0 { // with repeated requests only, nothing is new
		l.onCommit(len(g.events.Ids), len(g.alerts.Ids))
	}
	return nil
}

// rollback ends an open transaction.
func rollback(conn *pgxpool.Conn) {
	if conn.Conn().PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
	defer cancel()
	_, _ = conn.Exec(ctx, "rollback") // on an error the pool closes the connection
}

// load opens the transaction, unless it is open, locks the users and reads the data for the evaluation, in one round
// trip. It returns the rows of the idempotency keys that are already in use. The statements after the lock see what
// other transactions committed while this one waited for it.
func (l *Ledger) load(
	ctx context.Context, conn *pgxpool.Conn, g *group, events []*pendingEvent, lockTimeout string,
) (used []db.FindKeysRow, err error) {
	var states []db.UserState
	var latest db.GetLatestRulesetRow
	getLatestRuleset := func(q *db.Queries) (err error) { latest, err = q.GetLatestRuleset(ctx); return err }
	ids, keys := userIDs(events), keysOf(events)
	p := &dbtx.Pipeline{}
	if conn.Conn().PgConn().TxStatus() == 'I' {
		p.Exec(beginStatement)
	}
	p.Add(func(q *db.Queries) error {
		return q.SetLockTimeout(ctx, db.SetLockTimeoutParams{LockTimeout: lockTimeout})
	})
	if len(keys.Keys) > 0 {
		p.Add(func(q *db.Queries) error { return q.LockKeys(ctx, db.LockKeysParams(keys)) })
	}
	if len(ids) == 1 {
		p.Add(func(q *db.Queries) (err error) {
			states, err = q.LockState(ctx, db.LockStateParams{UserID: ids[0]})
			return err
		})
	} else {
		lockStates(ctx, p, ids, &states)
	}
	p.Add(getLatestRuleset)
	if len(keys.Keys) > 0 {
		addFindKeys(ctx, p, keys, &used)
	}
	if err := p.Run(ctx, conn); err != nil {
		return nil, err
	}
	if len(states) == 0 {
		// A user's very first event needs a second round trip to create the state. It reads the rules again, since the
		// first one read them without the lock.
		second := &dbtx.Pipeline{}
		lockStates(ctx, second, ids, &states)
		second.Add(getLatestRuleset)
		if err := second.Run(ctx, conn); err != nil {
			return nil, err
		}
	}
	g.rulesetID = latest.ID
	if g.set, err = l.loadRuleset(ctx, db.New(conn), latest); err != nil {
		return nil, err
	}
	g.states = make(map[int64]*userState, len(states))
	for _, row := range states {
		if g.states[row.UserID], err = parseState(row); err != nil {
			return nil, err
		}
	}
	return used, nil
}

// addFindKeys adds the statements to the pipeline that append the used ones of the given idempotency keys. A key that
// was used for another request than an event has no hash, so it matches none.
func addFindKeys(ctx context.Context, p *dbtx.Pipeline, keys db.FindKeysParams, used *[]db.FindKeysRow) {
	p.Add(func(q *db.Queries) error {
		rows, err := q.FindKeys(ctx, keys)
		*used = append(*used, rows...)
		return err
	})
	p.Add(func(q *db.Queries) error {
		rows, err := q.FindOtherKeys(ctx, db.FindOtherKeysParams(keys))
		for _, row := range rows {
			*used = append(*used, db.FindKeysRow{Caller: row.Caller, Key: row.Key})
		}
		return err
	})
}

// keysOf returns the idempotency keys of the events.
func keysOf(events []*pendingEvent) (keys db.FindKeysParams) {
	for _, e := range events {
		if e.Key != "" {
			keys.Callers, keys.Keys = append(keys.Callers, e.Actor), append(keys.Keys, e.Key)
		}
	}
	return keys
}

// lockStates adds the statements to the pipeline that lock users and read their states.
func lockStates(ctx context.Context, p *dbtx.Pipeline, ids []int64, states *[]db.UserState) {
	p.Add(func(q *db.Queries) error { return q.LockUsers(ctx, db.LockUsersParams{UserIds: ids}) })
	p.Add(func(q *db.Queries) (err error) {
		*states, err = q.ListLockedStates(ctx, db.ListLockedStatesParams{UserIds: ids})
		return err
	})
}

func parseState(row db.UserState) (*userState, error) {
	s := &userState{}
	if row.LastID != nil {
		s.lastID = *row.LastID
	}
	s.risk, _ = rules.ParseRisk(row.Risk) // a CHECK constraint ensures a valid risk
	var err error
	if s.state, err = rules.ParseState(row.State); err != nil {
		return nil, fmt.Errorf("ledger: state of user %d (run labledger ledger rebuild): %w", row.UserID, err)
	}
	return s, nil
}

// extendWindows loads the events that the windows of states lack after a rule's window was lengthened. It takes one
// round trip for up to 1000 users.
func extendWindows(ctx context.Context, conn *pgxpool.Conn, states map[int64]*userState, horizon int64) error {
	var ids []int64
	for id, s := range states {
		if s.state.Horizon() < horizon && s.state.Count() > 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	ids, err := rebuildVoidedUsers(ctx, db.New(conn), ids, states, horizon)
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(ids, 1000) {
		p := &dbtx.Pipeline{}
		for _, id := range chunk {
			state := &states[id].state
			p.Add(func(q *db.Queries) error {
				rows, err := q.ListWindow(ctx, db.ListWindowParams{UserID: id, Since: state.Latest() - horizon})
				if err != nil {
					return err
				}
				return rebuildWindow(state, horizon, rows)
			})
		}
		if err := p.Run(ctx, conn); err != nil {
			return err
		}
	}
	return nil
}

// rebuildVoidedUsers evaluates the whole history of those users whose events have voids, since their effective times do
// not ascend. It returns the other users.
func rebuildVoidedUsers(
	ctx context.Context, q *db.Queries, ids []int64, states map[int64]*userState, horizon int64,
) (others []int64, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	voided, err := q.ListVoidedUsers(ctx, db.ListVoidedUsersParams{UserIds: ids})
	if err != nil {
		return nil, err
	}
	for _, id := range voided {
		h := history{user: id, horizon: horizon}
		if h.voids, err = listVoids(ctx, q, id); err != nil {
			return nil, err
		}
		if states[id].state, err = h.current(ctx, q); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(ids, func(id int64) bool { return slices.Contains(voided, id) }), nil
}

func rebuildWindow(state *rules.State, horizon int64, rows []db.ListWindowRow) error {
	events := make([]rules.Event, 0, len(rows))
	for _, row := range rows {
		e, err := parseEvent(row.Type, string(row.Amount), row.EffectiveTime)
		if err != nil {
			return err
		}
		events = append(events, e)
	}
	state.RebuildWindow(horizon, events)
	return nil
}

// parseEvent parses the columns of an event.
func parseEvent(eventType, amount string, time int64) (rules.Event, error) {
	t, typeOK := rules.ParseType(eventType)
	cents, amountOK := rules.ParseCents(amount)
	if !typeOK || !amountOK {
		return rules.Event{}, fmt.Errorf("ledger: invalid event: type %q, amount %q", eventType, amount)
	}
	return rules.Event{Type: t, Amount: cents, Time: time}, nil
}

// matchKey reports whether the event's key is among the used ones. If so, it sets prior for a repeated request, or err
// for a different one.
func (e *pendingEvent) matchKey(used []db.FindKeysRow) bool {
	for i := range used {
		row := &used[i]
		if row.Caller != e.Actor || row.Key != e.Key {
			continue
		}
		if string(row.RequestHash) == string(e.Hash[:]) {
			e.prior = row
		} else {
			e.err = ErrKeyReused
		}
		return true
	}
	return false
}

// evaluate steps the user's state by the event and collects the rows to store.
func (g *group) evaluate(p *pendingEvent) {
	s := g.states[p.UserID]
	decision := rules.Step(&s.state, p.Event, g.set, s.risk, g.set.LongestWindow())
	s.lastID = nextID(s.lastID, g.now)
	p.result = Result{EventID: s.lastID, UserID: p.UserID, Codes: decision.Codes}
	if len(decision.Codes) > 0 {
		s.lastID = nextID(s.lastID, g.now)
		p.result.AlertID = s.lastID
		a := &g.alerts
		a.UserIds = append(a.UserIds, p.UserID)
		a.Ids = append(a.Ids, p.result.AlertID)
		a.EventIds = append(a.EventIds, p.result.EventID)
		a.AlertCodes = append(a.AlertCodes, codeArray(decision.Codes))
		a.Times = append(a.Times, p.Event.Time)
		a.Risks = append(a.Risks, s.risk.String())
		a.Reasons = append(a.Reasons, marshalReasons(g.set, s.risk, decision))
		a.Actors = append(a.Actors, p.Actor)
	}
	e := &g.events
	e.UserIds = append(e.UserIds, p.UserID)
	e.Ids = append(e.Ids, p.result.EventID)
	e.Types = append(e.Types, p.Event.Type.String())
	e.Amounts = append(e.Amounts, sqltype.Decimal(p.Event.Amount.String()))
	e.Times = append(e.Times, p.Event.Time)
	e.EffectiveTimes = append(e.EffectiveTimes, decision.EffectiveTime)
	e.Risks = append(e.Risks, s.risk.String())
	e.Facts = append(e.Facts, rules.AppendMeasurements(nil, decision.Measurements))
	e.AlertCodes = append(e.AlertCodes, codeArray(decision.Codes))
	e.AlertIds = append(e.AlertIds, p.result.AlertID)
	e.Actors = append(e.Actors, p.Actor)
	container := ""
	if p.ContainerUUID != nil {
		container = p.ContainerUUID.String()
	}
	e.ContainerUuids = append(e.ContainerUuids, container)
	if p.Key != "" {
		k := &g.keys
		k.UserIds = append(k.UserIds, p.UserID)
		k.Callers = append(k.Callers, p.Actor)
		k.Keys = append(k.Keys, p.Key)
		k.RequestHashes = append(k.RequestHashes, p.Hash[:])
		k.FirstIds = append(k.FirstIds, p.result.EventID)
		k.LastIds = append(k.LastIds, p.result.EventID)
	}
}

func codeArray(codes []int32) string { return string(appendCodes(nil, codes)) }

// appendCodes appends codes as a PostgreSQL array literal.
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
		panic(fmt.Errorf("ledger: marshal reasons: %w", err))
	}
	return text
}

// store writes the group and commits, or rolls back after a dry run. Without statements of a caller it takes one round
// trip.
func (g *group) store(ctx context.Context, conn *pgxpool.Conn, dryRun bool, caller *callerStatements) error {
	if len(g.events.Ids) == 0 {
		return nil // only repeated requests: the caller's deferred rollback ends the transaction
	}
	p := &dbtx.Pipeline{}
	g.addInserts(ctx, p)
	if caller != nil {
		if err := p.Run(ctx, conn); err != nil {
			return err
		}
		if err := caller.runEnd(ctx, conn); err != nil {
			return err
		}
		p = &dbtx.Pipeline{}
	}
	if dryRun {
		p.Exec("rollback")
	} else {
		p.Exec("commit")
	}
	return p.Run(ctx, conn)
}

// addInserts adds the statements to the pipeline that write the group.
func (g *group) addInserts(ctx context.Context, p *dbtx.Pipeline) {
	g.events.RulesetID, g.events.CreatedAt = g.rulesetID, g.now
	g.alerts.RulesetID, g.alerts.CreatedAt = g.rulesetID, g.now
	g.keys.CreatedAt = g.now
	states := g.statesFor(slices.Compact(slices.Clone(g.events.UserIds))) // the events are sorted by user
	if e := &g.events; len(e.Ids) == 1 {
		p.Add(func(q *db.Queries) error {
			return q.InsertEvent(ctx, db.InsertEventParams{
				UserID: e.UserIds[0], EventID: e.Ids[0], Type: e.Types[0], Amount: e.Amounts[0],
				Time: e.Times[0], EffectiveTime: e.EffectiveTimes[0], Risk: e.Risks[0], RulesetID: e.RulesetID,
				EventFacts: e.Facts[0], Codes: e.AlertCodes[0], AlertID: e.AlertIds[0],
				CreatedAt: e.CreatedAt, Actor: e.Actors[0], ContainerUuid: e.ContainerUuids[0],
			})
		})
		p.Add(func(q *db.Queries) error {
			return q.SaveState(ctx, db.SaveStateParams{
				UserID: states.UserIds[0], LastID: states.LastIds[0], NewState: states.States[0],
			})
		})
	} else {
		p.Add(func(q *db.Queries) error { return q.InsertEvents(ctx, *e) })
		p.Add(func(q *db.Queries) error { return q.SaveStates(ctx, states) })
	}
	if len(g.alerts.Ids) > 0 {
		p.Add(func(q *db.Queries) error { return q.InsertAlerts(ctx, g.alerts) })
	}
	if len(g.keys.Keys) > 0 {
		p.Add(func(q *db.Queries) error { return q.SaveKeys(ctx, g.keys) })
	}
}

// statesFor returns the states of users as parameters of SaveStates.
func (g *group) statesFor(ids []int64) (all db.SaveStatesParams) {
	for _, id := range ids {
		s := g.states[id]
		all.UserIds = append(all.UserIds, id)
		all.LastIds = append(all.LastIds, s.lastID)
		all.States = append(all.States, string(s.state.Append(nil)))
	}
	return all
}
