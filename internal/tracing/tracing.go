// Package tracing sends spans of requests and SQL statements to an OpenTelemetry collector, if one is configured.
// The package must not depend on the API or the schema. Spans must never contain values of a statement.
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
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// closeTimeout is how long Close waits for the last spans to be sent.
const closeTimeout = 3 * time.Second

// maxAttributeLen is the default maximum length of an attribute value, in characters. The environment can override it.
const maxAttributeLen = 1024

// serviceName is the default service name, which the environment can override, and the name of the tracer.
const serviceName = "labledger"

// Provider creates tracers whose spans go to a collector. A nil *Provider is valid: it stands for disabled tracing and
// adds no overhead.
type Provider struct {
	provider         *sdktrace.TracerProvider
	log              *slog.Logger
	trustTraceparent bool
}

// New returns a provider configured by the OTEL_… environment variables. endpoint is the value of
// OTEL_EXPORTER_OTLP_ENDPOINT, the collector's URL. Without it and without OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, New
// returns nil.
//
// The collector may be unreachable: spans are queued, the newest are dropped when the queue is full, and requests never
// wait. New returns an error for an invalid setting. The error never contains a header, because headers hold
// credentials.
func New(ctx context.Context, endpoint, version string, log *slog.Logger) (*Provider, error) {
	target, options, err := exporterOptions(endpoint)
	if target == nil || err != nil {
		return nil, err
	}
	p := &Provider{log: log}
	if p.trustTraceparent, err = tracecontextEnabled(); err != nil {
		return nil, err
	}
	// OpenTelemetry has one error handler per process. It reports an invalid setting there and continues with a
	// default.
	errLog := &errorLogger{log: log}
	otel.SetErrorHandler(errLog)
	otel.SetLogger(logr.New(errLog))
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, err
	}
	res, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName(serviceName), semconv.ServiceVersion(version)),
		resource.WithHost(), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	limits := sdktrace.NewSpanLimits()
	if limits.AttributeValueLengthLimit < 0 {
		limits.AttributeValueLengthLimit = maxAttributeLen
	}
	p.provider = sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(res),
		sdktrace.WithRawSpanLimits(limits), sdktrace.WithoutPanicRecording())
	if err := errLog.startupErrors(); err != nil {
		p.Close()
		return nil, fmt.Errorf("invalid OpenTelemetry settings (OTEL_…): %w", err)
	}
	log.Info("sending traces", "collector", target.Host)
	return p, nil
}

// exporterOptions returns the collector's URL and the options of the exporter. It returns a nil URL if tracing is
// disabled.
func exporterOptions(endpoint string) (target *url.URL, options []otlptracehttp.Option, err error) {
	variable, value := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	if value == "" {
		variable, value = "OTEL_EXPORTER_OTLP_ENDPOINT", strings.TrimSpace(endpoint)
	}
	if value == "" || strings.EqualFold(env("OTEL_SDK_DISABLED"), "true") {
		return nil, nil, nil
	}
	switch exporter := env("OTEL_TRACES_EXPORTER"); exporter {
	case "none":
		return nil, nil, nil
	case "", "otlp":
	default:
		return nil, nil, fmt.Errorf("OTEL_TRACES_EXPORTER: %q is not supported; use otlp or none", exporter)
	}
	target, err = url.Parse(value)
	if err != nil || target.Scheme != "http" && target.Scheme != "https" || target.Hostname() == "" ||
		target.User != nil || target.RawQuery != "" || target.Fragment != "" {
		return nil, nil, fmt.Errorf("%s: must be a URL like http://127.0.0.1:4318, without user, password, query and "+
			"fragment; put credentials into OTEL_EXPORTER_OTLP_HEADERS", variable)
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		switch protocol := env(name); protocol {
		case "":
			continue
		case "http/protobuf", "http/json":
		default:
			return nil, nil, fmt.Errorf("%s: %q is not supported; use http/protobuf or http/json, usually at the "+
				"collector's port 4318", name, protocol)
		}
		break
	}
	if variable == "OTEL_EXPORTER_OTLP_ENDPOINT" { // the value may come from a flag, which OpenTelemetry does not see
		options = append(options, otlptracehttp.WithEndpointURL(target.JoinPath("v1", "traces").String()))
	}
	return target, options, nil
}

// tracecontextEnabled reports whether OTEL_PROPAGATORS enables the traceparent header of requests.
func tracecontextEnabled() (bool, error) {
	enabled := false
	for _, propagator := range strings.Split(env("OTEL_PROPAGATORS"), ",") {
		switch strings.TrimSpace(propagator) {
		case "tracecontext":
			enabled = true
		case "", "none", "baggage": // baggage has no effect, because the server calls no other services
		default:
			return false, errors.New("OTEL_PROPAGATORS: only tracecontext, baggage and none are supported")
		}
	}
	return enabled, nil
}

func env(name string) string { return strings.TrimSpace(os.Getenv(name)) }

// Tracer returns a tracer, or nil if tracing is disabled.
func (p *Provider) Tracer() trace.Tracer {
	if p == nil {
		return nil
	}
	return p.provider.Tracer(serviceName)
}

// PgxTracer returns a tracer for pgx connections, or nil if tracing is disabled.
func (p *Provider) PgxTracer() pgx.QueryTracer {
	if p == nil {
		return nil
	}
	return NewPgxTracer(p.Tracer())
}

// TrustTraceparent reports whether requests may name their parent span with a traceparent header. The operator enables
// it when trusted proxies set that header.
func (p *Provider) TrustTraceparent() bool { return p != nil && p.trustTraceparent }

// Close sends the remaining spans. It waits at most 3 seconds.
func (p *Provider) Close() {
	if p == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := p.provider.Shutdown(ctx); err != nil {
		p.log.Warn("the last traces were not sent", "error", oneLine(err))
	}
}
