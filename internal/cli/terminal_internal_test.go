package cli

import (
	"strings"
	"testing"
)

func TestPrintable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                   "",
		"plain é\t試験\n":      "plain é\t試験\n",
		"\x1b]0;x\a":         `\x1b]0;x\x07`,
		"a\rb\x7f\u0085":     `a\x0db\x7f\x85`,
		"\u202eabc\u2066":    `\u202eabc\u2066`,
		"\xff\x1b":           `\xff\x1b`,
		"replacement \ufffd": "replacement \ufffd",
	} {
		if got := printable(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestTerminalWriter: characters that two writes share stay whole.
func TestTerminalWriter(t *testing.T) {
	t.Parallel()
	const text = "é試𝄞\x1b[2J\xffé"
	for size := 1; size <= len(text); size++ {
		var terminal strings.Builder
		w := &terminalWriter{dst: &terminal}
		for rest := []byte(text); len(rest) > 0; rest = rest[min(size, len(rest)):] {
			if n, err := w.Write(rest[:min(size, len(rest))]); err != nil || n != min(size, len(rest)) {
				t.Fatal(n, err)
			}
		}
		if got, want := terminal.String(), `é試𝄞\x1b[2J\xffé`; got != want {
			t.Errorf("%d bytes at a time: got %q, want %q", size, got, want)
		}
	}
}
