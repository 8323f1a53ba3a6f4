// Package web holds the web app as it is built, and gives it out: one page, and the static files that it loads.
// It must not know what the app does, nor the API that it calls.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

//go:embed all:dist
var distFS embed.FS

// Prefix is where the static files are served: a URL is it, the digest of them all, a slash, and the file's name. So a URL never leads to other
// bytes, and a page never gets a file of another version.
const Prefix = "/static/"

// What stands in index.html for what is known only when it is given out.
const (
	noncePlaceholder  = "__NONCE__"  // fresh with each answer, for the Content-Security-Policy
	staticPlaceholder = "__STATIC__" // where the static files are
)

// An App is the app, ready to be given out.
type App struct {
	digest string
	page   string
	files  map[string]file
}

// A file is a static file in its forms.
type file struct {
	contentType string
	identity    encoding
	gzip        encoding // by gzip; empty when that is not shorter
}

type encoding struct {
	body []byte
	etag string
}

// contentTypes are the types of static files. They are said here, since a machine's own list may say something else or nothing.
var contentTypes = map[string]string{
	".css":         "text/css; charset=utf-8",
	".ico":         "image/x-icon",
	".jpg":         "image/jpeg",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".txt":         "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json",
	".webp":        "image/webp",
	".woff2":       "font/woff2",
}

// New reads the app that is in the binary, and packs its files.
func New() (*App, error) {
	dist, err := fs.Sub(distFS, "dist")
	if err != nil {
		return nil, err
	}
	return load(dist)
}

func load(dist fs.FS) (*App, error) {
	page, err := fs.ReadFile(dist, "index.html")
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	for _, placeholder := range []string{noncePlaceholder, staticPlaceholder} {
		if !bytes.Contains(page, []byte(placeholder)) {
			return nil, fmt.Errorf("web: index.html has no %s", placeholder)
		}
	}
	a := &App{files: map[string]file{}}
	sum := sha256.New()
	err = fs.WalkDir(dist, "static", func(name string, d fs.DirEntry, err error) error { // in the order of names
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(dist, name)
		if err != nil {
			return err
		}
		name = strings.TrimPrefix(name, "static/")
		if a.files[name], err = newFile(name, body); err != nil {
			return err
		}
		fmt.Fprintf(sum, "%d %s %d ", len(name), name, len(body))
		sum.Write(body)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	a.digest = hex.EncodeToString(sum.Sum(nil)[:8])
	a.page = strings.ReplaceAll(string(page), staticPlaceholder, Prefix+a.digest)
	return a, nil
}

func newFile(name string, body []byte) (f file, err error) {
	if f.contentType = contentTypes[path.Ext(name)]; f.contentType == "" {
		return f, fmt.Errorf("%s is of a type that has no line in kinds", name)
	}
	sum := sha256.Sum256(body)
	tag := hex.EncodeToString(sum[:8])
	f.identity = encoding{body, `"` + tag + `"`}
	var compressed bytes.Buffer
	writer, err := gzip.NewWriterLevel(&compressed, gzip.BestCompression)
	if err != nil {
		return f, err
	}
	_, err = writer.Write(body)
	if err := errors.Join(err, writer.Close()); err != nil {
		return f, err
	}
	if compressed.Len() < len(body)*9/10 {
		f.gzip = encoding{compressed.Bytes(), `"` + tag + `-gzip"`}
	}
	return f, nil
}

// csp lets the page run the scripts and styles that carry the nonce, and what those load; nothing else of anywhere, and nothing that
// somebody wrote into the page.
func csp(nonce string) string {
	return "default-src 'none'; script-src 'nonce-" + nonce + "' 'strict-dynamic'; style-src 'self' 'nonce-" + nonce + "'; " +
		"img-src 'self'; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

// permissionsPolicy are the powers of a page that this one does without.
const permissionsPolicy = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), midi=(), payment=(), usb=()"

// ServePage answers with the page, whatever the path: the app itself knows what to show there. The answer is good for this once.
func (a *App) ServePage(w http.ResponseWriter, _ *http.Request) {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	nonce := base64.RawURLEncoding.EncodeToString(random[:])
	body := strings.ReplaceAll(a.page, noncePlaceholder, nonce)
	h := w.Header()
	h.Set("Content-Security-Policy", csp(nonce))
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", permissionsPolicy)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write([]byte(body)) // a client that has gone needs no answer
}

// ServeFile answers with a static file, packed where the client takes that. It writes nothing and returns false when there is no such file, or
// none in the version that has this digest.
func (a *App) ServeFile(w http.ResponseWriter, r *http.Request, digest, name string) (found bool) {
	f, found := a.files[name]
	if !found || digest != a.digest {
		return false
	}
	h, enc := w.Header(), f.identity
	if f.gzip.body != nil {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(strings.Join(r.Header.Values("Accept-Encoding"), ",")) {
			enc = f.gzip
		}
	}
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("ETag", enc.etag)
	if etagMatches(strings.Join(r.Header.Values("If-None-Match"), ","), enc.etag) {
		w.WriteHeader(http.StatusNotModified)
		return true
	}
	if f.gzip.body != nil && enc.etag == f.gzip.etag {
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(enc.body)))
	_, _ = w.Write(enc.body) // a client that has gone needs no answer
	return true
}

// acceptsGzip reads an Accept-Encoding header: RFC 9110, section 12.5.3.
func acceptsGzip(accept string) bool {
	accepts := false
	for part := range strings.SplitSeq(accept, ",") {
		coding, params, _ := strings.Cut(part, ";")
		name, weight, _ := strings.Cut(strings.TrimSpace(params), "=")
		q, err := strconv.ParseFloat(strings.TrimSpace(weight), 64)
		acceptable := params == "" || strings.EqualFold(strings.TrimSpace(name), "q") && err == nil && q > 0 && q <= 1
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip":
			return acceptable
		case "*":
			accepts = acceptable
		}
	}
	return accepts
}

// etagMatches reads an If-None-Match header: RFC 9110, section 13.1.2. It compares weakly, so that a proxy may weaken a tag.
func etagMatches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}

// Write writes the static files into a folder as a web server gives them out in this one's place: <dir>/<digest>/<file>, and beside each that
// can be packed the same with .gz. Other versions that are there stay, for pages that are still open. What is there is whole: it comes by
// renaming.
func Write(dir string) error {
	a, err := New()
	if err != nil {
		return err
	}
	return a.write(dir)
}

func (a *App) write(dir string) error {
	target := filepath.Join(dir, a.digest)
	if _, err := os.Stat(target); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	part, err := os.MkdirTemp(dir, ".part-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(part) }() // it has another name by then, unless something failed
	for _, name := range slices.Sorted(maps.Keys(a.files)) {
		f, dst := a.files[name], filepath.Join(part, filepath.FromSlash(name))
		err := errors.Join(os.MkdirAll(filepath.Dir(dst), 0o755), os.WriteFile(dst, f.identity.body, 0o644))
		if err == nil && f.gzip.body != nil {
			err = os.WriteFile(dst+".gz", f.gzip.body, 0o644)
		}
		if err != nil {
			return err
		}
	}
	if err := os.Chmod(part, 0o755); err != nil {
		return err
	}
	err = os.Rename(part, target)
	if _, statErr := os.Stat(target); statErr == nil {
		return nil // somebody was faster
	}
	return err
}
