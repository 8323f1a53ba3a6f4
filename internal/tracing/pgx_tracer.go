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

// This file makes spans of statements, below the span of the request that they are for. Of a statement they have the name, by which it is found in
// queries/, and of an error its code: PostgreSQL's texts quote values.

// minAcquireSpan is how long somebody waits for a connection until it is worth a span.
const minAcquireSpan = time.Millisecond

// pgxTracer implement the tracers of pgx.
type pgxTracer struct {
	tracer trace.Tracer
}

// NewPgxTracer makes spans, by a tracer, of the statements of a connection. Those outside a request that is traced have none.
func NewPgxTracer(tracer trace.Tracer) pgx.QueryTracer { return &pgxTracer{tracer} }

var _ interface {
	pgx.QueryTracer
	pgx.BatchTracer
	pgx.CopyFromTracer
	pgxpool.AcquireTracer
} = (*pgxTracer)(nil)

func (s *pgxTracer) start(ctx context.Context, conn *pgx.Conn, name string, options ...trace.SpanStartOption) context.Context {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx
	}
	attributes := []attribute.KeyValue{semconv.DBSystemNamePostgreSQL, semconv.DBQuerySummary(name)}
	if conn != nil { // the primary and the replica have different ones
		switch at := conn.PgConn().Conn().RemoteAddr().(type) {
		case *net.TCPAddr:
			attributes = append(attributes, semconv.NetworkPeerAddress(at.IP.String()), semconv.NetworkPeerPort(at.Port))
		case *net.UnixAddr:
			attributes = append(attributes, semconv.NetworkPeerAddress(at.Name))
		}
	}
	ctx, _ = s.tracer.Start(ctx, name, append(options, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))...)
	return ctx
}

// endSpan ends the span that start began; without one that records, there is nothing to end.
func endSpan(ctx context.Context, err error) {
	span := trace.SpanFromContext(ctx)
	if err != nil {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(errorAttributes(err)...)
	}
	span.End()
}

// errorAttributes says of an error what cannot hold a value.
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

// statementName is what sqlc calls a statement, and of one that sqlc does not know, like BEGIN, the first word.
func statementName(sql string) string {
	sql = strings.TrimPrefix(sql, "-- name: ")
	name, _, _ := strings.Cut(sql, " ")
	return name
}

func (s *pgxTracer) TraceQueryStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return s.start(ctx, conn, statementName(data.SQL))
}

func (s *pgxTracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	endSpan(ctx, data.Err)
}

// A batch is a span, and each of its statements one below it, from when all were sent to when its answer was read. PostgreSQL sends the answers
// together, so how long each took is not to be known.

func (s *pgxTracer) TraceBatchStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	now := time.Now()
	ctx = s.start(ctx, conn, "batch", trace.WithTimestamp(now), trace.WithAttributes(semconv.DBOperationBatchSize(data.Batch.Len())))
	return withStartTime(ctx, now)
}

func (s *pgxTracer) TraceBatchQuery(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchQueryData) {
	if start, ok := ctx.Value(startTimeKey{}).(time.Time); ok {
		endSpan(s.start(ctx, conn, statementName(data.SQL), trace.WithTimestamp(start)), data.Err)
	}
}

func (s *pgxTracer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchEndData) {
	endSpan(ctx, data.Err)
}

func (s *pgxTracer) TraceCopyFromStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceCopyFromStartData) context.Context {
	return s.start(ctx, conn, "copy "+strings.Join(data.TableName, "."))
}

func (s *pgxTracer) TraceCopyFromEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceCopyFromEndData) {
	endSpan(ctx, data.Err)
}

func (s *pgxTracer) TraceAcquireStart(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	return withStartTime(ctx, time.Now())
}

func (s *pgxTracer) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, data pgxpool.TraceAcquireEndData) {
	if start, ok := ctx.Value(startTimeKey{}).(time.Time); ok && (time.Since(start) >= minAcquireSpan || data.Err != nil) {
		endSpan(s.start(ctx, nil, "wait for a connection", trace.WithTimestamp(start)), data.Err)
	}
}

// startTimeKey is where a context keeps when something began.
type startTimeKey struct{}

func withStartTime(ctx context.Context, start time.Time) context.Context {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx
	}
	return context.WithValue(ctx, startTimeKey{}, start)
}
