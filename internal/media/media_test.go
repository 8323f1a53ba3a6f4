package media

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func newStore(t testing.TB) *Store {
	t.Helper()
	return NewStore(filepath.Join(t.TempDir(), "below", "media"))
}

// files returns the paths of all files in the store's directory.
func (s *Store) files(t testing.TB) (names []string) {
	t.Helper()
	err := filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimPrefix(path, s.dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestReceive_fullDisk: an upload does not take the reserve of the disk.
func TestReceive_fullDisk(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	if f, err := s.Receive(strings.NewReader("x"), 1); err != nil { // creates the directory
		t.Fatal(err)
	} else {
		f.Abort()
	}
	s.reserve = func(uint64) uint64 { return 1 << 63 }
	var pathErr *fs.PathError
	_, err := s.Receive(strings.NewReader("x"), 1)
	if !errors.As(err, &pathErr) || !strings.Contains(err.Error(), "full") {
		t.Errorf("got %v, want a full disk", err)
	}
	if remaining := s.files(t); remaining != nil {
		t.Errorf("files left behind: %q", remaining)
	}
}

func TestDiskReserve(t *testing.T) {
	t.Parallel()
	for size, want := range map[uint64]uint64{0: 64 << 20, 1 << 30: 64 << 20, 10 << 30: 512 << 20, 1 << 40: 1 << 30} {
		if got := diskReserve(size); got != want {
			t.Errorf("%d: got %d, want %d", size, got, want)
		}
	}
}

func TestReceive_detectsTypes(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	long := strings.Repeat("Minus 80 °C. ", 1000)
	for _, c := range []struct{ text, mediaType string }{
		{"\x89PNG\r\n\x1a\n and so on", "image/png"},
		{"\xff\xd8\xff\xe0", "image/jpeg"},
		{"GIF87a", "image/gif"},
		{"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"},
		{"%PDF-1.7", "application/pdf"},
		{"PK\x03\x04", "application/zip"},
		{"\x1f\x8b\x08", "application/x-gzip"},
		{"well,temp\nA1,-80\n", "text/plain"},
		{`{"a": "<b>"}`, "text/plain"},
		{"5 < 6 and 7 > 6", "text/plain"},
		{long, "text/plain"},
		{long + "\x00", "application/octet-stream"}, // only the beginning is text
		{long + "\xff", "application/octet-stream"},
		{"\x7fELF\x02\x01\x01\x00", "application/octet-stream"},
		{"RIFF\x00\x00\x00\x00WAVE", "application/octet-stream"},
	} {
		f, err := s.Receive(iotest.OneByteReader(strings.NewReader(c.text)), 1<<20) // splits UTF-8 characters
		if err != nil || f.Type != c.mediaType || f.Size != int64(len(c.text)) ||
			!strings.HasSuffix(f.URL, extensions[c.mediaType]) {
			t.Errorf("%.20q: %+v %v", c.text, f, err)
			continue
		}
		f.Abort()
	}
	for _, text := range []string{
		"<html>", "<!DOCTYPE html>", "  <script>alert(1)</script>", "<?xml version='1.0'?>", "<svg onload=alert(1)>",
		"\ufeff<svg/>",
		"Hello <iframe src=x>", "<!-- --><b>", "<BODY onload=x>", "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>",
	} {
		if f, err := s.Receive(strings.NewReader(text), 1<<20); !errors.Is(err, ErrType) {
			t.Errorf("%q: %+v %v", text, f, err)
		}
	}
	if remaining := s.files(t); remaining != nil {
		t.Errorf("files left behind: %q", remaining)
	}
}

func TestReceiveCommitDelete(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	if n, err := s.RemoveOrphans(0, nil); n != 0 || err != nil {
		t.Errorf("RemoveOrphans without a directory: %d, %v", n, err)
	}
	notDir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(notDir, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var pathErr *fs.PathError
	if _, err := NewStore(notDir).Receive(strings.NewReader("x"), 1); !errors.As(err, &pathErr) {
		t.Errorf("Receive into a file instead of a directory: %v", err)
	}
	if _, err := s.Receive(strings.NewReader("12345"), 4); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	readErr := errors.New("connection lost")
	src := io.MultiReader(strings.NewReader("123"), iotest.ErrReader(readErr))
	if _, err := s.Receive(src, 4); !errors.Is(err, readErr) {
		t.Error(err)
	}
	if remaining := s.files(t); remaining != nil {
		t.Errorf("files left behind: %q", remaining)
	}
	f, err := s.Receive(strings.NewReader("1234"), 4)
	if err != nil || f.SHA256 != "03ac674216f3e15c761ee1a5e255f067953623c8b388b4459e13f978d7c846f4" {
		t.Fatalf("%+v %v", f, err)
	}
	if w := get(s, f.URL); w != nil {
		t.Error("the file is served before Commit")
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if w := get(s, f.URL); w == nil || w.Body.String() != "1234" || w.Header().Get("Content-Disposition") != "" {
		t.Errorf("%+v", w)
	}
	if s.ClearPending(f.URL); len(s.files(t)) != 1 {
		t.Errorf("files after ClearPending: %q, want 1", s.files(t))
	}
	if info, err := os.Stat(filepath.Join(s.dir, s.files(t)[0])); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the file is not readable by everyone: %v %v", info, err)
	}
	s.Delete(f.URL)
	if w := get(s, f.URL); w != nil || s.files(t) != nil {
		t.Error("the file exists after Delete")
	}
	saved, err := s.Receive(strings.NewReader("\x00"), 4)
	if err != nil || saved.Commit() != nil {
		t.Fatal(err)
	}
	if w := get(s, saved.URL); w == nil || w.Header().Get("Content-Disposition") != "attachment" ||
		w.Header().Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%+v", w)
	}
}

// get requests a URL from the store. It returns nil if there is no such file.
func get(s *Store, url string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	dir, name, _ := strings.Cut(strings.TrimPrefix(url, Prefix), "/")
	if !s.ServeFile(w, httptest.NewRequest(http.MethodGet, "/", nil), dir, name) {
		return nil
	}
	return w
}

// Other files inside or next to the store's directory are neither served nor deleted.
func TestServeFile_onlyCommittedFiles(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	name := strings.Repeat("a", 26) + ".txt"
	for _, path := range []string{".part-1", "aa/secret", "aa/" + name + ".part", "../" + name, "bb/" + name} {
		target := filepath.Join(s.dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(target), 0o755),
			os.WriteFile(target, []byte("no"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(s.dir, "aa", name), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{
		"/media/.part-1", "/media//.part-1", "/media/./.part-1", "/media/aa/secret", "/media/aa/" + name,
		"/media/aa/" + name + ".part", "/media/../" + name, "/media/bb/" + name,
		"/media/aa/../" + name, "/media/aa/..", "/media/aa/", "/media/", "", "/media/aa/" + strings.ToUpper(name),
		"/media/aa/" + name + "\x00", "/media/aa\x00/" + name, "/media/aa/" + name + "\n",
	} {
		if w := get(s, url); w != nil {
			t.Errorf("%q: %s", url, w.Body)
		}
		s.Delete(url)
	}
	if n := len(s.files(t)); n != 4 { // the fifth is next to the directory
		t.Errorf("%d files are left, want 4", n)
	}
}

// commit stores a file that is pending and returns its URL.
func (s *Store) commit(t *testing.T) string {
	t.Helper()
	f, err := s.Receive(strings.NewReader("x"), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	return f.URL
}

// orphanFiles are the URLs of files by their state.
type orphanFiles struct{ settled, referenced, orphans []string }

// find returns the URLs without a row, like a database with rows for the referenced files only.
func (f *orphanFiles) find(urls []string) (orphaned []string, err error) {
	if len(urls) > 500 {
		return nil, fmt.Errorf("%d URLs in one call, want at most 500", len(urls))
	}
	for _, url := range urls {
		if !slices.Contains(f.referenced, url) {
			orphaned = append(orphaned, url)
		}
	}
	return orphaned, nil
}

// newOrphanFiles stores files in each state, an incomplete upload, and a file that is not the store's.
func newOrphanFiles(t *testing.T, s *Store) (files orphanFiles) {
	t.Helper()
	for i := range 1201 {
		switch url := s.commit(t); i % 3 {
		case 0:
			s.ClearPending(url)
			files.settled = append(files.settled, url)
		case 1:
			files.referenced = append(files.referenced, url)
		case 2:
			files.orphans = append(files.orphans, url)
		}
	}
	deleting := files.settled[0] // the server crashes between deleting the row and the file
	if err := s.MarkPending(deleting); err != nil {
		t.Fatal(err)
	}
	files.orphans, files.settled = append(files.orphans, deleting), files.settled[1:]
	if _, err := s.Receive(strings.NewReader("incomplete"), 100); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "README"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return files
}

// Old incomplete uploads and old pending files without a row are deleted. Files that were once referenced stay,
// whatever the database returns.
func TestRemoveOrphans(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	files := newOrphanFiles(t, s)
	total := len(s.files(t))
	unexpected := func([]string) ([]string, error) { return nil, errors.New("recent files are checked") }
	if n, err := s.RemoveOrphans(time.Hour, unexpected); n != 0 || err != nil || len(s.files(t)) != total {
		t.Errorf("recent files: %d deleted, %v", n, err)
	}
	old := time.Now().Add(-2 * time.Hour)
	for _, name := range s.files(t) {
		if err := os.Chtimes(filepath.Join(s.dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	recent := s.commit(t)
	dbErr := errors.New("no connection to the database")
	failing := func([]string) ([]string, error) { return nil, dbErr }
	if n, err := s.RemoveOrphans(time.Hour, failing); !errors.Is(err, dbErr) || n != 1 {
		t.Errorf("%d, %v, want 1, the incomplete upload", n, err)
	}
	if n, err := s.RemoveOrphans(time.Hour, files.find); n != len(files.orphans) || err != nil {
		t.Errorf("%d files deleted, want %d: %v", n, len(files.orphans), err)
	}
	for _, url := range slices.Concat([]string{recent}, files.settled, files.referenced) {
		if get(s, url) == nil {
			t.Errorf("%s was deleted", url)
		}
	}
	for _, url := range files.orphans {
		if get(s, url) != nil {
			t.Errorf("%s still exists", url)
		}
	}
	// README, the recent file and its marker
	if n, want := len(s.files(t)), len(files.settled)+len(files.referenced)+3; n != want {
		t.Errorf("%d files are left, want %d", n, want)
	}
}

// FuzzReceive checks that any input either gets a known type and is served unchanged, or is rejected.
func FuzzReceive(f *testing.F) {
	for _, text := range []string{"", "text", "<svg", "\x89PNG\r\n\x1a\n", "\xef\xbb\xbf<p>", "PK\x03\x04",
		strings.Repeat("é", 300)} {
		f.Add([]byte(text))
	}
	s := newStore(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := s.Receive(bytes.NewReader(b), 4096)
		if err != nil {
			return
		}
		defer got.Abort()
		if extensions[got.Type] == "" || got.Size != int64(len(b)) {
			t.Errorf("%+v", got)
		}
		if err := got.Commit(); err != nil {
			t.Fatal(err)
		}
		w := get(s, got.URL)
		if w == nil || !bytes.Equal(w.Body.Bytes(), b) && len(b) > 0 {
			t.Fatalf("served %q, want %q", w.Body, b)
		}
		if mediaType := w.Header().Get("Content-Type"); strings.Contains(mediaType, "html") ||
			strings.Contains(mediaType, "xml") || mediaType == "" {
			t.Errorf("served as %q", mediaType)
		}
	})
}

// TestTempFile: a temporary file has no name, so nothing is left when it is closed.
func TestTempFile(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	f, err := s.TempFile()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("text"); err != nil {
		t.Error(err)
	}
	if names := s.files(t); len(names) != 0 {
		t.Errorf("files %q", names)
	}
	text := make([]byte, 4)
	if _, err := f.ReadAt(text, 0); err != nil || string(text) != "text" {
		t.Errorf("read %q: %v", text, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
