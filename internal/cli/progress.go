package cli

import (
	"fmt"
	"io"
	"os"
)

// progressLine is a line on standard error that each update overwrites. It prints only on a terminal.
type progressLine struct {
	terminal io.Writer // nil if standard error is not a terminal
	printed  bool
}

func newProgressLine() *progressLine {
	if !isTerminal(os.Stderr) {
		return &progressLine{}
	}
	return &progressLine{terminal: os.Stderr}
}

func (p *progressLine) update(format string, args ...any) {
	if p.terminal != nil {
		fmt.Fprintf(p.terminal, "\r"+format, args...)
		p.printed = true
	}
}

// updateEvents shows the number of events read.
func (p *progressLine) updateEvents(events int64) { p.update("%d events", events) }

// updateChanges shows the number of changes read.
func (p *progressLine) updateChanges(changes int64) { p.update("%d changes", changes) }

// done ends the line, if there is one.
func (p *progressLine) done() {
	if p.printed {
		fmt.Fprintln(p.terminal)
		p.printed = false
	}
}

const progressStep = 4 << 20

// progressReader shows how much of a file has been read, every progressStep bytes.
type progressReader struct {
	src         io.Reader
	size        int64 // 0 if unknown
	line        *progressLine
	read, shown int64
}

func (r *progressReader) Read(b []byte) (int, error) {
	n, err := r.src.Read(b)
	r.read += int64(n)
	if r.read-r.shown >= progressStep {
		r.shown = r.read
		if r.size > 0 {
			r.line.update("%d %% of %d MB", r.read*100/r.size, r.size/1_000_000)
		} else {
			r.line.update("%d MB", r.read/1_000_000)
		}
	}
	if err != nil {
		r.line.done() // before the result
	}
	return n, err
}
