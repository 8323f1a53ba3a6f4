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

// closeTimeout bounds how long the last spans may take to be sent.
const closeTimeout = 3 * time.Second

// maxAttributeLen bounds a span's texts, in characters, unless the environment does.
const maxAttributeLen = 1024

// serviceName is the service's, unless the environment has another one, and what made the spans.
const serviceName = "labledger"

// p go to a collector. Nil ones go nowhere: there is nothing then that could cost anything.
type p struct {
	provider         *sdk.TracerProvider
	log              *slog.Logger
	trustTraceparent bool
}

// New reads the environment's names of OpenTelemetry. endpoint is OTEL_EXPORTER_OTLP_ENDPOINT, the collector; without it, or one for traces alone,
// traces are nil. The collector need not be there: spans wait for it, the newest ones are dropped when too many do, and nobody else waits.
// Errors: a setting that cannot be what was meant. They never hold a header.
func New(ctx context.Context, endpoint, version string, log *slog.Logger) (*p, error) {
	target, options, err := exporterOptions(endpoint)
	if target == nil || err != nil {
		return nil, err
	}
	p := &p{log: log}
	if p.trustTraceparent, err = tracecontextEnabled(); err != nil {
		return nil, err
	}
	// OpenTelemetry has one place for complaints in a whole process, and goes on with defaults where it cannot read a setting.
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
	limits := sdk.NewSpanLimits()
	if limits.AttributeValueLengthLimit < 0 {
		limits.AttributeValueLengthLimit = maxAttributeLen
	}
	p.provider = sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(res), sdk.WithRawSpanLimits(limits), sdk.WithoutPanicRecording())
	if err := errLog.startupErrors(); err != nil {
		p.Close()
		return nil, fmt.Errorf("OpenTelemetry cannot read its settings (OTEL_…): %w", err)
	}
	log.Info("traces are sent", "to", target.Host)
	return p, nil
}

// exporterOptions is where traces go; nil when there are to be none.
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
		return nil, nil, fmt.Errorf("OTEL_TRACES_EXPORTER: %q is not known here; otlp and none are", exporter)
	}
	target, err = url.Parse(value)
	if err != nil || target.Scheme != "http" && target.Scheme != "https" || target.Hostname() == "" || target.User != nil || target.RawQuery != "" || target.Fragment != "" {
		return nil, nil, fmt.Errorf("%s: expected a URL like http://127.0.0.1:4318, without user, password and query; what the collector must know of us goes into OTEL_EXPORTER_OTLP_HEADERS", variable)
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
	if variable == "OTEL_EXPORTER_OTLP_ENDPOINT" { // it may be a flag's, of which OpenTelemetry does not know
		options = append(options, otlptracehttp.WithEndpointURL(target.JoinPath("v1", "traces").String()))
	}
	return target, options, nil
}

// tracecontextEnabled reads whether a request's traceparent may count at all.
func tracecontextEnabled() (bool, error) {
	enabled := false
	for _, name := range strings.Split(env("OTEL_PROPAGATORS"), ",") {
		switch strings.TrimSpace(name) {
		case "tracecontext":
			enabled = true
		case "", "none", "baggage": // baggage would be passed on, and nobody is called from here
		default:
			return false, errors.New("OTEL_PROPAGATORS: only tracecontext, baggage and none are known here")
		}
	}
	return enabled, nil
}

func env(name string) string { return strings.TrimSpace(os.Getenv(name)) }

// Tracer makes spans; nil of nil traces.
func (t *p) Tracer() trace.Tracer {
	if t == nil {
		return nil
	}
	return t.provider.Tracer(serviceName)
}

// PgxTracer makes spans of a connection's statements; nil of nil traces.
func (t *p) PgxTracer() pgx.QueryTracer {
	if t == nil {
		return nil
	}
	return NewPgxTracer(t.Tracer())
}

// TrustTraceparent says whether trusted proxies tell, by traceparent, what a request is a part of.
func (t *p) TrustTraceparent() bool { return t != nil && t.trustTraceparent }

// Close sends what is left. It gives up after 3 seconds.
func (t *p) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.Warn("the last traces were not sent", "error", oneLine(err))
	}
}
