package pgtest

import (
	"testing"
	"time"
)

// WaitTimeout bounds everything that a test waits for.
const WaitTimeout = time.Minute

// WaitFor waits until condition returns true. It must be called from the goroutine of the test.
func WaitFor(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for start := time.Now(); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > WaitTimeout {
			t.Fatalf("timeout while waiting for %s", what)
		}
	}
}
