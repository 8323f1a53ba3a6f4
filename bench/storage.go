package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"time"
)

// storedRows are a box with 100 tubes, freezers with 20, 20,000 and 100,000 containers, and an empty freezer.
var storedRows = []string{
	`INSERT INTO site (id, name) VALUES (1, 'Bench')`,
	`INSERT INTO freezer (id, name, site_id) SELECT n, 'Freezer ' || n, 1 FROM generate_series(1, 5) AS n`,
	`INSERT INTO container (id, description, freezer_id, kind, rows, columns, barcode)
		VALUES (1, 'Box', 1, 'box', 10, 10, 'BOX')`,
	`INSERT INTO container (description, parent_uuid, position, kind, type, owner)
		SELECT 'Mouse serum ' || n, (SELECT uuid FROM container WHERE id = 1),
			position_label('10x10 A1', 1 + n / 10, 1 + n % 10), 'tube', 'serum', NULL
		FROM generate_series(0, 99) AS n`,
	`INSERT INTO container (description, freezer_id, kind, type)
		SELECT 'Mouse plasma ' || n, 2, 'tube', 'plasma' FROM generate_series(1, 100) AS n`,
	// Shelves, racks, boxes and tubes: 1, 1, 1 and 17 in freezer 3; 4, 20, 480 and 19,680 in freezer 4.
	`INSERT INTO container (description, freezer_id, kind, capacity, barcode)
		SELECT 'Shelf ' || n, freezer, 'shelf', 10, 'S' || freezer || '-' || n
		FROM (VALUES (3, 1), (4, 4)) AS sizes (freezer, shelves), generate_series(1, shelves) AS n`,
	`INSERT INTO container (description, parent_uuid, kind, rows, columns, barcode)
		SELECT 'Rack ' || n, shelf.uuid, 'rack', 5, 5, shelf.barcode || '-' || n
		FROM container AS shelf, generate_series(1, CASE freezer_id WHEN 3 THEN 1 ELSE 5 END) AS n
		WHERE shelf.kind = 'shelf'`,
	`INSERT INTO container (description, parent_uuid, position, kind, rows, columns, barcode)
		SELECT 'Box ' || n, rack.uuid, position_label('5x5 A1', 1 + n / 5, 1 + n % 5), 'box', 7, 6,
			rack.barcode || '-' || n
		FROM container AS rack, generate_series(0, CASE freezer_id WHEN 3 THEN 0 ELSE 23 END) AS n
		WHERE rack.kind = 'rack'`,
	`INSERT INTO container (description, parent_uuid, position, kind)
		SELECT 'Tube ' || n, box.uuid, position_label('7x6 A1', 1 + n / 6, 1 + n % 6), 'tube'
		FROM container AS box, generate_series(0, CASE freezer_id WHEN 3 THEN 16 ELSE 40 END) AS n
		WHERE box.barcode LIKE 'S%'
		  AND box.kind = 'box'`,
	`INSERT INTO container (description, freezer_id, kind)
		SELECT 'Mouse serum ' || n, 5, 'tube' FROM generate_series(1, 100000) AS n`,
	`INSERT INTO freezer (id, name, site_id) VALUES (6, 'Spare', 1)`,
	`VACUUM ANALYZE`,
}

// freezerPage are the requests of the app for the page of a freezer.
var freezerPage = []string{
	"/api/v1/freezers/%d",
	"/api/v1/freezers/%d/map",
	"/api/v1/occupancy?freezer_id=%d&container_uuid__empty=true&limit=1",
	"/api/v1/containers?freezer_id=%d&limit=1&count=exact",
	"/api/v1/todos?freezer_id=%d&limit=1&count=exact",
	"/api/v1/attachments?freezer_id=%d&limit=1&count=exact",
	"/api/v1/stocktakes?freezer_id=%d&container_uuid__empty=true&sort=-id&limit=1",
}

// benchStorage measures maps, the page of a freezer, an evacuation, labels and a stock-take.
func benchStorage(ctx context.Context, env environment) error {
	for _, statement := range storedRows {
		if _, err := env.pool.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%.60s: %w", statement, err)
		}
	}
	addr, err := startHTTP(newAPI(env, slog.LevelError))
	if err != nil {
		return err
	}
	var box string
	if err := env.pool.QueryRow(ctx, "SELECT uuid::text FROM container WHERE id = 1").Scan(&box); err != nil {
		return err
	}
	fmt.Printf("\nTime of storage, relative to other reads: median of %d interleaved rounds (min to max)\n", rounds)
	printTimes("map of a box of 100 / page of 100 rows",
		addr, []string{"/api/v1/containers/" + box + "/contents"}, []string{"/api/v1/containers?freezer_id=2&limit=100"})
	printTimes("freezer of 20,000 / freezer of 20", addr, pageOf(4), pageOf(3))
	for i, path := range freezerPage {
		printTimes("    "+path, addr, pageOf(4)[i:i+1], pageOf(3)[i:i+1])
	}
	return printStorageWrites(ctx, env, addr)
}

