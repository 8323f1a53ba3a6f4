package api

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// replicaRest is how long a replica that failed is left alone.
const replicaRest = 10 * time.Second

// replicaTime is how long a replica may take to say that it is there.
const replicaTime = 500 * time.Millisecond

// A replica answers lists, which may be a moment old. One that fails is done without, and is not asked again for a while.
type replica struct {
	pool      *pgxpool.Pool
	restUntil atomic.Int64 // Unix time in nanoseconds
}

func (r *replica) rests() bool { return time.Now().UnixNano() <= r.restUntil.Load() }

// state says in words how the replica is. It must not keep who asks waiting, and finding out does not put the replica to rest: one that is slow for
// a moment is no reason to read all lists from the primary.
func (r *replica) state(ctx context.Context) string {
	const instead = "; lists are read from the primary meanwhile"
	if r.rests() {
		return "failed a moment ago, and is left alone for " + replicaRest.String() + instead
	}
	ctx, cancel := context.WithTimeout(ctx, replicaTime)
	defer cancel()
	if r.pool.Ping(ctx) != nil {
		return "cannot be reached" + instead
	}
	return "ok"
}

// fromReplica reads from the replica where there is one that works, else from the primary. read says whether its answer has begun: then it
// is too late for another try.
func (h *handler) fromReplica(read func(*pgxpool.Pool) (started bool, err error)) error {
	if h.replica != nil && !h.replica.rests() {
		started, err := read(h.replica.pool)
		if started || err == nil {
			return err
		}
		h.replica.restUntil.Store(time.Now().Add(replicaRest).UnixNano())
	}
	_, err := read(h.pool)
	return err
}
