package cli

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/ledger"
	"labledger/internal/media"
)

// Idempotency keys are promised for a day, sessions that have ended are shown for a month, attempts to sign in count for a quarter of an hour.
const (
	idempotencyKeyRetention = 48 * time.Hour
	sessionRetention        = 30 * 24 * time.Hour
	loginAttemptRetention   = time.Hour
	orphanFileAge           = time.Hour // a file whose attachment is not there by then was given up on the way
	cleanupInterval         = time.Hour
)

// runCleanup forgets what nobody needs any longer, now and then, until ctx ends.
func runCleanup(ctx context.Context, pool *pgxpool.Pool, files *media.Store, log *slog.Logger) {
	l := ledger.New(pool, nil)
	for {
		keys, err1 := l.DeleteExpiredKeys(ctx, idempotencyKeyRetention)
		sessions, err2 := db.New(pool).DeleteExpiredSessions(ctx, db.DeleteExpiredSessionsParams{Before: time.Now().Add(-sessionRetention), Seconds: int32(loginAttemptRetention.Seconds())})
		strays, err3 := files.RemoveOrphans(orphanFileAge, func(urls []string) ([]string, error) {
			return db.New(pool).ListOrphanedURLs(ctx, db.ListOrphanedURLsParams{Urls: urls})
		})
		err := errors.Join(err1, err2, err3)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Warn("what is old stays for now", "error", err.Error())
		case keys > 0 || sessions > 0 || strays > 0:
			log.Info("what is old was forgotten", "idempotency_keys", keys, "sessions", sessions, "files", strays)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(cleanupInterval):
		}
	}
}
