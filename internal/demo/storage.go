package demo

import (
	"crypto/md5"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Each freezer holds three shelves with two racks each, and one box in each rack: 120 containers with the tubes.
const (
	shelvesPerFreezer = 3
	racksPerShelf     = 2
	boxesPerFreezer   = shelvesPerFreezer * racksPerShelf
	tubesPerFreezer   = 105
)

// A grid is the grid of a box and the number of tubes in it.
type grid struct {
	rows, columns int
	scheme        string
	blocked       string // as the database writes them
	tubes         int
}

// grids are the boxes of five freezers: full, half full and empty ones. The tubes of each freezer add up to
// tubesPerFreezer.
var grids = [5][boxesPerFreezer]grid{
	{
		{9, 9, "A1", "", 81},
		{4, 6, "A1", "", 12},
		{9, 9, "A1", "", 8},
		{5, 5, "1", "", 4},
		{9, 9, "A1", "A1, I9", 0},
		{8, 12, "A1", "", 0},
	},
	{
		{10, 10, "A1", "", 50},
		{9, 9, "A1", "", 40},
		{5, 5, "1-1", "1-1, 5-5", 15},
		{9, 9, "A1", "", 0},
		{5, 5, "1", "", 0},
		{8, 12, "A1", "", 0},
	},
	{
		{10, 10, "1", "100", 99},
		{4, 6, "A1", "", 6},
		{9, 9, "A1", "", 0},
		{9, 9, "1-1", "", 0},
		{5, 5, "A1", "", 0},
		{10, 10, "A1", "A1", 0},
	},
	{
		{7, 7, "A1", "", 49},
		{7, 7, "A1", "", 25},
		{9, 9, "A1", "E5", 31},
		{4, 6, "A1", "", 0},
		{9, 9, "A1", "", 0},
		{16, 24, "A1", "", 0},
	},
	{
		{5, 5, "A1", "", 25},
		{5, 5, "A1", "", 25},
		{5, 5, "1", "", 25},
		{5, 5, "A1", "A1, E5", 23},
		{10, 10, "A1", "", 7},
		{9, 9, "A1", "", 0},
	},
}

// containerUUID returns the UUID of a container by its number. The tubes, boxes, racks and shelves of all freezers have
// one sequence of numbers, in which number i belongs to freezer i % 25.
func containerUUID(freezer, nth int) uuid.UUID {
	return uuid.UUID(md5.Sum(fmt.Appendf(nil, "box %d", nth*freezerCount+freezer)))
}

// label returns the label of a position, from 0, row by row.
func (g grid) label(position int) string {
	row, column := position/g.columns, position%g.columns
	switch g.scheme {
	case "1":
		return fmt.Sprint(position + 1)
	case "1-1":
		return fmt.Sprintf("%d-%d", row+1, column+1)
	}
	return fmt.Sprintf("%c%d", 'A'+row, column+1)
}

// positions returns the labels of the positions of the tubes. A box is filled row by row; from half of them, some tubes
// were taken out again.
func (g grid) positions(r *rand.Rand) []string {
	blocked := strings.Split(g.blocked, ", ")
	var free []string
	for i := range g.rows * g.columns {
		if label := g.label(i); !slices.Contains(blocked, label) {
			free = append(free, label)
		}
	}
	if chance(r, 50) {
		gaps := min(len(free)-g.tubes, g.tubes/4)
		free = free[:g.tubes+gaps]
		for range gaps {
			i := r.IntN(len(free))
			free = slices.Delete(free, i, i+1)
		}
	}
	return free[:g.tubes]
}

func (l *Lab) addContainers() {
	r := random("storage")
	for i, freezer := range l.Freezers {
		l.addShelves(r, i, freezer)
	}
}

// addShelves adds the containers of a freezer.
func (l *Lab) addShelves(r *rand.Rand, f int, freezer Freezer) {
	nth := tubesPerFreezer + boxesPerFreezer
	var racks []uuid.UUID
	for shelf := range shelvesPerFreezer {
		shelfUUID := containerUUID(f, nth)
		nth++
		l.Containers = append(l.Containers, Container{
			UUID: shelfUUID, Description: optional(fmt.Sprintf("Shelf %d", shelf+1)), FreezerID: freezer.ID,
			Kind: "shelf", Capacity: optional(4),
		})
		for rack := range racksPerShelf {
			rackUUID := containerUUID(f, nth)
			nth++
			racks = append(racks, rackUUID)
			l.Containers = append(l.Containers, Container{
				UUID: rackUUID, Description: optional(fmt.Sprintf("Rack %d-%d", shelf+1, rack+1)),
				FreezerID: freezer.ID, Barcode: optional(fmt.Sprintf("RK%04d", f*boxesPerFreezer+len(racks))),
				Kind: "rack", Rows: optional(4), Columns: optional(4), Scheme: optional("1-1"), ParentUUID: &shelfUUID,
			})
		}
	}
	tube := 0
	for b, g := range grids[f%len(grids)] {
		box := l.box(r, f, b, g, freezer)
		box.ParentUUID, box.Position = &racks[b], optional(fmt.Sprintf("%d-%d", 1+r.IntN(4), 1+r.IntN(4)))
		l.Containers = append(l.Containers, box)
		for _, position := range g.positions(r) {
			t := l.tube(r, f, tube, box)
			tube++
			t.Position = &position
			l.Containers = append(l.Containers, t)
		}
	}
}

var projects = []string{
	"Cohort 4", "Cohort 12", "Vitamin D 2025", "MELANOM-3", "Øresund-studien", "Envejecimiento y salud",
	"Long-term follow-up of the second visit, arm B",
}

// A material is what tubes hold.
type material struct{ kind, text, unit string }

var materials = []material{
	{"serum", "Mouse serum", "ml"}, {"plasma", "Human plasma, EDTA", "ml"}, {"DNA", "DNA, eluted", "µg"},
	{"RNA", "RNA, stabilised", "µg"}, {"saliva", "Saliva", "ml"}, {"buffy coat", "Buffy coat", "ml"},
	{"tissue", "Liver tissue, −80 °C, Gewebeprobe", "mg"}, {"urine", "Orina, segunda visita", "ml"},
}

func (l *Lab) box(r *rand.Rand, f, b int, g grid, freezer Freezer) Container {
	kind, contents := "box", pick(r, materials)
	if g.rows*g.columns == 96 || g.rows*g.columns == 384 {
		kind = "plate"
	}
	number := f*boxesPerFreezer + b + 1
	description := fmt.Sprintf("%s, %s %d", contents.text, kind, number)
	if number%10 == 0 {
		description = contents.text + ", to be sorted" // several boxes have this description
	}
	return Container{
		UUID: containerUUID(f, tubesPerFreezer+b), Description: &description, FreezerID: freezer.ID,
		Barcode: optional(fmt.Sprintf("BX%05d", number)), Kind: kind, Type: &contents.kind,
		Owner: optional(freezer.Operator), Project: optional(pick(r, projects)),
		Rows: &g.rows, Columns: &g.columns, Scheme: &g.scheme, Blocked: optional(g.blocked),
	}
}

const longText = "Serum of the second visit, thawed once for ten minutes on ice and frozen again, split into four " +
	"tubes because the first cap leaked; see the notes of the night shift before use"

func (l *Lab) tube(r *rand.Rand, f, nth int, box Container) Container {
	contents, number := pick(r, materials), nth*freezerCount+f
	description := fmt.Sprintf("%s, donor %04d, aliquot %d", contents.text, r.IntN(900)+1, r.IntN(4)+1)
	switch {
	case number == 3:
		description = ""
	case number == 8:
		description = "Lot" + strings.Repeat("0123456789", 30)
	case number%5 == 0:
		description, contents = "Mouse serum, cohort 4", materials[0]
	case chance(r, 8):
		description = fmt.Sprintf("%s %d", longText[:118+number%40], number)
	}
	barcode, expires := fmt.Sprintf("TB%06d", number), ""
	if chance(r, 10) {
		barcode = ""
	}
	if chance(r, 40) {
		expires = l.date(r.IntN(800) - 60)
	}
	quantity := fmt.Sprintf("%d.%02d", r.IntN(2), 1+r.IntN(99))
	thaws := 0
	if chance(r, 30) {
		thaws = 1 + r.IntN(4)
	}
	owner := pick(r, l.People).Username
	if chance(r, 15) {
		owner = ""
	}
	return Container{
		UUID: containerUUID(f, nth), Description: optional(description), FreezerID: box.FreezerID,
		Barcode: optional(barcode), Kind: "tube", Type: &contents.kind, Owner: optional(owner), Project: box.Project,
		Quantity: &quantity, Unit: &contents.unit, ExpiresOn: optional(expires), ThawCount: thaws,
		ParentUUID: &box.UUID,
	}
}
