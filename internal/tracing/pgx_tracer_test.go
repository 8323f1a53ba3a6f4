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
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
)

func TestMain(m *testing.M) { pgtest.Main(m, nil, nil) }

// spanRecorder stores spans in memory.
type spanRecorder struct {
	*tracetest.InMemoryExporter
	tracer trace.Tracer
}

func newSpanRecorder(t *testing.T, options ...sdktrace.TracerProviderOption) *spanRecorder {
	t.Helper()
	r := &spanRecorder{InMemoryExporter: tracetest.NewInMemoryExporter()}
	r.tracer = sdktrace.NewTracerProvider(append(options, sdktrace.WithSyncer(r.InMemoryExporter))...).Tracer("test")
	return r
}

// openTraced returns a traced pool with one open connection.
func openTraced(t *testing.T, r *spanRecorder) *pgxpool.Pool {
	t.Helper()
	u, err := url.Parse(pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("pool_max_conns", "1")
	u.RawQuery = q.Encode()
	pool, err := postgres.Open(t.Context(), u.String(), postgres.WithTracer(NewPgxTracer(r.tracer)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if err := pool.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	return pool
}

// spanTree returns the names of spans as a tree, indented below their parents and sorted by start time.
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
		t.Errorf("%d of %d spans have an unknown parent; the tree is\n%s", len(spans)-seen, len(spans), &text)
	}
	return text.String()
}

// spanText returns everything that a span contains as text.
func spanText(s tracetest.SpanStub) string {
	return fmt.Sprintf("%s %v %v %v %v", s.Name, s.Attributes, s.Events, s.Links, s.Status)
}

// inRequest calls run inside a request's span and returns all spans.
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
		if err := pool.QueryRow(ctx, "-- name: GetSite :one\nSELECT $1::text", secret).Scan(&text); err != nil ||
			text != secret {
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
		if _, err := pool.Exec(ctx, "CREATE TEMPORARY TABLE words (word text)"); err != nil {
			t.Error(err)
		}
		rows := pgx.CopyFromRows([][]any{{secret}})
		if _, err := pool.CopyFrom(ctx, pgx.Identifier{"words"}, []string{"word"}, rows); err != nil {
			t.Error(err)
		}
	})
	want := "request\n  GetSite\n  batch\n    SetRequestContext\n    UpsertSite\n  CREATE\n  copy words\n"
	if got := spanTree(t, spans); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for _, s := range spans {
		if text := spanText(s); strings.Contains(text, secret) || strings.Contains(text, "$1") {
			t.Error("a span contains a value or SQL text:", text)
		}
		if s.Status.Code != codes.Unset {
			t.Error("a span without an error has a status:", spanText(s))
		}
		if s.Name == "request" {
			continue
		}
		attributes := map[string]string{}
		for _, a := range s.Attributes {
			attributes[string(a.Key)] = a.Value.String()
		}
		if s.SpanKind != trace.SpanKindClient || attributes["db.system.name"] != "postgresql" ||
			attributes["db.query.summary"] != s.Name || attributes["network.peer.address"] == "" {
			t.Errorf("%s: %v %v", s.Name, s.SpanKind, attributes)
		}
		if took := s.EndTime.Sub(s.StartTime); s.Name == "UpsertSite" &&
			(took < 25*time.Millisecond || took > 20*time.Second) {
			t.Errorf("the span of %s has %s, want about 30 ms", s.Name, took)
		}
	}
}

// Spans of failed statements contain the SQLSTATE but not the message, which quotes values.
func TestPgxTracer_errorsHideValues(t *testing.T) {
	t.Parallel()
	r := newSpanRecorder(t)
	pool := openTraced(t, r)
	if _, err := pool.Exec(t.Context(), "CREATE TEMPORARY TABLE numbers (n int)"); err != nil {
		t.Fatal(err)
	}
	invalid := "-- name: Bad :one\nSELECT $1::text::int"
	for name, c := range map[string]struct {
		run  func(ctx context.Context) error
		code string
	}{
		"statement": {func(ctx context.Context) error {
			_, err := pool.Exec(ctx, invalid, secret)
			return err
		}, "22P02"},
		"batch": {func(ctx context.Context) error {
			batch := &pgx.Batch{}
			batch.Queue(invalid, secret)
			return pool.SendBatch(ctx, batch).Close()
		}, "22P02"},
		"copy": {func(ctx context.Context) error {
			rows := pgx.CopyFromRows([][]any{{secret}})
			_, err := pool.CopyFrom(ctx, pgx.Identifier{"numbers"}, []string{"n"}, rows)
			return err
		}, ""},
		"timeout": {func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, 3*time.Second) // enough to start the statement on a busy machine
			defer cancel()
			_, err := pool.Exec(ctx, "-- name: Bad :one\nSELECT $1::text, pg_sleep(60)", secret)
			return err
		}, "57014"},
	} {
		spans := r.inRequest(t, func(ctx context.Context) {
			if err := c.run(ctx); err == nil {
				t.Errorf("%s: no error", name)
			} else if c.code != "57014" && !strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error does not quote the value, so this test proves nothing: %v", name, err)
			}
		})
		failed := 0
		for _, s := range spans {
			text := spanText(s)
			if strings.Contains(text, secret) {
				t.Errorf("%s: a span contains the value: %s", name, text)
			}
			if s.Name == "request" {
				continue
			}
			failed++
			if s.Status.Code != codes.Error || s.Status.Description != "" || !strings.Contains(text, c.code) {
				t.Errorf("%s: span without status Error and code %q: %s", name, c.code, text)
			}
		}
		if failed == 0 {
			t.Errorf("%s: no span of a statement:\n%s", name, spanTree(t, spans))
		}
	}
}

// A wait for a pooled connection of at least minAcquireSpan gets a span.
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
			t.Errorf("the span of the wait has %s, want about 50 ms", took)
		}
	}
}

// Statements outside a recorded span get no spans, even if the sampler would record them.
func TestPgxTracer_noSpansWithoutRequestSpan(t *testing.T) {
	t.Parallel()
	r, off := newSpanRecorder(t), newSpanRecorder(t, sdktrace.WithSampler(sdktrace.NeverSample()))
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
		t.Errorf("spans without a request:\n%s", spanTree(t, spans))
	}
}

func TestStatementName(t *testing.T) {
	names := map[string]string{
		"-- name: ListSites :many\nSELECT 'x'": "ListSites", "begin isolation level read committed": "begin",
		"commit": "commit", "-- ping": "--", "": "",
	}
	for _, sql := range slices.Sorted(maps.Keys(names)) {
		if got := statementName(sql); got != names[sql] {
			t.Errorf("statementName(%q) = %q, want %q", sql, got, names[sql])
		}
	}
}
