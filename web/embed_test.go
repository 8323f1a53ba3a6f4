package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

var longScript = []byte("export const text = '" + strings.Repeat("some words ", 100) + "'\n")

// sampleFS returns an app with files of several types.
func sampleFS() fstest.MapFS {
	return fstest.MapFS{
		"index.html": {Data: []byte(`<meta property="csp-nonce" nonce="__NONCE__"><meta content="__BASE__">` +
			`<script type="module" src="__STATIC__/app.js" nonce="__NONCE__"></script>`)},
		"static/app.js":         {Data: longScript},
		"static/short.css":      {Data: []byte("p{}")},
		"static/icon.svg":       {Data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)},
		"static/fonts/a.woff2":  {Data: []byte("wOF2")},
		"static/with space.txt": {Data: []byte("a")},
	}
}

func newApp(t *testing.T, dist fs.FS) *App {
	t.Helper()
	a, err := load(dist, "")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// get requests a static file.
func (a *App) get(method, digest, name string, headers ...string) (w *httptest.ResponseRecorder, found bool) {
	r := httptest.NewRequest(method, "/", nil)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	w = httptest.NewRecorder()
	return w, a.ServeFile(w, r, digest, name)
}

// The build output in dist is what the server can serve.
func TestDistFS(t *testing.T) {
	t.Parallel()
	dist, err := fs.Sub(distFS, "dist")
	if err != nil {
		t.Fatal(err)
	}
	a := newApp(t, dist)
	err = fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if !d.IsDir() && name != "index.html" && !strings.HasPrefix(name, "static/") {
			t.Errorf("dist/%s is not served; static files belong in dist/static", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(a.page, -1)
	if len(links) == 0 {
		t.Error("the page loads nothing")
	}
	for _, link := range links {
		name, hasPrefix := strings.CutPrefix(link[1], Prefix+a.digest+"/")
		if _, exists := a.files[name]; !hasPrefix || !exists {
			t.Errorf("the page links to %s, which does not exist", link[1])
		}
	}
	tags := regexp.MustCompile(`<(?:script|style|link rel="(?:modulepreload|stylesheet)")[^>]*>`)
	for _, tag := range tags.FindAllString(a.page, -1) {
		if !strings.Contains(tag, `nonce="`+noncePlaceholder+`"`) {
			t.Errorf("the Content-Security-Policy blocks %s: it has no nonce", tag)
		}
	}
	if inline := regexp.MustCompile(`\s(on\w+|style)=`).FindString(a.page); inline != "" {
		t.Errorf("the Content-Security-Policy blocks the attribute%s", inline)
	}
}

// An app that cannot be served correctly is rejected at startup.
func TestLoad(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(fstest.MapFS)
		want   string
	}{
		"unchanged": {func(m fstest.MapFS) {}, ""},
		"no page":   {func(m fstest.MapFS) { delete(m, "index.html") }, "index.html"},
		"no nonce": {
			func(m fstest.MapFS) { m["index.html"] = &fstest.MapFile{Data: []byte("__STATIC__ __BASE__")} }, noncePlaceholder,
		},
		"no static prefix": {
			func(m fstest.MapFS) { m["index.html"] = &fstest.MapFile{Data: []byte("__NONCE__ __BASE__")} }, staticPlaceholder,
		},
		"no base path": {
			func(m fstest.MapFS) { m["index.html"] = &fstest.MapFile{Data: []byte("__NONCE__ __STATIC__")} }, basePlaceholder,
		},
		"an unknown type": {func(m fstest.MapFS) { m["static/a.exe"] = &fstest.MapFile{} }, "a.exe"},
		"no files":        {func(m fstest.MapFS) { clear(m); m["index.html"] = sampleFS()["index.html"] }, "static"},
	} {
		dist := sampleFS()
		c.change(dist)
		_, err := load(dist, "")
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q", name, err, c.want)
		}
	}
}

// Below a base path, the page contains it, also in the URLs of its files.
func TestServePage_basePath(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "/lab"} {
		a, err := load(sampleFS(), base)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		a.ServePage(w, httptest.NewRequest("GET", "/", nil))
		for _, want := range []string{`content="` + base + `"`, `src="` + base + "/static/" + a.digest + `/app.js"`} {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("base %q: the page does not contain %s: %s", base, want, w.Body)
			}
		}
	}
}

