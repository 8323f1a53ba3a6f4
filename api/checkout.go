package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/db"
	"labledger/internal/ledger"
	"labledger/internal/rules"
	"labledger/internal/sqltype"
)

// custody records who has a container: check-outs, with the events of their holders.
type custody struct {
	ledger *ledger.Ledger
}

// NewCheckout describes a check-out to record.
type NewCheckout struct {
	// UUID of the container.
	ContainerUUID uuid.UUID `json:"container_uuid"`
	// Username of who takes the container; the caller by default.
	Holder *string `json:"holder"`
	// Day when the holder is to return the container; null for none.
	DueOn *sqltype.Date `json:"due_on"`
	// What the holder needs the container for.
	Purpose *string `json:"purpose"`
}

// RecordedCheckout describes a check-out, and what the rules found in the events of the request.
type RecordedCheckout struct {
	db.Checkout
	// Whether an event of the request raised an alert.
	Alert bool `json:"alert"`
	// Codes of the rules that fired for the events of the request, in ascending order.
	AlertCodes []int32 `json:"alert_codes"`
}

// The documentation of the operations.
var (
	checkOutDoc = rest.Doc{
		Queries:  []any{(*db.Queries).GetCheckoutTerms, (*db.Queries).LockContainer, (*db.Queries).CreateCheckout},
		Status:   http.StatusCreated,
		Problems: []int{http.StatusConflict},
	}
	returnDoc = rest.Doc{
		Queries: []any{
			(*db.Queries).FindCheckout, (*db.Queries).LockContainer, (*db.Queries).UseContainer,
			(*db.Queries).EndCheckout,
		},
		Problems: []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed},
	}
	transferDoc = rest.Doc{
		Queries: []any{
			(*db.Queries).FindCheckout, (*db.Queries).GetCheckoutTerms, (*db.Queries).LockContainer,
			(*db.Queries).EndCheckout, (*db.Queries).CreateCheckout,
		},
		Status:   http.StatusCreated,
		Problems: []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed},
	}
)

// CheckOut records that a user takes a container, with a withdrawal of the user in the same transaction. The amount of
// the withdrawal is the quantity of the container with two decimals, or 1.00. The position of the container stays
// reserved. If another user has the container, the request fails with 409.
func (cu custody) CheckOut(ctx context.Context, c *rest.Call, in NewCheckout) (recorded RecordedCheckout, err error) {
	if in.Holder == nil && c.Caller.AccountID == rest.NoAccount {
		c.Errors.Add("holder", "is missing, but needed because the caller has no account")
	}
	if err := c.Errors.Err(); err != nil {
		return recorded, err
	}
	holder := c.Caller.Username
	if in.Holder != nil {
		holder = *in.Holder
	}
	var withdrawal movement
	return cu.record(ctx, custodyWrite{
		Call: c,
		plan: func(ctx context.Context, q *db.Queries) (uuid.UUID, []movement, error) {
			withdrawal, err = planWithdrawal(ctx, q, in.ContainerUUID, holder)
			return in.ContainerUUID, []movement{withdrawal}, err
		},
		store: func(ctx context.Context, q *db.Queries, events []ledger.Result) (db.Checkout, error) {
			return createCheckout(ctx, c, q, db.CreateCheckoutParams{
				ContainerUuid: in.ContainerUUID, Holder: holder, DueOn: in.DueOn, Purpose: in.Purpose,
				Amount: withdrawal.decimal(), EventID: events[0].EventID,
			})
		},
	})
}

// CheckoutReturn describes a return.
type CheckoutReturn struct {
	// ID of the check-out.
	ID int64 `json:"id"`
	// Quantity that is left; null if it has not changed.
	Quantity *sqltype.Decimal `json:"quantity"`
	// Whether the contents were thawed: true adds 1 to the thaw count of the container.
	Thawed *bool `json:"thawed"`
	// Version of the check-out.
	Version *int64 `json:"version"`
}

