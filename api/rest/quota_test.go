package rest

import (
	"errors"
	"net/http"
	"testing"

	"labledger/api/problem"
)

// TestQuota: an account gets its share and no more, all accounts together get the total, and what is released is free
// again.
func TestQuota(t *testing.T) {
	t.Parallel()
	q := NewQuota("streams", 5, 2)
	ada, bob, anonymous := &Caller{AccountID: 1}, &Caller{AccountID: 2}, &Caller{AccountID: NoAccount}
	acquire := func(caller *Caller, want int) func() {
		t.Helper()
		release, err := q.Acquire(caller)
		var p *problem.Problem
		got := http.StatusOK
		if errors.As(err, &p) {
			got = p.Status
			if p.Header.Get("Retry-After") == "" {
				t.Errorf("%d without Retry-After", got)
			}
		}
		if got != want {
			t.Fatalf("account %d: got %d, want %d", caller.AccountID, got, want)
		}
		return release
	}
	var releases []func()
	for _, caller := range []*Caller{ada, ada} {
		releases = append(releases, acquire(caller, http.StatusOK))
	}
	acquire(ada, http.StatusTooManyRequests)
	for _, caller := range []*Caller{anonymous, anonymous, anonymous} { // more than the share of an account
		releases = append(releases, acquire(caller, http.StatusOK))
	}
	acquire(bob, http.StatusServiceUnavailable)
	acquire(anonymous, http.StatusServiceUnavailable)
	acquire(ada, http.StatusTooManyRequests)
	releases[0]()
	releases[0] = acquire(ada, http.StatusOK)
	for _, release := range releases {
		release()
	}
	if q.inUse != 0 || len(q.shares) != 0 {
		t.Errorf("after all are released: %d in use, shares %v", q.inUse, q.shares)
	}
}
