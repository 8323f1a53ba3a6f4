package placement_test

import (
	"testing"

	"pgregory.net/rapid"

	"labledger/internal/placement"
)

// labels returns cells as text, such as "A1 B2".
func labels(cells []placement.Cell) (text string) {
	for _, c := range cells {
		text += string(rune('A'+c.Row-1)) + string(rune('0'+c.Column)) + " "
	}
	return text
}

// fill places n containers of a type.
func fill(g *placement.Grid, n int, order placement.Order, kind string) (cells []placement.Cell) {
	for range n {
		c, found := g.Next(order, kind)
		if !found || !g.Take(c, kind) {
			break
		}
		cells = append(cells, c)
	}
	return cells
}

func TestGrid_orders(t *testing.T) {
	for _, c := range []struct {
		order placement.Order
		kind  string
		want  string
	}{
		{placement.ByRow, "serum", "A1 A2 A4 B1 B2 B4 C1 C2 C3 C4 "},
		{placement.ByColumn, "serum", "A1 B1 C1 A2 B2 C2 C3 A4 B4 C4 "},
		{placement.NearType, "serum", "B2 A2 A1 B1 B4 A4 C1 C2 C3 C4 "}, // from B3 on
		{placement.NearType, "urine", "A1 A2 B1 B2 C1 C2 C3 C4 B4 A4 "}, // from A1 on, since there is none
		{placement.NearType, "", "A1 A2 A4 B1 B2 B4 C1 C2 C3 C4 "},
	} {
		g := placement.NewGrid(3, 4)
		g.Take(placement.Cell{Row: 1, Column: 3}, "")      // blocked
		g.Take(placement.Cell{Row: 2, Column: 3}, "serum") // the only tube
		if got := labels(fill(g, 12, c.order, c.kind)); got != c.want {
			t.Errorf("order %d, type %q: %s, want %s", c.order, c.kind, got, c.want)
		}
	}
}

func TestGrid_outside(t *testing.T) {
	g := placement.NewGrid(2, 3)
	for _, c := range []placement.Cell{{}, {1, 0}, {0, 1}, {3, 1}, {1, 4}, {-1, 1}} {
		if g.Has(c) || g.IsFree(c) || g.Take(c, "serum") {
			t.Errorf("%v is a free cell of a grid of 2 rows and 3 columns", c)
		}
	}
	if g.Free() != 6 {
		t.Errorf("%d free cells, want 6", g.Free())
	}
}

func abs(n int) int { return max(n, -n) }

// wantNext returns the next cell as the definition of the orders says: the best of all free cells.
func wantNext(rows, columns int, taken map[placement.Cell]string, order placement.Order, kind string) placement.Cell {
	var best placement.Cell
	bestKey := [3]int{}
	hasKind := false
	for _, other := range taken {
		hasKind = hasKind || other == kind && kind != ""
	}
	for row := 1; row <= rows; row++ {
		for column := 1; column <= columns; column++ {
			c := placement.Cell{Row: row, Column: column}
			if _, isTaken := taken[c]; isTaken {
				continue
			}
			key := [3]int{0, row, column}
			switch {
			case order == placement.ByColumn:
				key = [3]int{0, column, row}
			case order == placement.NearType && hasKind:
				key[0] = rows + columns
				for at, other := range taken {
					if other == kind {
						key[0] = min(key[0], abs(at.Row-row)+abs(at.Column-column))
					}
				}
			}
			if best == (placement.Cell{}) || isLess(key, bestKey) {
				best, bestKey = c, key
			}
		}
	}
	return best
}

func isLess(a, b [3]int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// checkGrid takes random cells of a grid, some of them as the next one of an order, until none is free.
func checkGrid(t *rapid.T) {
	rows, columns := rapid.IntRange(1, 6).Draw(t, "rows"), rapid.IntRange(1, 6).Draw(t, "columns")
	g := placement.NewGrid(rows, columns)
	taken := map[placement.Cell]string{}
	for g.Free() > 0 {
		kind := rapid.SampledFrom([]string{"", "serum", "urine"}).Draw(t, "kind")
		order := placement.Order(rapid.IntRange(0, 2).Draw(t, "order"))
		c, found := g.Next(order, kind)
		if want := wantNext(rows, columns, taken, order, kind); !found || c != want {
			t.Fatalf("next by order %d for %q: %v, want %v", order, kind, c, want)
		}
		if rapid.Bool().Draw(t, "chosen") {
			c = placement.Cell{
				Row: rapid.IntRange(0, rows+1).Draw(t, "row"), Column: rapid.IntRange(0, columns+1).Draw(t, "column"),
			}
		}
		_, isTaken := taken[c]
		wantFree := !isTaken && c.Row >= 1 && c.Row <= rows && c.Column >= 1 && c.Column <= columns
		if g.IsFree(c) != wantFree || g.Take(c, kind) != wantFree || g.IsFree(c) {
			t.Fatalf("%v: want free: %t", c, wantFree)
		}
		if wantFree {
			taken[c] = kind
		}
		if g.Free() != rows*columns-len(taken) {
			t.Fatalf("%d cells are free, %d taken", g.Free(), len(taken))
		}
	}
	if c, found := g.Next(placement.ByRow, ""); found {
		t.Fatalf("next cell of a full grid: %v", c)
	}
}

func TestGrid_nextIsBestFreeCell(t *testing.T) { rapid.Check(t, checkGrid) }

func FuzzGrid(f *testing.F) { f.Fuzz(rapid.MakeFuzz(checkGrid)) }
