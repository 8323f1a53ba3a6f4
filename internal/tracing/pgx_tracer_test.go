package tracing

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
)

func TestMain(m *testing.M) { pgtest.Main(m, nil, nil) }

// spanRecorder keeps spans instead of sending them.
type spanRecorder struct {
	*tracetest.InMemoryExporter
	tracer trace.Tracer
}

func newSpanRecorder(t *testing.T, options ...sdk.TracerProviderOption) *spanRecorder {
	t.Helper()
	r := &spanRecorder{InMemoryExporter: tracetest.NewInMemoryExporter()}
	r.tracer = sdk.NewTracerProvider(append(options, sdk.WithSyncer(r.InMemoryExporter))...).Tracer("test")
	return r
}

// openTraced is a pool of one connection, which is open already.
func openTraced(t *testing.T, r *spanRecorder) *pgxpool.Pool {
	t.Helper()
	u, err := url.Parse(pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("pool_max_conns", "1")
	u.RawQuery = q.Encode()
	pool, err := postgres.OpenTraced(t.Context(), u.String(), NewPgxTracer(r.tracer))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if err := pool.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	return pool
}

// spanTree is the names of spans, each below its parent, in the order in which they began.
func spanTree(t *testing.T, spans tracetest.SpanStubs) string {
	t.Helper()
	slices.SortStableFunc(spans, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	var text strings.Builder
	var below func(parent trace.SpanID, depth int)
	seen := 0
	below = func(parent trace.SpanID, depth int) {
		for _, s := range spans {
			if s.Parent.SpanID() == parent {
				seen++
				fmt.Fprintf(&text, "%s%s\n", strings.Repeat("  ", depth), s.Name)
				below(s.SpanContext.SpanID(), depth+1)
			}
		}
	}
	below(trace.SpanID{}, 0)
	if seen != len(spans) {
		t.Errorf("%d of %d spans have no place in\n%s", len(spans)-seen, len(spans), &text)
	}
	return text.String()
}

// spanText is everything that a span says, as text.
func spanText(s tracetest.SpanStub) string {
	return fmt.Sprintf("%s %v %v %v %v", s.Name, s.Attributes, s.Events, s.Links, s.Status)
}

// inRequest runs something as a request would, and returns the spans.
func (r *spanRecorder) inRequest(t *testing.T, run func(ctx context.Context)) tracetest.SpanStubs {
	t.Helper()
	r.Reset()
	ctx, span := r.tracer.Start(t.Context(), "request")
	run(ctx)
	span.End()
	return r.GetSpans()
}

const secret = "secret-5d41402a"

func TestPgxTracer_spans(t *testing.T) {
	t.Parallel()
	r := newSpanRecorder(t)
	pool := openTraced(t, r)
	spans := r.inRequest(t, func(ctx context.Context) {
		var text string
		if err := pool.QueryRow(ctx, "-- name: GetSite :one\nSELECT $1::text", secret).Scan(&text); err != nil || text != secret {
			t.Error(text, err)
		}
		batch := &pgx.Batch{}
		batch.Queue("-- name: SetRequestContext :exec\nSELECT $1::text", secret)
		batch.Queue("-- name: UpsertSite :one\nSELECT $1::text, pg_sleep(0.03)", secret)
		results := pool.SendBatch(ctx, batch)
		if _, err := results.Exec(); err != nil {
			t.Error(err)
		}
		if err := results.QueryRow().Scan(&text, nil); err != nil {
			t.Error(err)
		}
		if err := results.Close(); err != nil {
			t.Error(err)
		}
		if _, err := pool.Exec(ctx, "CREATE TEMPORARY TABLE kept (word text)"); err != nil {
			t.Error(err)
		}
		if _, err := pool.CopyFrom(ctx, pgx.Identifier{"kept"}, []string{"word"}, pgx.CopyFromRows([][]any{{secret}})); err != nil {
			t.Error(err)
		}
	})
	want := "request\n  GetSite\n  batch\n    SetRequestContext\n    UpsertSite\n  CREATE\n  copy kept\n"
	if got := spanTree(t, spans); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for _, s := range spans {
		if text := spanText(s); strings.Contains(text, secret) || strings.Contains(text, "$1") {
			t.Error("a span tells a value, or a whole statement:", text)
		}
		if s.Status.Code != codes.Unset {
			t.Error("went well, and is marked:", spanText(s))
		}
		if s.Name == "request" {
			continue
		}
		attributes := map[string]string{}
		for _, a := range s.Attributes {
			attributes[string(a.Key)] = a.Value.String()
		}
		if s.SpanKind != trace.SpanKindClient || attributes["db.system.name"] != "postgresql" || attributes["db.query.summary"] != s.Name || attributes["network.peer.address"] == "" {
			t.Errorf("%s: %v %v", s.Name, s.SpanKind, attributes)
		}
		if took := s.EndTime.Sub(s.StartTime); s.Name == "UpsertSite" && (took < 25*time.Millisecond || took > 5*time.Second) {
			t.Errorf("%s took %s, it seems; it slept for 30 ms", s.Name, took)
		}
	}
}

// PostgreSQL's messages quote values; a span has the code alone.
func TestPgxTracer_errorsHideValues(t *testing.T) {
	t.Parallel()
	r := newSpanRecorder(t)
	pool := openTraced(t, r)
	if _, err := pool.Exec(t.Context(), "CREATE TEMPORARY TABLE numbers (n int)"); err != nil {
		t.Fatal(err)
	}
	bad := "-- name: Bad :one\nSELECT $1::text::int"
	shortCtx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	for name, c := range map[string]struct {
		run  func(ctx context.Context) error
		kind string
	}{
		"a statement": {func(ctx context.Context) error { _, err := pool.Exec(ctx, bad, secret); return err }, "22P02"},
		"a batch": {func(ctx context.Context) error {
			batch := &pgx.Batch{}
			batch.Queue(bad, secret)
			return pool.SendBatch(ctx, batch).Close()
		}, "22P02"},
		"a copy": {func(ctx context.Context) error {
			_, err := pool.CopyFrom(ctx, pgx.Identifier{"numbers"}, []string{"n"}, pgx.CopyFromRows([][]any{{secret}}))
			return err
		}, ""},
		"out of time": {func(ctx context.Context) error {
			_, err := pool.Exec(trace.ContextWithSpan(shortCtx, trace.SpanFromContext(ctx)), "-- name: Bad :one\nSELECT $1::text, pg_sleep(10)", secret)
			return err
		}, "57014"},
	} {
		spans := r.inRequest(t, func(ctx context.Context) {
			if err := c.run(ctx); err == nil {
				t.Error(name, "did not fail")
			} else if c.kind != "57014" && !strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error holds no value, so this test shows nothing: %v", name, err)
			}
		})
		failed := 0
		for _, s := range spans {
			text := spanText(s)
			if strings.Contains(text, secret) {
				t.Errorf("%s: a span tells the value: %s", name, text)
			}
			if s.Name == "request" {
				continue
			}
			if failed++; s.Status.Code != codes.Error || s.Status.Description != "" || !strings.Contains(text, c.kind) {
				t.Errorf("%s: %s", name, text)
			}
		}
		if failed == 0 {
			t.Errorf("%s: no span\n%s", name, spanTree(t, spans))
		}
	}
}

// Who waits for a connection has that as a span; who waits for a moment only has not.
func TestPgxTracer_acquireSpan(t *testing.T) {
	t.Parallel()
	r := newSpanRecorder(t)
	pool := openTraced(t, r)
	held, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, held.Release)
	spans := r.inRequest(t, func(ctx context.Context) {
		if _, err := pool.Exec(ctx, "-- name: Late :exec\nSELECT"); err != nil {
			t.Error(err)
		}
	})
	if got, want := spanTree(t, spans), "request\n  wait for a connection\n  Late\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for _, s := range spans {
		if took := s.EndTime.Sub(s.StartTime); s.Name == "wait for a connection" && took < 40*time.Millisecond {
			t.Error("the wait of 50 ms took", took)
		}
	}
}

