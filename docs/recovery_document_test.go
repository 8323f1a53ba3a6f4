package docs_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Files of the procedure, relative to this directory.
const (
	recoveryDoc  = "recovery.md"
	archiveYAML  = "../deploy/archive.yml"
	backupScript = "../deploy/recovery-base.sh"
)

// document holds the executable parts of a recovery document. The settings are the block that begins with ```ini. The
// shell blocks begin with ```sh, may be indented, and are named by their first line, a comment.
type document struct {
	settings map[string]string
	blocks   map[string]string // by name
	names    []string          // of the blocks, in order
}

func parseDocument(markdown string) (d document, err error) {
	d = document{settings: map[string]string{}, blocks: map[string]string{}}
	const fence = "```"
	var language, indent, name, text string // language is "" outside of a block
	var named bool
	for i, line := range strings.Split(markdown, "\n") {
		bare := strings.TrimLeft(line, " ")
		switch {
		case language == "" && strings.HasPrefix(bare, fence):
			language, indent = strings.TrimSpace(strings.Trim(bare, "`"))+fence, line[:len(line)-len(bare)]
			name, text, named = "", "", false
		case language == "":
		case bare == fence:
			if language == "sh"+fence {
				if !named || text == "" || d.blocks[name] != "" {
					return d, fmt.Errorf("line %d: the block that ends here is empty, unnamed or a duplicate", i+1)
				}
				d.blocks[name], d.names = text, append(d.names, name)
			}
			language = ""
		case language == "sh"+fence && name == "":
			name, named = strings.CutPrefix(bare, "# ")
		case language == "sh"+fence:
			text += strings.TrimPrefix(line, indent) + "\n"
		case language == "ini"+fence:
			key, value, _ := strings.Cut(bare, " = ")
			d.settings[key] = strings.Trim(value, "'")
		}
	}
	if language != "" {
		return d, errors.New("block without an end")
	}
	return d, nil
}

func readRecoveryDoc(t *testing.T) document {
	t.Helper()
	text, err := os.ReadFile(recoveryDoc)
	if err != nil {
		t.Fatal(err)
	}
	d, err := parseDocument(string(text))
	if err != nil {
		t.Fatalf("%s: %v", recoveryDoc, err)
	}
	return d
}

// archiveCommand returns the words of the database's command in deploy/archive.yml.
func archiveCommand(t *testing.T) (words []string) {
	t.Helper()
	text, err := os.ReadFile(archiveYAML)
	if err != nil {
		t.Fatal(err)
	}
	_, command, _ := strings.Cut(string(text), "    command:\n")
	for line := range strings.Lines(command) {
		word, ok := strings.CutPrefix(line, "      - ")
		if !ok {
			break
		}
		words = append(words, strings.TrimSuffix(word, "\n"))
	}
	return words
}

func TestParseDocument(t *testing.T) {
	t.Parallel()
	const fence = "```"
	d, err := parseDocument("text\n" + fence + "ini\na = b c\nd = 'e = f'\n" + fence + "\n" +
		"- " + fence + "no\n  " + fence + "sh\n  # one\n  x\n    y\n  " + fence + "\n" +
		fence + "sh\n# two\nz\n" + fence + "\n")
	if want := map[string]string{"a": "b c", "d": "e = f"}; err != nil || !maps.Equal(d.settings, want) {
		t.Errorf("settings %q, %v; want %q", d.settings, err, want)
	}
	want := map[string]string{"one": "x\n  y\n", "two": "z\n"}
	if !maps.Equal(d.blocks, want) || !slices.Equal(d.names, []string{"one", "two"}) {
		t.Errorf("blocks %q of %q; want %q", d.blocks, d.names, want)
	}
	for name, text := range map[string]string{
		"no name":        fence + "sh\n" + fence + "\n",
		"only a name":    fence + "sh\n# one\n" + fence + "\n",
		"no comment":     fence + "sh\nx\ny\n" + fence + "\n",
		"duplicate name": fence + "sh\n# one\nx\n" + fence + "\n" + fence + "sh\n# one\ny\n" + fence + "\n",
		"no end":         fence + "sh\n# one\nx\n",
	} {
		if d, err := parseDocument(text); err == nil {
			t.Errorf("%s: no error, blocks %q", name, d.blocks)
		}
	}
}

// The document and deploy/archive.yml have the same settings.
func TestArchiveSettings(t *testing.T) {
	t.Parallel()
	words := archiveCommand(t)
	if len(words) == 0 || words[0] != "postgres" {
		t.Fatalf("%s: command %q", archiveYAML, words)
	}
	got := map[string]string{}
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(strings.TrimPrefix(word, "-c"), "=")
		got[name] = value
	}
	if want := readRecoveryDoc(t).settings; !maps.Equal(got, want) {
		t.Errorf("%s has %q, %s has %q", archiveYAML, got, recoveryDoc, want)
	}
	for _, name := range []string{"wal_level", "archive_mode", "archive_timeout", "archive_command"} {
		if got[name] == "" {
			t.Errorf("%s is not set", name)
		}
	}
}

// The archive command archives a file completely or not at all, and never overwrites one.
func TestArchiveCommand(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), waitTimeout)
	defer cancel()
	dir := t.TempDir()
	command := readRecoveryDoc(t).settings["archive_command"]
	archive := func(name, file, text string) error {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		script := strings.NewReplacer("%f", name, "%p", file, "/archive/", dir+"/archive/").Replace(command)
		cmd := exec.CommandContext(ctx, "sh", "-c", script)
		cmd.Dir = dir
		return cmd.Run()
	}
	checkArchive := func(want ...string) {
		t.Helper()
		var got []string
		files, err := os.ReadDir(filepath.Join(dir, "archive/wal"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			out, err := exec.CommandContext(ctx, "gzip", "-cd", filepath.Join(dir, "archive/wal", f.Name())).Output()
			if err != nil {
				t.Error(f.Name(), err)
			}
			got = append(got, f.Name()+" "+string(out))
		}
		if !slices.Equal(got, want) {
			t.Errorf("files in the archive: %q, want %q", got, want)
		}
	}
	if archive("0A", "one", "first") == nil {
		t.Error("no error without an archive directory")
	}
	if err := os.MkdirAll(filepath.Join(dir, "archive/wal"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := archive("0A", "one", "first"); err != nil {
		t.Error(err)
	}
	checkArchive("0A.gz first")
	// Postgres archives a file again if it was killed before it recorded the success.
	if err := archive("0A", "one", "first"); err != nil {
		t.Error("the same file again:", err)
	}
	if archive("0A", "other", "second") == nil {
		t.Error("no error for another file of the same name")
	}
	if err := archive("0B", "two", "x"); err != nil {
		t.Error("a second file:", err)
	}
	checkArchive("0A.gz first", "0B.gz x")
	command = strings.ReplaceAll(command, "%p", "missing")
	if archive("0C", "one", "first") == nil {
		t.Error("no error for a missing file")
	}
	if _, err := os.Stat(filepath.Join(dir, "archive/wal/0C.gz")); err == nil {
		t.Error("a missing file was archived")
	}
}
