package api

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/db"
	"labledger/internal/placement"
)

// This file plans moves: it locks the containers, loads where they lie, and finds out what is wrong with their targets.

// A target is where a container goes: a freezer, or a container. The other one is zero.
type target struct {
	freezer   int64
	container uuid.UUID
}

func (t target) isFreezer() bool { return t.container == uuid.Nil }

// A moveLine is a container of a request with its target.
type moveLine struct {
	number   int // in the field containers
	uuid     uuid.UUID
	to       target
	toField  string
	position *string
}

// field returns the name of a field of the line.
func (l moveLine) field(name string) string { return fmt.Sprintf("containers[%d].%s", l.number, name) }

// A movedContainer is a container with its place and the one that it gets.
type movedContainer struct {
	moveLine
	now      db.ListMovedRow
	from, to placement.Place // to is complete if isPlaced
	isPlaced bool
	inside   int // index of the moved container that holds it; -1 for none
}

// A mover plans and does the moves of one request in a transaction.
type mover struct {
	c              *rest.Call
	q              *db.Queries
	lines          []moveLine
	order          placement.Order
	keepsPositions bool

	moved   []movedContainer
	index   map[uuid.UUID]int // of moved
	parents []*moveParent     // by the number in placement.Place
	numbers map[target]int
	errs    moveErrors
}

// moveErrors collects the errors of a move. One that is invalid in any state makes the request a 400, others a 409.
type moveErrors struct {
	fields    problem.FieldErrors
	isInvalid bool
}

func (e *moveErrors) addInvalid(field, format string, args ...any) {
	e.fields.Add(field, fmt.Sprintf(format, args...))
	e.isInvalid = true
}

func (e *moveErrors) addConflict(field, format string, args ...any) {
	e.fields.Add(field, fmt.Sprintf(format, args...))
}

func (e *moveErrors) err() error {
	switch {
	case len(e.fields) == 0:
		return nil
	case e.isInvalid:
		return problem.BadRequest(e.fields...)
	}
	return problem.NewConflict(e.fields...)
}

// Messages of targets that do not exist.
const (
	noFreezer   = "refers to no existing freezer"
	noContainer = "refers to no existing container"
)

// planLines plans the moves of a list of containers.
func (m *mover) planLines(ctx context.Context) error {
	lock := db.LockMovedParams{}
	for _, line := range m.lines {
		lock.Uuids = append(lock.Uuids, line.uuid)
		if !line.to.isFreezer() {
			lock.TargetUuids = append(lock.TargetUuids, line.to.container)
		}
	}
	if _, err := m.q.LockMoved(ctx, lock); err != nil {
		return err
	}
	if err := m.loadMoved(ctx, lock.Uuids); err != nil {
		return err
	}
	for i := range m.moved {
		moved := &m.moved[i]
		moved.to.Parent = m.number(moved.moveLine.to, moved.toField)
	}
	if err := m.loadParents(ctx); err != nil {
		return err
	}
	if err := m.checkNesting(ctx); err != nil {
		return err
	}
	return m.place(ctx)
}

// planEvacuation plans the moves of all containers that lie directly in a freezer.
func (m *mover) planEvacuation(ctx context.Context, id int64, targets []target) error {
	rows, err := m.q.ListTargetFreezers(ctx, db.ListTargetFreezersParams{FreezerIds: []int64{id}})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return m.c.NotFound()
	}
	lock := db.LockFreezerContentsParams{FreezerID: id}
	for _, to := range targets {
		if !to.isFreezer() {
			lock.TargetUuids = append(lock.TargetUuids, to.container)
		}
	}
	if _, err := m.q.LockFreezerContents(ctx, lock); err != nil {
		return err
	}
	uuids, err := m.q.ListFreezerContents(ctx, db.ListFreezerContentsParams{FreezerID: id})
	if err != nil {
		return err
	}
	m.c.ExtendDeadlines()
	m.lines = make([]moveLine, len(uuids))
	for i, id := range uuids {
		m.lines[i] = moveLine{number: i, uuid: id}
	}
	if err := m.loadMoved(ctx, uuids); err != nil {
		return err
	}
	for i, to := range targets {
		m.number(to, fmt.Sprintf("to[%d]", i))
	}
	if err := m.loadParents(ctx); err != nil {
		return err
	}
	m.distribute(id, targets)
	return m.place(ctx)
}

