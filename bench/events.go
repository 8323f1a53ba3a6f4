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

// Random events: each user has one event per minute, and 70 % are deposits. About one in twenty raises an alert.
const (
	users           = 10_000
	eventsPerMinute = users
	startTime       = 1_700_000_000 // Unix seconds
)

// Rounds of a comparison of single events.
const (
	eventRounds        = 9
	eventRoundDuration = 2 * time.Second
)

// generated counts the events so far. Their times continue from one round to the next.
var generated atomic.Int64

// randomEvent returns a random event of a user at a time.
func randomEvent(user, time int64) ledger.UserEvent {
	e := rules.Event{Amount: [...]rules.Cents{10_00, 20_00, 50_00}[rand.IntN(3)], Time: time}
	if rand.IntN(10) >= 7 {
		e.Type = rules.Withdraw
	}
	return ledger.UserEvent{UserID: user, Event: e}
}

// nextEvent returns a random event of a random user at the next time.
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

// benchEvents measures single events against the naive baseline and pgbench.
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
	for range 2 { // give every user a history
		if _, err := recordAll(ctx, ledger.New(env.pool, nil), newBatch()); err != nil {
			return err
		}
	}
	for _, server := range []string{addr, naiveAddr} { // warm-up: prepares all statements
		postEvents(server, 16, eventRoundDuration)
	}
	pgb, err := newPgbench(ctx, env)
	if err != nil {
		return err
	}
	fmt.Printf("\nSingle events per second: median of %d interleaved rounds (min to max)\n", eventRounds)
	fmt.Printf("naive: net/http + pgx, one round trip per statement. ")
	fmt.Printf("pgbench: -M prepared, the server's statements in two pipelines\n")
	fmt.Printf("%-12s %9s %8s %8s %22s %22s %22s %22s\n", "connections", "labledger", "naive", "pgbench",
		"labledger/naive", "labledger/pgbench", "p50 labledger/naive", "p99 labledger/naive")
	for _, connections := range []int{1, 8, 64} {
		if err := compareEvents(addr, naiveAddr, pgb, connections); err != nil {
			return err
		}
	}
	return longHistoryCost(ctx, env, addr)
}

// compareEvents loads the server and both baselines in alternation and prints one line.
func compareEvents(addr, naiveAddr string, pgb *pgbench, connections int) error {
	var rates, naiveRates, pgbenchRates, naiveRatios, pgbenchRatios, p50Ratios, p99Ratios series
	for range eventRounds {
		result := postEvents(addr, connections, eventRoundDuration)
		naive := postEvents(naiveAddr, connections, eventRoundDuration)
		pgbenchRate, err := pgb.run(connections, eventRoundDuration)
		if err != nil {
			return err
		}
		rates = append(rates, result.perSecond)
		naiveRates = append(naiveRates, naive.perSecond)
		pgbenchRates = append(pgbenchRates, pgbenchRate)
		naiveRatios = append(naiveRatios, result.perSecond/naive.perSecond)
		pgbenchRatios = append(pgbenchRatios, result.perSecond/pgbenchRate)
		p50Ratios = append(p50Ratios, ratio(result.percentile(50), naive.percentile(50)))
		p99Ratios = append(p99Ratios, ratio(result.percentile(99), naive.percentile(99)))
	}
	fmt.Printf("%-12d %9.0f %8.0f %8.0f %22s %22s %22s %22s\n", connections, rates.median(), naiveRates.median(),
		pgbenchRates.median(), naiveRatios, pgbenchRatios, p50Ratios, p99Ratios)
	return nil
}

// series is the values of one measurement, one per round.
type series []float64

func (s series) median() float64 { return median(slices.Sorted(slices.Values(s))) }

func (s series) String() string {
	return fmt.Sprintf("%.2f (%.2f to %.2f)", s.median(), slices.Min(s), slices.Max(s))
}

// over returns the ratios to another series, round by round.
func (s series) over(other series) (ratios series) {
	for i := range s {
		ratios = append(ratios, s[i]/other[i])
	}
	return ratios
}

// rounded returns the median without decimals.
func (s series) rounded() string { return fmt.Sprintf("%.0f", s.median()) }

// loadResult is the result of a load.
type loadResult struct {
	perSecond float64
	durations []time.Duration // of all responses, ascending
}

func (r loadResult) percentile(percent int) time.Duration {
	return r.durations[(len(r.durations)-1)*percent/100]
}

// postEvents posts events of random users on a number of connections for a duration.
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

// client is a connection that posts events. It does as little work as possible, because it shares the processors with
// the server.
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

func (c *client) close() { _ = c.conn.Close() }

// post posts an event and returns the response time.
func (c *client) post(e ledger.UserEvent) time.Duration {
	c.body = appendEvent(c.body[:0], e)
	c.request = append(c.request[:0], "POST /api/v1/events HTTP/1.1\r\nHost: bench\r\n"+
		"Content-Type: application/json\r\nContent-Length: "...)
	c.request = strconv.AppendInt(c.request, int64(len(c.body)), 10)
	c.request = append(append(c.request, "\r\n\r\n"...), c.body...)
	start := time.Now()
	if _, err := c.conn.Write(c.request); err != nil {
		panic(err)
	}
	c.readResponse()
	return time.Since(start)
}

// readResponse reads a response, which must have status 201 and a Content-Length.
func (c *client) readResponse() {
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
		body, _ := io.ReadAll(io.LimitReader(c.reader, max(length, 0)))
		panic(fmt.Sprintf("%s: got %s: %s", c.request, status, body))
	}
	if _, err := c.reader.Discard(int(length)); err != nil {
		panic(err)
	}
}
