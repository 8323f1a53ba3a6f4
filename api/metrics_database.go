package api

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"labledger/api/rest"
	"labledger/db"
)

// A dbCollector queries the database at each scrape. If the database fails, only labledger_database_up is reported.
type dbCollector struct {
	pool                                           *pgxpool.Pool
	replica                                        *rest.Replica // nil without a replica
	up, bytes, alerts, delay, unsealed, replicaLag *prometheus.Desc
}

// maxCounted caps the alerts counted per scrape. It bounds the cost if many alerts stay open.
const maxCounted = 100_000

// collectTimeout bounds the queries of a scrape.
const collectTimeout = time.Second

func newDBCollector(pool *pgxpool.Pool, replica *rest.Replica) *dbCollector {
	return &dbCollector{
		pool:    pool,
		replica: replica,
		up: prometheus.NewDesc("labledger_database_up",
			"1 if the database responds within a second, otherwise 0.", nil, nil),
		bytes: prometheus.NewDesc("labledger_database_bytes", "Size of the database in bytes.", nil, nil),
		alerts: prometheus.NewDesc("labledger_alerts",
			"Alerts that are not closed, by state, counted up to 100000.", []string{"state"}, nil),
		delay: prometheus.NewDesc("labledger_stream_delay_seconds",
			"For how long the stream and the feed of changes have withheld rows because of a running transaction.", nil, nil),
		unsealed: prometheus.NewDesc("labledger_history_unsealed_seconds",
			"Age of the oldest change without a seal, 0 for none.", nil, nil),
		replicaLag: prometheus.NewDesc("labledger_replica_lag_bytes",
			"Bytes of the write-ahead log that the replica has not replayed.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *dbCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.up, c.bytes, c.alerts, c.delay, c.unsealed, c.replicaLag} {
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
	q := db.New(c.pool)
	row, err := q.GetDatabaseStats(ctx, db.GetDatabaseStatsParams{MaxCount: maxCounted})
	if err != nil {
		gauge(c.up, 0)
		return
	}
	gauge(c.up, 1)
	gauge(c.bytes, float64(row.Bytes))
	gauge(c.alerts, float64(row.OpenAlerts), "open")
	gauge(c.alerts, float64(row.AcknowledgedAlerts), "acknowledged")
	if delay, err := q.GetStreamDelay(ctx); err == nil {
		gauge(c.delay, delay.Seconds)
	}
	if delay, err := q.GetSealDelay(ctx); err == nil {
		gauge(c.unsealed, delay.Seconds)
	}
	if c.replica == nil {
		return
	}
	if position, err := q.GetWALPosition(ctx); err == nil {
		if lag, err := c.replica.Lag(ctx, position); err == nil {
			gauge(c.replicaLag, float64(lag))
		}
	}
}
