package ledger

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/db"
	"labledger/internal/rules"
)

// This file voids events. A void is part of the user's history: the events before it were evaluated with the voided
// event, those after it are evaluated without. Nothing that was recorded changes, except that alerts are marked.

// Errors of Void.
var (
	// ErrNoEvent reports that the event does not exist.
	ErrNoEvent = errors.New("there is no such event")
	// ErrVoided reports that the event is void already.
	ErrVoided = errors.New("the event is void already")

	errDryRun = errors.New("dry run")
)

// A VoidRequest is an event to void.
type VoidRequest struct {
	EventID   uuid.UUID
	Reason    string
	Actor     string
	RequestID string // "" for none

	// Begin and End are called in the transaction: Begin before it locks the user, End before it commits. An error rolls
	// the transaction back. Either may be nil.
	Begin func(ctx context.Context, q *db.Queries) error
	End   func(ctx context.Context, q *db.Queries, v Void) error
}

// A Void is a recorded void.
type Void struct {
	ID        uuid.UUID
	EventID   uuid.UUID
	UserID    int64
	CreatedAt time.Time
	Alerts    []uuid.UUID // events whose alerts follow from voided events only
}

// Void voids an event: it stores the void, rebuilds the state of the user without the event, and marks the alerts that
// no rule raises without it. A dry run does everything and then rolls back. Void returns ErrNoEvent, ErrVoided,
// ErrBusy, an error of the context or an error of the database.
func (l *Ledger) Void(ctx context.Context, r VoidRequest, dryRun bool) (Void, error) {
	select {
	case l.batchSlots <- struct{}{}:
		defer func() { <-l.batchSlots }()
	default:
		return Void{}, ErrBusy
	}
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	user, err := db.New(l.pool).GetEventUser(ctx, db.GetEventUserParams{EventID: r.EventID})
	if errors.Is(err, pgx.ErrNoRows) {
		return Void{}, ErrNoEvent
	}
	if err != nil {
		return Void{}, err
	}
	ids := []int64{user}
	if err := l.reserveUsers(ctx, ids); err != nil {
		return Void{}, err
	}
	defer l.unreserve(ids)
	v := Void{EventID: r.EventID, UserID: user, CreatedAt: l.now().UTC().Truncate(time.Microsecond)}
	err = l.inTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(q *db.Queries) error {
		if err := l.storeVoid(ctx, q, r, &v); err != nil || !dryRun {
			return err
		}
		return errDryRun
	})
	var pgErr *pgconn.PgError
	switch {
	case errors.As(err, &pgErr) && pgErr.Code == pgerrcode.UniqueViolation &&
		strings.HasPrefix(pgErr.ConstraintName, "event_void"):
		return Void{}, ErrVoided
	case errors.Is(err, errDryRun):
		return v, nil
	case err != nil:
		return Void{}, err
	}
	l.onCommit(0, 0) // it marks alerts, and records none
	return v, nil
}

// storeVoid locks the user, stores the void and what follows from it.
func (l *Ledger) storeVoid(ctx context.Context, q *db.Queries, r VoidRequest, v *Void) error {
	if r.Begin != nil {
		if err := r.Begin(ctx, q); err != nil {
			return err
		}
	}
	ids := []int64{v.UserID}
	if err := q.SetLockTimeout(ctx, db.SetLockTimeoutParams{LockTimeout: l.timeouts.batchLock}); err != nil {
		return err
	}
	if err := q.LockUsers(ctx, db.LockUsersParams{UserIds: ids}); err != nil {
		return err
	}
	last, err := q.GetLastID(ctx, db.GetLastIDParams{UserIds: ids})
	if err != nil {
		return err
	}
	if last == nil {
		last = &v.EventID
	}
	v.ID = nextID(*last, v.CreatedAt)
	var requestID *string
	if r.RequestID != "" {
		requestID = &r.RequestID
	}
	err = q.InsertVoid(ctx, db.InsertVoidParams{
		UserID: v.UserID, VoidID: v.ID, EventID: v.EventID, Reason: r.Reason,
		CreatedAt: v.CreatedAt, Actor: r.Actor, RequestID: requestID,
	})
	if err != nil {
		return err
	}
	h := history{user: v.UserID}
	if h.sets, h.horizon, err = loadRulesets(ctx, q, nil); err != nil {
		return err
	}
	if h.voids, err = listVoids(ctx, q, v.UserID); err != nil {
		return err
	}
	state, alerts, err := h.without(ctx, q, len(h.voids))
	if err != nil {
		return err
	}
	v.Alerts = alerts
	if len(alerts) > 0 {
		mark := db.MarkAlertsParams{UserID: v.UserID, VoidID: v.ID, EventIds: alerts}
		if err := q.MarkAlerts(ctx, mark); err != nil {
			return err
		}
	}
	err = q.SaveStates(ctx, db.SaveStatesParams{
		UserIds: ids, LastIds: []uuid.UUID{v.ID}, States: []string{string(state.Append(nil))},
	})
	if err != nil || r.End == nil {
		return err
	}
	return r.End(ctx, q, *v)
}

// A history is what the events of a user are evaluated with.
type history struct {
	user    int64
	voids   []db.ListVoidsRow // of the user, in the order of arrival
	sets    map[int64]rules.Set
	horizon int64
}

// without evaluates the events before the n-th void, without those that the first n voids concern. It returns the state
// after them. It also returns the events with alerts that follow from these voids only: the event of the n-th void, and
// later events for which no rule fires now.
func (h *history) without(ctx context.Context, q *db.Queries, n int) (
	state rules.State, alerts []uuid.UUID, err error,
) {
	last := h.voids[n-1]
	voided := map[uuid.UUID]bool{}
	for _, void := range h.voids[:n] {
		voided[void.EventID] = true
	}
	events := eventCursor(ctx, q, -1, &h.user, nil)
	for row := events.next(h.user); row != nil && uuidAfter(last.ID, row.ID); row = events.next(h.user) {
		if voided[row.ID] {
			if row.ID == last.EventID && len(row.AlertCodes) > 0 {
				alerts = append(alerts, row.ID)
			}
			continue
		}
		e, err := parseEvent(row.Type, string(row.Amount), row.Time)
		if err != nil {
			return state, nil, err
		}
		risk, _ := rules.ParseRisk(row.Risk) // a CHECK constraint ensures a valid risk
		set, ok := h.sets[row.RulesetID]
		decision := rules.Step(&state, e, set, risk, h.horizon)
		if ok && len(decision.Codes) == 0 && len(row.AlertCodes) > 0 && uuidAfter(row.ID, last.EventID) {
			alerts = append(alerts, row.ID)
		}
	}
	return state, alerts, events.err
}

// current evaluates all events that no void concerns, and returns the state after them.
func (h *history) current(ctx context.Context, q *db.Queries) (rules.State, error) {
	all := *h
	all.voids = append(slices.Clone(h.voids), db.ListVoidsRow{ID: uuid.Max})
	state, _, err := all.without(ctx, q, len(all.voids))
	return state, err
}

// isVoided reports whether a void concerns the event.
func (h *history) isVoided(event uuid.UUID) bool {
	for _, void := range h.voids {
		if void.EventID == event {
			return true
		}
	}
	return false
}

// listVoids returns the voids of a user.
func listVoids(ctx context.Context, q *db.Queries, user int64) (all []db.ListVoidsRow, err error) {
	voids := voidCursor(ctx, q, -1, &user)
	for void := voids.next(user); void != nil; void = voids.next(user) {
		all = append(all, *void)
	}
	return all, voids.err
}
