//go:build unix

package download

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// special returns an archive with one entry that is not a regular file.
func special(kind byte) []byte {
	var b bytes.Buffer
	compressed := gzip.NewWriter(&b)
	archive := tar.NewWriter(compressed)
	header := &tar.Header{Name: "package/native/lib/x", Typeflag: kind, Linkname: "../../../x"}
	if err := errors.Join(archive.WriteHeader(header), archive.Close(), compressed.Close()); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func TestExtract_rejects(t *testing.T) {
	t.Parallel()
	const links = "package/native/pg-symlinks.json"
	lib := file{"package/native/lib/y", ""} // so that a link in its directory can be made
	for name, archive := range map[string][]byte{
		"parent":          archiveOf(file{"package/native/../../x", ""}),
		"absolute":        archiveOf(file{"package/native//x", ""}),
		"twice":           archiveOf(file{"package/native/x", "1"}, file{"package/native/x", "2"}),
		"symbolic link":   special(tar.TypeSymlink),
		"hard link":       special(tar.TypeLink),
		"device":          special(tar.TypeChar),
		"named pipe":      special(tar.TypeFifo),
		"listed outside":  archiveOf(lib, file{links, `[{"source":"native/../../x","target":"native/lib/x"}]`}),
		"listed absolute": archiveOf(lib, file{links, `[{"source":"/etc/passwd","target":"native/lib/x"}]`}),
		"link outside":    archiveOf(lib, file{links, `[{"source":"native/lib/x","target":"native/../x"}]`}),
		"list not JSON":   archiveOf(file{links, `links`}),
		"not an archive":  []byte("<html></html>"),
		"truncated":       testArchive[:len(testArchive)/2],
		"link into a file": archiveOf(file{"package/native/a", ""},
			file{links, `[{"source":"native/b","target":"native/a/c"}]`}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := extractInto(t, archive); err == nil {
				t.Error("no error")
			}
		})
	}
}

// A process that starts while an executable is open for writing would keep it open, and Linux would not run it.
func TestWriteFile_blocksForks(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, blocks := range map[string]bool{"bin/postgres": true, "lib/plpgsql.so": false} {
		probe := readerFunc(func([]byte) (int, error) {
			unlocked := syscall.ForkLock.TryLock()
			if unlocked {
				syscall.ForkLock.Unlock()
			}
			if unlocked == blocks {
				t.Errorf("%s: a process can start while it is written: %v, want %v", name, unlocked, !blocks)
			}
			return 0, io.EOF
		})
		if err := writeFile(root, name, probe); err != nil {
			t.Fatal(err)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// extractInto extracts an archive and checks that nothing is written outside of the directory.
func extractInto(t *testing.T, archive []byte) error {
	t.Helper()
	parent := t.TempDir()
	dir := filepath.Join(parent, "a", "b")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	extractErr := extract(bytes.NewReader(archive), root)
	wantEntries(t, parent, "a")
	wantEntries(t, filepath.Join(parent, "a"), "b")
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type() != fs.ModeSymlink {
			return err
		}
		target, err := os.Readlink(path)
		relative, relErr := filepath.Rel(dir, filepath.Join(filepath.Dir(path), target))
		if err := errors.Join(err, relErr); err != nil || filepath.IsAbs(target) || !filepath.IsLocal(relative) {
			t.Errorf("%s links to %s: %v", path, target, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return extractErr
}

func FuzzExtract(f *testing.F) {
	f.Add("package/native/bin/postgres", "x", "native/lib/a", "native/lib/b")
	f.Add("package/native/../x", "x", "../x", "/x")
	f.Add("package/native/lib", "", "native/lib", "native/lib/lib")
	f.Fuzz(func(t *testing.T, name, content, source, target string) {
		list, err := json.Marshal([]map[string]string{{"source": source, "target": target}})
		if err != nil {
			t.Fatal(err)
		}
		archive, err := tryArchive(file{name, content}, file{"package/native/pg-symlinks.json", string(list)})
		if err != nil {
			return // no header can hold the name
		}
		_ = extractInto(t, archive) // must not write outside of the directory, whether it fails or not
	})
}
