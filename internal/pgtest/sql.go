//go:build unix

package pgtest

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A Querier runs statements: a pool, a connection or a transaction.
type Querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Exec runs a statement and fails the test on an error.
func Exec(t testing.TB, q Querier, sql string, args ...any) {
	t.Helper()
	if _, err := q.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// QueryValue returns the single value of a query and fails the test on an error.
func QueryValue[T any](t testing.TB, q Querier, sql string, args ...any) (v T) {
	t.Helper()
	if err := q.QueryRow(context.Background(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// QueryColumn returns the rows of a query with one text column and fails the test on an error.
func QueryColumn(t testing.TB, q Querier, sql string, args ...any) []string {
	t.Helper()
	rows, err := q.Query(context.Background(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return values
}

// Connect returns a connection that is closed when the test ends. Its session has the defaults of Postgres and pgx,
// unlike the sessions of Pool.
func Connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal("pgtest:", err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// Value runs sql, which may be several statements, on a new connection to the database at url. It returns the first
// column of the first row of the last result as text, or "" if there is none or it is NULL. It may be called from any
// goroutine.
func Value(url, sql string) (string, error) {
	value, err := firstValue(url, sql)
	return string(value), err
}

// firstValue is Value, but returns nil if there is no value or it is NULL.
func firstValue(url, sql string) (value []byte, err error) {
	err = step(timeout, func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
		if err != nil || len(results) == 0 {
			return err
		}
		if rows := results[len(results)-1].Rows; len(rows) > 0 && len(rows[0]) > 0 {
			value = rows[0][0]
		}
		return nil
	})
	return value, err
}

// MustValue returns what Value returns. It fails the test on an error, and if there is no value or it is NULL.
func MustValue(t testing.TB, url, sql string) string {
	t.Helper()
	value, err := firstValue(url, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if value == nil {
		t.Fatalf("%s: no value", sql)
	}
	return string(value)
}

// ExecScript runs sql as Value does and fails the test on an error.
func ExecScript(t testing.TB, url, sql string) {
	t.Helper()
	if _, err := firstValue(url, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// WantValue reports a test error unless Value returns want.
func WantValue(t testing.TB, url, sql, want string) {
	t.Helper()
	if got, err := Value(url, sql); err != nil || got != want {
		t.Errorf("%s: got %q, %v; want %q", sql, got, err, want)
	}
}
