package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"labledger/api"
	"labledger/api/authn"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
	"labledger/internal/postgres"
)

// The spans of SQL statements are tested in package tracing, the export to a collector in the e2e tests.

// newTracedAPI returns an API with an in-memory span exporter.
func newTracedAPI(
	t *testing.T, adjust func(*api.Options), options ...sdk.TracerProviderOption,
) (h http.Handler, spans *tracetest.InMemoryExporter, log *bytes.Buffer) {
	t.Helper()
	spans, log = tracetest.NewInMemoryExporter(), &bytes.Buffer{}
	provider := sdk.NewTracerProvider(append(options, sdk.WithSyncer(spans))...)
	o := api.Options{
		Pool:    pgtest.Pool(t),
		Log:     slog.New(slog.NewJSONHandler(log, nil)),
		Version: "test",
		Tracer:  provider.Tracer("test"),
		Access: authn.Options{
			AnonymousActor: "tester",
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")},
		},
	}
	if adjust != nil {
		adjust(&o)
	}
	return api.New(o), spans, log
}

// attributes returns the attributes of a span as text.
func attributes(s tracetest.SpanStub) map[string]string {
	values := map[string]string{}
	for _, a := range s.Attributes {
		values[string(a.Key)] = a.Value.String()
	}
	return values
}

// TestSpans checks the name, status and attributes of server spans, and the trace ID in the log.
func TestSpans(t *testing.T) {
	t.Parallel()
	h, spans, log := newTracedAPI(t, nil)
	for _, c := range []struct {
		method, target, name string
		status               int
		attributes           map[string]string
	}{
		{"GET", "/site/1?limit=7", "GET /site/{id}", 400, map[string]string{
			"url.path":            "/site/1",
			"http.route":          "/site/{id}",
			"http.request.method": "GET",
		}},
		{"GET", "/site/1", "GET /site/{id}", 200, map[string]string{"url.path": "/site/1"}},
		{"HEAD", "/site/1", "HEAD /site/{id}", 200, map[string]string{"http.request.method": "HEAD"}},
		{"GET", "/api/v1/sites/77", "GET /api/v1/sites/{id}", 404,
			map[string]string{"http.route": "/api/v1/sites/{id}"}},
		{"UPDATE", "/todo/77", "UPDATE /todo/{id}", 400, map[string]string{"http.request.method": "UPDATE"}},
		{"GET", "/no/such", "GET", 404, map[string]string{"http.route": "", "url.path": "/no/such"}},
		{"BREW", "/site/1", "HTTP /site/{id}", 405, map[string]string{"http.request.method": "_OTHER"}},
		{"GET", "/api/users/%ff%00", "GET /api/users/{username}", 400,
			map[string]string{"url.path": "/api/users/%ff%00"}},
		{"GET", "/media/x7/x7qqqqqqqqqqqqqqqqqqqqqqqqqq.png", "GET /media/{folder}/{file}", 404,
			map[string]string{"url.path": "/media/…"}},
		{"GET", "/%6dedia/x7/x7qqqqqqqqqqqqqqqqqqqqqqqqqq.png", "GET", 404, map[string]string{"url.path": "/media/…"}},
		{"GET", "/healthcheck", "GET /healthcheck", 200, nil},
	} {
		spans.Reset()
		log.Reset()
		w := apitest.Do(h, c.method, c.target, "")
		all := spans.GetSpans()
		if len(all) != 1 {
			t.Errorf("%s %s: got %d spans, want 1", c.method, c.target, len(all))
			continue
		}
		s, got := all[0], attributes(all[0])
		if s.Name != c.name || s.SpanKind != trace.SpanKindServer || s.Parent.IsValid() ||
			s.Status.Code != codes.Unset || len(s.Events) > 0 || len(s.Links) > 0 {
			t.Errorf("%s %s: %q %v, parent %v, %v, want %q",
				c.method, c.target, s.Name, s.SpanKind, s.Parent, s.Status, c.name)
		}
		if w.Code != c.status || got["http.response.status_code"] != fmt.Sprint(c.status) {
			t.Errorf("%s %s: status %d, span has %s, want %d",
				c.method, c.target, w.Code, got["http.response.status_code"], c.status)
		}
		for name, want := range c.attributes {
			if got[name] != want {
				t.Errorf("%s %s: %s is %q, want %q", c.method, c.target, name, got[name], want)
			}
		}
		var line struct {
			TraceID string `json:"trace_id"`
		}
		if err := json.Unmarshal(log.Bytes(), &line); err != nil || line.TraceID != s.SpanContext.TraceID().String() {
			t.Errorf("%s %s: the log has no trace ID %s: %v, %s", c.method, c.target, s.SpanContext.TraceID(), err, log)
		}
	}
}

