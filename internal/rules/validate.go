package rules

import "fmt"

// This file validates the settings of rules. The constraints of table rule state the same bounds; a test of package
// ledger compares both.

// Bounds of the settings. The smallest limit is 1 for a rule that counts, and 0 for a rule that adds up amounts.
const (
	MaxWindow = 3600             // seconds; it bounds the size of a user's state
	MaxCount  = Cents(1e6 * 100) // largest limit of a rule that counts events
	MaxAmount = Cents(1e12 - 1)  // largest limit of a rule that adds up amounts
)

// An eventFilter selects the events that a rule counts: those of one Type, with the same value, or all.
type eventFilter int8

const anyEvent eventFilter = 2

// filter returns the parsed AppliesTo. It returns false if AppliesTo is invalid.
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

// A FieldError describes an invalid setting of a rule.
type FieldError struct{ Field, Message string }

func (e FieldError) Error() string { return e.Field + " " + e.Message }

// Validate returns the invalid settings of a rule, except its title and version. It returns nil if all are valid.
func Validate(r Rule) (errs []FieldError) {
	addError := func(field, format string, args ...any) {
		errs = append(errs, FieldError{field, fmt.Sprintf(format, args...)})
	}
	known := true
	switch r.Code {
	case CodeConsecutive, CodeSum, CodeIncreasing, CodeFrequency, CodeLargeAmount:
	default:
		known = false
		addError("code", "must be 30, 123, 300, 500 or 1100, got %d", r.Code)
	}
	if _, ok := r.filter(); !ok {
		addError("applies_to", "must be deposit, withdraw or any")
	}
	counts := known && r.Code != CodeSum && r.Code != CodeLargeAmount
	switch {
	case counts && (r.Limit < 1_00 || r.Limit > MaxCount || r.Limit%100 != 0):
		addError("limit", "must be an integer from 1 to %d", MaxCount/100)
	case r.Limit < 0 || r.Limit > MaxAmount:
		addError("limit", "must be an amount from 0 to %s", MaxAmount)
	}
	switch hasWindow := r.Code == CodeSum || r.Code == CodeFrequency; {
	case r.WindowSeconds == nil:
		if hasWindow {
			addError("window_seconds", "is missing")
		}
	case known && !hasWindow:
		addError("window_seconds", "rule %d has no window; only rules 123 and 500 have one", r.Code)
	case *r.WindowSeconds < 0 || *r.WindowSeconds > MaxWindow:
		addError("window_seconds", "must be an integer from 0 to %d", MaxWindow)
	}
	return errs
}