// ReturnCheckout ends a check-out, with a deposit of the holder in the same transaction. The amount of the deposit is
// that of the withdrawal.
func (cu custody) ReturnCheckout(
	ctx context.Context, c *rest.Call, in CheckoutReturn,
) (recorded RecordedCheckout, err error) {
	if err := c.Errors.Err(); err != nil {
		return recorded, err
	}
	find := db.FindCheckoutParams{ID: &in.ID, Version: in.Version}
	return cu.recordReturn(ctx, c, find, nil, use{in.Quantity, in.Thawed})
}

// ContainerReturn describes the return of a container.
type ContainerReturn struct {
	// UUID of the container.
	UUID uuid.UUID `json:"uuid"`
	// Quantity that is left; null if it has not changed.
	Quantity *sqltype.Decimal `json:"quantity"`
	// Whether the contents were thawed: true adds 1 to the thaw count.
	Thawed *bool `json:"thawed"`
	// Version of the container.
	Version *int64 `json:"version"`
}

// ReturnContainer ends the open check-out of a container, with a deposit of the holder in the same transaction. The
// amount of the deposit is that of the withdrawal.
func (cu custody) ReturnContainer(
	ctx context.Context, c *rest.Call, in ContainerReturn,
) (recorded RecordedCheckout, err error) {
	if err := c.Errors.Err(); err != nil {
		return recorded, err
	}
	find := db.FindCheckoutParams{ContainerUuid: &in.UUID}
	return cu.recordReturn(ctx, c, find, in.Version, use{in.Quantity, in.Thawed})
}

// A use is what happened to the contents of a container while it was checked out.
type use struct {
	quantity *sqltype.Decimal // that is left; nil if it has not changed
	thawed   *bool
}

// recordReturn ends a check-out. version is the expected version of the container, or nil.
func (cu custody) recordReturn(
	ctx context.Context, c *rest.Call, find db.FindCheckoutParams, version *int64, used use,
) (RecordedCheckout, error) {
	var open db.FindCheckoutRow
	return cu.record(ctx, custodyWrite{
		Call: c, version: version,
		plan: func(ctx context.Context, q *db.Queries) (container uuid.UUID, moves []movement, err error) {
			if open, err = findOpen(ctx, c, q, find); err != nil {
				return container, nil, err
			}
			return open.Checkout.ContainerUuid, []movement{depositOf(&open)}, nil
		},
		store: func(ctx context.Context, q *db.Queries, events []ledger.Result) (ended db.Checkout, err error) {
			thawed := used.thawed != nil && *used.thawed
			if used.quantity != nil || thawed {
				err := q.UseContainer(ctx, db.UseContainerParams{
					Uuid: open.Checkout.ContainerUuid, Quantity: used.quantity, Thawed: thawed,
				})
				if err != nil {
					return ended, err
				}
			}
			return q.EndCheckout(ctx, db.EndCheckoutParams{
				ID: open.Checkout.ID, Outcome: "returned", EventID: events[0].EventID,
			})
		},
	})
}

// CheckoutTransfer describes who takes a container from its holder.
type CheckoutTransfer struct {
	// ID of the check-out that ends.
	ID int64 `json:"id"`
	// Username of who takes the container.
	Holder string `json:"holder"`
	// Day when the new holder is to return the container; null for none.
	DueOn *sqltype.Date `json:"due_on"`
	// What the new holder needs the container for.
	Purpose *string `json:"purpose"`
	// Version of the check-out that ends.
	Version *int64 `json:"version"`
}

