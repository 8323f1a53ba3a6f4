package archtest

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The command line starts in main.go. All other packages have a directory.
func TestRoot_hasOneGoFile(t *testing.T) {
	var files []string
	for _, name := range goFiles(t) {
		if !strings.Contains(name, "/") {
			files = append(files, name)
		}
	}
	if !slices.Equal(files, []string{"main.go"}) {
		t.Errorf("Go files at the root: %v, want main.go alone", files)
	}
}

// mapLine is a line of the map: paths separated by two spaces, then at least three spaces and a description.
var mapLine = regexp.MustCompile(`^    (\S+(?:  \S+)*) {3,}\S`)

// mapPaths returns the paths that the map in README.md names.
func mapPaths(t *testing.T) (paths []string) {
	t.Helper()
	_, text, found := strings.Cut(read(t, "README.md"), "\n## Map\n")
	if !found {
		t.Fatal("README.md has no section Map")
	}
	text, _, _ = strings.Cut(text, "\n## ")
	for line := range strings.Lines(text) {
		if m := mapLine.FindStringSubmatch(line); m != nil {
			paths = append(paths, strings.Split(m[1], "  ")...)
		}
	}
	if len(paths) < 10 {
		t.Fatalf("the map in README.md has %d paths", len(paths))
	}
	return paths
}

// Every path of the map exists. The map names every directory of the root and every package below internal.
func TestReadmeMap_equalsTree(t *testing.T) {
	named := map[string]bool{}
	for _, p := range mapPaths(t) {
		if matches, err := filepath.Glob(filepath.Join(root, p)); err != nil || len(matches) == 0 {
			t.Errorf("README.md names %s, which does not exist", p)
		}
		named[strings.TrimSuffix(p, "/")] = true
	}
	want := map[string]bool{}
	for _, name := range tracked(t) {
		directory := path.Dir(name)
		if top, _, nested := strings.Cut(name, "/"); nested && top != "internal" && !strings.HasPrefix(top, ".") {
			want[top] = true
		}
		if strings.HasPrefix(name, "internal/") && strings.HasSuffix(name, ".go") && !named[path.Dir(directory)] {
			want[directory] = true
		}
	}
	for directory := range want {
		if !named[directory] {
			t.Errorf("the map in README.md does not name %s/", directory)
		}
	}
}
