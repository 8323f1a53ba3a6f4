package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/tracing"
)

// tracedLedger is a ledger whose statements are told to a tracer.
func tracedLedger(t *testing.T) (*Ledger, oteltrace.Tracer, *tracetest.InMemoryExporter) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	tracer := sdk.NewTracerProvider(sdk.WithSyncer(spans)).Tracer("test")
	pool, err := postgres.Open(t.Context(), pgtest.Database(t), postgres.WithTracer(tracing.NewPgxTracer(tracer)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return New(pool, nil), tracer, spans
}

// below are the names of the spans below one, and below those, sorted; of several alike one. The rule set is read now and then, and who waits for a connection
// does so by chance: those do not count.
func below(spans tracetest.SpanStubs, parent oteltrace.SpanID) (names []string) {
	for _, s := range spans {
		if s.Parent.SpanID() == parent && s.Name != "wait for a connection" && s.Name != "GetRuleset" {
			names = append(append(names, s.Name), below(spans, s.SpanContext.SpanID())...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TestTraceOfAPass records events of four requests, of which one is not traced, in two passes: the first request has one to itself, the statements
// of the other one stand below the second, and the third is linked to that.
func TestTraceOfAPass(t *testing.T) {
	l, tracer, spans := tracedLedger(t)
	free := hostage(t, l.pool, 1)
	var all sync.WaitGroup
	ids := map[string]oteltrace.SpanContext{}
	send := func(ctx context.Context) {
		all.Go(func() {
			if _, err := l.Record(ctx, RecordRequest{UserID: 1, Event: deposit(4711, 1)}); err != nil {
				t.Error(err)
			}
			oteltrace.SpanFromContext(ctx).End()
		})
	}
	begin := func(name string) context.Context {
		ctx, span := tracer.Start(context.Background(), name)
		ids[name] = span.SpanContext()
		return ctx
	}
	waiting := func(n int) {
		await(t, fmt.Sprint(n, " to wait"), func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return len(l.waiting) == n
		})
	}
	send(begin("first"))
	await(t, "the first event to wait patiently", func() bool { return len(l.patient) == 1 && waiters(t, l.pool) == 1 }) // its second try
	for i, ctx := range []context.Context{context.Background(), begin("second"), begin("third")} {
		send(ctx)
		waiting(i + 1)
	}
	free()
	all.Wait()
	idle(t, l)

	found := spans.GetSpans()
	loaded := "GetLatestRuleset LockState SetLockTimeout batch begin"
	for name, want := range map[string]string{
		"first":  "InsertAlerts InsertEvent " + loaded + " SaveState commit",
		"second": "InsertAlerts InsertEvents " + loaded + " SaveStates commit",
		"third":  "",
	} {
		words := strings.Fields(want)
		slices.Sort(words)
		got := below(found, ids[name].SpanID())
		if !slices.Equal(got, words) && len(got)+len(words) > 0 {
			t.Errorf("below the %s request: %v, want %v", name, got, words)
		}
	}
	roots := 0
	for _, s := range found {
		if !s.Parent.IsValid() {
			roots++
		}
		if text := fmt.Sprint(s.Name, s.Attributes, s.Status, s.Events); strings.Contains(text, "4711") {
			t.Error("a span tells an amount:", text)
		}
		switch linked := len(s.Links) == 1 && s.Links[0].SpanContext.Equal(ids["second"]); {
		case s.Name == "third" && !linked, s.Name != "third" && len(s.Links) > 0:
			t.Errorf("%s is linked to %v", s.Name, s.Links)
		}
	}
	if roots != 3 {
		t.Errorf("%d spans have no parent, want those of the 3 requests", roots)
	}
}

// TestTraceOfABatch has the COPYs, too, which go past pgx.
func TestTraceOfABatch(t *testing.T) {
	l, tracer, spans := tracedLedger(t)
	ctx, span := tracer.Start(t.Context(), "batch of events")
	if _, err := l.RecordAll(ctx, &Batch{Events: []UserEvent{{1, deposit(4711, 1)}, {2, withdrawal(4711, 1)}}}, false); err != nil {
		t.Fatal(err)
	}
	span.End()
	want := []string{"GetLatestRuleset", "LockStates", "LockUsers", "SaveStates", "SetLockTimeout", "batch", "begin", "commit", "copy alert", "copy event"}
	if got := below(spans.GetSpans(), span.SpanContext().SpanID()); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
