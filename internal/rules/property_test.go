package rules_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"labledger/internal/rules"
	"labledger/internal/rules/oracle"
)

// drawSet draws the standard rules with some settings changed.
func drawSet(t *rapid.T, windows []int64) rules.Set {
	set := rules.Set{
		{Code: 30, AppliesTo: "withdraw", Limit: 3_00},
		{Code: 123, AppliesTo: "deposit", Limit: 200_00},
		{Code: 300, AppliesTo: "deposit", Limit: 3_00},
		{Code: 500, AppliesTo: "any", Limit: 5_00},
		{Code: 1100, AppliesTo: "withdraw", Limit: 100_00},
	}
	standard := []int64{0, 30, 0, 60, 0}
	for i := range set {
		r := &set[i]
		r.Enabled = rapid.IntRange(0, 9).Draw(t, "enabled") > 0
		if standard[i] > 0 {
			window := rapid.SampledFrom(append([]int64{standard[i], standard[i]}, windows...)).Draw(t, "window")
			r.WindowSeconds = &window
		}
		if rapid.IntRange(0, 2).Draw(t, "changed") > 0 {
			continue
		}
		r.AppliesTo = rapid.SampledFrom([]string{"deposit", "withdraw", "any"}).Draw(t, "applies to")
		switch r.Code {
		case 123, 1100:
			limits := []rules.Cents{0, 1, 50_00, 99_99, 100_01, 150_50, rules.MaxAmount}
			r.Limit = rapid.SampledFrom(limits).Draw(t, "limit")
		default:
			limits := []rules.Cents{0, 1, 1_00, 1_99, 2_00, 2_01, 2_50, 4_00, 5_99, 7_00}
			r.Limit = rapid.SampledFrom(limits).Draw(t, "limit")
		}
	}
	return rapid.SampledFrom([]rules.Set{set, set, set, set[:2], set[2:], {}}).Draw(t, "set")
}

// drawEvent draws an event that is likely to hit a limit or the end of a window, given the events before it.
func drawEvent(t *rapid.T, history []oracle.Entry) rules.Event {
	e := rules.Event{Type: rules.Type(rapid.IntRange(0, 1).Draw(t, "type"))}
	before := rules.Event{Amount: 10_00, Time: 1000}
	if len(history) > 0 {
		before = history[len(history)-1].Event
		if rapid.IntRange(0, 2).Draw(t, "same type") > 0 {
			e.Type = before.Type
		}
	}
	around := func(n int64) *rapid.Generator[int64] { return rapid.Int64Range(n-1, n+1) }
	amounts := rapid.OneOf(around(int64(before.Amount)), around(int64(before.Amount)+5_00), around(100_00),
		around(200_00),
		around(51_00), around(50_00), around(30_00), rapid.Int64Range(1, 100_00), around(999_999_999_998))
	e.Amount = max(1, rules.Cents(amounts.Draw(t, "amount")))
	steps := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 3), rapid.Int64Range(-40, 70), around(0), around(30),
		around(60), around(15), around(20), around(3600))
	step := steps.Draw(t, "step")
	e.Time = max(0, before.Time+step)
	return e
}

