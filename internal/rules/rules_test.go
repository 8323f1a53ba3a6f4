package rules_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"labledger/internal/rules"
)

// standardRules are the default rules, with their limits at medium risk.
const standardRules = `[
	{"code":1100,"title":"Large withdrawal","applies_to":"withdraw","limit":"100.00","window_seconds":null,
		"enabled":true,"version":1},
	{"code":30,"title":"Consecutive withdrawals","applies_to":"withdraw","limit":"3.00","window_seconds":null,
		"enabled":true,"version":1},
	{"code":300,"title":"Rising deposits","applies_to":"deposit","limit":"3.00","window_seconds":null,
		"enabled":true,"version":1},
	{"code":123,"title":"Large deposits","applies_to":"deposit","limit":"200.00","window_seconds":30,
		"enabled":true,"version":1},
	{"code":500,"title":"Many events","applies_to":"any","limit":"5.00","window_seconds":60,"enabled":true,"version":1}
]`

func parseSet(t testing.TB, text string) rules.Set {
	t.Helper()
	set, err := rules.ParseSet([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// singleRule returns a set of one rule. A negative window means no window.
func singleRule(code int32, appliesTo string, limit rules.Cents, window int64) rules.Set {
	r := rules.Rule{Code: code, AppliesTo: appliesTo, Limit: limit, Enabled: true, Version: 1}
	if window >= 0 {
		r.WindowSeconds = &window
	}
	return rules.Set{r}
}

func TestParseType(t *testing.T) {
	for text, want := range map[string]rules.Type{
		"deposit": rules.Deposit, "Deposit": rules.Deposit, "DEPOSIT": rules.Deposit, "dEpOsIt": rules.Deposit,
		"withdraw": rules.Withdraw, "WITHDRAW": rules.Withdraw, "Withdraw": rules.Withdraw,
	} {
		if got, ok := rules.ParseType(text); !ok || got != want || got.String() != strings.ToLower(text) {
			t.Errorf("ParseType(%q) = %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{
		"", "any", "ANY", "deposits", "withdrawal", " deposit", "deposit ", "depoſit", "ｄeposit", "\x04eposit",
		"deposi\x00", "wi\xffhdraw", "0",
	} {
		if got, ok := rules.ParseType(text); ok {
			t.Errorf("ParseType(%q) = %v; want it rejected", text, got)
		}
	}
	if got := rules.Type(7).String(); got != "Type(7)" {
		t.Error(got)
	}
}

func TestParseRisk(t *testing.T) {
	for text, want := range map[string]rules.Risk{"low": rules.Low, "medium": rules.Medium, "high": rules.High} {
		if got, ok := rules.ParseRisk(text); !ok || got != want || got.String() != text {
			t.Errorf("ParseRisk(%q) = %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "Low", "HIGH", " low", "medium ", "none", "null", "1"} {
		if got, ok := rules.ParseRisk(text); ok || got != rules.Medium {
			t.Errorf("ParseRisk(%q) = %v, %v; want it rejected", text, got, ok)
		}
	}
	if got := rules.Risk(7).String(); got != "Risk(7)" {
		t.Error(got)
	}
	if zero := rules.Risk(0); zero != rules.Medium {
		t.Error("the zero risk is not medium:", zero)
	}
}

func TestLimitFor(t *testing.T) {
	for _, c := range []struct{ limit, low, high rules.Cents }{
		{100_00, 200_00, 51_00},
		{200_00, 400_00, 101_00},
		{3_00, 6_00, 2_00},
		{5_00, 10_00, 3_00},
		{150_50, 301_00, 76_00},
		{151_99, 303_98, 76_00},
		{152_00, 304_00, 77_00},
		{1_99, 3_98, 1_00},
		{1, 2, 1_00},
		{0, 0, 1_00},
		{math.MaxInt64, math.MaxInt64, 46_116_860_184_273_880_00},
		{math.MaxInt64/2 + 1, math.MaxInt64, 23_058_430_092_136_940_00},
		{math.MaxInt64 / 2, math.MaxInt64 - 1, 23_058_430_092_136_940_00},
	} {
		r := rules.Rule{Limit: c.limit}
		medium, low, high := r.LimitFor(rules.Medium), r.LimitFor(rules.Low), r.LimitFor(rules.High)
		if medium != c.limit || low != c.low || high != c.high {
			t.Errorf("limit %v: medium %v, low %v, high %v; want low %v, high %v",
				c.limit, medium, low, high, c.low, c.high)
		}
	}
}

func TestParseSet(t *testing.T) {
	set := parseSet(t, standardRules)
	var codes []int32
	for _, r := range set {
		codes = append(codes, r.Code)
	}
	if diff := cmp.Diff([]int32{30, 123, 300, 500, 1100}, codes); diff != "" {
		t.Error("not ascending by code:", diff)
	}
	window := int64(30)
	want := rules.Rule{
		Code: 123, Title: "Large deposits", AppliesTo: "deposit", Limit: 200_00, WindowSeconds: &window,
		Enabled: true, Version: 1,
	}
	if diff := cmp.Diff(want, set[1]); diff != "" {
		t.Error(diff)
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(set, parseSet(t, string(text))); diff != "" {
		t.Errorf("%s parses differently: %s", text, diff)
	}
	set = parseSet(t, `[{"code":30,"applies_to":"any","limit":"2","enabled":false,"colour":"red"}]`)
	if set[0].Enabled || set[0].Limit != 2_00 {
		t.Error("with an unknown member and without a window:", set)
	}
	// publish_ruleset stores the row as to_jsonb writes it: with spaces, reordered, and with the limit as a number.
	row := `[{"code": 123, "limit": 200.00, "title": "Large deposits", "enabled": true, "version": 1,
		"applies_to": "deposit", "window_seconds": 30}]`
	if diff := cmp.Diff(rules.Set{want}, parseSet(t, row)); diff != "" {
		t.Error(diff)
	}
	if set := parseSet(t, ` [] `); len(set) != 0 || set.LongestWindow() != 0 {
		t.Error(set)
	}
}

func TestParseSet_rejects(t *testing.T) {
	const valid = `{"code":500,"title":"","applies_to":"any","limit":"5","window_seconds":60,"enabled":true,` +
		`"version":1}`
	parseSet(t, "["+valid+"]")
	for name, text := range map[string]string{
		"empty input":     ``,
		"null":            `null`,
		"an object":       valid,
		"a null rule":     `[null]`,
		"trailing data":   `[]]`,
		"listed twice":    "[" + valid + "," + valid + "]",
		"duplicate key":   "[" + strings.Replace(valid, `"title":""`, `"code":500`, 1) + "]",
		"unknown code":    "[" + strings.Replace(valid, `500`, `501`, 1) + "]",
		"no code":         "[" + strings.Replace(valid, `"code":500,`, ``, 1) + "]",
		"no window":       "[" + strings.Replace(valid, `60`, `null`, 1) + "]",
		"negative window": "[" + strings.Replace(valid, `60`, `-1`, 1) + "]",
		"long window":     "[" + strings.Replace(valid, `60`, `3601`, 1) + "]",
		"decimal window":  "[" + strings.Replace(valid, `60`, `1.5`, 1) + "]",
		"sum, no window":  `[{"code":123,"applies_to":"any","limit":"5","enabled":true}]`,
		"unused window":   `[{"code":30,"applies_to":"any","limit":"5","window_seconds":60,"enabled":true}]`,
		"applies to Any":  "[" + strings.Replace(valid, `any`, `Any`, 1) + "]",
		"applies to \"\"": "[" + strings.Replace(valid, `any`, ``, 1) + "]",
		"limit, a float":  "[" + strings.Replace(valid, `"5"`, `5e0`, 1) + "]",
		"limit, 3 digits": "[" + strings.Replace(valid, `"5"`, `5.001`, 1) + "]",
		"limit, a list":   "[" + strings.Replace(valid, `"5"`, `["5"]`, 1) + "]",
		"limit, negative": "[" + strings.Replace(valid, `"5"`, `"-5"`, 1) + "]",
		"limit, decimal":  "[" + strings.Replace(valid, `"5"`, `"5.50"`, 1) + "]",
		"limit, too low":  "[" + strings.Replace(valid, `"5"`, `"0"`, 1) + "]",
		"limit, too high": "[" + strings.Replace(valid, `"5"`, `"1000001"`, 1) + "]",
		"limit, null":     "[" + strings.Replace(valid, `"5"`, `null`, 1) + "]",
		"no limit":        "[" + strings.Replace(valid, `"limit":"5",`, ``, 1) + "]",
		"no enabled":      "[" + strings.Replace(valid, `"enabled":true,`, ``, 1) + "]",
		"bad UTF-8":       "[" + strings.Replace(valid, `"title":""`, "\"title\":\"\xff\"", 1) + "]",
	} {
		if set, err := rules.ParseSet([]byte(text)); err == nil {
			t.Errorf("%s is accepted: %v", name, set)
		} else if !strings.HasPrefix(err.Error(), "rules: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLongestWindow(t *testing.T) {
	set := parseSet(t, standardRules)
	if got := set.LongestWindow(); got != 60 {
		t.Error(got)
	}
	set[3].Enabled = false
	if got := set.LongestWindow(); got != 60 {
		t.Error("disabled rules must count:", got)
	}
	if got := set[:2].LongestWindow(); got != 30 {
		t.Error(got)
	}
}

func TestExplain(t *testing.T) {
	set := parseSet(t, standardRules)
	var state rules.State
	var d rules.Decision
	for range 3 {
		d = rules.Step(&state, rules.Event{Type: rules.Withdraw, Amount: 51_01, Time: 7}, set, rules.High, 60)
	}
	got, err := json.Marshal(rules.Explain(set, rules.High, d))
	if err != nil {
		t.Fatal(err)
	}
	const want = `[{"code":30,"title":"Consecutive withdrawals","version":1,"applies_to":"withdraw",` +
		`"limit":"3.00","limit_at_risk":"2.00","window_seconds":null,"value":3},` +
		`{"code":1100,"title":"Large withdrawal","version":1,"applies_to":"withdraw",` +
		`"limit":"100.00","limit_at_risk":"51.00","window_seconds":null,"value":"51.01"}]`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	d = rules.Step(&state, rules.Event{Amount: 1, Time: 7}, set, rules.High, 60)
	got, _ = json.Marshal(rules.Explain(set, rules.High, d))
	const frequency = `[{"code":500,"title":"Many events","version":1,"applies_to":"any",` +
		`"limit":"5.00","limit_at_risk":"3.00","window_seconds":60,"value":4}]`
	if string(got) != frequency {
		t.Errorf("%s; want %s", got, frequency)
	}
	if got := string(rules.AppendMeasurements([]byte("a"), d.Measurements)); got != `a{"123":"0.01","300":1,"500":4}` {
		t.Error(got)
	}
	if got := rules.Explain(set, rules.High, rules.Decision{Measurements: d.Measurements}); len(got) != 0 {
		t.Error("reasons without a fired code:", got)
	}
	if got := string(rules.AppendMeasurements(nil, nil)); got != "{}" {
		t.Error(got)
	}
}
