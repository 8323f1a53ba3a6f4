package api

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"labledger/db"
)

// figures measure the database whenever somebody asks for /metrics. A database that does not answer is a figure, too.
type figures struct {
	pool                    *pgxpool.Pool
	up, bytes, alerts, held *prometheus.Desc
}

// mostCounted bounds what a scrape costs where nobody looks after the alerts.
const mostCounted = 100_000

// figuresTime is how long a scrape may wait for the database.
const figuresTime = time.Second

func newFigures(pool *pgxpool.Pool) *figures {
	return &figures{
		pool:   pool,
		up:     prometheus.NewDesc("labledger_database_up", "1 when the database answers within a second, else 0.", nil, nil),
		bytes:  prometheus.NewDesc("labledger_database_bytes", "Size of the database.", nil, nil),
		alerts: prometheus.NewDesc("labledger_alerts", "Alerts that are not closed, by state, counted up to 100000.", []string{"state"}, nil),
		held:   prometheus.NewDesc("labledger_database_held_back", "Transactions that have begun since the oldest one that still runs: the live stream and the feed of changes hold them back.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (f *figures) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{f.up, f.bytes, f.alerts, f.held} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (f *figures) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), figuresTime)
	defer cancel()
	row, err := db.New(f.pool).GetDatabaseStats(ctx, db.GetDatabaseStatsParams{MaxCount: mostCounted})
	if err != nil {
		gauge(f.up, 0)
		return
	}
	gauge(f.up, 1)
	gauge(f.bytes, float64(row.Bytes))
	gauge(f.alerts, float64(row.OpenAlerts), "open")
	gauge(f.alerts, float64(row.AcknowledgedAlerts), "acknowledged")
	gauge(f.held, float64(row.XidLag))
}
