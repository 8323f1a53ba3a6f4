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

// This file speaks HTTP with a stack.

// An response is what came back, read to its end.
type response struct {
	status int
	header http.Header
	body   []byte
}

// composeClient follows no redirects, asks for no compression by itself, and keeps no connection, since containers come and go.
var composeClient = &http.Client{
	Timeout:       time.Minute,
	Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (s *composeStack) url(path string) string { return "http://127.0.0.1:" + s.port + path }

// trySend sends a request; headers are names and values in turn.
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

func roundTrip(client *http.Client, request *http.Request) (response, error) {
	resp, err := client.Do(request)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return response{resp.StatusCode, resp.Header, body}, err
}

// send does so and must get an answer.
func (s *composeStack) send(t *testing.T, method, path, body string, headers ...string) response {
	t.Helper()
	resp, err := s.trySend(method, path, body, headers...)
	if err != nil {
		t.Fatalf("%s %.200s: %v", method, path, err)
	}
	return resp
}

// expect does so and must get this status.
func (s *composeStack) expect(t *testing.T, status int, method, path, body string, headers ...string) response {
	t.Helper()
	resp := s.send(t, method, path, body, headers...)
	if resp.status != status {
		t.Fatalf("%s %.200s: %d instead of %d: %.500s", method, path, resp.status, status, resp.body)
	}
	return resp
}

// reads an answer's JSON into v.
func (a response) decode(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("no JSON: %v: %.300q", err, a.body)
	}
}

// sendRaw sends bytes as they are and reads one answer. A server that closes the connection without one is an error.
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

// problemMembers are those that every problem has.
var problemMembers = []string{"type", "title", "status", "detail", "instance", "request_id"}

// assertProblem holds an answer against RFC 9457.
func (a response) assertProblem(t *testing.T, status int) {
	t.Helper()
	if a.status != status || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %s instead of a problem of status %d: %.300s", a.status, a.header.Get("Content-Type"), status, a.body)
		return
	}
	var members map[string]any
	d := json.NewDecoder(bytes.NewReader(a.body))
	if err := d.Decode(&members); err != nil || d.More() {
		t.Errorf("status %d: no JSON: %v: %q", status, err, a.body)
		return
	}
	for _, name := range problemMembers {
		if members[name] == nil || members[name] == "" {
			t.Errorf("status %d: no %s: %s", status, name, a.body)
		}
	}
	if members["status"] != float64(status) || members["request_id"] != a.header.Get("X-Request-Id") {
		t.Errorf("status %d: the body says otherwise than the header: %s %v", status, a.body, a.header)
	}
}
