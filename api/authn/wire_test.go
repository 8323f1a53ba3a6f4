package authn_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api"
	"labledger/internal/apitest"
)

// This file records what a server sends to Postgres, and what Postgres did with it.

// Outcomes of a statement.
const (
	completed = "completed"
	failed    = "failed"
	skipped   = "skipped" // because an earlier statement of its pipeline failed
)

// A wireStatement is a statement that was sent, without its parameters.
type wireStatement struct{ sql, outcome string }

func (s wireStatement) isCheck() bool { return strings.Contains(s.sql, "FROM authorize_") }

// isNotification reports a statement that is part of no request: it wakes the streams of other instances.
func isNotification(sql string) bool { return strings.Contains(sql, "pg_notify") }

// A wire records a connection to Postgres.
type wire struct {
	mu sync.Mutex
	traffic
}

// A traffic is what went over a wire. A round trip begins when the server sends after it has received.
type traffic struct {
	roundTrips int             // all of them
	executions int             // those that run statements; the others prepare and forget statements
	statements []wireStatement // in the order of their outcomes
}

// take returns the traffic since the last call. No request may be in progress.
func (w *wire) take() traffic {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.traffic
	w.traffic = traffic{}
	return t
}

// recordedPool returns a pool of one connection of the server's role, which is recorded. It sends no pings.
func recordedPool(ts *apitest.Server) (*pgxpool.Pool, *wire) {
	ts.Helper()
	w := &wire{}
	config := ts.ServerPool.Config()
	config.MaxConns, config.MinConns = 1, 0
	config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return &wireConn{Conn: conn, wire: w, sql: map[string]string{}}, err
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		ts.Fatal(err)
	}
	ts.Cleanup(pool.Close)
	return pool, w
}

// recordedInstance returns an instance of ts whose connection to the primary is recorded.
func recordedInstance(ts *apitest.Server, adjust ...func(*api.Options)) (*apitest.Server, *wire) {
	ts.Helper()
	pool, w := recordedPool(ts)
	return ts.NewInstance(append(adjust, func(o *api.Options) { o.Pool = pool })...), w
}

// A wireConn parses the messages of one connection: https://www.postgresql.org/docs/15/protocol-message-formats.html.
type wireConn struct {
	net.Conn
	wire     *wire
	started  bool              // the startup message, which has no type, was sent
	waits    bool              // the last call was a write
	executes bool              // the current round trip runs statements
	sent     []byte            // an incomplete message of the client
	received []byte            // an incomplete message of the server
	sql      map[string]string // by name of a prepared statement
	bound    string            // SQL of the last Bind
	pending  []string          // sent statements without an outcome; "" for the end of a pipeline
}

func (c *wireConn) Write(p []byte) (int, error) {
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	if !c.waits {
		c.wire.roundTrips++
		c.waits, c.executes = true, false
	}
	c.sent = append(c.sent, p...)
	if !c.started {
		c.started, c.sent = true, nil // pgx writes the startup message in one call
	}
	c.sent = eachMessage(c.sent, c.clientMessage)
	return c.Conn.Write(p)
}

func (c *wireConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	if n > 0 {
		c.waits = false
	}
	c.received = eachMessage(append(c.received, p[:n]...), c.serverMessage)
	return n, err
}

// eachMessage calls f with each complete message and returns the rest.
func eachMessage(data []byte, f func(kind byte, body []byte)) (rest []byte) {
	for len(data) >= 5 {
		size := 1 + int(binary.BigEndian.Uint32(data[1:5]))
		if len(data) < size {
			break
		}
		f(data[0], data[5:size])
		data = data[size:]
	}
	return data
}

// cString returns the text before the next null byte, and what follows it.
func cString(body []byte) (text string, rest []byte) {
	before, after, _ := bytes.Cut(body, []byte{0})
	return string(before), after
}

func (c *wireConn) clientMessage(kind byte, body []byte) {
	switch kind {
	case 'P': // Parse: name, SQL
		name, rest := cString(body)
		c.sql[name], _ = cString(rest)
	case 'B': // Bind: portal, name
		_, rest := cString(body)
		name, _ := cString(rest)
		c.bound = c.sql[name]
	case 'E': // Execute
		c.execute(c.bound)
	case 'Q': // Query: SQL
		sql, _ := cString(body)
		c.execute(sql)
		c.pending = append(c.pending, "")
	case 'S': // Sync
		c.pending = append(c.pending, "")
	}
}

func (c *wireConn) execute(sql string) {
	c.pending = append(c.pending, sql)
	if !c.executes && !isNotification(sql) {
		c.wire.executions++
		c.executes = true
	}
}

func (c *wireConn) serverMessage(kind byte, _ []byte) {
	switch kind {
	case 'C', 'I', 's': // CommandComplete, EmptyQueryResponse, PortalSuspended
		c.finish(completed)
	case 'E': // ErrorResponse
		c.finish(failed)
	case 'Z': // ReadyForQuery
		for len(c.pending) > 0 && c.pending[0] != "" {
			c.finish(skipped)
		}
		if len(c.pending) > 0 {
			c.pending = c.pending[1:]
		}
	}
}

// finish records the outcome of the next statement of the pipeline.
func (c *wireConn) finish(outcome string) {
	if len(c.pending) > 0 && c.pending[0] != "" {
		if !isNotification(c.pending[0]) {
			c.wire.statements = append(c.wire.statements, wireStatement{c.pending[0], outcome})
		}
		c.pending = c.pending[1:]
	}
}
