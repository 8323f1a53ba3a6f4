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

// recordedOf counts the events of a user by their time, which these tests give to one request each.
func (p *production) recordedOf(t *testing.T, user int64) map[int64]int {
	t.Helper()
	count := map[int64]int{}
	for line := range strings.Lines(p.psql(t, fmt.Sprintf("SELECT time, count(*) FROM event WHERE user_id = %d GROUP BY time", user))) {
		at, n, _ := strings.Cut(strings.TrimSpace(line), "|")
		key, err1 := strconv.ParseInt(at, 10, 64)
		value, err2 := strconv.Atoi(n)
		if err1 != nil || err2 != nil {
			t.Fatalf("psql said %q", line)
		}
		count[key] = value
	}
	return count
}

// withOneHung sends events and reads while one instance hangs, lets it go on when all are answered, and tells what came back for the events,
// which of them are recorded how often, and what came back for the reads.
func (p *production) withOneHung(t *testing.T, user int64) (events []answer, recorded map[int64]int, reads []answer) {
	const many = 20
	hung := p.container(t, "api-1")
	p.docker(t, "pause", hung)
	paused := true
	resume := func() {
		if paused {
			p.docker(t, "unpause", hung)
			paused = false
		}
	}
	defer resume()
	events, reads = make([]answer, many), make([]answer, many)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			a, err := p.attempt("POST", []string{"/event", "/api/v1/events"}[i%2], eventBody(user, int64(i)), p.as()...)
			if err != nil {
				t.Errorf("a POST was not answered: %v", err)
			}
			events[i] = a
		})
		all.Go(func() {
			a, err := p.attempt("GET", []string{"/site/1", "/api/v1/sites?limit=1"}[i%2], "", p.as()...)
			if err != nil {
				t.Errorf("a GET was not answered: %v", err)
			}
			reads[i] = a
		})
	}
	all.Wait()
	resume()
	eventually(t, "api-1 works again", 30*time.Second, func() bool { return p.health(t, "api-1") == "healthy" })
	time.Sleep(2 * time.Second) // for what it still does
	return events, p.recordedOf(t, user), reads
}

func twice(recorded map[int64]int) (n int) {
	for _, times := range recorded {
		if times > 1 {
			n++
		}
	}
	return n
}

// testPostOnce: nginx sends no POST to the second instance when the first one may have got it.
func (p *production) testPostOnce(t *testing.T) {
	events, recorded, reads := p.withOneHung(t, 8001)
	stored, lost := 0, 0
	for i, a := range events {
		switch n := recorded[int64(i)]; {
		case a.status/100 == 2 && n != 1:
			t.Errorf("event %d was acknowledged, and is recorded %d times", i, n)
		case a.status/100 == 2:
			stored++
		default:
			lost++
			a.isNginx(t, "a hung instance", 504)
		}
	}
	if n := twice(recorded); n > 0 {
		t.Errorf("%d events are recorded more than once", n)
	}
	if stored == 0 || lost == 0 {
		t.Errorf("%d events were acknowledged, %d were not: both should have been seen", stored, lost)
	}
	for _, a := range reads {
		if a.status != 200 {
			t.Errorf("a read: %d %.200s", a.status, a.body)
		}
	}

	t.Run("seen when it happens", func(t *testing.T) {
		careless := p.with(t, "careless-proxy.yml", "services: {proxy: {volumes: [\"./careless-proxy.conf:/etc/nginx/proxy.conf:ro\"]}}\n")
		text := p.shell(t, "sed 's/^proxy_next_upstream error.*/proxy_next_upstream error timeout non_idempotent;/; s/^proxy_read_timeout.*/proxy_read_timeout 3s;/' nginx/proxy.conf")
		p.write(t, "careless-proxy.conf", text, 0o644)
		careless.compose(t, "up", "-d", "--no-deps", "--wait", "proxy")
		defer p.compose(t, "up", "-d", "--no-deps", "--wait", "proxy")
		_, recorded, _ := p.withOneHung(t, 8002)
		if twice(recorded) == 0 {
			t.Errorf("an nginx that repeats POSTs records none twice: this test finds nothing: %v", recorded)
		}
	})
}

// testPostgresKilled kills the database as the kernel does when memory is short.
func (p *production) testPostgresKilled(t *testing.T) {
	const user = 8101
	load := p.load(t, user, 4, 100*time.Millisecond)
	time.Sleep(2 * time.Second)
	before := p.inspect(t, "db")
	p.docker(t, "run", "--rm", "--pid", "host", "--user", "0", "--network", "none", "--entrypoint", "sh", "labledger-proxy:"+p.project, "-c", fmt.Sprintf("kill -9 %d", before.State.Pid))
	killed := time.Now()
	time.Sleep(300 * time.Millisecond)
	eventually(t, "200 again", time.Minute, func() bool {
		a, err := p.attempt("GET", "/site/1", "", p.as()...)
		return err == nil && a.status == 200
	})
	t.Logf("200 again %v after the kill", time.Since(killed).Round(100*time.Millisecond))
	eventually(t, "the database is healthy", time.Minute, func() bool { return p.health(t, "db") == "healthy" })
	time.Sleep(time.Second)
	done := load.stop()
	if after := p.inspect(t, "db"); after.State.Pid == before.State.Pid {
		t.Error("the database was not killed")
	}
	if len(done.failures) == 0 {
		t.Error("no request noticed that the database was away: this test shows nothing")
	}
	for _, f := range done.failures {
		if f.err != nil || f.answer.status != 503 || f.answer.header.Get("Retry-After") == "" {
			t.Errorf("%s: %v %d %.200s", f.what, f.err, f.answer.status, f.answer.body)
		}
	}
	t.Logf("%d requests, %d answered by 503", done.requests, len(done.failures))
	p.recordedOnce(t, done)
}
