//go:build compose

package deploy_test

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
)

const formBoundary = "----------------labledger"

// samplePNG is a PNG of one pixel.
var samplePNG = func() string {
	b, err := base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk" +
		"+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
	if err != nil {
		panic(err)
	}
	return string(b)
}()

// multipartForm returns a form with a file. It does not escape the name.
func multipartForm(name, content string) string {
	return "--" + formBoundary + "\r\n" +
		"Content-Disposition: form-data; name=\"file\"; filename=\"" + name + "\"\r\n" +
		"Content-Type: image/png\r\n\r\n" +
		content + "\r\n--" + formBoundary + "--\r\n"
}

func (p *prodStack) sendFile(t *testing.T, name, content string) response {
	t.Helper()
	headers := p.asAdmin("Content-Type", "multipart/form-data; boundary="+formBoundary)
	return p.send(t, "POST", "/upload", multipartForm(name, content), headers...)
}

// upload uploads a file and returns its URL.
func (p *prodStack) upload(t *testing.T, name, content string) string {
	t.Helper()
	resp := p.sendFile(t, name, content)
	if resp.status != 201 {
		t.Fatalf("uploading %.50q: status %d: %.300s", name, resp.status, resp.body)
	}
	var upload struct{ URL string }
	resp.decode(t, &upload)
	return upload.URL
}

var storedNameRE = regexp.MustCompile(
	`^\./([0-9a-z]{2})/([0-9a-z]{2})[0-9a-z]{24}\.(png|jpg|gif|webp|pdf|txt|zip|gz|bin)$`)

// countStoredFiles checks the names of all files in the media volume and counts the files.
func (p *prodStack) countStoredFiles(t *testing.T) int {
	t.Helper()
	files := strings.Fields(p.runInVolume(t, "media", "find . ! -type d"))
	for _, file := range files {
		if m := storedNameRE.FindStringSubmatch(file); m == nil || m[1] != m[2] {
			t.Errorf("the volume contains a file with the invalid name %q", file)
		}
	}
	return len(files)
}

// testUploads uploads files with malicious names and contents.
func (p *prodStack) testUploads(t *testing.T) {
	before, accepted := p.countStoredFiles(t), 0
	for _, c := range []struct {
		name, content string
		status        int
		storedAs      string // the name in the response, if accepted
	}{
		{"../../x", samplePNG, 201, "x"},
		{"/etc/passwd", samplePNG, 201, "passwd"},
		{`..\\..\\x.png`, samplePNG, 201, "x.png"},
		{`a\"b.png`, samplePNG, 201, `a"b.png`},
		{"a'b;c=d.png", samplePNG, 201, "a'b;c=d.png"},
		{"photo.php.png", samplePNG, 201, "photo.php.png"},
		{".htaccess", samplePNG, 201, ".htaccess"},
		{"Prüfung ✓.png", samplePNG, 201, "Prüfung ✓.png"},
		{"a\r\nX-Evil: 1.png", samplePNG, 400, ""},
		{"a\x00.png", samplePNG, 400, ""},
		{"a\xff.png", samplePNG, 400, ""},
		{"a\u202egnp.exe", samplePNG, 400, ""},
		{strings.Repeat("n", 300) + ".png", samplePNG, 400, ""},
		{".", samplePNG, 400, ""},
		{"..", samplePNG, 400, ""},
		{"", samplePNG, 400, ""},
		{"page.png", "<!DOCTYPE html><script>alert(1)</script>", 415, ""},
		{"page.png", "  \n<sCript>alert(1)</script>", 415, ""},
		{"drawing.svg", `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`, 415, ""},
		{"drawing.png", `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`, 415, ""},
		{"feed.xml", `<?xml version="1.0"?><a/>`, 415, ""},
		{"polyglot.html", "GIF89a/*\x00\x00\x00\x00\x00\x00*/=1;alert(1)", 201, "polyglot.html"},
		{"setup.png", "MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff", 201, "setup.png"},
	} {
		resp := p.sendFile(t, c.name, c.content)
		if resp.status != c.status {
			t.Errorf("%.60q %.20q: status %d, want %d: %.300s", c.name, c.content, resp.status, c.status, resp.body)
		}
		if resp.status != 201 {
			resp.assertProblem(t, resp.status)
			continue
		}
		accepted++
		var upload struct{ Name, URL string }
		if resp.decode(t, &upload); upload.Name != c.storedAs {
			t.Errorf("%q is stored as %q, want %q", c.name, upload.Name, c.storedAs)
		}
		got := p.expect(t, 200, "GET", upload.URL, "")
		contentType := got.header.Get("Content-Type")
		for _, executable := range []string{"html", "svg", "xml"} {
			if strings.Contains(contentType, executable) {
				t.Errorf("%q is served as %s", c.name, contentType)
			}
		}
		if !strings.Contains(got.header.Get("Content-Security-Policy"), "sandbox") ||
			got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%q could execute in a browser: %v", c.name, got.header)
		}
	}
	if now := p.countStoredFiles(t); now != before+accepted {
		t.Errorf("the volume has %d more files, but %d were accepted", now-before, accepted)
	}
}

