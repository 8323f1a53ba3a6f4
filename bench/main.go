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
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api"
	"labledger/internal/auth"
	"labledger/internal/postgres"
	"labledger/schema"
)

// A benchmark is measurements that share a database.
type benchmark struct {
	name    string
	durable bool // the database syncs what it commits, as in use
	run     func(ctx context.Context, env environment) error
}

// A environment is where a part measures.
type environment struct {
	url  string
	pool *pgxpool.Pool // as the server's
	dir  string        // empty, and gone afterwards
}

var benchmarks = []benchmark{
	{"sites", false, benchSites},
	{"events", true, benchEvents},
	{"batch", true, benchBatch},
}

func main() {
	for _, name := range os.Args[1:] {
		if !slices.ContainsFunc(benchmarks, func(p benchmark) bool { return p.name == name }) {
			fmt.Fprintf(os.Stderr, "bench: there is no part %q. Without arguments it runs all: sites, events, batch\n", name)
			os.Exit(2)
		}
	}
	for _, p := range benchmarks {
		if len(os.Args) > 1 && !slices.Contains(os.Args[1:], p.name) {
			continue
		}
		if err := p.measure(context.Background()); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %s\n", p.name, err)
			os.Exit(1)
		}
	}
}

// measure runs the part on a database of its own.
func (p benchmark) measure(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary folder
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	start := postgres.StartDisposable
	if p.durable {
		start = postgres.Start
	}
	cluster, err := start(ctx, dir, slog.New(slog.DiscardHandler))
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
	return p.run(ctx, environment{cluster.URL(), pool, dir})
}

// benchSites measures reads, and a million rows in and out.
func benchSites(ctx context.Context, env environment) error {
	if err := importExport(ctx, env.url, env.dir); err != nil {
		return err
	}
	addr, err := startHTTP(newAPI(env, slog.LevelError))
	if err != nil {
		return err
	}
	loggingAddr, err := startHTTP(newAPI(env, slog.LevelInfo))
	if err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, env.url)
	if err != nil {
		return err
	}
	defer pool.Close()
	baseAddr, err := startHTTP(nethttpHandler(pool))
	if err != nil {
		return err
	}
	signedIn, err := signIn(ctx, env)
	if err != nil {
		return err
	}
	printReads(addr, loggingAddr, signedIn, baseAddr)
	printPageDepth(addr)
	return nil
}

// signIn makes a viewer, and a server where people must sign in; the viewer has.
func signIn(ctx context.Context, env environment) (target, error) {
	const somebody = `WITH somebody AS (INSERT INTO account (username) VALUES ('bench') RETURNING id)
		INSERT INTO session (account_id, expires_at) SELECT id, 'infinity' FROM somebody RETURNING account_id, id`
	var account int64
	var session uuid.UUID
	if err := env.pool.QueryRow(ctx, somebody).Scan(&account, &session); err != nil {
		return target{}, err
	}
	keys, err := auth.NewKeys(auth.NewSecret())
	if err != nil {
		return target{}, err
	}
	options := api.Options{Pool: env.pool, Log: slog.New(slog.DiscardHandler), AnonymousActor: "bench", Access: api.Access{Keys: keys, AuthRequired: true}}
	address, err := startHTTP(api.New(options))
	return target{address, "Authorization: Bearer " + keys.SignAccessToken(account, session, time.Now()) + "\r\n"}, err
}

// newAPI is what the server serves, with a log of that level.
func newAPI(env environment, level slog.Level) http.Handler {
	logger := slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: level}))
	return api.New(api.Options{Pool: env.pool, Log: logger, AnonymousActor: "bench", Version: "bench"})
}

// startHTTP listens on a free port of loopback and returns its address.
func startHTTP(h http.Handler) (address string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = http.Serve(listener, h) }() // ends with the program
	return listener.Addr().String(), nil
}

// printReads prints how many requests a second ours answers for each one of the floor.
func printReads(addr, loggingAddr string, signedIn target, baseAddr string) {
	fmt.Printf("\nRequests a second against bare net/http + pgx with the same statement: median of %d interleaved rounds (least to most)\n", rounds)
	fmt.Printf("%-36s %11s %8s %8s %20s\n", "", "connections", "ours", "bare", "ours/bare")
	for _, c := range []struct {
		what   string
		server target
		path   string
	}{
		{"/site/1", target{address: addr}, "/site/1"},
		{"/site/1, a log line a request", target{address: loggingAddr}, "/site/1"},
		{"/site/1, signed in", signedIn, "/site/1"},
		{"/sites/0/10", target{address: addr}, "/sites/0/10"},
		{"/api/v1/sites?limit=100", target{address: addr}, "/api/v1/sites?limit=100"},
		{"/api/v1/sites?limit=100, signed in", signedIn, "/api/v1/sites?limit=100"},
		{"/api/v1/sites?limit=1000", target{address: addr}, "/api/v1/sites?limit=1000"},
	} {
		for _, connections := range []int{1, 16} {
			a, b, ratios := compareServers(c.server, target{address: baseAddr}, c.path, connections)
			fmt.Printf("%-36s %11d %8.0f %8.0f %8.2f (%.2f to %.2f)\n", c.what, connections, a, b, median(ratios), ratios[0], ratios[len(ratios)-1])
		}
	}
}

// printPageDepth prints what a page of ten costs, by how deep it lies in a million rows.
func printPageDepth(addr string) {
	fmt.Printf("\nTime of a page of ten in 1,000,000 rows, by depth, against the first page\n")
	fmt.Printf("%-12s %14s %14s\n", "row", "after=", "offset=")
	first := medianPageTime(addr, "/api/v1/sites?limit=10")
	for _, row := range []int{0, 1_000, 100_000, 500_000, 999_900} {
		keyset := medianPageTime(addr, fmt.Sprintf("/api/v1/sites?limit=10&after=%d", row))
		offset := medianPageTime(addr, fmt.Sprintf("/api/v1/sites?limit=10&offset=%d", row))
		fmt.Printf("%-12d %13.1fx %13.1fx\n", row, ratio(keyset, first), ratio(offset, first))
	}
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }
