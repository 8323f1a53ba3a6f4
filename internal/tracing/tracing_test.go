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
)

// nowhere is a collector that is not there: no free port that is handed out has so low a number.
const nowhere = "http://127.0.0.1:1"

// setEnv sets names of OpenTelemetry, and takes away all others.
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

func TestNoTraces(t *testing.T) {
	for _, c := range []struct {
		endpoint string
		env      []string
	}{
		{"", nil},
		{" ", nil},
		{"", []string{"OTEL_SERVICE_NAME=lab", "OTEL_TRACES_SAMPLER=always_on", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}},
		{nowhere, []string{"OTEL_SDK_DISABLED=true"}},
		{nowhere, []string{"OTEL_SDK_DISABLED=TRUE", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}},
		{nowhere, []string{"OTEL_TRACES_EXPORTER=none"}},
		{"", []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + nowhere, "OTEL_SDK_DISABLED=true"}},
	} {
		t.Run(fmt.Sprint(c.endpoint, c.env), func(t *testing.T) {
			setEnv(t, c.env...)
			traces, err := New(t.Context(), c.endpoint, "test", slog.New(slog.DiscardHandler))
			if traces != nil || err != nil {
				t.Fatal(traces, err)
			}
			// Nil, not an interface that holds nil: that would be called for each request and statement.
			if traces.Tracer() != nil || traces.PgxTracer() != nil || traces.TrustTraceparent() {
				t.Error("no traces cost something")
			}
			traces.Close()
		})
	}
}

