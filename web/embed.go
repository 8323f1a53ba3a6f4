// Package web embeds the built web app and serves it: one page and the static files that the page loads.
// The package must not depend on what the app does or on the API that it calls.
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

// Prefix is the URL path of the static files. A file's URL is Prefix, the digest of all files, a slash, and the file's
// name. So the content of a URL never changes, and a page never loads a file of another version.
const Prefix = "/static/"

// Placeholders in index.html, replaced when the page is served.
const (
	noncePlaceholder  = "__NONCE__"  // replaced in each response by the nonce of its Content-Security-Policy
	staticPlaceholder = "__STATIC__" // replaced at startup by the URL prefix of the static files
	basePlaceholder   = "__BASE__"   // replaced at startup by the path below which a proxy publishes the server, or by ""
)

// App is the web app in memory, ready to be served.
type App struct {
	digest string
	page   string
	files  map[string]file
}

// file is a static file in its content encodings.
type file struct {
	contentType string
	identity    encoding
	gzip        encoding // empty unless it saves more than a tenth
}

type encoding struct {
	body []byte
	etag string
}

// contentTypes maps file extensions to media types. It is fixed because the type tables of operating systems differ.
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

// New returns the embedded app with its files compressed. base is the path below which a proxy publishes the server,
// such as /lab, or "".
func New(base string) (*App, error) {
	dist, err := fs.Sub(distFS, "dist")
	if err != nil {
		return nil, err
	}
	return load(dist, base)
}

func load(dist fs.FS, base string) (*App, error) {
	page, err := fs.ReadFile(dist, "index.html")
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	for _, placeholder := range []string{noncePlaceholder, staticPlaceholder, basePlaceholder} {
		if !bytes.Contains(page, []byte(placeholder)) {
			return nil, fmt.Errorf("web: index.html has no %s", placeholder)
		}
	}
	a := &App{files: map[string]file{}}
	sum := sha256.New()
	err = fs.WalkDir(dist, "static", func(name string, d fs.DirEntry, err error) error { // in lexical order
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
	a.page = strings.NewReplacer(staticPlaceholder, base+Prefix+a.digest, basePlaceholder, base).Replace(string(page))
	return a, nil
}

func newFile(name string, body []byte) (f file, err error) {
	if f.contentType = contentTypes[path.Ext(name)]; f.contentType == "" {
		return f, fmt.Errorf("%s: contentTypes has no entry for this extension", name)
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

// csp returns a Content-Security-Policy that allows only scripts and styles with the nonce, and what those load. It
// blocks inline code injected into the page and resources of other origins.
func csp(nonce string) string {
	return "default-src 'none'; script-src 'nonce-" + nonce + "' 'strict-dynamic'; " +
		"style-src 'self' 'nonce-" + nonce + "'; " +
		"img-src 'self'; font-src 'self'; connect-src 'self'; manifest-src 'self'; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

// permissionsPolicy disables browser features that the app does not use. The camera reads barcodes.
const permissionsPolicy = "accelerometer=(), camera=(self), display-capture=(), geolocation=(), gyroscope=(), " +
	"microphone=(), midi=(), payment=(), usb=()"

// ServePage serves the page for every path, because the app does its own routing. The response is not cacheable.
func (a *App) ServePage(w http.ResponseWriter, _ *http.Request) {
	var random [16]byte
	_, _ = rand.Read(random[:]) // rand.Read never returns an error
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
	_, _ = w.Write([]byte(body)) // fails only if the client disconnected
}

// ServeFile serves a static file, compressed if the client accepts gzip. It returns false and writes nothing if there
// is no such file or the digest is of another version.
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
	_, _ = w.Write(enc.body) // fails only if the client disconnected
	return true
}

// acceptsGzip reports whether an Accept-Encoding header accepts gzip (RFC 9110, section 12.5.3).
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

// etagMatches reports whether an If-None-Match header matches an ETag (RFC 9110, section 13.1.2). It uses the weak
// comparison, because proxies may weaken an ETag.
func etagMatches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}

// Write writes the static files to dir so that another web server can serve them: <dir>/<digest>/<file>, and a .gz file
// next to each compressible one. It keeps other versions, because open pages may still load them. A version appears
// atomically, by a rename.
func Write(dir string) error {
	a, err := New("")
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
	defer func() { _ = os.RemoveAll(part) }() // after success the directory has been renamed
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
		return nil // another process may have been faster
	}
	return err
}
