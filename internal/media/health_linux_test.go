package media

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckWritable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	readOnly := filepath.Join(dir, "closed")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(readOnly, 0o500); err != nil {
		t.Fatal(err)
	}
	denied, full := "not writable: permission denied", "the disk is full: 0 MiB free, 64 MiB required"
	if os.Geteuid() == 0 {
		denied = "" // root ignores permissions
	} else {
		full = denied // a user has no write permission below /proc
	}
	for path, want := range map[string]string{
		dir:                                   "",
		filepath.Join(dir, "not", "yet"):      "",
		file:                                  "a file exists",
		filepath.Join(file, "below"):          "a file exists",
		readOnly:                              denied,
		filepath.Join(readOnly, "new", "dir"): denied,
		"/proc":                               full,
	} {
		switch err := NewStore(path).CheckWritable(); {
		case want == "" && err != nil:
			t.Errorf("%s: %v", path, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", path, err, want)
		case err != nil && strings.Contains(err.Error(), path):
			t.Errorf("the error contains the path: %v", err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("the check left files behind: %v, %v", entries, err)
	}
}
