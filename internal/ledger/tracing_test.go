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

// tracedLedger returns a ledger with a tracer for its statements.
func tracedLedger(t *testing.T) (*Ledger, oteltrace.Tracer, *tracetest.InMemoryExporter) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	tracer := sdk.NewTracerProvider(sdk.WithSyncer(spans)).Tracer("test")
	pool, err := postgres.Open(t.Context(), pgtest.Database(t), postgres.WithTracer(tracing.NewPgxTracer(tracer)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return newLedger(pool), tracer, spans
}

// descendants returns the distinct names of all spans below a parent, sorted. It omits spans that occur only sometimes:
// loading the rule set and waiting for a connection.
func descendants(spans tracetest.SpanStubs, parent oteltrace.SpanID) (names []string) {
	for _, s := range spans {
		if s.Parent.SpanID() == parent && s.Name != "wait for a connection" && s.Name != "GetRuleset" {
			names = append(append(names, s.Name), descendants(spans, s.SpanContext.SpanID())...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TestTrace_groupCommit records the events of four requests, one of them untraced, in two groups. The first request is
// a group by itself. The statements of the second group are below the span of the second request, and the span of the
// third one is linked to it.
func TestTrace_groupCommit(t *testing.T) {
	t.Parallel()
	l, tracer, spans := tracedLedger(t)
	unlock := lockUsers(t, l.pool, 1)
	var wg sync.WaitGroup
	ids := map[string]oteltrace.SpanContext{}
	send := func(ctx context.Context) {
		wg.Go(func() {
			if _, err := l.Record(ctx, RecordRequest{UserID: 1, Event: deposit(4711, 1)}); err != nil {
				t.Error(err)
			}
			oteltrace.SpanFromContext(ctx).End()
		})
	}
	startRequest := func(name string) context.Context {
		ctx, span := tracer.Start(context.Background(), name)
		ids[name] = span.SpanContext()
		return ctx
	}
	send(startRequest("first"))
	waitHandedOff(t, l, 1)
	for i, ctx := range []context.Context{context.Background(), startRequest("second"), startRequest("third")} {
		send(ctx)
		waitQueued(t, l, i+1)
	}
	unlock()
	wg.Wait()
	waitIdle(t, l)

	stubs := spans.GetSpans()
	loadQueries := "GetLatestRuleset LockState SetLockTimeout batch begin"
	for name, want := range map[string]string{
		"first":  "InsertAlerts InsertEvent " + loadQueries + " SaveState commit",
		"second": "InsertAlerts InsertEvents " + loadQueries + " SaveStates commit",
		"third":  "",
	} {
		wantNames := strings.Fields(want)
		slices.Sort(wantNames)
		got := descendants(stubs, ids[name].SpanID())
		if !slices.Equal(got, wantNames) && len(got)+len(wantNames) > 0 {
			t.Errorf("spans below the %s request: %v, want %v", name, got, wantNames)
		}
	}
	roots := 0
	for _, s := range stubs {
		if !s.Parent.IsValid() {
			roots++
		}
		if text := fmt.Sprint(s.Name, s.Attributes, s.Status, s.Events); strings.Contains(text, "4711") {
			t.Error("a span contains an amount:", text)
		}
		switch linked := len(s.Links) == 1 && s.Links[0].SpanContext.Equal(ids["second"]); {
		case s.Name == "third" && !linked, s.Name != "third" && len(s.Links) > 0:
			t.Errorf("unexpected links of span %s: %v", s.Name, s.Links)
		}
	}
	if roots != 3 {
		t.Errorf("%d spans have no parent, want the 3 of the requests", roots)
	}
}

// TestTrace_batch checks that the COPY statements of a batch are traced as well.
func TestTrace_batch(t *testing.T) {
	t.Parallel()
	l, tracer, spans := tracedLedger(t)
	ctx, span := tracer.Start(t.Context(), "batch of events")
	b := &Batch{Events: []UserEvent{{1, deposit(4711, 1)}, {2, withdrawal(4711, 1)}}}
	if _, err := l.RecordAll(ctx, b, false); err != nil {
		t.Fatal(err)
	}
	span.End()
	want := []string{
		"GetLastID", "GetLatestRuleset", "ListLockedStates", "LockUsers", "SaveStates", "SetLockTimeout",
		"batch", "begin", "commit", "copy alert", "copy event",
	}
	if got := descendants(spans.GetSpans(), span.SpanContext().SpanID()); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
