// Package cli is the command line: it reads the configuration, wires the parts together and decides nothing else.
package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/postgres"
	"labledger/internal/postgres/embedded"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

// config is everything that can be set: by flag, or by the environment.
type config struct {
	Host            string        `help:"Address to listen on." default:"127.0.0.1" env:"HOST"`
	Port            string        `help:"Port to listen on." default:"5000" env:"PORT"`
	DatabaseURL     string        `name:"database-url" help:"PostgreSQL to use. Without one, a private cluster is kept under the state folder, with the mock data when it is new." env:"DATABASE_URL" placeholder:"URL"`
	OwnerURL        string        `name:"owner-database-url" help:"The same database as its owner, for all commands but serve. migrate up then also gives the role of DATABASE_URL, labledger_server, its password. Default: DATABASE_URL." env:"OWNER_DATABASE_URL" placeholder:"URL"`
	ReadDatabaseURL string        `name:"read-database-url" help:"Replica that lists are read from." env:"READ_DATABASE_URL" placeholder:"URL"`
	StateDir        string        `help:"Folder of the private cluster." default:"./var" env:"STATE_DIR" placeholder:"DIR"`
	MediaDir        string        `help:"Folder of uploaded files. Default: media in the state folder." env:"MEDIA_DIR" placeholder:"DIR"`
	Auth            string        `help:"Who may do what: required (people sign in, each with a role), open (everyone is admin; on loopback only), insecure-open (the same on any address). Default: open on loopback, else required." enum:",open,required,insecure-open" default:"" env:"AUTH"`
	JWTSecret       string        `name:"jwt-secret" help:"Key that tokens are signed with, at least 32 bytes. With a private cluster one is kept in the state folder." env:"JWT_SECRET" placeholder:"SECRET"`
	JWTSecretFile   string        `name:"jwt-secret-file" help:"File that holds the key." env:"JWT_SECRET_FILE" placeholder:"FILE"`
	Registration    string        `help:"Whether people may register by themselves, as viewers: open or closed." enum:"open,closed" default:"open" env:"REGISTRATION"`
	TrustedProxies  []string      `name:"trusted-proxies" help:"Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, with commas between." env:"TRUSTED_PROXIES" placeholder:"NETWORK"`
	OTLPEndpoint    string        `name:"otel-exporter-otlp-endpoint" help:"OpenTelemetry collector that traces are sent to, by OTLP over HTTP, like http://127.0.0.1:4318. Without one there are none. The environment's other names of OpenTelemetry count, too: OTEL_EXPORTER_OTLP_…, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_BSP_…, OTEL_SDK_DISABLED; OTEL_PROPAGATORS=tracecontext says that the trusted proxies make traceparent." env:"OTEL_EXPORTER_OTLP_ENDPOINT" placeholder:"URL"`
	DrainDelay      time.Duration `help:"How long a server that was told to stop goes on with /readyz at 503 before it closes its port, such as 5s. For balancers in front of several." default:"0s" env:"DRAIN_DELAY" placeholder:"DURATION"`
	LogLevel        string        `help:"Log from this level on: debug, info, warn or error." enum:"debug,info,warn,error" default:"info" env:"LOG_LEVEL"`
	LogFormat       string        `help:"Log as text or json. Default: text on a terminal, else json." enum:",text,json" default:"" env:"LOG_FORMAT"`
}

type cli struct {
	config

	Serve   serveCmd   `cmd:"" default:"withargs" help:"Serve the API (this is what happens without a command)."`
	Migrate migrateCmd `cmd:"" help:"Bring the database's schema up to date, or back."`
	Seed    seedCmd    `cmd:"" help:"Load the mock data. Running it twice changes nothing."`
	Export  exportCmd  `cmd:"" help:"Write a whole table to standard output or a file."`
	Import  importCmd  `cmd:"" help:"Store the rows of a CSV or NDJSON file, all or nothing."`
	Replay  replayCmd  `cmd:"" help:"Tell which alerts changed rules would have raised over the recorded events. Changes nothing."`
	Ledger  ledgerCmd  `cmd:"" help:"Hold the recorded ledger against what follows from its events."`
	User    userCmd    `cmd:"" help:"Create accounts, and say what they may do."`
	Backup  backupCmd  `cmd:"" help:"Write everything to a file, and prove it by restoring it into a scratch database."`
	Restore restoreCmd `cmd:"" help:"Fill an empty database with a backup."`
	Health  healthCmd  `cmd:"" help:"Ask the server of this machine whether it is ready; exit code 1 when not. For health checks."`
	Check   checkCmd   `cmd:"" help:"Refuse a configuration that a server must not run with: sample passwords, a weak key."`
	Static  staticCmd  `cmd:"" hidden:"" help:"Write the web app's files into a folder, packed, for a web server to give out."`
	Psql    psqlCmd    `cmd:"" help:"Open psql on the same database; everything after it goes to psql." passthrough:""`
	Version versionCmd `cmd:"" help:"Print the version."`
	Help    helpCmd    `cmd:"" help:"Print this help: commands, and all configuration."`
}

