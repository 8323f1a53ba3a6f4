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
	what   string
	answer answer
	err    error
	at     time.Time
}

// A tally is what a load has seen. The events of its workers have users from first on, and times from 0 on.
type tally struct {
	first    int64
	requests int
	failures []failure
	sent     []int64   // by worker: how many events
	acked    [][]int64 // by worker: the times of those that were acknowledged
}

// A running load.
type running struct {
	mu    sync.Mutex
	tally tally
	ended atomic.Bool
	all   sync.WaitGroup
}

// load starts workers, each on a connection that it keeps, with a request every so often: a row, a list, an event.
func (p *production) load(t *testing.T, first int64, workers int, every time.Duration) *running {
	l := &running{tally: tally{first: first, sent: make([]int64, workers), acked: make([][]int64, workers)}}
	t.Cleanup(func() { l.stop() })
	for w := range workers {
		l.all.Go(func() {
			client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxConnsPerHost: 1}}
			defer client.CloseIdleConnections()
			for n := w; !l.ended.Load(); n++ {
				start := time.Now()
				p.loadOne(l, client, w, n)
				time.Sleep(every - time.Since(start))
			}
		})
	}
	return l
}

func (p *production) loadOne(l *running, client *http.Client, w, n int) {
	method, path, body, at := "GET", "/site/1", "", int64(-1)
	switch n % 3 {
	case 1:
		path = "/sites"
	case 2:
		l.mu.Lock()
		at = l.tally.sent[w]
		l.tally.sent[w]++
		l.mu.Unlock()
		method, path, body = "POST", "/api/v1/events", eventBody(l.tally.first+int64(w), at)
	}
	r, err := http.NewRequest(method, p.url(path), strings.NewReader(body))
	if err == nil {
		r.Header.Set("Authorization", "Bearer "+p.token)
		r.Header.Set("Content-Type", "application/json")
	}
	var a answer
	if err == nil {
		a, err = exchange(client, r)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tally.requests++
	if err != nil || a.status >= 300 {
		l.tally.failures = append(l.tally.failures, failure{fmt.Sprintf("%s %s", method, path), a, err, time.Now()})
	} else if at >= 0 {
		l.tally.acked[w] = append(l.tally.acked[w], at)
	}
}

// stop ends the load, and waits for what is under way.
func (l *running) stop() tally {
	l.ended.Store(true)
	l.all.Wait()
	return l.tally
}

// recordedOnce checks that each event that was acknowledged is recorded once, and none twice.
func (p *production) recordedOnce(t *testing.T, done tally) {
	t.Helper()
	acked := 0
	for w := range done.acked {
		recorded := p.recordedOf(t, done.first+int64(w))
		for _, at := range done.acked[w] {
			acked++
			if recorded[at] != 1 {
				t.Errorf("event %d of user %d was acknowledged, and is recorded %d times", at, done.first+int64(w), recorded[at])
			}
		}
		if n := twice(recorded); n > 0 {
			t.Errorf("%d events of user %d are recorded more than once", n, done.first+int64(w))
		}
	}
	if acked == 0 {
		t.Error("no event was acknowledged: this test shows nothing")
	}
	t.Logf("%d events were acknowledged", acked)
}
