package rules

import (
	"math"
	"slices"
)

// State is what the rules need to know of a user's events so far; its zero value is a user without events. It depends on no
// setting of a rule but the length of windows, so that a changed limit needs no rebuild. A copy shares memory with the
// original: step one of the two only.
type State struct {
	count   int64
	latest  int64 // largest time so far
	horizon int64 // seconds before latest for which the windows are complete
	last    Type
	run     int64   // how many events of type last came in a row, up to now
	rises   [3]rise // by selection
	seconds []second
	head    int // seconds[head:] are in use, ascending; those before have left
}

// A rise is the tail of events in which each is larger than the one before.
type rise struct {
	length int64
	last   Cents
}

// A second is all the events of one second, by type.
type second struct {
	at    int64
	count [2]int64
	cents [2]Cents
}

// Count is the number of events so far.
func (s *State) Count() int64 { return s.count }

// Latest is the largest time so far, in seconds; 0 for none.
func (s *State) Latest() int64 { return s.latest }

// Horizon is how far back, in seconds before Latest, the windows are complete. Nothing is missing for a user without events.
func (s *State) Horizon() int64 {
	if s.count == 0 {
		return math.MaxInt64
	}
	return s.horizon
}

// Equal tells whether both states will decide alike from now on.
func (s *State) Equal(other *State) bool {
	return s.count == other.count && s.latest == other.latest && s.horizon == other.horizon &&
		s.last == other.last && s.run == other.run && s.rises == other.rises && slices.Equal(s.live(), other.live())
}

// RebuildWindow rebuilds the windows, and them alone, so that they are complete for horizon seconds before Latest. The events are those of
// the ledger, in order of arrival, whose effective time is not before Latest-horizon; Event.Time holds the effective time.
func (s *State) RebuildWindow(horizon int64, events []Event) {
	if s.count == 0 {
		return
	}
	s.horizon = bounded(horizon)
	s.seconds, s.head = s.seconds[:0], 0
	for _, e := range events {
		if e.Time >= s.latest-s.horizon {
			s.record(min(e.Time, s.latest), e)
		}
	}
}

func bounded(horizon int64) int64 { return min(max(horizon, 0), MaxWindow) }

// live is the seconds in use.
func (s *State) live() []second { return s.seconds[s.head:] }

// add takes the event into the state.
func (s *State) add(e Event, horizon int64) {
	horizon = bounded(horizon)
	if s.count == 0 || horizon < s.horizon {
		s.horizon = horizon
	}
	s.count = add(s.count, 1)
	s.latest = max(s.latest, e.Time)
	if s.last != e.Type {
		s.last, s.run = e.Type, 0
	}
	s.run = add(s.run, 1)
	s.rises[e.Type].add(e.Amount)
	s.rises[anyType].add(e.Amount)
	s.drop(s.latest - horizon)
	s.record(s.latest, e)
}

func (r *rise) add(amount Cents) {
	if amount <= r.last {
		r.length = 0
	}
	r.length, r.last = add(r.length, 1), amount
}

// drop lets go of the seconds before since.
func (s *State) drop(since int64) {
	for s.head < len(s.seconds) && s.seconds[s.head].at < since {
		s.head++
	}
	if s.head == len(s.seconds) {
		s.seconds, s.head = s.seconds[:0], 0
	}
}

// record counts the event in the second at, which is the last one in use or a later one.
func (s *State) record(at int64, e Event) {
	live := s.live()
	if len(live) == 0 || live[len(live)-1].at < at {
		if len(s.seconds) == cap(s.seconds) && s.head >= len(live) {
			s.seconds, s.head = s.seconds[:copy(s.seconds, live)], 0 // move down rather than grow: each second moves once or so
		}
		s.seconds = append(s.seconds, second{at: at})
	}
	now := &s.seconds[len(s.seconds)-1]
	now.count[e.Type] = add(now.count[e.Type], 1)
	now.cents[e.Type] = add(now.cents[e.Type], e.Amount)
}

// runOf is how many of the selected events came in a row, up to the last event, which is one of them.
func (s *State) runOf(of selection) int64 {
	if of == anyType {
		return s.count
	}
	return s.run
}

// within is the number and sum of the selected events of the last window seconds, both ends included.
func (s *State) within(window int64, of selection) (count int64, sum Cents) {
	live := s.live()
	for i := len(live) - 1; i >= 0 && live[i].at >= s.latest-window; i-- {
		now := &live[i]
		if of == anyType {
			count = add(count, add(now.count[Deposit], now.count[Withdraw]))
			sum = add(sum, add(now.cents[Deposit], now.cents[Withdraw]))
		} else {
			count, sum = add(count, now.count[of]), add(sum, now.cents[of])
		}
	}
	return count, sum
}
