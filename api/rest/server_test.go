package rest

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestRetry: retry repeats after deadlocks, lock timeouts and ID collisions, three times at most, and after no other
// error.
func TestRetry(t *testing.T) {
	t.Parallel()
	deadlock := &pgconn.PgError{Code: "40P01"}
	lockTimeout := &pgconn.PgError{Code: "55P03"}
	checkViolation := &pgconn.PgError{Code: "23514"}
	collision := &pgconn.PgError{Code: "23505", ConstraintName: "site_pkey"}
	isCollision := func(pgErr *pgconn.PgError) bool { return pgErr.Code == "23505" }
	for _, c := range []struct {
		name     string
		results  []error
		want     error
		attempts int
	}{
		{"success", []error{nil}, nil, 1},
		{"after a deadlock", []error{deadlock, nil}, nil, 2},
		{"after a lock timeout", []error{lockTimeout, nil}, nil, 2},
		{"after an ID collision", []error{collision, deadlock, nil}, nil, 3},
		{"deadlocks only", []error{deadlock, deadlock, deadlock, nil}, deadlock, 3},
		{"violated constraint", []error{checkViolation, nil}, checkViolation, 1},
		{"another error", []error{pgx.ErrNoRows, nil}, pgx.ErrNoRows, 1},
	} {
		synctest.Test(t, func(t *testing.T) { // the pauses take no time
			attempts := 0
			err := retry(t.Context(), func(context.Context) error {
				attempts++
				return c.results[attempts-1]
			}, isCollision)
			if !errors.Is(err, c.want) || attempts != c.attempts {
				t.Errorf("%s: got %v after %d attempts, want %v after %d", c.name, err, attempts, c.want, c.attempts)
			}
		})
	}
}

// TestRetry_endedContext: retry gives no further attempt to a request that has ended.
func TestRetry_endedContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		attempts := 0
		deadlock := &pgconn.PgError{Code: "40P01"}
		err := retry(ctx, func(context.Context) error {
			attempts++
			cancel()
			return deadlock
		}, func(*pgconn.PgError) bool { return false })
		if !errors.Is(err, deadlock) || attempts != 1 {
			t.Errorf("got %v after %d attempts, want the deadlock after 1", err, attempts)
		}
	})
}

// TestIsIDCollision: only a create that draws its key repeats after a collision of primary keys.
func TestIsIDCollision(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		creates          bool
		code, constraint string
		want             bool
	}{
		{true, "23505", "site_pkey", true},
		{false, "23505", "site_pkey", false},
		{true, "23505", "site_name_key", false},
		{true, "23514", "site_pkey", false},
	} {
		o := &one[NoParams, NoParams]{creates: c.creates}
		if got := o.isIDCollision(&pgconn.PgError{Code: c.code, ConstraintName: c.constraint}); got != c.want {
			t.Errorf("%+v: got %t", c, got)
		}
	}
}

// TestLimiter: above the limit an attempt fails at once with a 503, until a slot is released.
func TestLimiter(t *testing.T) {
	t.Parallel()
	l := make(limiter, 2)
	var releases []func()
	for range 2 {
		release, err := l.tryAcquire()
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, release)
	}
	_, err := l.tryAcquire()
	if p := asProblem(t, err); p.Status != http.StatusServiceUnavailable || p.Header.Get("Retry-After") == "" {
		t.Errorf("third attempt: got %v, want a 503", err)
	}
	releases[1]()
	if _, err := l.tryAcquire(); err != nil {
		t.Errorf("after a release: %v", err)
	}
}
