package tracing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"labledger/internal/pgtest"
)

// closedEndpoint is an unreachable collector: the system assigns no free port this low.
const closedEndpoint = "http://127.0.0.1:1"

// setEnv sets OTEL_… variables and clears all others.
func setEnv(t *testing.T, lines ...string) {
	t.Helper()
	for _, line := range os.Environ() {
		if name, _, _ := strings.Cut(line, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, "=")
		t.Setenv(name, value)
	}
}

func TestNew_disabled(t *testing.T) {
	for _, c := range []struct {
		endpoint string
		env      []string
	}{
		{"", nil},
		{" ", nil},
		{"", []string{"OTEL_SERVICE_NAME=lab", "OTEL_TRACES_SAMPLER=always_on", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}},
		{closedEndpoint, []string{"OTEL_SDK_DISABLED=true"}},
		{closedEndpoint, []string{"OTEL_SDK_DISABLED=TRUE", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}},
		{closedEndpoint, []string{"OTEL_TRACES_EXPORTER=none"}},
		{"", []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + closedEndpoint, "OTEL_SDK_DISABLED=true"}},
	} {
		t.Run(fmt.Sprint(c.endpoint, c.env), func(t *testing.T) {
			setEnv(t, c.env...)
			provider, err := New(t.Context(), c.endpoint, "test", slog.New(slog.DiscardHandler))
			if provider != nil || err != nil {
				t.Fatal(provider, err)
			}
			// The results must be nil interfaces. An interface holding a nil pointer would be called for each request.
			if provider.Tracer() != nil || provider.PgxTracer() != nil || provider.TrustTraceparent() {
				t.Error("a nil provider returns a tracer or trusts traceparent")
			}
			provider.Close()
		})
	}
}

