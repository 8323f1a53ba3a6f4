package demo

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Numbers of check-outs.
const (
	returnedCheckOuts    = 260
	transferredCheckOuts = 6 // each is followed by an open one of another holder
	openCheckOuts        = 18
	overdueCheckOuts     = 9
	lostCheckOuts        = 4
	discardedCheckOuts   = 5
)

var purposes = []string{
	"ELISA, plate 3", "Sequencing run 41", "Re-labelling", "Quality control, 2nd reading", "PCR, Wiederholung",
	"Extracción de ADN", "Shipment to Biobank West", "",
}

const day = 24 * time.Hour

// addCheckOuts checks tubes out, each once, except those that were transferred.
func (l *Lab) addCheckOuts() {
	r := random("check-outs")
	tubes := l.shuffledTubes(r)
	next := func(accept func(*Container) bool) *Container {
		i := slices.IndexFunc(tubes, accept)
		tube := tubes[i]
		tubes = slices.Delete(tubes, i, i+1)
		return tube
	}
	anyTube := func(*Container) bool { return true }
	unlimited := func(c *Container) bool { return holdsAnyNumber(int(c.FreezerID - firstFreezerID)) }
	for range returnedCheckOuts {
		c := l.checkOut(r, next(anyTube), days*day, 3*day)
		l.end(r, c, "returned", time.Duration(1+r.IntN(60))*time.Hour)
	}
	for range transferredCheckOuts {
		tube := next(anyTube)
		c := l.checkOut(r, tube, 12*day, 4*day)
		l.end(r, c, "transferred", time.Duration(5+r.IntN(60))*time.Hour)
		from := *c
		c = l.checkOut(r, tube, day, 0)
		c.CheckedOutAt, c.DueOn = *from.ReturnedAt, optional(l.date(2+r.IntN(9)))
		for c.Holder == from.Holder {
			c.Holder = l.holder(r)
		}
	}
	for range openCheckOuts {
		c := l.checkOut(r, next(anyTube), 3*day, 0)
		if !chance(r, 20) {
			c.DueOn = optional(l.date(1 + r.IntN(9)))
		}
	}
	for range overdueCheckOuts {
		c := l.checkOut(r, next(anyTube), 20*day, 12*day)
		c.DueOn = optional(l.date(-2 - r.IntN(8)))
	}
	for range lostCheckOuts {
		c := l.checkOut(r, next(anyTube), 60*day, 10*day)
		l.end(r, c, "lost", time.Duration(50+r.IntN(90))*time.Hour)
		l.Statuses = append(l.Statuses,
			Status{c.ContainerUUID, "missing", "Not in its position after the return of the rack", *c.ReturnedBy})
	}
	for range discardedCheckOuts {
		c := l.checkOut(r, next(unlimited), 60*day, 10*day)
		l.end(r, c, "discarded", time.Duration(2+r.IntN(20))*time.Hour)
		l.Statuses = append(l.Statuses, Status{c.ContainerUUID, "discarded", "Used up", *c.ReturnedBy})
	}
	slices.SortStableFunc(l.CheckOuts, func(a, b CheckOut) int { return a.CheckedOutAt.Compare(b.CheckedOutAt) })
}

// shuffledTubes returns all tubes in random order.
func (l *Lab) shuffledTubes(r *rand.Rand) (tubes []*Container) {
	for i := range l.Containers {
		if l.Containers[i].Kind == "tube" {
			tubes = append(tubes, &l.Containers[i])
		}
	}
	r.Shuffle(len(tubes), func(i, j int) { tubes[i], tubes[j] = tubes[j], tubes[i] })
	return tubes
}

// checkOut adds an open check-out of a container at a working hour between two ages.
func (l *Lab) checkOut(r *rand.Rand, tube *Container, oldest, newest time.Duration) *CheckOut {
	holder := l.holder(r)
	by := holder
	if chance(r, 15) {
		by = pick(r, operators)
	}
	l.CheckOuts = append(l.CheckOuts, CheckOut{
		ContainerUUID: tube.UUID, Holder: holder, Purpose: optional(pick(r, purposes)), Amount: *tube.Quantity,
		CheckedOutAt: l.workingTime(r, oldest, newest), CheckedOutBy: by, Event: -1, ReturnEvent: -1,
	})
	return &l.CheckOuts[len(l.CheckOuts)-1]
}

// end ends a check-out after some time.
func (l *Lab) end(r *rand.Rand, c *CheckOut, outcome string, after time.Duration) {
	at, by := c.CheckedOutAt.Add(after), c.Holder
	if chance(r, 25) {
		by = pick(r, operators)
	}
	c.ReturnedAt, c.ReturnedBy, c.Outcome = &at, &by, &outcome
	if chance(r, 60) {
		due := at.AddDate(0, 0, r.IntN(7)-1)
		if due.Before(c.CheckedOutAt) {
			due = at
		}
		c.DueOn = optional(due.Format(time.DateOnly))
	}
}

// holder returns the username of a person who works in the laboratory.
func (l *Lab) holder(r *rand.Rand) string {
	for {
		if p := pick(r, l.People); !p.Disabled {
			return p.Username
		}
	}
}

// workingTime returns a time between two ages, within nine hours of a day.
func (l *Lab) workingTime(r *rand.Rand, oldest, newest time.Duration) time.Time {
	first, count := int(newest/day), int((oldest-newest)/day)
	age := time.Duration(first+r.IntN(count)) * day
	return l.ago(age + time.Duration(1+r.IntN(9*3600))*time.Second)
}
