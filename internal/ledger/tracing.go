package ledger

import (
	"context"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/trace"
)

// This file places the spans of a group commit, which serves several requests at once.

// groupContext returns the context of a group commit. The span of the first traced request becomes the parent of its
// statements; the spans of the other requests are linked to that span. The context does not end with any of the
// requests.
func groupContext(events []*pendingEvent) context.Context {
	var parent trace.Span
	for _, e := range events {
		switch {
		case e.span == nil || !e.span.IsRecording():
		case parent == nil:
			parent = e.span
		default:
			e.span.AddLink(trace.Link{SpanContext: parent.SpanContext()})
		}
	}
	if parent == nil {
		return context.Background()
	}
	return trace.ContextWithSpan(context.Background(), parent)
}

// traceCopy runs a COPY of text lines and reports it to the tracer of the connection. pgx itself traces only its own
// CopyFrom, which encodes values.
func traceCopy(
	ctx context.Context, conn *pgx.Conn, table pgx.Identifier, run func(context.Context) (int64, error),
) (int64, error) {
	tracer, ok := conn.Config().Tracer.(pgx.CopyFromTracer)
	if !ok {
		return run(ctx)
	}
	ctx = tracer.TraceCopyFromStart(ctx, conn, pgx.TraceCopyFromStartData{TableName: table})
	n, err := run(ctx)
	tracer.TraceCopyFromEnd(ctx, conn, pgx.TraceCopyFromEndData{Err: err})
	return n, err
}
