package api_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"labledger/api"
	"labledger/api/problem"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
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

// TestDisconnect_isNoFailure: the request of a client that disconnects while the database works for it has status 499
// in the log and in the metrics, and is no error.
func TestDisconnect_isNoFailure(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ table, method, target, body string }{
		{"site", "GET", "/api/v1/sites", ""},
		{"site", "PATCH", "/site/1", `{"name": "a"}`},
		{"user_state", "POST", "/event", `{"type": "deposit", "amount": "1.00", "user_id": 1, "time": 1}`},
		{"event", "GET", "/api/v1/stream", ""},
	} {
		t.Run(c.method+c.target, func(t *testing.T) {
			t.Parallel()
			var log programtest.Output
			ts := apitest.New(t, func(o *api.Options) {
				o.Log = slog.New(slog.NewTextHandler(&log, nil))
				o.Access.AuthRequired = false
			})
			server := ts.Listen()
			tx, err := ts.Pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback(context.Background()) }()
			pgtest.Exec(t, tx, "LOCK TABLE "+c.table+" IN ACCESS EXCLUSIVE MODE")
			ctx, disconnect := context.WithCancel(t.Context())
			defer disconnect()
			request, err := http.NewRequestWithContext(ctx, c.method, server.URL+c.target, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			done := make(chan error, 1)
			go func() {
				response, err := server.Client().Do(request)
				if err == nil {
					_, err = io.Copy(io.Discard, response.Body)
					_ = response.Body.Close()
				}
				done <- err
			}()
			pgtest.WaitForLockWait(t, ts.Pool)
			disconnect()
			if err := <-done; err == nil {
				t.Error("the request succeeded")
			}
			pgtest.WaitFor(t, "the request in the log", func() bool { return strings.Contains(log.String(), "msg=request") })
			if text := log.String(); !strings.Contains(text, "level=INFO msg=request") || !strings.Contains(text, "status=499") {
				t.Errorf("log of a disconnect: %s", text)
			}
			for series, count := range scrape(t, ts) {
				if strings.Contains(series, `status="503"`) {
					t.Errorf("%s is %s after a disconnect", series, count)
				}
			}
		})
	}
}

// TestLogLevel: failures of the server and of its database are errors, limits and a shutdown are not. A failure stays
// one if the client has disconnected.
func TestLogLevel(t *testing.T) {
	t.Parallel()
	var log programtest.Output
	isDraining := false
	ts := apitest.New(t, func(o *api.Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		o.Access.AuthRequired = false
		o.Media = nil
		o.App.Page = func(http.ResponseWriter, *http.Request) { panic("on purpose") }
		o.Draining = func() bool { return isDraining }
	})
	send := func(ctx context.Context, method, target, wantLevel, wantStatus string) {
		t.Helper()
		before := len(log.String())
		func() {
			defer func() { _ = recover() }() // http.ErrAbortHandler
			ts.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, method, target, nil))
		}()
		_, line, _ := strings.Cut(log.String()[before:], "msg=request")
		all := log.String()[before:]
		if !strings.Contains(all, "level="+wantLevel+" msg=request") || !strings.Contains(line, "status="+wantStatus) {
			t.Errorf("%s %s: %s; want level %s and status %s", method, target, all, wantLevel, wantStatus)
		}
	}
	gone, disconnect := context.WithCancel(t.Context())
	disconnect()
	send(t.Context(), "POST", "/api/v1/attachments", "INFO", "503") // no directory
	send(t.Context(), "GET", "/app/", "ERROR", "500")
	send(gone, "GET", "/app/", "ERROR", "500")
	isDraining = true
	send(t.Context(), "GET", "/readyz", "INFO", "503")
	ts.ServerPool.Close()
	send(t.Context(), "GET", "/site/1", "ERROR", "503")
	send(gone, "GET", "/site/1", "INFO", "499")
}
