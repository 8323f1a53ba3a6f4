package rules_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"labledger/internal/rules"
)

// stepAll steps through the events without rules. It returns the events with their effective times.
func stepAll(state *rules.State, horizon int64, events []rules.Event) []rules.Event {
	var recorded []rules.Event
	for _, e := range events {
		e.Time = rules.Step(state, e, nil, rules.Medium, horizon).EffectiveTime
		recorded = append(recorded, e)
	}
	return recorded
}

func parseState(t testing.TB, text string) rules.State {
	t.Helper()
	state, err := rules.ParseState([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func stateText(state *rules.State) string { return string(state.Append(nil)) }

// bucketCount returns the number of buckets in the encoded state.
func bucketCount(t rapid.TB, state *rules.State) int {
	t.Helper()
	var parsed struct{ Seconds [][]int64 }
	if err := json.Unmarshal(state.Append(nil), &parsed); err != nil {
		t.Fatal(err)
	}
	return len(parsed.Seconds)
}

const sampleState = `{"count":4,"latest":61,"horizon":60,"last":"deposit","run":1,` +
	`"rises":[[3,3000],[1,500],[2,3000]],` +
	`"seconds":[[1,2,3000,0,0],[61,1,3000,1,500]]}`

func TestState_JSON(t *testing.T) {
	var state rules.State
	stepAll(&state, 60, parseEvents(t, "d 10 @1, d 20 @0, w 5 @61, d 30 @61"))
	if got := string(state.Append([]byte("a"))); got != "a"+sampleState {
		t.Errorf("got %s; want %s", got, sampleState)
	}
	if state.Count() != 4 || state.Latest() != 61 || state.Horizon() != 60 {
		t.Error(state.Count(), state.Latest(), state.Horizon())
	}
	spaced := ` { "run" : 1, "last": "deposit", "count": 4, "rises": [[3, 3000], [1, 500], [2, 3000]],` + "\r\n\t" +
		`"latest": 61, "horizon": 60, "seconds": [ [1, 2, 3000, 0, 0] , [61, 1, 3000, 1, 500] ] } `
	for _, text := range []string{sampleState, spaced} {
		if got := parseState(t, text); !got.Equal(&state) || !state.Equal(&got) {
			t.Errorf("%s parses as %s", text, stateText(&got))
		}
	}
}

func TestState_zeroValue(t *testing.T) {
	var zero rules.State
	if zero.Count() != 0 || zero.Latest() != 0 || zero.Horizon() != math.MaxInt64 || stateText(&zero) != "{}" {
		t.Error(zero.Count(), zero.Latest(), zero.Horizon(), stateText(&zero))
	}
	zero.RebuildWindow(60, parseEvents(t, "d"))
	for _, text := range []string{"", "{}", " { } "} {
		if got := parseState(t, text); !got.Equal(&zero) {
			t.Errorf("%q parses as %s", text, stateText(&got))
		}
	}
}

func TestParseState_rejects(t *testing.T) {
	replaced := func(old, replacement string) string {
		if strings.Count(sampleState, old) != 1 {
			t.Fatalf("%s occurs %d times, want once", old, strings.Count(sampleState, old))
		}
		return strings.Replace(sampleState, old, replacement, 1)
	}
	for _, text := range []string{
		" ", "null", "[]", "0", "{", "{}}", "{}\x00", "\x00{}", "{,}", `{"count":0}`, `{"count":1}`,
		sampleState[:len(sampleState)-1], sampleState + "x", sampleState + sampleState, "\ufeff" + sampleState,
		replaced(`"count":4`, `"count":0`), replaced(`"count":4`, `"count":-4`), replaced(`"count":4`, `"count":04`),
		replaced(`"count":4`, `"count":4.0`),
		replaced(`"count":4`, `"count":2`), replaced(`"count":4`, `"count":"4"`), replaced(`"count":4`, `"count":`),
		replaced(`"count":4`, `"count":9223372036854775808`),
		replaced(`"count":4`, `"count":4,"count":4`), replaced(`"count":4,`, ``),
		replaced(`"count":4`, `"count":4,"more":1`), replaced(`"count"`, `"COUNT"`),
		replaced(`"count":4,`, `"count":4,,`), replaced(`,"run"`, `"run"`), replaced(`"count":4`, `"count" 4`),
		replaced(`"count"`, `count`),
		replaced(`"latest":61`, `"latest":60`), replaced(`"latest":61`, `"latest":3602`),
		replaced(`"latest":61`, `"latest":9007199254740992`),
		replaced(`"horizon":60`, `"horizon":3601`), replaced(`"deposit"`, `"any"`),
		replaced(`"deposit"`, `"Deposit"`), replaced(`"deposit"`, `0`),
		replaced(`"run":1`, `"run":0`), replaced(`"run":1`, `"run":5`),
		replaced(`[[3,3000]`, `[[5,3000]`), replaced(`[[3,3000]`, `[[0,0]`), replaced(`[[3,3000]`, `[[0,3000]`),
		replaced(`[1,500]`, `[1,0]`),
		replaced(`[[3,3000],`, `[`), replaced(`[[3,3000]`, `[[3,3000,1]`), replaced(`[1,500]`, `[1,500],[1,500]`),
		replaced(`[2,3000]]`, `[0,0]]`),
		replaced(`[[1,2,3000,0,0],`, `[[61,2,3000,0,0],`), replaced(`[[1,2,3000,0,0],`, `[[1,0,0,0,0],`),
		replaced(`[[1,2,3000,0,0],`, `[[1,2,1,0,0],`),
		replaced(`[[1,2,3000,0,0],`, `[[1,2,3000,0,7],`), replaced(`[[1,2,3000,0,0],`, `[[1,2,3000,0],`),
		replaced(`[[1,2,3000,0,0],`, `[[1,2,3000,0,0]`),
		replaced(`3000,1,500]]}`, `3000,1,500],]}`), replaced(`3000,1,500]]}`, `3000,1,500]`),
		replaced(`3000,1,500]]}`, `3000,1,500]]`),
	} {
		if state, err := rules.ParseState([]byte(text)); err == nil {
			t.Errorf("%q is accepted as %s", text, stateText(&state))
		} else if state.Count() != 0 || !strings.HasPrefix(err.Error(), "rules: ") {
			t.Error(state.Count(), err)
		}
	}
}

// TestState_ignoresRuleSettings checks that a changed limit, applies_to or enabled flag needs no rebuild.
func TestState_ignoresRuleSettings(t *testing.T) {
	var with, without rules.State
	set := parseSet(t, standardRules)
	for _, e := range parseEvents(t, "d 10 @1, d 20 @0, w 5 @61, d 30 @61, w 900 @62, w 900 @90") {
		rules.Step(&with, e, set, rules.High, 60)
		rules.Step(&without, e, nil, rules.Low, 60)
	}
	if !with.Equal(&without) {
		t.Errorf("%s\n%s", stateText(&with), stateText(&without))
	}
}

func TestState_Equal(t *testing.T) {
	state := parseState(t, sampleState)
	for old, replacement := range map[string]string{
		`"count":4`: `"count":5`, `"latest":61`: `"latest":62`, `"horizon":60`: `"horizon":61`,
		`"deposit"`: `"withdraw"`, `"run":1`: `"run":2`,
		`[[3,`: `[[2,`, `[1,500]`: `[1,501]`, `[2,3000]`: `[1,3000]`, `[[1,`: `[[2,`, `[1,2,3000,0,0],`: ``,
		`,1,500]]}`: `,1,501]]}`,
	} {
		other := parseState(t, strings.Replace(sampleState, old, replacement, 1))
		if state.Equal(&other) || other.Equal(&state) {
			t.Errorf("states are equal despite %s", replacement)
		}
	}
}

func TestState_Horizon(t *testing.T) {
	var state rules.State
	for _, c := range []struct {
		at, horizon, want int64
		seconds           int
	}{
		{0, 60, 60, 1}, {60, 60, 60, 2}, {61, 60, 60, 2}, // the event at 0 is evicted
		{62, 120, 60, 3},  // a wider horizon keeps more from now on, but evicted events are missing
		{121, 120, 60, 4}, // 60, 61, 62, 121
		{122, 30, 30, 2},  // a narrower horizon evicts at once
		{123, 30, 30, 3},
		{90, 1, 1, 2}, // effective time 123
		{124, 0, 0, 1},
		{125, -7, 0, 1},
	} {
		stepAll(&state, c.horizon, []rules.Event{{Amount: 1, Time: c.at}})
		if state.Horizon() != c.want || bucketCount(t, &state) != c.seconds {
			t.Errorf("event at %d with horizon %d: %s; want horizon %d and %d buckets",
				c.at, c.horizon, stateText(&state), c.want, c.seconds)
		}
	}
	state = rules.State{}
	stepAll(&state, math.MaxInt64, []rules.Event{{Amount: 1, Time: 0}})
	if state.Horizon() != rules.MaxWindow {
		t.Error("horizon exceeds MaxWindow:", state.Horizon())
	}
}

func TestRebuildWindow(t *testing.T) {
	events := parseEvents(t, "d 10 @100, d 20 @130, w 5 @90, d 7 @160, d 8 @161, w 9 @190, d 3 @20, d 2 @220")
	for _, wide := range []int64{30, 31, 60, 90, 91, 120, 121, 3600} {
		var narrow, wideState rules.State
		recorded := stepAll(&narrow, 30, events)
		stepAll(&wideState, wide, events)
		var since []rules.Event
		for _, e := range recorded {
			if e.Time >= narrow.Latest()-wide {
				since = append(since, e)
			}
		}
		parsed := parseState(t, stateText(&narrow))
		narrow.RebuildWindow(wide, since)
		parsed.RebuildWindow(wide, recorded) // older events are ignored
		if !narrow.Equal(&wideState) || !parsed.Equal(&wideState) {
			t.Errorf("horizon %d: rebuilt\n\t%s, want\n\t%s", wide, stateText(&narrow), stateText(&wideState))
		}
	}
	var state rules.State
	stepAll(&state, 60, events)
	state.RebuildWindow(30, nil)
	got := parseState(t, stateText(&state))
	if !got.Equal(&state) || bucketCount(t, &state) != 0 || state.Horizon() != 30 {
		t.Error(stateText(&state))
	}
	state.RebuildWindow(math.MaxInt64, parseEvents(t, "d 1 @99999"))
	if got := parseState(t, stateText(&state)); !got.Equal(&state) || state.Horizon() != rules.MaxWindow {
		t.Error("an event after Latest makes the state inconsistent:", stateText(&state))
	}
}

// TestStep_saturates checks that numbers stay at the largest int64 and that rules still fire.
func TestStep_saturates(t *testing.T) {
	const maxInt64 = "9223372036854775807"
	text := fmt.Sprintf(`{"count":%[1]s,"latest":9,"horizon":60,"last":"withdraw","run":%[1]s,`+
		`"rises":[[%[1]s,1],[%[1]s,1],[%[1]s,1]],`+
		`"seconds":[[8,%[1]s,%[1]s,1,1],[9,%[1]s,%[1]s,%[1]s,%[1]s]]}`, maxInt64)
	for _, e := range []rules.Event{
		{Type: rules.Deposit, Amount: 5, Time: 9}, {Type: rules.Withdraw, Amount: 5, Time: 10},
	} {
		for _, appliesTo := range []string{"any", e.Type.String()} {
			for _, code := range []int32{30, 123, 300, 500} {
				want := int64(math.MaxInt64)
				if code == 30 && appliesTo == "deposit" {
					want = 1
				}
				state := parseState(t, text)
				d := rules.Step(&state, e, singleRule(code, appliesTo, 1_00, 60), rules.Low, 60)
				if len(d.Measurements) != 1 || d.Measurements[0].Value != want || want > 1 != (len(d.Codes) == 1) {
					t.Errorf("rule %d for %s: %+v", code, appliesTo, d)
				}
				parseState(t, stateText(&state))
			}
		}
	}
	state := parseState(t, text)
	set := rules.Set{{Code: 30, AppliesTo: "any", Limit: math.MaxInt64, Enabled: true}}
	if d := rules.Step(&state, rules.Event{Amount: 1, Time: 9}, set, rules.Low, 60); len(d.Codes) != 1 {
		t.Error("the count overflows in the comparison:", d)
	}
}

// TestState_isBounded adds events every second or every few seconds.
func TestState_isBounded(t *testing.T) {
	for _, horizon := range []int64{0, 1, 30, 60} {
		for stride := int64(1); stride < 70; stride += 17 {
			var state rules.State
			for i := range int64(500) {
				stepAll(&state, horizon, []rules.Event{{Amount: 1, Time: i * stride}})
				if got, want := bucketCount(t, &state), int(min(i, horizon/stride)+1); got != want {
					t.Fatalf("horizon %d, stride %d: %d buckets after %d events; want %d",
						horizon, stride, got, i+1, want)
				}
			}
		}
	}
	var state rules.State
	for i := range int64(10_000) {
		stepAll(&state, rules.MaxWindow, []rules.Event{{Amount: 1, Time: 1<<40 + i}})
	}
	if got := bucketCount(t, &state); got != rules.MaxWindow+1 {
		t.Error(got)
	}
	if text := state.Append(nil); len(text) > 100_000 || bytes.ContainsAny(text, " \n") {
		t.Error(len(text), "bytes")
	}
}

func TestStep_allocatesOnce(t *testing.T) {
	set := parseSet(t, standardRules)
	var state rules.State
	at := int64(0)
	got := testing.AllocsPerRun(1000, func() {
		at += 7
		rules.Step(&state, rules.Event{Amount: 1, Time: at}, set, rules.Low, 60)
	})
	if got != 1 {
		t.Errorf("a step that fires no rule allocates %v times; want once, for the measurements", got)
	}
}

func BenchmarkStep(b *testing.B) {
	set := parseSet(b, standardRules)
	for _, stride := range []int64{1, 20, 100} {
		b.Run(fmt.Sprintf("every%ds", stride), func(b *testing.B) {
			b.ReportAllocs()
			var state rules.State
			var at int64
			for b.Loop() {
				at += stride
				e := rules.Event{Type: rules.Type(at & 1), Amount: 1 + rules.Cents(at%97), Time: at}
				rules.Step(&state, e, set, rules.Medium, 60)
			}
		})
	}
}

func BenchmarkState(b *testing.B) {
	text := []byte(sampleState)
	b.Run("Append", func(b *testing.B) {
		state := parseState(b, sampleState)
		for b.Loop() {
			text = state.Append(text[:0])
		}
	})
	b.Run("Parse", func(b *testing.B) {
		for b.Loop() {
			if _, err := rules.ParseState(text); err != nil {
				b.Fatal(err)
			}
		}
	})
}
