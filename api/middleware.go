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

// middleware stands around the router, so that it sees every request, also those that no route takes: it names, logs, counts and traces
// them, and turns a panic into an answer.
type middleware struct {
	next         http.Handler
	log          *slog.Logger
	metrics      *metrics
	tracer       trace.Tracer                          // nil makes no spans
	remoteParent func(*http.Request) trace.SpanContext // what a request is a part of
}

// An responseRecorder is one request and its answer: the writer of the answer, and what is learned on the way.
type responseRecorder struct {
	http.ResponseWriter
	id      string
	caller  principal
	secure  bool     // the browser speaks HTTPS
	route   string   // path template; "" when no route took it
	problem *Problem // what was answered, unless it is a success
	status  int
	bytes   int64
	span    trace.Span // nil when there is none
}

// recorderOf finds the exchange that a handler of this package writes to.
func recorderOf(w http.ResponseWriter) *responseRecorder {
	for {
		if rec, ok := w.(*responseRecorder); ok {
			return rec
		}
		w = w.(interface{ Unwrap() http.ResponseWriter }).Unwrap()
	}
}

// requestContext tells the database who writes.
func (rec *responseRecorder) requestContext() db.SetRequestContextParams {
	return db.SetRequestContextParams{Actor: rec.caller.username, Role: rec.caller.role.String(), RequestID: rec.id}
}

// WriteHeader remembers the status.
func (rec *responseRecorder) WriteHeader(status int) {
	if rec.status == 0 {
		rec.status = status
	}
	rec.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (rec *responseRecorder) Write(p []byte) (int, error) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	n, err := rec.ResponseWriter.Write(p)
	rec.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (rec *responseRecorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

var requestIDRE = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

// newRequestID is 128 random bits in hex. It names, it guards nothing, so it need not be hard to guess.
func newRequestID() string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], rand.Uint64())
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	return hex.EncodeToString(id[:])
}

// defaultHeaders are the headers of every answer that does not say otherwise. An answer of the API is data: a browser that is led to open it as a page
// runs nothing in it, shows it in no frame and tells nobody where it was; pages of other sites cannot load it; and it depends on who asks, so
// that only the browser itself may keep it, and asks each time whether it still holds.
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
			m.log.Error("a handler panicked", "request_id", rec.id, "panic", fmt.Sprint(recovered), "stack", string(debug.Stack()))
			if rec.status == 0 {
				writeProblem(rec, r, asProblem(fmt.Errorf("panic: %v", recovered), r.Method, nil))
			}
			recovered = http.ErrAbortHandler
		}
		m.logRequest(r, rec, time.Since(start))
		if recovered != nil {
			panic(recovered) // the server cuts the connection
		}
	}()
	m.next.ServeHTTP(rec, r)
}

// logRequest writes the log line and the metrics of a request.
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