func TestSettingsRefused(t *testing.T) {
	const password = "secret-7d793037"
	for _, c := range []struct {
		endpoint string
		env      []string
		words    []string
	}{
		{"collector:4318", nil, []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"}},
		{"ftp://collector", nil, []string{"OTEL_EXPORTER_OTLP_ENDPOINT"}},
		{"http://", nil, []string{"OTEL_EXPORTER_OTLP_ENDPOINT"}},
		{"http://me:" + password + "@collector", nil, []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"}},
		{"http://me:" + password + "@collector:port", nil, []string{"OTEL_EXPORTER_OTLP_ENDPOINT"}},
		{"http://collector?token=" + password, nil, []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"}},
		{nowhere, []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=collector"}, []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"}},
		{nowhere, []string{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf", "4318"}},
		{nowhere, []string{"OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc"}, []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"}},
		{nowhere, []string{"OTEL_TRACES_EXPORTER=zipkin"}, []string{"OTEL_TRACES_EXPORTER", "zipkin", "otlp"}},
		{nowhere, []string{"OTEL_PROPAGATORS=tracecontext,b3"}, []string{"OTEL_PROPAGATORS", "tracecontext"}},
		{nowhere, []string{"OTEL_TRACES_SAMPLER=sometimes"}, []string{"OTEL_", "sampler", "sometimes"}},
		{nowhere, []string{"OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=2"}, []string{"OTEL_", "ratio"}},
		{nowhere, []string{"OTEL_RESOURCE_ATTRIBUTES=room"}, []string{"OTEL_RESOURCE_ATTRIBUTES", "room"}},
		{nowhere, []string{"OTEL_EXPORTER_OTLP_HEADERS=Bearer " + password}, []string{"OTEL_", "parse headers"}},
		{"", []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + nowhere, "OTEL_EXPORTER_OTLP_ENDPOINT=http://me:" + password + "@collector:port"}, []string{"OTEL_", "parse url"}},
		{nowhere, []string{"OTEL_EXPORTER_OTLP_TIMEOUT=10s"}, []string{"OTEL_", "parse duration", "10s"}},
		{nowhere, []string{"OTEL_EXPORTER_OTLP_CERTIFICATE=/nowhere/to/be/found"}, []string{"OTEL_", "no such file"}},
	} {
		t.Run(fmt.Sprint(c.endpoint, c.env), func(t *testing.T) {
			setEnv(t, c.env...)
			traces, err := New(t.Context(), c.endpoint, "test", slog.New(slog.DiscardHandler))
			if err == nil {
				traces.Close()
				t.Fatal("it was taken")
			}
			for _, word := range c.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("there is no %q in: %v", word, err)
				}
			}
			if strings.Contains(err.Error(), password) {
				t.Error("a secret is told:", err)
			}
		})
	}
}

// received are requests that a collector got.
func received(t *testing.T) (url string, paths func() string) {
	t.Helper()
	var all atomic.Pointer[string]
	all.Store(new(string))
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		now := *all.Load() + r.URL.Path + " " + r.Header.Get("X-Key") + "\n"
		all.Store(&now)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() string { return *all.Load() }
}

// Where traces go to, and which of them.
func TestSettings(t *testing.T) {
	elsewhere, lost := received(t)
	for _, c := range []struct {
		endpoint string // below the collector
		env      []string
		want     string
		parents  bool
	}{
		{"", []string{"OTEL_EXPORTER_OTLP_HEADERS=X-Key=mine"}, "/v1/traces mine\n", false},
		{"/", []string{"OTEL_EXPORTER_OTLP_PROTOCOL=http/json"}, "/v1/traces \n", false},
		{"/below", []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_COMPRESSION=gzip"}, "/below/v1/traces \n", false},
		{"", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + elsewhere}, "/v1/traces \n", false}, // a flag wins
		{"", []string{"OTEL_TRACES_SAMPLER=always_off"}, "", false},
		{"", []string{"OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=0"}, "", false},
		{"", []string{"OTEL_PROPAGATORS=tracecontext,baggage"}, "/v1/traces \n", true},
		{"", []string{"OTEL_PROPAGATORS=none", "OTEL_SDK_DISABLED=false"}, "/v1/traces \n", false},
	} {
		t.Run(c.endpoint+strings.Join(c.env, " "), func(t *testing.T) {
			setEnv(t, c.env...)
			collector, paths := received(t)
			traces, err := New(t.Context(), collector+c.endpoint, "test", slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			_, span := traces.Tracer().Start(t.Context(), "one")
			span.End()
			traces.Close()
			if got := paths(); got != c.want {
				t.Errorf("the collector got %q, want %q", got, c.want)
			}
			if traces.TrustTraceparent() != c.parents {
				t.Errorf("parents count: %v", traces.TrustTraceparent())
			}
		})
	}
	setEnv(t, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+elsewhere+"/as/it/stands")
	traces, err := New(t.Context(), nowhere, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_, span := traces.Tracer().Start(t.Context(), "one")
	span.End()
	traces.Close()
	if got := lost(); got != "/as/it/stands \n" {
		t.Errorf("the collector of traces alone got %q", got)
	}
}

// Nobody waits for a collector longer than was said.
func TestCloseDoesNotWait(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(hang) })
	setEnv(t)
	var log bytes.Buffer
	traces, err := New(t.Context(), server.URL, "test", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for range 10_000 { // more than can wait
		_, span := traces.Tracer().Start(context.Background(), "one")
		span.End()
	}
	if took := time.Since(began); took > closeTime/2 {
		t.Errorf("spans waited for the collector: %s", took)
	}
	began = time.Now()
	traces.Close()
	if took := time.Since(began); took < closeTime/2 || took > closeTime+time.Second {
		t.Errorf("closing took %s", took)
	}
	if !strings.Contains(log.String(), "the last traces were not sent") {
		t.Error("nobody was told:", &log)
	}
}

// Complaints come in one short line, and one a minute.
func TestComplaints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := &complaints{log: slog.New(slog.NewTextHandler(&log, nil))}
		c.Error(errors.New("missing '='"), "parse headers", "input", secret)
		if err := c.started(); err == nil || err.Error() != "parse headers: missing '='" || log.Len() > 0 {
			t.Error(err, &log)
		}
		lines := func() int { return strings.Count(log.String(), "\n") }
		long := errors.New("failed to send: 500 \xff" + strings.Repeat("\n<html>", 1000))
		for second := range 181 {
			c.Handle(long)
			c.Handle(long)
			if want := second/60 + 1; lines() != want {
				t.Fatalf("after %d s %d lines, want %d\n%s", second, lines(), want, &log)
			}
			time.Sleep(time.Second)
		}
		if log.Len() > 4*(maxComplaint+200) || !strings.Contains(log.String(), "suppressed=119") {
			t.Error(log.String())
		}
	})
}

func TestKind(t *testing.T) {
	for _, c := range []struct {
		err  error
		want attribute.KeyValue
	}{
		{fmt.Errorf("x: %w", context.DeadlineExceeded), attribute.String("error.type", "timeout")},
		{fmt.Errorf("x: %w", context.Canceled), attribute.String("error.type", "canceled")},
		{io.ErrUnexpectedEOF, attribute.String("error.type", "*errors.errorString")},
	} {
		if got := kind(c.err); len(got) != 1 || got[0] != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
}
