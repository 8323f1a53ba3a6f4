// Command bench measures the server side by side with the least that could do the same work, in one run, and prints ratios.
// It must not be read as absolute figures: the machine, Postgres and the clients share the processors.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api"
	"labledger/db/postgres"
	"labledger/schema"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "bench: "+err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary folder
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	quiet := slog.New(slog.DiscardHandler)
	logging := slog.New(slog.NewJSONHandler(io.Discard, nil))
	cluster, err := postgres.StartDisposable(ctx, dir, quiet)
	if err != nil {
		return err
	}
	defer func() { _ = cluster.Stop(ctx) }() // and with the folder it goes
	if _, _, err := postgres.Migrate(ctx, cluster.URL(), schema.Files); err != nil {
		return err
	}
	pool, err := postgres.Open(ctx, cluster.URL())
	if err != nil {
		return err
	}
	defer pool.Close()

	if err := million(ctx, cluster.URL(), dir); err != nil {
		return err
	}
	ours, err := serve(api.New(api.Options{Pool: pool, Log: quiet, Actor: "bench", Version: "bench"}))
	if err != nil {
		return err
	}
	logged, err := serve(api.New(api.Options{Pool: pool, Log: logging, Actor: "bench", Version: "bench"}))
	if err != nil {
		return err
	}
	plain, err := pgxpool.New(ctx, cluster.URL())
	if err != nil {
		return err
	}
	defer plain.Close()
	floor, err := serve(bare(plain))
	if err != nil {
		return err
	}
	compare(ours, logged, floor)
	depth(ours)
	return nil
}

// serve listens on a free port of loopback and returns its address.
func serve(h http.Handler) (address string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = http.Serve(listener, h) }() // ends with the program
	return listener.Addr().String(), nil
}

// compare prints how many requests a second ours answers for each one of the floor.
func compare(ours, logged, floor string) {
	fmt.Printf("\nRequests a second against bare net/http + pgx with the same statement: median of %d interleaved rounds (least to most)\n", rounds)
	fmt.Printf("%-34s %11s %8s %8s %20s\n", "", "connections", "ours", "bare", "ours/bare")
	for _, c := range []struct{ what, server, path string }{
		{"/site/1", ours, "/site/1"},
		{"/site/1, a log line a request", logged, "/site/1"},
		{"/sites/0/10", ours, "/sites/0/10"},
		{"/api/v1/sites?limit=100", ours, "/api/v1/sites?limit=100"},
		{"/api/v1/sites?limit=1000", ours, "/api/v1/sites?limit=1000"},
	} {
		for _, connections := range []int{1, 16} {
			a, b, ratios := race(c.server, floor, c.path, connections)
			fmt.Printf("%-34s %11d %8.0f %8.0f %8.2f (%.2f to %.2f)\n", c.what, connections, a, b, middle(ratios), ratios[0], ratios[len(ratios)-1])
		}
	}
}

// depth prints what a page of ten costs, by how deep it lies in a million rows.
func depth(ours string) {
	fmt.Printf("\nTime of a page of ten in 1,000,000 rows, by depth, against the first page\n")
	fmt.Printf("%-12s %14s %14s\n", "row", "after=", "offset=")
	first := pageTime(ours, "/api/v1/sites?limit=10")
	for _, row := range []int{0, 1_000, 100_000, 500_000, 999_900} {
		keyset := pageTime(ours, fmt.Sprintf("/api/v1/sites?limit=10&after=%d", row))
		offset := pageTime(ours, fmt.Sprintf("/api/v1/sites?limit=10&offset=%d", row))
		fmt.Printf("%-12d %13.1fx %13.1fx\n", row, ratio(keyset, first), ratio(offset, first))
	}
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }
