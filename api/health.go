package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/jackc/pgx/v5/pgconn"

	"labledger/db"
	"labledger/internal/media"
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
	// Each part that was checked: "ok", or what is wrong with it. A server whose replica is down, whose folder of files is full or whose
	// database is newer still works, so it is ready; what is wrong is told all the same.
	Checks map[string]string `json:"checks"`
}

func (r Readiness) status() int {
	if r.Status == "ready" {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}

// ShowReadiness tells whether the server can work: whether it goes on running, and whether the database answers, has our schema, and takes writes.
// Beside that it tells how the folder of uploaded files and the replica are, where there are such.
func ShowReadiness(*db.Queries, context.Context, None) (Readiness, error) {
	panic("api: readiness is more than the database's")
}

// A readiness is what is checked.
type readiness struct {
	schema   uint         // version that the program needs; 0 for any
	media    *media.Store // nil when there is none
	replica  *replica     // nil when there is none
	draining func() bool  // nil for never
}

func (c *readiness) showing() endpoint {
	e := function(c.show, (*db.Queries).CheckDatabase)
	e.calls[0] = ShowReadiness
	return e
}

func (c *readiness) show(q *db.Queries, ctx context.Context, _ None) (Readiness, error) {
	if c.draining != nil && c.draining() {
		return Readiness{"not ready", map[string]string{"server": "stopping: requests under way may finish, new ones should go elsewhere"}}, nil
	}
	r := Readiness{"ready", map[string]string{}}
	if !c.checkDatabase(q, ctx, r.Checks) {
		r.Status = "not ready"
	}
	if c.media != nil {
		r.Checks["media"] = ok(c.media.CheckWritable())
	}
	if c.replica != nil {
		r.Checks["replica"] = c.replica.state(ctx)
	}
	return r, nil
}

func ok(err error) string {
	if err != nil {
		return err.Error()
	}
	return "ok"
}

// checkDatabase fills in what it finds, and reports whether the server can work with it.
func (c *readiness) checkDatabase(q *db.Queries, ctx context.Context, checks map[string]string) (ready bool) {
	found, err := q.CheckDatabase(ctx)
	var refused *pgconn.PgError
	checks["database"] = "ok"
	switch {
	case err == errNoRow, errors.As(err, &refused) && refused.Code == "42P01": // no such table
		checks["schema"] = "missing: run labledger migrate up"
		return false
	case errors.As(err, &refused) && refused.Code == "42501":
		checks["schema"] = "unknown: the role of DATABASE_URL may not read schema_migrations"
		return false
	case err != nil:
		checks["database"] = "cannot be reached"
		return false
	}
	ready, checks["schema"] = c.compare(found)
	checks["writable"] = "ok"
	if !found.Writable {
		checks["writable"] = "the database takes no writes: it is a standby"
	}
	return ready && found.Writable
}

// compare says whether the schema is the one that the program needs. With a newer one it works on: otherwise the first of several servers to be
// replaced by a newer version, which migrates, would take all others out of service before it serves itself.
func (c *readiness) compare(found db.CheckDatabaseRow) (fit bool, state string) {
	at, need := max(found.SchemaVersion, 0), int64(c.schema)
	switch {
	case found.SchemaDirty:
		return false, fmt.Sprintf("broken off at %d: run labledger migrate up", at)
	case need == 0 || at == need:
		return true, "ok"
	case at < need:
		return false, fmt.Sprintf("too old: the database is at %d, this program needs %d; run labledger migrate up", at, need)
	}
	return true, fmt.Sprintf("newer: the database is at %d, this program knows %d; run a newer labledger", at, need)
}
