package rules

import (
	"math"
	"slices"
)

// State is what the rules need to know of a user's events so far; its zero value is a user without events. It depends on no
// setting of a rule but the length of windows, so that a changed limit needs no rebuild. A copy shares memory with the
// original: step one of the two only.
type State struct {
	count      int64
	latest     int64 // largest time so far
	horizon    int64 // seconds before latest for which the windows are complete
	last       Type
	run        int64            // how many events of type last came in a row, up to now
	increasing [3]increasingRun // by selection
	window     []bucket
	start      int // seconds[head:] are in use, ascending; those before have left
}

// A increasingRun is the tail of events in which each is larger than the one before.
type increasingRun struct {
	length int64
	last   Cents
}

// A bucket is all the events of one second, by type.
type bucket struct {
	at     int64
	counts [2]int64
	sums   [2]Cents
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
		s.last == other.last && s.run == other.run && s.increasing == other.increasing && slices.Equal(s.buckets(), other.buckets())
}

// RebuildWindow rebuilds the windows, and them alone, so that they are complete for horizon seconds before Latest. The events are those of
// the ledger, in order of arrival, whose effective time is not before Latest-horizon; Event.Time holds the effective time.
func (s *State) RebuildWindow(horizon int64, events []Event) {
	if s.count == 0 {
		return
	}
	s.horizon = clampHorizon(horizon)
	s.window, s.start = s.window[:0], 0
	for _, e := range events {
		if e.Time >= s.latest-s.horizon {
			s.addToBucket(min(e.Time, s.latest), e)
		}
	}
}

func clampHorizon(horizon int64) int64 { return min(max(horizon, 0), MaxWindow) }

// buckets is the seconds in use.
func (s *State) buckets() []bucket { return s.window[s.start:] }

// add takes the event into the state.
func (s *State) add(e Event, horizon int64) {
	horizon = clampHorizon(horizon)
	if s.count == 0 || horizon < s.horizon {
		s.horizon = horizon
	}
	s.count = saturatingAdd(s.count, 1)
	s.latest = max(s.latest, e.Time)
	if s.last != e.Type {
		s.last, s.run = e.Type, 0
	}
	s.run = saturatingAdd(s.run, 1)
	s.increasing[e.Type].add(e.Amount)
	s.increasing[anyEvent].add(e.Amount)
	s.evict(s.latest - horizon)
	s.addToBucket(s.latest, e)
}

func (r *increasingRun) add(amount Cents) {
	if amount <= r.last {
		r.length = 0
	}
	r.length, r.last = saturatingAdd(r.length, 1), amount
}

// evict lets go of the seconds before since.
func (s *State) evict(since int64) {
	for s.start < len(s.window) && s.window[s.start].at < since {
		s.start++
	}
	if s.start == len(s.window) {
		s.window, s.start = s.window[:0], 0
	}
}

// addToBucket counts the event in the second at, which is the last one in use or a later one.
func (s *State) addToBucket(at int64, e Event) {
	live := s.buckets()
	if len(live) == 0 || live[len(live)-1].at < at {
		if len(s.window) == cap(s.window) && s.start >= len(live) {
			s.window, s.start = s.window[:copy(s.window, live)], 0 // move down rather than grow: each second moves once or so
		}
		s.window = append(s.window, bucket{at: at})
	}
	now := &s.window[len(s.window)-1]
	now.counts[e.Type] = saturatingAdd(now.counts[e.Type], 1)
	now.sums[e.Type] = saturatingAdd(now.sums[e.Type], e.Amount)
}

// consecutive is how many of the selected events came in a row, up to the last event, which is one of them.
func (s *State) consecutive(of eventFilter) int64 {
	if of == anyEvent {
		return s.count
	}
	return s.run
}

// windowTotals is the number and sum of the selected events of the last window seconds, both ends included.
func (s *State) windowTotals(window int64, of eventFilter) (count int64, sum Cents) {
	live := s.buckets()
	for i := len(live) - 1; i >= 0 && live[i].at >= s.latest-window; i-- {
		now := &live[i]
		if of == anyEvent {
			count = saturatingAdd(count, saturatingAdd(now.counts[Deposit], now.counts[Withdraw]))
			sum = saturatingAdd(sum, saturatingAdd(now.sums[Deposit], now.sums[Withdraw]))
		} else {
			count, sum = saturatingAdd(count, now.counts[of]), saturatingAdd(sum, now.sums[of])
		}
	}
	return count, sum
}
