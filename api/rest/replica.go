package rest

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

// A Replica serves lists, which may be slightly outdated. After a failure it is skipped for replicaCooldown.
type Replica struct {
	pool          *pgxpool.Pool
	cooldownUntil atomic.Int64 // Unix time in nanoseconds
}

// NewReplica returns a Replica, or nil without a pool.
func NewReplica(pool *pgxpool.Pool) *Replica {
	if pool == nil {
		return nil
	}
	return &Replica{pool: pool}
}

func (r *Replica) coolingDown() bool { return time.Now().UnixNano() <= r.cooldownUntil.Load() }

// Status describes the replica for /readyz. A failed ping does not start a cooldown: a replica that is briefly slow is
// no reason to read all lists from the primary.
func (r *Replica) Status(ctx context.Context) string {
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

// preferReplica reads from the replica if it works, and otherwise from the primary. read reports whether it has started
// the response, after which no second attempt is possible. The replica may not know yet that a session has ended, so
// the caller is authorized on the primary first.
func (c *Call) preferReplica(read func(*pgxpool.Pool) (started bool, err error)) error {
	s := c.server
	if s.replica != nil && !s.replica.coolingDown() {
		if err := c.authorize(c.Request.Context()); err != nil {
			return err
		}
		started, err := read(s.replica.pool)
		if started || err == nil {
			return err
		}
		s.replica.cooldownUntil.Store(time.Now().Add(replicaCooldown).UnixNano())
	}
	_, err := read(s.primary)
	return err
}
