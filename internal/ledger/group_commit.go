package ledger

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"go.opentelemetry.io/otel/trace"

	"labledger/db"
)

// This file coalesces: events that arrive while others are being recorded wait, and the next pass takes all of them. A lone event waits for
// nothing. Workers start when there is work and end when there is none.

// A pendingEvent is a request that waits to be recorded. Whoever closes done has filled in the rest.
type pendingEvent struct {
	RecordRequest
	span   trace.Span // of who waits; may be nil
	done   chan struct{}
	result Result
	prior  *db.FindKeysRow // set when the key was used for the same request before
	err    error
}

func (l *Ledger) enqueue(c *pendingEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, c)
	l.pending[c] = struct{}{}
	l.startCommitter()
}

// cancel takes back a call that no pass has taken yet.
func (l *Ledger) cancel(c *pendingEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.queue, c); i >= 0 {
		l.queue = slices.Delete(l.queue, i, i+1)
		delete(l.pending, c)
		close(c.done)
	}
}

// reserveUsers holds users for a batch, so that single events of theirs wait here rather than in the database. Those that are here already go
// first: batches that follow on one another must not keep an event from its turn.
func (l *Ledger) reserveUsers(ctx context.Context, ids []int64) error {
	l.mu.Lock()
	var before []*pendingEvent
	for c := range l.pending {
		if _, ours := slices.BinarySearch(ids, c.UserID); ours {
			before = append(before, c)
		}
	}
	l.mu.Unlock()
	for _, c := range before {
		select {
		case <-c.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reserveLocked(ids)
	return nil
}

// startCommitter starts a worker if one may help. The mutex is held.
func (l *Ledger) startCommitter() {
	if l.committers < maxCommitters && len(l.queue) > 0 {
		l.committers++
		go l.runCommitter()
	}
}

func (l *Ledger) runCommitter() {
	for {
		calls := l.nextGroup()
		if calls == nil {
			return
		}
		l.commitGroup(calls)
	}
}

// nextGroup takes the next pass: what waits, in the order of arrival, but for users whom another pass holds. Without any, the worker ends.
func (l *Ledger) nextGroup() []*pendingEvent {
	l.mu.Lock()
	defer l.mu.Unlock()
	var pass []*pendingEvent
	rest := l.queue[:0]
	for _, c := range l.queue {
		if len(pass) == maxGroup || l.reserved[c.UserID] > 0 {
			rest = append(rest, c)
			continue
		}
		pass = append(pass, c)
	}
	clear(l.queue[len(rest):])
	l.queue = rest
	if pass == nil {
		l.committers--
		return nil
	}
	slices.SortStableFunc(pass, func(a, b *pendingEvent) int { return cmp.Compare(a.UserID, b.UserID) })
	l.reserveLocked(userIDs(pass))
	return pass
}

// userIDs are the different users of calls that are sorted by them.
func userIDs(sorted []*pendingEvent) []int64 {
	ids := make([]int64, 0, len(sorted))
	for i, c := range sorted {
		if i == 0 || c.UserID != sorted[i-1].UserID {
			ids = append(ids, c.UserID)
		}
	}
	return ids
}

// reserveLocked keeps further passes of this process away from users. The mutex is held.
func (l *Ledger) reserveLocked(ids []int64) {
	for _, id := range ids {
		l.reserved[id]++
	}
}

// unreserve lets others have the users again.
func (l *Ledger) unreserve(ids []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		if l.reserved[id]--; l.reserved[id] == 0 {
			delete(l.reserved, id)
		}
	}
	l.startCommitter()
}

// commitGroup records a pass. When it waits in vain for users whom somebody else has locked, those go on apart, and are held meanwhile, and the
// others go on at once: nobody pays for another one's lock. When the database refuses it for another reason, it goes user by user.
func (l *Ledger) commitGroup(calls []*pendingEvent) {
	err := l.commit(spanContext(calls), calls, firstLockTimeout, false)
	var refused *pgconn.PgError
	waited := errors.As(err, &refused) && refused.Code == lockNotAvailable
	switch alone := calls[0].UserID == calls[len(calls)-1].UserID; {
	case alone && waited:
		go l.commitWhenUnlocked(calls)
	case alone || refused == nil:
		l.complete(calls, err)
	default:
		locked := map[int64]bool{}
		if waited {
			locked = l.lockedUsers(userIDs(calls))
		}
		var unlock []*pendingEvent
		for len(calls) > 0 {
			n := 1
			for n < len(calls) && calls[n].UserID == calls[0].UserID {
				n++
			}
			switch ofUser := calls[:n:n]; {
			case locked[calls[0].UserID]:
				go l.commitWhenUnlocked(ofUser)
			case len(locked) > 0:
				unlock = append(unlock, ofUser...)
			default:
				l.commitGroup(ofUser)
			}
			calls = calls[n:]
		}
		if len(unlock) > 0 {
			l.commitGroup(unlock)
		}
	}
}

// lockedUsers tells which users somebody else has locked right now: one round trip, without waiting.
func (l *Ledger) lockedUsers(ids []int64) map[int64]bool {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	found := map[int64]bool{}
	trip := &pipeline{}
	for _, id := range ids {
		trip.add(func(q *db.Queries) error {
			locked, err := q.IsLocked(ctx, db.IsLockedParams{UserID: id})
			if locked {
				found[id] = true
			}
			return err
		})
	}
	_ = trip.run(ctx, l.pool) // where it is not known, each user is tried alone
	return found
}

const lockNotAvailable = "55P03"

// commitWhenUnlocked records the calls of one user whom somebody else has locked.
func (l *Ledger) commitWhenUnlocked(calls []*pendingEvent) {
	l.lockWaiters <- struct{}{}
	defer func() { <-l.lockWaiters }()
	l.complete(calls, l.commit(spanContext(calls), calls, retryLockTimeout, false))
}

// complete hands out the results of a pass and lets go of its users. err is that of the whole pass.
func (l *Ledger) complete(calls []*pendingEvent, err error) {
	for _, c := range calls {
		if err != nil {
			c.err = err
		}
		close(c.done)
	}
	l.mu.Lock()
	for _, c := range calls {
		delete(l.pending, c)
	}
	l.mu.Unlock()
	l.unreserve(userIDs(calls))
}
