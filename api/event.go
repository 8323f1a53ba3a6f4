package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/db"
	"labledger/internal/ledger"
	"labledger/internal/rules"
)

// An eventRecorder records events: one per request, or a batch.
type eventRecorder struct {
	ledger   *ledger.Ledger
	maxAhead time.Duration // how far in the future an event may be; 0 for any time
}

// validateTime returns why an event may not have the time, or "".
func (e *eventRecorder) validateTime(seconds int64) string {
	return validateTime(seconds, time.Now(), e.maxAhead)
}

// NewEvent describes an event to record.
type NewEvent struct {
	// Type of the event: deposit or withdraw, case-insensitive.
	Type string `json:"type"`
	// Amount: greater than 0, with at most two decimals.
	Amount string `json:"amount"`
	// ID of the user who deposited or withdrew. An account with this ID need not exist.
	UserID int64 `json:"user_id"`
	// Time of the event, in seconds since 1970. At most 24 hours in the future, unless the server has another limit.
	Time int64 `json:"time"`
	// Same as dry_run.
	Simulate bool `json:"simulate"`
}

// RecordedEvent describes the result of recording an event.
type RecordedEvent struct {
	// ID of the event.
	EventID uuid.UUID `json:"event_id"`
	// ID of the alert that the event raised, or null.
	AlertID *uuid.UUID `json:"alert_id"`
	// Whether the event raised an alert.
	Alert bool `json:"alert"`
	// Codes of the rules that fired, in ascending order.
	AlertCodes []int32 `json:"alert_codes"`
	// ID of the user.
	UserID int64 `json:"user_id"`
}

// recordDoc documents RecordEvent.
var recordDoc = rest.Doc{
	Queries: []any{
		(*db.Queries).LockState, (*db.Queries).GetLatestRuleset, (*db.Queries).FindKeys, (*db.Queries).InsertEvent,
		(*db.Queries).InsertAlerts, (*db.Queries).SaveState, (*db.Queries).SaveKeys,
	},
}

// RecordEvent records an event and evaluates the rules for it. The user's state is locked meanwhile; event, alert and
// state are committed in one transaction. Repeating a request with the same Idempotency-Key records nothing and returns
// the first response.
func (e *eventRecorder) RecordEvent(
	ctx context.Context, c *rest.Call, in NewEvent,
) (recorded RecordedEvent, err error) {
	request := ledger.RecordRequest{
		UserID: in.UserID,
		Event:  toEvent(&in),
		Actor:  c.Caller.Username,
	}
	if reason := e.validateTime(in.Time); reason != "" {
		c.Errors.Add("time", reason)
	}
	if err := c.Errors.Err(); err != nil {
		return recorded, err
	}
	c.DryRun = c.DryRun || in.Simulate
	if request.Key = c.IdempotencyKey(); request.Key != "" {
		request.Hash = c.RequestHash()
	}
	record := e.ledger.Record
	if c.DryRun {
		record = e.ledger.Simulate
	}
	result, err := record(ctx, request)
	if err != nil {
		return recorded, ledgerProblem(err)
	}
	if !c.ShortRoute {
		c.Status = http.StatusCreated
		c.SetLocation(c.Path + "/" + result.EventID.String())
	}
	if result.Replayed {
		c.SetReplayed()
	}
	return newRecordedEvent(result), nil
}

// newRecordedEvent converts a result of the ledger.
func newRecordedEvent(r ledger.Result) RecordedEvent {
	recorded := RecordedEvent{EventID: r.EventID, AlertCodes: r.Codes, UserID: r.UserID}
	if recorded.AlertCodes == nil {
		recorded.AlertCodes = []int32{}
	}
	if r.AlertID != uuid.Nil {
		recorded.AlertID, recorded.Alert = &r.AlertID, true
	}
	return recorded
}

// toEvent converts a validated NewEvent.
func toEvent(e *NewEvent) rules.Event {
	kind, _ := rules.ParseType(e.Type)
	cents, _ := rules.ParseCents(e.Amount)
	return rules.Event{Type: kind, Amount: cents, Time: e.Time}
}

// ledgerProblem converts the errors of the ledger into problems.
func ledgerProblem(err error) error {
	switch {
	case errors.Is(err, ledger.ErrKeyReused):
		return problem.ReusedKey()
	case errors.Is(err, ledger.ErrInFlight):
		return problem.BusyKey()
	case errors.Is(err, ledger.ErrQueueFull):
		return problem.Unavailable(problem.Overloaded, "Too many events are waiting to be recorded. Try again.", nil)
	case errors.Is(err, ledger.ErrBusy):
		return problem.Unavailable(problem.Overloaded, "Too many event batches are in progress. Try again later.", nil)
	}
	return err
}
