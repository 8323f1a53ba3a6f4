package dbtx_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/db"
	"labledger/internal/dbtx"
	"labledger/internal/pgtest"
	"labledger/schema"
)

func TestMain(m *testing.M) {
	pgtest.Main(m, schema.Files, func(_ context.Context, url string) error {
		_, err := pgtest.Value(url, schema.MockData)
		return err
	})
}

// rowCounter counts rows.
type rowCounter int

func (n *rowCounter) WriteRow([]pgconn.FieldDescription, [][]byte) error {
	*n++
	return nil
}

// failingCheck adds a statement that fails, because the session does not exist. If ignored, the query function hides
// the error.
func failingCheck(p *dbtx.Pipeline, ignored bool) {
	p.Add(func(q *db.Queries) error {
		_, err := q.AuthorizeSession(context.Background(), db.AuthorizeSessionParams{
			SessionID: uuid.New(), AccountID: 1, RequiredRole: "viewer",
		})
		if ignored {
			return nil
		}
		return err
	})
}

func createSite(p *dbtx.Pipeline, dst dbtx.RowWriter) {
	p.AddRaw(func(q *db.Queries) error {
		_, err := q.CreateSite(context.Background(), db.CreateSiteParams{Name: "new"})
		return err
	}, dst)
}

// TestPipeline_error: Postgres skips the statements after one that fails, and Run returns its error, even if the query
// function hides it.
func TestPipeline_error(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	for _, ignored := range []bool{false, true} {
		var p dbtx.Pipeline
		var rows rowCounter
		createSite(&p, &rows)
		failingCheck(&p, ignored)
		createSite(&p, &rows)
		var pgErr *pgconn.PgError
		if err := p.Run(t.Context(), pool); !errors.As(err, &pgErr) || pgErr.Code != "LL401" {
			t.Errorf("hidden: %v: %v, want SQLSTATE LL401", ignored, err)
		}
		if rows != 1 {
			t.Errorf("hidden: %v: %d rows, want that of the statement before", ignored, rows)
		}
		if n := pgtest.QueryValue[int](t, pool, "SELECT count(*) FROM site WHERE name = 'new'"); n != 0 {
			t.Errorf("hidden: %v: %d sites were created", ignored, n)
		}
	}
}

// TestPipeline: the statements run in one transaction, and the functions store their results.
func TestPipeline(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	var p dbtx.Pipeline
	var rows rowCounter
	var first, second db.Site
	for _, row := range []*db.Site{&first, &second} {
		p.Add(func(q *db.Queries) (err error) {
			*row, err = q.CreateSite(context.Background(), db.CreateSiteParams{Name: "new"})
			return err
		})
	}
	createSite(&p, &rows)
	if err := p.Run(t.Context(), pool); err != nil || second.ID != first.ID+1 || rows != 1 {
		t.Errorf("%v, %+v, %+v, %d rows", err, first, second, rows)
	}
	const transactions = "SELECT count(DISTINCT xid) FROM change WHERE table_name = 'site' AND after ->> 'name' = 'new'"
	if n := pgtest.QueryValue[int](t, pool, transactions); n != 1 {
		t.Errorf("%d transactions, want 1", n)
	}
}

// TestPipeline_noRows: a query for one row without a row returns pgx.ErrNoRows.
func TestPipeline_noRows(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	var p dbtx.Pipeline
	var rows rowCounter
	p.AddRaw(func(q *db.Queries) error {
		_, err := q.GetSite(context.Background(), db.GetSiteParams{ID: -1})
		return err
	}, &rows)
	if err := p.Run(t.Context(), pool); !errors.Is(err, pgx.ErrNoRows) || rows != 0 {
		t.Errorf("%v, %d rows", err, rows)
	}
}
