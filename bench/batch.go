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

// How large a batch is, and how many there are.
const (
	batchSize   = 100_000
	batchRounds = 7
	largeBatch  = ledger.MaxBatch
)

// benchBatch measures batches of events.
func benchBatch(ctx context.Context, env environment) error {
	addr, err := startHTTP(newAPI(env, slog.LevelError))
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, env.url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // it is done
	l := ledger.New(env.pool, nil)
	fmt.Printf("\nBatches of %d events: rows a second, median of %d interleaved rounds, and against COPY of the same rows into the same table (least to most)\n", batchSize, batchRounds)
	var bodies, direct, copied, bodyRatio, directRatio series
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
			continue // users, indexes and plans are new
		}
		direct, bodies, copied = append(direct, batchSize/recordTime.Seconds()), append(bodies, batchSize/postTime.Seconds()), append(copied, batchSize/copyTime.Seconds())
		directRatio, bodyRatio = append(directRatio, ratio(copyTime, recordTime)), append(bodyRatio, ratio(copyTime, postTime))
	}
	fmt.Printf("%-34s %8.0f\n", "COPY, one transaction", copied.median())
	fmt.Printf("%-34s %8.0f %22s\n", "ledger.RecordAll", direct.median(), directRatio)
	fmt.Printf("%-34s %8.0f %22s\n", "POST /api/v1/events, NDJSON", bodies.median(), bodyRatio)
	return printBatchMemory(env)
}

// newBatch draws events of all users, in the order of time.
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

// ndjson are events as NDJSON.
func ndjson(events []ledger.UserEvent) io.Reader {
	var b []byte
	for _, e := range events {
		b = append(appendEvent(b, e), '\n')
	}
	return strings.NewReader(string(b))
}

// postNDJSON sends events and reads all answers.
func postNDJSON(server string, body io.Reader) (time.Duration, error) {
	start := time.Now()
	response, err := http.Post(server+"/api/v1/events", "application/x-ndjson", body)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }() // it was read to its end
	var answer strings.Builder
	if _, err := io.CopyN(&answer, response.Body, 1000); err != nil && err != io.EOF {
		return 0, err
	}
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("POST /api/v1/events answered %s: %s", response.Status, &answer)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return time.Since(start), err
}

// copyLastBatch copies the rows of the last batch into the table once more, as rows of other users with ids as new as a batch's: its time.
func copyLastBatch(ctx context.Context, conn *pgx.Conn) (time.Duration, error) {
	const columns = "user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts, alert_codes, alert_id, created_at, actor"
	var rows strings.Builder
	now := fmt.Sprintf("%012x", time.Now().UnixMilli())
	_, err := conn.PgConn().CopyTo(ctx, &rows, fmt.Sprintf(`COPY (
		SELECT user_id + %d, ('%s-%s' || substr(id::text, 14))::uuid, type, amount, time, effective_time, risk, ruleset_id, facts, alert_codes, alert_id, created_at, actor
		FROM event WHERE xid = (SELECT xid FROM event ORDER BY id DESC LIMIT 1) ORDER BY user_id, id) TO STDOUT`, users, now[:8], now[8:]))
	if err != nil {
		return 0, err
	}
	start := time.Now()
	tag, err := conn.PgConn().CopyFrom(ctx, strings.NewReader(rows.String()), "COPY event ("+columns+") FROM STDIN")
	if err == nil && tag.RowsAffected() != batchSize {
		err = fmt.Errorf("COPY took %d rows", tag.RowsAffected())
	}
	return time.Since(start), err
}

// printBatchMemory prints the most memory of a server of its own process, which takes batches.
func printBatchMemory(env environment) error {
	server, err := startServer(env.url, env.dir)
	if err != nil {
		return err
	}
	defer func() {
		_ = server.Process.Kill() // it is not needed any longer
		_ = server.Wait()         // killed, it says
	}()
	fmt.Printf("\n%-40s %10d MB\n", "server's memory before, peak", peakRSS(server.Process.Pid))
	for _, size := range []int{batchSize, largeBatch} {
		body, out := io.Pipe()
		go func() {
			buffered := bufio.NewWriter(out)
			for range size {
				_, _ = buffered.Write(append(appendEvent(nil, nextEvent()), '\n')) // the answer tells
			}
			_ = buffered.Flush()
			_ = out.Close() // it never fails
		}()
		if _, err := postNDJSON("http://127.0.0.1:5999", body); err != nil {
			return err
		}
		fmt.Printf("%-40s %10d MB\n", fmt.Sprintf("with a batch of %d events, peak", size), peakRSS(server.Process.Pid))
	}
	return nil
}

// How much history there is.
const (
	longHistory       = 1_000_000
	shortHistory      = 10
	longHistoryUser   = 1_000_000_000
	shortHistoryUsers = 1_000 // users after the veteran
	eventGap          = 100   // seconds between the events of one user: longer than the windows
)

// longHistoryCost prints what a single event of a user with a long history costs, against one of users with a short one.
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
			short = append(short, c.post(randomEvent(longHistoryUser+1+rand.Int64N(shortHistoryUsers), eventTime)).Seconds())
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
	fmt.Printf("\nAn event of a user with %d events against one of users with %d\n%-34s %22s\n%-34s %22s\n",
		longHistory, shortHistory, "median time", times, "buffers that it touches", buffers)
	return nil
}

// bufferCount is how many buffers the statements of an event touch. It leaves nothing.
func bufferCount(ctx context.Context, env environment, user int64) (buffers float64, err error) {
	values, err := latestValues(ctx, env.pool)
	if err != nil {
		return 0, err
	}
	tx, err := env.pool.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback(ctx) }() // as meant
	stmts, userLiteral := newEventSQL(ctx), fmt.Sprint(user)
	id := fmt.Sprintf("'%012x-7000-8000-%012x'::uuid", time.Now().UnixMilli(), rand.Int64N(1<<48))
	for _, statement := range []string{stmts.lockState(userLiteral), bindLiterals(stmts.rules), stmts.insertEvent(userLiteral, id, values), stmts.saveState(userLiteral, id, values)} {
		var text []byte
		if err := tx.QueryRow(ctx, "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+statement).Scan(&text); err != nil {
			return 0, err
		}
		var plans []struct {
			Plan struct {
				Hit  float64 `json:"Shared Hit Blocks"`
				Read float64 `json:"Shared Read Blocks"`
			}
		}
		if err := json.Unmarshal(text, &plans); err != nil {
			return 0, err
		}
		buffers += plans[0].Plan.Hit + plans[0].Plan.Read
	}
	return buffers, nil
}
