package media

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckWritable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	readOnly := filepath.Join(dir, "closed")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(readOnly, 0o500); err != nil {
		t.Fatal(err)
	}
	denied, full := "cannot be written to: permission denied", "the disk is full: 0 MiB are free, and there should be 64" // as everything under /proc is
	if os.Geteuid() == 0 {
		denied = "" // root may
	} else {
		full = "cannot be written to: permission denied"
	}
	for path, want := range map[string]string{
		dir:                                   "",
		filepath.Join(dir, "not", "yet"):      "",
		file:                                  "there is a file",
		filepath.Join(file, "below"):          "there is a file",
		readOnly:                              denied,
		filepath.Join(readOnly, "not", "yet"): denied,
		"/proc":                               full,
	} {
		switch err := NewStore(path).CheckWritable(); {
		case want == "" && err != nil:
			t.Errorf("%s: %v", path, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v; want %s", path, err, want)
		case err != nil && strings.Contains(err.Error(), path):
			t.Errorf("the folder is told: %v", err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("to check has left something: %v, %v", entries, err)
	}
}