// TestStep_matchesOracle compares Step with the oracle at each event of random streams in which risk and rules change.
// It keeps what the rules need and rebuilds the window when they need more, as the ledger does, or keeps the maximum.
// It may also encode and parse the state before each step.
func TestStep_matchesOracle(t *testing.T) {
	fired := map[int32]int{}
	rapid.Check(t, func(t *rapid.T) {
		windows := rapid.SampledFrom([][]int64{
			{30, 60}, {0, 15, 30, 31, 60, 61}, {0, 1, 120, rules.MaxWindow},
		}).Draw(t, "windows")
		keepMax := rapid.Bool().Draw(t, "keep max")
		viaJSON := rapid.Bool().Draw(t, "via JSON")
		entry := oracle.Entry{Rules: drawSet(t, windows)}
		var state rules.State
		var history []oracle.Entry
		var ledger []rules.Event // with effective times
		for range rapid.IntRange(1, 60).Draw(t, "length") {
			if rapid.IntRange(0, 9).Draw(t, "change risk") == 0 {
				entry.Risk = rapid.SampledFrom([]rules.Risk{rules.Medium, rules.Low, rules.High}).Draw(t, "risk")
			}
			if rapid.IntRange(0, 14).Draw(t, "change rules") == 0 {
				entry.Rules = drawSet(t, windows)
			}
			entry.Event = drawEvent(t, history)
			history = append(history, entry)

			horizon := entry.Rules.LongestWindow()
			if keepMax {
				horizon = rules.MaxWindow
			}
			if state.Horizon() < horizon {
				from := slices.IndexFunc(ledger, func(e rules.Event) bool { return e.Time >= state.Latest()-horizon })
				state.RebuildWindow(horizon, ledger[from:])
			}
			if viaJSON {
				parsed, err := rules.ParseState(state.Append(nil))
				if err != nil || !parsed.Equal(&state) {
					t.Fatalf("%s: %v, %s", stateText(&state), err, stateText(&parsed))
				}
				state = parsed
			}
			d := rules.Step(&state, entry.Event, entry.Rules, entry.Risk, horizon)
			recorded := entry.Event
			recorded.Time = d.EffectiveTime
			ledger = append(ledger, recorded)

			all := oracle.Codes(history)
			if want := all[len(all)-1]; !slices.Equal(d.Codes, want) || (d.Codes == nil) != (want == nil) {
				t.Fatalf("event %d %+v, %v risk, rules %+v: fires %v, want %v; state %s",
					len(history), entry.Event, entry.Risk, entry.Rules, d.Codes, want, stateText(&state))
			}
			for _, code := range d.Codes {
				fired[code]++
			}
			buckets := int64(bucketCount(t, &state))
			if buckets > horizon+1 || state.Count() != int64(len(history)) || state.Latest() != d.EffectiveTime {
				t.Fatalf("horizon %d, event %d: %s", horizon, len(history), stateText(&state))
			}
		}
	})
	if len(fired) != 5 {
		t.Error("control: some rule never fired:", fired)
	}
}

// TestRebuildWindow_atAnyHorizon checks that a rebuilt window equals the window of a state with a wider horizon.
func TestRebuildWindow_atAnyHorizon(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		narrow := rapid.Int64Range(0, 130).Draw(t, "narrow")
		wide := rapid.Int64Range(0, 130).Draw(t, "wide")
		var state, wideState rules.State
		var history []oracle.Entry
		var ledger []rules.Event
		check := func() {
			from := slices.IndexFunc(ledger, func(e rules.Event) bool { return e.Time >= state.Latest()-wide })
			state.RebuildWindow(wide, ledger[from:])
			if !state.Equal(&wideState) {
				t.Fatalf("%d seconds, rebuilt with %d:\ngot  %s\nwant %s",
					narrow, wide, stateText(&state), stateText(&wideState))
			}
		}
		for range rapid.IntRange(1, 40).Draw(t, "length") {
			e := drawEvent(t, history)
			history = append(history, oracle.Entry{Event: e})
			e.Time = rules.Step(&state, e, nil, rules.Medium, narrow).EffectiveTime
			rules.Step(&wideState, e, nil, rules.Medium, wide)
			ledger = append(ledger, e)
			if rapid.IntRange(0, 9).Draw(t, "rebuild") == 0 {
				check()
			}
		}
		check()
	})
}

// TestLimitFor_higherRiskIsStricter checks that a higher risk never has a larger limit, for limits of at least 2. The
// limit for high risk is the next integer above half of the limit.
func TestLimitFor_higherRiskIsStricter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rules.Rule{Limit: rules.Cents(rapid.Int64Range(0, 1<<63-1).Draw(t, "limit"))}
		if r.Limit >= 2_00 && !(r.LimitFor(rules.High) <= r.Limit && r.Limit <= r.LimitFor(rules.Low)) {
			t.Fatal(r.LimitFor(rules.High), r.Limit, r.LimitFor(rules.Low))
		}
		if high := r.LimitFor(rules.High); high%100 != 0 || high <= r.Limit/2 || high > r.Limit/2+1_00 {
			t.Fatal(high, r.Limit)
		}
	})
}
