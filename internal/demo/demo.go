// Package demo makes up a laboratory for demonstrations and tests: its people, instruments, containers, events and
// check-outs. The same program makes up the same laboratory in every run; times are relative to a given time. The
// package does not know the database.
package demo

import (
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"labledger/internal/rules"
)

// A Lab is everything that does not depend on the alerts. The JSON names of the rows are those of the columns.
type Lab struct {
	People     []Person
	Sites      []Site
	Freezers   []Freezer
	Computers  []Computer
	Containers []Container // those of a freezer together, each after the one it lies in
	Events     []Event     // in the order of arrival
	CheckOuts  []CheckOut
	Statuses   []Status
	Views      []View

	now time.Time
}

// A Person is an account.
type Person struct {
	ID          int64   `json:"id"`
	Username    string  `json:"username"`
	DisplayName *string `json:"display_name"`
	Email       *string `json:"email"`
	Country     string  `json:"country"`
	Risk        *string `json:"risk"`
	Role        string  `json:"role"`
	Disabled    bool    `json:"disabled"`
}

// A Site is a site.
type Site struct {
	ID       int64   `json:"id"`
	Name     string  `json:"name"`
	Contact  string  `json:"contact"`
	Address  string  `json:"address"`
	Region   *string `json:"state_or_region"`
	Country  string  `json:"country"`
	Postcode string  `json:"postcode_or_zip"`
	Manager  string  `json:"-"` // username of the actor
}

// A Freezer is a freezer.
type Freezer struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	SiteID   int64  `json:"site_id"`
	Capacity *int   `json:"capacity"`
	Operator string `json:"-"` // username of the actor of its containers
}

// A Computer is a computer.
type Computer struct {
	ID     int64   `json:"id"`
	Name   string  `json:"name"`
	MAC    *string `json:"mac"`
	SiteID int64   `json:"site_id"`
}

// A Container is a shelf, rack, box, plate or tube.
type Container struct {
	UUID        uuid.UUID  `json:"uuid"`
	Description *string    `json:"description"`
	FreezerID   int64      `json:"freezer_id"`
	Barcode     *string    `json:"barcode"`
	Kind        string     `json:"kind"`
	Type        *string    `json:"type"`
	Owner       *string    `json:"owner"`
	Project     *string    `json:"project"`
	Quantity    *string    `json:"quantity"`
	Unit        *string    `json:"unit"`
	ExpiresOn   *string    `json:"expires_on"`
	ThawCount   int        `json:"thaw_count"`
	Rows        *int       `json:"rows"`
	Columns     *int       `json:"columns"`
	Scheme      *string    `json:"scheme"`
	Blocked     *string    `json:"blocked"`
	Capacity    *int       `json:"capacity"`
	ParentUUID  *uuid.UUID `json:"parent_uuid"`
	Position    *string    `json:"position"`
}

// An Event is an event to record.
type Event struct {
	UserID int64
	rules.Event
	Actor     string
	ArrivedAt time.Time
	Container *uuid.UUID // of a check-out or a return

	checkOut int // number of the check-out, from 1; 0 for none
	isReturn bool
}

// A CheckOut is a check-out. Event and ReturnEvent are indexes of Events; -1 for none.
type CheckOut struct {
	ContainerUUID uuid.UUID  `json:"container_uuid"`
	Holder        string     `json:"holder"`
	DueOn         *string    `json:"due_on"`
	Purpose       *string    `json:"purpose"`
	Amount        string     `json:"amount"`
	CheckedOutAt  time.Time  `json:"checked_out_at"`
	CheckedOutBy  string     `json:"checked_out_by"`
	ReturnedAt    *time.Time `json:"returned_at"`
	ReturnedBy    *string    `json:"returned_by"`
	Outcome       *string    `json:"outcome"`
	Event         int        `json:"-"`
	ReturnEvent   int        `json:"-"`
}

// A Status is what became of a container that did not return.
type Status struct {
	UUID   uuid.UUID `json:"uuid"`
	Status string    `json:"status"`
	Reason string    `json:"status_reason"`
	Actor  string    `json:"-"`
}

// A View is a saved view.
type View struct {
	Name      string    `json:"name"`
	Noun      string    `json:"noun"`
	Query     string    `json:"query"`
	Shared    bool      `json:"shared"`
	CreatedAt time.Time `json:"created_at"`
	Owner     string    `json:"-"`
}

// days is how long ago the oldest event arrived.
const days = 90

// New makes up a laboratory whose newest events arrived shortly before a time.
func New(now time.Time) *Lab {
	l := &Lab{now: now.UTC().Truncate(time.Second)}
	l.People = people()
	l.Sites, l.Freezers, l.Computers = sites(), freezers(), computers()
	l.addContainers()
	l.addCheckOuts()
	l.addEvents()
	l.Views = l.views()
	return l
}

// random returns the random source of a part of the laboratory. A change of one part leaves the others as they are.
func random(part string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(part)) // never returns an error
	return rand.New(rand.NewPCG(h.Sum64(), 1))
}

// pick returns one of the values.
func pick[T any](r *rand.Rand, values []T) T { return values[r.IntN(len(values))] }

// chance returns true with a probability in percent.
func chance(r *rand.Rand, percent int) bool { return r.IntN(100) < percent }

// optional returns nil for a zero value.
func optional[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

// date returns the day a number of days from now.
func (l *Lab) date(days int) string { return l.now.AddDate(0, 0, days).Format(time.DateOnly) }

// ago returns the time before now.
func (l *Lab) ago(d time.Duration) time.Time { return l.now.Add(-d) }
