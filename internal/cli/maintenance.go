package cli

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/rest"
	"labledger/db"
	"labledger/internal/ledger"
	"labledger/internal/media"
)

// Retention of expired data. The API promises idempotency keys for a day, lists ended sessions for a month, and counts
// login attempts of the last 15 minutes.
const (
	idempotencyKeyRetention = 48 * time.Hour
	sessionRetention        = 30 * 24 * time.Hour
	loginAttemptRetention   = time.Hour
	orphanFileAge           = time.Hour // an upload inserts its row within this time, or it was aborted
	cleanupInterval         = time.Hour
)

// runCleanup deletes expired idempotency keys, sessions and orphaned files every hour until ctx is done.
func runCleanup(ctx context.Context, pool *pgxpool.Pool, files *media.Store, log *slog.Logger) {
	q := db.New(pool)
	for {
		keys, errKeys := deleteExpiredKeys(ctx, q, time.Now().Add(-idempotencyKeyRetention))
		sessions, errSessions := q.DeleteExpiredSessions(ctx, db.DeleteExpiredSessionsParams{
			Before: time.Now().Add(-sessionRetention), Seconds: int32(loginAttemptRetention.Seconds()),
		})
		orphans, errFiles := files.RemoveOrphans(orphanFileAge, func(urls []string) ([]string, error) {
			return q.ListOrphanedURLs(ctx, db.ListOrphanedURLsParams{Urls: urls})
		})
		err := errors.Join(errKeys, errSessions, errFiles)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Warn("cleanup failed; retrying next hour", "error", err.Error())
		case keys > 0 || sessions > 0 || orphans > 0:
			log.Info("expired data deleted", "idempotency_keys", keys, "sessions", sessions, "files", orphans)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(cleanupInterval):
		}
	}
}

// deleteExpiredKeys deletes the idempotency keys that are older than a time, and returns their number.
func deleteExpiredKeys(ctx context.Context, q *db.Queries, before time.Time) (int64, error) {
	ofEvents, errEvents := ledger.DeleteExpiredKeys(ctx, q, before)
	others, errOthers := rest.DeleteExpiredResponses(ctx, q, before)
	return ofEvents + others, errors.Join(errEvents, errOthers)
}
