// Package archtest tests the layout of the repository: which package may import which, where SQL belongs, what the root
// directory contains, and that the map in README.md equals the tree. It also tests the wording of texts for users.
package archtest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// root is the root directory of the repository.
const root = "../.."

// tracked returns the files that belong to the repository, as slash-separated paths relative to its root. Outside of a
// git checkout, such as in a source archive, it walks the tree instead.
func tracked(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return walk(t)
	}
	var files []string
	for name := range bytes.SplitSeq(bytes.TrimRight(out, "\x00"), []byte{0}) {
		if _, err := os.Stat(filepath.Join(root, string(name))); err == nil { // skip deleted files
			files = append(files, string(name))
		}
	}
	if len(files) == 0 {
		t.Fatal("no files found")
	}
	return files
}

// walk returns all files below the root, except installed packages, data of servers and the git directory.
func walk(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "var" || entry.Name() == ".git") {
			return filepath.SkipDir
		}
		if !entry.IsDir() {
			name, err := filepath.Rel(root, path)
			files = append(files, filepath.ToSlash(name))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// read returns the text of a file.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// goFiles returns the Go files among the tracked files.
func goFiles(t *testing.T) (files []string) {
	t.Helper()
	for _, name := range tracked(t) {
		if strings.HasSuffix(name, ".go") {
			files = append(files, name)
		}
	}
	return files
}
