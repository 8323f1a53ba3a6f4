package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"
)

// pastRows are 100,000 containers in 10 freezers, and 500,000 changes: each container was created five days ago, and
// changed on each of the four days since then.
var pastRows = []string{
	`ALTER TABLE site DISABLE TRIGGER record_change`,
	`ALTER TABLE freezer DISABLE TRIGGER record_change`,
	`ALTER TABLE container DISABLE TRIGGER record_change`,
	`INSERT INTO site (id, name) VALUES (1, 'Bench')`,
	`INSERT INTO freezer (id, name, site_id) SELECT n, 'Freezer ' || n, 1 FROM generate_series(1, 10) AS n`,
	`INSERT INTO container (uuid, description, freezer_id, kind, rows, columns)
		SELECT lpad((freezer * 1000 + n)::text, 32, '0')::uuid, 'Box ' || n, freezer, 'box', 10, 10
		FROM generate_series(1, 10) AS freezer, generate_series(1, 100) AS n`,
	`INSERT INTO container (description, parent_uuid, position_row, position_column, kind, type)
		SELECT 'Mouse serum ' || n, box.uuid, 1 + n / 10, 1 + n % 10, 'tube', 'serum'
		FROM container AS box, generate_series(0, 98) AS n
		WHERE kind = 'box'`,
	`INSERT INTO change (at, actor, table_name, row_key, action, after)
		SELECT now() - interval '6 days', 'bench', name, row ->> 'id', 'insert', row
		FROM (
			SELECT 'site' AS name, to_jsonb(site) AS row FROM site
			UNION ALL
			SELECT 'freezer', to_jsonb(freezer) FROM freezer
		) AS created`,
	`INSERT INTO change (at, actor, table_name, row_key, action, before, after, before_since)
		SELECT
			start + interval '1 day' * nth, 'bench', 'container', uuid::text,
			CASE nth WHEN 0 THEN 'insert' ELSE 'update' END,
			CASE WHEN nth > 0 THEN to_jsonb(container) || jsonb_build_object('thaw_count', nth - 1) END,
			to_jsonb(container) || jsonb_build_object('thaw_count', nth),
			CASE WHEN nth > 0 THEN start + interval '1 day' * (nth - 1) END
		FROM container, generate_series(0, 4) AS nth, LATERAL (
			SELECT now() - interval '5 days' + interval '1 second' * (container.id * 7919 % 86400)
		) AS created (start)`,
	`VACUUM ANALYZE`,
}

// benchPast measures reads of the past, relative to those of the present.
func benchPast(ctx context.Context, env environment) error {
	for _, statement := range pastRows {
		if _, err := env.pool.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%.60s: %w", statement, err)
		}
	}
	addr, err := startHTTP(newAPI(env, slog.LevelError))
	if err != nil {
		return err
	}
	fmt.Printf("\nTime of reads of the past, relative to the present: median of %d interleaved rounds (min to max)\n",
		rounds)
	var now time.Time
	if err := env.pool.QueryRow(ctx, "SELECT max(at) FROM change").Scan(&now); err != nil {
		return err
	}
	const box = "00000000-0000-0000-0000-000000004050"
	for _, read := range []struct{ name, path string }{
		{"a container", "/api/v1/containers/" + box + "?"},
		{"path of a container", "/api/v1/containers/" + box + "/path?"},
		{"map of a box of 99", "/api/v1/containers/" + box + "/contents?"},
		{"page of 100", "/api/v1/containers?limit=100&"},
		{"page of 100 with the names of freezers", "/api/v1/containers?limit=100&include=freezer&"},
		{"last page of 100", "/api/v1/containers?limit=100&sort=-id&"},
		{"page of 100 of a freezer", "/api/v1/containers?limit=100&freezer_id=4&"},
		{"page of 100 sites", "/api/v1/sites?"},
		{"map of a freezer of 10,000", "/api/v1/freezers/4/map?"},
	} {
		for _, past := range []struct {
			name string
			at   time.Time
		}{
			{"after all changes", now.Add(time.Second)},
			{"1 % have changed since", now.Add(-15 * time.Minute)},
			{"all have changed since", now.Add(-60 * time.Hour)},
		} {
			path := read.path + "as_of=" + url.QueryEscape(past.at.Format(time.RFC3339))
			printTimes(read.name+", "+past.name, addr, []string{path}, []string{read.path[:len(read.path)-1]})
		}
	}
	return nil
}
