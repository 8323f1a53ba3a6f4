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

// batches measures batches of events.
func batches(ctx context.Context, at place) error {
	ours, err := serve(newAPI(at, slog.LevelError))
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, at.url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // it is done
	taker := ledger.New(at.pool, nil)
	fmt.Printf("\nBatches of %d events: rows a second, median of %d interleaved rounds, and against COPY of the same rows into the same table (least to most)\n", batchSize, batchRounds)
	var bodies, direct, copied, bodyRatio, directRatio series
	for round := range batchRounds + 1 {
		events := newBatch()
		took, err := recordAll(ctx, taker, events)
		if err != nil {
			return err
		}
		raw, err := copyAgain(ctx, conn)
		if err != nil {
			return err
		}
		whole, err := postAll("http://"+ours, lines(newBatch()))
		if err != nil {
			return err
		}
		if round == 0 {
			continue // users, indexes and plans are new
		}
		direct, bodies, copied = append(direct, batchSize/took.Seconds()), append(bodies, batchSize/whole.Seconds()), append(copied, batchSize/raw.Seconds())
		directRatio, bodyRatio = append(directRatio, ratio(raw, took)), append(bodyRatio, ratio(raw, whole))
	}
	fmt.Printf("%-34s %8.0f\n", "COPY, one transaction", copied.median())
	fmt.Printf("%-34s %8.0f %22s\n", "ledger.RecordAll", direct.median(), directRatio)
	fmt.Printf("%-34s %8.0f %22s\n", "POST /api/v1/events, NDJSON", bodies.median(), bodyRatio)
	return memory(at)
}

// newBatch draws events of all users, in the order of time.
func newBatch() []ledger.UserEvent {
	events := make([]ledger.UserEvent, batchSize)
	for i := range events {
		events[i] = further()
	}
	return events
}

func recordAll(ctx context.Context, taker *ledger.Ledger, events []ledger.UserEvent) (time.Duration, error) {
	start := time.Now()
	_, err := taker.RecordAll(ctx, &ledger.Batch{Events: events, Actor: "bench"}, false)
	return time.Since(start), err
}

// lines are events as NDJSON.
func lines(events []ledger.UserEvent) io.Reader {
	var b []byte
	for _, e := range events {
		b = append(appendEvent(b, e), '\n')
	}
	return strings.NewReader(string(b))
}

// postAll sends events and reads all answers.
func postAll(server string, body io.Reader) (time.Duration, error) {
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

// copyAgain copies the rows of the last batch into the table once more, as rows of other users with ids as new as a batch's: its time.
func copyAgain(ctx context.Context, conn *pgx.Conn) (time.Duration, error) {
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

// memory prints the most memory of a server of its own process, which takes batches.
func memory(at place) error {
	server, err := startServer(at.url, at.dir)
	if err != nil {
		return err
	}
	defer func() {
		_ = server.Process.Kill() // it is not needed any longer
		_ = server.Wait()         // killed, it says
	}()
	fmt.Printf("\n%-40s %10d MB\n", "server's memory before, peak", peak(server.Process.Pid))
	for _, size := range []int{batchSize, largeBatch} {
		body, out := io.Pipe()
		go func() {
			buffered := bufio.NewWriter(out)
			for range size {
				_, _ = buffered.Write(append(appendEvent(nil, further()), '\n')) // the answer tells
			}
			_ = buffered.Flush()
			_ = out.Close() // it never fails
		}()
		if _, err := postAll("http://127.0.0.1:5999", body); err != nil {
			return err
		}
		fmt.Printf("%-40s %10d MB\n", fmt.Sprintf("with a batch of %d events, peak", size), peak(server.Process.Pid))
	}
	return nil
}

// How much history there is.
const (
	longHistory  = 1_000_000
	shortHistory = 10
	veteran      = 1_000_000_000
	novices      = 1_000 // users after the veteran
	apart        = 100   // seconds between the events of one user: longer than the windows
)

// history prints what a single event of a user with a long history costs, against one of users with a short one.
func history(ctx context.Context, at place, ours string) error {
	taker := ledger.New(at.pool, nil)
	var events []ledger.UserEvent
	for i := range int64(longHistory) {
		events = append(events, newEvent(veteran, startOfTime+(i-longHistory)*apart))
	}
	if _, err := recordAll(ctx, taker, events); err != nil {
		return err
	}
	events = events[:0]
	for i := range int64(shortHistory) {
		for user := range int64(novices) {
			events = append(events, newEvent(veteran+1+user, startOfTime+(i-shortHistory)*apart))
		}
	}
	if _, err := recordAll(ctx, taker, events); err != nil {
		return err
	}
	c := newClient(ours)
	defer c.close()
	var times series
	at0 := int64(startOfTime)
	for range eventRounds {
		var long, short series
		for range 1000 {
			at0 += apart
			long = append(long, c.post(newEvent(veteran, at0)).Seconds())
			short = append(short, c.post(newEvent(veteran+1+rand.Int64N(novices), at0)).Seconds())
		}
		times = append(times, long.median()/short.median())
	}
	var buffers series
	for range 51 {
		long, err := touched(ctx, at, veteran)
		if err != nil {
			return err
		}
		short, err := touched(ctx, at, veteran+1+rand.Int64N(novices))
		if err != nil {
			return err
		}
		buffers = append(buffers, long/short)
	}
	fmt.Printf("\nAn event of a user with %d events against one of users with %d\n%-34s %22s\n%-34s %22s\n",
		longHistory, shortHistory, "median time", times, "buffers that it touches", buffers)
	return nil
}

// touched is how many buffers the statements of an event touch. It leaves nothing.
func touched(ctx context.Context, at place, user int64) (buffers float64, err error) {
	e, err := exampleOf(ctx, at.pool)
	if err != nil {
		return 0, err
	}
	tx, err := at.pool.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback(ctx) }() // as meant
	in, who := newIntake(ctx), fmt.Sprint(user)
	id := fmt.Sprintf("'%012x-7000-8000-%012x'::uuid", time.Now().UnixMilli(), rand.Int64N(1<<48))
	for _, statement := range []string{in.lockOf(who), with(in.rules), in.eventOf(who, id, e), in.saveOf(who, id, e)} {
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
