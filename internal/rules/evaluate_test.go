package rules_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"labledger/internal/rules"
)

// parseEvents parses events such as "d 12.50 @7": a deposit of 12.50 at second 7. The amount defaults to 1 and the time
// to 0.
func parseEvents(t testing.TB, text string) []rules.Event {
	t.Helper()
	var events []rules.Event
	for item := range strings.SplitSeq(text, ",") {
		e := rules.Event{Amount: 1_00}
		for i, word := range strings.Fields(item) {
			ok := true
			switch {
			case i == 0 && word == "d":
			case i == 0 && word == "w":
				e.Type = rules.Withdraw
			case i > 0 && word[0] == '@':
				seconds, err := strconv.ParseInt(word[1:], 10, 64)
				e.Time, ok = seconds, err == nil
			case i > 0:
				e.Amount, ok = rules.ParseCents(word)
			default:
				ok = false
			}
			if !ok {
				t.Fatalf("invalid event: %q in %q", word, item)
			}
		}
		events = append(events, e)
	}
	return events
}

// firedText steps through the events and returns the codes that fire for each, "-" for none.
func firedText(set rules.Set, risk rules.Risk, events []rules.Event) string {
	var state rules.State
	var all []string
	for _, e := range events {
		all = append(all, formatCodes(rules.Step(&state, e, set, risk, set.LongestWindow()).Codes))
	}
	return strings.Join(all, " ")
}

func formatCodes(codes []int32) string {
	if codes == nil {
		return "-"
	}
	return strings.Join(strings.Fields(strings.Trim(fmt.Sprint(codes), "[]")), "+")
}

type stepCase struct {
	risk   rules.Risk
	events string
	want   string
}

func (c stepCase) run(t *testing.T, set rules.Set) {
	t.Helper()
	if got := firedText(set, c.risk, parseEvents(t, c.events)); got != c.want {
		t.Errorf("%v risk, %s:\n\tgot  %s\n\twant %s", c.risk, c.events, got, c.want)
	}
}

// TestStep_limitsByRisk checks each rule at each risk level, just below and just above its limit.
func TestStep_limitsByRisk(t *testing.T) {
	set := parseSet(t, standardRules)
	for _, c := range []stepCase{
		{rules.Medium, "w 100", "-"}, {rules.Medium, "w 100.01", "1100"},
		{rules.Low, "w 200", "-"}, {rules.Low, "w 200.01", "1100"},
		{rules.High, "w 51", "-"}, {rules.High, "w 51.01", "1100"},
		{rules.Medium, "w, w", "- -"}, {rules.Medium, "w, w, w", "- - 30"},
		{rules.Low, "w, w @100, w @200, w @300, w @400", "- - - - -"},
		{rules.Low, "w, w @100, w @200, w @300, w @400, w @500", "- - - - - 30"},
		{rules.High, "w", "-"}, {rules.High, "w, w", "- 30"},
		{rules.Medium, "d 1, d 2", "- -"}, {rules.Medium, "d 1, d 2, d 3", "- - 300"},
		{rules.Low, "d 1, d 2, d 3, d 4, d 5", "- - - - -"},
		{rules.Low, "d 1, d 2, d 3, d 4, d 5, d 6", "- - - - - 300"},
		{rules.High, "d 1", "-"}, {rules.High, "d 1, d 2", "- 300"},
		{rules.Medium, "d 200", "-"}, {rules.Medium, "d 200.01", "123"}, {rules.Medium, "d 100, d 100", "- -"},
		{rules.Medium, "d 100.01, d 100", "- 123"},
		{rules.Low, "d 400", "-"}, {rules.Low, "d 400.01", "123"}, {rules.Low, "d 300, d 100", "- -"},
		{rules.Low, "d 300, d 100.01", "- 123"},
		{rules.High, "d 101", "-"}, {rules.High, "d 101.01", "123"}, {rules.High, "d 51, d 50", "- -"},
		{rules.High, "d 51, d 50.01", "- 123"},
		{rules.Medium, "d, d, d, d, d", "- - - - -"}, {rules.Medium, "d, d, d, d, d, d", "- - - - - 500"},
		{rules.Low, "d, d, d, d, d, d, d, d, d, d", "- - - - - - - - - -"},
		{rules.Low, "d, d, d, d, d, d, d, d, d, d, d", "- - - - - - - - - - 500"},
		{rules.High, "d, d, d", "- - -"}, {rules.High, "d, d, d, d", "- - - 500"},
		// Each window has its own length.
		{rules.Medium, "d 150 @100, d 51 @131, d 150 @161", "- - 123"},
		{rules.High, "d @100, d @100, w @130, w @161, w @161", "- - - 30 30"},
		// Codes are ascending.
		{rules.High, "d 50, d 51, d 60, d 61", "- 300 123+300 123+300+500"},
		{rules.Medium, "w, w, w, w, w, w 101", "- - 30 30 30 30+500+1100"},
	} {
		c.run(t, set)
	}
}

