package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/sse"
	"labledger/internal/ledger"
	"labledger/internal/postgres"
)

// Rounds of the comparison of notifications with polling.
const (
	streamEvents        = 100
	notifyRounds        = 9
	notifyRoundDuration = 2 * time.Second
)

// benchStreams measures how soon the stream of another server shows an event, and what the notifications that wake it
// cost.
func benchStreams(ctx context.Context, env environment) error {
	pool, err := postgres.Open(ctx, env.url) // of the other server
	if err != nil {
		return err
	}
	defer pool.Close()
	stream := sse.New(env.pool, nil, nil)
	notifying := ledger.New(env.pool, func(int, int) { stream.Wake() })
	polled := ledger.New(env.pool, nil) // its events are found by polls
	if err := printNotifyCost(ctx, notifying, polled, "no server has an open stream"); err != nil {
		return err
	}
	shown, err := followStream(ctx, env, pool)
	if err != nil {
		return err
	}
	if err := printStreamDelays(ctx, notifying, polled, shown); err != nil {
		return err
	}
	go func() { // nobody waits for the events of the load
		for range shown {
		}
	}()
	return printNotifyCost(ctx, notifying, polled, "another server shows them in a stream")
}

// followStream opens the stream of another server. The channel returns the ID of each row that it shows.
func followStream(ctx context.Context, env environment, pool *pgxpool.Pool) (<-chan string, error) {
	env.pool = pool
	address, err := startHTTP(newAPI(env, slog.LevelError))
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/api/v1/stream", http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(response.Body)
	nextPosition := func() string {
		for lines.Scan() {
			if position, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				return position
			}
		}
		return ""
	}
	nextPosition() // of the end
	ids := make(chan string)
	go func() {
		defer close(ids)
		for p := nextPosition(); p != ""; p = nextPosition() {
			ids <- p[strings.LastIndexByte(p, '.')+1:]
		}
	}()
	return ids, nil
}

// printStreamDelays prints the times from the recording of an event to its arrival in the stream of another server.
func printStreamDelays(ctx context.Context, notifying, polled *ledger.Ledger, shown <-chan string) error {
	delays := map[*ledger.Ledger][]time.Duration{}
	for range streamEvents {
		for _, l := range []*ledger.Ledger{notifying, polled} {
			time.Sleep(100*time.Millisecond + rand.N(500*time.Millisecond)) // until the polls after the last event have ended
			delay, err := streamDelay(ctx, l, shown)
			if err != nil {
				return err
			}
			delays[l] = append(delays[l], delay)
		}
	}
	fmt.Printf("\nTime until the stream of another server shows an event, of %d events\n", streamEvents)
	fmt.Printf("%-14s %14s %10s %22s\n", "percentile", "notification", "poll", "notification/poll")
	for _, percent := range []int{50, 99} {
		var times []time.Duration
		for _, l := range []*ledger.Ledger{notifying, polled} {
			slices.Sort(delays[l])
			times = append(times, loadResult{durations: delays[l]}.percentile(percent))
		}
		fmt.Printf("%-14d %11.1f ms %7.1f ms %22.2f\n", percent, milliseconds(times[0]), milliseconds(times[1]),
			ratio(times[0], times[1]))
	}
	return nil
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }

// streamDelay records an event and returns the time until the stream shows it.
func streamDelay(ctx context.Context, l *ledger.Ledger, shown <-chan string) (time.Duration, error) {
	id, err := record(ctx, l)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	for row := range shown {
		if row == id {
			return time.Since(start), nil
		}
	}
	return 0, errors.New("the stream has ended")
}

// record records a random event and returns its ID.
func record(ctx context.Context, l *ledger.Ledger) (id string, err error) {
	e := nextEvent()
	result, err := l.Record(ctx, ledger.RecordRequest{UserID: e.UserID, Event: e.Event, Actor: "bench"})
	return result.EventID.String(), err
}

// printNotifyCost prints the events per second with and without notifications.
func printNotifyCost(ctx context.Context, notifying, silent *ledger.Ledger, streams string) error {
	fmt.Printf("\nEvents per second with and without notifications while %s: median of %d interleaved rounds\n"+
		"(min to max)\n", streams, notifyRounds)
	fmt.Printf("%-12s %9s %9s %22s\n", "writers", "with", "without", "with/without")
	for _, writers := range []int{1, 8, 64} {
		var with, without, ratios series
		for range notifyRounds {
			a, err := recordFor(ctx, notifying, writers, notifyRoundDuration)
			if err != nil {
				return err
			}
			b, err := recordFor(ctx, silent, writers, notifyRoundDuration)
			if err != nil {
				return err
			}
			with, without, ratios = append(with, a), append(without, b), append(ratios, a/b)
		}
		fmt.Printf("%-12d %9.0f %9.0f %22s\n", writers, with.median(), without.median(), ratios)
	}
	return nil
}

// recordFor records random events with a number of writers for a duration. It returns the events per second.
func recordFor(ctx context.Context, l *ledger.Ledger, writers int, duration time.Duration) (float64, error) {
	var recorded atomic.Int64
	var failure atomic.Pointer[error]
	var wg sync.WaitGroup
	start := time.Now()
	for range writers {
		wg.Go(func() {
			for time.Since(start) < duration {
				if _, err := record(ctx, l); err != nil {
					failure.Store(&err)
					return
				}
				recorded.Add(1)
			}
		})
	}
	wg.Wait()
	if err := failure.Load(); err != nil {
		return 0, *err
	}
	return float64(recorded.Load()) / time.Since(start).Seconds(), nil
}
