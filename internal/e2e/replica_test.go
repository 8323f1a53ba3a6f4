package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

// startWithStandby starts a server with a primary and a standby of it. It returns the URL of the standby.
func startWithStandby(t *testing.T) (s *programtest.Server, standby string) {
	t.Helper()
	primary := pgtest.NewCluster(t)
	mustRun(t, []string{"DATABASE_URL=" + primary.URL()}, "", "migrate", "up")
	standby = pgtest.NewStandby(t, primary).URL()
	return startServer(t, "DATABASE_URL="+primary.URL(), "READ_DATABASE_URL="+standby), standby
}

// metric returns the value of a series of /metrics.
func metric(t *testing.T, s *programtest.Server, series string) int {
	t.Helper()
	match := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\d+)$`).
		FindStringSubmatch(s.Get("/metrics", http.StatusOK))
	if match == nil {
		t.Fatalf("/metrics has no %s", series)
	}
	value, err := strconv.Atoi(match[1])
	if err != nil {
		t.Fatal(err)
	}
	return value
}

const (
	replicaReads = `labledger_list_reads_total{database="replica"}`
	primaryReads = `labledger_list_reads_total{database="primary"}`
)

// TestReplica_readsOwnWrites: a list has every change that was acknowledged before, also while the replay of the
// replica stands still.
func TestReplica_readsOwnWrites(t *testing.T) {
	t.Parallel()
	s, standby := startWithStandby(t)
	s.Send(http.MethodPost, "/site/1", siteJSON("first"), http.StatusOK)
	assertContains(t, s.Get("/sites", http.StatusOK), "first")
	assertContains(t, s.Get("/readyz", http.StatusOK), `"replica":"ok"`)

	execScript(t, standby, "SELECT pg_wal_replay_pause()")
	s.WaitFor("the replay to stand still", func() bool {
		return mustValue(t, standby, "SELECT pg_get_wal_replay_pause_state()") == "paused"
	})
	s.Send(http.MethodPost, "/site/2", siteJSON("second"), http.StatusOK)
	if mustValue(t, standby, "SELECT count(*) FROM site") != "1" {
		t.Fatal("the standby replays changes although it is paused")
	}
	skipped := metric(t, s, primaryReads)
	assertContains(t, s.Get("/sites", http.StatusOK), "second")
	assertContains(t, s.Get("/readyz", http.StatusOK), `"replica":"lags by `)
	if metric(t, s, "labledger_replica_lag_bytes") == 0 || metric(t, s, primaryReads) != skipped+1 {
		t.Error("the metrics do not show that the replica lags")
	}

	execScript(t, standby, "SELECT pg_wal_replay_resume()")
	served := metric(t, s, replicaReads)
	s.WaitFor("a list from the replica", func() bool {
		s.Get("/sites", http.StatusOK)
		return metric(t, s, replicaReads) > served
	})
	stale := 0
	for i := range 300 {
		name := fmt.Sprintf("name %d", i)
		s.Send(http.MethodPut, "/site/1", siteJSON(name), http.StatusOK)
		if s.Get("/api/v1/sites?name="+url.QueryEscape(name), http.StatusOK) == "[]\n" {
			stale++
		}
	}
	if stale > 0 {
		t.Errorf("%d of 300 lists lack the write before them", stale)
	}
	if metric(t, s, replicaReads) <= served+1 {
		t.Error("the replica served none of the lists")
	}
}

// TestReplica_servesLists: lists come from the replica, single rows and the feed of changes from the primary.
func TestReplica_servesLists(t *testing.T) {
	t.Parallel()
	s, _ := startWithStandby(t)
	s.Send(http.MethodPost, "/site/1", siteJSON("written"), http.StatusOK)
	for path, fromReplica := range map[string]int{
		"/sites": 1, "/sites/": 1, "/sites/0/10": 1, "/api/v1/sites?name=written": 1,
		"/site/1": 0, "/api/v1/sites/1": 0, "/api/v1/changes": 0,
	} {
		s.WaitFor(path, func() bool { // on a slow machine the replica may lag
			reads := metric(t, s, replicaReads) + metric(t, s, primaryReads)
			served := metric(t, s, replicaReads)
			assertContains(t, s.Get(path, http.StatusOK), "written")
			if got := metric(t, s, replicaReads) + metric(t, s, primaryReads) - reads; got != fromReplica {
				t.Fatalf("%s: %d lists, want %d", path, got, fromReplica)
			}
			return metric(t, s, replicaReads)-served == fromReplica
		})
	}
}

// TestReplica_fallsBackToPrimary: without a working replica, lists come from the primary.
func TestReplica_fallsBackToPrimary(t *testing.T) {
	t.Parallel()
	primary := pgtest.NewCluster(t)
	mustRun(t, []string{"DATABASE_URL=" + primary.URL()}, "", "migrate", "up")
	s := startServer(t, "DATABASE_URL="+primary.URL(), "READ_DATABASE_URL=postgres://user@"+closedAddress+"/lab")
	s.Send(http.MethodPost, "/site/1", siteJSON("alive"), http.StatusOK)
	assertContains(t, s.Get("/sites", http.StatusOK), "alive")

	// The replica stops while the server uses it.
	standby := pgtest.NewStandby(t, primary)
	s = startServer(t, "DATABASE_URL="+primary.URL(), "READ_DATABASE_URL="+standby.URL())
	s.WaitFor("a list from the replica", func() bool {
		assertContains(t, s.Get("/sites", http.StatusOK), "alive")
		return metric(t, s, replicaReads) > 0
	})
	ctx, cancel := context.WithTimeout(t.Context(), waitTimeout)
	defer cancel()
	if err := standby.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		assertContains(t, s.Get("/sites", http.StatusOK), "alive")
	}

	// The database is no replica.
	s = startServer(t, "DATABASE_URL="+primary.URL(), "READ_DATABASE_URL="+pgtest.Database(t))
	assertContains(t, s.Get("/sites", http.StatusOK), "alive")
	assertContains(t, s.Get("/readyz", http.StatusOK), `"replica":"is not a replica`)
}
