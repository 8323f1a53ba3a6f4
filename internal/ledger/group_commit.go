package ledger

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"go.opentelemetry.io/otel/trace"

	"labledger/db"
	"labledger/internal/dbtx"
)

// This file implements group commit. Events that arrive while others are being committed wait in a queue, and the next
// group takes all of them. A lone event does not wait. Committer goroutines start when the queue has work and exit when
// it has none.

// A pendingEvent is an event that waits to be recorded. The goroutine that closes done sets result, prior and err
// before.
type pendingEvent struct {
	RecordRequest
	span   trace.Span // span of the request; may be nil
	done   chan struct{}
	result Result
	prior  *db.FindKeysRow // set if an earlier, equal request used the key
	err    error
}

// enqueue adds an event to the queue. It returns ErrQueueFull if too many events are pending.
func (l *Ledger) enqueue(e *pendingEvent) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) >= l.maxPending {
		return ErrQueueFull
	}
	l.queue = append(l.queue, e)
	l.pending[e] = struct{}{}
	l.startCommitter()
	return nil
}

// cancel removes an event from the queue. It has no effect if the event is already in a group.
func (l *Ledger) cancel(e *pendingEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.queue, e); i >= 0 {
		l.queue = slices.Delete(l.queue, i, i+1)
		delete(l.pending, e)
		close(e.done)
	}
}

