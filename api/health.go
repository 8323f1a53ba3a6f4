package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/api/rest"
	"labledger/db"
	"labledger/internal/media"
)

// Health reports that the process runs.
type Health struct {
	// Always "healthy".
	Status string `json:"status"`
}

// ShowHealth reports that the server runs. It does not query the database.
func ShowHealth(context.Context, *rest.Call, rest.NoParams) (Health, error) {
	return Health{"healthy"}, nil
}

// Hello lists where to start.
type Hello struct {
	// Always "world".
	Hello string `json:"hello"`
	// Path of the API reference.
	Docs string `json:"docs"`
	// Path of the OpenAPI document.
	OpenAPI string `json:"openapi"`
	// Path of the sites.
	Sites string `json:"sites"`
	// Path of the computers and freezers.
	Instruments string `json:"instruments"`
	// Path of the history of all tables.
	Changes string `json:"changes"`
}

// ShowHello lists the paths to start from.
func ShowHello(context.Context, *rest.Call, rest.NoParams) (Hello, error) {
	return Hello{"world", "/docs", "/api/v1/openapi.json", "/api/v1/sites", "/api/v1/instruments", "/api/v1/changes"}, nil
}

// Readiness reports whether the server can handle requests, and the result of each check.
type Readiness struct {
	// "ready" or "not ready".
	Status string `json:"status"`
	// Result of each check: "ok", or what is wrong. A server remains ready if only its replica is down, its media
	// directory is full, its stream waits for a long transaction, or the schema is newer than the program.
	Checks map[string]string `json:"checks"`
}

// readiness runs the checks of /readyz.
type readiness struct {
	queries  *db.Queries
	schema   uint          // required schema version; 0 for any
	media    *media.Store  // nil without a media directory
	replica  *rest.Replica // nil without a replica
	draining func() bool   // whether the server is shutting down; nil for never
}

// readinessDoc documents ShowReadiness.
var readinessDoc = rest.Doc{Queries: []any{(*db.Queries).CheckDatabase}}

// ShowReadiness reports whether the server can handle requests: it is not shutting down, and the database is reachable,
// has the required schema and accepts writes. It also reports the state of the stream, of the media directory and of
// the replica.
func (c *readiness) ShowReadiness(ctx context.Context, call *rest.Call, _ rest.NoParams) (Readiness, error) {
	ctx, cancel := context.WithTimeout(ctx, rest.StatementTimeout)
	defer cancel()
	r := c.check(ctx)
	if r.Status != "ready" {
		call.Status = http.StatusServiceUnavailable
		call.Header.Set("Retry-After", "2")
	}
	return r, nil
}

func (c *readiness) check(ctx context.Context) Readiness {
	if c.draining != nil && c.draining() {
		checks := map[string]string{"server": "shutting down: open requests are finished, send new ones to another server"}
		return Readiness{"not ready", checks}
	}
	r := Readiness{"ready", map[string]string{}}
	if c.checkDatabase(ctx, r.Checks) {
		r.Checks["stream"] = c.checkStream(ctx)
	} else {
		r.Status = "not ready"
	}
	if c.media != nil {
		r.Checks["media"] = checkText(c.media.CheckWritable())
	}
	if c.replica != nil {
		r.Checks["replica"] = c.checkReplica(ctx)
	}
	return r
}

// maxStreamDelay is for how long the stream may withhold rows before its check says why.
const maxStreamDelay = 10 * time.Second

// checkStream names the transaction that the stream and the feed of changes wait for, if they have waited long.
func (c *readiness) checkStream(ctx context.Context) string {
	delay, err := c.queries.GetStreamDelay(ctx)
	waits := fmt.Sprintf("withholds rows for %.0f s: waits for ", delay.Seconds)
	switch {
	case err != nil:
		return "unknown: the database is unreachable"
	case delay.Seconds < maxStreamDelay.Seconds():
		return "ok"
	case delay.Pid == 0:
		return waits + "a prepared transaction"
	}
	return waits + fmt.Sprintf("the transaction of process %d (role %s, application %s)",
		delay.Pid, delay.Role, delay.Application)
}

// checkReplica returns the state of the replica, which can be compared only with a primary that works.
func (c *readiness) checkReplica(ctx context.Context) string {
	position, err := c.queries.GetWALPosition(ctx)
	if err != nil {
		return "unknown: the database is unreachable"
	}
	return c.replica.Status(ctx, position)
}

// checkText returns the text of a check's result.
func checkText(err error) string {
	if err != nil {
		return err.Error()
	}
	return "ok"
}

// checkDatabase adds the results for the database to checks. It reports whether the server can work with it.
func (c *readiness) checkDatabase(ctx context.Context, checks map[string]string) (ready bool) {
	row, err := c.queries.CheckDatabase(ctx)
	var pgErr *pgconn.PgError
	checks["database"] = "ok"
	switch {
	case errors.Is(err, pgx.ErrNoRows), errors.As(err, &pgErr) && pgErr.Code == pgerrcode.UndefinedTable:
		checks["schema"] = "missing: run labledger migrate up"
		return false
	case errors.As(err, &pgErr) && pgErr.Code == pgerrcode.InsufficientPrivilege:
		checks["schema"] = "unknown: the role of DATABASE_URL has no permission to read schema_migrations"
		return false
	case err != nil:
		checks["database"] = "unreachable"
		return false
	}
	ready, checks["schema"] = c.checkSchemaVersion(row)
	checks["writable"] = "ok"
	if !row.Writable {
		checks["writable"] = "read-only: the database is a standby"
	}
	return ready && row.Writable
}

// checkSchemaVersion compares the schema with the required version. A newer schema is compatible: during a rolling
// update, the first new instance migrates while the old ones still serve.
func (c *readiness) checkSchemaVersion(row db.CheckDatabaseRow) (compatible bool, status string) {
	actual, required := max(row.SchemaVersion, 0), int64(c.schema)
	switch {
	case row.SchemaDirty:
		return false, fmt.Sprintf("incomplete: the migration to version %d failed; run labledger migrate up", actual)
	case required == 0 || actual == required:
		return true, "ok"
	case actual < required:
		return false, fmt.Sprintf("too old: the database has version %d, this program requires %d; run labledger migrate up",
			actual, required)
	}
	return true, fmt.Sprintf("newer: the database has version %d, this program knows %d; update labledger",
		actual, required)
}
