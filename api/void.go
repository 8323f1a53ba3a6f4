package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/db"
	"labledger/internal/ledger"
)

// VoidRequest describes why an event does not count.
type VoidRequest struct {
	// ID of the event.
	EventID uuid.UUID `json:"event_id"`
	// Why the event does not count, in 1 to 1,000 characters.
	Reason string `json:"reason"`
}

// EventVoid describes a void.
type EventVoid struct {
	// ID of the void.
	VoidID uuid.UUID `json:"void_id"`
	// ID of the voided event.
	EventID uuid.UUID `json:"event_id"`
	// ID of the user.
	UserID int64 `json:"user_id"`
	// Why the event does not count.
	Reason string `json:"reason"`
	// Number of alerts that were marked.
	Alerts int64 `json:"alerts"`
	// Time when the event was voided.
	CreatedAt time.Time `json:"created_at"`
}

// voidDoc documents VoidEvent. Its samples run on an event that does not exist, so they do not insert a void.
var voidDoc = rest.Doc{
	Queries: []any{
		(*db.Queries).GetEventUser, (*db.Queries).ListLedger, (*db.Queries).MarkAlerts, (*db.Queries).SaveStates,
	},
	Problems: []int{http.StatusNotFound, http.StatusConflict},
}

// VoidEvent voids an event that was recorded by mistake, such as one with a wrong clock. The event and its alert
// remain. Later events of the user are evaluated without it. Alerts that no rule raises without the event are marked.
func (e *eventRecorder) VoidEvent(ctx context.Context, c *rest.Call, in VoidRequest) (voided EventVoid, err error) {
	if err := c.Errors.Err(); err != nil {
		return voided, err
	}
	void, err := e.ledger.Void(ctx, ledger.VoidRequest{
		EventID: in.EventID, Reason: in.Reason, Actor: c.Caller.Username, RequestID: c.ID, Begin: c.BeginWrite,
		End: func(ctx context.Context, q *db.Queries, void ledger.Void) error {
			return c.SaveResponse(ctx, q, newEventVoid(void, in.Reason))
		},
	}, c.DryRun)
	switch {
	case errors.Is(err, ledger.ErrNoEvent):
		return voided, c.NotFound()
	case errors.Is(err, ledger.ErrVoided):
		return voided, problem.New(problem.Conflict, "The event %s is void already.", in.EventID)
	case err != nil:
		return voided, ledgerProblem(err)
	}
	return newEventVoid(void, in.Reason), nil
}

// newEventVoid converts a void of the ledger.
func newEventVoid(void ledger.Void, reason string) EventVoid {
	return EventVoid{
		VoidID: void.ID, EventID: void.EventID, UserID: void.UserID, Reason: reason,
		Alerts: int64(len(void.Alerts)), CreatedAt: void.CreatedAt,
	}
}

// maxReasonLen is the maximum length of the reason of a void, in characters.
const maxReasonLen = 1000

func validateReason(text string) string {
	if utf8.RuneCountInString(text) > maxReasonLen {
		return fmt.Sprintf("must have at most %d characters", maxReasonLen)
	}
	return validateNotBlank(text)
}
