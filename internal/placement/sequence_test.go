package placement_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"labledger/internal/placement"
)

// at returns a place in parent 0, in the first row.
func at(parent, column int) placement.Place {
	return placement.Place{Parent: parent, Cell: placement.Cell{Row: 1, Column: column}}
}

// in returns a place in a parent without a grid.
func in(parent int) placement.Place { return placement.Place{Parent: parent} }

func TestSequence(t *testing.T) {
	const none = -1
	move := func(from, to placement.Place) placement.Move { return placement.Move{From: from, To: to, Inside: none} }
	for _, c := range []struct {
		name    string
		moves   []placement.Move
		room    []int
		parking []int
		want    string // the moves of each round; a move that waits has a star
		stuck   int
	}{
		{"nothing", nil, nil, nil, "", 0},
		{"independent", []placement.Move{move(at(0, 1), at(1, 1)), move(at(0, 2), at(1, 2))},
			[]int{0, 2}, nil, "[0 1]", 0},
		{"shift", []placement.Move{
			move(at(0, 1), at(0, 2)), move(at(0, 2), at(0, 3)), move(at(0, 3), at(0, 4)),
		}, []int{0}, nil, "[2][1][0]", 0},
		{"swap", []placement.Move{move(at(0, 1), at(0, 2)), move(at(0, 2), at(0, 1))}, []int{0}, nil, "[0*][1][0]", 0},
		{"two swaps", []placement.Move{
			move(at(0, 1), at(0, 2)), move(at(0, 2), at(0, 1)), move(at(0, 3), at(0, 4)), move(at(0, 4), at(0, 3)),
		}, []int{0}, nil, "[0* 2*][1 3][0 2]", 0},
		{"swap of full boxes", []placement.Move{move(at(0, 1), at(1, 1)), move(at(1, 1), at(0, 1))},
			[]int{0, 0, placement.AnyNumber}, []int{2}, "[0*][1][0]", 0},
		{"swap of full freezers", []placement.Move{move(in(0), in(1)), move(in(1), in(0))},
			[]int{0, 0}, []int{0, 1}, "", 2},
		{"chain of full freezers", []placement.Move{move(in(0), in(1)), move(in(1), in(2))},
			[]int{0, 0, 1}, nil, "[1][0]", 0},
		{"out of a box that moves", []placement.Move{
			move(at(0, 1), at(0, 2)), {From: at(1, 1), To: at(0, 3), Inside: 0}, move(at(0, 3), at(0, 4)),
		}, []int{9, 9}, nil, "[2][1][0]", 0},
		{"cycle through a box that moves", []placement.Move{
			move(at(0, 1), at(0, 2)), {From: at(1, 1), To: at(0, 1), Inside: 0},
		}, []int{9, 9}, nil, "[0][1]", 0},
	} {
		rounds, stuck := placement.Sequence(c.moves, c.room, c.parking)
		got := ""
		for _, steps := range rounds {
			var names []string
			for _, s := range steps {
				name := fmt.Sprint(s.Move)
				if s.To != c.moves[s.Move].To {
					name += "*"
				}
				names = append(names, name)
			}
			got += fmt.Sprint(names)
		}
		if got != c.want || len(stuck) != c.stuck {
			t.Errorf("%s: %s, %d stuck; want %s, %d stuck", c.name, got, len(stuck), c.want, c.stuck)
		}
	}
}

// A storage is a model of what Sequence may do.
type storage struct {
	limits []int                   // of parents; AnyNumber for none
	counts []int                   // containers in each parent
	cells  map[placement.Place]int // the container at each cell
	places map[int]placement.Place // of each container
	steps  map[int]int             // made by each container
}

