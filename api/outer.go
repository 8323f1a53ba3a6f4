package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"labledger/db"
)

// outer stands around the router, so that it sees every request, also those that no route takes: it names, logs and counts them,
// and turns a panic into an answer.
type outer struct {
	next    http.Handler
	log     *slog.Logger
	metrics *metrics
	actor   string
}

// A trace is what is learned about a request on its way.
type trace struct {
	id      string
	actor   string
	route   string // path template; "" when no route took it
	problem *Problem
}

type traceKey struct{}

func traceOf(ctx context.Context) *trace {
	if t, ok := ctx.Value(traceKey{}).(*trace); ok {
		return t
	}
	return &trace{}
}

func requestID(ctx context.Context) string { return traceOf(ctx).id }

// note keeps a problem for the log.
func note(ctx context.Context, p *Problem) { traceOf(ctx).problem = p }

// caller tells the database who writes.
func caller(ctx context.Context) db.SetRequestParams {
	t := traceOf(ctx)
	return db.SetRequestParams{Actor: t.actor, RequestID: t.id}
}

var wellFormedID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

func (o *outer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	t := &trace{id: r.Header.Get("X-Request-Id"), actor: o.actor}
	if !wellFormedID.MatchString(t.id) {
		t.id = uuid.Must(uuid.NewV7()).String()
	}
	r = r.WithContext(context.WithValue(r.Context(), traceKey{}, t))
	counted := &countingWriter{ResponseWriter: w}
	w.Header().Set("X-Request-Id", t.id)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	defer func() {
		thrown := recover()
		if thrown != nil && thrown != http.ErrAbortHandler {
			o.log.Error("a handler panicked", "request_id", t.id, "panic", fmt.Sprint(thrown), "stack", string(debug.Stack()))
			if counted.status == 0 {
				writeProblem(counted, r, asProblem(fmt.Errorf("panic: %v", thrown), r.Method, nil))
			}
			thrown = http.ErrAbortHandler
		}
		o.done(r, t, counted, time.Since(start))
		if thrown != nil {
			panic(thrown) // the server cuts the connection
		}
	}()
	o.next.ServeHTTP(counted, r)
}

// done writes the log line and the metrics of a request.
func (o *outer) done(r *http.Request, t *trace, w *countingWriter, took time.Duration) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	o.metrics.observe(r.Method, t.route, w.status, took)
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("request_id", t.id),
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.String("route", t.route),
		slog.Int("status", w.status),
		slog.Int64("bytes", w.bytes),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.String("actor", t.actor),
	}
	if t.problem != nil && t.problem.cause != nil {
		attrs = append(attrs, slog.String("error", t.problem.cause.Error()))
	}
	if w.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	o.log.LogAttrs(r.Context(), level, "request", attrs...)
}

// countingWriter remembers the status and counts the bytes of an answer.
type countingWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (c *countingWriter) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *countingWriter) Write(p []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	n, err := c.ResponseWriter.Write(p)
	c.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (c *countingWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }
