//go:build compose

package deploy_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// samplePathValues replaces the variables of paths by sample values.
var samplePathValues = strings.NewReplacer(
	"{username}", "Bob", "{code}", "30", "{user_id}", "1", "{offset}", "0", "{limit}", "10",
	"{folder}", "ab", "{file}", "ab0000000000000000000000ab.png",
	"{id}", "1", "{site_id}", "1", "{freezer_id}", "1", "{computer_id}", "1",
	"{alert_id}", "0198c0de-0000-7000-8000-000000000001", "{event_id}", "0198c0de-0000-7000-8000-000000000001",
	"{uuid}", "0198c0de-0000-7000-8000-000000000001", "{container_uuid}", "0198c0de-0000-7000-8000-000000000001",
)

// getPaths returns a sample of every path with a GET in the OpenAPI document, and some more.
func (p *prodStack) getPaths(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "api", "openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	var document struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	paths := []string{
		"/docs", "/docs/redoc.standalone.js", "/api/v1/openapi.json", "/app", "/app/sites", "/nothing/here",
		"/static/x", "/media/x", "/healthcheck",
	}
	for path, operations := range document.Paths {
		if operations["get"] != nil {
			if path = samplePathValues.Replace(path); strings.Contains(path, "{") {
				t.Errorf("%s: samplePathValues lacks a variable", path)
			}
			paths = append(paths, path)
		}
	}
	if len(paths) < 60 {
		t.Fatalf("only %d paths", len(paths))
	}
	return paths
}

