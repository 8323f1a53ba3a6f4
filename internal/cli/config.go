package cli

import (
	"fmt"
	"net"
	"os/user"
	"time"

	"labledger/api"
	"labledger/api/rest"
)

// config holds all settings. Each is a flag and an environment variable; the flag wins.
type config struct {
	Host            string        `help:"Address to listen on." default:"127.0.0.1" env:"HOST"`
	Port            string        `help:"Port to listen on." default:"5000" env:"PORT"`
	BasePath        string        `name:"base-path" help:"Path below which a reverse proxy publishes the server, such as /lab. The proxy may strip it or not." env:"BASE_PATH" placeholder:"PATH"`
	DatabaseURL     string        `name:"database-url" help:"PostgreSQL database to use. Default: an embedded Postgres in the state directory, filled with mock data on its first start." env:"DATABASE_URL" placeholder:"URL"`
	OwnerURL        string        `name:"owner-database-url" help:"The same database as its owner, for all commands except serve. migrate up also sets up the server role, the user of DATABASE_URL: its privileges and its password. Default: DATABASE_URL." env:"OWNER_DATABASE_URL" placeholder:"URL"`
	ReadDatabaseURL string        `name:"read-database-url" help:"Replica from which lists are read." env:"READ_DATABASE_URL" placeholder:"URL"`
	StateDir        string        `help:"Directory of the embedded Postgres." default:"./var" env:"STATE_DIR" placeholder:"DIR"`
	MediaDir        string        `help:"Directory of uploaded files. Default: media in the state directory." env:"MEDIA_DIR" placeholder:"DIR"`
	Auth            string        `help:"required: users sign in, each with a role. open: every request acts as an admin, on loopback only. insecure-open: the same on any address. Default: open on loopback, else required." enum:",open,required,insecure-open" default:"" env:"AUTH"`
	JWTSecret       string        `name:"jwt-secret" help:"Signing key of tokens, at least 32 bytes. Default with the embedded Postgres: a key stored in the state directory." env:"JWT_SECRET" placeholder:"SECRET"`
	JWTSecretFile   string        `name:"jwt-secret-file" help:"File that contains the signing key." env:"JWT_SECRET_FILE" placeholder:"FILE"`
	Registration    string        `help:"open: anyone may register as a viewer. closed: only admins create accounts." enum:"open,closed" default:"open" env:"REGISTRATION"`
	TrustedProxies  []string      `name:"trusted-proxies" help:"Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are trusted, separated by commas." env:"TRUSTED_PROXIES" placeholder:"NETWORK"`
	OTLPEndpoint    string        `name:"otel-exporter-otlp-endpoint" help:"OpenTelemetry collector that receives traces by OTLP over HTTP, such as http://127.0.0.1:4318. Default: no traces. Other OpenTelemetry variables apply as well: OTEL_EXPORTER_OTLP_…, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_BSP_…, OTEL_SDK_DISABLED. OTEL_PROPAGATORS=tracecontext accepts traceparent from the trusted proxies." env:"OTEL_EXPORTER_OTLP_ENDPOINT" placeholder:"URL"`
	EventMaxAhead   maxDuration   `help:"How far in the future the time of an event may be, such as 1h. 0 for any time." default:"24h" env:"EVENT_MAX_AHEAD" placeholder:"DURATION"`
	DrainDelay      time.Duration `help:"How long /readyz returns 503 before a stopping server closes its port, such as 5s. For load balancers in front of several servers." default:"0s" env:"DRAIN_DELAY" placeholder:"DURATION"`
	LogLevel        string        `help:"Minimum level of log messages: debug, info, warn or error." enum:"debug,info,warn,error" default:"info" env:"LOG_LEVEL"`
	LogFormat       string        `help:"Format of the log: text or json. Default: text on a terminal, else json." enum:",text,json" default:"" env:"LOG_FORMAT"`

	envFile envFile `kong:"-"`
}

// A maxDuration is a limit: 0 for none, never negative.
type maxDuration time.Duration

func (d *maxDuration) UnmarshalText(text []byte) error {
	value, err := time.ParseDuration(string(text))
	if err == nil && value < 0 {
		err = fmt.Errorf("%s is negative", text)
	}
	*d = maxDuration(value)
	return err
}

// authRequired reports whether callers must sign in. The default is no on loopback, which only local users reach.
func (c *config) authRequired() bool {
	return c.Auth == "required" || c.Auth == "" && !c.isLoopback()
}

func (c *config) isLoopback() bool { return c.Host == "localhost" || net.ParseIP(c.Host).IsLoopback() }

// localURL returns the URL of the configured HOST and PORT for clients on the same computer.
func (c *config) localURL() string {
	host := c.Host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, c.Port)
}

// envValue is the value of an environment variable, with its name for error messages.
type envValue struct{ name, value string }

func (c *config) serverURL() envValue { return envValue{"DATABASE_URL", c.DatabaseURL} }

// ownerURL is the database for commands, which may need more rights than the server has.
func (c *config) ownerURL() envValue {
	if c.OwnerURL != "" {
		return envValue{"OWNER_DATABASE_URL", c.OwnerURL}
	}
	return c.serverURL()
}

// parseBasePath normalizes BASE_PATH.
func (c *config) parseBasePath() (err error) {
	if c.BasePath, err = rest.ParseBasePath(c.BasePath); err == nil {
		err = api.CheckBasePath(c.BasePath)
	}
	if err != nil {
		return fmt.Errorf("BASE_PATH: %w", err)
	}
	return nil
}

// osActor is the actor that the history records for changes by a command. No username has the prefix.
func osActor() string {
	if u, err := user.Current(); err == nil {
		return "os:" + u.Username
	}
	return "os:unknown"
}
