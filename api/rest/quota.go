package rest

import (
	"sync"

	"labledger/api/problem"
)

// A Quota limits what may be open at once: in total, and for each account, so that no account takes all of it. Anonymous
// callers have no account and share the total.
type Quota struct {
	what       string // plural noun, for messages
	total      int
	perAccount int

	mu     sync.Mutex
	inUse  int
	shares map[int64]int // in use, by account
}

// NewQuota returns a quota. what is a plural noun, such as "streams".
func NewQuota(what string, total, perAccount int) *Quota {
	return &Quota{what: what, total: total, perAccount: perAccount, shares: map[int64]int{}}
}

// Acquire takes one for a caller. It returns a 429 problem if the account of the caller has its share, and a 503 problem
// if all are in use.
func (q *Quota) Acquire(caller *Caller) (release func(), err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	account := caller.AccountID
	switch {
	case account != NoAccount && q.shares[account] == q.perAccount:
		return nil, problem.New(problem.TooManyOpen,
			"Your account has %d open %s, which is the maximum. End one of them first.", q.perAccount, q.what).
			WithHeader("Retry-After", "5")
	case q.inUse == q.total:
		return nil, problem.Unavailable(problem.Overloaded, "Too many "+q.what+" are open. Try again later.", nil)
	}
	q.inUse++
	if account != NoAccount {
		q.shares[account]++
	}
	return func() { q.release(account) }, nil
}

// InUse returns how many are open.
func (q *Quota) InUse() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.inUse
}

func (q *Quota) release(account int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.inUse--
	if account == NoAccount {
		return
	}
	if q.shares[account]--; q.shares[account] == 0 {
		delete(q.shares, account)
	}
}
