//go:build unix

package programtest

import (
	"context"
	"fmt"
	"labledger/internal/pgtest"
	"testing"

	"github.com/jackc/pgx/v5"
)

// ExecSQL runs SQL statements on a new connection.
func ExecSQL(url, sql string) error {
	if _, err := pgtest.Value(url, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

// MustExecSQL runs SQL statements on a new connection and fails the test on an error.
func MustExecSQL(t testing.TB, url, sql string) {
	t.Helper()
	if err := ExecSQL(url, sql); err != nil {
		t.Fatal(err)
	}
}

// QueryText runs a query on a new connection and returns its single value, which must be text.
func QueryText(t testing.TB, url, sql string) (text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), WaitTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := conn.QueryRow(ctx, sql).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}
