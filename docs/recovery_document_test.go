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

// The page of deploy/recovery.md: its settings, and its blocks for a shell. A block begins with ```sh, and its first line, a comment, is its
// name. It may be indented. The settings are the block that begins with ```ini.

// A page is a document with blocks for a shell.
type page struct {
	settings map[string]string
	blocks   map[string]string
	names    []string // in the order of the page
}

func readPage(markdown string) (p page, err error) {
	p = page{settings: map[string]string{}, blocks: map[string]string{}}
	const fence = "```"
	var language, indent, name, text string
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
				if !named || text == "" || p.blocks[name] != "" {
					return p, fmt.Errorf("the block that ends in line %d is empty, has no name, or that of another one", i+1)
				}
				p.blocks[name], p.names = text, append(p.names, name)
			}
			language = ""
		case language == "sh"+fence && name == "":
			name, named = strings.CutPrefix(bare, "# ")
		case language == "sh"+fence:
			text += strings.TrimPrefix(line, indent) + "\n"
		case language == "ini"+fence:
			key, value, _ := strings.Cut(bare, " = ")
			p.settings[key] = strings.Trim(value, "'")
		}
	}
	if language != "" {
		return p, errors.New("a block never ends")
	}
	return p, nil
}

func recoveryPage(t *testing.T) page {
	t.Helper()
	text, err := os.ReadFile("../../deploy/recovery.md")
	if err != nil {
		t.Fatal(err)
	}
	p, err := readPage(string(text))
	if err != nil {
		t.Fatal("deploy/recovery.md: ", err)
	}
	return p
}

// archiveCommand are the words of the command that deploy/archive.yml gives to the database.
func archiveCommand(t *testing.T) (words []string) {
	t.Helper()
	text, err := os.ReadFile("../../deploy/archive.yml")
	if err != nil {
		t.Fatal(err)
	}
	_, command, _ := strings.Cut(string(text), "    command:\n")
	for line := range strings.Lines(command) {
		word, more := strings.CutPrefix(line, "      - ")
		if !more {
			break
		}
		words = append(words, strings.TrimSuffix(word, "\n"))
	}
	return words
}

func TestReadPage(t *testing.T) {
	t.Parallel()
	const fence = "```"
	p, err := readPage("text\n" + fence + "ini\na = b c\nd = 'e = f'\n" + fence + "\n- " + fence + "no\n  " + fence + "sh\n  # one\n  x\n    y\n  " + fence + "\n" + fence + "sh\n# two\nz\n" + fence + "\n")
	if want := map[string]string{"a": "b c", "d": "e = f"}; err != nil || !maps.Equal(p.settings, want) {
		t.Errorf("settings %q, %v; want %q", p.settings, err, want)
	}
	if want := map[string]string{"one": "x\n  y\n", "two": "z\n"}; !maps.Equal(p.blocks, want) || !slices.Equal(p.names, []string{"one", "two"}) {
		t.Errorf("blocks %q of %q; want %q", p.blocks, p.names, want)
	}
	for name, text := range map[string]string{
		"no name":     fence + "sh\n" + fence + "\n",
		"a name only": fence + "sh\n# one\n" + fence + "\n",
		"no comment":  fence + "sh\nx\ny\n" + fence + "\n",
		"same name":   fence + "sh\n# one\nx\n" + fence + "\n" + fence + "sh\n# one\ny\n" + fence + "\n",
		"never ends":  fence + "sh\n# one\nx\n",
	} {
		if p, err := readPage(text); err == nil {
			t.Errorf("%s: read as %q", name, p.blocks)
		}
	}
}

// The settings stand in two files, for those who use docker and for those who do not.
func TestArchiveSettings(t *testing.T) {
	t.Parallel()
	words := archiveCommand(t)
	if len(words) == 0 || words[0] != "postgres" {
		t.Fatalf("deploy/archive.yml has the command %q", words)
	}
	got := map[string]string{}
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(strings.TrimPrefix(word, "-c"), "=")
		got[name] = value
	}
	if said := recoveryPage(t).settings; !maps.Equal(got, said) {
		t.Errorf("deploy/archive.yml has %q, deploy/recovery.md says %q", got, said)
	}
	for _, name := range []string{"wal_level", "archive_mode", "archive_timeout", "archive_command"} {
		if got[name] == "" {
			t.Errorf("%s is not set", name)
		}
	}
}

// TestArchiveCommand: what is archived is there whole or not at all, and stays as it is.
func TestArchiveCommand(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), waitTimeout)
	defer cancel()
	dir := t.TempDir()
	command := recoveryPage(t).settings["archive_command"]
	archived := func(name, from, text string) error {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, from), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(ctx, "sh", "-c", strings.NewReplacer("%f", name, "%p", from, "/archive/", dir+"/archive/").Replace(command))
		cmd.Dir = dir
		return cmd.Run()
	}
	holds := func(want ...string) {
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
			t.Errorf("the archive holds %q; want %q", got, want)
		}
	}
	if archived("0A", "one", "first") == nil {
		t.Error("there is no archive, and it says that it has archived")
	}
	if err := os.MkdirAll(filepath.Join(dir, "archive/wal"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := archived("0A", "one", "first"); err != nil {
		t.Error(err)
	}
	holds("0A.gz first")
	if err := archived("0A", "one", "first"); err != nil { // Postgres asks again when it was killed before it knew
		t.Error("the same file again:", err)
	}
	if archived("0A", "other", "second") == nil {
		t.Error("another file of the same name was accepted")
	}
	if archived("0B", "nothing", "x") != nil || os.Remove(filepath.Join(dir, "nothing")) != nil {
		t.Error("a second file was refused")
	}
	holds("0A.gz first", "0B.gz x")
	command = strings.ReplaceAll(command, "%p", "missing")
	if archived("0C", "one", "first") == nil {
		t.Error("a file that is not there was archived")
	}
	if _, err := os.Stat(filepath.Join(dir, "archive/wal/0C.gz")); err == nil {
		t.Error("something was archived for it")
	}
}
