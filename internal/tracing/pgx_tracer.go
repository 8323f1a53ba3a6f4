package tracing

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// minAcquireSpan is the minimum wait for a pooled connection that gets a span.
const minAcquireSpan = time.Millisecond

// pgxTracer creates spans for SQL statements, as children of the request's span. A span contains the statement's name
// from queries/ and the SQLSTATE of an error, but no Postgres message, because messages quote values.
type pgxTracer struct {
	tracer trace.Tracer
}

// NewPgxTracer returns a pgx tracer that creates a span for each statement with tracer. Statements outside a recorded
// span get none.
func NewPgxTracer(tracer trace.Tracer) pgx.QueryTracer { return &pgxTracer{tracer} }

var _ interface {
	pgx.QueryTracer
	pgx.BatchTracer
	pgx.CopyFromTracer
	pgxpool.AcquireTracer
} = (*pgxTracer)(nil)

// start starts a span and returns its context, or ctx if the current span is not recorded. conn may be nil.
func (t *pgxTracer) start(
	ctx context.Context, conn *pgx.Conn, name string, options ...trace.SpanStartOption,
) context.Context {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx
	}
	attributes := []attribute.KeyValue{semconv.DBSystemNamePostgreSQL, semconv.DBQuerySummary(name)}
	if conn != nil { // the address distinguishes the primary from the replica
		switch addr := conn.PgConn().Conn().RemoteAddr().(type) {
		case *net.TCPAddr:
			attributes = append(attributes,
				semconv.NetworkPeerAddress(addr.IP.String()), semconv.NetworkPeerPort(addr.Port))
		case *net.UnixAddr:
			attributes = append(attributes, semconv.NetworkPeerAddress(addr.Name))
		}
	}
	options = append(options, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	ctx, _ = t.tracer.Start(ctx, name, options...)
	return ctx
}

// endSpan ends the span that start started. It has no effect if that span is not recorded.
func endSpan(ctx context.Context, err error) {
	span := trace.SpanFromContext(ctx)
	if err != nil {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(errorAttributes(err)...)
	}
	span.End()
}

// errorAttributes describes an error by its SQLSTATE or type, which contain no values.
func errorAttributes(err error) []attribute.KeyValue {
	var pgErr *pgconn.PgError
	switch {
	case errors.As(err, &pgErr):
		return []attribute.KeyValue{semconv.DBResponseStatusCode(pgErr.Code), semconv.ErrorTypeKey.String(pgErr.Code)}
	case errors.Is(err, context.DeadlineExceeded):
		return []attribute.KeyValue{semconv.ErrorTypeKey.String("timeout")}
	case errors.Is(err, context.Canceled):
		return []attribute.KeyValue{semconv.ErrorTypeKey.String("canceled")}
	}
	return []attribute.KeyValue{semconv.ErrorType(err)}
}

// statementName returns the sqlc name of a statement. For a statement without one, such as BEGIN, it returns the first
// word.
func statementName(sql string) string {
	sql = strings.TrimPrefix(sql, "-- name: ")
	name, _, _ := strings.Cut(sql, " ")
	return name
}

// TraceQueryStart implements pgx.QueryTracer.
func (t *pgxTracer) TraceQueryStart(
	ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryStartData,
) context.Context {
	return t.start(ctx, conn, statementName(data.SQL))
}

// TraceQueryEnd implements pgx.QueryTracer.
func (t *pgxTracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	endSpan(ctx, data.Err)
}

// TraceBatchStart implements pgx.BatchTracer. A batch gets a span, with a child for each statement. All children start
// when the batch is sent and end when their result is read: Postgres sends the results together, so the duration of a
// single statement is unknown.
func (t *pgxTracer) TraceBatchStart(
	ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchStartData,
) context.Context {
	now := time.Now()
	size := trace.WithAttributes(semconv.DBOperationBatchSize(data.Batch.Len()))
	ctx = t.start(ctx, conn, "batch", trace.WithTimestamp(now), size)
	return withStartTime(ctx, now)
}

// TraceBatchQuery implements pgx.BatchTracer.
func (t *pgxTracer) TraceBatchQuery(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchQueryData) {
	if start, ok := ctx.Value(startTimeKey{}).(time.Time); ok {
		endSpan(t.start(ctx, conn, statementName(data.SQL), trace.WithTimestamp(start)), data.Err)
	}
}

// TraceBatchEnd implements pgx.BatchTracer.
func (t *pgxTracer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchEndData) {
	endSpan(ctx, data.Err)
}

// TraceCopyFromStart implements pgx.CopyFromTracer.
func (t *pgxTracer) TraceCopyFromStart(
	ctx context.Context, conn *pgx.Conn, data pgx.TraceCopyFromStartData,
) context.Context {
	return t.start(ctx, conn, "copy "+strings.Join(data.TableName, "."))
}

// TraceCopyFromEnd implements pgx.CopyFromTracer.
func (t *pgxTracer) TraceCopyFromEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceCopyFromEndData) {
	endSpan(ctx, data.Err)
}

// TraceAcquireStart implements pgxpool.AcquireTracer.
func (t *pgxTracer) TraceAcquireStart(
	ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData,
) context.Context {
	return withStartTime(ctx, time.Now())
}

// TraceAcquireEnd implements pgxpool.AcquireTracer. It creates a span for a failed wait and for one of at least
// minAcquireSpan.
func (t *pgxTracer) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, data pgxpool.TraceAcquireEndData) {
	start, ok := ctx.Value(startTimeKey{}).(time.Time)
	if ok && (time.Since(start) >= minAcquireSpan || data.Err != nil) {
		endSpan(t.start(ctx, nil, "wait for a connection", trace.WithTimestamp(start)), data.Err)
	}
}

// startTimeKey is the context key of a start time.
type startTimeKey struct{}

// withStartTime stores a start time in ctx if the current span is recorded.
func withStartTime(ctx context.Context, start time.Time) context.Context {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx
	}
	return context.WithValue(ctx, startTimeKey{}, start)
}