// Main runs one command and returns the exit code of the process.
func Main(args []string) int {
	var c cli
	parser := kong.Must(&c,
		kong.Name("labledger"),
		kong.Description("What stands where in a laboratory, and the whole history of it: an HTTP API over PostgreSQL."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	command, err := parser.Parse(args)
	if err != nil {
		parser.Stdout = os.Stderr // who asked for data must not be sent the usage
	}
	parser.FatalIfErrorf(err)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(&c.config, parser); err != nil {
		stop()
		var exit exitCode
		if errors.As(err, &exit) {
			return int(exit)
		}
		fmt.Fprintln(os.Stderr, "labledger: "+err.Error())
		return 1
	}
	return 0
}

// exitCode ends the program with the code of a program that it ran, which has said itself what was wrong.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// logger writes to standard output: text for people, JSON lines for machines.
func (c *config) logger() *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // checked by the parser
	options := &slog.HandlerOptions{Level: level}
	info, err := os.Stdout.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	if c.LogFormat == "text" || c.LogFormat == "" && terminal {
		return slog.New(slog.NewTextHandler(os.Stdout, options))
	}
	return slog.New(slog.NewJSONHandler(os.Stdout, options))
}

// quiet logs only what went wrong, for commands whose output is something else.
func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// A database is where a command works: the given one, or the private cluster for as long as the command needs it.
type database struct {
	url     string
	cluster *embedded.Cluster // nil for a given database
	pool    *pgxpool.Pool
	tracer  pgx.QueryTracer // of the pool; nil for none
	schema  uint            // version that its schema was brought to: the one that this program needs
}

// open reaches the database by start, which differs for the server (embedded.Start) and for commands beside it (postgres.Use).
func (c *config) open(ctx context.Context, log *slog.Logger, given setting, start func(context.Context, string, *slog.Logger) (*embedded.Cluster, error), tracer pgx.QueryTracer) (*database, error) {
	if err := given.sample(); err != nil {
		return nil, err
	}
	d := &database{url: given.value, tracer: tracer}
	if d.url == "" {
		cluster, err := start(ctx, c.StateDir, log)
		if err != nil {
			return nil, err
		}
		d.cluster, d.url = cluster, cluster.URL()
	}
	pool, err := postgres.Open(ctx, d.url, postgres.WithTracer(tracer))
	if err != nil {
		d.close()
		return nil, fmt.Errorf("%s: %w", given.name, err)
	}
	d.pool = pool
	return d, nil
}

// ready brings the schema up to date, and loads the mock data into a private cluster that is new.
func (d *database) ready(ctx context.Context, log *slog.Logger) error {
	from, to, err := migrate.Up(ctx, d.url, schema.Files)
	if err != nil {
		return err
	}
	d.schema = to
	if from != to {
		log.Info("schema migrated", "from", from, "to", to)
	}
	settled, err := db.New(d.pool).ResetRestoredXids(ctx)
	if err != nil {
		return err
	}
	if settled > 0 {
		log.Info("history of a restored database settled", "changes", settled)
	}
	if d.cluster == nil || !d.cluster.IsNew() {
		return nil
	}
	if err := d.seed(ctx); err != nil {
		return err
	}
	log.Info("mock data loaded")
	return d.cluster.MarkInitialized()
}

func (d *database) seed(ctx context.Context) error {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	_, err = conn.Conn().PgConn().Exec(ctx, schema.MockData).ReadAll()
	return err
}

// gone is closed when a private cluster has been given up; for a given database never.
func (d *database) gone() <-chan struct{} {
	if d.cluster == nil {
		return nil
	}
	return d.cluster.Done()
}

// close gives up the connections and stops a cluster that this process started.
func (d *database) close() {
	if d.pool != nil {
		d.pool.Close()
	}
	if d.cluster == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := d.cluster.Stop(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "labledger: Postgres did not stop cleanly; the next start repairs that: "+err.Error())
	}
}

// beside runs a command on the database as its owner, whether the server runs at the same time or not.
func (c *config) beside(ctx context.Context, run func(*database) error) error {
	d, err := c.open(ctx, quiet(), c.owner(), embedded.StartOrAttach, nil)
	if err != nil {
		return err
	}
	defer d.close()
	return run(d)
}

// release is set by builds that know no repository: -ldflags "-X labledger/internal/cli.release=1.2.3".
var release string

// version is what the build knows of itself.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	text := strings.Trim(info.Main.Version, "()")
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && !strings.Contains(text, s.Value[:12]) {
			text += "-" + s.Value[:12]
		}
	}
	return text
}
