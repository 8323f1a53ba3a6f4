package schema_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/pgtest"
)

// bigLab has 20,020 containers in five freezers: each has 4 racks with 10 boxes of 99 tubes.
const bigLab = `
	INSERT INTO freezer (id, name, site_id) SELECT n, 'Big', 1 FROM generate_series(10, 14) AS n;
	INSERT INTO container (uuid, description, freezer_id, capacity)
		SELECT lpad(r::text, 32, '0')::uuid, 'Rack ' || r, 10 + r % 5, 20 FROM generate_series(1, 20) AS r;
	INSERT INTO container (uuid, description, parent_uuid, rows, columns)
		SELECT lpad(r * 100 + b || '', 32, '0')::uuid, 'Box ' || b, lpad(r::text, 32, '0')::uuid, 10, 10
		FROM generate_series(1, 20) AS r, generate_series(1, 10) AS b;
	INSERT INTO container (description, parent_uuid, position_row, position_column)
		SELECT 'Tube', lpad(r * 100 + b || '', 32, '0')::uuid, t / 10 + 1, t % 10 + 1
		FROM generate_series(1, 20) AS r, generate_series(1, 10) AS b, generate_series(0, 98) AS t;
	ANALYZE`

var boxOfBigLab = uuid.MustParse("00000000-0000-0000-0000-000000000101")

// A planner explains the statements that it gets.
type planner struct {
	*pgxpool.Pool
	plan string
}

// QueryRow stores the plan of a statement and returns no row.
func (p *planner) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	rows, err := p.Query(ctx, "EXPLAIN "+sql, args...)
	if err != nil {
		return failedRow{err}
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return failedRow{err}
	}
	p.plan = strings.Join(lines, "\n")
	return failedRow{pgx.ErrNoRows}
}

type failedRow struct{ error }

func (r failedRow) Scan(...any) error { return r.error }

// storageQueries are the reads of storage, in a lab with many containers.
var storageQueries = map[string]func(ctx context.Context, q *db.Queries) error{
	"GetContainerContents": func(ctx context.Context, q *db.Queries) error {
		_, err := q.GetContainerContents(ctx, db.GetContainerContentsParams{Uuid: &boxOfBigLab})
		return err
	},
	"GetContainerPath": func(ctx context.Context, q *db.Queries) error {
		_, err := q.GetContainerPath(ctx, db.GetContainerPathParams{Uuid: boxOfBigLab})
		return err
	},
	"GetFreePositions": func(ctx context.Context, q *db.Queries) error {
		_, err := q.GetFreePositions(ctx, db.GetFreePositionsParams{Uuid: boxOfBigLab})
		return err
	},
	"GetFreezerMap": func(ctx context.Context, q *db.Queries) error {
		_, err := q.GetFreezerMap(ctx, db.GetFreezerMapParams{ID: 1})
		return err
	},
	"GetFreezerMap of a big freezer": func(ctx context.Context, q *db.Queries) error {
		_, err := q.GetFreezerMap(ctx, db.GetFreezerMapParams{ID: 10})
		return err
	},
}

// TestStoragePlans: the reads of storage use indexes only. Without the indexes they do not: the negative control.
func TestStoragePlans(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.ExecScript(t, url, withUUIDs(storageLab))
	pgtest.ExecScript(t, url, bigLab)
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	plans := func() map[string]string {
		all := map[string]string{}
		for name, query := range storageQueries {
			p := &planner{Pool: pool}
			if err := query(t.Context(), db.New(p)); err != pgx.ErrNoRows {
				t.Fatalf("%s: %v", name, err)
			}
			all[name] = p.plan
		}
		for name, sql := range map[string]string{
			"occupancy of a freezer":     "SELECT * FROM occupancy WHERE freezer_id = 1",
			"occupancy of a big freezer": "SELECT * FROM occupancy WHERE freezer_id = 10",
			"occupancy of a container":   "SELECT * FROM occupancy WHERE container_uuid = :box",
		} {
			all[name] = strings.Join(queryStrings(t, pool, "EXPLAIN "+withUUIDs(sql)), "\n")
		}
		return all
	}
	const scan = "Seq Scan on container"
	for name, plan := range plans() {
		if strings.Contains(plan, scan) || !strings.Contains(plan, "Index") {
			t.Errorf("%s reads all containers:\n%s", name, plan)
		}
	}
	mustExec(t, pool, `ALTER TABLE container
		DROP CONSTRAINT container_parent_uuid_fkey, DROP CONSTRAINT container_place_unique,
		DROP CONSTRAINT container_position_unique, DROP CONSTRAINT container_uuid_unique CASCADE`)
	mustExec(t, pool, `DROP INDEX container_freezer_id_id_idx, container_freezer_id_parent_uuid_idx,
		container_freezer_id_depth_uuid_idx`)
	for name, plan := range plans() {
		if !strings.Contains(plan, scan) {
			t.Errorf("control: %s has the plan\n%s", name, plan)
		}
	}
}
