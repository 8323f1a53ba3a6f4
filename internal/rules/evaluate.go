package rules

import (
	"slices"
	"strconv"
)

// Event is one event of a user: 1 to 10^12-1 cents, at 0 to 2^53-1 seconds.
type Event struct {
	Type   Type
	Amount Cents
	Time   int64
}

// Decision is what the rules say of one event.
type Decision struct {
	EffectiveTime int64         // its time, or the user's latest if that is later
	Measurements  []Measurement // what each enabled rule that looks at the event saw, ascending by code
	Codes         []int32       // the rules that fired, ascending; nil for none
}

// Measurement is the value that a rule compared with its limit.
type Measurement struct {
	Code  int32
	Value int64 // cents if Money, else a count
	Money bool
}

// Step adds the event to the state of its user and decides which rules of the set it fires.
//
// The horizon is how many seconds before the latest time the state's windows shall keep; it must not be less than set.Horizon(),
// and is at most MaxWindow. If state.Horizon() is less than set.Horizon(), Refill the state first: a window would miss events.
func Step(state *State, e Event, set Set, risk Risk, horizon int64) Decision {
	state.add(e, horizon)
	d := Decision{EffectiveTime: state.latest}
	for i := range set {
		rule := &set[i]
		of, ok := rule.filter()
		if !rule.Enabled || !ok || of != anyEvent && of != eventFilter(e.Type) {
			continue
		}
		limit := scaleLimit(rule.Limit, risk)
		fact := Measurement{Code: rule.Code}
		var fires bool
		switch rule.Code {
		case CodeLargeAmount:
			fact.Value, fact.Money = int64(e.Amount), true
			fires = e.Amount > limit
		case CodeConsecutive:
			fact.Value = state.consecutive(of)
			fires = reaches(fact.Value, limit)
		case CodeIncreasing:
			fact.Value = state.increasing[of].length
			fires = reaches(fact.Value, limit)
		case CodeSum, CodeFrequency:
			if rule.WindowSeconds == nil {
				continue
			}
			count, sum := state.windowTotals(*rule.WindowSeconds, of)
			if rule.Code == CodeSum {
				fact.Value, fact.Money = int64(sum), true
				fires = sum > limit
			} else {
				fact.Value = count
				fires = exceeds(count, limit)
			}
		default:
			continue
		}
		if d.Measurements == nil {
			d.Measurements = make([]Measurement, 0, len(set))
		}
		d.Measurements = append(d.Measurements, fact)
		if fires {
			d.Codes = append(d.Codes, rule.Code)
		}
	}
	return d
}

// exceeds tells whether n, a count, is more than limit. It divides, since n in hundredths may be beyond an int64.
func exceeds(n int64, limit Cents) bool { return n > int64(limit/100) }

// reaches tells whether n, a count of at least one, is limit or more: more than the hundredth below it.
func reaches(n int64, limit Cents) bool { return exceeds(n, limit-1) }

// AppendMeasurements appends the facts to dst as a JSON object keyed by code: {"30":3,"123":"250.00"}.
func AppendMeasurements(dst []byte, facts []Measurement) []byte {
	dst = append(dst, '{')
	for i, fact := range facts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = strconv.AppendInt(dst, int64(fact.Code), 10)
		dst = append(dst, '"', ':')
		if fact.Money {
			dst = append(dst, '"')
			dst = Cents(fact.Value).Append(dst)
			dst = append(dst, '"')
		} else {
			dst = strconv.AppendInt(dst, fact.Value, 10)
		}
	}
	return append(dst, '}')
}

// Reason says why a rule fired: its settings at that moment, and what it saw.
type Reason struct {
	Code          int32  `json:"code"`
	Title         string `json:"title"`
	Version       int64  `json:"version"`
	AppliesTo     string `json:"applies_to"`
	Limit         Cents  `json:"limit"`
	LimitAtRisk   Cents  `json:"limit_at_risk"`
	WindowSeconds *int64 `json:"window_seconds"`
	Value         any    `json:"value"` // Cents for money, int64 for a count
}

// Explain gives a reason for each code that fired, ascending. The set and the risk are those of the decision.
func Explain(set Set, risk Risk, d Decision) []Reason {
	reasons := make([]Reason, 0, len(d.Codes))
	for _, rule := range set {
		if !slices.Contains(d.Codes, rule.Code) {
			continue
		}
		reason := Reason{rule.Code, rule.Title, rule.Version, rule.AppliesTo, rule.Limit, rule.LimitFor(risk), rule.WindowSeconds, nil}
		for _, fact := range d.Measurements {
			switch {
			case fact.Code != rule.Code:
			case fact.Money:
				reason.Value = Cents(fact.Value)
			default:
				reason.Value = fact.Value
			}
		}
		reasons = append(reasons, reason)
	}
	return reasons
}
