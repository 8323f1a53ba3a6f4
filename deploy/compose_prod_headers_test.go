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

// samplePathValues fill in the variables of paths.
var samplePathValues = strings.NewReplacer(
	"{username}", "Bob", "{code}", "30", "{user_id}", "1", "{offset}", "0", "{limit}", "10", "{folder}", "ab", "{file}", "ab0000000000000000000000ab.png",
	"{id}", "1", "{site_id}", "1", "{freezer_id}", "1", "{computer_id}", "1",
	"{alert_id}", "0198c0de-0000-7000-8000-000000000001", "{event_id}", "0198c0de-0000-7000-8000-000000000001",
	"{uuid}", "0198c0de-0000-7000-8000-000000000001", "{container_uuid}", "0198c0de-0000-7000-8000-000000000001",
)

// getPaths are all that the OpenAPI document has a GET for, and some more.
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
	paths := []string{"/docs", "/docs/redoc.standalone.js", "/api/v1/openapi.json", "/app", "/app/sites", "/nothing/here", "/static/x", "/media/x", "/healthcheck"}
	for path, operations := range document.Paths {
		if operations["get"] != nil {
			if path = samplePathValues.Replace(path); strings.Contains(path, "{") {
				t.Errorf("%s: no sample of this variable", path)
			}
			paths = append(paths, path)
		}
	}
	if len(paths) < 60 {
		t.Fatalf("%d paths only", len(paths))
	}
	return paths
}

func (p *prodStack) testHeaders(t *testing.T) {
	for _, path := range p.getPaths(t) {
		for _, headers := range [][]string{nil, p.asAdmin()} {
			r, err := http.NewRequest("GET", p.url(path), nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(headers); i += 2 {
				r.Header.Set(headers[i], headers[i+1])
			}
			response, err := composeClient.Do(r)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			_ = response.Body.Close() // the stream would not end
			if response.StatusCode >= 500 || response.StatusCode == 401 && headers != nil && path != "/account" && path != "/auth/token" && path != "/api/v1/tokens" {
				t.Errorf("%s: %d", path, response.StatusCode)
			}
			assertSecurityHeaders(t, path, response.Header)
		}
	}
}

// assertSecurityHeaders checks the headers that every answer has once.
func assertSecurityHeaders(t *testing.T, what string, h http.Header) {
	t.Helper()
	if got := h.Values("X-Content-Type-Options"); len(got) != 1 || got[0] != "nosniff" {
		t.Errorf("%s: X-Content-Type-Options %q", what, got)
	}
	if got := h.Values("X-Request-Id"); len(got) != 1 || got[0] == "" {
		t.Errorf("%s: X-Request-Id %q", what, got)
	}
	for _, name := range []string{"Content-Security-Policy", "Cross-Origin-Resource-Policy", "Referrer-Policy"} {
		if got := h.Values(name); len(got) != 1 || got[0] == "" {
			t.Errorf("%s: %s %q", what, name, got)
		}
	}
	if server := h.Get("Server"); strings.ContainsAny(server, "0123456789/") {
		t.Errorf("%s: the server tells its version: %s", what, server)
	}
	if got := h.Values("Strict-Transport-Security"); len(got) != 0 {
		t.Errorf("%s: HSTS without TLS: %q", what, got)
	}
}

// assertNginxProblem checks an answer that nginx made itself: it looks as if the API had made it.
func (resp response) assertNginxProblem(t *testing.T, what string, status int) {
	t.Helper()
	resp.assertProblem(t, status)
	assertSecurityHeaders(t, what, resp.header)
	if again := status == 429 || status >= 502 && status <= 504; again != (resp.header.Get("Retry-After") != "") {
		t.Errorf("%s: %d with Retry-After %q", what, status, resp.header.Get("Retry-After"))
	}
}

// testNginxErrors has the answers that nginx makes without the API; 429 is in testLimits.
func (p *prodStack) testNginxErrors(t *testing.T) {
	const headers = " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Request-Id: mine-1\r\n"
	file := p.upload(t, "photo.png", samplePNG)
	tooLong := strings.Repeat("a", 40000)
	for _, c := range []struct {
		what, request string
		status        int
		id            bool // the client's request id is kept: it was read by then
	}{
		{"no HTTP", "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", 400, false},
		{"a header without a colon", "GET / HTTP/1.1\r\nHost: a\r\nno header\r\n\r\n", 400, false},
		{"a byte 0", "GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", 400, false},
		{"two lengths", "POST /site/1" + headers + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400, true},
		{"nothing there", "GET /media/x" + headers + "\r\n", 404, true},
		{"a quote", `GET /media/"x` + headers + "\r\n", 404, true},
		{"a backslash", `GET /media/\x\"` + headers + "\r\n", 404, true},
		{"not ASCII", "GET /media/ä\xff" + headers + "\r\n", 404, true},
		{"encoded", "GET /media/%22%5c%00x" + headers + "\r\n", 400, false},
		{"encoded quotes", "GET /media/%22%5cx?a=%22" + headers + "\r\n", 404, true},
		{"DELETE of a file", "DELETE " + file + headers + "\r\n", 405, true},
		{"POST to a file", "POST " + file + headers + "Content-Length: 2\r\n\r\n{}", 405, true},
		{"TRACE", "TRACE /" + headers + "\r\n", 405, true},
		{"a large body", "POST /site/1" + headers + "Content-Length: 5000000\r\n\r\n", 413, true},
		{"a long path", "GET /" + tooLong + headers + "\r\n", 414, false},
		{"long headers", "GET /" + headers + "X-Long: " + tooLong + "\r\n\r\n", 431, true},
		{"a range beyond the end", "GET " + file + headers + "Range: bytes=999999-\r\n\r\n", 416, true},
		{"another version", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, false},
		{"an encoding of the body", "POST /site/1" + headers + "Transfer-Encoding: cunning\r\n\r\n", 501, true},
	} {
		resp := p.sendRaw(t, c.request)
		resp.assertNginxProblem(t, c.what, c.status)
		if c.id && resp.header.Get("X-Request-Id") != "mine-1" {
			t.Errorf("%s: the request id is %q", c.what, resp.header.Get("X-Request-Id"))
		}
	}
	badIDResp := p.sendRaw(t, "GET /media/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Request-Id: \"} ä\r\n\r\n")
	if badIDResp.assertNginxProblem(t, "an ill-formed id", 404); len(badIDResp.header.Get("X-Request-Id")) != 32 {
		t.Errorf("an ill-formed request id came back: %q", badIDResp.header.Get("X-Request-Id"))
	}
	if resp := p.expect(t, 405, "DELETE", file, ""); resp.header.Get("Allow") == "" {
		t.Error("405 without Allow")
	}

	p.compose(t, "stop", "api-1", "api-2")
	defer p.compose(t, "up", "-d", "--no-deps", "--wait", "api-1", "api-2")
	waitUntil(t, "502 without any API", 30*time.Second, func() bool {
		resp := p.send(t, "GET", "/site/1", "", "X-Request-Id", "mine-2")
		if resp.assertNginxProblem(t, "no API", resp.status); resp.status != 502 && resp.status != 504 || resp.header.Get("X-Request-Id") != "mine-2" {
			t.Errorf("without any API: %d %v", resp.status, resp.header)
		}
		return resp.status == 502
	})
	longResp := p.sendRaw(t, "POST /api/v1/sites"+headers+"Content-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") // which has a location of its own
	if longResp.assertNginxProblem(t, "no API for a table", longResp.status); longResp.status != 502 && longResp.status != 504 {
		t.Errorf("a table without any API: %d", longResp.status)
	}
}
