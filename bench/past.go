package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"
)

// pastRows are 100,000 containers in 10 freezers, with 400,000 former versions: each container was created at a random
// time of a day, and changed at that time on each of the next four days.
var pastRows = []string{
	`ALTER TABLE site DISABLE TRIGGER USER`,
	`ALTER TABLE freezer DISABLE TRIGGER USER`,
	`INSERT INTO site (id, name) VALUES (1, 'Bench')`,
	`INSERT INTO freezer (id, name, site_id) SELECT n, 'Freezer ' || n, 1 FROM generate_series(1, 10) AS n`,
	`ALTER TABLE container DISABLE TRIGGER record_change, DISABLE TRIGGER set_version`,
	`INSERT INTO container (uuid, description, freezer_id, kind, rows, columns)
		SELECT lpad((freezer * 1000 + n)::text, 32, '0')::uuid, 'Box ' || n, freezer, 'box', 10, 10
		FROM generate_series(1, 10) AS freezer, generate_series(1, 100) AS n`,
	`INSERT INTO container (description, parent_uuid, position_row, position_column, kind, type)
		SELECT 'Mouse serum ' || n, box.uuid, 1 + n / 10, 1 + n % 10, 'tube', 'serum'
		FROM container AS box, generate_series(0, 98) AS n
		WHERE kind = 'box'`,
	`ALTER TABLE container DISABLE TRIGGER USER`,
	`UPDATE container
		SET since = now() - interval '1 second' * (id * 7919 % 86400), thaw_count = 4`,
	`INSERT INTO container_past
		SELECT until, (jsonb_populate_record(container, jsonb_build_object('since', until - interval '1 day',
			'thaw_count', nth))).*
		FROM container, generate_series(0, 3) AS nth, LATERAL (SELECT since - interval '1 day' * (3 - nth)) AS at (until)
		ORDER BY until`,
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
	if err := env.pool.QueryRow(ctx, "SELECT max(since) FROM container").Scan(&now); err != nil {
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
