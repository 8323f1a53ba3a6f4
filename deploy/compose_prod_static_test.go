//go:build compose

package deploy_test

import (
	"regexp"
	"strings"
	"testing"
)

// smallFile is a size in bytes. Smaller files need not be compressed: that may make them larger.
const smallFile = 500

var appFileRE = regexp.MustCompile(`"((/static/[0-9a-f]{16})/[^"]+\.(?:js|css))"`)

// appFiles returns the scripts and style sheets of the app's page, and their directory.
func (p *prodStack) appFiles(t *testing.T) (dir string, files []string) {
	t.Helper()
	page := p.expect(t, 200, "GET", "/app/", "", "Accept", "text/html")
	for _, m := range appFileRE.FindAllStringSubmatch(string(page.body), -1) {
		dir, files = m[2], append(files, m[1])
	}
	if len(files) == 0 {
		t.Fatalf("the page of the app refers to no file: %s", page.body)
	}
	return dir, files
}

// testStatic checks that nginx serves the files of the app compressed, and that they equal those of the API.
func (p *prodStack) testStatic(t *testing.T) {
	dir, files := p.appFiles(t)
	for _, file := range files {
		compressed := p.expect(t, 200, "GET", file, "", "Accept-Encoding", "gzip")
		assertSecurityHeaders(t, file, compressed.header)
		text := string(compressed.body)
		if len(text) >= smallFile || compressed.header.Get("Content-Encoding") != "" {
			text = gunzip(t, compressed)
		}
		plain := p.expect(t, 200, "GET", file, "")
		if string(plain.body) != text || plain.header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d bytes, %d decompressed, %v", file, len(plain.body), len(text), plain.header)
		}
		if inProxy := p.compose(t, "exec", "-T", "proxy", "cat", "/usr/share/nginx"+file); inProxy != text {
			t.Errorf("%s differs from the file in the proxy", file)
		}
		if inAPI := p.compose(t, "exec", "-T", "proxy", "curl", "-fsS", "http://api-1:5000"+file); inAPI != text {
			t.Errorf("%s differs from the file of the API", file)
		}
	}
	for _, path := range []string{dir + "/nothing.js", dir + "/", "/static/0123456789abcdef/app.js"} {
		resp := p.expect(t, 404, "GET", path, "")
		assertSecurityHeaders(t, path, resp.header)
		if strings.Contains(resp.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: caches may store the 404 response for a year", path)
		}
	}
}
