package postgres

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The pool's numbers. Where the URL names its own, it wins.
const (
	maxConns              = 16 // 4 to 16 are alike on two cores, more gains nothing
	minConns              = 1  // the first request after a quiet night need not wait for a connection
	maxConnLifetime       = 30 * time.Minute
	maxConnLifetimeJitter = 5 * time.Minute // so that not all connections end at once
	connectTimeout        = 2 * time.Second
	cancelTimeout         = time.Second // how long a cancelled statement may take to end before its connection is dropped
	applicationName       = "labledger"
)

// Open returns a pool for the database at url (a URL or key=value words, as libpq reads them). It does not wait for the server:
// one that is down now is tried again by each Acquire, whose wait the caller bounds with its context.
//
// All results arrive in text format, so that their bytes can go to JSON as they are, times in UTC and ISO style. A statement
// whose context ends is cancelled on the server. Error: url cannot be read; the text never holds a password.
func Open(ctx context.Context, url string) (*pgxpool.Pool, error) { return OpenTraced(ctx, url, nil) }

// OpenTraced is Open, with somebody who is told of each statement; nil is nobody.
func OpenTraced(ctx context.Context, url string, tracer pgx.QueryTracer) (*pgxpool.Pool, error) {
	if _, err := ParseConfig(url); err != nil { // for an error text without the URL
		return nil, err
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, parseError(err)
	}
	parsed, err := pgx.ParseConfig(url) // keeps the pool_ words that pgxpool.ParseConfig takes out
	if err != nil {
		return nil, parseError(err)
	}
	setDefault := func(word string, set func()) {
		if _, ok := parsed.RuntimeParams[word]; !ok {
			set()
		}
	}
	setDefault("pool_max_conns", func() { cfg.MaxConns = maxConns })
	setDefault("pool_min_conns", func() { cfg.MinConns = min(minConns, cfg.MaxConns) })
	setDefault("pool_max_conn_lifetime", func() { cfg.MaxConnLifetime = maxConnLifetime })
	setDefault("pool_max_conn_lifetime_jitter", func() { cfg.MaxConnLifetimeJitter = maxConnLifetimeJitter })

	configure(cfg.ConnConfig)
	cfg.ConnConfig.Tracer = tracer
	cfg.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterTypes(textTypes())
		return nil
	}
	return pgxpool.NewWithConfig(ctx, cfg)
}

// ParseConfig reads a URL for one connection, set up as the pool's are.
func ParseConfig(url string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, parseError(err)
	}
	if strings.Contains(cfg.Host, "@") { // the end of a password with an unescaped @: it must not be looked up, nor told
		return nil, parseError(errors.New("`: invalid host"))
	}
	for word := range cfg.RuntimeParams {
		if strings.HasPrefix(word, "pool_") { // the server would refuse the connection over it
			delete(cfg.RuntimeParams, word)
		}
	}
	configure(cfg)
	return cfg, nil
}

// configure sets what every connection of ours has. The parameters are ones that pgbouncer tracks; it refuses others.
func configure(cfg *pgx.ConnConfig) {
	for word := range cfg.RuntimeParams {
		if strings.EqualFold(word, "timezone") || strings.EqualFold(word, "datestyle") {
			delete(cfg.RuntimeParams, word) // ours count, in whatever case the URL wrote theirs
		}
	}
	cfg.RuntimeParams["timezone"] = "UTC"
	cfg.RuntimeParams["datestyle"] = "ISO"
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = applicationName
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	// pgx by itself only drops the connection, and the server would finish the work for nobody.
	cfg.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: cancelTimeout}
	}
}

// parseError says what is wrong with a URL without quoting it. pgx masks passwords as well as it can, but in a broken URL it cannot
// know where one ends: an unescaped @ or : in it makes a part of it look like the host or the port.
func parseError(err error) error {
	what := "the database URL cannot be read"
	// After the connection string pgx names the setting; what follows in brackets quotes again.
	if _, detail, ok := strings.Cut(err.Error(), "`: "); ok {
		if setting, _, _ := strings.Cut(detail, " ("); !strings.ContainsAny(setting, "`\"':@=") {
			what += " (" + setting + ")"
		}
	}
	return errors.New(what + ": expected postgres://user:password@host:5432/database; " +
		"in a password write # / ? @ : % as %23 %2F %3F %40 %3A %25")
}

// textCodec is a codec that asks the server for text. It still reads and writes both formats: COPY stays binary.
type textCodec struct{ pgtype.Codec }

// PreferredFormat implements pgtype.Codec.
func (textCodec) PreferredFormat() int16 { return pgtype.TextFormatCode }

// firstOrdinaryOID ends the range from which Postgres's own types have their fixed OIDs.
const firstOrdinaryOID = 10_000

// textTypes are the types that pgx would ask for in binary, wrapped; made once and shared by all connections, as pgx shares its own.
var textTypes = sync.OnceValue(func() []*pgtype.Type {
	var types []*pgtype.Type
	m := pgtype.NewMap()
	for oid := range uint32(firstOrdinaryOID) {
		if t, ok := m.TypeForOID(oid); ok && m.FormatCodeForOID(oid) != pgtype.TextFormatCode {
			types = append(types, &pgtype.Type{Name: t.Name, OID: oid, Codec: textCodec{t.Codec}})
		}
	}
	return types
})
