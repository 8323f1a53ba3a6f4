package api

import (
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// replicaRest is how long a replica that failed is left alone.
const replicaRest = 10 * time.Second

// A replica answers lists, which may be a moment old. One that fails is done without, and is not asked again for a while.
type replica struct {
	pool      *pgxpool.Pool
	restUntil atomic.Int64 // Unix time in nanoseconds
}

// fromReplica reads from the replica where there is one that works, else from the primary. read says whether its answer has begun: then it
// is too late for another try.
func (h *handler) fromReplica(read func(*pgxpool.Pool) (started bool, err error)) error {
	if h.replica != nil && time.Now().UnixNano() > h.replica.restUntil.Load() {
		started, err := read(h.replica.pool)
		if started || err == nil {
			return err
		}
		h.replica.restUntil.Store(time.Now().Add(replicaRest).UnixNano())
	}
	_, err := read(h.pool)
	return err
}
