package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// searchedRows fill the tables that a search reads. The most common words are in 15 to 95 % of the containers.
var searchedRows = []string{
	`SET session_replication_role = replica`, // without triggers, which take most of the time
	`INSERT INTO site (id, name) SELECT n, (ARRAY['Harbour', 'Meadow', 'North', 'Tower', 'Quay'])[1 + n % 5] || ' ' || n
		FROM generate_series(1, 40) AS n`,
	`INSERT INTO freezer (id, name, site_id) SELECT n, 'Minus ' || n % 90 || ' no ' || n, 1 + n % 40
		FROM generate_series(1, 1000) AS n`,
	`INSERT INTO computer (id, name, site_id) SELECT n, 'Bench PC ' || n, 1 + n % 40 FROM generate_series(1, 100000) AS n`,
	`INSERT INTO container (id, description, freezer_id)
		SELECT n, CASE WHEN n % 20 > 0 THEN
				(ARRAY['Mouse', 'Rat', 'Human', 'Yeast', 'Zebrafish'])[1 + n * 7907::bigint % 5] || ' '
				|| (ARRAY['serum', 'plasma', 'liver', 'DNA', 'RNA', 'tissue', 'buffer'])[1 + n * 7919::bigint % 7]
				|| ' cohort ' || n % 97 || ' box ' || n
			END, 1 + n * 7919::bigint % 1000
		FROM generate_series(1, 1000000) AS n`,
	`INSERT INTO todo (id, description, status) SELECT n, 'Defrost freezer ' || n, 'open'
		FROM generate_series(1, 100000) AS n`,
	`SET session_replication_role = origin`,
	`VACUUM ANALYZE`,
}

// benchSearch measures searches of a million containers, and what the indexes of lists and searches cost writes.
func benchSearch(ctx context.Context, env environment) error {
	conn, err := env.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	for _, statement := range searchedRows {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%.60s: %w", statement, err)
		}
	}
	addr, err := startHTTP(newAPI(env, slog.LevelError))
	if err != nil {
		return err
	}
	var uuid string
	if err := conn.QueryRow(ctx, "SELECT uuid::text FROM container WHERE id = 500000").Scan(&uuid); err != nil {
		return err
	}
	printSearches(addr, "/api/v1/containers/"+uuid)
	return printIndexCosts(ctx, conn.Conn())
}

// printSearches prints the response times of searches, relative to a read by the primary key.
func printSearches(addr, byKey string) {
	fmt.Printf("\nTime of a search of 1,000,000 containers, 100,000 computers and 100,000 todos, relative to GET %s\n",
		"/api/v1/containers/{uuid}")
	fmt.Printf("%-40s %10s %8s\n", "", "ms", "ratio")
	read := medianPageTime(addr, byKey)
	fmt.Printf("%-40s %10.1f %8.1f\n", "the read", milliseconds(read), 1.0)
	for _, text := range []string{
		"mouse", "cohort 12", "box 777777", "mouse serum cohort 12", "mouse liver 777", "zebrafish mouse", "harbour 7",
		"mouse harbour", "mouse serum cohort 12 harbour",
		"Minus 80 no 80", "bench pc 4711", "defrost 4711", "m", "qz", "nothing",
	} {
		t := medianPageTime(addr, "/api/v1/search?q="+url.QueryEscape(text))
		fmt.Printf("%-40s %10.1f %8.1f\n", text, milliseconds(t), ratio(t, read))
	}
}

// indexedInserts are statements that insert 1000 rows, and the indexes for lists and searches of their tables.
var indexedInserts = []struct {
	table, statement string
	indexes          []string
}{
	{
		"container",
		`INSERT INTO container (description, freezer_id)
			SELECT 'Mouse serum cohort ' || n % 97 || ' box ' || n, 1 + n % 1000 FROM generate_series(1, 1000) AS n`,
		[]string{"container_description_id_idx", "container_search_text_idx"},
	},
	{
		"todo",
		`INSERT INTO todo (description, status, due_on)
			SELECT 'Defrost freezer ' || n, 'open', date '2026-01-01' + n FROM generate_series(1, 1000) AS n`,
		[]string{"todo_description_id_idx", "todo_due_on_id_idx", "todo_search_text_idx"},
	},
	{
		"freezer",
		"INSERT INTO freezer (name, site_id) SELECT 'Minus 80 no ' || n, 1 + n % 40 FROM generate_series(1, 1000) AS n",
		[]string{"freezer_name_id_idx", "freezer_search_text_idx"},
	},
}

// printIndexCosts prints how long inserts take with all indexes, relative to inserts without one of them.
func printIndexCosts(ctx context.Context, conn *pgx.Conn) error {
	fmt.Printf("\nTime of inserts with all indexes, relative to inserts without one: ")
	fmt.Printf("median of %d interleaved rounds\n", rounds)
	fmt.Printf("%-40s %8s\n", "without", "ratio")
	for _, insert := range indexedInserts {
		for _, index := range insert.indexes {
			var ratios []float64
			for range rounds {
				with, err := timeStatement(ctx, conn, 5, "SELECT", insert.statement)
				if err != nil {
					return err
				}
				without, err := timeStatement(ctx, conn, 5, "DROP INDEX "+index, insert.statement)
				if err != nil {
					return err
				}
				ratios = append(ratios, ratio(with, without))
			}
			slices.Sort(ratios)
			fmt.Printf("%-40s %8.2f (%.2f to %.2f)\n", index, median(ratios), ratios[0], ratios[len(ratios)-1])
		}
	}
	return nil
}

// timeStatement returns how long a statement takes, run some times after another one. All is rolled back.
func timeStatement(
	ctx context.Context, conn *pgx.Conn, times int, before, statement string,
) (took time.Duration, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, tx.Rollback(ctx)) }()
	if _, err := tx.Exec(ctx, before); err != nil {
		return 0, err
	}
	start := time.Now()
	for range times {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}
