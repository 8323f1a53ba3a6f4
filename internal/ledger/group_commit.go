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

// A call is a request that waits to be recorded. Whoever closes done has filled in the rest.
type call struct {
	RecordRequest
	span     trace.Span // of who waits; may be nil
	done     chan struct{}
	recorded Result
	prior    *db.FindKeysRow // set when the key was used for the same request before
	err      error
}

func (l *Ledger) enqueue(c *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, c)
	l.calls[c] = struct{}{}
	l.startWorker()
}

// leave takes back a call that no pass has taken yet.
func (l *Ledger) leave(c *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.waiting, c); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
		delete(l.calls, c)
		close(c.done)
	}
}

// holdInTurn holds users for a batch, so that single events of theirs wait here rather than in the database. Those that are here already go
// first: batches that follow on one another must not keep an event from its turn.
func (l *Ledger) holdInTurn(ctx context.Context, ids []int64) error {
	l.mu.Lock()
	var before []*call
	for c := range l.calls {
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
	l.hold(ids)
	return nil
}

// startWorker starts a worker if one may help. The mutex is held.
func (l *Ledger) startWorker() {
	if l.workers < maxWorkers && len(l.waiting) > 0 {
		l.workers++
		go l.work()
	}
}

func (l *Ledger) work() {
	for {
		calls := l.take()
		if calls == nil {
			return
		}
		l.record(calls)
	}
}

// take takes the next pass: what waits, in the order of arrival, but for users whom another pass holds. Without any, the worker ends.
func (l *Ledger) take() []*call {
	l.mu.Lock()
	defer l.mu.Unlock()
	var pass []*call
	rest := l.waiting[:0]
	for _, c := range l.waiting {
		if len(pass) == maxPass || l.busy[c.UserID] > 0 {
			rest = append(rest, c)
			continue
		}
		pass = append(pass, c)
	}
	clear(l.waiting[len(rest):])
	l.waiting = rest
	if pass == nil {
		l.workers--
		return nil
	}
	slices.SortStableFunc(pass, func(a, b *call) int { return cmp.Compare(a.UserID, b.UserID) })
	l.hold(users(pass))
	return pass
}

// users are the different users of calls that are sorted by them.
func users(sorted []*call) []int64 {
	ids := make([]int64, 0, len(sorted))
	for i, c := range sorted {
		if i == 0 || c.UserID != sorted[i-1].UserID {
			ids = append(ids, c.UserID)
		}
	}
	return ids
}

// hold keeps further passes of this process away from users. The mutex is held.
func (l *Ledger) hold(ids []int64) {
	for _, id := range ids {
		l.busy[id]++
	}
}

// release lets others have the users again.
func (l *Ledger) release(ids []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		if l.busy[id]--; l.busy[id] == 0 {
			delete(l.busy, id)
		}
	}
	l.startWorker()
}

// record records a pass. When it waits in vain for users whom somebody else has locked, those go on apart, and are held meanwhile, and the
// others go on at once: nobody pays for another one's lock. When the database refuses it for another reason, it goes user by user.
func (l *Ledger) record(calls []*call) {
	err := l.pass(home(calls), calls, lockShort, false)
	var refused *pgconn.PgError
	waited := errors.As(err, &refused) && refused.Code == lockNotAvailable
	switch alone := calls[0].UserID == calls[len(calls)-1].UserID; {
	case alone && waited:
		go l.recordPatiently(calls)
	case alone || refused == nil:
		l.finish(calls, err)
	default:
		locked := map[int64]bool{}
		if waited {
			locked = l.locked(users(calls))
		}
		var free []*call
		for len(calls) > 0 {
			n := 1
			for n < len(calls) && calls[n].UserID == calls[0].UserID {
				n++
			}
			switch ofUser := calls[:n:n]; {
			case locked[calls[0].UserID]:
				go l.recordPatiently(ofUser)
			case len(locked) > 0:
				free = append(free, ofUser...)
			default:
				l.record(ofUser)
			}
			calls = calls[n:]
		}
		if len(free) > 0 {
			l.record(free)
		}
	}
}

// locked tells which users somebody else has locked right now: one round trip, without waiting.
func (l *Ledger) locked(ids []int64) map[int64]bool {
	ctx, cancel := context.WithTimeout(context.Background(), passTime)
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

// recordPatiently records the calls of one user whom somebody else has locked.
func (l *Ledger) recordPatiently(calls []*call) {
	l.patient <- struct{}{}
	defer func() { <-l.patient }()
	l.finish(calls, l.pass(home(calls), calls, lockLong, false))
}

// finish hands out the results of a pass and lets go of its users. err is that of the whole pass.
func (l *Ledger) finish(calls []*call, err error) {
	for _, c := range calls {
		if err != nil {
			c.err = err
		}
		close(c.done)
	}
	l.mu.Lock()
	for _, c := range calls {
		delete(l.calls, c)
	}
	l.mu.Unlock()
	l.release(users(calls))
}