// Any change of a static file changes the digest. A change of the page does not.
func TestDigest(t *testing.T) {
	t.Parallel()
	first := newApp(t, sampleFS()).digest
	if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(first) || first != newApp(t, sampleFS()).digest {
		t.Fatalf("the digest is %s", first)
	}
	seen := map[string]string{first: "no change"}
	for name, change := range map[string]func(fstest.MapFS){
		"changed byte": func(m fstest.MapFS) { m["static/short.css"].Data = []byte("q{}") },
		"renamed file": func(m fstest.MapFS) {
			m["static/shorter.css"] = m["static/short.css"]
			delete(m, "static/short.css")
		},
		"new file":     func(m fstest.MapFS) { m["static/new.js"] = &fstest.MapFile{} },
		"deleted file": func(m fstest.MapFS) { delete(m, "static/icon.svg") },
		"swapped contents": func(m fstest.MapFS) {
			m["static/short.css"] = &fstest.MapFile{Data: longScript}
			m["static/app.js"] = &fstest.MapFile{Data: []byte("p{}")}
		},
		"one file that looks like two": func(m fstest.MapFS) {
			m["static/new.txt"] = &fstest.MapFile{Data: []byte("newer.txtx")}
		},
		"two new files": func(m fstest.MapFS) {
			m["static/new.txt"], m["static/newer.txt"] = &fstest.MapFile{}, &fstest.MapFile{Data: []byte("x")}
		},
	} {
		dist := sampleFS()
		change(dist)
		digest := newApp(t, dist).digest
		if other, twice := seen[digest]; twice {
			t.Errorf("%s gives the same digest as %s", name, other)
		}
		seen[digest] = name
	}
	dist := sampleFS()
	dist["index.html"].Data = append(dist["index.html"].Data, ' ')
	if newApp(t, dist).digest != first {
		t.Error("a change of the page changes the digest")
	}
}

// Each response has its own nonce, equal in the page and the policy, and no placeholder is left.
func TestServePage(t *testing.T) {
	t.Parallel()
	a := newApp(t, sampleFS())
	seen := map[string]bool{}
	for range 100 {
		w := httptest.NewRecorder()
		a.ServePage(w, httptest.NewRequest(http.MethodGet, "/app/sites/1", nil))
		body, h := w.Body.String(), w.Header()
		nonces := regexp.MustCompile(`nonce="([A-Za-z0-9_-]{22})"`).FindAllStringSubmatch(body, -1)
		if len(nonces) != 2 || nonces[0][1] != nonces[1][1] || seen[nonces[0][1]] ||
			strings.Contains(body, noncePlaceholder) || strings.Contains(body, staticPlaceholder) {
			t.Fatalf("response %d has the nonces %v: %s", len(seen)+1, nonces, body)
		}
		nonce := nonces[0][1]
		seen[nonce] = true
		want := http.Header{
			"Content-Security-Policy": {"default-src 'none'; script-src 'nonce-" + nonce + "' 'strict-dynamic'; " +
				"style-src 'self' 'nonce-" + nonce + "'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
				"manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"},
			"Cross-Origin-Opener-Policy": {"same-origin"}, "Permissions-Policy": {permissionsPolicy},
			"Referrer-Policy": {"same-origin"},
			"Cache-Control":   {"no-store"}, "Content-Type": {"text/html; charset=utf-8"},
			"Content-Length": {fmt.Sprint(len(body))},
		}
		if got := fmt.Sprint(h); got != fmt.Sprint(want) {
			t.Fatalf("got headers\n%s\nwant\n%s", got, want)
		}
		if !strings.Contains(body, `src="`+Prefix+a.digest+`/app.js"`) {
			t.Fatal(body)
		}
	}
}

// Serves each file in each encoding, and again with a conditional request.
func TestServeFile(t *testing.T) {
	t.Parallel()
	a := newApp(t, sampleFS())
	for name, contentType := range map[string]string{
		"app.js": "text/javascript; charset=utf-8", "short.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml",
		"fonts/a.woff2": "font/woff2", "with space.txt": "text/plain; charset=utf-8",
	} {
		body := sampleFS()["static/"+name].Data
		compressible := name == "app.js"
		for _, accept := range []string{"", "gzip"} {
			w, found := a.get(http.MethodGet, a.digest, name, "Accept-Encoding: "+accept)
			h, got := w.Header(), w.Body.Bytes()
			compressed := compressible && accept != ""
			if compressed != (h.Get("Content-Encoding") == "gzip") || compressed && len(got) >= len(body) {
				t.Errorf("%s with Accept-Encoding %q: %v", name, accept, h)
			} else if compressed {
				got = gunzip(t, got)
			}
			if !found || w.Code != http.StatusOK || !bytes.Equal(got, body) || h.Get("Content-Type") != contentType ||
				h.Get("Content-Length") != fmt.Sprint(w.Body.Len()) ||
				h.Get("Cache-Control") != "public, max-age=31536000, immutable" ||
				(h.Get("Vary") == "Accept-Encoding") != compressible {
				t.Errorf("%s with Accept-Encoding %q: %v %d %v %.50s", name, accept, found, w.Code, h, got)
			}
			etag := h.Get("ETag")
			if !regexp.MustCompile(`^"[\w-]+"$`).MatchString(etag) {
				t.Errorf("%s has the ETag %s", name, etag)
			}
			for header, matches := range map[string]bool{
				etag: true, "W/" + etag: true, "*": true, `"x", ` + etag: true,
				`"x"`: false, "": false, strings.Trim(etag, `"`): false, etag[:len(etag)-1]: false,
			} {
				w, found := a.get(http.MethodGet, a.digest, name, "Accept-Encoding: "+accept, "If-None-Match: "+header)
				want := http.StatusOK
				if matches {
					want = http.StatusNotModified
				}
				h := w.Header()
				if !found || w.Code != want || matches && (w.Body.Len() > 0 || h.Get("ETag") != etag ||
					h.Get("Content-Encoding") != "" || h.Get("Cache-Control") == "") {
					t.Errorf("%s with If-None-Match %s: %d %v", name, header, w.Code, h)
				}
			}
		}
	}
	identity, _ := a.get(http.MethodGet, a.digest, "app.js")
	compressed, _ := a.get(http.MethodGet, a.digest, "app.js", "Accept-Encoding: gzip")
	if identity.Header().Get("ETag") == compressed.Header().Get("ETag") {
		t.Error("two encodings have the same strong ETag")
	}
}

