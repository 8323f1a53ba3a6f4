package rules

import (
	"math"
	"slices"
)

// State is a summary of a user's events that is sufficient to evaluate the rules. The zero value is a user without
// events. It depends on no rule setting except the longest window, so a changed limit needs no rebuild. A copy shares
// memory with the original: only one of them may be passed to Step.
type State struct {
	count      int64
	latest     int64 // largest time of all events
	horizon    int64 // seconds before latest for which the window is complete
	last       Type
	run        int64            // number of consecutive events of type last, up to the last event
	increasing [3]increasingRun // by eventFilter
	window     []bucket
	start      int // window[start:] is in use, ascending by time; earlier buckets are evicted
}

// An increasingRun is the longest tail of events in which each amount is larger than the one before.
type increasingRun struct {
	length int64
	last   Cents
}

// A bucket holds the totals of all events of one second, by type.
type bucket struct {
	at     int64
	counts [2]int64
	sums   [2]Cents
}

// Count returns the number of events.
func (s *State) Count() int64 { return s.count }

// Latest returns the largest time of all events, in seconds; 0 if there are none.
func (s *State) Latest() int64 { return s.latest }

// Horizon returns the number of seconds before Latest for which the window is complete. For a user without events it
// returns the largest int64, since nothing can be missing.
func (s *State) Horizon() int64 {
	if s.count == 0 {
		return math.MaxInt64
	}
	return s.horizon
}

// Equal reports whether both states lead to the same decisions from now on.
func (s *State) Equal(other *State) bool {
	return s.count == other.count && s.latest == other.latest && s.horizon == other.horizon &&
		s.last == other.last && s.run == other.run && s.increasing == other.increasing &&
		slices.Equal(s.buckets(), other.buckets())
}

// RebuildWindow rebuilds the window, and nothing else, so that it is complete for horizon seconds before Latest. The
// caller passes the events of the ledger with an effective time of at least Latest-horizon, in the order of arrival,
// with the effective time in Event.Time.
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

// buckets returns the buckets in use.
func (s *State) buckets() []bucket { return s.window[s.start:] }

// add adds the event to the state.
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

// evict removes the buckets before since.
func (s *State) evict(since int64) {
	for s.start < len(s.window) && s.window[s.start].at < since {
		s.start++
	}
	if s.start == len(s.window) {
		s.window, s.start = s.window[:0], 0
	}
}

// addToBucket adds the event to the bucket of second at. That second must not be before the last bucket in use.
func (s *State) addToBucket(at int64, e Event) {
	used := s.buckets()
	if len(used) == 0 || used[len(used)-1].at < at {
		if len(s.window) == cap(s.window) && s.start >= len(used) {
			// Move the buckets to the front instead of growing: each bucket moves about once.
			s.window, s.start = s.window[:copy(s.window, used)], 0
		}
		s.window = append(s.window, bucket{at: at})
	}
	b := &s.window[len(s.window)-1]
	b.counts[e.Type] = saturatingAdd(b.counts[e.Type], 1)
	b.sums[e.Type] = saturatingAdd(b.sums[e.Type], e.Amount)
}

// consecutive returns the number of consecutive matching events up to the last event, which must match the filter.
func (s *State) consecutive(filter eventFilter) int64 {
	if filter == anyEvent {
		return s.count
	}
	return s.run
}

// windowTotals returns the number and the sum of the matching events from latest-seconds to latest, both included.
func (s *State) windowTotals(seconds int64, filter eventFilter) (count int64, sum Cents) {
	used := s.buckets()
	for i := len(used) - 1; i >= 0 && used[i].at >= s.latest-seconds; i-- {
		b := &used[i]
		if filter == anyEvent {
			count = saturatingAdd(count, saturatingAdd(b.counts[Deposit], b.counts[Withdraw]))
			sum = saturatingAdd(sum, saturatingAdd(b.sums[Deposit], b.sums[Withdraw]))
		} else {
			count, sum = saturatingAdd(count, b.counts[filter]), saturatingAdd(sum, b.sums[filter])
		}
	}
	return count, sum
}
