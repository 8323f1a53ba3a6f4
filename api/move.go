package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/api/bind"
	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/db"
	"labledger/internal/placement"
)

// MoveRequest describes which containers go where.
type MoveRequest struct {
	// Where the containers go: {freezer_id} or {container_uuid}. Null if each container has its own target.
	To *json.RawMessage `json:"to"`
	// The containers: [{container_uuid, position, to}], at most 10,000.
	Containers json.RawMessage `json:"containers"`
	// Order in which free positions are used for containers without a position: rows (row by row), columns, or same_type
	// (the position nearest to a container of the same type; row by row if there is none). Default: rows.
	Order *string `json:"order"`
	// True if a container without a given position keeps its label where that position is free in the target.
	KeepPositions *bool `json:"keep_positions"`
	// Maximum number of moves to list. Default: 1000.
	Limit *int64 `json:"limit"`
	// Number of moves to skip before the first one that is listed. Default: 0.
	Offset *int64 `json:"offset"`
}

// MoveLine describes one container of a move.
type MoveLine struct {
	// UUID of the container.
	ContainerUUID *uuid.UUID `json:"container_uuid"`
	// Position in the grid of the target, such as B4. Null for a free one.
	Position *string `json:"position"`
	// Where this container goes: {freezer_id} or {container_uuid}. Null for the target of the request.
	To *json.RawMessage `json:"to"`
}

// MoveTarget describes where containers go: a freezer or a container.
type MoveTarget struct {
	// ID of the freezer in which the container lies directly.
	FreezerID *int64 `json:"freezer_id"`
	// UUID of the container in which the container lies.
	ContainerUUID *uuid.UUID `json:"container_uuid"`
}

// EvacuateRequest describes where the contents of a freezer go.
type EvacuateRequest struct {
	// ID of the freezer.
	ID int64 `json:"id"`
	// Where the containers go: [{freezer_id} or {container_uuid}], at most 1,000. Each target is filled before the next.
	To json.RawMessage `json:"to"`
	// True if a container keeps its label where that position is free in the target. What lies directly in a freezer has
	// no position, and what lies in another container keeps its position in any case.
	KeepPositions *bool `json:"keep_positions"`
	// Maximum number of moves to list. Default: 1000.
	Limit *int64 `json:"limit"`
	// Number of moves to skip before the first one that is listed. Default: 0.
	Offset *int64 `json:"offset"`
}

// Moves is the result of a move: which containers changed their place. Containers that are at their place already do
// not count.
type Moves struct {
	// Number of moved containers, without those inside them.
	Moved int64 `json:"moved"`
	// The moved containers, in the order of the request, from offset on and at most limit.
	Moves []Move `json:"moves"`
	// True if there are more moves after the listed ones. After the move, the history has all changes of the request.
	Truncated bool `json:"truncated"`
}

// Move is a moved container with both places.
type Move struct {
	// UUID of the container.
	ContainerUUID uuid.UUID `json:"container_uuid"`
	// Contents of the container.
	Description *string `json:"description"`
	// Barcode on the container; null for none.
	Barcode *string `json:"barcode"`
	// Where the container lay.
	From MovePlace `json:"from"`
	// Where the container lies now.
	To MovePlace `json:"to"`
}

// MovePlace is where a container lies.
type MovePlace struct {
	// Name of the site.
	SiteName string `json:"site_name"`
	// ID of the freezer.
	FreezerID int64 `json:"freezer_id"`
	// Name of the freezer.
	FreezerName string `json:"freezer_name"`
	// UUID of the container in which it lies; null for one that lies in the freezer directly.
	ParentUUID *uuid.UUID `json:"parent_uuid"`
	// Position in the grid of that container; null for none.
	Position *string `json:"position"`
	// The way to the container in words, such as "Minus80-B2 › Shelf 2 › Rack 3, B4".
	Path string `json:"path"`
}

// Plans of the objects in the body of a move.
var (
	MoveLinePlan   = bind.New(reflect.TypeFor[MoveLine](), http.MethodPatch, nil, nestedOptions)
	MoveTargetPlan = bind.New(reflect.TypeFor[MoveTarget](), http.MethodPatch, nil, nestedOptions)
)

// Bounds of a move.
const (
	MaxMoveLines   = 10_000
	MaxMoveTargets = 1_000
	maxListedMoves = 10_000 // in one response
	listedMoves    = 1_000  // the default
)

// placementOrders are the values of MoveRequest.Order.
var placementOrders = map[string]placement.Order{
	"rows": placement.ByRow, "columns": placement.ByColumn, "same_type": placement.NearType,
}

// The documentation of MoveContainers and EvacuateFreezer.
var (
	moveDoc = rest.Doc{
		Queries: append([]any{
			(*db.Queries).LockMoved, (*db.Queries).ListMovedAncestors, (*db.Queries).ParsePositions,
		}, moveQueries...),
		Long: true, Waits: true, Problems: []int{http.StatusConflict},
	}
	evacuateDoc = rest.Doc{
		Queries: append([]any{(*db.Queries).LockFreezerContents, (*db.Queries).ListFreezerContents}, moveQueries...),
		Long:    true, Waits: true, Problems: []int{http.StatusNotFound, http.StatusConflict},
	}
	moveQueries = []any{
		(*db.Queries).ListMoved, (*db.Queries).LockFreezers, (*db.Queries).ListTargetFreezers,
		(*db.Queries).ListTargetContainers, (*db.Queries).ListTakenPositions, (*db.Queries).ListBlockedPositions,
		(*db.Queries).ListPlaces, (*db.Queries).MoveContainers,
	}
)

