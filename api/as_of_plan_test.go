package api_test

import (
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/relation"
	"labledger/db"
	"labledger/internal/dbtx"
	"labledger/internal/pgtest"
)

// pastContainers are 20,000 containers in 20 boxes each of 10 freezers, with 80,000 former versions: each container was
// created at a random time of a day, and changed at that time on each of the next four days.
var pastContainers = []string{
	`INSERT INTO freezer (id, name, site_id) SELECT n, 'Freezer ' || n, 1 FROM generate_series(11, 20) AS n`,
	`ALTER TABLE container DISABLE TRIGGER record_change, DISABLE TRIGGER set_version`,
	`INSERT INTO container (uuid, description, freezer_id, rows, columns)
		SELECT lpad((freezer * 1000 + n)::text, 32, '0')::uuid, 'Box ' || n, freezer, 10, 10
		FROM generate_series(11, 20) AS freezer, generate_series(1, 20) AS n`,
	`INSERT INTO container (description, parent_uuid, position_row, position_column)
		SELECT 'Tube ' || n, box.uuid, 1 + n / 10, 1 + n % 10
		FROM container AS box, generate_series(0, 98) AS n
		WHERE freezer_id > 10`,
	`UPDATE container SET since = now() - interval '1 second' * (id * 7919 % 86400)`,
	`INSERT INTO container_past
		SELECT until, (jsonb_populate_record(container, jsonb_build_object('since', until - interval '1 day'))).*
		FROM container, generate_series(0, 3) AS nth, LATERAL (SELECT since - interval '1 day' * nth) AS at (until)
		ORDER BY until`,
	`VACUUM ANALYZE`,
}

// plansOfPast returns the plans of reads of the past by name, at a time after nearly all changes and at one before most
// of them.
func plansOfPast(t *testing.T, pool *pgxpool.Pool) map[string]string {
	t.Helper()
	box := uuid.MustParse("00000000-0000-0000-0000-000000012005")
	ctx := context.Background()
	one := map[string]func(q *db.Queries) error{
		"container": func(q *db.Queries) error { _, err := q.GetContainer(ctx, db.GetContainerParams{Uuid: box}); return err },
		"freezer":   func(q *db.Queries) error { _, err := q.GetFreezer(ctx, db.GetFreezerParams{ID: 12}); return err },
		"path": func(q *db.Queries) error {
			_, err := q.GetContainerPath(ctx, db.GetContainerPathParams{Uuid: box})
			return err
		},
		"contents": func(q *db.Queries) error {
			_, err := q.GetContainerContents(ctx, db.GetContainerContentsParams{Uuid: &box})
			return err
		},
		"map": func(q *db.Queries) error { _, err := q.GetFreezerMap(ctx, db.GetFreezerMapParams{ID: 12}); return err },
	}
	list := endpointAt(t, "containers").List()
	plans := map[string]string{}
	for name, at := range map[string]time.Duration{"recent": 15 * time.Minute, "old": 60 * time.Hour} {
		asOf := pgtest.QueryValue[time.Time](t, pool, "SELECT max(since) FROM container").Add(-at).UTC().Format(time.RFC3339Nano)
		statements := map[string]relation.Statement{}
		for noun, query := range one {
			sql, args := dbtx.Capture(query)
			statements[noun] = relation.AsOf(sql, args, asOf)
		}
		for _, query := range []string{"", "sort=-id", "include=freezer", "freezer_id=12", "freezer_id=12&sort=-id"} {
			request := mustParseList(t, list, query)
			request.SetAsOf(asOf)
			statements["containers?"+query] = request.Select(nil, 101, 0)
		}
		for noun, s := range statements {
			var plan string
			rows, err := pool.Query(t.Context(), "EXPLAIN "+s.SQL, append([]any{pgx.QueryExecModeCacheDescribe}, s.Args...)...)
			if err != nil {
				t.Fatal(noun, err)
			}
			var line string
			if _, err := pgx.ForEachRow(rows, []any{&line}, func() error { plan += line + "\n"; return nil }); err != nil {
				t.Fatal(noun, err)
			}
			plans[noun+", "+name] = plan
		}
	}
	return plans
}

// TestAsOf_plans: single rows, maps and the first page of the past read only what they need from tables and indexes.
// Without the indexes of former versions they do not: the negative control.
func TestAsOf_plans(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	for _, sql := range pastContainers {
		pgtest.Exec(t, pool, sql)
	}
	scanRE := regexp.MustCompile(`Seq Scan on (container|container_past)\b`)
	for name, plan := range plansOfPast(t, pool) {
		if scanRE.MatchString(plan) {
			t.Errorf("%s reads a whole table:\n%s", name, plan)
		}
	}
	pgtest.Exec(t, pool, `DROP INDEX container_past_until_idx, container_past_id_since_until_idx,
		container_past_uuid_since_until_idx, container_past_freezer_id_id_since_until_idx,
		container_past_freezer_id_since_until_idx, container_past_parent_uuid_since_until_idx`)
	for name, plan := range plansOfPast(t, pool) {
		if !scanRE.MatchString(plan) && !regexp.MustCompile(`^freezer`).MatchString(name) {
			t.Errorf("%s reads no whole table without the indexes:\n%s", name, plan)
		}
	}
}
