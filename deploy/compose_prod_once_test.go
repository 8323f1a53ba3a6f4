//go:build compose

package deploy_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// countEventsByTime counts the events of a user by their time, which these tests give to one request each.
func (p *prodStack) countEventsByTime(t *testing.T, user int64) map[int64]int {
	t.Helper()
	count := map[int64]int{}
	for line := range strings.Lines(p.psql(t, fmt.Sprintf("SELECT time, count(*) FROM event WHERE user_id = %d GROUP BY time", user))) {
		timeText, countText, _ := strings.Cut(strings.TrimSpace(line), "|")
		key, err1 := strconv.ParseInt(timeText, 10, 64)
		value, err2 := strconv.Atoi(countText)
		if err1 != nil || err2 != nil {
			t.Fatalf("psql said %q", line)
		}
		count[key] = value
	}
	return count
}

// sendWithHungInstance sends events and reads while one instance hangs, lets it go on when all are answered, and tells what came back for the events,
// which of them are recorded how often, and what came back for the reads.
func (p *prodStack) sendWithHungInstance(t *testing.T, user int64) (events []response, recorded map[int64]int, reads []response) {
	const requests = 20
	instance := p.containerID(t, "api-1")
	p.docker(t, "pause", instance)
	paused := true
	resume := func() {
		if paused {
			p.docker(t, "unpause", instance)
			paused = false
		}
	}
	defer resume()
	events, reads = make([]response, requests), make([]response, requests)
	var wg sync.WaitGroup
	for i := range requests {
		wg.Go(func() {
			resp, err := p.trySend("POST", []string{"/event", "/api/v1/events"}[i%2], eventBody(user, int64(i)), p.asAdmin()...)
			if err != nil {
				t.Errorf("a POST was not answered: %v", err)
			}
			events[i] = resp
		})
		wg.Go(func() {
			resp, err := p.trySend("GET", []string{"/site/1", "/api/v1/sites?limit=1"}[i%2], "", p.asAdmin()...)
			if err != nil {
				t.Errorf("a GET was not answered: %v", err)
			}
			reads[i] = resp
		})
	}
	wg.Wait()
	resume()
	waitUntil(t, "api-1 works again", 30*time.Second, func() bool { return p.healthStatus(t, "api-1") == "healthy" })
	time.Sleep(2 * time.Second) // for what it still does
	return events, p.countEventsByTime(t, user), reads
}

func countDuplicates(recorded map[int64]int) (n int) {
	for _, count := range recorded {
		if count > 1 {
			n++
		}
	}
	return n
}

// testPOSTSentOnce: nginx sends no POST to the second instance when the first one may have got it.
func (p *prodStack) testPOSTSentOnce(t *testing.T) {
	events, recorded, reads := p.sendWithHungInstance(t, 8001)
	stored, failed := 0, 0
	for i, resp := range events {
		switch n := recorded[int64(i)]; {
		case resp.status/100 == 2 && n != 1:
			t.Errorf("event %d was acknowledged, and is recorded %d times", i, n)
		case resp.status/100 == 2:
			stored++
		default:
			failed++
			resp.assertNginxProblem(t, "a hung instance", 504)
		}
	}
	if n := countDuplicates(recorded); n > 0 {
		t.Errorf("%d events are recorded more than once", n)
	}
	if stored == 0 || failed == 0 {
		t.Errorf("%d events were acknowledged, %d were not: both should have been seen", stored, failed)
	}
	for _, resp := range reads {
		if resp.status != 200 {
			t.Errorf("a read: %d %.200s", resp.status, resp.body)
		}
	}

	t.Run("seen when it happens", func(t *testing.T) {
		retrying := p.withOverride(t, "careless-proxy.yml", "services: {proxy: {volumes: [\"./careless-proxy.conf:/etc/nginx/proxy.conf:ro\"]}}\n")
		text := p.runShell(t, "sed 's/^proxy_next_upstream error.*/proxy_next_upstream error timeout non_idempotent;/; s/^proxy_read_timeout.*/proxy_read_timeout 3s;/' nginx/proxy.conf")
		p.writeFile(t, "careless-proxy.conf", text, 0o644)
		retrying.compose(t, "up", "-d", "--no-deps", "--wait", "proxy")
		defer p.compose(t, "up", "-d", "--no-deps", "--wait", "proxy")
		_, recorded, _ := p.sendWithHungInstance(t, 8002)
		if countDuplicates(recorded) == 0 {
			t.Errorf("an nginx that repeats POSTs records none twice: this test finds nothing: %v", recorded)
		}
	})
}

// testPostgresKill kills the database as the kernel does when memory is short.
func (p *prodStack) testPostgresKill(t *testing.T) {
	const user = 8101
	load := p.startLoad(t, user, 4, 100*time.Millisecond)
	time.Sleep(2 * time.Second)
	before := p.inspect(t, "db")
	p.docker(t, "run", "--rm", "--pid", "host", "--user", "0", "--network", "none", "--entrypoint", "sh", "labledger-proxy:"+p.project, "-c", fmt.Sprintf("kill -9 %d", before.State.Pid))
	killed := time.Now()
	time.Sleep(300 * time.Millisecond)
	waitUntil(t, "200 again", time.Minute, func() bool {
		resp, err := p.trySend("GET", "/site/1", "", p.asAdmin()...)
		return err == nil && resp.status == 200
	})
	t.Logf("200 again %v after the kill", time.Since(killed).Round(100*time.Millisecond))
	waitUntil(t, "the database is healthy", time.Minute, func() bool { return p.healthStatus(t, "db") == "healthy" })
	time.Sleep(time.Second)
	result := load.stop()
	if after := p.inspect(t, "db"); after.State.Pid == before.State.Pid {
		t.Error("the database was not killed")
	}
	if len(result.failures) == 0 {
		t.Error("no request noticed that the database was away: this test shows nothing")
	}
	for _, f := range result.failures {
		if f.err != nil || f.response.status != 503 || f.response.header.Get("Retry-After") == "" {
			t.Errorf("%s: %v %d %.200s", f.request, f.err, f.response.status, f.response.body)
		}
	}
	t.Logf("%d requests, %d answered by 503", result.requests, len(result.failures))
	p.assertRecordedOnce(t, result)
}
