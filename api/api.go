// Package api is the HTTP API: one table of routes, and the operations that are more than a query. It knows neither the
// schema's files nor where the database runs, and contains no SQL.
package api

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/trace"

	"labledger/api/authn"
	"labledger/api/rest"
	"labledger/api/sse"
	"labledger/db"
	"labledger/internal/ledger"
	"labledger/internal/media"
)

// Options configure the API.
type Options struct {
	Pool     *pgxpool.Pool   // the primary; its connections use the text format for results
	Replica  *pgxpool.Pool   // serves lists; nil without a replica
	Log      *slog.Logger    // one line per request
	Access   authn.Options   // authentication and authorization
	Media    *media.Store    // uploaded files; nil disables uploads
	Spool    rest.Spooler    // files of bulk bodies that arrive; nil to read them directly
	App      App             // the web app
	BasePath string          // path below which a proxy publishes the server, as rest.ParseBasePath returns it
	Version  string          // the program's version, for /metrics
	Shutdown <-chan struct{} // closed when the server shuts down, to end the live streams; nil for never

	EventMaxAhead time.Duration // how far in the future an event may be; 0 for any time

	Schema   uint        // required schema version, for /readyz; 0 for any
	Draining func() bool // whether the server is shutting down, for /readyz; nil for never

	Tracer           trace.Tracer // starts a span per request; nil for none
	TrustTraceparent bool         // continue the trace of a traceparent header from a trusted proxy
}

// New returns the handler of the whole API. It panics if the route table is inconsistent.
func New(o Options) http.Handler {
	replica := rest.NewReplica(o.Replica)
	stream := sse.New(o.Pool, o.Shutdown, fieldRules)
	m := newMetrics(o.Pool, replica, stream.Open, o.Version)
	a := authn.New(o.Pool, o.Access)
	l := ledger.New(o.Pool, func(events, alerts int) {
		m.addRecorded(events, alerts)
		stream.Wake()
	})
	server := rest.NewServer(a, o.Pool, replica, o.Spool)
	server.SetViews(readView)
	return rest.StripBasePath(o.BasePath, &middleware{
		next: server.Handler(endpoints(services{
			metrics:     m,
			events:      &eventRecorder{l, o.EventMaxAhead},
			replay:      &replayer{l},
			custody:     custody{l},
			stream:      stream,
			authn:       a,
			attachments: attachments{o.Media},
			app:         o.App,
			basePath:    o.BasePath,
			ready: &readiness{
				queries: db.New(o.Pool), schema: o.Schema, media: o.Media, replica: replica, draining: o.Draining,
			},
		})),
		log:          o.Log,
		metrics:      m,
		tracer:       o.Tracer,
		remoteParent: remoteParent(a, o.TrustTraceparent),
		basePath:     o.BasePath,
	})
}

// CheckBasePath returns an error if a path of the API begins with a base path.
func CheckBasePath(base string) error { return rest.CheckBasePath(base, Endpoints()) }

// Endpoints returns all endpoints, for the generator of the OpenAPI document. They cannot serve requests.
func Endpoints() []*rest.Endpoint { return endpoints(services{metrics: newMetrics(nil, nil, nil, "")}) }

func endpoints(s services) []*rest.Endpoint { return rest.NewEndpoints(routes(s), fieldRules) }
