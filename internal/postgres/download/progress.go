//go:build unix

package download

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// A progress prints how much has been received: on a terminal in one line, otherwise in a line every ten seconds.
type progress struct {
	out         io.Writer
	terminal    bool
	name        string
	have, total int64 // total is -1 if unknown
	printed     time.Time
}

func newProgress(out *os.File) *progress {
	return &progress{out: out, terminal: term.IsTerminal(int(out.Fd()))}
}

// start prints that a download begins.
func (p *progress) start(name string) {
	p.name = name
	p.printf("Downloading %s, once: no installed PostgreSQL was found\n", name)
}

// begin sets the number of bytes that were received before, and of those that the response contains.
func (p *progress) begin(have, rest int64) {
	p.have, p.total = have, -1
	if rest >= 0 {
		p.total = have + rest
	}
	p.printed = time.Now()
}

// add counts received bytes and prints the sum from time to time.
func (p *progress) add(n int) {
	p.have += int64(n)
	interval, begin, end := 10*time.Second, "", "\n"
	if p.terminal {
		interval, begin, end = 200*time.Millisecond, "\r", ""
	}
	complete := p.have == p.total && n > 0
	if time.Since(p.printed) < interval && !complete {
		return
	}
	p.printed = time.Now()
	if complete {
		end = "\n"
	}
	of := ""
	if p.total >= 0 {
		of = fmt.Sprintf(" of %.1f", float64(p.total)/1e6)
	}
	p.printf("%sDownloading %s: %.1f%s MB%s", begin, p.name, float64(p.have)/1e6, of, end)
}

func (p *progress) printf(format string, args ...any) { fmt.Fprintf(p.out, format, args...) }
