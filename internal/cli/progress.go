package cli

import (
	"fmt"
	"io"
	"os"
)

// progress shows on the terminal how much of a file has been read.
type progress struct {
	from    io.Reader
	size    int64 // 0 when it is not known
	read    int64
	printed int64
}

func (p *progress) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	p.read += int64(n)
	if p.read-p.printed >= 4<<20 {
		p.printed = p.read
		if p.size > 0 {
			fmt.Fprintf(os.Stderr, "\r%d %% of %d MB", p.read*100/p.size, p.size/1_000_000)
		} else {
			fmt.Fprintf(os.Stderr, "\r%d MB", p.read/1_000_000)
		}
	}
	return n, err
}

func (p *progress) end() {
	if p.printed > 0 {
		fmt.Fprintln(os.Stderr)
	}
}

// A counter shows on the terminal how many events have been read. Where standard error is none, it says nothing.
type counter struct{ terminal, printed bool }

func newCounter() *counter {
	info, err := os.Stderr.Stat()
	return &counter{terminal: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

func (c *counter) show(events int64) {
	if c.terminal {
		fmt.Fprintf(os.Stderr, "\r%d events", events)
		c.printed = true
	}
}

// end begins a new line, if there is a count on this one.
func (c *counter) end() {
	if c.printed {
		fmt.Fprintln(os.Stderr)
		c.printed = false
	}
}
