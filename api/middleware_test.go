package api_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// TestPanic: after a panic the client receives only the request ID. The log has the ID and the value of the panic.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	m := &middleware{
		next:    http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the secret") }),
		log:     slog.New(slog.NewTextHandler(&log, nil)),
		metrics: newMetrics(pgtest.Pool(t), "test"),
	}
	aborted := false
	resp := apitest.Do(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { aborted = recover() == http.ErrAbortHandler }()
		m.ServeHTTP(w, r)
	}), "GET", "/", "")
	var p Problem
	if err := json.Unmarshal(resp.Body.Bytes(), &p); err != nil || resp.Code != http.StatusInternalServerError {
		t.Fatalf("%d %s: %v", resp.Code, resp.Body, err)
	}
	if strings.Contains(resp.Body.String(), "secret") || p.RequestID == "" ||
		!strings.Contains(log.String(), p.RequestID) ||
		!strings.Contains(log.String(), "the secret") {
		t.Errorf("response: %s\nlog: %s", resp.Body, log.String())
	}
	if !aborted {
		t.Error("the connection remains open after a panic")
	}
}