// MoveContainers moves many containers, all or none. What lies in a container moves with it. A container without a
// position gets the next free one of a target with a grid. Positions that the moved containers leave can be used, so
// containers can swap places. The response is a pick list. With dry_run=true it is the plan, and nothing is moved.
func MoveContainers(ctx context.Context, c *rest.Call, in MoveRequest) (moved Moves, err error) {
	lines := bindMoveLines(in, &c.Errors)
	if err := c.Errors.Err(); err != nil {
		return moved, err
	}
	order := placement.ByRow
	if in.Order != nil {
		order = placementOrders[*in.Order]
	}
	return writeMoves(ctx, c, newMovePage(in.Limit, in.Offset), func(ctx context.Context, m *mover) error {
		m.lines, m.order, m.keepsPositions = lines, order, in.KeepPositions != nil && *in.KeepPositions
		return m.planLines(ctx)
	})
}

// EvacuateFreezer moves everything that lies directly in a freezer to other freezers and containers, all or nothing.
// What lies in a container moves with it. Each target takes as many containers as it has room for, in the given order.
// The response is a pick list. With dry_run=true it is the plan, and nothing is moved.
func EvacuateFreezer(ctx context.Context, c *rest.Call, in EvacuateRequest) (moved Moves, err error) {
	targets := bindEvacuationTargets(in.To, &c.Errors)
	if err := c.Errors.Err(); err != nil {
		return moved, err
	}
	return writeMoves(ctx, c, newMovePage(in.Limit, in.Offset), func(ctx context.Context, m *mover) error {
		m.keepsPositions = in.KeepPositions != nil && *in.KeepPositions
		return m.planEvacuation(ctx, in.ID, targets)
	})
}

// A movePage selects the moves that a response lists.
type movePage struct{ limit, offset int }

func newMovePage(limit, offset *int64) movePage {
	page := movePage{limit: listedMoves}
	if limit != nil {
		page.limit = int(*limit)
	}
	if offset != nil {
		page.offset = int(*offset)
	}
	return page
}

// maxDepthConstraint is the constraint that limits how deep containers nest.
const maxDepthConstraint = "container_depth_at_most_15"

// writeMoves plans moves and does them in one transaction, which a dry run rolls back.
func writeMoves(
	ctx context.Context, c *rest.Call, page movePage, plan func(ctx context.Context, m *mover) error,
) (Moves, error) {
	moved, err := rest.WriteLong(ctx, c, func(ctx context.Context, q *db.Queries) (moved Moves, err error) {
		m := &mover{c: c, q: q, numbers: map[target]int{}}
		if err := plan(ctx, m); err != nil {
			return moved, err
		}
		if err := m.errs.err(); err != nil {
			return moved, err
		}
		return m.write(ctx, page)
	})
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.ConstraintName == maxDepthConstraint {
		err = problem.BadRequest(problem.FieldError{Field: "to", Message: "would nest containers more than 15 deep"})
	}
	return moved, err
}

// bindMoveLines parses the containers of a move with their targets.
func bindMoveLines(in MoveRequest, errs *problem.FieldErrors) (lines []moveLine) {
	var common target
	if in.To != nil {
		var targetErrs problem.FieldErrors
		common = bindTarget(*in.To, &targetErrs)
		addNested(errs, "to", targetErrs)
	}
	array := bodyArray{"containers", MaxMoveLines, MoveLinePlan}
	bindArray(array, in.Containers, errs, func(n int, element MoveLine, lineErrs *problem.FieldErrors) {
		line := moveLine{number: n, to: common, toField: "to", position: element.Position}
		if element.ContainerUUID != nil {
			line.uuid = *element.ContainerUUID
		} else if !lineErrs.Has("container_uuid") && !lineErrs.Has("body") {
			lineErrs.Add("container_uuid", "is missing")
		}
		switch {
		case element.To != nil:
			var targetErrs problem.FieldErrors
			line.to, line.toField = bindTarget(*element.To, &targetErrs), line.field("to")
			addNested(lineErrs, "to", targetErrs)
		case in.To == nil && len(*lineErrs) == 0:
			lineErrs.Add("to", "is missing; or give to for all containers")
		}
		lines = append(lines, line)
	})
	if len(lines) == 0 && !errs.Has("containers") {
		errs.Add("containers", "must name at least one container")
	}
	return lines
}

// bindTarget parses a target.
func bindTarget(text []byte, errs *problem.FieldErrors) target {
	var in MoveTarget
	*errs = bindObject(MoveTargetPlan, &in, text)
	return newTarget(in, errs)
}

// newTarget returns the target that an object names.
func newTarget(in MoveTarget, errs *problem.FieldErrors) (to target) {
	switch {
	case len(*errs) > 0:
	case (in.FreezerID == nil) == (in.ContainerUUID == nil):
		errs.Add("body", "must have either freezer_id or container_uuid")
	case in.FreezerID != nil:
		to.freezer = *in.FreezerID
	case *in.ContainerUUID == uuid.Nil: // means none in the queries
		errs.Add("container_uuid", noContainer)
	default:
		to.container = *in.ContainerUUID
	}
	return to
}

// bindEvacuationTargets parses the targets of an evacuation.
func bindEvacuationTargets(text []byte, errs *problem.FieldErrors) (targets []target) {
	array := bodyArray{"to", MaxMoveTargets, MoveTargetPlan}
	bindArray(array, text, errs, func(_ int, in MoveTarget, targetErrs *problem.FieldErrors) {
		to := newTarget(in, targetErrs)
		if earlier := slices.Index(targets, to); earlier >= 0 && len(*targetErrs) == 0 {
			targetErrs.Add("body", fmt.Sprintf("is the same target as to[%d]", earlier))
		}
		targets = append(targets, to)
	})
	if len(targets) == 0 && !errs.Has("to") {
		errs.Add("to", "must name at least one target")
	}
	return targets
}
