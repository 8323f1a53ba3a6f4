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

// This file makes a span of a request, where somebody wants them. It says what the log line says, but for who called.

// startSpan begins the span of a request, and returns the request with it, so that the spans of statements stand below it. The live stream has
// none: it would end after hours.
func (m *middleware) startSpan(rec *responseRecorder, r *http.Request) *http.Request {
	if r.URL.Path == streamPath {
		return r
	}
	ctx := trace.ContextWithRemoteSpanContext(r.Context(), m.remoteParent(r))
	ctx, rec.span = m.tracer.Start(ctx, spanMethod(r), trace.WithSpanKind(trace.SpanKindServer))
	return r.WithContext(ctx)
}

// endSpan fills in what is known now. Of what went wrong it has no more than the status: a text may quote what was sent.
func endSpan(rec *responseRecorder, r *http.Request) {
	defer rec.span.End()
	if !rec.span.IsRecording() {
		return
	}
	path := r.URL.EscapedPath()
	if strings.HasPrefix(r.URL.Path, media.Prefix) { // whoever knows the name of a file may read it
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

// spanMethod is how a span's name begins.
func spanMethod(r *http.Request) string {
	if isKnownMethod(r.Method) {
		return r.Method
	}
	return "HTTP"
}

// remoteParent reads traceparent, where it may count at all: of requests that come straight from a trusted proxy. Whoever else could write it might make
// us record every request, or put spans into somebody else's trace.
func remoteParent(auth *authenticator, trusted bool) func(*http.Request) trace.SpanContext {
	return func(r *http.Request) (parent trace.SpanContext) {
		if !trusted || !auth.fromProxy(r) {
			return parent
		}
		return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header)))
	}
}