func (p *prodStack) testHeaders(t *testing.T) {
	needsSession := map[string]bool{"/account": true, "/auth/token": true, "/api/v1/tokens": true} // rejects API tokens
	for _, path := range p.getPaths(t) {
		for _, headers := range [][]string{nil, p.asAdmin()} {
			request, err := http.NewRequest("GET", p.url(path), nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(headers); i += 2 {
				request.Header.Set(headers[i], headers[i+1])
			}
			resp, err := composeClient.Do(request)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			_ = resp.Body.Close() // unread, since the stream does not end
			if resp.StatusCode >= 500 || resp.StatusCode == 401 && headers != nil && !needsSession[path] {
				t.Errorf("%s: status %d", path, resp.StatusCode)
			}
			assertSecurityHeaders(t, path, resp.Header)
		}
	}
}

// assertSecurityHeaders checks the headers that every response has exactly once.
func assertSecurityHeaders(t *testing.T, label string, header http.Header) {
	t.Helper()
	if got := header.Values("X-Content-Type-Options"); len(got) != 1 || got[0] != "nosniff" {
		t.Errorf("%s: X-Content-Type-Options %q", label, got)
	}
	if got := header.Values("X-Request-Id"); len(got) != 1 || got[0] == "" {
		t.Errorf("%s: X-Request-Id %q", label, got)
	}
	for _, name := range []string{"Content-Security-Policy", "Cross-Origin-Resource-Policy", "Referrer-Policy"} {
		if got := header.Values(name); len(got) != 1 || got[0] == "" {
			t.Errorf("%s: %s %q", label, name, got)
		}
	}
	if server := header.Get("Server"); strings.ContainsAny(server, "0123456789/") {
		t.Errorf("%s: the Server header contains a version: %s", label, server)
	}
	if got := header.Values("Strict-Transport-Security"); len(got) != 0 {
		t.Errorf("%s: HSTS without TLS: %q", label, got)
	}
}

// assertNginxProblem checks an error response of nginx itself, which has the format of the API's.
func (resp response) assertNginxProblem(t *testing.T, label string, status int) {
	t.Helper()
	resp.assertProblem(t, status)
	assertSecurityHeaders(t, label, resp.header)
	wantRetry := status == 429 || status >= 502 && status <= 504
	if wantRetry != (resp.header.Get("Retry-After") != "") {
		t.Errorf("%s: status %d with Retry-After %q", label, status, resp.header.Get("Retry-After"))
	}
}

// testNginxErrors checks the error responses of nginx itself, except 429 (see testLimits) and those with a stopped API.
func (p *prodStack) testNginxErrors(t *testing.T) {
	const headers = " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Request-Id: mine-1\r\n"
	file := p.upload(t, "photo.png", samplePNG)
	const post = "POST /site/1" + headers
	tooLong := strings.Repeat("a", 40000)
	for _, c := range []struct {
		name, request  string
		status         int
		keepsRequestID bool // nginx reads X-Request-Id before the error
	}{
		{"invalid Host", "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", 400, false},
		{"header without a colon", "GET / HTTP/1.1\r\nHost: a\r\nno header\r\n\r\n", 400, false},
		{"null byte", "GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", 400, false},
		{"two body lengths", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400, true},
		{"unknown file", "GET /media/x" + headers + "\r\n", 404, true},
		{"quote in path", `GET /media/"x` + headers + "\r\n", 404, true},
		{"backslash in path", `GET /media/\x\"` + headers + "\r\n", 404, true},
		{"non-ASCII path", "GET /media/ä\xff" + headers + "\r\n", 404, true},
		{"encoded null byte", "GET /media/%22%5c%00x" + headers + "\r\n", 400, false},
		{"encoded quotes", "GET /media/%22%5cx?a=%22" + headers + "\r\n", 404, true},
		{"DELETE of a file", "DELETE " + file + headers + "\r\n", 405, true},
		{"POST to a file", "POST " + file + headers + "Content-Length: 2\r\n\r\n{}", 405, true},
		{"TRACE", "TRACE /" + headers + "\r\n", 405, true},
		{"large body", post + "Content-Length: 5000000\r\n\r\n", 413, true},
		{"long path", "GET /" + tooLong + headers + "\r\n", 414, false},
		{"long headers", "GET /" + headers + "X-Long: " + tooLong + "\r\n\r\n", 431, true},
		{"range beyond the end", "GET " + file + headers + "Range: bytes=999999-\r\n\r\n", 416, true},
		{"unknown HTTP version", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, false},
		{"unknown transfer encoding", post + "Transfer-Encoding: cunning\r\n\r\n", 501, true},
	} {
		resp := p.sendRaw(t, c.request)
		resp.assertNginxProblem(t, c.name, c.status)
		if c.keepsRequestID && resp.header.Get("X-Request-Id") != "mine-1" {
			t.Errorf("%s: request ID %q, want mine-1", c.name, resp.header.Get("X-Request-Id"))
		}
	}
	badIDResp := p.sendRaw(t, "GET /media/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Request-Id: \"} ä\r\n\r\n")
	if badIDResp.assertNginxProblem(t, "invalid request ID", 404); len(badIDResp.header.Get("X-Request-Id")) != 32 {
		t.Errorf("nginx did not replace an invalid request ID: %q", badIDResp.header.Get("X-Request-Id"))
	}
	if resp := p.expect(t, 405, "DELETE", file, ""); resp.header.Get("Allow") == "" {
		t.Error("the 405 response has no Allow header")
	}
}

// testStoppedAPI checks the error responses of nginx while both instances are stopped.
func (p *prodStack) testStoppedAPI(t *testing.T) {
	p.compose(t, "stop", "api-1", "api-2")
	defer p.compose(t, "up", "-d", "--no-deps", "--wait", "api-1", "api-2")
	waitUntil(t, "502 while both instances are stopped", 30*time.Second, func() bool {
		resp := p.send(t, "GET", "/site/1", "", "X-Request-Id", "mine-2")
		resp.assertNginxProblem(t, "stopped API", resp.status)
		if resp.status != 502 && resp.status != 504 || resp.header.Get("X-Request-Id") != "mine-2" {
			t.Errorf("stopped API: status %d, %v", resp.status, resp.header)
		}
		return resp.status == 502
	})
	// nginx handles an import in another location.
	importResp := p.sendRaw(t, "POST /api/v1/sites HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"+
		"X-Request-Id: mine-1\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	importResp.assertNginxProblem(t, "import with a stopped API", importResp.status)
	if importResp.status != 502 && importResp.status != 504 {
		t.Errorf("import with a stopped API: status %d", importResp.status)
	}
}
