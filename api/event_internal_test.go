package api

import (
	"errors"
	"net/http"
	"testing"

	"labledger/api/problem"
	"labledger/internal/ledger"
)

// TestLedgerProblem_limits: a client may try again when a limit was reached, which is no failure of the server.
func TestLedgerProblem_limits(t *testing.T) {
	t.Parallel()
	for _, limit := range []error{ledger.ErrQueueFull, ledger.ErrBusy} {
		var p *problem.Problem
		if err := ledgerProblem(limit); !errors.As(err, &p) || p.Status != http.StatusServiceUnavailable ||
			p.Header.Get("Retry-After") == "" || p.Cause() != nil {
			t.Errorf("%v: %v", limit, err)
		}
	}
}
