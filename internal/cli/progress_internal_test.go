package cli

import (
	"io"
	"strings"
	"testing"
)

func TestProgressReader(t *testing.T) {
	t.Parallel()
	const text = 5 * progressStep / 2 // two and a half steps
	for _, c := range []struct {
		size int64
		want string
	}{
		{text, "\r40 % of 10 MB\r80 % of 10 MB\n"},
		{0, "\r4 MB\r8 MB\n"},
	} {
		var terminal strings.Builder
		line := &progressLine{terminal: &terminal}
		src := &progressReader{src: strings.NewReader(strings.Repeat("x", text)), size: c.size, line: line}
		if n, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{src}, make([]byte, 1<<20)); n != text || err != nil {
			t.Fatal(n, err)
		}
		if terminal.String() != c.want {
			t.Errorf("size %d: got %q, want %q", c.size, &terminal, c.want)
		}
	}
}

func TestProgressLine_printsOnlyOnTerminal(t *testing.T) {
	t.Parallel()
	line := &progressLine{}
	line.updateEvents(7)
	if line.done(); line.printed {
		t.Error("progress is printed although standard error is not a terminal")
	}
}
