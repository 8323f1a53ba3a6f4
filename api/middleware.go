package api

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/trace"

	"labledger/api/problem"
	"labledger/api/rest"
)

// middleware wraps the router and sees every request, including those without a route. It assigns the request ID, logs,
// measures and traces the request, and converts a panic to a 500.
type middleware struct {
	next         http.Handler
	log          *slog.Logger
	metrics      *metrics
	tracer       trace.Tracer // nil without tracing
	remoteParent func(*http.Request) trace.SpanContext
	basePath     string
}

// A responseRecorder is the writer of a response that records its status and size.
type responseRecorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader records the status.
func (rec *responseRecorder) WriteHeader(status int) {
	if rec.status == 0 {
		rec.status = status
	}
	rec.ResponseWriter.WriteHeader(status)
}

// Write records the number of bytes.
func (rec *responseRecorder) Write(p []byte) (int, error) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	n, err := rec.ResponseWriter.Write(p)
	rec.bytes += int64(n)
	return n, err
}

// Unwrap gives http.ResponseController access to the connection.
func (rec *responseRecorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

var requestIDRE = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

// newRequestID returns 128 random bits in hex. An ID identifies a request and protects nothing, so it may be guessable.
func newRequestID() string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], rand.Uint64())
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	return hex.EncodeToString(id[:])
}

// defaultHeaders are set on every response; handlers may override them. A response is data. Browsers must not run it,
// frame it, cache it for other users or embed it in pages of other origins. They must revalidate it, and must not send
// its URL as Referer.
var defaultHeaders = http.Header{
	"Cache-Control":                {"private, no-cache"},
	"Content-Security-Policy":      {"default-src 'none'; frame-ancestors 'none'"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Referrer-Policy":              {"no-referrer"},
	"X-Content-Type-Options":       {"nosniff"},
}

func (m *middleware) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	rec := &responseRecorder{ResponseWriter: w}
	info := &rest.Info{ID: r.Header.Get("X-Request-Id"), BasePath: m.basePath}
	if info.ID == "" || !requestIDRE.MatchString(info.ID) {
		info.ID = newRequestID()
	}
	maps.Copy(w.Header(), defaultHeaders)
	w.Header().Set("X-Request-Id", info.ID)
	ctx := rest.WithInfo(r.Context(), info)
	var span trace.Span
	if m.tracer != nil {
		ctx, span = m.startSpan(ctx, r)
	}
	r = r.WithContext(ctx)
	defer func() {
		recovered := recover()
		if recovered != nil && recovered != http.ErrAbortHandler {
			m.log.Error("handler panicked",
				"request_id", info.ID, "panic", fmt.Sprint(recovered), "stack", string(debug.Stack()))
			if rec.status == 0 {
				rest.WriteProblem(rec, r, problem.From(fmt.Errorf("panic: %v", recovered), r.Method, nil))
			}
			recovered = http.ErrAbortHandler
		}
		m.logRequest(r, info, rec, span, time.Since(start))
		if recovered != nil {
			panic(recovered) // net/http closes the connection
		}
	}()
	m.next.ServeHTTP(rec, r)
}

// logRequest writes the log line, the metrics and the span of a request. span may be nil.
func (m *middleware) logRequest(
	r *http.Request, info *rest.Info, rec *responseRecorder, span trace.Span, elapsed time.Duration,
) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	m.metrics.observe(r.Method, info.Route, rec.status, elapsed)
	if span != nil {
		endSpan(span, r, info.Route, rec.status)
	}
	level := logLevel(info, rec.status)
	if !m.log.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", info.ID),
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.String("route", info.Route),
		slog.Int("status", rec.status),
		slog.Int64("bytes", rec.bytes),
		slog.Float64("ms", float64(elapsed.Microseconds())/1000),
		slog.String("actor", info.Caller.Username),
	}
	if span != nil && span.SpanContext().IsSampled() {
		attrs = append(attrs, slog.String("trace_id", span.SpanContext().TraceID().String()))
	}
	if info.Problem != nil && info.Problem.Cause() != nil {
		attrs = append(attrs, slog.String("error", info.Problem.Cause().Error()))
	}
	m.log.LogAttrs(r.Context(), level, "request", attrs...)
}

// logLevel returns the level of a request: ERROR if the server or its database failed. A 503 without a cause is
// deliberate: a limit is reached, or the server shuts down.
func logLevel(info *rest.Info, status int) slog.Level {
	isDeliberate := status == http.StatusServiceUnavailable && (info.Problem == nil || info.Problem.Cause() == nil)
	if status >= http.StatusInternalServerError && !isDeliberate {
		return slog.LevelError
	}
	return slog.LevelInfo
}
