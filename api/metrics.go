package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what /metrics shows. Requests are counted by route template, so that the number of series is bounded.
type metrics struct {
	registry        *prometheus.Registry
	requestDuration *prometheus.HistogramVec
	events          prometheus.Counter
	alerts          prometheus.Counter
}

func newMetrics(pool *pgxpool.Pool, version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requestDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "labledger_http_request_seconds",
			Help:    "Time to answer a request, by method, route template and status.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"method", "route", "status"}),
	}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		m.registry.MustRegister(c)
		return c
	}
	m.events = counter("labledger_events_total", "Events that this server has recorded.")
	m.alerts = counter("labledger_alerts_total", "Alerts that the events raised which this server has recorded.")
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "labledger_build_info", Help: "1, labelled with the version that runs.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.requestDuration, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge := func(name, help string, value func(*pgxpool.Stat) float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(pool.Stat()) }))
	}
	gauge("labledger_pool_connections", "Connections to the database, open.", func(s *pgxpool.Stat) float64 { return float64(s.TotalConns()) })
	gauge("labledger_pool_connections_busy", "Connections to the database, in use.", func(s *pgxpool.Stat) float64 { return float64(s.AcquiredConns()) })
	gauge("labledger_pool_connections_max", "Connections to the database, at most.", func(s *pgxpool.Stat) float64 { return float64(s.MaxConns()) })
	total := func(name, help string, value func(*pgxpool.Stat) float64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return value(pool.Stat()) }))
	}
	total("labledger_pool_wait_seconds_total", "Time spent waiting for a connection.", func(s *pgxpool.Stat) float64 { return s.AcquireDuration().Seconds() })
	total("labledger_pool_waited_total", "How often somebody had to wait for one.", func(s *pgxpool.Stat) float64 { return float64(s.EmptyAcquireCount()) })
	m.registry.MustRegister(newDBCollector(pool))
	return m
}

// addRecorded counts what the ledger has committed.
func (m *metrics) addRecorded(events, alerts int) {
	m.events.Add(float64(events))
	m.alerts.Add(float64(alerts))
}

// observe counts a request. Methods that no route has are counted as one.
func (m *metrics) observe(method, route string, status int, elapsed time.Duration) {
	if !isKnownMethod(method) {
		method = "other"
	}
	if route == streamPath && status == http.StatusOK {
		elapsed = 0 // it is counted; that it lasted for hours says nothing of how fast the server is
	}
	m.requestDuration.WithLabelValues(method, route, strconv.Itoa(status)).Observe(elapsed.Seconds())
}

// isKnownMethod tells methods that some route has from those of a client's own making.
func isKnownMethod(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, methodUpdate:
		return true
	}
	return false
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