func TestStep_largeAmount(t *testing.T) {
	set := singleRule(1100, "withdraw", 100_00, -1)
	stepCase{
		rules.Medium, "d 9999999999.99, w 9999999999.99, w 100.01, w 100, w 100.01", "- 1100 1100 - 1100",
	}.run(t, set)
	set[0].AppliesTo = "deposit"
	stepCase{rules.Medium, "d 100.01, w 100.01", "1100 -"}.run(t, set)
	set[0].AppliesTo = "any"
	stepCase{rules.Medium, "d 100.01, w 100.01", "1100 1100"}.run(t, set)
	stepCase{rules.Medium, "w 100.50, w 100.51", "- 1100"}.run(t, singleRule(1100, "any", 100_50, -1))
	stepCase{rules.Medium, "w 0.01", "1100"}.run(t, singleRule(1100, "any", 0, -1))
}

func TestStep_consecutive(t *testing.T) {
	set := singleRule(30, "withdraw", 3_00, -1)
	// No window; fires again for each further event; a deposit ends the run.
	stepCase{rules.Medium, "w, w @9000, w @90000, w @90000, d, w, w, w", "- - 30 30 - - - 30"}.run(t, set)
	stepCase{rules.Medium, "d, w, w, d, w, w, w", "- - - - - - 30"}.run(t, set)
	set[0].AppliesTo = "deposit"
	stepCase{rules.Medium, "d, d, w, d, d, d, w", "- - - - - 30 -"}.run(t, set)
	set[0].AppliesTo = "any"
	stepCase{rules.Medium, "d, w, d, w", "- - 30 30"}.run(t, set)
	// Three consecutive events reach a limit of 2.50, two do not.
	stepCase{rules.Medium, "w, w, w", "- - 30"}.run(t, singleRule(30, "withdraw", 2_50, -1))
	stepCase{rules.Medium, "w, w, w", "- - 30"}.run(t, singleRule(30, "withdraw", 2_01, -1))
	stepCase{rules.Medium, "w, w, w", "- 30 30"}.run(t, singleRule(30, "withdraw", 2_00, -1))
	stepCase{rules.Medium, "w", "30"}.run(t, singleRule(30, "withdraw", 0, -1))
}

func TestStep_increasing(t *testing.T) {
	set := singleRule(300, "deposit", 3_00, -1)
	for _, c := range []stepCase{
		// The rule fires again for each further event.
		{rules.Medium, "d 1, d 2, d 3, d 4", "- - 300 300"},
		// An equal amount restarts the run.
		{rules.Medium, "d 1, d 2, d 2, d 3, d 4", "- - - - 300"},
		// A smaller amount restarts the run.
		{rules.Medium, "d 1, d 2, d 1.99, d 3, d 4", "- - - - 300"},
		// Withdrawals are ignored.
		{rules.Medium, "d 1, w 5, d 2, w 1, w 9, d 3", "- - - - - 300"},
		// Amounts differ by hundredths.
		{rules.Medium, "d 1.98, d 1.99, d 2, d 2.00", "- - 300 -"},
		// No window.
		{rules.Medium, "d 1, d 2 @90000, d 3 @900000", "- - 300"},
		// The order of arrival counts, not the time.
		{rules.Medium, "d 1 @50, d 2 @20, d 3", "- - 300"},
		// Decreasing amounts do not count.
		{rules.Medium, "d 3, d 2, d 1, d 2, d 3, w 4", "- - - - 300 -"},
		// The run is 4, 5, … 9.
		{rules.Low, "d 1, d 2, d 3, d 4, d 4, d 5, d 6, d 7, d 8, d 9", "- - - - - - - - - 300"},
	} {
		c.run(t, set)
	}
	set[0].AppliesTo = "withdraw"
	stepCase{rules.Medium, "w 1, d 9, w 2, w 3, d 10", "- - - 300 -"}.run(t, set)
	set[0].AppliesTo = "any"
	stepCase{rules.Medium, "w 1, d 2, w 3, d 3, w 4, d 5", "- - 300 - - 300"}.run(t, set)
	stepCase{rules.Medium, "d 1, d 2, d 3", "- - 300"}.run(t, singleRule(300, "deposit", 2_50, -1))
}