// TransferCheckout records that a holder hands a container over to another user. It ends the check-out with a deposit
// of the holder, and creates a check-out with a withdrawal of the other user, which it returns. All of it is one
// transaction.
func (cu custody) TransferCheckout(
	ctx context.Context, c *rest.Call, in CheckoutTransfer,
) (recorded RecordedCheckout, err error) {
	if err := c.Errors.Err(); err != nil {
		return recorded, err
	}
	var open db.FindCheckoutRow
	var withdrawal movement
	return cu.record(ctx, custodyWrite{
		Call: c,
		plan: func(ctx context.Context, q *db.Queries) (container uuid.UUID, moves []movement, err error) {
			open, err = findOpen(ctx, c, q, db.FindCheckoutParams{ID: &in.ID, Version: in.Version})
			if err != nil {
				return container, nil, err
			}
			container = open.Checkout.ContainerUuid
			if open.Checkout.Holder == in.Holder {
				return container, nil, problem.New(problem.Conflict, "%s has %s already.",
					open.HolderName, open.ContainerName)
			}
			withdrawal, err = planWithdrawal(ctx, q, container, in.Holder)
			return container, []movement{depositOf(&open), withdrawal}, err
		},
		store: func(ctx context.Context, q *db.Queries, events []ledger.Result) (db.Checkout, error) {
			ended, err := q.EndCheckout(ctx, db.EndCheckoutParams{
				ID: open.Checkout.ID, Outcome: "transferred", EventID: events[0].EventID,
			})
			if err != nil {
				return ended, err
			}
			return createCheckout(ctx, c, q, db.CreateCheckoutParams{
				ContainerUuid: ended.ContainerUuid, Holder: in.Holder, DueOn: in.DueOn, Purpose: in.Purpose,
				Amount: withdrawal.decimal(), EventID: events[1].EventID,
			})
		},
	})
}

// A movement is an event of a holder.
type movement struct {
	userID int64
	kind   rules.Type
	amount rules.Cents
}

// decimal returns the amount for a check-out.
func (m movement) decimal() sqltype.Decimal { return sqltype.Decimal(m.amount.String()) }

// planWithdrawal returns the event of a user who checks out a container.
func planWithdrawal(ctx context.Context, q *db.Queries, container uuid.UUID, holder string) (m movement, err error) {
	terms, err := q.GetCheckoutTerms(ctx, db.GetCheckoutTermsParams{ContainerUuid: container, Holder: holder})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return m, problem.BadRequest(problem.FieldError{
			Field: "container_uuid", Message: "refers to no existing container",
		})
	case err != nil:
		return m, err
	case terms.HolderID == nil:
		return m, problem.BadRequest(problem.FieldError{Field: "holder", Message: "refers to no existing user"})
	}
	amount, _ := rules.ParseCents(string(terms.Amount)) // the query returns an amount of an event
	return movement{*terms.HolderID, rules.Withdraw, amount}, nil
}

// depositOf returns the event of a holder who returns a container.
func depositOf(open *db.FindCheckoutRow) movement {
	amount, _ := rules.ParseCents(string(open.Checkout.Amount)) // a constraint ensures an amount of an event
	return movement{open.HolderID, rules.Deposit, amount}
}

// findOpen returns a check-out that is open, or a problem.
func findOpen(
	ctx context.Context, c *rest.Call, q *db.Queries, find db.FindCheckoutParams,
) (open db.FindCheckoutRow, err error) {
	open, err = q.FindCheckout(ctx, find)
	switch {
	case errors.Is(err, pgx.ErrNoRows) && find.ContainerUuid != nil:
		container, err := q.GetContainer(ctx, db.GetContainerParams{Uuid: *find.ContainerUuid})
		if err == nil {
			return open, problem.New(problem.Conflict, "The container is not checked out; it is %s.", container.Status)
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return open, err
		}
		return open, c.NotFound()
	case errors.Is(err, pgx.ErrNoRows):
		return open, c.NotFound()
	case err != nil:
		return open, err
	case open.Checkout.ReturnedAt != nil:
		return open, problem.New(problem.Conflict, "The check-out of %s by %s ended on %s; outcome: %s.",
			open.ContainerName, open.HolderName, open.Checkout.ReturnedAt.UTC().Format(time.DateOnly),
			*open.Checkout.Outcome)
	}
	return open, nil
}

