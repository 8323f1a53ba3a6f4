package cli_test

import (
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	out := mustRun(t, nil, "", "version")
	name, version, ok := strings.Cut(strings.TrimSpace(out), " ")
	if !ok || name != "labledger" || version == "" || strings.Count(out, "\n") != 1 {
		t.Errorf("got %q, want one line: labledger VERSION", out)
	}
}
