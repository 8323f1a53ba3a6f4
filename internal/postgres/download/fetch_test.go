//go:build unix

package download

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

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
