package api

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"labledger/db"
)

// dbCollector measure the database whenever somebody asks for /metrics. A database that does not answer is a figure, too.
type dbCollector struct {
	pool                      *pgxpool.Pool
	up, bytes, alerts, xidLag *prometheus.Desc
}

// maxCounted bounds what a scrape costs where nobody looks after the alerts.
const maxCounted = 100_000

// collectTimeout is how long a scrape may wait for the database.
const collectTimeout = time.Second

func newDBCollector(pool *pgxpool.Pool) *dbCollector {
	return &dbCollector{
		pool:   pool,
		up:     prometheus.NewDesc("labledger_database_up", "1 when the database answers within a second, else 0.", nil, nil),
		bytes:  prometheus.NewDesc("labledger_database_bytes", "Size of the database.", nil, nil),
		alerts: prometheus.NewDesc("labledger_alerts", "Alerts that are not closed, by state, counted up to 100000.", []string{"state"}, nil),
		xidLag: prometheus.NewDesc("labledger_database_held_back", "Transactions that have begun since the oldest one that still runs: the live stream and the feed of changes hold them back.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *dbCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.up, c.bytes, c.alerts, c.xidLag} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *dbCollector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	row, err := db.New(c.pool).GetDatabaseStats(ctx, db.GetDatabaseStatsParams{Most: maxCounted})
	if err != nil {
		gauge(c.up, 0)
		return
	}
	gauge(c.up, 1)
	gauge(c.bytes, float64(row.Bytes))
	gauge(c.alerts, float64(row.OpenAlerts), "open")
	gauge(c.alerts, float64(row.AcknowledgedAlerts), "acknowledged")
	gauge(c.xidLag, float64(row.HeldBack))
}
