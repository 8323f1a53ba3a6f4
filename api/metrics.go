package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"labledger/api/rest"
)

// metrics holds the metrics of /metrics. Requests are labelled with the route template, which bounds the series.
type metrics struct {
	registry        *prometheus.Registry
	requestDuration *prometheus.HistogramVec
	events          prometheus.Counter
	alerts          prometheus.Counter
	streams         prometheus.Counter
}

// newMetrics returns the metrics. openStreams returns the number of open streams; replica may be nil.
func newMetrics(pool *pgxpool.Pool, replica *rest.Replica, openStreams func() int, version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requestDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "labledger_http_request_duration_seconds",
			Help:    "Duration of HTTP requests by method, route template and status.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"method", "route", "status"}),
	}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		m.registry.MustRegister(c)
		return c
	}
	m.events = counter("labledger_events_total", "Events recorded by this process.")
	m.alerts = counter("labledger_alerts_total", "Alerts raised by events that this process recorded.")
	m.streams = counter("labledger_streams_total", "Live streams that have ended.")
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "labledger_build_info",
		Help:        "Always 1, with the version of the program as a label.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.requestDuration, build, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newDBCollector(pool, replica))
	m.registry.MustRegister(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Name: "labledger_streams", Help: "Live streams that are open."},
		func() float64 { return float64(openStreams()) }))
	gauge := func(name, help string, value func(*pgxpool.Stat) float64) {
		opts := prometheus.GaugeOpts{Name: name, Help: help}
		m.registry.MustRegister(prometheus.NewGaugeFunc(opts, func() float64 { return value(pool.Stat()) }))
	}
	gauge("labledger_pool_connections", "Open database connections.",
		func(s *pgxpool.Stat) float64 { return float64(s.TotalConns()) })
	gauge("labledger_pool_acquired_connections", "Database connections in use.",
		func(s *pgxpool.Stat) float64 { return float64(s.AcquiredConns()) })
	gauge("labledger_pool_connections_max", "Maximum number of database connections.",
		func(s *pgxpool.Stat) float64 { return float64(s.MaxConns()) })
	total := func(name, help string, value func(*pgxpool.Stat) float64) {
		opts := prometheus.CounterOpts{Name: name, Help: help}
		m.registry.MustRegister(prometheus.NewCounterFunc(opts, func() float64 { return value(pool.Stat()) }))
	}
	total("labledger_pool_wait_seconds_total", "Time spent waiting for a database connection.",
		func(s *pgxpool.Stat) float64 { return s.AcquireDuration().Seconds() })
	total("labledger_pool_acquire_waits_total", "Acquisitions that had to wait for a database connection.",
		func(s *pgxpool.Stat) float64 { return float64(s.EmptyAcquireCount()) })
	if replica != nil {
		m.registerReplica(replica)
	}
	return m
}

// registerReplica adds the numbers of lists that the replica and the primary served.
func (m *metrics) registerReplica(replica *rest.Replica) {
	reads := func(database string, value func() int64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name:        "labledger_list_reads_total",
			Help:        "Lists by the database that served them.",
			ConstLabels: prometheus.Labels{"database": database},
		}, func() float64 { return float64(value()) }))
	}
	reads("replica", func() int64 { served, _ := replica.Reads(); return served })
	reads("primary", func() int64 { _, skipped := replica.Reads(); return skipped })
}

// addRecorded counts events and alerts that the ledger committed.
func (m *metrics) addRecorded(events, alerts int) {
	m.events.Add(float64(events))
	m.alerts.Add(float64(alerts))
}

// observe records a request. All methods that no route has share one label. A stream is only counted, since its
// lifetime is not a response time.
func (m *metrics) observe(method, route string, status int, elapsed time.Duration) {
	if !isKnownMethod(method) {
		method = "other"
	}
	if route == streamPath && status == http.StatusOK {
		m.streams.Inc()
		return
	}
	m.requestDuration.WithLabelValues(method, route, strconv.Itoa(status)).Observe(elapsed.Seconds())
}

// isKnownMethod reports whether a route may have the method.
func isKnownMethod(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, MethodUpdate:
		return true
	}
	return false
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
