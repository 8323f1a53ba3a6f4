// Package oracle is a second implementation of the alert rules, for tests only. It evaluates the rules as the
// specification states them, over the whole history of a user. It must not call the evaluator of package rules nor
// share its arithmetic, so that a mistake cannot hide in both. It uses only the types of that package.
package oracle

import (
	"math/big"
	"slices"

	"labledger/internal/rules"
)

// Entry is one recorded event of a user, with the risk and the rules in force when it arrived.
type Entry struct {
	Event rules.Event
	Risk  rules.Risk
	Rules rules.Set
}

// Codes returns the codes that each event of the history fires, ascending; nil for none. It takes quadratic time.
func Codes(history []Entry) [][]int32 {
	all := make([][]int32, len(history))
	for i, entry := range history {
		for _, rule := range entry.Rules {
			if fires(rule, entry.Risk, history[:i+1]) {
				all[i] = append(all[i], rule.Code)
			}
		}
		slices.Sort(all[i])
	}
	return all
}

// fires reports whether the rule fires at the last event of the history.
func fires(rule rules.Rule, risk rules.Risk, history []Entry) bool {
	event := history[len(history)-1].Event
	if !rule.Enabled || !matches(rule, event) {
		return false
	}
	limit := scaledLimit(rule, risk)
	switch rule.Code {
	case 1100:
		return money(event.Amount).Cmp(limit) > 0
	case 30:
		return integer(consecutive(rule, history)).Cmp(limit) >= 0
	case 300:
		return integer(increasing(rule, history)).Cmp(limit) >= 0
	case 123:
		sum := new(big.Rat)
		for _, e := range eventsInWindow(rule, history) {
			sum.Add(sum, money(e.Amount))
		}
		return sum.Cmp(limit) > 0
	case 500:
		return integer(len(eventsInWindow(rule, history))).Cmp(limit) > 0
	}
	return false
}

func matches(rule rules.Rule, event rules.Event) bool {
	return rule.AppliesTo == "any" ||
		rule.AppliesTo == "deposit" && event.Type == rules.Deposit ||
		rule.AppliesTo == "withdraw" && event.Type == rules.Withdraw
}

func money(cents rules.Cents) *big.Rat { return big.NewRat(int64(cents), 100) }

func integer(n int) *big.Rat { return big.NewRat(int64(n), 1) }

// scaledLimit returns the limit at a risk level: limit × 2 for low, floor(limit / 2) + 1 for high.
func scaledLimit(rule rules.Rule, risk rules.Risk) *big.Rat {
	limit := money(rule.Limit)
	switch risk {
	case rules.Low:
		limit.Mul(limit, integer(2))
	case rules.High:
		limit.Quo(limit, integer(2))
		floor := new(big.Int).Div(limit.Num(), limit.Denom())
		limit.SetInt(floor.Add(floor, big.NewInt(1)))
	}
	return limit
}

// consecutive returns the length of the longest tail of the history in which all events match.
func consecutive(rule rules.Rule, history []Entry) int {
	for n := range history {
		if !matches(rule, history[len(history)-1-n].Event) {
			return n
		}
	}
	return len(history)
}

// increasing returns the length of the longest tail of the matching events in which the amounts strictly increase.
func increasing(rule rules.Rule, history []Entry) int {
	var amounts []*big.Rat
	for _, entry := range history {
		if matches(rule, entry.Event) {
			amounts = append(amounts, money(entry.Event.Amount))
		}
	}
	for n := 1; n < len(amounts); n++ {
		if later := len(amounts) - n; amounts[later-1].Cmp(amounts[later]) >= 0 {
			return n
		}
	}
	return len(amounts)
}

// eventsInWindow returns the matching events with now − t ≤ window. t is the effective time of an event: its own time,
// or the user's latest time when it arrived if that is later.
func eventsInWindow(rule rules.Rule, history []Entry) []rules.Event {
	latest := int64(0)
	effective := make([]int64, len(history))
	for i, entry := range history {
		latest = max(latest, entry.Event.Time)
		effective[i] = latest
	}
	var events []rules.Event
	for i, entry := range history {
		if matches(rule, entry.Event) && latest-effective[i] <= *rule.WindowSeconds {
			events = append(events, entry.Event)
		}
	}
	return events
}
