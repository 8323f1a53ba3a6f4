// Package oracle decides the alert rules a second time, for tests only: as the contract's table puts them, over the whole history.
// It must not call the evaluator in rules nor share its arithmetic, so that one mistake cannot hide in both; it borrows types alone.
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

// Codes gives the codes that each event of the history fires, ascending; nil for none. It takes quadratic time.
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

// fires tells whether the rule fires at the last event of the history.
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

// scaledLimit is the limit at the given risk: low: limit × 2; high: floor(limit / 2) + 1.
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

// consecutive is how many of the last events all match.
func consecutive(rule rules.Rule, history []Entry) int {
	for n := range history {
		if !matches(rule, history[len(history)-1-n].Event) {
			return n
		}
	}
	return len(history)
}

// increasing is how many of the last matching events strictly increase.
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

// eventsInWindow is the matching events with now − t ≤ window, where t is the time at which an event counts: as given, or the user's latest
// when it arrived if that is later.
func eventsInWindow(rule rules.Rule, history []Entry) []rules.Event {
	latest := int64(0)
	effective := make([]int64, len(history))
	for i, entry := range history {
		latest = max(latest, entry.Event.Time)
		effective[i] = latest
	}
	var inside []rules.Event
	for i, entry := range history {
		if matches(rule, entry.Event) && latest-effective[i] <= *rule.WindowSeconds {
			inside = append(inside, entry.Event)
		}
	}
	return inside
}
