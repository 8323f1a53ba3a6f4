package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"labledger/internal/ledger"
)

const (
	batchSize   = 100_000 // events
	batchRounds = 7
)

// benchBatch measures batches of events against COPY, and the server's memory.
func benchBatch(ctx context.Context, env environment) error {
	addr, err := startHTTP(newAPI(env, slog.LevelError))
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, env.url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	l := ledger.New(env.pool, nil)
	fmt.Printf("\nBatches of %d events: rows per second, median of %d interleaved rounds,\n", batchSize, batchRounds)
	fmt.Printf("and ratio to COPY of the same rows into the same table (min to max)\n")
	var posted, recorded, copied, postedRatio, recordedRatio series
	for round := range batchRounds + 1 {
		events := newBatch()
		recordTime, err := recordAll(ctx, l, events)
		if err != nil {
			return err
		}
		copyTime, err := copyLastBatch(ctx, conn)
		if err != nil {
			return err
		}
		postTime, err := postNDJSON("http://"+addr, ndjson(newBatch()))
		if err != nil {
			return err
		}
		if round == 0 {
			continue // warm-up: creates users, index pages and plans
		}
		copied = append(copied, batchSize/copyTime.Seconds())
		recorded = append(recorded, batchSize/recordTime.Seconds())
		posted = append(posted, batchSize/postTime.Seconds())
		recordedRatio = append(recordedRatio, ratio(copyTime, recordTime))
		postedRatio = append(postedRatio, ratio(copyTime, postTime))
	}
	fmt.Printf("%-34s %8.0f\n", "COPY, one transaction", copied.median())
	fmt.Printf("%-34s %8.0f %22s\n", "ledger.RecordAll", recorded.median(), recordedRatio)
	fmt.Printf("%-34s %8.0f %22s\n", "POST /api/v1/events, NDJSON", posted.median(), postedRatio)
	return printBatchMemory(env)
}

// newBatch returns random events of all users, in chronological order.
func newBatch() []ledger.UserEvent {
	events := make([]ledger.UserEvent, batchSize)
	for i := range events {
		events[i] = nextEvent()
	}
	return events
}

func recordAll(ctx context.Context, l *ledger.Ledger, events []ledger.UserEvent) (time.Duration, error) {
	start := time.Now()
	_, err := l.RecordAll(ctx, &ledger.Batch{Events: events, Actor: "bench"}, false)
	return time.Since(start), err
}

// ndjson returns events as NDJSON.
func ndjson(events []ledger.UserEvent) io.Reader {
	var b []byte
	for _, e := range events {
		b = append(appendEvent(b, e), '\n')
	}
	return strings.NewReader(string(b))
}

// postNDJSON posts events and returns the time until the whole response was read.
func postNDJSON(baseURL string, body io.Reader) (time.Duration, error) {
	start := time.Now()
	response, err := http.Post(baseURL+"/api/v1/events", "application/x-ndjson", body)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	var head strings.Builder
	if _, err := io.CopyN(&head, response.Body, 1000); err != nil && err != io.EOF {
		return 0, err
	}
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("POST /api/v1/events: %s: %s", response.Status, &head)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return time.Since(start), err
}

// copyLastBatch inserts the rows of the last batch again with COPY, as rows of other users, and returns the time. The
// new IDs start with the current time, like those of a batch, so that both append to the end of the indexes.
func copyLastBatch(ctx context.Context, conn *pgx.Conn) (time.Duration, error) {
	const columns = "type, amount, time, effective_time, risk, ruleset_id, facts, alert_codes, alert_id, " +
		"created_at, actor"
	var rows strings.Builder
	now := fmt.Sprintf("%012x", time.Now().UnixMilli())
	_, err := conn.PgConn().CopyTo(ctx, &rows, fmt.Sprintf(`COPY (
		SELECT user_id + %d, ('%s-%s' || substr(id::text, 14))::uuid, %s
		FROM event WHERE xid = (SELECT xid FROM event ORDER BY id DESC LIMIT 1) ORDER BY user_id, id) TO STDOUT`,
		users, now[:8], now[8:], columns))
	if err != nil {
		return 0, err
	}
	start := time.Now()
	tag, err := conn.PgConn().CopyFrom(ctx, strings.NewReader(rows.String()),
		"COPY event (user_id, id, "+columns+") FROM STDIN")
	if err == nil && tag.RowsAffected() != batchSize {
		err = fmt.Errorf("COPY inserted %d rows, want %d", tag.RowsAffected(), batchSize)
	}
	return time.Since(start), err
}

