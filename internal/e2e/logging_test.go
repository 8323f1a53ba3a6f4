package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

// sendLoggedRequests sends three requests and stops the server.
func sendLoggedRequests(t *testing.T, s *programtest.Server) {
	t.Helper()
	s.Get("/sites", http.StatusOK)
	for id, path := range map[string]string{"id-of-a-missing-site": "/site/77", "id-of-no-route": "/nothing/here"} {
		status, _, err := request(http.MethodGet, s.URL+path, http.Header{"X-Request-Id": {id}}, "")
		if err != nil || status != http.StatusNotFound {
			t.Error(path, status, err)
		}
	}
	s.Stop(syscall.SIGTERM)
}

// The log has one line per request.
func TestLog_json(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.Database(t), "LOG_FORMAT=json")
	sendLoggedRequests(t, s)
	type logLine struct {
		Time      time.Time
		Level     string
		Msg       string
		RequestID *string `json:"request_id"`
		Route     *string
		Status    int
	}
	requests := map[string]logLine{}
	for text := range strings.Lines(s.Stdout.String()) {
		var l logLine
		if err := json.Unmarshal([]byte(text), &l); err != nil || l.Time.IsZero() || l.Level == "" || l.Msg == "" {
			t.Errorf("not a line of a JSON log: %v: %s", err, text)
		}
		if l.Msg != "request" {
			continue
		}
		if l.RequestID == nil || *l.RequestID == "" || l.Route == nil {
			t.Errorf("a request without ID or route: %s", text)
			continue
		}
		requests[*l.RequestID] = l
	}
	if len(requests) != 4 { // these three, and the health check of startServer
		t.Errorf("%d requests in the log, want 4:\n%s", len(requests), &s.Stdout)
	}
	for id, route := range map[string]string{"id-of-a-missing-site": "/site/{id}", "id-of-no-route": ""} {
		if l, ok := requests[id]; !ok || *l.Route != route || l.Status != http.StatusNotFound {
			t.Errorf("%s: got %+v, want route %q, status 404", id, l, route)
		}
	}
}

func TestLog_text(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.Database(t), "LOG_FORMAT=text")
	sendLoggedRequests(t, s)
	assertContains(t, s.Stdout.String(),
		"request_id=id-of-a-missing-site", "route=/site/{id}", "status=404", "level=INFO")
	if strings.Contains(s.Stdout.String(), "{\"") {
		t.Errorf("JSON in a text log:\n%s", &s.Stdout)
	}
}

// At level warn, the log is empty unless something is wrong.
func TestLog_warn(t *testing.T) {
	t.Parallel()
	// startServer reads the address from standard error, which only a server with the embedded Postgres prints.
	s := startServer(t, "STATE_DIR="+stateDir(t), "LOG_LEVEL=warn")
	sendLoggedRequests(t, s)
	assertEqual(t, "log at level warn", s.Stdout.String(), "")
}
