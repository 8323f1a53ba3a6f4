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

var longScript = []byte("export const text = '" + strings.Repeat("the same again ", 100) + "'\n")

// sampleFS is an app with files of each kind.
func sampleFS() fstest.MapFS {
	return fstest.MapFS{
		"index.html":            {Data: []byte(`<meta property="csp-nonce" nonce="__NONCE__"><script type="module" src="__STATIC__/app.js" nonce="__NONCE__"></script>`)},
		"static/app.js":         {Data: longScript},
		"static/short.css":      {Data: []byte("p{}")},
		"static/icon.svg":       {Data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)},
		"static/fonts/a.woff2":  {Data: []byte("wOF2")},
		"static/with space.txt": {Data: []byte("a")},
	}
}

func newApp(t *testing.T, dist fs.FS) *App {
	t.Helper()
	a, err := load(dist)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// get asks for a static file of the sample.
func (a *App) get(method, digest, name string, headers ...string) (w *httptest.ResponseRecorder, found bool) {
	r := httptest.NewRequest(method, "/", nil)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	w = httptest.NewRecorder()
	return w, a.ServeFile(w, r, digest, name)
}

// TestDistFS holds what the build must leave in dist, since that is what the binary embeds.
func TestDistFS(t *testing.T) {
	dist, err := fs.Sub(distFS, "dist")
	if err != nil {
		t.Fatal(err)
	}
	a := newApp(t, dist)
	err = fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if !d.IsDir() && name != "index.html" && !strings.HasPrefix(name, "static/") {
			t.Errorf("dist/%s is served nowhere; the page's files belong in dist/static", name)
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
		name, ours := strings.CutPrefix(link[1], Prefix+a.digest+"/")
		if _, there := a.files[name]; !ours || !there {
			t.Errorf("the page links to %s, which there is not", link[1])
		}
	}
	for _, tag := range regexp.MustCompile(`<(?:script|style|link rel="(?:modulepreload|stylesheet)")[^>]*>`).FindAllString(a.page, -1) {
		if !strings.Contains(tag, `nonce="`+noncePlaceholder+`"`) {
			t.Errorf("the page's policy forbids %s: it has no nonce", tag)
		}
	}
	if inline := regexp.MustCompile(`\s(on\w+|style)=`).FindString(a.page); inline != "" {
		t.Errorf("the page's policy forbids%s", inline)
	}
}

// TestLoad: what cannot be served well is refused at once.
func TestLoad(t *testing.T) {
	for what, c := range map[string]struct {
		change func(fstest.MapFS)
		want   string
	}{
		"nothing":           {func(m fstest.MapFS) {}, ""},
		"no page":           {func(m fstest.MapFS) { delete(m, "index.html") }, "index.html"},
		"no nonce":          {func(m fstest.MapFS) { m["index.html"] = &fstest.MapFile{Data: []byte("__STATIC__")} }, noncePlaceholder},
		"no files' address": {func(m fstest.MapFS) { m["index.html"] = &fstest.MapFile{Data: []byte("__NONCE__")} }, staticPlaceholder},
		"an unknown type":   {func(m fstest.MapFS) { m["static/a.exe"] = &fstest.MapFile{} }, "a.exe"},
		"no files":          {func(m fstest.MapFS) { clear(m); m["index.html"] = sampleFS()["index.html"] }, "static"},
	} {
		dist := sampleFS()
		c.change(dist)
		_, err := load(dist)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestDigest: any change of any file leads to other addresses; the page itself does not.
func TestDigest(t *testing.T) {
	first := newApp(t, sampleFS()).digest
	if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(first) || first != newApp(t, sampleFS()).digest {
		t.Fatalf("the digest is %s", first)
	}
	seen := map[string]string{first: "nothing"}
	for what, change := range map[string]func(fstest.MapFS){
		"a byte":      func(m fstest.MapFS) { m["static/short.css"].Data = []byte("q{}") },
		"a name":      func(m fstest.MapFS) { m["static/shorter.css"] = m["static/short.css"]; delete(m, "static/short.css") },
		"a new file":  func(m fstest.MapFS) { m["static/new.js"] = &fstest.MapFile{} },
		"a lost file": func(m fstest.MapFS) { delete(m, "static/icon.svg") },
		"a swap": func(m fstest.MapFS) {
			m["static/short.css"], m["static/app.js"] = &fstest.MapFile{Data: longScript}, &fstest.MapFile{Data: []byte("p{}")}
		},
		"a file that says it is two": func(m fstest.MapFS) { m["static/new.txt"] = &fstest.MapFile{Data: []byte("newer.txtx")} },
		"two files": func(m fstest.MapFS) {
			m["static/new.txt"], m["static/newer.txt"] = &fstest.MapFile{}, &fstest.MapFile{Data: []byte("x")}
		},
	} {
		dist := sampleFS()
		change(dist)
		digest := newApp(t, dist).digest
		if other, twice := seen[digest]; twice {
			t.Errorf("%s leads to the same address as %s", what, other)
		}
		seen[digest] = what
	}
	dist := sampleFS()
	dist["index.html"].Data = append(dist["index.html"].Data, ' ')
	if newApp(t, dist).digest != first {
		t.Error("the page is no part of the files")
	}
}

// TestServePage: each answer has a nonce of its own, the same in page and policy, and no mark is left.
func TestServePage(t *testing.T) {
	a := newApp(t, sampleFS())
	seen := map[string]bool{}
	for range 100 {
		w := httptest.NewRecorder()
		a.ServePage(w, httptest.NewRequest(http.MethodGet, "/app/sites/1", nil))
		body, h := w.Body.String(), w.Header()
		found := regexp.MustCompile(`nonce="([A-Za-z0-9_-]{22})"`).FindAllStringSubmatch(body, -1)
		if len(found) != 2 || found[0][1] != found[1][1] || seen[found[0][1]] || strings.Contains(body, noncePlaceholder) || strings.Contains(body, staticPlaceholder) {
			t.Fatalf("%v after %d others: %s", found, len(seen), body)
		}
		nonce := found[0][1]
		seen[nonce] = true
		want := http.Header{
			"Content-Security-Policy": {"default-src 'none'; script-src 'nonce-" + nonce + "' 'strict-dynamic'; style-src 'self' 'nonce-" + nonce + "'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
				"manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"},
			"Cross-Origin-Opener-Policy": {"same-origin"}, "Permissions-Policy": {permissionsPolicy}, "Referrer-Policy": {"same-origin"},
			"Cache-Control": {"no-store"}, "Content-Type": {"text/html; charset=utf-8"}, "Content-Length": {fmt.Sprint(len(body))},
		}
		if got := fmt.Sprint(h); got != fmt.Sprint(want) {
			t.Fatalf("%s\nis not\n%s", got, want)
		}
		if !strings.Contains(body, `src="`+Prefix+a.digest+`/app.js"`) {
			t.Fatal(body)
		}
	}
}

// TestServeFile holds each form of each file: as it is, packed, and known already.
func TestServeFile(t *testing.T) {
	a := newApp(t, sampleFS())
	for name, kind := range map[string]string{
		"app.js": "text/javascript; charset=utf-8", "short.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml", "fonts/a.woff2": "font/woff2", "with space.txt": "text/plain; charset=utf-8",
	} {
		body := sampleFS()["static/"+name].Data
		packs := name == "app.js"
		for _, accept := range []string{"", "gzip"} {
			w, found := a.get(http.MethodGet, a.digest, name, "Accept-Encoding: "+accept)
			h, got := w.Header(), w.Body.Bytes()
			if packed := packs && accept != ""; packed != (h.Get("Content-Encoding") == "gzip") || packed && len(got) >= len(body) {
				t.Errorf("%s as %q: %v", name, accept, h)
			} else if packed {
				got = gunzip(t, got)
			}
			if !found || w.Code != http.StatusOK || !bytes.Equal(got, body) || h.Get("Content-Type") != kind || h.Get("Content-Length") != fmt.Sprint(w.Body.Len()) ||
				h.Get("Cache-Control") != "public, max-age=31536000, immutable" || (h.Get("Vary") == "Accept-Encoding") != packs {
				t.Errorf("%s as %q: %v %d %v %.50s", name, accept, found, w.Code, h, got)
			}
			etag := h.Get("ETag")
			if !regexp.MustCompile(`^"[\w-]+"$`).MatchString(etag) {
				t.Errorf("%s has the tag %s", name, etag)
			}
			for header, known := range map[string]bool{
				etag: true, "W/" + etag: true, "*": true, `"x", ` + etag: true, `"x"`: false, "": false, strings.Trim(etag, `"`): false, etag[:len(etag)-1]: false,
			} {
				w, found := a.get(http.MethodGet, a.digest, name, "Accept-Encoding: "+accept, "If-None-Match: "+header)
				want := http.StatusOK
				if known {
					want = http.StatusNotModified
				}
				if !found || w.Code != want || known && (w.Body.Len() > 0 || w.Header().Get("ETag") != etag || w.Header().Get("Content-Encoding") != "" || w.Header().Get("Cache-Control") == "") {
					t.Errorf("%s, known as %s: %d %v", name, header, w.Code, w.Header())
				}
			}
		}
	}
	plain, _ := a.get(http.MethodGet, a.digest, "app.js")
	packed, _ := a.get(http.MethodGet, a.digest, "app.js", "Accept-Encoding: gzip")
	if plain.Header().Get("ETag") == packed.Header().Get("ETag") {
		t.Error("two forms have the same strong tag")
	}
}

func gunzip(t *testing.T, packed []byte) []byte {
	t.Helper()
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestServeFile_notFound: nothing but the files of this version, by their names, and nothing is written about what there is not.
func TestServeFile_notFound(t *testing.T) {
	a := newApp(t, sampleFS())
	for _, c := range [][2]string{
		{a.digest, ""}, {a.digest, "missing.js"}, {a.digest, "../index.html"}, {a.digest, "..\\index.html"}, {a.digest, "/app.js"}, {a.digest, "./app.js"}, {a.digest, "fonts"}, {a.digest, "fonts/"},
		{a.digest, "fonts/../app.js"}, {a.digest, "app.js\x00"}, {a.digest, "app.js/"}, {a.digest, "app.js.gz"}, {a.digest, "APP.JS"}, {a.digest, "static/app.js"}, {a.digest, "/etc/passwd"}, {a.digest, "..%2findex.html"},
		{"", "app.js"}, {"0000000000000000", "app.js"}, {a.digest[:15], "app.js"}, {a.digest + "0", "app.js"}, {strings.ToUpper(a.digest) + "x", "app.js"}, {"..", "index.html"},
	} {
		if w, found := a.get(http.MethodGet, c[0], c[1]); found || w.Body.Len() > 0 || len(w.Header()) > 0 {
			t.Errorf("%q: %v %v", c, found, w.Header())
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"gzip": true, "gzip, deflate, br, zstd": true, "br;q=1.0, GZIP;q=0.8": true, "*": true, "gzip;q=0.001": true, " gzip ; Q=1": true, "identity;q=0.5, *;q=0.1": true,
		"": false, "br": false, "gzip;q=0": false, "gzip;q=0, *": false, "*, gzip;q=0.0": false, "*;q=0": false, "identity": false, "gzipped": false, "x-gzip": false, "gzip;q=x": false, "gzip;level=9": false, "gzip;q=2": false, "gzip;q=-1": false, "gzip;q=NaN": false, "gzip;q=Inf": false,
	} {
		if acceptsGzip(header) != want {
			t.Errorf("%q: %v", header, !want)
		}
	}
}

// TestWrite writes what a web server gives out, beside an older version, and again.
func TestWrite(t *testing.T) {
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
		t.Errorf("%v: %q, not %q", err, got, want)
	}
	plain, err1 := os.ReadFile(filepath.Join(dir, a.digest, "app.js"))
	packed, err2 := os.ReadFile(filepath.Join(dir, a.digest, "app.js.gz"))
	if err1 != nil || err2 != nil || !bytes.Equal(plain, longScript) || !bytes.Equal(gunzip(t, packed), longScript) {
		t.Errorf("%v, %v", err1, err2)
	}
	if err := a.write(filepath.Join(older, "below a file")); err == nil {
		t.Error("written below a file")
	}
}
