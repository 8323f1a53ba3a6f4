// Package rules holds the alert rules as pure functions: one evaluator for live intake, batches and replay.
// It must not know where events, rules and states are kept, nor what time it is.
package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxWindow is the longest window that a rule may have, in seconds. It bounds the state of a user.
const MaxWindow = 3600

// The rules there are. Their settings are data; what they compare is code.
const (
	CodeConsecutive = 30   // so many matching events in a row
	CodeSum         = 123  // sum of matching events within the window
	CodeIncreasing  = 300  // so many matching events, each larger than the one before
	CodeFrequency   = 500  // matching events within the window
	CodeLargeAmount = 1100 // one event's amount
)

// Type is what an event does.
type Type int8

// The types of events.
const (
	Deposit Type = iota
	Withdraw
)

// A eventFilter is the events that a rule looks at: those of one Type, numbered alike, or any.
type eventFilter int8

const anyEvent eventFilter = 2

var filterNames = [...]string{Deposit: "deposit", Withdraw: "withdraw", anyEvent: "any"}

// ParseType reads a type in any ASCII case.
func ParseType(text string) (Type, bool) {
	for t := Deposit; t <= Withdraw; t++ {
		if equalASCII(text, filterNames[t]) {
			return t, true
		}
	}
	return 0, false
}

// equalASCII tells whether text, in lower case, is lower. Unlike strings.EqualFold it does not take ſ for s.
func equalASCII(text, lower string) bool {
	if len(text) != len(lower) {
		return false
	}
	for i := range len(lower) {
		if text[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}

func (t Type) String() string {
	if t != Deposit && t != Withdraw {
		return fmt.Sprintf("Type(%d)", int8(t))
	}
	return filterNames[t]
}

// Risk is the risk level of a user. It scales the limits of all rules.
type Risk int8

// The risk levels. Medium, the zero value, is that of users for whom none is set.
const (
	Medium Risk = iota
	Low
	High
)

var riskNames = [...]string{Medium: "medium", Low: "low", High: "high"}

// ParseRisk reads a risk level: "low", "medium" or "high".
func ParseRisk(text string) (Risk, bool) {
	i := slices.Index(riskNames[:], text)
	return Risk(max(i, 0)), i >= 0
}

func (r Risk) String() string {
	if r < Medium || r > High {
		return fmt.Sprintf("Risk(%d)", int8(r))
	}
	return riskNames[r]
}

// Rule is the settings of one rule: a row of table rule.
type Rule struct {
	Code          int32  `json:"code"`
	Title         string `json:"title"`
	AppliesTo     string `json:"applies_to"`     // the events it looks at: deposit, withdraw or any
	Limit         Cents  `json:"limit"`          // at medium risk; a count n is the limit n.00
	WindowSeconds *int64 `json:"window_seconds"` // nil for a rule without a window
	Enabled       bool   `json:"enabled"`
	Version       int64  `json:"version"`
}

// LimitFor is the limit for users of the given risk: twice as much for low, and the next whole number above half of it for high.
func (r Rule) LimitFor(risk Risk) Cents { return scaleLimit(r.Limit, risk) }

func scaleLimit(limit Cents, risk Risk) Cents {
	switch risk {
	case Low:
		return saturatingAdd(limit, limit)
	case High:
		return limit/200*100 + 100
	default:
		return limit
	}
}

func (r *Rule) filter() (eventFilter, bool) {
	switch r.AppliesTo {
	case "deposit":
		return eventFilter(Deposit), true
	case "withdraw":
		return eventFilter(Withdraw), true
	case "any":
		return anyEvent, true
	}
	return 0, false
}

// Set is the rules in force: at most one of each code, ascending by code.
type Set []Rule

// ParseSet reads a JSON array of rules in any order. A limit may also be a plain number, as PostgreSQL's to_jsonb writes it. Members
// that Rule does not have are passed over, so that a server can still read the table when a later version has added a column.
func ParseSet(text []byte) (Set, error) {
	var rows []struct {
		Rule
		Limit   jsontext.Value `json:"limit"` // these two shadow those of Rule, whose zero values mean something
		Enabled *bool          `json:"enabled"`
	}
	if err := json.Unmarshal(text, &rows); err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	if rows == nil {
		return nil, errors.New("rules: a list of rules must be an array, not null")
	}
	set := make(Set, 0, len(rows))
	for _, row := range rows {
		limit, ok := ParseCents(strings.Trim(string(row.Limit), `"`))
		if !ok || row.Enabled == nil {
			return nil, fmt.Errorf("rules: rule %d needs enabled, and a limit that %w", row.Code, errCents)
		}
		row.Rule.Limit, row.Rule.Enabled = limit, *row.Enabled
		if fault := row.validate(); fault != "" {
			return nil, fmt.Errorf("rules: rule %d %s", row.Code, fault)
		}
		set = append(set, row.Rule)
	}
	slices.SortFunc(set, func(a, b Rule) int { return int(a.Code) - int(b.Code) })
	for i := 1; i < len(set); i++ {
		if set[i].Code == set[i-1].Code {
			return nil, fmt.Errorf("rules: rule %d is there twice", set[i].Code)
		}
	}
	return set, nil
}

// validate is what is wrong with the rule, or "".
func (r *Rule) validate() string {
	switch r.Code {
	case CodeConsecutive, CodeIncreasing, CodeLargeAmount:
	case CodeSum, CodeFrequency:
		if r.WindowSeconds == nil {
			return "needs window_seconds"
		}
	default:
		return "is unknown: there are 30, 123, 300, 500 and 1100"
	}
	if r.WindowSeconds != nil && (*r.WindowSeconds < 0 || *r.WindowSeconds > MaxWindow) {
		return fmt.Sprintf("has a window of %d seconds, which must be 0 to %d", *r.WindowSeconds, MaxWindow)
	}
	if _, ok := r.filter(); !ok {
		return fmt.Sprintf("applies to %q, which must be one of %s", r.AppliesTo, strings.Join(filterNames[:], ", "))
	}
	return ""
}

// LongestWindow is the longest window of the rules in seconds, disabled ones too: a rule that is switched on finds its window complete.
func (s Set) LongestWindow() int64 {
	var longest int64
	for i := range s {
		if window := s[i].WindowSeconds; window != nil {
			longest = max(longest, *window)
		}
	}
	return longest
}
