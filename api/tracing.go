package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"labledger/api/authn"
	"labledger/internal/media"
)

// Requests are traced if a tracer is configured. A span has the data of the log line, except for the caller.

// startSpan starts the span of a request and returns the context with it, so that the spans of statements become
// children. The live stream has no span: it would last for hours.
func (m *middleware) startSpan(ctx context.Context, r *http.Request) (context.Context, trace.Span) {
	if r.URL.Path == streamPath {
		return ctx, nil
	}
	ctx = trace.ContextWithRemoteSpanContext(ctx, m.remoteParent(r))
	return m.tracer.Start(ctx, spanMethod(r), trace.WithSpanKind(trace.SpanKindServer))
}

// endSpan completes and ends the span. Of an error it records only the status: its text may quote the request.
func endSpan(span trace.Span, r *http.Request, route string, status int) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	path := r.URL.EscapedPath()
	if strings.HasPrefix(r.URL.Path, media.Prefix) { // the file name is the permission to read the file
		path = media.Prefix + "…"
	}
	span.SetAttributes(semconv.HTTPResponseStatusCode(status), semconv.URLPath(path))
	if isKnownMethod(r.Method) {
		span.SetAttributes(semconv.HTTPRequestMethodKey.String(r.Method))
	} else {
		span.SetAttributes(semconv.HTTPRequestMethodOther)
	}
	if route != "" {
		span.SetName(spanMethod(r) + " " + route)
		span.SetAttributes(semconv.HTTPRoute(route))
	}
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(status)))
	}
}

// spanMethod returns the method for a span's name.
func spanMethod(r *http.Request) string {
	if isKnownMethod(r.Method) {
		return r.Method
	}
	return "HTTP"
}

// remoteParent returns a function that reads traceparent of requests that come directly from a trusted proxy. Any other
// client could force sampling, or add spans to an unrelated trace.
func remoteParent(a *authn.Authenticator, trusted bool) func(*http.Request) trace.SpanContext {
	return func(r *http.Request) (parent trace.SpanContext) {
		if !trusted || !a.FromProxy(r) {
			return parent
		}
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		return trace.SpanContextFromContext(ctx)
	}
}
