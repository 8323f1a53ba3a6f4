//go:build compose

package deploy_test

import (
	"regexp"
	"strings"
	"testing"
)

var appFile = regexp.MustCompile(`"((/static/[0-9a-f]{16})/[^"]+\.(?:js|css))"`)

// appFiles are the files that the app's page names, and the folder that all of them are in.
func (p *production) appFiles(t *testing.T) (folder string, files []string) {
	t.Helper()
	page := p.want(t, 200, "GET", "/app/", "", "Accept", "text/html")
	for _, m := range appFile.FindAllStringSubmatch(string(page.body), -1) {
		folder, files = m[2], append(files, m[1])
	}
	if len(files) == 0 {
		t.Fatalf("the page of the app names no file: %s", page.body)
	}
	return folder, files
}

// testStatic: nginx has the files of the app, packed, and they are those of the API.
func (p *production) testStatic(t *testing.T) {
	folder, files := p.appFiles(t)
	for _, file := range files {
		packed := p.want(t, 200, "GET", file, "", "Accept-Encoding", "gzip")
		secured(t, file, packed.header)
		text := gunzip(t, packed)
		if plain := p.want(t, 200, "GET", file, ""); string(plain.body) != text || plain.header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d bytes, %d when packed, %v", file, len(plain.body), len(text), plain.header)
		}
		if own := p.compose(t, "exec", "-T", "proxy", "cat", "/usr/share/nginx"+file); own != text {
			t.Errorf("%s is not what nginx has", file)
		}
		if api := p.compose(t, "exec", "-T", "proxy", "curl", "-fsS", "http://api-1:5000"+file); api != text {
			t.Errorf("%s is not what the API has", file)
		}
	}
	for _, path := range []string{folder + "/nothing.js", folder + "/", "/static/0123456789abcdef/app.js"} {
		a := p.want(t, 404, "GET", path, "")
		secured(t, path, a.header)
		if strings.Contains(a.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: that it is missing is kept for a year", path)
		}
	}
}