func TestStep_sum(t *testing.T) {
	set := singleRule(123, "deposit", 200_00, 30)
	for _, c := range []stepCase{
		// Exactly 30 seconds before is inside.
		{rules.Medium, "d 150 @100, d 50.01 @130", "- 123"},
		{rules.Medium, "d 150 @100, d 50.01 @131", "- -"},
		{rules.Medium, "d 150 @100, w 900 @110, d 50 @110, d 0.01 @130, d 199 @131", "- - - 123 123"},
		// A withdrawal never fires the rule.
		{rules.Medium, "d 201, w 1", "123 -"},
		// All in the same second.
		{rules.Medium, "d 67.01, d 67, d 66", "- - 123"},
		// Effective time 100.
		{rules.Medium, "d 150 @100, d 50.01 @70, d 1 @130", "- 123 123"},
		// The event leaves the window with the one at 100.
		{rules.Medium, "d 150 @100, d 50 @0, d 0.01 @131, d 1", "- - - -"},
		// Every event advances the user's latest time.
		{rules.Medium, "w 1 @100, d 150 @10, d 51 @130, d 1 @131", "- - 123 -"},
	} {
		c.run(t, set)
	}
	set[0].AppliesTo = "withdraw"
	stepCase{rules.Medium, "d 500, w 200, w 0.01", "- - 123"}.run(t, set)
	set[0].AppliesTo = "any"
	stepCase{rules.Medium, "d 100, w 100, d 0.01, w 0.01", "- - 123 123"}.run(t, set)
	// A window of 0 seconds includes only events of the same second.
	set = singleRule(123, "deposit", 200_00, 0)
	stepCase{rules.Medium, "d 150 @5, d 51 @5, d 150 @6, d 50.01 @4", "- 123 - 123"}.run(t, set)
	set = singleRule(123, "deposit", 200_00, rules.MaxWindow)
	stepCase{rules.Medium, "d 150, d 51 @3600, d 150 @7201", "- 123 -"}.run(t, set)
	stepCase{rules.High, "d 76, d 0.01", "- 123"}.run(t, singleRule(123, "deposit", 150_50, 30))
}

func TestStep_frequency(t *testing.T) {
	set := singleRule(500, "any", 2_00, 60)
	for _, c := range []stepCase{
		// Exactly 60 seconds before is inside.
		{rules.Medium, "d @100, w @120, d @160", "- - 500"},
		{rules.Medium, "d @100, w @120, d @161", "- - -"},
		{rules.Medium, "d @100, w @100, d @100, w @100", "- - 500 500"},
		// Effective time 100.
		{rules.Medium, "d @100, w @1, d @160, w @161", "- - 500 -"},
		{rules.Medium, "d @9007199254740991, d @0, d @5", "- - 500"},
	} {
		c.run(t, set)
	}
	set[0].AppliesTo = "withdraw"
	stepCase{rules.Medium, "w, d, w, d, w, d", "- - - - 500 -"}.run(t, set)
	stepCase{rules.Medium, "d, d, d", "- - 500"}.run(t, singleRule(500, "any", 2_99, 60))
	stepCase{rules.Medium, "d, d, d", "- 500 500"}.run(t, singleRule(500, "any", 1_99, 60))
	stepCase{rules.Medium, "d @1, d @1, d @2", "- 500 -"}.run(t, singleRule(500, "any", 1_00, 0))
}

func TestStep_decision(t *testing.T) {
	set := parseSet(t, standardRules)
	var state rules.State
	for _, c := range []struct {
		event string
		want  rules.Decision
	}{
		{"d 12.50 @70", rules.Decision{
			EffectiveTime: 70,
			Measurements:  []rules.Measurement{{123, 1250, true}, {300, 1, false}, {500, 1, false}},
		}},
		{"w 100.01 @40", rules.Decision{
			EffectiveTime: 70,
			Measurements:  []rules.Measurement{{30, 1, false}, {500, 2, false}, {1100, 10001, true}},
			Codes:         []int32{1100},
		}},
		{"d 190 @101", rules.Decision{
			EffectiveTime: 101,
			Measurements:  []rules.Measurement{{123, 19000, true}, {300, 2, false}, {500, 3, false}},
		}},
		{"d 190 @131", rules.Decision{
			EffectiveTime: 131,
			Measurements:  []rules.Measurement{{123, 38000, true}, {300, 1, false}, {500, 2, false}},
			Codes:         []int32{123},
		}},
	} {
		if diff := cmp.Diff(c.want, rules.Step(&state, parseEvents(t, c.event)[0], set, rules.Medium, 60)); diff != "" {
			t.Error(c.event, diff)
		}
	}
	for i := range set {
		set[i].Enabled = false
	}
	got := rules.Step(&state, rules.Event{Type: rules.Withdraw, Amount: 900_00, Time: 1}, set, rules.High, 60)
	if diff := cmp.Diff(rules.Decision{EffectiveTime: 131}, got); diff != "" {
		t.Error("disabled rules have an effect:", diff)
	}
	got = rules.Step(&state, rules.Event{Amount: 1, Time: 200}, nil, rules.High, 60)
	if diff := cmp.Diff(rules.Decision{EffectiveTime: 200}, got); diff != "" {
		t.Error("an empty set has an effect:", diff)
	}
}

// TestStep_ignoresInvalidRules checks that Step ignores rules that ParseSet would reject.
func TestStep_ignoresInvalidRules(t *testing.T) {
	for name, set := range map[string]rules.Set{
		"no window":          singleRule(123, "any", 0, -1),
		"unknown code":       singleRule(7, "any", 0, 60),
		"applies to nothing": singleRule(1100, "", 0, -1),
	} {
		var state rules.State
		d := rules.Step(&state, rules.Event{Amount: 1}, set, rules.Medium, 60)
		if d.Measurements != nil || d.Codes != nil || state.Count() != 1 {
			t.Error(name, d)
		}
	}
}
