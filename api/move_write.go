package api

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"labledger/db"
	"labledger/internal/placement"
)

// This file does planned moves and lists them.

// maxMoveChunk is the maximum number of containers that one statement changes, with those inside the moved ones, unless
// a single one holds more.
const maxMoveChunk = 5_000

// write does the moves and returns those of a page.
func (m *mover) write(ctx context.Context, page movePage) (result Moves, err error) {
	var changed []int // indexes of moved
	numbers := map[int]int{}
	for i, c := range m.moved {
		if c.from != c.to {
			numbers[i] = len(changed)
			changed = append(changed, i)
		}
	}
	moves := make([]placement.Move, len(changed))
	for n, i := range changed {
		c := m.moved[i]
		moves[n] = placement.Move{From: c.from, To: c.to, Inside: -1}
		if outer, isChanged := numbers[c.inside]; isChanged {
			moves[n].Inside = outer
		}
	}
	room, parking := m.roomNow()
	rounds, stuck := placement.Sequence(moves, room, parking)
	if len(stuck) > 0 {
		c := m.moved[changed[stuck[0]]]
		m.errs.addConflict(c.toField, "is full: %s has no place where a container can wait for the place of another one",
			m.parents[c.to.Parent].name)
		return result, m.errs.err()
	}
	listed := changed[min(page.offset, len(changed)):]
	result.Truncated = len(listed) > page.limit
	listed = listed[:min(page.limit, len(listed))]
	before, err := m.listPlaces(ctx, listed)
	if err != nil {
		return result, err
	}
	for _, steps := range rounds {
		if err := m.writeRound(ctx, changed, steps); err != nil {
			return result, err
		}
	}
	after, err := m.listPlaces(ctx, listed)
	if err != nil {
		return result, err
	}
	result.Moved, result.Moves = int64(len(changed)), make([]Move, 0, len(listed))
	for _, i := range listed {
		result.Moves = append(result.Moves, newMove(before[m.moved[i].uuid], after[m.moved[i].uuid]))
	}
	return result, nil
}

// roomNow returns how many containers fit into each parent before the moves, and the parents in which a container can
// wait: first freezers, and those without a limit before others.
func (m *mover) roomNow() (room, parking []int) {
	room = make([]int, len(m.parents))
	rank := func(n int) int {
		switch p := m.parents[n]; {
		case p.isFreezer() && room[n] == placement.AnyNumber:
			return 0
		case p.isFreezer():
			return 1
		}
		return 2
	}
	for n, p := range m.parents {
		room[n] = placement.AnyNumber
		if p.isLoaded {
			parking = append(parking, n)
			if p.capacity != placement.AnyNumber {
				room[n] = max(0, p.capacity-p.containers)
			}
		}
	}
	slices.SortStableFunc(parking, func(a, b int) int { return rank(a) - rank(b) })
	return room, parking
}

// writeRound does the steps of a round, in chunks.
func (m *mover) writeRound(ctx context.Context, changed []int, steps []placement.Step) error {
	params, weight := db.MoveContainersParams{}, int64(0)
	for n, step := range steps {
		c, parent := m.moved[changed[step.Move]], m.parents[step.To.Parent]
		params.Uuids = append(params.Uuids, c.uuid)
		params.FreezerIds = append(params.FreezerIds, parent.freezer)
		params.ParentUuids = append(params.ParentUuids, parent.container)
		params.PositionRows = append(params.PositionRows, int32(step.To.Cell.Row))
		params.PositionColumns = append(params.PositionColumns, int32(step.To.Cell.Column))
		weight += c.now.Containers
		if weight < maxMoveChunk && n < len(steps)-1 {
			continue
		}
		if err := m.q.MoveContainers(ctx, params); err != nil {
			return err
		}
		m.c.ExtendDeadlines()
		params, weight = db.MoveContainersParams{}, 0
	}
	return nil
}

// listPlaces describes where containers lie now, by UUID.
func (m *mover) listPlaces(ctx context.Context, indexes []int) (map[uuid.UUID]db.ListPlacesRow, error) {
	uuids := make([]uuid.UUID, len(indexes))
	for n, i := range indexes {
		uuids[n] = m.moved[i].uuid
	}
	rows, err := m.q.ListPlaces(ctx, db.ListPlacesParams{Uuids: uuids})
	places := make(map[uuid.UUID]db.ListPlacesRow, len(rows))
	for _, row := range rows {
		places[row.Uuid] = row
	}
	return places, err
}

func newMove(before, after db.ListPlacesRow) Move {
	return Move{
		ContainerUUID: after.Uuid, Description: after.Description, Barcode: after.Barcode,
		From: newMovePlace(before), To: newMovePlace(after),
	}
}

func newMovePlace(row db.ListPlacesRow) MovePlace {
	return MovePlace{
		SiteName: row.SiteName, FreezerID: row.FreezerID, FreezerName: row.FreezerName, ParentUUID: row.ParentUuid,
		Position: row.Position, Path: row.Path,
	}
}
