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

// patience bounds everything that a test waits for.
const patience = 30 * time.Second

// top is a file's text, by its path from the top of the repository.
func top(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile("../" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// found is what the first group of a pattern finds in a file.
func found(t *testing.T, path, pattern string) string {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(top(t, path))
	if match == nil {
		t.Fatalf("%s: there is no %s", path, pattern)
	}
	return match[1]
}

// says fails the test unless text holds all the words.
func says(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("there is no %q in: %s", word, text)
		}
	}
}

// told fails the test unless deploy/README.md holds all the words.
func told(t *testing.T, words ...string) {
	t.Helper()
	text := top(t, "deploy/README.md")
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("deploy/README.md does not say %q", word)
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

func (c container) server() bool { return c.args[0] == "serve" }
