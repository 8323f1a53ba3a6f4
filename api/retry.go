package api

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// maxAttempts is how often a write is attempted before the client gets a 503.
const maxAttempts = 3

// retry repeats a transaction that PostgreSQL aborted because of a concurrent one. An aborted attempt has no effect.
func retry(ctx context.Context, try func(context.Context) error, alsoRetry func(*pgconn.PgError) bool) error {
	for attempt := 1; ; attempt++ {
		err := try(ctx)
		var pgErr *pgconn.PgError
		if attempt == maxAttempts || !errors.As(err, &pgErr) || !(isRetryable(pgErr) || alsoRetry(pgErr)) {
			return err
		}
		pause := time.Duration(rand.Int64N(int64(20*time.Millisecond))) * time.Duration(attempt)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// isRetryable reports a serialization failure, a deadlock or a lock timeout.
func isRetryable(pgErr *pgconn.PgError) bool {
	return strings.HasPrefix(pgErr.Code, "40") || pgErr.Code == "55P03"
}

// isIDCollision reports whether a create drew an ID that another client has just chosen. The next attempt draws the
// next one.
func (h *handler) isIDCollision(pgErr *pgconn.PgError) bool {
	return h.method == http.MethodPost && h.location != "" && pgErr.Code == "23505" &&
		strings.HasSuffix(pgErr.ConstraintName, "_pkey")
}
