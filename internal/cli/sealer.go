package cli

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/history"
)

// Times of the sealer. Instances share the seals, so each one seals only if the newest seal is old enough.
const (
	sealInterval        = time.Minute
	minSealAge          = 50 * time.Second
	sealPause           = time.Second
	sealAttempts        = 5
	maxUnsealedAge      = 5 * time.Minute // before the log says why
	sealShutdownTimeout = 2 * time.Second
)

// A sealer seals the history once a minute and logs each seal: a copy of the newest chain outside of the database.
type sealer struct {
	pool     *pgxpool.Pool
	log      *slog.Logger
	pause    time.Duration // between two attempts while a transaction runs
	reported bool          // the log says which transaction the next seal waits for
}

func newSealer(pool *pgxpool.Pool, log *slog.Logger) *sealer {
	return &sealer{pool: pool, log: log, pause: sealPause}
}

// run seals until ctx is done.
func (s *sealer) run(ctx context.Context) {
	for {
		if err := s.seal(ctx, minSealAge); err != nil && ctx.Err() == nil {
			s.log.Warn("sealing the history failed; retrying in a minute", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(sealInterval):
		}
	}
}

// sealRest seals what is left at the end of a graceful shutdown. The next start seals what it cannot.
func (s *sealer) sealRest() {
	ctx, cancel := context.WithTimeout(context.Background(), sealShutdownTimeout)
	defer cancel()
	if err := s.seal(ctx, 0); err != nil && ctx.Err() == nil {
		s.log.Warn("sealing the history failed", "error", err.Error())
	}
}

// seal makes the new changes pending and seals them, which takes two calls. It ends when nothing is pending, or after
// some attempts if a transaction keeps running.
func (s *sealer) seal(ctx context.Context, minAge time.Duration) error {
	for attempts := 0; attempts < sealAttempts; attempts++ {
		seal, err := history.Seal(ctx, s.pool, minAge)
		if err != nil {
			return err
		}
		if seal != nil {
			s.log.Info("history sealed", "seal", seal.ID, "last_change", seal.LastID, "changes", seal.Changes,
				"root", hex.EncodeToString(seal.Root), "chain", hex.EncodeToString(seal.Chain))
			minAge, attempts, s.reported = minSealAge, -1, false // seal only what is pending
			continue
		}
		delay, err := db.New(s.pool).GetSealDelay(ctx)
		if err != nil || !delay.Pending {
			return err
		}
		if !delay.Waits {
			continue
		}
		s.reportWait(delay)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(s.pause):
		}
	}
	return nil
}

// reportWait logs once which transaction a seal waits for, if it has waited for long.
func (s *sealer) reportWait(delay db.GetSealDelayRow) {
	if s.reported || delay.Seconds < maxUnsealedAge.Seconds() {
		return
	}
	s.reported = true
	holder := "a prepared transaction"
	if delay.Pid != 0 {
		holder = fmt.Sprintf("the transaction of process %d (role %s, application %s)",
			delay.Pid, delay.Role, delay.Application)
	}
	s.log.Warn("the history is not sealed: it waits for "+holder, "seconds", int64(delay.Seconds))
}
