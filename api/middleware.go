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

	"labledger/db"
)

// middleware wraps the router and sees every request, including those without a route. It assigns the request ID, logs,
// measures and traces the request, and converts a panic to a 500.
type middleware struct {
	next         http.Handler
	log          *slog.Logger
	metrics      *metrics
	tracer       trace.Tracer // nil without tracing
	remoteParent func(*http.Request) trace.SpanContext
}

// A responseRecorder is the writer of a response, with what is known about the request.
type responseRecorder struct {
	http.ResponseWriter
	id      string
	caller  principal
	secure  bool     // the browser uses HTTPS
	route   string   // path template; "" without a route
	problem *Problem // the response, if it is an error
	status  int
	bytes   int64
	span    trace.Span // nil without tracing
}

// recorderOf returns the responseRecorder beneath a handler's writer.
func recorderOf(w http.ResponseWriter) *responseRecorder {
	for {
		if rec, ok := w.(*responseRecorder); ok {
			return rec
		}
		w = w.(interface{ Unwrap() http.ResponseWriter }).Unwrap()
	}
}

// requestContext returns the actor and request ID that the database records with a write.
func (rec *responseRecorder) requestContext() db.SetRequestContextParams {
	return db.SetRequestContextParams{Actor: rec.caller.username, Role: rec.caller.role.String(), RequestID: rec.id}
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
	rec := &responseRecorder{ResponseWriter: w, id: r.Header.Get("X-Request-Id")}
	if rec.id == "" || !requestIDRE.MatchString(rec.id) {
		rec.id = newRequestID()
	}
	maps.Copy(w.Header(), defaultHeaders)
	w.Header().Set("X-Request-Id", rec.id)
	if m.tracer != nil {
		r = m.startSpan(rec, r)
	}
	defer func() {
		recovered := recover()
		if recovered != nil && recovered != http.ErrAbortHandler {
			m.log.Error("handler panicked",
				"request_id", rec.id, "panic", fmt.Sprint(recovered), "stack", string(debug.Stack()))
			if rec.status == 0 {
				writeProblem(rec, r, asProblem(fmt.Errorf("panic: %v", recovered), r.Method, nil))
			}
			recovered = http.ErrAbortHandler
		}
		m.logRequest(r, rec, time.Since(start))
		if recovered != nil {
			panic(recovered) // net/http closes the connection
		}
	}()
	m.next.ServeHTTP(rec, r)
}

// logRequest writes the log line, the metrics and the span of a request.
func (m *middleware) logRequest(r *http.Request, rec *responseRecorder, elapsed time.Duration) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	m.metrics.observe(r.Method, rec.route, rec.status, elapsed)
	if rec.span != nil {
		endSpan(rec, r)
	}
	level := slog.LevelInfo
	if rec.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if !m.log.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", rec.id),
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.String("route", rec.route),
		slog.Int("status", rec.status),
		slog.Int64("bytes", rec.bytes),
		slog.Float64("ms", float64(elapsed.Microseconds())/1000),
		slog.String("actor", rec.caller.username),
	}
	if rec.span != nil && rec.span.SpanContext().IsSampled() {
		attrs = append(attrs, slog.String("trace_id", rec.span.SpanContext().TraceID().String()))
	}
	if rec.problem != nil && rec.problem.cause != nil {
		attrs = append(attrs, slog.String("error", rec.problem.cause.Error()))
	}
	m.log.LogAttrs(r.Context(), level, "request", attrs...)
}
