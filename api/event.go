package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
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
		Key:    idempotencyKey(c.Request, &c.Errors),
	}
	if reason := e.validateTime(in.Time); reason != "" {
		c.Errors.Add("time", reason)
	}
	if err := c.Errors.Err(); err != nil {
		return recorded, err
	}
	if request.Key != "" {
		h := newRequestHash(c)
		_, _ = h.Write(c.Body) // never fails
		h.Sum(request.Hash[:0])
	}
	record := e.ledger.Record
	if c.DryRun || in.Simulate {
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
		c.Header.Set("Idempotency-Replayed", "true")
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

// maxIdempotencyKeyLen is the maximum length of an Idempotency-Key, in characters.
const maxIdempotencyKeyLen = 255

// idempotencyKey returns the Idempotency-Key header, or "" if it is absent or invalid.
func idempotencyKey(r *http.Request, errs *problem.FieldErrors) string {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return ""
	}
	key := keys[0]
	if len(keys) > 1 || key == "" || len(key) > maxIdempotencyKeyLen {
		errs.Add("Idempotency-Key", fmt.Sprintf("must be sent once, with 1 to %d characters", maxIdempotencyKeyLen))
		return ""
	}
	for _, c := range []byte(key) {
		if c < ' ' || c > '~' {
			errs.Add("Idempotency-Key", "must contain only printable ASCII characters")
			return ""
		}
	}
	return key
}

// newRequestHash returns a hash of method, path and content type, to which the caller adds the body. It identifies the
// request that an idempotency key was used for.
func newRequestHash(c *rest.Call) hash.Hash {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s %s\n%s\n", c.Method, c.Path, c.Request.Header.Get("Content-Type")) // never fails
	return h
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
		return problem.New(http.StatusUnprocessableEntity,
			"This Idempotency-Key was used for a different request. Nothing was recorded. "+
				"Use a new key for a new request.")
	case errors.Is(err, ledger.ErrInFlight):
		return problem.New(http.StatusConflict,
			"A request with this Idempotency-Key is in progress. Retry in a second to get its response.").
			WithHeader("Retry-After", "1")
	case errors.Is(err, ledger.ErrQueueFull):
		return problem.Unavailable("Too many events are waiting to be recorded. Try again.", nil)
	case errors.Is(err, ledger.ErrBusy):
		return problem.Unavailable("Too many event batches are in progress. Try again later.", nil)
	}
	return err
}
