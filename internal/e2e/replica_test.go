package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"labledger/internal/pgtest"
)

// Lists come from the replica, single rows and writes from the primary. Here the two are databases with different rows.
func TestReplica_servesLists(t *testing.T) {
	t.Parallel()
	primary, replica := pgtest.Database(t), pgtest.Database(t)
	for name, database := range map[string]string{"of the primary": primary, "of the replica": replica} {
		mustRun(t, []string{"DATABASE_URL=" + database}, "", "migrate", "up")
		execScript(t, database, "INSERT INTO site (id, name) VALUES (1, '"+name+"')")
	}
	s := startServer(t, "DATABASE_URL="+primary, "READ_DATABASE_URL="+replica)
	for path, name := range map[string]string{
		"/sites": "replica", "/sites/": "replica", "/sites/0/10": "replica",
		"/api/v1/sites?name=of%20the%20replica": "replica",
		"/site/1":                               "primary", "/api/v1/sites/1": "primary",
	} {
		assertContains(t, s.Get(path, http.StatusOK), "of the "+name)
	}
	// Transactions of other tests hold back the change feed.
	s.WaitFor("the change feed", func() bool {
		return strings.Contains(s.Get("/api/v1/changes", http.StatusOK), "of the replica")
	})
	s.Send(http.MethodPost, "/site/2", siteJSON("written"), http.StatusOK)
	assertContains(t, s.Get("/site/2", http.StatusOK), "written")
	if strings.Contains(s.Get("/sites", http.StatusOK), "written") {
		t.Error("a write went to the replica, or a list came from the primary")
	}
}

// Without a working replica, lists come from the primary.
func TestReplica_fallsBackToPrimary(t *testing.T) {
	t.Parallel()
	primary := pgtest.Database(t)
	s := startServer(t, "DATABASE_URL="+primary, "READ_DATABASE_URL=postgres://user@"+closedAddress+"/lab")
	s.Send(http.MethodPost, "/site/1", siteJSON("alive"), http.StatusOK)
	assertContains(t, s.Get("/sites", http.StatusOK), "alive")

	// The replica stops while the server uses it.
	replica := pgtest.NewCluster(t)
	mustRun(t, []string{"DATABASE_URL=" + replica.URL()}, "", "migrate", "up")
	s = startServer(t, "DATABASE_URL="+primary, "READ_DATABASE_URL="+replica.URL())
	assertEqual(t, "/sites of the empty replica", s.Get("/sites", http.StatusOK), "[]\n")
	ctx, cancel := context.WithTimeout(t.Context(), waitTimeout)
	defer cancel()
	if err := replica.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		assertContains(t, s.Get("/sites", http.StatusOK), "alive")
	}

	// The replica has no schema.
	s = startServer(t, "DATABASE_URL="+primary, "READ_DATABASE_URL="+pgtest.Database(t))
	assertContains(t, s.Get("/sites", http.StatusOK), "alive")
}
