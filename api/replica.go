package api

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// replicaCooldown is how long a failed replica is skipped.
const replicaCooldown = 10 * time.Second

// replicaPingTimeout bounds the readiness check of the replica.
const replicaPingTimeout = 500 * time.Millisecond

// A replica serves lists, which may be slightly outdated. After a failure it is skipped for replicaCooldown.
type replica struct {
	pool          *pgxpool.Pool
	cooldownUntil atomic.Int64 // Unix time in nanoseconds
}

func (r *replica) coolingDown() bool { return time.Now().UnixNano() <= r.cooldownUntil.Load() }

// status describes the replica for /readyz. A failed ping does not start a cooldown: a replica that is briefly slow is
// no reason to read all lists from the primary.
func (r *replica) status(ctx context.Context) string {
	const fallbackNote = "; the primary serves lists"
	if r.coolingDown() {
		return "failed recently and is skipped for " + replicaCooldown.String() + fallbackNote
	}
	ctx, cancel := context.WithTimeout(ctx, replicaPingTimeout)
	defer cancel()
	if r.pool.Ping(ctx) != nil {
		return "unreachable" + fallbackNote
	}
	return "ok"
}

// readPreferReplica reads from the replica if it works, and otherwise from the primary. read reports whether it has
// started the response, after which no second attempt is possible.
func (h *handler) readPreferReplica(read func(*pgxpool.Pool) (started bool, err error)) error {
	if h.replica != nil && !h.replica.coolingDown() {
		started, err := read(h.replica.pool)
		if started || err == nil {
			return err
		}
		h.replica.cooldownUntil.Store(time.Now().Add(replicaCooldown).UnixNano())
	}
	_, err := read(h.primary)
	return err
}
