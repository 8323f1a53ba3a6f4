package rules

import (
	"slices"
	"strconv"
)

// Event is one event of a user: an amount from 1 to 10^12-1 cents, at a time from 0 to 2^53-1 seconds.
type Event struct {
	Type   Type
	Amount Cents
	Time   int64
}

// Decision is the outcome of all rules for one event.
type Decision struct {
	EffectiveTime int64         // time of the event, or the user's latest time if that is later
	Measurements  []Measurement // one for each enabled rule that applies to the event, ascending by code
	Codes         []int32       // codes of the rules that fired, ascending; nil for none
}

// Measurement is the value that a rule compared with its limit.
type Measurement struct {
	Code  int32
	Value int64 // cents if Money is set, else a count
	Money bool
}

// Step adds the event to the state of its user and decides which rules of the set fire.
//
// The horizon is the number of seconds before the latest time for which the state keeps events. It must be at least
// set.LongestWindow() and at most MaxWindow. If state.Horizon() is less than set.LongestWindow(), call RebuildWindow
// first; otherwise a window misses events.
func Step(state *State, e Event, set Set, risk Risk, horizon int64) Decision {
	state.add(e, horizon)
	d := Decision{EffectiveTime: state.latest}
	for i := range set {
		rule := &set[i]
		filter, ok := rule.filter()
		if !rule.Enabled || !ok || filter != anyEvent && filter != eventFilter(e.Type) {
			continue
		}
		limit := rule.LimitFor(risk)
		m := Measurement{Code: rule.Code}
		var fires bool
		switch rule.Code {
		case CodeLargeAmount:
			m.Value, m.Money = int64(e.Amount), true
			fires = e.Amount > limit
		case CodeConsecutive:
			m.Value = state.consecutive(filter)
			fires = reaches(m.Value, limit)
		case CodeIncreasing:
			m.Value = state.increasing[filter].length
			fires = reaches(m.Value, limit)
		case CodeSum, CodeFrequency:
			if rule.WindowSeconds == nil {
				continue
			}
			count, sum := state.windowTotals(*rule.WindowSeconds, filter)
			if rule.Code == CodeSum {
				m.Value, m.Money = int64(sum), true
				fires = sum > limit
			} else {
				m.Value = count
				fires = exceeds(count, limit)
			}
		default:
			continue
		}
		if d.Measurements == nil {
			d.Measurements = make([]Measurement, 0, len(set))
		}
		d.Measurements = append(d.Measurements, m)
		if fires {
			d.Codes = append(d.Codes, rule.Code)
		}
	}
	return d
}

// exceeds reports whether the count n is greater than limit. It divides the limit, since n*100 may overflow an int64.
func exceeds(n int64, limit Cents) bool { return n > int64(limit/100) }

// reaches reports whether the count n, at least 1, is limit or greater: that is, greater than the hundredth below it.
func reaches(n int64, limit Cents) bool { return exceeds(n, limit-1) }

// AppendMeasurements appends the measurements to dst as a JSON object keyed by code: {"30":3,"123":"250.00"}.
func AppendMeasurements(dst []byte, measurements []Measurement) []byte {
	dst = append(dst, '{')
	for i, m := range measurements {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = strconv.AppendInt(dst, int64(m.Code), 10)
		dst = append(dst, '"', ':')
		if m.Money {
			dst = append(dst, '"')
			dst = Cents(m.Value).Append(dst)
			dst = append(dst, '"')
		} else {
			dst = strconv.AppendInt(dst, m.Value, 10)
		}
	}
	return append(dst, '}')
}

// Reason explains why one rule fired: its settings when the event arrived, and the value it measured.
type Reason struct {
	Code          int32  `json:"code"`
	Title         string `json:"title"`
	Version       int64  `json:"version"`
	AppliesTo     string `json:"applies_to"`
	Limit         Cents  `json:"limit"`
	LimitAtRisk   Cents  `json:"limit_at_risk"`
	WindowSeconds *int64 `json:"window_seconds"`
	Value         any    `json:"value"`              // Cents for money, int64 for a count
	Severity      string `json:"severity,omitempty"` // that of the rule
}

// Explain returns a reason for each code that fired, ascending. Set and risk must be those of the decision.
func Explain(set Set, risk Risk, d Decision) []Reason {
	reasons := make([]Reason, 0, len(d.Codes))
	for _, rule := range set {
		if !slices.Contains(d.Codes, rule.Code) {
			continue
		}
		reason := Reason{
			Code: rule.Code, Title: rule.Title, Version: rule.Version, AppliesTo: rule.AppliesTo,
			Limit: rule.Limit, LimitAtRisk: rule.LimitFor(risk), WindowSeconds: rule.WindowSeconds, Severity: rule.Severity,
		}
		for _, m := range d.Measurements {
			switch {
			case m.Code != rule.Code:
			case m.Money:
				reason.Value = Cents(m.Value)
			default:
				reason.Value = m.Value
			}
		}
		reasons = append(reasons, reason)
	}
	return reasons
}
