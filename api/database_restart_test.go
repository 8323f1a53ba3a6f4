package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"

	"labledger/internal/apitest"
	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/embedded"
)

// TestDatabaseRestart stops and restarts the database. Requests get 503 with Retry-After meanwhile, and succeed
// afterwards without a restart of the API.
func TestDatabaseRestart(t *testing.T) {
	t.Parallel()
	dir := pgtest.StateDir(t)
	cluster := startPostgres(t, dir)
	if err := apitest.MigrateAndSeed(t.Context(), cluster.URL()); err != nil {
		t.Fatal(err)
	}
	pool, err := postgres.Open(t.Context(), cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	h := apitest.NewPublic(pool)
	if resp := apitest.Do(h, "GET", "/readyz", ""); resp.Code != http.StatusOK {
		t.Fatalf("readyz before the stop: %d %s", resp.Code, resp.Body)
	}

	if err := cluster.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first round uses connections that have just been closed, the second has none
		for _, r := range [][3]string{
			{"GET", "/site/1", ""},
			{"GET", "/sites", ""},
			{"PATCH", "/site/1", `{"name":"x"}`},
			{"DELETE", "/container/123e4567-e89b-12d3-a456-426614174000", ""},
			{"POST", "/api/v1/sites", `[{"name":"x","contact":null,"address":null,"state_or_region":null,"country":null,
				"postcode_or_zip":null}]`},
			{"PATCH", "/site/1?dry_run=true", `{"name":"x"}`},
			{"GET", "/readyz", ""},
		} {
			resp := apitest.Do(h, r[0], r[1], r[2])
			if resp.Code != http.StatusServiceUnavailable || resp.Header().Get("Retry-After") == "" {
				t.Errorf("%s %s without a database: %d %s", r[0], r[1], resp.Code, resp.Body)
			}
		}
	}
	resp := apitest.Do(h, "GET", "/healthcheck", "")
	if resp.Code != http.StatusOK || resp.Body.String() != "{\"status\":\"healthy\"}\n" {
		t.Errorf("healthcheck without a database: %d %s", resp.Code, resp.Body)
	}

	startPostgres(t, dir)
	pgtest.WaitFor(t, "requests to succeed after the restart", func() bool {
		return apitest.Do(h, "GET", "/site/1", "").Code == http.StatusOK
	})
}

// startPostgres starts a Postgres on a state directory. It is stopped when the test ends, or before.
func startPostgres(t *testing.T, dir string) *embedded.Cluster {
	t.Helper()
	cluster, err := embedded.StartDisposable(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return cluster
}
