//go:build timing

package e2e

import (
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"labledger/internal/pgtest"
)

// TestTiming_frozenReplica: a replica that no longer answers delays one list for less than a second, and no other.
func TestTiming_frozenReplica(t *testing.T) {
	primary := pgtest.NewCluster(t)
	mustRun(t, []string{"DATABASE_URL=" + primary.URL()}, "", "migrate", "up")
	standby := pgtest.NewStandby(t, primary)
	s := startServer(t, "DATABASE_URL="+primary.URL(), "READ_DATABASE_URL="+standby.URL())
	s.WaitFor("a list from the replica", func() bool {
		s.Get("/sites", http.StatusOK)
		return metric(t, s, replicaReads) > 0
	})
	postmaster := postmasterPID(t, standby.Dir())
	children, err := exec.Command("pgrep", "-P", strconv.Itoa(postmaster)).Output()
	if err != nil {
		t.Fatal(err)
	}
	pids := []int{postmaster}
	for _, text := range strings.Fields(string(children)) {
		pid, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
	}
	for i, limit := range []time.Duration{time.Second, 100 * time.Millisecond, 100 * time.Millisecond} {
		start := time.Now()
		s.Get("/sites", http.StatusOK)
		if elapsed := time.Since(start); elapsed > limit {
			t.Errorf("list %d took %s, want less than %s", i+1, elapsed, limit)
		}
	}
}
