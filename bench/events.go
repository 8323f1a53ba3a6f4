package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/ledger"
	"labledger/internal/rules"
)

// How events are drawn: each of the users has one a minute, seven of ten a deposit. About one in twenty raises an alert.
const (
	users           = 10_000
	eventsPerMinute = users
	startTime       = 1_700_000_000
)

// How long a race of events is.
const (
	eventRounds        = 9
	eventRoundDuration = 2 * time.Second
)

// generated counts the events so far: their times go on from one round to the next.
var generated atomic.Int64

// randomEvent draws an event of a user at a time.
func randomEvent(user, time int64) ledger.UserEvent {
	e := rules.Event{Amount: [...]rules.Cents{10_00, 20_00, 50_00}[rand.IntN(3)], Time: time}
	if rand.IntN(10) >= 7 {
		e.Type = rules.Withdraw
	}
	return ledger.UserEvent{UserID: user, Event: e}
}

// nextEvent draws an event of any user at the time now.
func nextEvent() ledger.UserEvent {
	return randomEvent(1+rand.Int64N(users), startTime+generated.Add(1)*60/eventsPerMinute)
}

// appendEvent appends an event as JSON.
func appendEvent(b []byte, e ledger.UserEvent) []byte {
	b = append(append(append(b, `{"type":"`...), e.Type.String()...), `","amount":"`...)
	b = append(e.Amount.Append(b), `","user_id":`...)
	b = strconv.AppendInt(b, e.UserID, 10)
	b = strconv.AppendInt(append(b, `,"time":`...), e.Time, 10)
	return append(b, '}')
}

// benchEvents measures single events.
func benchEvents(ctx context.Context, env environment) error {
	addr, err := startHTTP(newAPI(env, slog.LevelError))
	if err != nil {
		return err
	}
	config, err := pgxpool.ParseConfig(env.url)
	if err != nil {
		return err
	}
	config.MaxConns = env.pool.Config().MaxConns
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	naiveAddr, err := startHTTP(naiveHandler(pool))
	if err != nil {
		return err
	}
	for range 2 { // every user has a past
		if _, err := recordAll(ctx, ledger.New(env.pool, nil), newBatch()); err != nil {
			return err
		}
	}
	for _, server := range []string{addr, naiveAddr} { // and every statement a plan
		postEvents(server, 16, eventRoundDuration)
	}
	pgb, err := newPgbench(ctx, env)
	if err != nil {
		return err
	}
	fmt.Printf("\nSingle events a second: median of %d interleaved rounds (least to most)\n", eventRounds)
	fmt.Printf("plain: net/http + pgx, a round trip a statement. pgbench: -M prepared, the very statements, in two pipelines\n")
	fmt.Printf("%-12s %8s %8s %8s %22s %22s %22s %22s\n", "connections", "ours", "plain", "pgbench", "ours/plain", "ours/pgbench", "p50 ours/plain", "p99 ours/plain")
	for _, connections := range []int{1, 8, 64} {
		if err := compareEvents(addr, naiveAddr, pgb, connections); err != nil {
			return err
		}
	}
	return longHistoryCost(ctx, env, addr)
}

// compareEvents loads the three in turn and prints a line of it.
func compareEvents(addr, naiveAddr string, pgb *pgbench, connections int) error {
	var a, b, c, naiveRatios, pgbenchRatios, p50, p99 series
	for range eventRounds {
		x, y := postEvents(addr, connections, eventRoundDuration), postEvents(naiveAddr, connections, eventRoundDuration)
		z, err := pgb.run(connections, eventRoundDuration)
		if err != nil {
			return err
		}
		a, b, c = append(a, x.perSecond), append(b, y.perSecond), append(c, z)
		naiveRatios, pgbenchRatios = append(naiveRatios, x.perSecond/y.perSecond), append(pgbenchRatios, x.perSecond/z)
		p50 = append(p50, ratio(x.percentile(50), y.percentile(50)))
		p99 = append(p99, ratio(x.percentile(99), y.percentile(99)))
	}
	fmt.Printf("%-12d %8.0f %8.0f %8.0f %22s %22s %22s %22s\n", connections, a.median(), b.median(), c.median(), naiveRatios, pgbenchRatios, p50, p99)
	return nil
}

// A series is one figure, round by round.
type series []float64

func (s series) median() float64 { return median(slices.Sorted(slices.Values(s))) }

func (s series) String() string {
	return fmt.Sprintf("%.2f (%.2f to %.2f)", s.median(), slices.Min(s), slices.Max(s))
}

// loadResult is what a load came to.
type loadResult struct {
	perSecond float64
	durations []time.Duration // of each answer, ascending
}

func (a loadResult) percentile(percent int) time.Duration {
	return a.durations[(len(a.durations)-1)*percent/100]
}

// postEvents sends events of users drawn at random on so many connections for so long.
func postEvents(address string, connections int, duration time.Duration) loadResult {
	times := make([][]time.Duration, connections)
	var wg sync.WaitGroup
	start := time.Now()
	for i := range connections {
		wg.Go(func() {
			c := newClient(address)
			defer c.close()
			for time.Since(start) < duration {
				times[i] = append(times[i], c.post(nextEvent()))
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(start)
	all := slices.Concat(times...)
	slices.Sort(all)
	return loadResult{float64(len(all)) / elapsed.Seconds(), all}
}

// A client is a connection that posts events. It is as light as it can be: it shares the processors with what it measures.
type client struct {
	conn    net.Conn
	reader  *bufio.Reader
	request []byte
	body    []byte
}

func newClient(address string) *client {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		panic(err)
	}
	return &client{conn: conn, reader: bufio.NewReader(conn)}
}

func (c *client) close() { _ = c.conn.Close() } // everything was read

// post sends an event and returns how long the answer took.
func (c *client) post(e ledger.UserEvent) time.Duration {
	c.body = appendEvent(c.body[:0], e)
	c.request = append(c.request[:0], "POST /api/v1/events HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: "...)
	c.request = strconv.AppendInt(c.request, int64(len(c.body)), 10)
	c.request = append(append(c.request, "\r\n\r\n"...), c.body...)
	start := time.Now()
	if _, err := c.conn.Write(c.request); err != nil {
		panic(err)
	}
	c.read()
	return time.Since(start)
}

// read reads an answer, which must be 201 and have a length.
func (c *client) read() {
	status, length := "", int64(-1)
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			panic(err)
		}
		line = bytes.TrimSpace(line)
		if status == "" {
			status = string(line)
			continue
		}
		if len(line) == 0 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				panic(err)
			}
		}
	}
	if status != "HTTP/1.1 201 Created" || length < 0 {
		body, _ := io.ReadAll(io.LimitReader(c.reader, max(length, 0))) // for the message
		panic(fmt.Sprintf("%s answered %s: %s", c.request, status, body))
	}
	if _, err := c.reader.Discard(int(length)); err != nil {
		panic(err)
	}
}
