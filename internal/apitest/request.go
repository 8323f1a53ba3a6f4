package apitest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
)

// An Object is a decoded JSON object.
type Object = map[string]any

// Do sends a request to a handler in this process. The body is JSON unless a header says otherwise. Header lines have
// the form "Name: value".
func Do(h http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Content-Type" {
			r.Header.Del(name)
		}
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Send sends a request. An empty token sends no Authorization header.
func (ts *Server) Send(token, method, target, body string, header ...string) *httptest.ResponseRecorder {
	if token != "" {
		header = append(header, "Authorization: Bearer "+token)
	}
	return Do(ts.Handler, method, target, body, header...)
}

// MustSend sends a request that must succeed and returns the decoded object; nil for an array.
func (ts *Server) MustSend(token, method, target, body string, header ...string) (decoded Object) {
	ts.Helper()
	w := ts.Send(token, method, target, body, header...)
	if w.Code/100 != 2 {
		ts.Fatalf("%s %s: %d %s", method, target, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &decoded); err != nil && !strings.HasPrefix(w.Body.String(), "[") {
		ts.Fatalf("%s %s: %v\n%s", method, target, err, w.Body)
	}
	return decoded
}

// Accepts reports whether the server accepts a token.
func (ts *Server) Accepts(token string) bool {
	ts.Helper()
	switch w := ts.Send(token, "GET", "/sites", ""); w.Code {
	case http.StatusOK:
		return true
	case http.StatusUnauthorized:
		return false
	default:
		ts.Fatalf("%d %s", w.Code, w.Body)
		return false
	}
}

// WithoutRequestFields returns the body of a problem without the fields that differ between requests.
func WithoutRequestFields(body string) string {
	var p Object
	if json.Unmarshal([]byte(body), &p) != nil {
		return body
	}
	delete(p, "instance")
	delete(p, "request_id")
	text, _ := json.Marshal(p) // cannot fail: the value was decoded from JSON
	return string(text)
}
