// Package deploy contains the deployment files: Kubernetes manifests, ECS task definitions and overrides of the compose
// stacks. Heroku's files are in the root directory. The tests compare these files with the program. They use only its
// command line and HTTP API.
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

// readRepoFile returns the content of a file, by its path in the repository.
func readRepoFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile("../" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// findInFile returns what the first group of a pattern matches in a file.
func findInFile(t *testing.T, path, pattern string) string {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(readRepoFile(t, path))
	if match == nil {
		t.Fatalf("%s: no match for %s", path, pattern)
	}
	return match[1]
}

// assertContains fails the test unless text contains all substrings.
func assertContains(t *testing.T, text string, substrings ...string) {
	t.Helper()
	for _, substring := range substrings {
		if !strings.Contains(text, substring) {
			t.Errorf("missing %q in: %s", substring, text)
		}
	}
}

// assertDocumented fails the test unless deploy/README.md contains all substrings.
func assertDocumented(t *testing.T, substrings ...string) {
	t.Helper()
	text := readRepoFile(t, "deploy/README.md")
	for _, substring := range substrings {
		if !strings.Contains(text, substring) {
			t.Errorf("deploy/README.md does not contain %q", substring)
		}
	}
}

// A container is the configuration of one container on a platform.
type container struct {
	platform string
	image    string
	args     []string
	plain    map[string]string // settings with their values
	secret   map[string]string // settings with references to their secrets
	user     string
	readOnly bool
	grace    time.Duration // between the stop signal and the kill
	ports    []int
	mounts   []string
}

func (c container) isServer() bool { return c.args[0] == "serve" }
