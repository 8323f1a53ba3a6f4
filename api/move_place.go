package api

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"labledger/db"
	"labledger/internal/placement"
)

// This file gives each moved container a place: a position in a grid, or room in a freezer or a container without one.

// A moveParent is a freezer or a container in which moved containers lie or will lie.
type moveParent struct {
	target
	field     string // of the request that names it first as a target; "" if none does
	isLoaded  bool   // it exists, and the following is known
	name      string
	inFreezer int64 // ID of the freezer of a container

	capacity   int // placement.AnyNumber for no limit
	containers int // that lie in it now
	leaving    int // those of them that the request moves
	placed     int // moved containers that have a place in it
	lacking    int // moved containers for which it has no room

	grid      *placement.Grid // nil without one
	blocked   map[placement.Cell]bool
	occupants map[placement.Cell]string // names of the containers that stay
	users     map[placement.Cell]int    // lines whose containers got a cell
}

// room returns how many containers fit beside those that stay and those that have a place. A grid has as many free
// cells or more: containers without a position need room, but no cell.
func (p *moveParent) room() int {
	if !p.isLoaded || p.capacity == placement.AnyNumber {
		return placement.AnyNumber
	}
	return max(0, p.capacity-p.containers+p.leaving-p.placed)
}

// number returns the number of a parent. field is that of the request that names it as a target, or "".
func (m *mover) number(t target, field string) int {
	n, isKnown := m.numbers[t]
	if !isKnown {
		n = len(m.parents)
		m.numbers[t] = n
		m.parents = append(m.parents, &moveParent{target: t, capacity: placement.AnyNumber})
	}
	if m.parents[n].field == "" {
		m.parents[n].field = field
	}
	return n
}

// loadParents locks freezers with a capacity, and loads the targets and the freezers of the moved containers.
func (m *mover) loadParents(ctx context.Context) error {
	var freezers []int64
	var containers []uuid.UUID
	for _, p := range m.parents {
		switch {
		case p.isFreezer():
			freezers = append(freezers, p.freezer)
		case p.field != "":
			containers = append(containers, p.container)
		}
	}
	if _, err := m.q.LockFreezers(ctx, db.LockFreezersParams{FreezerIds: freezers}); err != nil {
		return err
	}
	freezerRows, err := m.q.ListTargetFreezers(ctx, db.ListTargetFreezersParams{FreezerIds: freezers})
	if err != nil {
		return err
	}
	for _, row := range freezerRows {
		p := m.parents[m.numbers[target{freezer: row.ID}]]
		p.isLoaded, p.name, p.capacity, p.containers = true, row.Name, int(row.Capacity), int(row.Containers)
	}
	containerRows, err := m.q.ListTargetContainers(ctx, db.ListTargetContainersParams{Uuids: containers})
	if err != nil {
		return err
	}
	for _, row := range containerRows {
		p := m.parents[m.numbers[target{container: row.Uuid}]]
		p.isLoaded, p.name, p.capacity, p.containers = true, row.Name, int(row.Capacity), int(row.Containers)
		p.inFreezer = row.FreezerID
		if row.Rows > 0 {
			p.grid = placement.NewGrid(int(row.Rows), int(row.Columns))
			p.blocked, p.occupants = map[placement.Cell]bool{}, map[placement.Cell]string{}
			p.users = map[placement.Cell]int{}
		}
	}
	m.reportMissing()
	return m.loadGrids(ctx, containers)
}

// reportMissing reports the targets that do not exist.
func (m *mover) reportMissing() {
	for _, p := range m.parents {
		switch {
		case p.isLoaded || p.field == "":
		case p.isFreezer():
			m.errs.addInvalid(p.field+".freezer_id", noFreezer)
		default:
			m.errs.addInvalid(p.field+".container_uuid", noContainer)
		}
	}
}

// loadGrids marks the blocked positions of the targets, and those of the containers that stay.
func (m *mover) loadGrids(ctx context.Context, uuids []uuid.UUID) error {
	blocked, err := m.q.ListBlockedPositions(ctx, db.ListBlockedPositionsParams{Uuids: uuids})
	if err != nil {
		return err
	}
	for _, row := range blocked {
		p, cell := m.parents[m.numbers[target{container: row.Uuid}]], newCell(row.PositionRow, row.PositionColumn)
		p.blocked[cell] = p.grid.Take(cell, "")
	}
	taken, err := m.q.ListTakenPositions(ctx, db.ListTakenPositionsParams{Uuids: uuids})
	if err != nil {
		return err
	}
	for _, row := range taken {
		p, cell := m.parents[m.numbers[target{container: *row.ParentUuid}]], newCell(row.PositionRow, row.PositionColumn)
		if _, isMoved := m.index[row.Uuid]; !isMoved {
			p.grid.Take(cell, row.Type)
			p.occupants[cell] = row.Name
		}
	}
	return nil
}