// reserveUsers reserves the users of a batch, so that their single events wait in the queue and not for locks in the
// database. It first waits for the pending events of these users: consecutive batches must not starve single events.
func (l *Ledger) reserveUsers(ctx context.Context, ids []int64) error {
	l.mu.Lock()
	var earlier []*pendingEvent
	for e := range l.pending {
		if _, inBatch := slices.BinarySearch(ids, e.UserID); inBatch {
			earlier = append(earlier, e)
		}
	}
	l.mu.Unlock()
	for _, e := range earlier {
		select {
		case <-e.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reserveLocked(ids)
	return nil
}

// startCommitter starts a committer if the queue is not empty and the maximum is not reached. The caller must hold mu.
func (l *Ledger) startCommitter() {
	if l.committers < maxCommitters && len(l.queue) > 0 {
		l.committers++
		go l.runCommitter()
	}
}

func (l *Ledger) runCommitter() {
	for {
		events := l.nextGroup()
		if events == nil {
			return
		}
		l.commitGroup(events)
	}
}

// nextGroup takes the next group from the queue, in the order of arrival, without the events of reserved users. It
// returns the group sorted by user and reserves its users. If there is none, it returns nil and unregisters the
// committer.
func (l *Ledger) nextGroup() []*pendingEvent {
	l.mu.Lock()
	defer l.mu.Unlock()
	var next []*pendingEvent
	rest := l.queue[:0]
	for _, e := range l.queue {
		if len(next) == maxGroup || l.reserved[e.UserID] > 0 {
			rest = append(rest, e)
			continue
		}
		next = append(next, e)
	}
	clear(l.queue[len(rest):])
	l.queue = rest
	if next == nil {
		l.committers--
		return nil
	}
	slices.SortStableFunc(next, func(a, b *pendingEvent) int { return cmp.Compare(a.UserID, b.UserID) })
	l.reserveLocked(userIDs(next))
	return next
}

// userIDs returns the distinct users of events that are sorted by user.
func userIDs(sorted []*pendingEvent) []int64 {
	ids := make([]int64, 0, len(sorted))
	for i, e := range sorted {
		if i == 0 || e.UserID != sorted[i-1].UserID {
			ids = append(ids, e.UserID)
		}
	}
	return ids
}

// reserveLocked excludes users from the next groups of this process. The caller must hold mu.
func (l *Ledger) reserveLocked(ids []int64) {
	for _, id := range ids {
		l.reserved[id]++
	}
}

// unreserve ends a reservation of users.
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

// commitGroup commits a group. After a lock timeout it hands off the users that another transaction has locked and
// retries the rest at once, so that a locked user delays only its own events. If no user is locked any more, it retries
// the whole group once. After another error of the database it commits each user separately.
func (l *Ledger) commitGroup(events []*pendingEvent) {
	for retried := false; ; {
		err := l.commit(groupContext(events), events, l.timeouts.firstLock, false, nil)
		var pgErr *pgconn.PgError
		switch oneUser := events[0].UserID == events[len(events)-1].UserID; {
		case !errors.As(err, &pgErr):
			l.complete(events, err)
			return
		case oneUser:
			l.completeUser(events, err)
			return
		case pgErr.Code != pgerrcode.LockNotAvailable:
			l.commitUsers(events)
			return
		}
		unlocked := l.handOffLocked(events)
		switch {
		case len(unlocked) == 0:
			return
		case len(unlocked) == len(events) && retried:
			l.commitUsers(events)
			return
		}
		retried = len(unlocked) == len(events)
		events = unlocked
	}
}

// commitUsers commits the events of each user separately, so that an error affects only one user.
func (l *Ledger) commitUsers(events []*pendingEvent) {
	for _, ofUser := range splitByUser(events) {
		l.completeUser(ofUser, l.commit(groupContext(ofUser), ofUser, l.timeouts.firstLock, false, nil))
	}
}

// completeUser completes the events of one user. If the commit timed out waiting for the lock, it hands them off.
func (l *Ledger) completeUser(events []*pendingEvent, err error) {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == pgerrcode.LockNotAvailable {
		go l.commitWhenUnlocked(events)
		return
	}
	l.complete(events, err)
}

// handOffLocked hands off the events of the users that another transaction has locked. It returns the other events.
func (l *Ledger) handOffLocked(events []*pendingEvent) (unlocked []*pendingEvent) {
	locked := l.lockedUsers(userIDs(events))
	for _, ofUser := range splitByUser(events) {
		if locked[ofUser[0].UserID] {
			go l.commitWhenUnlocked(ofUser)
		} else {
			unlocked = append(unlocked, ofUser...)
		}
	}
	return unlocked
}

// splitByUser splits events that are sorted by user into those of each user.
func splitByUser(sorted []*pendingEvent) (users [][]*pendingEvent) {
	for len(sorted) > 0 {
		user := sorted[0].UserID
		n := slices.IndexFunc(sorted, func(e *pendingEvent) bool { return e.UserID != user })
		if n < 0 {
			n = len(sorted)
		}
		users = append(users, sorted[:n:n])
		sorted = sorted[n:]
	}
	return users
}

// lockedUsers returns the users that another transaction has locked at this moment. It takes one round trip and does
// not block on locks.
func (l *Ledger) lockedUsers(ids []int64) map[int64]bool {
	ctx, cancel := context.WithTimeout(context.Background(), l.timeouts.commit)
	defer cancel()
	locked := map[int64]bool{}
	p := &dbtx.Pipeline{}
	for _, id := range ids {
		p.Add(func(q *db.Queries) error {
			isLocked, err := q.IsLocked(ctx, db.IsLockedParams{UserID: id})
			if isLocked {
				locked[id] = true
			}
			return err
		})
	}
	_ = p.Run(ctx, l.pool) // after an error the remaining users count as unlocked
	return locked
}

// commitWhenUnlocked commits the events of one user whose row another transaction has locked.
func (l *Ledger) commitWhenUnlocked(events []*pendingEvent) {
	l.lockWaiters <- struct{}{}
	defer func() { <-l.lockWaiters }()
	l.complete(events, l.commit(groupContext(events), events, l.timeouts.retryLock, false, nil))
}

// complete delivers the results of a group and ends the reservation of its users. err is the error of the whole group.
func (l *Ledger) complete(events []*pendingEvent, err error) {
	for _, e := range events {
		if err != nil {
			e.err = err
		}
		close(e.done)
	}
	l.mu.Lock()
	for _, e := range events {
		delete(l.pending, e)
	}
	l.mu.Unlock()
	l.unreserve(userIDs(events))
}