// createCheckout stores a check-out, and sets the status and the location of the response.
func createCheckout(
	ctx context.Context, c *rest.Call, q *db.Queries, params db.CreateCheckoutParams,
) (db.Checkout, error) {
	created, err := q.CreateCheckout(ctx, params)
	if err == nil {
		c.Status = http.StatusCreated
		c.SetLocation("/api/v1/checkouts/" + strconv.FormatInt(created.ID, 10))
	}
	return created, err
}

// A custodyWrite is a request that changes who has a container.
type custodyWrite struct {
	*rest.Call
	version *int64 // expected version of the container, or nil

	// plan returns the container and the events of the request. It is called before the transaction, since the ledger
	// has to know the users, and again in it, when the container is locked.
	plan func(ctx context.Context, q *db.Queries) (container uuid.UUID, moves []movement, err error)
	// store stores the change with the recorded events, and returns the check-out of the response.
	store func(ctx context.Context, q *db.Queries, events []ledger.Result) (db.Checkout, error)
}

// errPlanChanged reports that another request changed what the events depend on.
var errPlanChanged = errors.New("the plan has changed")

// record records the events of a request and stores its change in one transaction.
func (cu custody) record(ctx context.Context, w custodyWrite) (recorded RecordedCheckout, err error) {
	const attempts = 5
	for range attempts {
		recorded, err = cu.attempt(ctx, w)
		if !errors.Is(err, errPlanChanged) {
			break
		}
	}
	switch {
	case errors.Is(err, errPlanChanged):
		err = problem.Unavailable(problem.WriteConflict,
			"Concurrent requests change the same container. Nothing was changed; try again.", err)
	case err != nil:
		err = ledgerProblem(err)
	}
	if err != nil {
		w.ResetResponse()
	}
	return recorded, err
}

func (cu custody) attempt(ctx context.Context, w custodyWrite) (recorded RecordedCheckout, err error) {
	container, moves, err := w.plan(ctx, w.Queries())
	if err != nil {
		return recorded, w.reject(ctx, err)
	}
	request := ledger.TxRequest{
		Begin: func(ctx context.Context, q *db.Queries) error {
			if err := w.BeginWrite(ctx, q); err != nil {
				return err
			}
			if err := q.LockContainer(ctx, db.LockContainerParams{Uuid: container, Version: w.version}); err != nil {
				return err
			}
			_, present, err := w.plan(ctx, q)
			if err == nil && !slices.Equal(present, moves) {
				err = errPlanChanged
			}
			return err
		},
		End: func(ctx context.Context, q *db.Queries, events []ledger.Result) error {
			row, err := w.store(ctx, q, events)
			if err != nil {
				return err
			}
			w.SetVersion(row.Version)
			recorded = newRecordedCheckout(row, events)
			return w.SaveResponse(ctx, q, recorded)
		},
	}
	now := time.Now().Unix()
	for _, m := range moves {
		request.Events = append(request.Events, ledger.RecordRequest{
			UserID: m.userID, Event: rules.Event{Type: m.kind, Amount: m.amount, Time: now},
			Actor: w.Caller.Username, ContainerUUID: &container,
		})
	}
	_, err = cu.ledger.RecordTx(ctx, request, w.DryRun)
	return recorded, err
}

// reject returns why a request fails before its transaction, unless it repeats a request that was executed.
func (w *custodyWrite) reject(ctx context.Context, cause error) error {
	if w.IdempotencyKey() == "" {
		return cause
	}
	return w.Tx(ctx, func(context.Context, *db.Queries) error { return cause })
}

// newRecordedCheckout returns the response with a check-out and the results of the events.
func newRecordedCheckout(row db.Checkout, events []ledger.Result) RecordedCheckout {
	recorded := RecordedCheckout{Checkout: row, AlertCodes: []int32{}}
	for _, e := range events {
		recorded.Alert = recorded.Alert || e.AlertID != uuid.Nil
		recorded.AlertCodes = append(recorded.AlertCodes, e.Codes...)
	}
	slices.Sort(recorded.AlertCodes)
	recorded.AlertCodes = slices.Compact(recorded.AlertCodes)
	return recorded
}
