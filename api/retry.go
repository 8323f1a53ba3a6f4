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

// attempts is how often a write is tried before its caller is told to come back.
const attempts = 3

// retry runs a transaction again that the database gave up for the sake of another one. Nothing of the failed try is left.
func retry(ctx context.Context, try func(context.Context) error, also func(*pgconn.PgError) bool) error {
	for attempt := 1; ; attempt++ {
		err := try(ctx)
		var pg *pgconn.PgError
		if attempt == attempts || !errors.As(err, &pg) || !(conflicted(pg) || also(pg)) {
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

// conflicted: serialization failure, deadlock, lock not available.
func conflicted(pg *pgconn.PgError) bool {
	return strings.HasPrefix(pg.Code, "40") || pg.Code == "55P03"
}

// isCollision tells a create whose number somebody else chose in the same moment: the next try draws the next number.
func (h *handler) isCollision(pg *pgconn.PgError) bool {
	return h.method == http.MethodPost && h.location != "" && pg.Code == "23505" && strings.HasSuffix(pg.ConstraintName, "_pkey")
}
