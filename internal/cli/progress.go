package cli

import (
	"fmt"
	"io"
	"os"
)

// importProgress is a reader that prints on standard error how much of a file has been read, every 4 MiB.
type importProgress struct {
	src         io.Reader
	size        int64 // 0 if unknown
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

// done ends the progress line, if there is one.
func (p *importProgress) done() {
	if p.lastPrinted > 0 {
		fmt.Fprintln(os.Stderr)
	}
}

// progressLine shows the number of events read on standard error, if that is a terminal.
type progressLine struct{ terminal, printed bool }

func newProgressLine() *progressLine { return &progressLine{terminal: isTerminal(os.Stderr)} }

func (p *progressLine) update(events int64) {
	if p.terminal {
		fmt.Fprintf(os.Stderr, "\r%d events", events)
		p.printed = true
	}
}

// done ends the progress line, if there is one.
func (p *progressLine) done() {
	if p.printed {
		fmt.Fprintln(os.Stderr)
		p.printed = false
	}
}
