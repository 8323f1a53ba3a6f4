package rules_test

import (
	"encoding/json"
	"math"
	"testing"

	experiment "github.com/go-json-experiment/json"

	"labledger/internal/rules"
)

func TestParseCents(t *testing.T) {
	for text, want := range map[string]rules.Cents{
		"0": 0, "0.0": 0, "0.00": 0, "0.01": 1, "0.1": 10, "1": 100, "1.5": 150, "1.05": 105, "12.50": 1250,
		"10": 1000, "100.99": 10099, "01": 100, "00": 0, "00.5": 50, "0100.0": 10000, "000000000000000000001": 100,
		"9999999999": 999_999_999_900, "9999999999.99": 999_999_999_999,
	} {
		if got, ok := rules.ParseCents(text); !ok || got != want {
			t.Errorf("ParseCents(%q) = %d, %v; want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"", " ", "1 ", " 1", "1\n", "\x001", "1\x00", "1e9", "1E2", "NaN", "Infinity", "inf", "+1", "-1", "-0",
		"0-1", "0 1", "0x1", "1.", ".5", ".", "00.", "1.005",
		"1.000", "1..2", "1.2.", "1.-5", "1.+5", "1. 5", "1.5e", "1,50", "1_0", "10000000000",
		"010000000000", "10000000000.00", "99999999999999999999",
		"٣", "1.٣", "１", "½", "\xff", "1\xff",
	} {
		if got, ok := rules.ParseCents(text); ok || got != 0 {
			t.Errorf("ParseCents(%q) = %d, %v; want it rejected", text, got, ok)
		}
	}
}

func TestCents_String(t *testing.T) {
	for cents, want := range map[rules.Cents]string{
		0: "0.00", 1: "0.01", 10: "0.10", 99: "0.99", 100: "1.00", 1250: "12.50", 999_999_999_999: "9999999999.99",
		-5: "-0.05", -1250: "-12.50",
		math.MaxInt64: "92233720368547758.07", math.MinInt64: "-92233720368547758.08",
	} {
		if got := cents.String(); got != want {
			t.Errorf("String of %d cents = %q; want %q", int64(cents), got, want)
		}
		if got := string(cents.Append([]byte("a"))); got != "a"+want {
			t.Errorf("Append of %d cents = %q", int64(cents), got)
		}
	}
}

func TestCents_JSON(t *testing.T) {
	type codec struct {
		Decode func([]byte, any) error
		Encode func(any) ([]byte, error)
	}
	for name, p := range map[string]codec{
		"encoding/json": {json.Unmarshal, json.Marshal},
		"experiment": {
			func(b []byte, v any) error { return experiment.Unmarshal(b, v) },
			func(v any) ([]byte, error) { return experiment.Marshal(v) },
		},
	} {
		if text, err := p.Encode([]rules.Cents{1250, 1}); err != nil || string(text) != `["12.50","0.01"]` {
			t.Errorf("%s: %s, %v", name, text, err)
		}
		var cents rules.Cents
		if err := p.Decode([]byte(`"12.5"`), &cents); err != nil || cents != 1250 {
			t.Errorf("%s: %d, %v", name, cents, err)
		}
		for _, text := range []string{`12.5`, `12`, `null`, `""`, `"`, `"1e2"`, `" 1"`, `"-1"`, `true`, `["1"]`, `{}`} {
			if err := p.Decode([]byte(text), &cents); err == nil {
				t.Errorf("%s: %s is accepted as %d", name, text, cents)
			}
		}
		if cents != 1250 {
			t.Errorf("%s: rejected text changed the amount to %d", name, cents)
		}
	}
}
