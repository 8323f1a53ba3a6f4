package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// A statementCounter counts the statements of connections.
type statementCounter struct{ atomic.Int64 }

func (c *statementCounter) TraceQueryStart(
	ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData,
) context.Context {
	c.Add(1)
	return ctx
}

func (c *statementCounter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (c *statementCounter) TraceBatchStart(
	ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData,
) context.Context {
	return ctx
}

func (c *statementCounter) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {
	c.Add(1)
}

func (c *statementCounter) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// TestImport_namesInOneStatement: an import of 10,000 lines that name 300 freezers runs few statements. So does one
// whose names are unknown.
func TestImport_namesInOneStatement(t *testing.T) {
	t.Parallel()
	owner := pgtest.Pool(t)
	pgtest.Exec(t, owner,
		"INSERT INTO freezer (name, site_id) SELECT 'Freezer ' || n, 1 FROM generate_series(1, 300) AS n")
	config := owner.Config()
	var statements statementCounter
	config.ConnConfig.Tracer = &statements
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	h := apitest.NewPublic(pool)
	for prefix, want := range map[string]int{"freezer": http.StatusOK, "fridge": http.StatusBadRequest} {
		var body strings.Builder
		body.WriteString("description,freezer\n")
		for i := range 10_000 {
			fmt.Fprintf(&body, "Box %d,%s %d\n", i, prefix, 1+i%300)
		}
		statements.Store(0)
		w := apitest.Do(h, "POST", "/api/v1/containers", body.String(), "Content-Type: "+rest.MediaTypeCSV)
		if w.Code != want {
			t.Errorf("%s: %d %.300s", prefix, w.Code, w.Body)
		}
		if n := statements.Load(); n < 4 || n > 20 {
			t.Errorf("%s: %d statements, want at most 20", prefix, n)
		}
	}
	if n := pgtest.QueryValue[int](t, owner, "SELECT count(DISTINCT freezer_id) FROM container"); n != 300 {
		t.Errorf("the containers are in %d freezers, want 300", n)
	}
}

// TestReferences_authorization: a caller without permission does not learn which names exist. One with permission gets
// the first response for a repeated request.
func TestReferences_authorization(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	viewer, operator := ts.SignIn("vera", rest.Viewer), ts.SignIn("oscar", rest.Operator)
	for _, site := range []string{"Site 1", "Nowhere"} {
		body := fmt.Sprintf(`{"name": "x", "site": %q}`, site)
		if w := ts.Send(viewer, "POST", "/api/v1/freezers", body); w.Code != http.StatusForbidden {
			t.Errorf("viewer, %s: %d %s", site, w.Code, w.Body)
		}
	}
	const key = "Idempotency-Key: k"
	first := ts.Send(operator, "POST", "/api/v1/freezers", `{"name": "x", "site": "Site 1"}`, key)
	ts.Exec("UPDATE site SET name = 'Renamed' WHERE id = 1")
	second := ts.Send(operator, "POST", "/api/v1/freezers", `{"name": "x", "site": "Site 1"}`, key)
	if first.Code != http.StatusCreated || second.Body.String() != first.Body.String() {
		t.Errorf("first %d %s, repeated %d %s", first.Code, first.Body, second.Code, second.Body)
	}
	const history = "SELECT count(*) FROM change WHERE actor = 'oscar' AND table_name = 'freezer'"
	if n := apitest.Value[int](ts, history); n != 1 {
		t.Errorf("%d changes by the caller, want 1", n)
	}
	third := ts.Send(operator, "POST", "/api/v1/freezers", `{"name": "x", "site": "Site 1"}`)
	if third.Code != http.StatusBadRequest {
		t.Errorf("unknown name: %d %s", third.Code, third.Body)
	}
}
