package cli

import (
	"fmt"
	"net"
	"os/user"
	"strings"
	"time"
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

// authRequired tells whether callers must sign in. The default is open on loopback, where nobody else gets to.
func (c *config) authRequired() bool {
	return c.Auth == "required" || c.Auth == "" && !c.isLoopback()
}

func (c *config) isLoopback() bool { return c.Host == "localhost" || net.ParseIP(c.Host).IsLoopback() }

// A envValue is a value and the name by which people know it.
type envValue struct{ name, value string }

func (c *config) serverURL() envValue { return envValue{"DATABASE_URL", c.DatabaseURL} }

// ownerURL is the database for commands that may need more rights than the server has.
func (c *config) ownerURL() envValue {
	if c.OwnerURL != "" {
		return envValue{"OWNER_DATABASE_URL", c.OwnerURL}
	}
	return c.serverURL()
}

// rejectPlaceholder refuses a secret that stands in a public file.
func (s envValue) rejectPlaceholder() error {
	if strings.Contains(s.value, placeholderMarker) {
		return fmt.Errorf("%s is still the one of the sample, which everybody can read. Put a secret of your own in place of %s…: openssl rand -hex 24", s.name, placeholderMarker)
	}
	return nil
}

// osUsername is who the history says made the changes of a command.
func osUsername() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "command line"
}
