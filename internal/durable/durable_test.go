package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The tests replace the function sync, so they do not run in parallel.

// recordSyncs records which files are synced, and whether target exists at that time. Syncs number failing and later
// ones fail; 0 for none.
func recordSyncs(t *testing.T, target string, failing int) *[]string {
	t.Helper()
	var syncs []string
	sync = func(f *os.File) error {
		text, _ := os.ReadFile(target)
		syncs = append(syncs, fmt.Sprintf("%s: %s", filepath.Base(f.Name()), text))
		if failing > 0 && len(syncs) >= failing {
			return errSync
		}
		return f.Sync()
	}
	t.Cleanup(func() { sync = (*os.File).Sync })
	return &syncs
}

var errSync = errors.New("sync failed")

// newFile returns the path of an old file and an open new file in the directory "dir".
func newFile(t *testing.T) (target string, file *os.File) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "dir")
	target = filepath.Join(dir, "target")
	file, err := os.Create(filepath.Join(mkdir(t, dir), "new"))
	if err == nil {
		_, err = file.WriteString("new")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return target, file
}

func mkdir(t *testing.T, dir string) string {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func wantText(t *testing.T, path, want string) {
	t.Helper()
	if text, err := os.ReadFile(path); err != nil || string(text) != want {
		t.Errorf("%s is %q, %v; want %q", filepath.Base(path), text, err, want)
	}
}

// The content is synced before the file gets its name, and the directory afterwards.
func TestOrder(t *testing.T) {
	for name, operation := range map[string]func(*os.File, string) error{"replace": Replace, "link": Link} {
		target, file := newFile(t)
		syncs := recordSyncs(t, target, 0)
		if err := operation(file, target); err != nil {
			t.Error(name, err)
		}
		wantText(t, target, "new")
		if want := []string{"new: ", "dir: new"}; !slices.Equal(*syncs, want) {
			t.Errorf("%s: syncs %q, want %q", name, *syncs, want)
		}
	}
}

// A file that cannot be synced does not get its name, and an error of the directory is reported.
func TestErrors(t *testing.T) {
	for name, operation := range map[string]func(*os.File, string) error{"replace": Replace, "link": Link} {
		target, file := newFile(t)
		recordSyncs(t, target, 1)
		if err := operation(file, target); !errors.Is(err, errSync) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(target); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a file that was not synced has its name", name)
		}
		target, file = newFile(t)
		recordSyncs(t, target, 2)
		if err := operation(file, target); !errors.Is(err, errSync) {
			t.Errorf("%s: the error of the directory is %v", name, err)
		}
	}
}

// Replace replaces a file. Link does not.
func TestExistingFile(t *testing.T) {
	target, file := newFile(t)
	write(t, target, "old")
	if err := Link(file, target); !errors.Is(err, fs.ErrExist) {
		t.Errorf("link to a file that exists: %v", err)
	}
	wantText(t, target, "old")
	target, file = newFile(t)
	write(t, target, "old")
	if err := Replace(file, target); err != nil {
		t.Error(err)
	}
	wantText(t, target, "new")
}

// Rename moves directories as well, and reports a missing one.
func TestRename(t *testing.T) {
	parent := t.TempDir()
	from := mkdir(t, filepath.Join(parent, "from"))
	write(t, filepath.Join(from, "file"), "text")
	if err := Rename(from, filepath.Join(parent, "to")); err != nil {
		t.Fatal(err)
	}
	wantText(t, filepath.Join(parent, "to", "file"), "text")
	if err := Rename(from, filepath.Join(parent, "to")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("rename of a missing directory: %v", err)
	}
	if err := SyncDir(from); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("sync of a missing directory: %v", err)
	}
}