func TestNew_rejectsInvalidSettings(t *testing.T) {
	const password = "secret-7d793037"
	for _, c := range []struct {
		endpoint string
		env      []string
		words    []string
	}{
		{"collector:4318", nil, []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"}},
		{"ftp://collector", nil, []string{"OTEL_EXPORTER_OTLP_ENDPOINT"}},
		{"http://", nil, []string{"OTEL_EXPORTER_OTLP_ENDPOINT"}},
		{"http://me:" + password + "@collector", nil,
			[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"}},
		{"http://me:" + password + "@collector:port", nil, []string{"OTEL_EXPORTER_OTLP_ENDPOINT"}},
		{"http://collector?token=" + password, nil,
			[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"}},
		{closedEndpoint, []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=collector"},
			[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"}},
		{closedEndpoint, []string{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc"},
			[]string{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf", "4318"}},
		{closedEndpoint, []string{"OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
			"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc"}, []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"}},
		{closedEndpoint, []string{"OTEL_TRACES_EXPORTER=zipkin"}, []string{"OTEL_TRACES_EXPORTER", "zipkin", "otlp"}},
		{closedEndpoint, []string{"OTEL_PROPAGATORS=tracecontext,b3"}, []string{"OTEL_PROPAGATORS", "tracecontext"}},
		{closedEndpoint, []string{"OTEL_TRACES_SAMPLER=sometimes"}, []string{"OTEL_", "sampler", "sometimes"}},
		{closedEndpoint, []string{"OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=2"},
			[]string{"OTEL_", "ratio"}},
		{closedEndpoint, []string{"OTEL_RESOURCE_ATTRIBUTES=room"}, []string{"OTEL_RESOURCE_ATTRIBUTES", "room"}},
		{closedEndpoint, []string{"OTEL_EXPORTER_OTLP_HEADERS=Bearer " + password}, []string{"OTEL_", "parse headers"}},
		{"", []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + closedEndpoint,
			"OTEL_EXPORTER_OTLP_ENDPOINT=http://me:" + password + "@collector:port"}, []string{"OTEL_", "parse url"}},
		{closedEndpoint, []string{"OTEL_EXPORTER_OTLP_TIMEOUT=10s"}, []string{"OTEL_", "parse duration", "10s"}},
		{closedEndpoint, []string{"OTEL_EXPORTER_OTLP_CERTIFICATE=/does/not/exist"}, []string{"OTEL_", "no such file"}},
	} {
		t.Run(fmt.Sprint(c.endpoint, c.env), func(t *testing.T) {
			setEnv(t, c.env...)
			provider, err := New(t.Context(), c.endpoint, "test", slog.New(slog.DiscardHandler))
			if err == nil {
				provider.Close()
				t.Fatal("no error")
			}
			for _, word := range c.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("the error %q does not contain %q", err, word)
				}
			}
			if strings.Contains(err.Error(), password) {
				t.Error("the error contains a secret:", err)
			}
		})
	}
}

// newCollector starts a collector. paths returns the path and the X-Key header of all requests, one per line.
func newCollector(t *testing.T) (url string, paths func() string) {
	t.Helper()
	var requests atomic.Pointer[string]
	requests.Store(new(string))
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		updated := *requests.Load() + r.URL.Path + " " + r.Header.Get("X-Key") + "\n"
		requests.Store(&updated)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() string { return *requests.Load() }
}

// Settings select the collector's URL, the sampled spans, and the trust in traceparent.
func TestNew_sendsToCollector(t *testing.T) {
	otherURL, otherPaths := newCollector(t)
	for _, c := range []struct {
		endpoint         string // appended to the collector's URL
		env              []string
		want             string
		trustTraceparent bool
	}{
		{"", []string{"OTEL_EXPORTER_OTLP_HEADERS=X-Key=mine"}, "/v1/traces mine\n", false},
		{"/", []string{"OTEL_EXPORTER_OTLP_PROTOCOL=http/json"}, "/v1/traces \n", false},
		{"/below", []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_COMPRESSION=gzip"}, "/below/v1/traces \n",
			false},
		{"", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + otherURL}, "/v1/traces \n", false}, // the argument wins
		{"", []string{"OTEL_TRACES_SAMPLER=always_off"}, "", false},
		{"", []string{"OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=0"}, "", false},
		{"", []string{"OTEL_PROPAGATORS=tracecontext,baggage"}, "/v1/traces \n", true},
		{"", []string{"OTEL_PROPAGATORS=none", "OTEL_SDK_DISABLED=false"}, "/v1/traces \n", false},
	} {
		t.Run(c.endpoint+strings.Join(c.env, " "), func(t *testing.T) {
			setEnv(t, c.env...)
			collectorURL, paths := newCollector(t)
			provider, err := New(t.Context(), collectorURL+c.endpoint, "test", slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			_, span := provider.Tracer().Start(t.Context(), "one")
			span.End()
			provider.Close()
			if got := paths(); got != c.want {
				t.Errorf("the collector got %q, want %q", got, c.want)
			}
			if provider.TrustTraceparent() != c.trustTraceparent {
				t.Errorf("TrustTraceparent() = %t, want %t", provider.TrustTraceparent(), c.trustTraceparent)
			}
		})
	}
	setEnv(t, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+otherURL+"/unchanged/path")
	provider, err := New(t.Context(), closedEndpoint, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_, span := provider.Tracer().Start(t.Context(), "one")
	span.End()
	provider.Close()
	if got := otherPaths(); got != "/unchanged/path \n" {
		t.Errorf("the collector of OTEL_EXPORTER_OTLP_TRACES_ENDPOINT got %q", got)
	}
}

// With a hanging collector, spans do not block and Close returns. All other timeouts are longer than the test.
func TestClose_timesOut(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(hang) })
	setEnv(t, "OTEL_EXPORTER_OTLP_TIMEOUT=3600000", "OTEL_BSP_EXPORT_TIMEOUT=3600000")
	var log bytes.Buffer
	provider, err := New(t.Context(), server.URL, "test", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 10_000 { // more than the queue holds
			_, span := provider.Tracer().Start(context.Background(), "one")
			span.End()
		}
		provider.Close()
	}()
	select {
	case <-done:
	case <-time.After(pgtest.WaitTimeout):
		t.Fatal("spans block, or Close does not return")
	}
	if took := time.Since(start); took < closeTimeout {
		t.Errorf("Close returned after %s, before its timeout", took)
	}
	if !strings.Contains(log.String(), "the last traces were not sent") {
		t.Error("the log does not report lost traces:", &log)
	}
}

// Errors are logged as one short line each, at most one per minute.
func TestErrorLogger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		l := &errorLogger{log: slog.New(slog.NewTextHandler(&log, nil))}
		l.Error(errors.New("missing '='"), "parse headers", "input", secret)
		if err := l.startupErrors(); err == nil || err.Error() != "parse headers: missing '='" || log.Len() > 0 {
			t.Error(err, &log)
		}
		lineCount := func() int { return strings.Count(log.String(), "\n") }
		long := errors.New("failed to send: 500 \xff" + strings.Repeat("\n<html>", 1000))
		for second := range 181 {
			l.Handle(long)
			l.Handle(long)
			if want := second/60 + 1; lineCount() != want {
				t.Fatalf("after %d s the log has %d lines, want %d\n%s", second, lineCount(), want, &log)
			}
			time.Sleep(time.Second)
		}
		if log.Len() > 4*(maxErrorLen+200) || !strings.Contains(log.String(), "suppressed=119") {
			t.Error(log.String())
		}
	})
}

func TestErrorAttributes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want attribute.KeyValue
	}{
		{fmt.Errorf("x: %w", context.DeadlineExceeded), attribute.String("error.type", "timeout")},
		{fmt.Errorf("x: %w", context.Canceled), attribute.String("error.type", "canceled")},
		{io.ErrUnexpectedEOF, attribute.String("error.type", "*errors.errorString")},
	} {
		if got := errorAttributes(c.err); len(got) != 1 || got[0] != c.want {
			t.Errorf("errorAttributes(%v) = %v, want %v", c.err, got, c.want)
		}
	}
}
