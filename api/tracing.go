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
func (o *outer) startSpan(x *exchange, r *http.Request) *http.Request {
	if r.URL.Path == streamPath {
		return r
	}
	ctx := trace.ContextWithRemoteSpanContext(r.Context(), o.parent(r))
	ctx, x.span = o.tracer.Start(ctx, methodOf(r), trace.WithSpanKind(trace.SpanKindServer))
	return r.WithContext(ctx)
}

// endSpan fills in what is known now. Of what went wrong it has no more than the status: a text may quote what was sent.
func endSpan(x *exchange, r *http.Request) {
	defer x.span.End()
	if !x.span.IsRecording() {
		return
	}
	path := r.URL.EscapedPath()
	if strings.HasPrefix(r.URL.Path, media.Prefix) { // whoever knows the name of a file may read it
		path = media.Prefix + "…"
	}
	x.span.SetAttributes(semconv.HTTPResponseStatusCode(x.status), semconv.URLPath(path))
	if known(r.Method) {
		x.span.SetAttributes(semconv.HTTPRequestMethodKey.String(r.Method))
	} else {
		x.span.SetAttributes(semconv.HTTPRequestMethodOther)
	}
	if x.route != "" {
		x.span.SetName(methodOf(r) + " " + x.route)
		x.span.SetAttributes(semconv.HTTPRoute(x.route))
	}
	if x.status >= http.StatusInternalServerError {
		x.span.SetStatus(codes.Error, "")
		x.span.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(x.status)))
	}
}

// methodOf is how a span's name begins.
func methodOf(r *http.Request) string {
	if known(r.Method) {
		return r.Method
	}
	return "HTTP"
}

// parentOf reads traceparent, where it may count at all: of requests that come straight from a trusted proxy. Whoever else could write it might make
// us record every request, or put spans into somebody else's trace.
func parentOf(g *gate, counts bool) func(*http.Request) trace.SpanContext {
	return func(r *http.Request) (none trace.SpanContext) {
		if !counts || !g.fromProxy(r) {
			return none
		}
		return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header)))
	}
}
