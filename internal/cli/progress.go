package cli

import (
	"fmt"
	"io"
	"os"
)

// importProgress shows on the terminal how much of a file has been read.
type importProgress struct {
	src         io.Reader
	size        int64 // 0 when it is not known
	read        int64
	lastPrinted int64
}

func (p *importProgress) Read(b []byte) (int, error) {
	n, err := p.src.Read(b)
	p.read += int64(n)
	if p.read-p.lastPrinted >= 4<<20 {
		p.lastPrinted = p.read
		if p.size > 0 {
			fmt.Fprintf(os.Stderr, "\r%d %% of %d MB", p.read*100/p.size, p.size/1_000_000)
		} else {
			fmt.Fprintf(os.Stderr, "\r%d MB", p.read/1_000_000)
		}
	}
	return n, err
}

func (p *importProgress) done() {
	if p.lastPrinted > 0 {
		fmt.Fprintln(os.Stderr)
	}
}

// A progressLine shows on the terminal how many events have been read. Where standard error is none, it says nothing.
type progressLine struct{ terminal, printed bool }

func newProgressLine() *progressLine {
	info, err := os.Stderr.Stat()
	return &progressLine{terminal: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

func (c *progressLine) update(events int64) {
	if c.terminal {
		fmt.Fprintf(os.Stderr, "\r%d events", events)
		c.printed = true
	}
}

// done begins a new line, if there is a count on this one.
func (c *progressLine) done() {
	if c.printed {
		fmt.Fprintln(os.Stderr)
		c.printed = false
	}
}
