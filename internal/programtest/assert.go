//go:build unix

package programtest

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// AssertContains fails the test unless text contains all words, ignoring case.
func AssertContains(t testing.TB, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(strings.ToLower(text), strings.ToLower(word)) {
			t.Errorf("missing %q in: %s", word, text)
		}
	}
}

// AssertEqual fails the test unless got is want.
func AssertEqual(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got\n%s\nwant\n%s", what, got, want)
	}
}

// AssertNotExists fails the test if there is a file or directory at path.
func AssertNotExists(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Lstat(path); err == nil {
		entries, _ := os.ReadDir(path)
		t.Errorf("%s exists: %v", path, entries)
	}
}

// ProcessAlive reports whether a process runs. A zombie does not.
func ProcessAlive(pid int) bool {
	out, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}

// AssertNoPostgres fails the test if a Postgres runs on a state directory.
func AssertNoPostgres(t testing.TB, stateDir string) {
	t.Helper()
	out, err := exec.Command("ps", "-eo", "args").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, stateDir+"/") {
			t.Errorf("still running: %s", line)
		}
	}
}
