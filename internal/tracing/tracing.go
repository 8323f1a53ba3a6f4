// Package tracing sends what requests and statements took to an OpenTelemetry collector, where the environment names one.
// It must not know the API nor the schema, and nothing that it sends may hold a value of a statement.
package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// closeTime bounds how long the last spans may take to be sent.
const closeTime = 3 * time.Second

// maxValue bounds a span's texts, in characters, unless the environment does.
const maxValue = 1024

// name is the service's, unless the environment has another one, and what made the spans.
const name = "labledger"

// Provider go to a collector. Nil ones go nowhere: there is nothing then that could cost anything.
type Provider struct {
	provider *sdk.TracerProvider
	log      *slog.Logger
	parents  bool
}

// New reads the environment's names of OpenTelemetry. endpoint is OTEL_EXPORTER_OTLP_ENDPOINT, the collector; without it, or one for traces alone,
// traces are nil. The collector need not be there: spans wait for it, the newest ones are dropped when too many do, and nobody else waits.
// Errors: a setting that cannot be what was meant. They never hold a header.
func New(ctx context.Context, endpoint, version string, log *slog.Logger) (*Provider, error) {
	to, options, err := collector(endpoint)
	if to == nil || err != nil {
		return nil, err
	}
	t := &Provider{log: log}
	if t.parents, err = parents(); err != nil {
		return nil, err
	}
	// OpenTelemetry has one place for complaints in a whole process, and goes on with defaults where it cannot read a setting.
	complaints := &complaints{log: log}
	otel.SetErrorHandler(complaints)
	otel.SetLogger(logr.New(complaints))
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, err
	}
	self, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName(name), semconv.ServiceVersion(version)),
		resource.WithHost(), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	limits := sdk.NewSpanLimits()
	if limits.AttributeValueLengthLimit < 0 {
		limits.AttributeValueLengthLimit = maxValue
	}
	t.provider = sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(self), sdk.WithRawSpanLimits(limits), sdk.WithoutPanicRecording())
	if err := complaints.started(); err != nil {
		t.Close()
		return nil, fmt.Errorf("OpenTelemetry cannot read its settings (OTEL_…): %w", err)
	}
	log.Info("traces are sent", "to", to.Host)
	return t, nil
}

// collector is where traces go; nil when there are to be none.
func collector(endpoint string) (to *url.URL, options []otlptracehttp.Option, err error) {
	from, value := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	if value == "" {
		from, value = "OTEL_EXPORTER_OTLP_ENDPOINT", strings.TrimSpace(endpoint)
	}
	if value == "" || strings.EqualFold(env("OTEL_SDK_DISABLED"), "true") {
		return nil, nil, nil
	}
	switch exporter := env("OTEL_TRACES_EXPORTER"); exporter {
	case "none":
		return nil, nil, nil
	case "", "otlp":
	default:
		return nil, nil, fmt.Errorf("OTEL_TRACES_EXPORTER: %q is not known here; otlp and none are", exporter)
	}
	to, err = url.Parse(value)
	if err != nil || to.Scheme != "http" && to.Scheme != "https" || to.Hostname() == "" || to.User != nil || to.RawQuery != "" || to.Fragment != "" {
		return nil, nil, fmt.Errorf("%s: expected a URL like http://127.0.0.1:4318, without user, password and query; what the collector must know of us goes into OTEL_EXPORTER_OTLP_HEADERS", from)
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		switch protocol := env(name); protocol {
		case "":
			continue
		case "http/protobuf", "http/json":
		default:
			return nil, nil, fmt.Errorf("%s: %q is not spoken here; http/protobuf and http/json are, mostly on the collector's port 4318", name, protocol)
		}
		break
	}
	if from == "OTEL_EXPORTER_OTLP_ENDPOINT" { // it may be a flag's, of which OpenTelemetry does not know
		options = append(options, otlptracehttp.WithEndpointURL(to.JoinPath("v1", "traces").String()))
	}
	return to, options, nil
}

// parents reads whether a request's traceparent may count at all.
func parents() (bool, error) {
	found := false
	for _, name := range strings.Split(env("OTEL_PROPAGATORS"), ",") {
		switch strings.TrimSpace(name) {
		case "tracecontext":
			found = true
		case "", "none", "baggage": // baggage would be passed on, and nobody is called from here
		default:
			return false, errors.New("OTEL_PROPAGATORS: only tracecontext, baggage and none are known here")
		}
	}
	return found, nil
}

func env(name string) string { return strings.TrimSpace(os.Getenv(name)) }

// Tracer makes spans; nil of nil traces.
func (t *Provider) Tracer() trace.Tracer {
	if t == nil {
		return nil
	}
	return t.provider.Tracer(name)
}

// PgxTracer makes spans of a connection's statements; nil of nil traces.
func (t *Provider) PgxTracer() pgx.QueryTracer {
	if t == nil {
		return nil
	}
	return NewPgxTracer(t.Tracer())
}

// TrustTraceparent says whether trusted proxies tell, by traceparent, what a request is a part of.
func (t *Provider) TrustTraceparent() bool { return t != nil && t.parents }

// Close sends what is left. It gives up after 3 seconds.
func (t *Provider) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.Warn("the last traces were not sent", "error", brief(err))
	}
}
