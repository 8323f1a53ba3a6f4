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

// minWait is how long somebody waits for a connection until it is worth a span.
const minWait = time.Millisecond

// statements implement the tracers of pgx.
type statements struct {
	tracer trace.Tracer
}

// NewPgxTracer makes spans, by a tracer, of the statements of a connection. Those outside a request that is traced have none.
func NewPgxTracer(tracer trace.Tracer) pgx.QueryTracer { return &statements{tracer} }

var _ interface {
	pgx.QueryTracer
	pgx.BatchTracer
	pgx.CopyFromTracer
	pgxpool.AcquireTracer
} = (*statements)(nil)

func (s *statements) start(ctx context.Context, conn *pgx.Conn, name string, options ...trace.SpanStartOption) context.Context {
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

// end ends the span that start began; without one that records, there is nothing to end.
func end(ctx context.Context, err error) {
	span := trace.SpanFromContext(ctx)
	if err != nil {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(kind(err)...)
	}
	span.End()
}

// kind says of an error what cannot hold a value.
func kind(err error) []attribute.KeyValue {
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused):
		return []attribute.KeyValue{semconv.DBResponseStatusCode(refused.Code), semconv.ErrorTypeKey.String(refused.Code)}
	case errors.Is(err, context.DeadlineExceeded):
		return []attribute.KeyValue{semconv.ErrorTypeKey.String("timeout")}
	case errors.Is(err, context.Canceled):
		return []attribute.KeyValue{semconv.ErrorTypeKey.String("canceled")}
	}
	return []attribute.KeyValue{semconv.ErrorType(err)}
}

// nameOf is what sqlc calls a statement, and of one that sqlc does not know, like BEGIN, the first word.
func nameOf(sql string) string {
	sql = strings.TrimPrefix(sql, "-- name: ")
	name, _, _ := strings.Cut(sql, " ")
	return name
}

func (s *statements) TraceQueryStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return s.start(ctx, conn, nameOf(data.SQL))
}

func (s *statements) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	end(ctx, data.Err)
}

// A batch is a span, and each of its statements one below it, from when all were sent to when its answer was read. PostgreSQL sends the answers
// together, so how long each took is not to be known.

func (s *statements) TraceBatchStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	now := time.Now()
	ctx = s.start(ctx, conn, "batch", trace.WithTimestamp(now), trace.WithAttributes(semconv.DBOperationBatchSize(data.Batch.Len())))
	return since(ctx, now)
}

func (s *statements) TraceBatchQuery(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchQueryData) {
	if began, ok := ctx.Value(beginning{}).(time.Time); ok {
		end(s.start(ctx, conn, nameOf(data.SQL), trace.WithTimestamp(began)), data.Err)
	}
}

func (s *statements) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchEndData) {
	end(ctx, data.Err)
}

func (s *statements) TraceCopyFromStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceCopyFromStartData) context.Context {
	return s.start(ctx, conn, "copy "+strings.Join(data.TableName, "."))
}

func (s *statements) TraceCopyFromEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceCopyFromEndData) {
	end(ctx, data.Err)
}

func (s *statements) TraceAcquireStart(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	return since(ctx, time.Now())
}

func (s *statements) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, data pgxpool.TraceAcquireEndData) {
	if began, ok := ctx.Value(beginning{}).(time.Time); ok && (time.Since(began) >= minWait || data.Err != nil) {
		end(s.start(ctx, nil, "wait for a connection", trace.WithTimestamp(began)), data.Err)
	}
}

// beginning is where a context keeps when something began.
type beginning struct{}

func since(ctx context.Context, began time.Time) context.Context {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx
	}
	return context.WithValue(ctx, beginning{}, began)
}
