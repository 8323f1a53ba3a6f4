package rules_test

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"labledger/internal/rules"
)

var plainDecimal = regexp.MustCompile(`^0*[0-9]{1,10}(\.[0-9]{1,2})?$`)

func FuzzParseCents(f *testing.F) {
	for _, text := range []string{
		"0", "12.5", "9999999999.99", "10000000000", "01", "0100.0", "0010000000000", "1.", ".5", "1.005", "1e9", "+1",
		"٣", "",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cents, ok := rules.ParseCents(text)
		if ok != plainDecimal.MatchString(text) {
			t.Fatalf("%q: %v", text, ok)
		}
		if !ok {
			return
		}
		reparsed, ok := rules.ParseCents(cents.String())
		if !ok || reparsed != cents || cents < 0 || cents > 999_999_999_999 {
			t.Fatalf("%q parses as %d, formats as %q, parses again as %d", text, cents, cents.String(), reparsed)
		}
	})
}

func FuzzParseState(f *testing.F) {
	f.Add([]byte(sampleState), int8(0), int64(1), int64(1))
	f.Add([]byte("{}"), int8(1), int64(100_01), int64(1<<53-1))
	f.Add([]byte(" {\"count\" : 1"), int8(1), int64(1), int64(0))
	f.Fuzz(func(t *testing.T, text []byte, kind int8, amount, at int64) {
		state, err := rules.ParseState(text)
		if err != nil {
			return
		}
		reparsed := parseState(t, stateText(&state))
		if !reparsed.Equal(&state) {
			t.Fatalf("%q is encoded as %s, parses again as %s", text, stateText(&state), stateText(&reparsed))
		}
		e := rules.Event{
			Type:   rules.Type(kind & 1),
			Amount: 1 + rules.Cents(uint64(amount)%999_999_999_999),
			Time:   int64(uint64(at) % (1 << 53)),
		}
		before := state.Count()
		rules.Step(&state, e, parseSet(t, standardRules), rules.High, rules.MaxWindow)
		if state.Count() < before || bucketCount(t, &state) > rules.MaxWindow+1 {
			t.Fatal(stateText(&state))
		}
		if reparsed := parseState(t, stateText(&state)); !reparsed.Equal(&state) {
			t.Fatalf("after a step: %s, parses again as %s", stateText(&state), stateText(&reparsed))
		}
	})
}

func FuzzParseSet(f *testing.F) {
	f.Add([]byte(standardRules))
	f.Add([]byte(`[{"code":30,"applies_to":"any","limit":"0","enabled":false}]`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := rules.ParseSet(text)
		if err != nil {
			return
		}
		out, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(set, parseSet(t, string(out))); diff != "" {
			t.Fatalf("%q is encoded as %s: %s", text, out, diff)
		}
		if horizon := set.LongestWindow(); len(set) > 5 || horizon < 0 || horizon > rules.MaxWindow {
			t.Fatal(len(set), horizon)
		}
		var state rules.State
		d := rules.Step(&state, rules.Event{Amount: 1}, set, rules.Low, set.LongestWindow())
		reasons := rules.Explain(set, rules.Low, d)
		if len(reasons) != len(d.Codes) || !json.Valid(rules.AppendMeasurements(nil, d.Measurements)) {
			t.Fatal(d)
		}
	})
}
