// Package rules implements the alert rules as pure functions: one evaluator for single events, batches and replay.
// It does not know where events, rules and states are stored, and it never reads the clock.
package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Codes of the rules. The settings of a rule are data; what it measures is code.
const (
	CodeConsecutive = 30   // number of consecutive matching events
	CodeSum         = 123  // sum of the matching events within the window
	CodeIncreasing  = 300  // number of matching events in a row, each larger than the one before
	CodeFrequency   = 500  // number of matching events within the window
	CodeLargeAmount = 1100 // amount of one event
)

// Type is the type of an event.
type Type int8

// The types of events.
const (
	Deposit Type = iota
	Withdraw
)

var typeNames = [...]string{Deposit: "deposit", Withdraw: "withdraw"}

// ParseType parses "deposit" or "withdraw" in any ASCII case.
func ParseType(text string) (Type, bool) {
	for t := Deposit; t <= Withdraw; t++ {
		if equalASCII(text, typeNames[t]) {
			return t, true
		}
	}
	return 0, false
}

// equalASCII reports whether text, converted to lower case, equals lower. Unlike strings.EqualFold it does not match ſ
// with s.
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
	return typeNames[t]
}

// Risk is the risk level of a user. It scales the limits of all rules.
type Risk int8

// The risk levels. Medium, the zero value, applies to users without a risk level.
const (
	Medium Risk = iota
	Low
	High
)

var riskNames = [...]string{Medium: "medium", Low: "low", High: "high"}

// ParseRisk parses a risk level: "low", "medium" or "high".
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

// Rule is one rule with its settings: a row of table rule.
type Rule struct {
	Code          int32  `json:"code"`
	Title         string `json:"title"`
	AppliesTo     string `json:"applies_to"`     // events that the rule counts: deposit, withdraw or any
	Limit         Cents  `json:"limit"`          // limit at medium risk; a count n is stored as n.00
	WindowSeconds *int64 `json:"window_seconds"` // nil for a rule without a window
	Enabled       bool   `json:"enabled"`
	Version       int64  `json:"version"`
	Severity      string `json:"severity,omitempty"` // critical, warning or info; "" in older rule sets
}

// LimitFor returns the limit for a risk level: the double for low, and half of it, rounded down to an integer, plus 1
// for high.
func (r *Rule) LimitFor(risk Risk) Cents {
	switch risk {
	case Low:
		return saturatingAdd(r.Limit, r.Limit)
	case High:
		return r.Limit/200*100 + 100
	default:
		return r.Limit
	}
}

// Set is a rule set: at most one rule for each code, ascending by code.
type Set []Rule

// ParseSet parses a JSON array of rules in any order. A limit may also be a JSON number, as PostgreSQL's to_jsonb
// writes it. ParseSet ignores unknown members, so that a server can read the table after a later version has added a
// column.
func ParseSet(text []byte) (Set, error) {
	var rows []struct {
		Rule
		// These fields shadow those of Rule, to detect missing members.
		Limit   jsontext.Value `json:"limit"`
		Enabled *bool          `json:"enabled"`
	}
	if err := json.Unmarshal(text, &rows); err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	if rows == nil {
		return nil, errors.New("rules: the rule set must be an array, got null")
	}
	set := make(Set, 0, len(rows))
	for _, row := range rows {
		limit, ok := ParseCents(strings.Trim(string(row.Limit), `"`))
		if !ok {
			return nil, fmt.Errorf("rules: rule %d: limit %w", row.Code, errCents)
		}
		if row.Enabled == nil {
			return nil, fmt.Errorf("rules: rule %d: enabled is missing", row.Code)
		}
		row.Rule.Limit, row.Rule.Enabled = limit, *row.Enabled
		if errs := Validate(row.Rule); len(errs) > 0 {
			return nil, fmt.Errorf("rules: rule %d: %w", row.Code, errs[0])
		}
		set = append(set, row.Rule)
	}
	slices.SortFunc(set, func(a, b Rule) int { return int(a.Code) - int(b.Code) })
	for i := 1; i < len(set); i++ {
		if set[i].Code == set[i-1].Code {
			return nil, fmt.Errorf("rules: rule %d is listed twice", set[i].Code)
		}
	}
	return set, nil
}

// LongestWindow returns the longest window of the rules in seconds. Disabled rules count, so that the window of a rule
// is complete when the rule is enabled.
func (s Set) LongestWindow() int64 {
	var longest int64
	for i := range s {
		if window := s[i].WindowSeconds; window != nil {
			longest = max(longest, *window)
		}
	}
	return longest
}