func gunzip(t *testing.T, compressed []byte) []byte {
	t.Helper()
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// Only the exact names of this version's files are found. For all others ServeFile writes nothing.
func TestServeFile_notFound(t *testing.T) {
	t.Parallel()
	a := newApp(t, sampleFS())
	for _, c := range [][2]string{
		{a.digest, ""}, {a.digest, "missing.js"}, {a.digest, "../index.html"}, {a.digest, "..\\index.html"},
		{a.digest, "/app.js"}, {a.digest, "./app.js"}, {a.digest, "fonts"}, {a.digest, "fonts/"},
		{a.digest, "fonts/../app.js"}, {a.digest, "app.js\x00"}, {a.digest, "app.js/"}, {a.digest, "app.js.gz"},
		{a.digest, "APP.JS"}, {a.digest, "static/app.js"}, {a.digest, "/etc/passwd"}, {a.digest, "..%2findex.html"},
		{"", "app.js"}, {"0000000000000000", "app.js"}, {a.digest[:15], "app.js"}, {a.digest + "0", "app.js"},
		{strings.ToUpper(a.digest) + "x", "app.js"}, {"..", "index.html"},
	} {
		if w, found := a.get(http.MethodGet, c[0], c[1]); found || w.Body.Len() > 0 || len(w.Header()) > 0 {
			t.Errorf("%q: %v %v", c, found, w.Header())
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{
		"gzip": true, "gzip, deflate, br, zstd": true, "br;q=1.0, GZIP;q=0.8": true, "*": true, "gzip;q=0.001": true,
		" gzip ; Q=1": true, "identity;q=0.5, *;q=0.1": true,
		"": false, "br": false, "gzip;q=0": false, "gzip;q=0, *": false, "*, gzip;q=0.0": false, "*;q=0": false,
		"identity": false, "gzipped": false, "x-gzip": false, "gzip;q=x": false, "gzip;level=9": false,
		"gzip;q=2": false, "gzip;q=-1": false, "gzip;q=NaN": false, "gzip;q=Inf": false,
	} {
		if acceptsGzip(header) != want {
			t.Errorf("%q: %v", header, !want)
		}
	}
}

// Write keeps an older version, and writing the same version again succeeds.
func TestWrite(t *testing.T) {
	t.Parallel()
	a, dir := newApp(t, sampleFS()), filepath.Join(t.TempDir(), "new", "static")
	older := filepath.Join(dir, "0123456789abcdef", "app.js")
	if err := os.MkdirAll(filepath.Dir(older), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(older, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := a.write(dir); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		want := fs.FileMode(0o644)
		if d.IsDir() {
			want = 0o755
		} else {
			got = append(got, strings.TrimPrefix(path, dir+"/"))
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		return err
	})
	want := []string{"0123456789abcdef/app.js"}
	for _, name := range []string{"app.js", "app.js.gz", "fonts/a.woff2", "icon.svg", "short.css", "with space.txt"} {
		want = append(want, a.digest+"/"+name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got files %q, %v, want %q", got, err, want)
	}
	identity, err1 := os.ReadFile(filepath.Join(dir, a.digest, "app.js"))
	compressed, err2 := os.ReadFile(filepath.Join(dir, a.digest, "app.js.gz"))
	if err1 != nil || err2 != nil || !bytes.Equal(identity, longScript) ||
		!bytes.Equal(gunzip(t, compressed), longScript) {
		t.Errorf("app.js and app.js.gz do not contain the script: %v, %v", err1, err2)
	}
	if err := a.write(filepath.Join(older, "below a file")); err == nil {
		t.Error("write below a file does not fail")
	}
}
