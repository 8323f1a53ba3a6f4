package api

import (
	"context"
	"net/http"

	"labledger/db"
)

// None are the parameters of a function that takes none.
type None struct{}

// Health says that the process runs.
type Health struct {
	// Always "healthy".
	Status string `json:"status"`
}

// ShowHealth tells that the server runs. It asks nobody else.
func ShowHealth(*db.Queries, context.Context, None) (Health, error) { return Health{"healthy"}, nil }

// Hello greets a program that calls /, and shows it around.
type Hello struct {
	// Always "world".
	Hello string `json:"hello"`
	// The reference page.
	Docs string `json:"docs"`
	// The OpenAPI document.
	OpenAPI string `json:"openapi"`
	// The sites.
	Sites string `json:"sites"`
	// Computers and freezers.
	Instruments string `json:"instruments"`
	// The history of all tables.
	Changes string `json:"changes"`
}

// ShowHello greets whoever calls the bare address, and says where to go on.
func ShowHello(*db.Queries, context.Context, None) (Hello, error) {
	return Hello{"world", "/docs", "/api/v1/openapi.json", "/api/v1/sites", "/api/v1/instruments", "/api/v1/changes"}, nil
}

// Readiness says whether requests should come here, and what was checked.
type Readiness struct {
	// "ready", or "not ready".
	Status string `json:"status"`
	// Each part that was checked: "ok", or what is wrong with it.
	Checks map[string]string `json:"checks"`
}

func (r Readiness) status() int {
	if r.Status == "ready" {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}

// ShowReadiness tells whether the server can work: whether the database answers, has our schema, and takes writes.
func ShowReadiness(q *db.Queries, ctx context.Context, _ None) (Readiness, error) {
	found, err := q.CheckDatabase(ctx)
	checks := map[string]string{"database": "ok", "schema": "ok", "writable": "ok"}
	switch {
	case err == errNoRow:
		checks["schema"] = "missing: run labledger migrate up"
	case err != nil:
		return Readiness{"not ready", map[string]string{"database": "cannot be reached"}}, nil
	case !found.Writable:
		checks["writable"] = "the database takes no writes: it is a standby"
	}
	for _, state := range checks {
		if state != "ok" {
			return Readiness{"not ready", checks}, nil
		}
	}
	return Readiness{"ready", checks}, nil
}
