// Package load stores the laboratory of package demo in a database.
package load

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/demo"
	"labledger/internal/ledger"
)

// actor is the actor of the accounts, whose people cannot have created themselves.
const actor = "os:demo data"

// An OtherDataError reports that the database holds other data than the mock data.
type OtherDataError struct{ Changes, Events int64 }

func (e *OtherDataError) Error() string {
	return fmt.Sprintf("the database holds other data than the mock data (changes: %d, events: %d)", e.Changes, e.Events)
}

// A Summary counts what was stored.
type Summary struct{ Containers, Events, Alerts int }

// Run stores the laboratory of a time in a database with the current schema, in one transaction. If the database holds
// other data than the mock data, Run returns an *OtherDataError and stores nothing.
func Run(ctx context.Context, pool *pgxpool.Pool, now time.Time) (s Summary, err error) {
	options := pgx.TxOptions{IsoLevel: pgx.ReadCommitted}
	err = pgx.BeginTxFunc(ctx, pool, options, func(tx pgx.Tx) error {
		l := &loader{ctx: ctx, tx: tx, q: db.New(tx), lab: demo.New(now)}
		if err := l.checkEmpty(); err != nil {
			return err
		}
		for _, store := range []func() error{
			l.storePeople, l.storeInstruments, l.storeContainers, l.storeEvents, l.storeCheckOuts, l.storeWork, l.storeViews,
		} {
			if err := store(); err != nil {
				return err
			}
		}
		s = Summary{len(l.lab.Containers), len(l.lab.Events), len(l.alerts)}
		return nil
	})
	return s, err
}

// A loader stores one laboratory.
type loader struct {
	ctx     context.Context
	tx      pgx.Tx
	q       *db.Queries
	lab     *demo.Lab
	results []ledger.Result // of the events
	alerts  []demo.Alert
}

func (l *loader) checkEmpty() error {
	if err := l.q.LockDemo(l.ctx); err != nil {
		return err
	}
	other, err := l.q.CountOtherData(l.ctx)
	if err != nil {
		return err
	}
	if other.Changes > 0 || other.Events > 0 {
		return &OtherDataError{other.Changes, other.Events}
	}
	return nil
}

// storeRows passes rows to a statement, as a JSON array. The history shows the actor and the message.
func storeRows[Row any](
	l *loader, actor, message string, rows []Row, statement func(*db.Queries, json.RawMessage) error,
) error {
	lines, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	if err := l.q.SetRequestContext(l.ctx, db.SetRequestContextParams{Actor: actor}); err != nil {
		return err
	}
	if err := l.q.SetChangeMessage(l.ctx, db.SetChangeMessageParams{Message: message}); err != nil {
		return err
	}
	return statement(l.q, lines)
}

