package placement

// A Place is where a container lies: in a parent, which the caller numbers from 0, and at a cell of its grid. The cell
// is zero in a parent without a grid.
type Place struct {
	Parent int
	Cell   Cell
}

// A Move brings a container from one place to another one.
type Move struct {
	From, To Place
	Inside   int // the move of a container that holds this one; -1 for none
}

// A Step puts the container of a move at a place.
type Step struct {
	Move int
	To   Place
}

// AnyNumber is the room of a parent without a limit.
const AnyNumber = -1

// Sequence orders moves in rounds. The steps of a round can be done at once: each cell is free before the round, and
// each parent has room for all that the round adds. room has how many more containers fit into each parent before the
// first round. Sequence changes it.
//
// A container makes one step, unless its place is part of a cycle: then one container of the cycle first gives up its
// cell, or waits in one of the parents of parking that has room. A container leaves another one that moves as well no
// later than that one, if possible.
//
// stuck has the moves for which no parent has room to wait. Without stuck moves, all moves are done.
func Sequence(moves []Move, room, parking []int) (rounds [][]Step, stuck []int) {
	s := newSequencer(moves, room)
	for len(s.pending) > 0 {
		steps := s.advance(false)
		if len(steps) == 0 {
			steps = s.advance(true)
		}
		if len(steps) == 0 {
			steps = s.clearCycles()
		}
		if len(steps) == 0 {
			steps = s.park(parking)
		}
		if len(steps) == 0 {
			return rounds, s.pending
		}
		rounds = append(rounds, steps)
	}
	return rounds, nil
}

// A sequencer holds the state between two rounds.
type sequencer struct {
	moves   []Move
	room    []int
	at      []Place       // where the container of each move lies
	holders map[Place]int // the pending move whose container lies at a cell
	inside  []int         // number of pending moves of containers inside that of each move
	parked  []bool        // by move, so that no container waits twice
	pending []int         // moves that are not done
}

func newSequencer(moves []Move, room []int) *sequencer {
	s := &sequencer{
		moves: moves, room: room, at: make([]Place, len(moves)), holders: map[Place]int{},
		inside: make([]int, len(moves)), parked: make([]bool, len(moves)), pending: make([]int, len(moves)),
	}
	for i, m := range moves {
		s.at[i], s.pending[i] = m.From, i
		if m.From.Cell != (Cell{}) {
			s.holders[m.From] = i
		}
		if m.Inside >= 0 {
			s.inside[m.Inside]++
		}
	}
	return s
}

// blocker returns the pending move whose container lies where another one goes.
func (s *sequencer) blocker(i int) (blocker int, isBlocked bool) {
	blocker, isBlocked = s.holders[s.moves[i].To]
	return blocker, isBlocked && blocker != i
}

// hasRoom reports whether the target of a move has room for its container.
func (s *sequencer) hasRoom(i int) bool {
	parent := s.moves[i].To.Parent
	return parent == s.at[i].Parent || s.room[parent] != 0
}

// advance returns the moves that can be done now. Without anyOrder, a container waits for those inside it.
func (s *sequencer) advance(anyOrder bool) (steps []Step) {
	remaining := s.pending[:0:0]
	for _, i := range s.pending {
		_, isBlocked := s.blocker(i)
		if isBlocked || !s.hasRoom(i) || s.inside[i] > 0 && !anyOrder {
			remaining = append(remaining, i)
			continue
		}
		s.enter(i, s.moves[i].To.Parent)
		steps = append(steps, Step{i, s.moves[i].To})
	}
	for _, step := range steps {
		s.leave(step)
		if outer := s.moves[step.Move].Inside; outer >= 0 {
			s.inside[outer]--
		}
	}
	s.pending = remaining
	return steps
}

// enter uses room of the parent to which a container goes. The room that it leaves is free only after the round.
func (s *sequencer) enter(i, parent int) {
	if parent != s.at[i].Parent && s.room[parent] > 0 {
		s.room[parent]--
	}
}

// leave frees what the container of a step leaves.
func (s *sequencer) leave(step Step) {
	from := s.at[step.Move]
	if s.holders[from] == step.Move {
		delete(s.holders, from)
	}
	if from.Parent != step.To.Parent && s.room[from.Parent] >= 0 {
		s.room[from.Parent]++
	}
	s.at[step.Move] = step.To
}

// clearCycles returns steps in which one container of each cycle gives up its cell and stays in its parent.
func (s *sequencer) clearCycles() (steps []Step) {
	const unseen = -1
	seen := make([]int, len(s.moves)) // the walk that came to a move
	for i := range seen {
		seen[i] = unseen
	}
	for _, start := range s.pending {
		i, isBlocked := start, true
		for isBlocked && seen[i] == unseen && s.hasRoom(i) {
			seen[i] = start
			i, isBlocked = s.blocker(i)
		}
		if isBlocked && seen[i] == start && s.hasRoom(i) { // the walk came back to itself
			step := Step{i, Place{Parent: s.at[i].Parent}}
			s.leave(step)
			steps = append(steps, step)
		}
	}
	return steps
}

// park returns a step in which one container leaves a parent that another one waits for.
func (s *sequencer) park(parking []int) []Step {
	wanted := map[int]bool{} // parents without room
	for _, i := range s.pending {
		if !s.hasRoom(i) {
			wanted[s.moves[i].To.Parent] = true
		}
	}
	for _, i := range s.pending {
		if s.parked[i] || !wanted[s.at[i].Parent] || s.moves[i].To.Parent == s.at[i].Parent {
			continue
		}
		for _, parent := range parking {
			if parent != s.at[i].Parent && s.room[parent] != 0 {
				step := Step{i, Place{Parent: parent}}
				s.parked[i] = true
				s.enter(i, parent)
				s.leave(step)
				return []Step{step}
			}
		}
	}
	return nil
}
