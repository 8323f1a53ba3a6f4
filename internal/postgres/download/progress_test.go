//go:build unix

package download

import (
	"testing"
)

func TestProgress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		terminal    bool
		have, total int64
		want        string
	}{
		{false, 2_000_000, 4_000_000, "Downloading PostgreSQL 18.4: 4.0 of 4.0 MB\n"},
		{true, 2_000_000, 4_000_000, "\rDownloading PostgreSQL 18.4: 4.0 of 4.0 MB\n"},
		{false, 2_000_000, 9_000_000, ""},
	} {
		out := &output{}
		p := &progress{out: out, terminal: c.terminal, name: "PostgreSQL 18.4"}
		p.begin(c.have, c.total-c.have)
		p.add(2_000_000)
		if out.String() != c.want {
			t.Errorf("%+v: got %q", c, out)
		}
	}
}
