package sse

import (
	"context"
	"testing"

	"labledger/internal/pgtest"
)

// TestListen_wakesAtFirst: an instance that begins to listen is woken, because commits before then are not announced to
// it.
func TestListen_wakesAtFirst(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.listen(ctx, stop)
	}()
	defer func() { <-ended }()
	defer stop()
	pgtest.WaitFor(t, "the wakeup", func() bool { return ctx.Err() != nil })
}