func pageOf(freezer int) (paths []string) {
	for _, path := range freezerPage {
		paths = append(paths, fmt.Sprintf(path, freezer))
	}
	return paths
}

// printTimes prints how long requests take relative to others.
func printTimes(name, addr string, paths, others []string) {
	total := func(paths []string) (sum time.Duration) {
		for _, path := range paths {
			sum += medianPageTime(addr, path)
		}
		return sum
	}
	var ratios []float64
	for range rounds {
		ratios = append(ratios, ratio(total(paths), total(others)))
	}
	slices.Sort(ratios)
	fmt.Printf("%-100s %8.2f (%.2f to %.2f)\n", name, median(ratios), ratios[0], ratios[len(ratios)-1])
}

// printStorageWrites prints the times of large writes, relative to an UPDATE that moves 100,000 containers in SQL.
func printStorageWrites(ctx context.Context, env environment, addr string) error {
	conn, err := env.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	update, err := timeStatement(ctx, conn.Conn(), 1, "SELECT", "UPDATE container SET freezer_id = 6 WHERE freezer_id = 5")
	conn.Release()
	if err != nil {
		return err
	}
	fmt.Printf("\nTime of writes, relative to an UPDATE of the freezer of 100,000 containers\n")
	fmt.Printf("%-40s %10s %8s %14s\n", "", "ms", "ratio", "memory, MiB")
	fmt.Printf("%-40s %10.0f %8.2f\n", "the UPDATE", milliseconds(update), 1.0)
	var stocktake struct{ ID int64 }
	for _, c := range []struct{ name, method, path, body string }{
		{"labels of 1,000, PDF with QR codes", "GET", "/api/v1/labels?freezer_id=4&kind=tube&id__lt=2100", ""},
		{"start of a stock-take of 20,000", "POST", "/api/v1/stocktakes", `{"freezer_id": 4}`},
		{"a scan", "POST", "/api/v1/stocktakes/%d/scans", `{"code": "S4-1-1-1", "parent": "S4-1-1"}`},
		{"report of the stock-take", "GET", "/api/v1/stocktakes/%d", ""},
		{"close of the stock-take", "POST", "/api/v1/stocktakes/%d/close", "{}"},
		{"evacuation of 100,000, plan", "POST", "/api/v1/freezers/5/evacuate?dry_run=true", `{"to": [{"freezer_id": 6}]}`},
		{"evacuation of 100,000", "POST", "/api/v1/freezers/5/evacuate", `{"to": [{"freezer_id": 6}]}`},
	} {
		path := c.path
		if strings.Contains(path, "%d") {
			path = fmt.Sprintf(path, stocktake.ID)
		}
		took, peak, body, err := timeRequest(addr, c.method, path, c.body)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if c.path == "/api/v1/stocktakes" {
			if err := json.Unmarshal(body, &stocktake); err != nil {
				return err
			}
		}
		fmt.Printf("%-40s %10.0f %8.2f %14.0f\n", c.name, milliseconds(took), ratio(took, update), peak)
	}
	return nil
}

// timeRequest sends a request and returns its time, the most memory of this process meanwhile in MiB, and the body.
func timeRequest(addr, method, path, body string) (took time.Duration, peak float64, response []byte, err error) {
	runtime.GC()
	done, memory := make(chan struct{}), make(chan float64)
	go func() {
		var most float64
		for {
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			most = max(most, float64(stats.HeapAlloc)/(1<<20))
			select {
			case <-done:
				memory <- most
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	start := time.Now()
	request, err := http.NewRequest(method, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		return 0, 0, nil, err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	result, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, 0, nil, err
	}
	defer func() { _ = result.Body.Close() }()
	response, err = io.ReadAll(result.Body)
	took = time.Since(start)
	close(done)
	if err == nil && result.StatusCode >= 300 {
		err = fmt.Errorf("%s: %.300s", result.Status, response)
	}
	return took, <-memory, response, err
}
