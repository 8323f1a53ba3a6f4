//go:build unix

package download

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

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
