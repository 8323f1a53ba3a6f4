package ledger

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"labledger/db"
)

// This file coalesces: events that arrive while others are being recorded wait, and the next pass takes all of them. A lone event waits for
// nothing. Workers start when there is work and end when there is none.

// A call is a request that waits to be recorded. Whoever closes done has filled in the rest.
type call struct {
	Request
	done     chan struct{}
	recorded Recorded
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
	slices.SortStableFunc(pass, func(a, b *call) int { return compare(a.UserID, b.UserID) })
	l.hold(users(pass))
	return pass
}

func compare(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
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

// record records a pass. When the database refuses it as a whole, it goes user by user, so that nobody pays for another one's lock; a user
// for whom even then a lock has to be waited for goes on apart, and is held meanwhile.
func (l *Ledger) record(calls []*call) {
	err := l.pass(context.Background(), calls, lockShort, false)
	var refused *pgconn.PgError
	switch alone := calls[0].UserID == calls[len(calls)-1].UserID; {
	case !errors.As(err, &refused), alone && refused.Code != lockNotAvailable:
		l.finish(calls, err)
	case alone:
		go l.recordPatiently(calls)
	default:
		for len(calls) > 0 {
			n := 1
			for n < len(calls) && calls[n].UserID == calls[0].UserID {
				n++
			}
			l.record(calls[:n:n])
			calls = calls[n:]
		}
	}
}

const lockNotAvailable = "55P03"

// recordPatiently records the calls of one user whom somebody else has locked.
func (l *Ledger) recordPatiently(calls []*call) {
	l.patient <- struct{}{}
	defer func() { <-l.patient }()
	l.finish(calls, l.pass(context.Background(), calls, lockLong, false))
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
