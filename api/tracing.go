package api

import (
	"net/http"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"labledger/internal/media"
)

// Requests are traced if a tracer is configured. A span has the data of the log line, except for the caller.

// startSpan starts the span of a request and returns the request with the span in its context, so that the spans of
// statements become children. The live stream has no span: it would last for hours.
func (m *middleware) startSpan(rec *responseRecorder, r *http.Request) *http.Request {
	if r.URL.Path == streamPath {
		return r
	}
	ctx := trace.ContextWithRemoteSpanContext(r.Context(), m.remoteParent(r))
	ctx, rec.span = m.tracer.Start(ctx, spanMethod(r), trace.WithSpanKind(trace.SpanKindServer))
	return r.WithContext(ctx)
}

// endSpan completes and ends the span. Of an error it records only the status: its text may quote the request.
func endSpan(rec *responseRecorder, r *http.Request) {
	defer rec.span.End()
	if !rec.span.IsRecording() {
		return
	}
	path := r.URL.EscapedPath()
	if strings.HasPrefix(r.URL.Path, media.Prefix) { // the file name is the permission to read the file
		path = media.Prefix + "…"
	}
	rec.span.SetAttributes(semconv.HTTPResponseStatusCode(rec.status), semconv.URLPath(path))
	if isKnownMethod(r.Method) {
		rec.span.SetAttributes(semconv.HTTPRequestMethodKey.String(r.Method))
	} else {
		rec.span.SetAttributes(semconv.HTTPRequestMethodOther)
	}
	if rec.route != "" {
		rec.span.SetName(spanMethod(r) + " " + rec.route)
		rec.span.SetAttributes(semconv.HTTPRoute(rec.route))
	}
	if rec.status >= http.StatusInternalServerError {
		rec.span.SetStatus(codes.Error, "")
		rec.span.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(rec.status)))
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
func remoteParent(authn *authenticator, trusted bool) func(*http.Request) trace.SpanContext {
	return func(r *http.Request) (parent trace.SpanContext) {
		if !trusted || !authn.fromProxy(r) {
			return parent
		}
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		return trace.SpanContextFromContext(ctx)
	}
}
