package api

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// replicaCooldown is how long a replica that failed is left alone.
const replicaCooldown = 10 * time.Second

// replicaPingTimeout is how long a replica may take to say that it is there.
const replicaPingTimeout = 500 * time.Millisecond

// A replica answers lists, which may be a moment old. One that fails is done without, and is not asked again for a while.
type replica struct {
	pool          *pgxpool.Pool
	cooldownUntil atomic.Int64 // Unix time in nanoseconds
}

func (r *replica) coolingDown() bool { return time.Now().UnixNano() <= r.cooldownUntil.Load() }

// status says in words how the replica is. It must not keep who asks waiting, and finding out does not put the replica to rest: one that is slow for
// a moment is no reason to read all lists from the primary.
func (r *replica) status(ctx context.Context) string {
	const fallbackNote = "; lists are read from the primary meanwhile"
	if r.coolingDown() {
		return "failed a moment ago, and is left alone for " + replicaCooldown.String() + fallbackNote
	}
	ctx, cancel := context.WithTimeout(ctx, replicaPingTimeout)
	defer cancel()
	if r.pool.Ping(ctx) != nil {
		return "cannot be reached" + fallbackNote
	}
	return "ok"
}

// readPreferReplica reads from the replica where there is one that works, else from the primary. read says whether its answer has begun: then it
// is too late for another try.
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