// apply does the steps of a round: first all check their place, then all leave theirs.
func (s *storage) apply(t *rapid.T, steps []placement.Step) {
	added := map[int]int{}
	for _, step := range steps {
		from := s.places[step.Move]
		if holder, isTaken := s.cells[step.To]; isTaken && holder != step.Move {
			t.Fatalf("step %v goes to the place of %d", step, holder)
		}
		if from.Parent != step.To.Parent {
			added[step.To.Parent]++
		}
	}
	for parent, n := range added {
		if limit := s.limits[parent]; limit != placement.AnyNumber && s.counts[parent]+n > limit {
			t.Fatalf("parent %d gets %d containers: %d of %d are inside", parent, n, s.counts[parent], limit)
		}
	}
	moved := map[int]bool{}
	for _, step := range steps {
		if moved[step.Move] {
			t.Fatalf("a round moves %d twice", step.Move)
		}
		moved[step.Move] = true
		from := s.places[step.Move]
		delete(s.cells, from)
		s.counts[from.Parent]--
		s.places[step.Move] = step.To
		s.steps[step.Move]++
	}
	for _, step := range steps {
		s.counts[step.To.Parent]++
		if step.To.Cell != (placement.Cell{}) {
			s.cells[step.To] = step.Move
		}
	}
}

// drawPlaces draws different places for containers: parents 0 and 1 have a grid of 4 cells, 2 to 4 have none.
func drawPlaces(t *rapid.T, limits []int, n int, label string) (places []placement.Place) {
	var free []placement.Place
	for parent, limit := range limits {
		for i := range 4 {
			switch {
			case limit != placement.AnyNumber && i >= limit:
			case parent < 2:
				free = append(free, at(parent, i+1))
			default:
				free = append(free, in(parent))
			}
		}
	}
	free = rapid.Permutation(free).Draw(t, label)
	return free[:min(n, len(free))]
}

// checkSequence draws moves and applies the rounds to the model.
func checkSequence(t *rapid.T) {
	limits := []int{4, 4, rapid.IntRange(1, 3).Draw(t, "limit"), rapid.IntRange(1, 3).Draw(t, "other limit")}
	if rapid.Bool().Draw(t, "has freezer without capacity") {
		limits = append(limits, placement.AnyNumber)
	}
	n := rapid.IntRange(1, 12).Draw(t, "containers")
	from, to := drawPlaces(t, limits, n, "from"), drawPlaces(t, limits, n, "to")
	s := &storage{
		limits: limits, counts: make([]int, len(limits)), cells: map[placement.Place]int{},
		places: map[int]placement.Place{}, steps: map[int]int{},
	}
	moves := make([]placement.Move, len(from))
	for i := range moves {
		moves[i] = placement.Move{From: from[i], To: to[i], Inside: rapid.IntRange(-1, i-1).Draw(t, "inside")}
		s.places[i] = from[i]
		s.counts[from[i].Parent]++
		if from[i].Cell != (placement.Cell{}) {
			s.cells[from[i]] = i
		}
	}
	room := make([]int, len(limits))
	hasRoom := false
	for parent, limit := range limits {
		room[parent] = placement.AnyNumber
		if limit != placement.AnyNumber {
			room[parent] = limit - s.counts[parent]
		}
		hasRoom = hasRoom || room[parent] != 0
	}
	var parents []int // that without a limit first
	for parent := range slices.Backward(limits) {
		parents = append(parents, parent)
	}
	rounds, stuck := placement.Sequence(moves, room, parents)
	for _, steps := range rounds {
		s.apply(t, steps)
	}
	for i := range moves {
		switch {
		case slices.Contains(stuck, i):
		case s.places[i] != to[i]:
			t.Fatalf("%d is at %v, want %v", i, s.places[i], to[i])
		case s.steps[i] > 3: // to wait, to give up its cell there, and to its place
			t.Fatalf("%d makes %d steps", i, s.steps[i])
		}
	}
	if len(stuck) > 0 && (len(limits) > 4 || hasRoom && len(rounds) == 0) {
		t.Fatalf("%d moves are stuck, although a parent has room", len(stuck))
	}
}

func TestSequence_doesAllMoves(t *testing.T) { rapid.Check(t, checkSequence) }

func FuzzSequence(f *testing.F) { f.Fuzz(rapid.MakeFuzz(checkSequence)) }
