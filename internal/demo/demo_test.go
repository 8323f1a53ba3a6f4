package demo

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
)

var testTime = time.Date(2026, 11, 30, 14, 5, 6, 789, time.UTC)

// alertsOf returns alerts with fixed IDs, as if each fiftieth event had raised one.
func alertsOf(l *Lab) (alerts []Alert) {
	for i := 0; i < len(l.Events); i += 50 {
		e := l.Events[i]
		alerts = append(alerts, Alert{ID: uuid.UUID{byte(i / 50)}, UserID: e.UserID, RaisedAt: e.ArrivedAt})
	}
	return alerts
}

func TestNew_isDeterministic(t *testing.T) {
	t.Parallel()
	one, two := New(testTime), New(testTime)
	if !reflect.DeepEqual(one, two) {
		t.Error("two laboratories of one time differ")
	}
	first, second := one.Investigate(alertsOf(one))
	again, againSecond := two.Investigate(alertsOf(two))
	if !reflect.DeepEqual(first, again) || !reflect.DeepEqual(second, againSecond) {
		t.Error("two investigations of the same alerts differ")
	}
	if !reflect.DeepEqual(one.Todos(alertsOf(one)), two.Todos(alertsOf(two))) {
		t.Error("the todos of the same alerts differ")
	}
}

// The same events, containers and check-outs happen later.
func TestNew_isRelativeToNow(t *testing.T) {
	t.Parallel()
	const later = 1000*day + 5*time.Hour
	one, two := New(testTime), New(testTime.Add(later))
	for i := range one.Events {
		a, b := one.Events[i], two.Events[i]
		a.ArrivedAt, a.Time = a.ArrivedAt.Add(later), a.Time+int64(later/time.Second)
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("event %d is %+v, and later %+v", i, a, b)
		}
	}
	for i := range one.Containers {
		if one.Containers[i].UUID != two.Containers[i].UUID {
			t.Fatalf("container %d is %+v, and later %+v", i, one.Containers[i], two.Containers[i])
		}
	}
	for i := range one.CheckOuts {
		if a, b := one.CheckOuts[i], two.CheckOuts[i]; a.Holder != b.Holder || a.Event != b.Event {
			t.Fatalf("check-out %d is %+v, and later %+v", i, a, b)
		}
	}
}

// Tests of the app name these rows.
func TestNew_keepsNamesAndIDs(t *testing.T) {
	t.Parallel()
	l := New(testTime)
	find := func(ok bool, what string) {
		t.Helper()
		if !ok {
			t.Errorf("the laboratory lacks %s", what)
		}
	}
	for _, name := range []string{"Oslo clinic", "Biobank West", "Biobank North", "Madrid clinic"} {
		find(slices.ContainsFunc(l.Sites, func(s Site) bool { return s.Name == name }), name)
	}
	find(l.Freezers[6].ID == 107 && l.Freezers[6].Name == "Minus80-B2", "freezer 107, the second Minus80-B2")
	harry := l.People[11]
	find(harry.ID == 900_012 && harry.Username == "technician12" && *harry.DisplayName == "Harry Osei",
		"user 900012, the second Harry Osei")
	find(l.Computers[11].ID == 212 && l.Computers[11].Name == "Reader 2", "computer 212, the second Reader 2")
	// The MD5 of "box 5", the barcode of a container in the sixth freezer.
	box := uuid.MustParse("68387854-cabc-66a5-c0b2-75d804582aff")
	find(slices.ContainsFunc(l.Containers, func(c Container) bool { return c.UUID == box && c.FreezerID == 106 }), "box 5")
}

func TestGrid_positions(t *testing.T) {
	t.Parallel()
	r := random("test")
	for _, boxes := range grids {
		total := 0
		for _, g := range boxes {
			total += g.tubes
			positions := g.positions(r)
			if len(positions) != g.tubes || len(slices.Compact(slices.Sorted(slices.Values(positions)))) != g.tubes {
				t.Errorf("%+v has the positions %q", g, positions)
			}
		}
		if total != tubesPerFreezer {
			t.Errorf("the boxes of a freezer hold %d tubes, want %d", total, tubesPerFreezer)
		}
	}
}