// place gives each container a place: first those with a given position, then those that keep theirs, then all others.
func (m *mover) place(ctx context.Context) error {
	parsed, err := m.parsePositions(ctx)
	if err != nil {
		return err
	}
	for i := range m.moved {
		if m.moved[i].position != nil {
			m.placeAt(i, parsed[i])
		}
	}
	for i := range m.moved {
		c := &m.moved[i]
		row, hasLabel := parsed[i]
		if c.position == nil && hasLabel {
			if cell := newCell(row.PositionRow, row.PositionColumn); m.parents[c.to.Parent].grid.IsFree(cell) {
				m.take(i, cell)
			}
		}
	}
	for i := range m.moved {
		if c := &m.moved[i]; c.position == nil && !c.isPlaced {
			m.placeNext(i)
		}
	}
	for _, p := range m.parents {
		if p.lacking > 0 {
			m.errs.addConflict(p.field, "is full: %s has no room for %d of %d containers",
				p.name, p.lacking, p.lacking+p.placed)
		}
	}
	return nil
}

// parsePositions parses the given positions, and the labels that containers may keep, in the grids of the targets. It
// returns them by the index of the container.
func (m *mover) parsePositions(ctx context.Context) (map[int]db.ParsePositionsRow, error) {
	params := db.ParsePositionsParams{}
	for i, c := range m.moved {
		label := c.position
		if label == nil && m.keepsPositions {
			label = c.now.Position
		}
		if label != nil && m.parents[c.to.Parent].grid != nil {
			params.Numbers = append(params.Numbers, int32(i))
			params.Uuids = append(params.Uuids, c.moveLine.to.container)
			params.Labels = append(params.Labels, *label)
		}
	}
	parsed := map[int]db.ParsePositionsRow{}
	if len(params.Numbers) == 0 {
		return parsed, nil
	}
	rows, err := m.q.ParsePositions(ctx, params)
	for _, row := range rows {
		parsed[int(row.Number)] = row
	}
	return parsed, err
}

// placeAt gives a container the position that the request gives, or reports why it cannot.
func (m *mover) placeAt(i int, row db.ParsePositionsRow) {
	c := &m.moved[i]
	p, cell, field := m.parents[c.to.Parent], newCell(row.PositionRow, row.PositionColumn), c.field("position")
	if !p.isLoaded {
		return
	}
	user, isUsed := p.users[cell]
	occupant, isTaken := p.occupants[cell]
	switch {
	case p.grid == nil:
		m.errs.addInvalid(field, "needs a target with a grid")
	case cell == placement.Cell{}:
		m.errs.addInvalid(field, "must be from %s", row.LabelRange)
	case p.blocked[cell]:
		m.errs.addInvalid(field, "%s is blocked", row.Label)
	case isTaken:
		m.errs.addConflict(field, "%s of %s is taken by %s", row.Label, p.name, occupant)
	case isUsed:
		m.errs.addConflict(field, "%s of %s is already used by containers[%d]", row.Label, p.name, user)
	case p.room() == 0:
		p.lacking++
	default:
		m.take(i, cell)
	}
}

// placeNext gives a container the next free position, or room in a target without a grid.
func (m *mover) placeNext(i int) {
	c := &m.moved[i]
	p := m.parents[c.to.Parent]
	switch {
	case !p.isLoaded:
	case p.room() == 0:
		p.lacking++
	case p.grid == nil:
		p.placed++
		c.isPlaced = true
	default:
		cell, _ := p.grid.Next(m.order, c.now.Type) // there is one, see room
		m.take(i, cell)
	}
}

// take gives a container a free cell.
func (m *mover) take(i int, cell placement.Cell) {
	c := &m.moved[i]
	p := m.parents[c.to.Parent]
	if !p.grid.Take(cell, c.now.Type) {
		panic(fmt.Sprintf("api: %v of %s is not free", cell, p.name)) // the caller has checked
	}
	p.placed++
	p.users[cell] = c.number
	c.to.Cell, c.isPlaced = cell, true
}
