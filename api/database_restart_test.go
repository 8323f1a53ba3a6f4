package api_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"labledger/internal/apitest"
	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/embedded"
)

// TestDatabaseRestart stops and restarts the database. Requests get 503 with Retry-After meanwhile, and succeed
// afterwards without a restart of the API.
func TestDatabaseRestart(t *testing.T) {
	ctx := context.Background()
	dir := pgtest.StateDir(t)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	cluster, err := embedded.StartDisposable(ctx, dir, log)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := postgres.Open(ctx, cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := apitest.MigrateAndSeed(ctx, cluster.URL()); err != nil {
		t.Fatal(err)
	}
	h := apitest.NewPublic(pool)
	requests := [][3]string{
		{"GET", "/site/1", ""},
		{"GET", "/sites", ""},
		{"PATCH", "/site/1", `{"name":"x"}`},
		{"DELETE", "/container/123e4567-e89b-12d3-a456-426614174000", ""},
		{"POST", "/api/v1/sites", `[{"name":"x","contact":null,"address":null,"state_or_region":null,"country":null,
			"postcode_or_zip":null}]`},
		{"PATCH", "/site/1?dry_run=true", `{"name":"x"}`},
	}
	if resp := apitest.Do(h, "GET", "/readyz", ""); resp.Code != http.StatusOK {
		t.Fatalf("readyz before the stop: %d %s", resp.Code, resp.Body)
	}
	if err := cluster.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first round uses connections that have just been closed, the second has none
		for _, r := range requests {
			resp := apitest.Do(h, r[0], r[1], r[2])
			if resp.Code != http.StatusServiceUnavailable || resp.Header().Get("Retry-After") == "" {
				t.Errorf("%s %s without a database: %d %s", r[0], r[1], resp.Code, resp.Body)
			}
		}
	}
	resp := apitest.Do(h, "GET", "/readyz", "")
	if resp.Code != http.StatusServiceUnavailable || resp.Header().Get("Retry-After") == "" {
		t.Errorf("readyz without a database: %d %s", resp.Code, resp.Body)
	}
	resp = apitest.Do(h, "GET", "/healthcheck", "")
	if resp.Code != http.StatusOK || resp.Body.String() != "{\"status\":\"healthy\"}\n" {
		t.Errorf("healthcheck without a database: %d %s", resp.Code, resp.Body)
	}
	cluster, err = embedded.StartDisposable(ctx, dir, log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := cluster.Stop(ctx); err != nil {
			t.Error(err)
		}
	}()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if resp := apitest.Do(h, "GET", "/site/1", ""); resp.Code == http.StatusOK {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("no recovery after the restart: %d %s", resp.Code, resp.Body)
		}
	}
}