func (p *prodStack) testUploadSizes(t *testing.T) {
	const maxSize = 20 << 20
	before := p.countStoredFiles(t)
	for _, c := range []struct{ size, status int }{
		{0, 400}, {1, 201}, {maxSize, 201}, {maxSize + 1, 413}, {2 * maxSize, 413},
	} {
		resp := p.sendFile(t, "data.bin", strings.Repeat("\x01", c.size))
		if resp.status != c.status {
			t.Errorf("%d bytes: status %d, want %d: %.300s", c.size, resp.status, c.status, resp.body)
		}
		if resp.status != 201 {
			resp.assertProblem(t, resp.status)
		}
		if c.size == maxSize+1 && !strings.Contains(string(resp.body), "20971520") {
			t.Errorf("the response is not the one of the API with its limit: %s", resp.body)
		}
	}
	if now := p.countStoredFiles(t); now != before+2 {
		t.Errorf("the volume has %d more files, but 2 were accepted", now-before)
	}
}

// testDownloads downloads files through nginx and from both instances.
func (p *prodStack) testDownloads(t *testing.T) {
	text := strings.Repeat("Frosted over since Friday. ", 1000)
	for _, c := range []struct{ name, content, contentType, disposition string }{
		{"photo.png", samplePNG, "image/png", ""},
		{"notes.txt", text, "text/plain; charset=utf-8", ""},
		{"report.pdf", "%PDF-1.7\nnothing", "application/pdf", ""},
		{"data.zip", "PK\x03\x04nothing", "application/zip", "attachment"},
		{"data", "\x01\x02\x03", "application/octet-stream", "attachment"},
	} {
		url := p.upload(t, c.name, c.content)
		resp := p.expect(t, 200, "GET", url, "", "Accept-Encoding", "gzip")
		header := resp.header
		if string(resp.body) != c.content || header.Get("Content-Type") != c.contentType ||
			header.Get("Content-Disposition") != c.disposition {
			t.Errorf("%s: %d of %d bytes, %v", c.name, len(resp.body), len(c.content), header)
		}
		assertSecurityHeaders(t, c.name, header)
		if header.Get("Content-Security-Policy") != "default-src 'none'; sandbox" ||
			!strings.Contains(header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %v", c.name, header)
		}
		for _, instance := range []string{"api-1", "api-2"} {
			got := p.compose(t, "exec", "-T", "proxy", "curl", "-fsS", "http://"+instance+":5000"+url)
			if got != c.content {
				t.Errorf("%s serves %d bytes of %s, want %d", instance, len(got), c.name, len(c.content))
			}
		}
		if c.content != text {
			continue
		}
		partial := p.expect(t, 206, "GET", url, "", "Range", "bytes=8-11")
		if string(partial.body) != "over" {
			t.Errorf("the range contains %q, want over", partial.body)
		}
		assertSecurityHeaders(t, "range", partial.header)
		assertSecurityHeaders(t, "304", p.expect(t, 304, "GET", url, "", "If-None-Match", header.Get("ETag")).header)
		head := p.expect(t, 200, "HEAD", url, "")
		if head.header.Get("Content-Length") != "27000" || len(head.body) != 0 {
			t.Errorf("HEAD: %v", head.header)
		}
		if options := p.expect(t, 204, "OPTIONS", url, ""); options.header.Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("OPTIONS: %v", options.header)
		}
	}
}
