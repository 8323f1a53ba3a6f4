package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Defaults of the pool. A parameter in the URL overrides them.
const (
	maxConns              = 16 // measured on two cores: 4 to 16 perform alike, more gains nothing
	minConns              = 1  // the first request after an idle period does not wait for a connection
	maxConnLifetime       = 30 * time.Minute
	maxConnLifetimeJitter = 5 * time.Minute // prevents all connections from expiring at the same time
	connectTimeout        = 2 * time.Second
	cancelTimeout         = time.Second // a cancelled statement that runs longer loses its connection
	applicationName       = "labledger"
)

// An Option changes what Open does.
type Option func(*pgxpool.Config)

// WithTracer reports each statement to tracer; nil reports none.
func WithTracer(tracer pgx.QueryTracer) Option {
	return func(cfg *pgxpool.Config) { cfg.ConnConfig.Tracer = tracer }
}

// WithCancelTimeout closes the connection of a cancelled statement that still runs after d. The default is a second.
func WithCancelTimeout(d time.Duration) Option {
	return func(cfg *pgxpool.Config) { setCancelTimeout(cfg.ConnConfig, d) }
}

// Open returns a pool for the database at url, which is a URL or key=value parameters in libpq's syntax. It does not
// connect: each Acquire retries an unreachable server, and the caller's context bounds that wait.
//
// Results arrive in text format so that their bytes can be copied to JSON; times are in UTC and ISO style. When the
// context of a statement ends, the server cancels the statement. Open fails only when url is invalid; the error never
// contains the password.
func Open(ctx context.Context, url string, options ...Option) (*pgxpool.Pool, error) {
	if _, err := ParseConfig(url); err != nil { // its checks are stricter than pgxpool's
		return nil, err
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, parseError(err)
	}
	parsed, err := pgx.ParseConfig(url) // keeps the pool_ parameters that pgxpool.ParseConfig removes
	if err != nil {
		return nil, parseError(err)
	}
	setDefault := func(param string, set func()) {
		if _, ok := parsed.RuntimeParams[param]; !ok {
			set()
		}
	}
	setDefault("pool_max_conns", func() { cfg.MaxConns = maxConns })
	setDefault("pool_min_conns", func() { cfg.MinConns = min(minConns, cfg.MaxConns) })
	setDefault("pool_max_conn_lifetime", func() { cfg.MaxConnLifetime = maxConnLifetime })
	setDefault("pool_max_conn_lifetime_jitter", func() { cfg.MaxConnLifetimeJitter = maxConnLifetimeJitter })

	configure(cfg.ConnConfig)
	cfg.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterTypes(textTypes())
		return nil
	}
	for _, apply := range options {
		apply(cfg)
	}
	return pgxpool.NewWithConfig(ctx, cfg)
}

// ParseConfig parses url for a single connection with the session settings of the pool's connections. Results keep
// pgx's default formats. The error never contains the password.
func ParseConfig(url string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, parseError(err)
	}
	// With an unescaped @ in the password, its end becomes part of the host. It must reach neither DNS nor a message.
	if strings.Contains(cfg.Host, "@") {
		return nil, parseError(errors.New("`: invalid host"))
	}
	for param := range cfg.RuntimeParams {
		if strings.HasPrefix(param, "pool_") { // Postgres rejects a connection with an unknown parameter
			delete(cfg.RuntimeParams, param)
		}
	}
	configure(cfg)
	return cfg, nil
}

// configure sets what all connections share. Its parameters are ones that pgbouncer tracks; pgbouncer rejects others.
func configure(cfg *pgx.ConnConfig) {
	for param := range cfg.RuntimeParams {
		switch strings.ToLower(param) { // in the URL they may be written in any case
		case "timezone", "datestyle", "client_encoding":
			delete(cfg.RuntimeParams, param)
		}
	}
	cfg.RuntimeParams["timezone"] = "UTC"
	cfg.RuntimeParams["datestyle"] = "ISO"
	cfg.RuntimeParams["client_encoding"] = "UTF8" // overrides a setting of the database or the role
	cfg.AfterConnect = checkEncoding
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = applicationName
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	setCancelTimeout(cfg, cancelTimeout)
}

