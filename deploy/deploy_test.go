// Package deploy holds the files that other people's machines read to run the program: Kubernetes manifests, ECS task definitions, overrides
// of the compose stacks; Heroku's stand at the top. Its tests hold them against the program; they know it from outside alone.
package deploy

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"labledger/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m, nil, nil) }

// waitTimeout bounds everything that a test waits for.
const waitTimeout = 30 * time.Second

// readRepoFile is a file's text, by its path from the top of the repository.
func readRepoFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile("../" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// findInFile is what the first group of a pattern finds in a file.
func findInFile(t *testing.T, path, pattern string) string {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(readRepoFile(t, path))
	if match == nil {
		t.Fatalf("%s: there is no %s", path, pattern)
	}
	return match[1]
}

// assertContains fails the test unless text holds all the words.
func assertContains(t *testing.T, text string, substrings ...string) {
	t.Helper()
	for _, substring := range substrings {
		if !strings.Contains(text, substring) {
			t.Errorf("there is no %q in: %s", substring, text)
		}
	}
}

// assertDocumented fails the test unless deploy/README.md holds all the words.
func assertDocumented(t *testing.T, substrings ...string) {
	t.Helper()
	text := readRepoFile(t, "deploy/README.md")
	for _, substring := range substrings {
		if !strings.Contains(text, substring) {
			t.Errorf("deploy/README.md does not say %q", substring)
		}
	}
}

// A container is what a platform is told of one that it runs.
type container struct {
	platform string
	image    string
	args     []string
	plain    map[string]string // settings as they stand there
	secret   map[string]string // settings that are kept elsewhere: where
	user     string
	readOnly bool
	grace    time.Duration // between being told to stop and being killed
	ports    []int
	mounts   []string
}

func (c container) isServer() bool { return c.args[0] == "serve" }
