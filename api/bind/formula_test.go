package bind

import (
	"strings"
	"testing"
)

// TestEscapeFormula: a cell that a spreadsheet would execute gets an apostrophe, which an import removes.
func TestEscapeFormula(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "a": "a", "'": "'", "'a": "'a", "''": "''", " =1": " =1", "1-2": "1-2", "a=b": "a=b",
		"=1+1": "'=1+1", "+1": "'+1", "-20C": "'-20C", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1",
		"'=1": "''=1", "''-1": "'''-1", "-": "'-", "'\t": "''\t",
	} {
		got := EscapeFormula(text)
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		if back := unescapeFormula(got); back != text {
			t.Errorf("%q: unescaped %q", text, back)
		}
	}
	for _, text := range []string{"=1", "-20C", "+", "@x", "'a"} { // files that people write
		if got := unescapeFormula(text); got != text {
			t.Errorf("%q: unescaped %q", text, got)
		}
	}
}

// FuzzFormula: every text survives, and no escaped text is a formula.
func FuzzFormula(f *testing.F) {
	for _, seed := range []string{"", "=1", "'=1", "''", "'", "\t", "-", "a", "'\r"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		escaped := EscapeFormula(text)
		if escaped != "" && strings.IndexByte(formulaStarts, escaped[0]) >= 0 {
			t.Errorf("%q: %q is a formula", text, escaped)
		}
		if back := unescapeFormula(escaped); back != text {
			t.Errorf("%q: escaped %q, unescaped %q", text, escaped, back)
		}
	})
}