// setCancelTimeout makes a statement end with its context. By default pgx only closes the connection, and Postgres
// would run the abandoned statement to its end.
func setCancelTimeout(cfg *pgx.ConnConfig, d time.Duration) {
	cfg.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: d}
	}
}

// ErrEncoding is wrapped by the error of a connection on which text would not be UTF-8.
var ErrEncoding = errors.New("the database must use UTF-8")

// checkEncoding rejects a connection on which text may not be UTF-8. It trusts a pooler that reports no encoding.
func checkEncoding(_ context.Context, conn *pgconn.PgConn) error {
	if encoding := conn.ParameterStatus("server_encoding"); encoding != "" && encoding != "UTF8" {
		return fmt.Errorf("%w: its encoding is %s: create a database with "+
			"CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0, and move the data there", ErrEncoding, encoding)
	}
	if encoding := conn.ParameterStatus("client_encoding"); encoding != "" && encoding != "UTF8" {
		return fmt.Errorf("%w: client_encoding is %s although the connection asked for UTF8: remove client_encoding "+
			"from the pooler's ignore_startup_parameters, or run ALTER ROLE … RESET client_encoding and "+
			"ALTER DATABASE … RESET client_encoding", ErrEncoding, encoding)
	}
	return nil
}

// CheckEncoding connects to the database at url once. It returns an error that wraps ErrEncoding if text would not be
// UTF-8, an error for an invalid URL, and nil for a database that it cannot reach.
func CheckEncoding(ctx context.Context, url string) error {
	cfg, err := ParseConfig(url)
	if err != nil {
		return err
	}
	if err := canConnect(ctx, cfg); errors.Is(err, ErrEncoding) {
		return err
	}
	return nil
}

// parseError describes an invalid URL without quoting it. pgx masks passwords, but in an invalid URL it cannot know
// where the password ends: an unescaped @ or : makes part of it look like the host or the port.
func parseError(err error) error {
	message := "the database URL is invalid"
	// pgx names the setting after the connection string; the text in parentheses quotes the URL again.
	if _, detail, ok := strings.Cut(err.Error(), "`: "); ok {
		if setting, _, _ := strings.Cut(detail, " ("); !strings.ContainsAny(setting, "`\"':@=") {
			message += " (" + setting + ")"
		}
	}
	return errors.New(message + ": expected postgres://user:password@host:5432/database; " +
		"in a password write # / ? @ : % as %23 %2F %3F %40 %3A %25")
}

// textCodec is a codec that requests results in text format. It reads and writes both formats, so COPY stays binary.
type textCodec struct{ pgtype.Codec }

// PreferredFormat implements pgtype.Codec.
func (textCodec) PreferredFormat() int16 { return pgtype.TextFormatCode }

// maxBuiltinOID is above the fixed OIDs of Postgres's built-in types.
const maxBuiltinOID = 10_000

// textTypes returns the types that pgx requests in binary format, wrapped in textCodec. All connections share them.
// A timestamp is scanned in UTC, whatever the time zone of the machine.
var textTypes = sync.OnceValue(func() []*pgtype.Type {
	var types []*pgtype.Type
	m := pgtype.NewMap()
	for oid := range uint32(maxBuiltinOID) {
		if t, ok := m.TypeForOID(oid); ok && m.FormatCodeForOID(oid) != pgtype.TextFormatCode {
			codec := t.Codec
			if oid == pgtype.TimestamptzOID {
				codec = &pgtype.TimestamptzCodec{ScanLocation: time.UTC}
			}
			types = append(types, &pgtype.Type{Name: t.Name, OID: oid, Codec: textCodec{codec}})
		}
	}
	return types
})