// Where nobody traces the request there is no span, whatever the sampler would say of one.
func TestPgxTracer_noSpansWithoutRequestSpan(t *testing.T) {
	t.Parallel()
	r, off := newSpanRecorder(t), newSpanRecorder(t, sdk.WithSampler(sdk.NeverSample()))
	pool := openTraced(t, r)
	unsampled, span := off.tracer.Start(t.Context(), "request")
	defer span.End()
	for _, ctx := range []context.Context{t.Context(), unsampled} {
		if _, err := pool.Exec(ctx, "SELECT"); err != nil {
			t.Error(err)
		}
		batch := &pgx.Batch{}
		batch.Queue("SELECT")
		if err := pool.SendBatch(ctx, batch).Close(); err != nil {
			t.Error(err)
		}
	}
	if spans := r.GetSpans(); len(spans) > 0 {
		t.Errorf("spans of no request:\n%s", spanTree(t, spans))
	}
}

func TestStatementName(t *testing.T) {
	names := map[string]string{
		"-- name: ListSites :many\nSELECT 'x'": "ListSites", "begin isolation level read committed": "begin", "commit": "commit", "-- ping": "--", "": "",
	}
	for _, sql := range slices.Sorted(maps.Keys(names)) {
		if got := statementName(sql); got != names[sql] {
			t.Errorf("%q is called %q, want %q", sql, got, names[sql])
		}
	}
}
