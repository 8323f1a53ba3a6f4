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

// This file puts a light load on a stack and keeps the accounts of it.

// A failure is a request that came to nothing: no answer, or one of a server's fault.
type failure struct {
	request  string
	response response
	err      error
	at       time.Time
}

// A loadResult is what a load has seen. The events of its workers have users from first on, and times from 0 on.
type loadResult struct {
	firstUser int64
	requests  int
	failures  []failure
	sent      []int64   // by worker: how many events
	acked     [][]int64 // by worker: the times of those that were acknowledged
}

// A runningLoad load.
type runningLoad struct {
	mu      sync.Mutex
	result  loadResult
	stopped atomic.Bool
	workers sync.WaitGroup
}

// startLoad starts workers, each on a connection that it keeps, with a request every so often: a row, a list, an event.
func (p *prodStack) startLoad(t *testing.T, firstUser int64, workers int, interval time.Duration) *runningLoad {
	load := &runningLoad{result: loadResult{firstUser: firstUser, sent: make([]int64, workers), acked: make([][]int64, workers)}}
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
		load.result.failures = append(load.result.failures, failure{fmt.Sprintf("%s %s", method, path), resp, err, time.Now()})
	} else if eventTime >= 0 {
		load.result.acked[worker] = append(load.result.acked[worker], eventTime)
	}
}

// stop ends the load, and waits for what is under way.
func (l *runningLoad) stop() loadResult {
	l.stopped.Store(true)
	l.workers.Wait()
	return l.result
}

// assertRecordedOnce checks that each event that was acknowledged is recorded once, and none twice.
func (p *prodStack) assertRecordedOnce(t *testing.T, result loadResult) {
	t.Helper()
	acked := 0
	for worker := range result.acked {
		recorded := p.countEventsByTime(t, result.firstUser+int64(worker))
		for _, eventTime := range result.acked[worker] {
			acked++
			if recorded[eventTime] != 1 {
				t.Errorf("event %d of user %d was acknowledged, and is recorded %d times", eventTime, result.firstUser+int64(worker), recorded[eventTime])
			}
		}
		if duplicates := countDuplicates(recorded); duplicates > 0 {
			t.Errorf("%d events of user %d are recorded more than once", duplicates, result.firstUser+int64(worker))
		}
	}
	if acked == 0 {
		t.Error("no event was acknowledged: this test shows nothing")
	}
	t.Logf("%d events were acknowledged", acked)
}