// printBatchMemory posts batches to a server in its own process and prints that process's peak memory.
func printBatchMemory(env environment) error {
	server, err := startServer(env.url, env.dir)
	if err != nil {
		return err
	}
	defer func() {
		_ = server.Process.Kill()
		_ = server.Wait() // returns "signal: killed"
	}()
	fmt.Printf("\n%-40s %10d MB\n", "peak server memory before", peakRSS(server.Process.Pid))
	for _, size := range []int{batchSize, ledger.MaxBatch} {
		body, out := io.Pipe()
		go func() {
			buffered := bufio.NewWriter(out)
			for range size {
				// If a write fails, the request fails as well.
				_, _ = buffered.Write(append(appendEvent(nil, nextEvent()), '\n'))
			}
			_ = buffered.Flush()
			_ = out.Close()
		}()
		if _, err := postNDJSON(serverURL, body); err != nil {
			return err
		}
		fmt.Printf("%-40s %10d MB\n", fmt.Sprintf("after a batch of %d events", size), peakRSS(server.Process.Pid))
	}
	return nil
}

const (
	longHistory       = 1_000_000 // events
	shortHistory      = 10        // events
	longHistoryUser   = 1_000_000_000
	shortHistoryUsers = 1_000 // users with the IDs after longHistoryUser
	eventGap          = 100   // seconds between the events of one user, longer than the rules' windows
)

// longHistoryCost prints the cost of a single event of a user with a long history, relative to users with a short one.
func longHistoryCost(ctx context.Context, env environment, addr string) error {
	l := ledger.New(env.pool, nil)
	var events []ledger.UserEvent
	for i := range int64(longHistory) {
		events = append(events, randomEvent(longHistoryUser, startTime+(i-longHistory)*eventGap))
	}
	if _, err := recordAll(ctx, l, events); err != nil {
		return err
	}
	events = events[:0]
	for i := range int64(shortHistory) {
		for user := range int64(shortHistoryUsers) {
			events = append(events, randomEvent(longHistoryUser+1+user, startTime+(i-shortHistory)*eventGap))
		}
	}
	if _, err := recordAll(ctx, l, events); err != nil {
		return err
	}
	c := newClient(addr)
	defer c.close()
	var times series
	eventTime := int64(startTime)
	for range eventRounds {
		var long, short series
		for range 1000 {
			eventTime += eventGap
			long = append(long, c.post(randomEvent(longHistoryUser, eventTime)).Seconds())
			short = append(short,
				c.post(randomEvent(longHistoryUser+1+rand.Int64N(shortHistoryUsers), eventTime)).Seconds())
		}
		times = append(times, long.median()/short.median())
	}
	var buffers series
	for range 51 {
		long, err := bufferCount(ctx, env, longHistoryUser)
		if err != nil {
			return err
		}
		short, err := bufferCount(ctx, env, longHistoryUser+1+rand.Int64N(shortHistoryUsers))
		if err != nil {
			return err
		}
		buffers = append(buffers, long/short)
	}
	fmt.Printf("\nAn event of a user with %d events, relative to one of users with %d\n", longHistory, shortHistory)
	fmt.Printf("%-34s %22s\n%-34s %22s\n", "median time", times, "buffers accessed", buffers)
	return nil
}

// bufferCount returns the number of shared buffers that the statements of an event access. It rolls them back.
func bufferCount(ctx context.Context, env environment, user int64) (buffers float64, err error) {
	values, err := latestValues(ctx, env.pool)
	if err != nil {
		return 0, err
	}
	tx, err := env.pool.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	stmts, userLiteral := newEventSQL(ctx), fmt.Sprint(user)
	id := fmt.Sprintf("'%012x-7000-8000-%012x'::uuid", time.Now().UnixMilli(), rand.Int64N(1<<48))
	for _, statement := range []string{
		stmts.lockState(userLiteral),
		bindLiterals(stmts.rules),
		stmts.insertEvent(userLiteral, id, values),
		stmts.saveState(userLiteral, id, values),
	} {
		var explained []byte
		if err := tx.QueryRow(ctx, "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+statement).Scan(&explained); err != nil {
			return 0, err
		}
		var plans []struct {
			Plan struct {
				Hit  float64 `json:"Shared Hit Blocks"`
				Read float64 `json:"Shared Read Blocks"`
			}
		}
		if err := json.Unmarshal(explained, &plans); err != nil {
			return 0, err
		}
		buffers += plans[0].Plan.Hit + plans[0].Plan.Read
	}
	return buffers, nil
}
