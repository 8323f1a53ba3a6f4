// Package apitest serves the API in tests: a server on its own database with mock data, the accounts, sessions and
// tokens of its callers, and requests without a network. It must not know what an endpoint answers.
package apitest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api"
	"labledger/api/authn"
	"labledger/internal/auth"
	"labledger/internal/media"
	"labledger/internal/pgtest"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
	"labledger/web"
)

// Main runs the tests of a package like pgtest.Main. The database of each test has the schema and the mock data.
func Main(m *testing.M) { pgtest.Main(m, schema.Files, seed) }

func seed(_ context.Context, url string) error {
	_, err := pgtest.Value(url, schema.MockData)
	return err
}

// MigrateAndSeed prepares a database that is not a clone of the template.
func MigrateAndSeed(ctx context.Context, url string) error {
	if _, _, err := migrate.Up(ctx, url, schema.Files); err != nil {
		return err
	}
	return seed(ctx, url)
}

// A Server is a server that requires authentication, on its own database. Clients without a network have the address
// 192.0.2.1, clients over TCP a loopback address. Both are trusted proxies, so X-Forwarded-For sets the client address.
type Server struct {
	*testing.T
	http.Handler
	Pool       *pgxpool.Pool // connections with the owner's role
	ServerPool *pgxpool.Pool // connections with the server's role
	Secret     string        // the secret from which the signing keys are derived
	Options    api.Options
}

// New returns a server on a new database. Each of adjust changes its options.
func New(t *testing.T, adjust ...func(*api.Options)) *Server {
	t.Helper()
	owner, server := pgtest.Pools(t)
	secret := auth.NewSecret()
	keys, err := auth.NewKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	files := media.NewStore(t.TempDir())
	ts := &Server{T: t, Pool: owner, ServerPool: server, Secret: secret, Options: api.Options{
		Pool:    server,
		Media:   files,
		Spool:   files,
		App:     App(),
		Log:     slog.New(slog.DiscardHandler),
		Version: "test",
		Access: authn.Options{
			Keys:           keys,
			AuthRequired:   true,
			AnonymousActor: "anonymous",
			TrustedProxies: []netip.Prefix{
				netip.MustParsePrefix("192.0.2.1/32"),
				netip.MustParsePrefix("127.0.0.1/32"),
			},
		},
	}}
	for _, f := range adjust {
		f(&ts.Options)
	}
	ts.Handler = api.New(ts.Options)
	return ts
}

// NewPublic returns a server on the database of pool that does not require authentication.
func NewPublic(pool *pgxpool.Pool) http.Handler {
	return api.New(api.Options{
		Pool:    pool,
		Log:     slog.New(slog.DiscardHandler),
		Access:  authn.Options{AnonymousActor: "tester"},
		Version: "test",
	})
}

// App returns the embedded web app.
var App = sync.OnceValue(func() api.App {
	app, err := web.New("")
	if err != nil {
		panic(err)
	}
	return api.App{Page: app.ServePage, Static: app.ServeFile}
})

// NewInstance returns another server instance on the same database with the same keys.
func (ts *Server) NewInstance(adjust ...func(*api.Options)) *Server {
	other := *ts
	for _, f := range adjust {
		f(&other.Options)
	}
	other.Handler = api.New(other.Options)
	return &other
}

// Listen serves over TCP until the test ends.
func (ts *Server) Listen() *httptest.Server {
	server := httptest.NewServer(ts.Handler)
	ts.Cleanup(func() {
		server.CloseClientConnections() // streams do not end by themselves
		server.Close()
	})
	return server
}

// Exec runs SQL with the owner's role.
func (ts *Server) Exec(sql string, args ...any) {
	ts.Helper()
	pgtest.Exec(ts, ts.Pool, sql, args...)
}

// Value returns the single value of a query, which runs with the owner's role.
func Value[T any](ts *Server, sql string, args ...any) T {
	ts.Helper()
	return pgtest.QueryValue[T](ts, ts.Pool, sql, args...)
}

// TableDigest returns a hash of all tables except the given ones and the failed sign-ins.
func (ts *Server) TableDigest(except ...string) string {
	ts.Helper()
	tables := Value[[]string](ts, `SELECT array_agg(tablename::text ORDER BY tablename) FROM pg_tables
		WHERE schemaname = 'public' AND tablename <> ALL ($1) AND tablename <> 'schema_migrations'`,
		append(except, "login_attempt"))
	if len(tables) < 15 {
		ts.Fatalf("got %d tables, want at least 15: %v", len(tables), tables)
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(DumpTables(ts, ts.Pool, tables...))))
}

// DumpTables returns all rows of tables as text.
func DumpTables(t testing.TB, q pgtest.Querier, tables ...string) string {
	t.Helper()
	var all strings.Builder
	for _, table := range tables {
		all.WriteString(table + "\n" + pgtest.QueryValue[string](t, q,
			"SELECT coalesce(string_agg(row::text, E'\\n' ORDER BY row::text), '') FROM "+table+" AS row") + "\n")
	}
	return all.String()
}
