// Command bench measures the server against minimal implementations of the same work, in one run, and prints ratios.
// The absolute values mean little, because the server, Postgres and the clients share the processors.
//
//	bench [sites] [search] [storage] [undo] [past] [events] [batch] [streams]
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api"
	"labledger/api/authn"
	"labledger/internal/postgres"
	"labledger/internal/postgres/embedded"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

// benchmark is a group of measurements that share a database.
type benchmark struct {
	name    string
	durable bool // the database syncs commits to disk, as in production
	run     func(ctx context.Context, env environment) error
}

// environment is what a benchmark runs on.
type environment struct {
	url  string
	pool *pgxpool.Pool // configured like the server's pool
	dir  string        // temporary directory
	// cluster is the data directory of Postgres.
	cluster string
}

var benchmarks = []benchmark{
	{"sites", false, benchSites},
	{"search", false, benchSearch},
	{"storage", false, benchStorage},
	{"undo", false, benchUndo},
	{"past", false, benchPast},
	{"events", true, benchEvents},
	{"batch", true, benchBatch},
	{"streams", true, benchStreams},
}

func main() {
	postgres.IgnoreEnvironment()
	if len(os.Args) == 2 && os.Args[1] == "serve" { // see process.go
		if err := serve(context.Background()); err != nil {
			fmt.Fprintf(os.Stderr, "bench: serve: %s\n", err)
			os.Exit(1)
		}
		return
	}
	for _, name := range os.Args[1:] {
		if !slices.ContainsFunc(benchmarks, func(b benchmark) bool { return b.name == name }) {
			fmt.Fprintf(os.Stderr,
				"bench: unknown benchmark %q; use sites, search, storage, undo, past, events, batch or streams\n", name)
			os.Exit(2)
		}
	}
	for _, b := range benchmarks {
		if len(os.Args) > 1 && !slices.Contains(os.Args[1:], b.name) {
			continue
		}
		if err := b.measure(context.Background()); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %s\n", b.name, err)
			os.Exit(1)
		}
	}
}

// measure runs the benchmark with its own Postgres cluster.
func (b benchmark) measure(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	start := embedded.StartDisposable
	if b.durable {
		start = embedded.Start
	}
	cluster, err := start(ctx, dir, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { _ = cluster.Stop(ctx) }()
	if _, _, err := migrate.Up(ctx, cluster.URL(), schema.Files); err != nil {
		return err
	}
	pool, err := postgres.Open(ctx, cluster.URL())
	if err != nil {
		return err
	}
	defer pool.Close()
	return b.run(ctx, environment{cluster.URL(), pool, dir, cluster.Dir()})
}

// benchSites measures the import and export of a million rows, and reads of them.
func benchSites(ctx context.Context, env environment) error {
	if err := importExport(ctx, env.url, env.dir); err != nil {
		return err
	}
	return benchReads(ctx, env)
}

// newAPI returns the server's handler with a log of the given level.
func newAPI(env environment, level slog.Level) http.Handler {
	logger := slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: level}))
	return api.New(api.Options{
		Pool: env.pool, Log: logger, Access: authn.Options{AnonymousActor: "bench"}, Version: "bench",
	})
}

// startHTTP serves a handler on a free loopback port until the program exits, and returns the address.
func startHTTP(h http.Handler) (address string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = http.Serve(listener, h) }()
	return listener.Addr().String(), nil
}

// printSignedIn prints the requests per second of signed-in requests, relative to the same requests to a server that
// requires no authentication.
func printSignedIn(without, signedIn target) {
	fmt.Printf("\nRequests per second, relative to the same request without authentication\n")
	fmt.Printf("%-36s %11s %9s %8s %20s\n", "", "connections", "signed in", "without", "signed in/without")
	for _, path := range []string{"/site/1", "/api/v1/sites?limit=100"} {
		for _, connections := range []int{1, 16} {
			a, b, ratios := compareServers(signedIn, without, path, connections)
			fmt.Printf("%-36s %11d %9.0f %8.0f %8.2f (%.2f to %.2f)\n",
				path, connections, a, b, median(ratios), ratios[0], ratios[len(ratios)-1])
		}
	}
}

// printPageDepth prints the response time of a page of ten rows by its position in a million rows.
func printPageDepth(addr string) {
	fmt.Printf("\nTime of a page of 10 of 1,000,000 rows, by position, relative to the first page\n")
	fmt.Printf("%-12s %14s %14s\n", "row", "after=", "offset=")
	first := medianPageTime(addr, "/api/v1/sites?limit=10")
	for _, row := range []int{0, 1_000, 100_000, 500_000, 999_900} {
		keyset := medianPageTime(addr, fmt.Sprintf("/api/v1/sites?limit=10&after=%d", row))
		offset := medianPageTime(addr, fmt.Sprintf("/api/v1/sites?limit=10&offset=%d", row))
		fmt.Printf("%-12d %13.1fx %13.1fx\n", row, ratio(keyset, first), ratio(offset, first))
	}
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }
