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

// outer stands around the router, so that it sees every request, also those that no route takes: it names, logs, counts and traces
// them, and turns a panic into an answer.
type outer struct {
	next    http.Handler
	log     *slog.Logger
	metrics *metrics
	tracer  trace.Tracer                          // nil makes no spans
	parent  func(*http.Request) trace.SpanContext // what a request is a part of
}

// An exchange is one request and its answer: the writer of the answer, and what is learned on the way.
type exchange struct {
	http.ResponseWriter
	id      string
	who     principal
	secure  bool     // the browser speaks HTTPS
	route   string   // path template; "" when no route took it
	problem *Problem // what was answered, unless it is a success
	status  int
	bytes   int64
	span    trace.Span // nil when there is none
}

// exchangeOf finds the exchange that a handler of this package writes to.
func exchangeOf(w http.ResponseWriter) *exchange {
	for {
		if x, ok := w.(*exchange); ok {
			return x
		}
		w = w.(interface{ Unwrap() http.ResponseWriter }).Unwrap()
	}
}

// caller tells the database who writes.
func (x *exchange) caller() db.SetRequestContextParams {
	return db.SetRequestContextParams{Actor: x.who.username, Role: x.who.role.String(), RequestID: x.id}
}

// WriteHeader remembers the status.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	n, err := x.ResponseWriter.Write(p)
	x.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

var wellFormedID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

// newRequestID is 128 random bits in hex. It names, it guards nothing, so it need not be hard to guess.
func newRequestID() string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], rand.Uint64())
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	return hex.EncodeToString(id[:])
}

// always are the headers of every answer that does not say otherwise. An answer of the API is data: a browser that is led to open it as a page
// runs nothing in it, shows it in no frame and tells nobody where it was; pages of other sites cannot load it; and it depends on who asks, so
// that only the browser itself may keep it, and asks each time whether it still holds.
var always = http.Header{
	"Cache-Control":                {"private, no-cache"},
	"Content-Security-Policy":      {"default-src 'none'; frame-ancestors 'none'"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Referrer-Policy":              {"no-referrer"},
	"X-Content-Type-Options":       {"nosniff"},
}

func (o *outer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	x := &exchange{ResponseWriter: w, id: r.Header.Get("X-Request-Id")}
	if x.id == "" || !wellFormedID.MatchString(x.id) {
		x.id = newRequestID()
	}
	maps.Copy(w.Header(), always)
	w.Header().Set("X-Request-Id", x.id)
	if o.tracer != nil {
		r = o.startSpan(x, r)
	}
	defer func() {
		thrown := recover()
		if thrown != nil && thrown != http.ErrAbortHandler {
			o.log.Error("a handler panicked", "request_id", x.id, "panic", fmt.Sprint(thrown), "stack", string(debug.Stack()))
			if x.status == 0 {
				writeProblem(x, r, asProblem(fmt.Errorf("panic: %v", thrown), r.Method, nil))
			}
			thrown = http.ErrAbortHandler
		}
		o.done(r, x, time.Since(start))
		if thrown != nil {
			panic(thrown) // the server cuts the connection
		}
	}()
	o.next.ServeHTTP(x, r)
}

// done writes the log line and the metrics of a request.
func (o *outer) done(r *http.Request, x *exchange, took time.Duration) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	o.metrics.observe(r.Method, x.route, x.status, took)
	if x.span != nil {
		endSpan(x, r)
	}
	level := slog.LevelInfo
	if x.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if !o.log.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", x.id),
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.String("route", x.route),
		slog.Int("status", x.status),
		slog.Int64("bytes", x.bytes),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.String("actor", x.who.username),
	}
	if x.span != nil && x.span.SpanContext().IsSampled() {
		attrs = append(attrs, slog.String("trace_id", x.span.SpanContext().TraceID().String()))
	}
	if x.problem != nil && x.problem.cause != nil {
		attrs = append(attrs, slog.String("error", x.problem.cause.Error()))
	}
	o.log.LogAttrs(r.Context(), level, "request", attrs...)
}
