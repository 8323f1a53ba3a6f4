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

// maxAttempts is how often a write is tried before its caller is told to come back.
const maxAttempts = 3

// retry runs a transaction again that the database gave up for the sake of another one. Nothing of the failed try is left.
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

// isRetryable: serialization failure, deadlock, lock not available.
func isRetryable(pgErr *pgconn.PgError) bool {
	return strings.HasPrefix(pgErr.Code, "40") || pgErr.Code == "55P03"
}

// isIDCollision tells a create whose number somebody else chose in the same moment: the next try draws the next number.
func (h *handler) isIDCollision(pgErr *pgconn.PgError) bool {
	return h.method == http.MethodPost && h.location != "" && pgErr.Code == "23505" && strings.HasSuffix(pgErr.ConstraintName, "_pkey")
}
