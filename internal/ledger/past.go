package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"labledger/db"
	"labledger/internal/dbtx"
	"labledger/internal/rules"
)

// This file records the events of a demonstration, which arrived in the past. The server never does this: IDs and times
// of arrival are those of the clock.

// pastPipeline is the number of events that RecordPast stores in one round trip.
const pastPipeline = 500

// A PastEvent is an event that arrived in the past.
type PastEvent struct {
	RecordRequest           // without an idempotency key
	ArrivedAt     time.Time // the time of its ID, and its created_at
}

// RecordPast records events in a transaction of the caller, as if each had arrived at its time. The times of arrival
// must ascend, and the users must have no events. The transaction holds the locks of the users until it ends.
// RecordPast returns the results in the order of the events.
func RecordPast(ctx context.Context, tx pgx.Tx, events []PastEvent) ([]Result, error) {
	for i := range events {
		if events[i].Key != "" {
			return nil, fmt.Errorf("ledger: event %d of the past has an idempotency key", i)
		}
		if i > 0 && events[i].ArrivedAt.Before(events[i-1].ArrivedAt) {
			return nil, fmt.Errorf("ledger: event %d of the past arrived before the one in front of it", i)
		}
	}
	loaded, err := loadPast(ctx, db.New(tx), events)
	if err != nil {
		return nil, err
	}
	results := make([]Result, 0, len(events))
	for chunk := range slices.Chunk(events, pastPipeline) {
		p := &dbtx.Pipeline{}
		for i := range chunk {
			e := &pendingEvent{RecordRequest: chunk[i].RecordRequest}
			g := &group{
				set: loaded.set, rulesetID: loaded.rulesetID, states: loaded.states,
				now: chunk[i].ArrivedAt.UTC().Truncate(time.Microsecond),
			}
			g.evaluate(e)
			g.addPast(ctx, p)
			results = append(results, e.result)
		}
		if err := p.Run(ctx, tx); err != nil {
			return nil, err
		}
	}
	return results, db.New(tx).SaveStates(ctx, loaded.statesFor(pastUsers(events)))
}

// loadPast locks the users of the events, and loads their states and the rules.
func loadPast(ctx context.Context, q *db.Queries, events []PastEvent) (*group, error) {
	ids := pastUsers(events)
	if err := q.LockUsers(ctx, db.LockUsersParams{UserIds: ids}); err != nil {
		return nil, err
	}
	rows, err := q.ListLockedStates(ctx, db.ListLockedStatesParams{UserIds: ids})
	if err != nil {
		return nil, err
	}
	latest, err := q.GetLatestRuleset(ctx)
	if err != nil {
		return nil, err
	}
	text, err := q.GetRuleset(ctx, db.GetRulesetParams{ID: latest.ID})
	if err != nil {
		return nil, err
	}
	g := &group{rulesetID: latest.ID, states: make(map[int64]*userState, len(rows))}
	if g.set, err = rules.ParseSet(text); err != nil {
		return nil, fmt.Errorf("ledger: rule set %d: %w", latest.ID, err)
	}
	for _, row := range rows {
		if row.LastID != nil {
			return nil, fmt.Errorf("ledger: user %d already has events", row.UserID)
		}
		if g.states[row.UserID], err = parseState(row); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// pastUsers returns the distinct users of the events, ascending.
func pastUsers(events []PastEvent) []int64 {
	ids := make([]int64, len(events))
	for i := range events {
		ids[i] = events[i].UserID
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// addPast adds the statements to the pipeline that store the event of the group and its alert.
func (g *group) addPast(ctx context.Context, p *dbtx.Pipeline) {
	g.events.RulesetID, g.events.CreatedAt = g.rulesetID, g.now
	p.Add(func(q *db.Queries) error { return q.InsertEvents(ctx, g.events) })
	if len(g.alerts.Ids) > 0 {
		g.alerts.RulesetID, g.alerts.CreatedAt = g.rulesetID, g.now
		p.Add(func(q *db.Queries) error { return q.InsertAlerts(ctx, g.alerts) })
	}
}
