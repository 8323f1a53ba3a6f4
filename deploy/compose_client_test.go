//go:build compose

package deploy_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A response is an HTTP response with its whole body.
type response struct {
	status int
	header http.Header
	body   []byte
}

// composeClient follows no redirects, requests no compression and reuses no connection, since tests replace containers.
var composeClient = &http.Client{
	Timeout:       time.Minute,
	Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (s *composeStack) url(path string) string { return "http://127.0.0.1:" + s.port + path }

// trySend sends a request. The headers alternate between names and values.
func (s *composeStack) trySend(method, path, body string, headers ...string) (response, error) {
	request, err := http.NewRequest(method, s.url(path), strings.NewReader(body))
	if err != nil {
		return response{}, err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return roundTrip(composeClient, request)
}

// roundTrip sends a request and reads the whole response.
func roundTrip(client *http.Client, request *http.Request) (response, error) {
	resp, err := client.Do(request)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return response{resp.StatusCode, resp.Header, body}, err
}

// send sends a request and fails the test if there is no response.
func (s *composeStack) send(t *testing.T, method, path, body string, headers ...string) response {
	t.Helper()
	resp, err := s.trySend(method, path, body, headers...)
	if err != nil {
		t.Fatalf("%s %.200s: %v", method, path, err)
	}
	return resp
}

// expect sends a request and fails the test if the response has another status.
func (s *composeStack) expect(t *testing.T, status int, method, path, body string, headers ...string) response {
	t.Helper()
	resp := s.send(t, method, path, body, headers...)
	if resp.status != status {
		t.Fatalf("%s %.200s: status %d, want %d: %.500s", method, path, resp.status, status, resp.body)
	}
	return resp
}

// decode decodes the JSON body into v.
func (resp response) decode(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(resp.body, v); err != nil {
		t.Fatalf("invalid JSON: %v: %.300q", err, resp.body)
	}
}

// sendRaw sends a request byte for byte and reads one response. It returns an error if the server sends none.
func sendRaw(address, request string) (response, error) {
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return response{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(15 * time.Second)); err != nil {
		return response{}, err
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return response{}, err
	}
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return response{resp.StatusCode, resp.Header, body}, err
}

func (s *composeStack) sendRaw(t *testing.T, request string) response {
	t.Helper()
	resp, err := sendRaw("127.0.0.1:"+s.port, request)
	if err != nil {
		t.Fatalf("%.100q: %v", request, err)
	}
	return resp
}

// problemMembers are the members of every problem.
var problemMembers = []string{"type", "title", "status", "detail", "instance", "request_id"}

// assertProblem checks that the response is a problem of RFC 9457.
func (resp response) assertProblem(t *testing.T, status int) {
	t.Helper()
	if resp.status != status || resp.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("status %d, %s; want a problem with status %d: %.300s",
			resp.status, resp.header.Get("Content-Type"), status, resp.body)
		return
	}
	var members map[string]any
	d := json.NewDecoder(bytes.NewReader(resp.body))
	if err := d.Decode(&members); err != nil || d.More() {
		t.Errorf("status %d: invalid JSON: %v: %q", status, err, resp.body)
		return
	}
	for _, name := range problemMembers {
		if members[name] == nil || members[name] == "" {
			t.Errorf("status %d: %s is missing: %s", status, name, resp.body)
		}
	}
	if kind, _ := members["type"].(string); !strings.HasPrefix(kind, "/problems/") {
		t.Errorf("status %d: the type has no page: %s", status, resp.body)
	}
	if members["status"] != float64(status) || members["request_id"] != resp.header.Get("X-Request-Id") {
		t.Errorf("status %d: the body differs from the header: %s %v", status, resp.body, resp.header)
	}
}