// TestSpans_errors: server errors set the span status to Error. The cause is only in the log, not in the span.
func TestSpans_errors(t *testing.T) {
	t.Parallel()
	unreachablePool, err := postgres.Open(t.Context(), "postgres://reader:secret-1f3870be@127.0.0.1:1/none")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(unreachablePool.Close)
	h, spans, log := newTracedAPI(t, func(o *api.Options) { o.Pool = unreachablePool })
	if w := apitest.Do(h, "GET", "/site/1", ""); w.Code != http.StatusServiceUnavailable {
		t.Fatal(w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "127.0.0.1:1") {
		t.Error("the log does not contain the cause:", log)
	}
	s := spans.GetSpans()[0]
	if s.Status.Code != codes.Error || s.Status.Description != "" || attributes(s)["error.type"] != "503" {
		t.Errorf("%v %v", s.Status, s.Attributes)
	}
	if text := fmt.Sprint(s); strings.Contains(text, "127.0.0.1:1") || strings.Contains(text, "secret") {
		t.Error("the span contains the cause:", text)
	}

	h, spans, _ = newTracedAPI(t, func(o *api.Options) {
		o.App.Page = func(http.ResponseWriter, *http.Request) { panic("with secret-1f3870be") }
	})
	func() {
		defer func() { _ = recover() }() // net/http would close the connection
		apitest.Do(h, "GET", "/app/", "")
	}()
	all := spans.GetSpans()
	if len(all) != 1 || all[0].Status.Code != codes.Error || strings.Contains(fmt.Sprint(all), "secret") {
		t.Errorf("spans of a panic: %v", all)
	}
}

// TestStream_hasNoSpan: the live stream has no span and no trace ID in the log, because its span would last for hours.
func TestStream_hasNoSpan(t *testing.T) {
	t.Parallel()
	h, spans, log := newTracedAPI(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequest("GET", "/api/v1/stream", nil).WithContext(ctx)
	cancel()
	h.ServeHTTP(httptest.NewRecorder(), r)
	if all := spans.GetSpans(); len(all) > 0 || strings.Contains(log.String(), "trace_id") {
		t.Errorf("%v\n%s", all, log)
	}
}

// TestTraceparent: the header traceparent determines the sampling and the parent of a span. The server accepts it from
// trusted proxies only, and only with TrustTraceparent.
func TestTraceparent(t *testing.T) {
	t.Parallel()
	const remoteTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	sampled, unsampled := "00-"+remoteTrace+"-00f067aa0ba902b7-01", "00-"+remoteTrace+"-00f067aa0ba902b7-00"
	malformed := "00-" + remoteTrace + "-01"
	neverSample := sdk.WithSampler(sdk.ParentBased(sdk.NeverSample())) // without a remote parent
	alwaysSample := sdk.WithSampler(sdk.ParentBased(sdk.AlwaysSample()))
	for _, c := range []struct {
		name       string
		trust      bool
		remoteAddr string
		header     string
		sampler    sdk.TracerProviderOption
		wantSpan   bool
		wantRoot   bool // the span starts a new trace
	}{
		{"trusted proxy, sampled", true, "192.0.2.1:1234", sampled, neverSample, true, false},
		{"trusted proxy over IPv6, sampled", true, "[::ffff:192.0.2.1]:1234", sampled, neverSample, true, false},
		{"trusted proxy, not sampled", true, "192.0.2.1:1234", unsampled, alwaysSample, false, false},
		{"trusted proxy without traceparent", true, "192.0.2.1:1234", "", alwaysSample, true, true},
		{"trusted proxy, malformed traceparent", true, "192.0.2.1:1234", malformed, alwaysSample, true, true},
		{"untrusted client, sampled", true, "192.0.2.2:1234", sampled, neverSample, false, true},
		{"untrusted client, sampled, all traces sampled", true, "192.0.2.2:1234", sampled, alwaysSample, true, true},
		{"untrusted client, not sampled", true, "192.0.2.2:1234", unsampled, alwaysSample, true, true},
		{"no TCP connection", true, "@", sampled, neverSample, false, true},
		{"trusted proxy, traceparent not trusted", false, "192.0.2.1:1234", sampled, neverSample, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h, spans, log := newTracedAPI(t, func(o *api.Options) { o.TrustTraceparent = c.trust }, c.sampler)
			r := httptest.NewRequest("GET", "/healthcheck", http.NoBody)
			r.ContentLength, r.RemoteAddr = 0, c.remoteAddr
			if c.header != "" {
				r.Header.Set("traceparent", c.header)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			all := spans.GetSpans()
			logged := strings.Contains(log.String(), "trace_id")
			if w.Code != http.StatusOK || (len(all) == 1) != c.wantSpan || logged != c.wantSpan {
				t.Fatalf("%d, %d spans\n%s", w.Code, len(all), log)
			}
			if c.wantSpan && (all[0].SpanContext.TraceID().String() != remoteTrace) != c.wantRoot {
				t.Errorf("the span belongs to trace %s", all[0].SpanContext.TraceID())
			}
			if c.wantSpan && (all[0].Parent.IsValid() == c.wantRoot || len(all[0].Links) > 0) {
				t.Errorf("parent %v, links %v", all[0].Parent, all[0].Links)
			}
		})
	}
}
