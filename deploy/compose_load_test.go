//go:build compose

package deploy_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A failure is a request without a response or with an unexpected status.
type failure struct {
	request  string
	response response
	err      error
	at       time.Time
}

// A loadResult counts the requests of a load. Worker n records events of user firstUser+n with the times 0, 1, 2, ….
type loadResult struct {
	firstUser int64
	requests  int
	failures  []failure
	sent      []int64   // number of events by worker
	acked     [][]int64 // times of the acknowledged events by worker
}

// A runningLoad sends requests until stop is called.
type runningLoad struct {
	mu      sync.Mutex
	result  loadResult
	stopped atomic.Bool
	workers sync.WaitGroup
}

// startLoad starts workers. Each sends a request per interval over one connection: in turn a row, a list and an event.
func (p *prodStack) startLoad(t *testing.T, firstUser int64, workers int, interval time.Duration) *runningLoad {
	load := &runningLoad{result: loadResult{
		firstUser: firstUser,
		sent:      make([]int64, workers),
		acked:     make([][]int64, workers),
	}}
	t.Cleanup(func() { load.stop() })
	for worker := range workers {
		load.workers.Go(func() {
			client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxConnsPerHost: 1}}
			defer client.CloseIdleConnections()
			for n := worker; !load.stopped.Load(); n++ {
				start := time.Now()
				p.sendLoadRequest(load, client, worker, n)
				time.Sleep(interval - time.Since(start))
			}
		})
	}
	return load
}

func (p *prodStack) sendLoadRequest(load *runningLoad, client *http.Client, worker, n int) {
	method, path, body, eventTime := "GET", "/site/1", "", int64(-1)
	switch n % 3 {
	case 1:
		path = "/sites"
	case 2:
		load.mu.Lock()
		eventTime = load.result.sent[worker]
		load.result.sent[worker]++
		load.mu.Unlock()
		method, path, body = "POST", "/api/v1/events", eventBody(load.result.firstUser+int64(worker), eventTime)
	}
	request, err := http.NewRequest(method, p.url(path), strings.NewReader(body))
	if err == nil {
		request.Header.Set("Authorization", "Bearer "+p.token)
		request.Header.Set("Content-Type", "application/json")
	}
	var resp response
	if err == nil {
		resp, err = roundTrip(client, request)
	}
	load.mu.Lock()
	defer load.mu.Unlock()
	load.result.requests++
	if err != nil || resp.status >= 300 {
		failed := failure{fmt.Sprintf("%s %s", method, path), resp, err, time.Now()}
		load.result.failures = append(load.result.failures, failed)
	} else if eventTime >= 0 {
		load.result.acked[worker] = append(load.result.acked[worker], eventTime)
	}
}

// stop ends the load and waits for the requests in progress.
func (load *runningLoad) stop() loadResult {
	load.stopped.Store(true)
	load.workers.Wait()
	return load.result
}

// assertRecordedOnce checks that every acknowledged event is recorded and that no event is recorded twice.
func (p *prodStack) assertRecordedOnce(t *testing.T, result loadResult) {
	t.Helper()
	acked := 0
	for worker := range result.acked {
		user := result.firstUser + int64(worker)
		recorded := p.countEventsByTime(t, user)
		for _, eventTime := range result.acked[worker] {
			acked++
			if recorded[eventTime] != 1 {
				t.Errorf("acknowledged event %d of user %d is recorded %d times", eventTime, user, recorded[eventTime])
			}
		}
		if duplicates := countDuplicates(recorded); duplicates > 0 {
			t.Errorf("%d events of user %d are recorded more than once", duplicates, user)
		}
	}
	if acked == 0 {
		t.Error("control: no event was acknowledged")
	}
	t.Logf("%d events were acknowledged", acked)
}