// distribute gives each container of an evacuated freezer the first target that has room.
func (m *mover) distribute(freezer int64, targets []target) {
	next := 0
	for i, to := range targets {
		parent := m.parents[m.numbers[to]]
		field := fmt.Sprintf("to[%d]", i)
		switch {
		case to.freezer == freezer:
			m.errs.addInvalid(field+".freezer_id", "must be another freezer")
		case parent.inFreezer == freezer:
			m.errs.addInvalid(field+".container_uuid", "must lie in another freezer")
		}
		room := parent.room()
		for ; next < len(m.moved) && room != 0; next++ {
			m.moved[next].moveLine.to, m.moved[next].toField = to, field
			m.moved[next].to.Parent = m.numbers[to]
			if room > 0 {
				room--
			}
		}
	}
	if lacking := len(m.moved) - next; lacking > 0 {
		m.errs.addConflict("to", "has no room for %d of %d containers", lacking, len(m.moved))
		m.moved = m.moved[:next]
	}
}

// loadMoved loads where the containers lie, with their freezers, and locks those freezers with the targets.
func (m *mover) loadMoved(ctx context.Context, uuids []uuid.UUID) error {
	rows, err := m.q.ListMoved(ctx, db.ListMovedParams{Uuids: uuids})
	if err != nil {
		return err
	}
	found := make(map[uuid.UUID]int, len(rows))
	for i := range rows {
		found[rows[i].Uuid] = i
	}
	m.index = make(map[uuid.UUID]int, len(rows))
	m.moved = make([]movedContainer, 0, len(rows))
	for _, line := range m.lines {
		earlier, isListed := m.index[line.uuid]
		i, exists := found[line.uuid]
		switch {
		case !exists:
			m.errs.addInvalid(line.field("container_uuid"), noContainer)
			continue
		case isListed:
			m.errs.addInvalid(line.field("container_uuid"), "is already listed in containers[%d]", m.moved[earlier].number)
			continue
		}
		m.index[line.uuid] = len(m.moved)
		from := target{freezer: rows[i].FreezerID}
		number := m.number(from, "") // a container that makes room for another one may wait there
		if rows[i].ParentUuid != nil {
			number = m.number(target{container: *rows[i].ParentUuid}, "")
		}
		m.parents[number].leaving++
		m.moved = append(m.moved, movedContainer{
			moveLine: line, now: rows[i], inside: -1,
			from: placement.Place{Parent: number, Cell: newCell(rows[i].PositionRow, rows[i].PositionColumn)},
		})
	}
	return nil
}

func newCell(row, column int32) placement.Cell {
	return placement.Cell{Row: int(row), Column: int(column)}
}

// checkNesting rejects a target that lies in a moved container, and finds out which moved containers lie in others.
func (m *mover) checkNesting(ctx context.Context) error {
	uuids := make([]uuid.UUID, 0, len(m.moved))
	moved := make([]uuid.UUID, 0, len(m.moved))
	for _, c := range m.moved {
		moved = append(moved, c.uuid)
		if c.now.ParentUuid != nil {
			uuids = append(uuids, c.uuid)
		}
	}
	for _, parent := range m.parents {
		if !parent.isFreezer() && parent.field != "" {
			uuids = append(uuids, parent.container)
		}
	}
	rows, err := m.q.ListMovedAncestors(ctx, db.ListMovedAncestorsParams{Uuids: uuids, MovedUuids: moved})
	if err != nil {
		return err
	}
	holders := map[uuid.UUID][]int{} // moved containers that are or hold a container, the innermost one first
	for _, row := range rows {
		i := m.index[row.AncestorUuid]
		holders[row.Uuid] = append(holders[row.Uuid], i)
		if inner, isMoved := m.index[row.Uuid]; isMoved && row.Distance > 0 && m.moved[inner].inside < 0 {
			m.moved[inner].inside = i
		}
	}
	for _, c := range m.moved {
		m.checkTarget(c, holders[c.moveLine.to.container])
	}
	return nil
}

// checkTarget rejects a target that holders, which move as well, are or hold.
func (m *mover) checkTarget(c movedContainer, holders []int) {
	field := c.toField + ".container_uuid"
	if len(holders) == 0 || c.moveLine.to.isFreezer() || m.errs.fields.Has(field) {
		return
	}
	for _, i := range holders {
		if other := m.moved[i]; other.moveLine.to == c.moveLine.to && other.toField == c.toField {
			m.errs.addInvalid(field, "must not be containers[%d] or lie in it", other.number)
			return
		}
	}
	m.errs.addInvalid(field, "moves in the same request, with containers[%d]; use two requests",
		m.moved[holders[0]].number)
}
