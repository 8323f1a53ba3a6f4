// Package placement decides where containers go: it assigns free cells of grids, and it orders moves so that each
// container finds its place free. It knows neither the database nor requests.
package placement

// A Cell is a position of a grid. Rows and columns count from 1. The zero Cell is no position.
type Cell struct{ Row, Column int }

// An Order says which free cell is the next one.
type Order int

// The orders.
const (
	ByRow    Order = iota // the first row from left to right, then the second
	ByColumn              // the first column from top to bottom, then the second
	NearType              // the cell nearest to one with the same type; by row if there is none
)

// A Grid has cells that are free or taken.
type Grid struct {
	rows, columns int
	taken         []bool // by index
	free          int
	cells         map[string][]int // indexes of the cells with a type
	distances     map[string][]int // from each cell to the nearest one with a type, for types that were asked for
	nextInRow     int              // index before which no cell is free
	nextInColumn  int              // the same, counted column by column
}

// NewGrid returns a grid of free cells.
func NewGrid(rows, columns int) *Grid {
	return &Grid{
		rows: rows, columns: columns, taken: make([]bool, rows*columns), free: rows * columns,
		cells: map[string][]int{}, distances: map[string][]int{},
	}
}

// Free returns the number of free cells.
func (g *Grid) Free() int { return g.free }

// Has reports whether the grid has a cell.
func (g *Grid) Has(c Cell) bool {
	return c.Row >= 1 && c.Row <= g.rows && c.Column >= 1 && c.Column <= g.columns
}

// IsFree reports whether the grid has a cell and the cell is free.
func (g *Grid) IsFree(c Cell) bool { return g.Has(c) && !g.taken[g.index(c)] }

func (g *Grid) index(c Cell) int { return (c.Row-1)*g.columns + c.Column - 1 }
func (g *Grid) cell(i int) Cell  { return Cell{i/g.columns + 1, i%g.columns + 1} }

// Take marks a free cell as taken by a container of a type; "" is no type. It returns false if the cell is not free.
func (g *Grid) Take(c Cell, kind string) bool {
	if !g.IsFree(c) {
		return false
	}
	i := g.index(c)
	g.taken[i] = true
	g.free--
	if kind == "" {
		return true
	}
	g.cells[kind] = append(g.cells[kind], i)
	for other, distance := range g.distances[kind] {
		g.distances[kind][other] = min(distance, g.distance(i, other))
	}
	return true
}

// Next returns the next free cell for a container of a type, without taking it. It returns false if no cell is free.
func (g *Grid) Next(order Order, kind string) (next Cell, found bool) {
	switch {
	case g.free == 0:
		return Cell{}, false
	case order == NearType && len(g.cells[kind]) > 0:
		return g.nearest(kind), true
	case order == ByColumn:
		for ; ; g.nextInColumn++ {
			c := Cell{g.nextInColumn%g.rows + 1, g.nextInColumn/g.rows + 1}
			if g.IsFree(c) {
				return c, true
			}
		}
	}
	for g.taken[g.nextInRow] {
		g.nextInRow++
	}
	return g.cell(g.nextInRow), true
}

// nearest returns the free cell with the least distance to a cell with a type, the first one by row.
func (g *Grid) nearest(kind string) Cell {
	if g.distances[kind] == nil {
		g.distances[kind] = g.measure(g.cells[kind])
	}
	best := -1
	for i, distance := range g.distances[kind] {
		if !g.taken[i] && (best < 0 || distance < g.distances[kind][best]) {
			best = i
		}
	}
	return g.cell(best)
}

// distance returns the number of steps between two cells: up, down, left or right.
func (g *Grid) distance(i, j int) int {
	a, b := g.cell(i), g.cell(j)
	return abs(a.Row-b.Row) + abs(a.Column-b.Column)
}

func abs(n int) int { return max(n, -n) }

// measure returns the distance from each cell to the nearest one of sources, in two passes over the grid.
func (g *Grid) measure(sources []int) []int {
	distances := make([]int, len(g.taken))
	for i := range distances {
		distances[i] = g.rows + g.columns // more than any distance
	}
	for _, i := range sources {
		distances[i] = 0
	}
	for i := range distances {
		if i >= g.columns {
			distances[i] = min(distances[i], distances[i-g.columns]+1)
		}
		if i%g.columns > 0 {
			distances[i] = min(distances[i], distances[i-1]+1)
		}
	}
	for i := len(distances) - 1; i >= 0; i-- {
		if i+g.columns < len(distances) {
			distances[i] = min(distances[i], distances[i+g.columns]+1)
		}
		if (i+1)%g.columns > 0 {
			distances[i] = min(distances[i], distances[i+1]+1)
		}
	}
	return distances
}
