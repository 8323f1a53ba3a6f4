package api_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"labledger/api"
	"labledger/api/problem"
	"labledger/internal/apitest"
	"labledger/internal/programtest"
)

// TestPanic: after a panic the client receives only the request ID. The log has the ID and the value of the panic.
func TestPanic(t *testing.T) {
	t.Parallel()
	var log programtest.Output
	ts := apitest.New(t, func(o *api.Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		o.App.Page = func(http.ResponseWriter, *http.Request) { panic("the secret") }
	})
	resp := httptest.NewRecorder()
	func() {
		defer func() {
			if recover() != http.ErrAbortHandler {
				t.Error("the connection remains open after a panic")
			}
		}()
		ts.ServeHTTP(resp, httptest.NewRequest("GET", "/app/", nil))
	}()
	var p problem.Problem
	if err := json.Unmarshal(resp.Body.Bytes(), &p); err != nil || resp.Code != http.StatusInternalServerError {
		t.Fatalf("%d %s: %v", resp.Code, resp.Body, err)
	}
	if strings.Contains(resp.Body.String(), "secret") || p.RequestID == "" ||
		!strings.Contains(log.String(), p.RequestID) || !strings.Contains(log.String(), "the secret") {
		t.Errorf("response: %s\nlog: %s", resp.Body, log.String())
	}
}