// storeByActor does the same for rows of several actors, in their order.
func storeByActor[Row any](
	l *loader, message string, rows []Row, actorOf func(Row) string,
	statement func(*db.Queries, json.RawMessage) error,
) error {
	for len(rows) > 0 {
		actor := actorOf(rows[0])
		n := slices.IndexFunc(rows, func(row Row) bool { return actorOf(row) != actor })
		if n < 0 {
			n = len(rows)
		}
		if err := storeRows(l, actor, message, rows[:n], statement); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func (l *loader) storePeople() error {
	err := storeRows(l, actor, "", l.lab.People, func(q *db.Queries, lines json.RawMessage) error {
		return q.InsertDemoAccounts(l.ctx, db.InsertDemoAccountsParams{Lines: lines})
	})
	if err != nil {
		return err
	}
	return l.q.InsertDemoRisks(l.ctx)
}

func (l *loader) storeInstruments() error {
	managers := map[int64]string{}
	for _, site := range l.lab.Sites {
		managers[site.ID] = site.Manager
	}
	err := storeByActor(l, "", l.lab.Sites, func(s demo.Site) string { return s.Manager },
		func(q *db.Queries, lines json.RawMessage) error {
			return q.InsertDemoSites(l.ctx, db.InsertDemoSitesParams{Lines: lines})
		})
	if err != nil {
		return err
	}
	err = storeByActor(l, "", l.lab.Freezers, func(f demo.Freezer) string { return managers[f.SiteID] },
		func(q *db.Queries, lines json.RawMessage) error {
			return q.InsertDemoFreezers(l.ctx, db.InsertDemoFreezersParams{Lines: lines})
		})
	if err != nil {
		return err
	}
	return storeByActor(l, "", l.lab.Computers, func(c demo.Computer) string { return managers[c.SiteID] },
		func(q *db.Queries, lines json.RawMessage) error {
			return q.InsertDemoComputers(l.ctx, db.InsertDemoComputersParams{Lines: lines})
		})
}

func (l *loader) storeContainers() error {
	operators := map[int64]string{}
	for _, freezer := range l.lab.Freezers {
		operators[freezer.ID] = freezer.Operator
	}
	return storeByActor(l, "inventory of the freezers", l.lab.Containers,
		func(c demo.Container) string { return operators[c.FreezerID] },
		func(q *db.Queries, lines json.RawMessage) error {
			return q.InsertDemoContainers(l.ctx, db.InsertDemoContainersParams{Lines: lines})
		})
}

func (l *loader) storeEvents() (err error) {
	past := make([]ledger.PastEvent, len(l.lab.Events))
	for i, e := range l.lab.Events {
		past[i].RecordRequest = ledger.RecordRequest{
			UserID: e.UserID, Event: e.Event, Actor: e.Actor, ContainerUUID: e.Container,
		}
		past[i].ArrivedAt = e.ArrivedAt
	}
	if l.results, err = ledger.RecordPast(l.ctx, l.tx, past); err != nil {
		return err
	}
	for i, result := range l.results {
		if result.AlertID != uuid.Nil {
			l.alerts = append(l.alerts, demo.Alert{
				ID: result.AlertID, UserID: result.UserID, RaisedAt: l.lab.Events[i].ArrivedAt,
			})
		}
	}
	return nil
}

// A checkOutRow is a row of checkout with its events.
type checkOutRow struct {
	demo.CheckOut
	EventID       *uuid.UUID `json:"event_id"`
	ReturnEventID *uuid.UUID `json:"return_event_id"`
}

// storeCheckOuts stores the check-outs, and what became of the containers that did not return.
func (l *loader) storeCheckOuts() error {
	rows := make([]checkOutRow, len(l.lab.CheckOuts))
	for i, c := range l.lab.CheckOuts {
		rows[i] = checkOutRow{c, l.eventID(c.Event), l.eventID(c.ReturnEvent)}
	}
	err := storeByActor(l, "", rows, func(c checkOutRow) string { return c.CheckedOutBy },
		func(q *db.Queries, lines json.RawMessage) error {
			return q.InsertDemoCheckouts(l.ctx, db.InsertDemoCheckoutsParams{Lines: lines})
		})
	if err != nil {
		return err
	}
	return storeByActor(l, "", l.lab.Statuses, func(s demo.Status) string { return s.Actor },
		func(q *db.Queries, lines json.RawMessage) error {
			return q.SetDemoStatuses(l.ctx, db.SetDemoStatusesParams{Lines: lines})
		})
}

// eventID returns the ID of a recorded event by its index, or nil for -1.
func (l *loader) eventID(i int) *uuid.UUID {
	if i < 0 {
		return nil
	}
	return &l.results[i].EventID
}

// storeWork stores what people did about the alerts, and the todos.
func (l *loader) storeWork() error {
	first, second := l.lab.Investigate(l.alerts)
	for _, changes := range [][]demo.AlertChange{first, second} {
		err := storeByActor(l, "", changes, func(c demo.AlertChange) string { return c.Actor },
			func(q *db.Queries, lines json.RawMessage) error {
				return q.ChangeDemoAlerts(l.ctx, db.ChangeDemoAlertsParams{Lines: lines})
			})
		if err != nil {
			return err
		}
	}
	return storeByActor(l, "", l.lab.Todos(l.alerts), func(t demo.Todo) string { return t.Owner },
		func(q *db.Queries, lines json.RawMessage) error {
			return q.InsertDemoTodos(l.ctx, db.InsertDemoTodosParams{Lines: lines})
		})
}

func (l *loader) storeViews() error {
	return storeByActor(l, "", l.lab.Views, func(v demo.View) string { return v.Owner },
		func(q *db.Queries, lines json.RawMessage) error {
			return q.InsertDemoViews(l.ctx, db.InsertDemoViewsParams{Lines: lines})
		})
}
