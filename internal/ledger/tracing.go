package ledger

import (
	"context"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/trace"
)

// This file finds a place for the spans of a pass, which is of many requests and none.

// spanContext is the context of a pass: its statements stand below the first of its requests that is traced, and the others are linked to that one. It
// ends with none of them.
func spanContext(calls []*pendingEvent) context.Context {
	var host trace.Span
	for _, c := range calls {
		switch {
		case c.span == nil || !c.span.IsRecording():
		case host == nil:
			host = c.span
		default:
			c.span.AddLink(trace.Link{SpanContext: host.SpanContext()})
		}
	}
	if host == nil {
		return context.Background()
	}
	return trace.ContextWithSpan(context.Background(), host)
}

// traceCopy is a COPY of lines, which goes past pgx, told to the tracer of the connection all the same.
func traceCopy(ctx context.Context, conn *pgx.Conn, table pgx.Identifier, run func(context.Context) (int64, error)) (int64, error) {
	tracer, ok := conn.Config().Tracer.(pgx.CopyFromTracer)
	if !ok {
		return run(ctx)
	}
	ctx = tracer.TraceCopyFromStart(ctx, conn, pgx.TraceCopyFromStartData{TableName: table})
	n, err := run(ctx)
	tracer.TraceCopyFromEnd(ctx, conn, pgx.TraceCopyFromEndData{Err: err})
	return n, err
}
