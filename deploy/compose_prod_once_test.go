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

// countEventsByTime counts the recorded events of a user by their time. Each request of these tests has its own time.
func (p *prodStack) countEventsByTime(t *testing.T, user int64) map[int64]int {
	t.Helper()
	count := map[int64]int{}
	query := fmt.Sprintf("SELECT time, count(*) FROM event WHERE user_id = %d GROUP BY time", user)
	for line := range strings.Lines(p.psql(t, query)) {
		timeText, countText, _ := strings.Cut(strings.TrimSpace(line), "|")
		key, err1 := strconv.ParseInt(timeText, 10, 64)
		value, err2 := strconv.Atoi(countText)
		if err1 != nil || err2 != nil {
			t.Fatalf("unexpected line of psql: %q", line)
		}
		count[key] = value
	}
	return count
}

// sendWithHungInstance sends events and reads while api-1 is paused, and resumes it after the last response. It returns
// the responses, and how often each event is recorded.
func (p *prodStack) sendWithHungInstance(
	t *testing.T, user int64,
) (events []response, recorded map[int64]int, reads []response) {
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
			path := []string{"/event", "/api/v1/events"}[i%2]
			resp, err := p.trySend("POST", path, eventBody(user, int64(i)), p.asAdmin()...)
			if err != nil {
				t.Errorf("no response to a POST: %v", err)
			}
			events[i] = resp
		})
		wg.Go(func() {
			path := []string{"/site/1", "/api/v1/sites?limit=1"}[i%2]
			resp, err := p.trySend("GET", path, "", p.asAdmin()...)
			if err != nil {
				t.Errorf("no response to a GET: %v", err)
			}
			reads[i] = resp
		})
	}
	wg.Wait()
	resume()
	waitUntil(t, "api-1 is healthy again", 30*time.Second, func() bool {
		return p.healthStatus(t, "api-1") == "healthy"
	})
	time.Sleep(2 * time.Second) // api-1 still processes requests that it received
	return events, p.countEventsByTime(t, user), reads
}

// countDuplicates returns the number of events that are recorded more than once.
func countDuplicates(recorded map[int64]int) (duplicates int) {
	for _, count := range recorded {
		if count > 1 {
			duplicates++
		}
	}
	return duplicates
}

// testPOSTSentOnce checks that nginx sends no POST to the second instance if the first one may have received it.
func (p *prodStack) testPOSTSentOnce(t *testing.T) {
	events, recorded, reads := p.sendWithHungInstance(t, 8001)
	stored, failed := 0, 0
	for i, resp := range events {
		switch n := recorded[int64(i)]; {
		case resp.status/100 == 2 && n != 1:
			t.Errorf("acknowledged event %d is recorded %d times", i, n)
		case resp.status/100 == 2:
			stored++
		default:
			failed++
			resp.assertNginxProblem(t, "hung instance", 504)
		}
	}
	if n := countDuplicates(recorded); n > 0 {
		t.Errorf("%d events are recorded more than once", n)
	}
	if stored == 0 || failed == 0 {
		t.Errorf("control: %d events were acknowledged and %d failed; want some of both", stored, failed)
	}
	for _, resp := range reads {
		if resp.status != 200 {
			t.Errorf("read: status %d: %.200s", resp.status, resp.body)
		}
	}

	t.Run("control: nginx that repeats POSTs", p.testPOSTSentTwice)
}

// testPOSTSentTwice checks that a POST would be recorded twice if nginx sent it to both instances. It locks the table
// event until both instances wait for it.
func (p *prodStack) testPOSTSentTwice(t *testing.T) {
	const user = 8002
	repeating := p.withOverride(t, "repeating-proxy.yml",
		`services: {proxy: {volumes: ["./repeating-proxy.conf:/etc/nginx/proxy.conf:ro"]}}`+"\n")
	conf := p.runShell(t, `sed '
		s/^proxy_next_upstream error.*/proxy_next_upstream error timeout non_idempotent;/
		s/^proxy_read_timeout.*/proxy_read_timeout 500ms;/' nginx/proxy.conf`)
	p.writeFile(t, "repeating-proxy.conf", conf, 0o644)
	repeating.compose(t, "up", "-d", "--no-deps", "--wait", "proxy")
	defer p.compose(t, "up", "-d", "--no-deps", "--wait", "proxy")

	unlocked := make(chan error, 1)
	go func() {
		_, err := p.tryPSQL(`DO $$ BEGIN
			LOCK TABLE event IN SHARE MODE;
			FOR i IN 1..1200 LOOP
				PERFORM pg_stat_clear_snapshot();
				IF (SELECT count(DISTINCT client_addr) FROM pg_stat_activity WHERE wait_event_type = 'Lock') = 2 THEN
					RETURN;
				END IF;
				PERFORM pg_sleep(0.05);
			END LOOP;
			RAISE 'fewer than two instances waited for the table event';
		END $$`)
		unlocked <- err
	}()
	waitUntil(t, "the table event is locked", time.Minute, func() bool {
		return p.psql(t, `SELECT count(*) FROM pg_locks
			WHERE relation = 'event'::regclass AND mode = 'ShareLock' AND granted`) == "1"
	})
	if _, err := p.trySend("POST", "/event", eventBody(user, 1), p.asAdmin()...); err != nil {
		t.Error(err)
	}
	if err := <-unlocked; err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "the event is recorded twice", time.Minute, func() bool {
		return countDuplicates(p.countEventsByTime(t, user)) == 1
	})
}

// testPostgresKill kills Postgres with SIGKILL, as the kernel does when memory runs out.
func (p *prodStack) testPostgresKill(t *testing.T) {
	const user = 8101
	load := p.startLoad(t, user, 4, 100*time.Millisecond)
	time.Sleep(2 * time.Second)
	before := p.inspect(t, "db")
	p.docker(t, "run", "--rm", "--pid", "host", "--user", "0", "--network", "none", "--entrypoint", "sh",
		"labledger-proxy:"+p.project, "-c", fmt.Sprintf("kill -9 %d", before.State.Pid))
	killedAt := time.Now()
	time.Sleep(300 * time.Millisecond)
	waitUntil(t, "a read succeeds again", time.Minute, func() bool {
		resp, err := p.trySend("GET", "/site/1", "", p.asAdmin()...)
		return err == nil && resp.status == 200
	})
	t.Logf("a read succeeded %v after the kill", time.Since(killedAt).Round(100*time.Millisecond))
	waitUntil(t, "the database is healthy", time.Minute, func() bool { return p.healthStatus(t, "db") == "healthy" })
	time.Sleep(time.Second)
	result := load.stop()
	if after := p.inspect(t, "db"); after.State.Pid == before.State.Pid {
		t.Error("the database was not killed")
	}
	if len(result.failures) == 0 {
		t.Error("control: no request failed while the database was down")
	}
	for _, f := range result.failures {
		if f.err != nil || f.response.status != 503 || f.response.header.Get("Retry-After") == "" {
			t.Errorf("%s: %v; status %d, want 503 with Retry-After: %.200s",
				f.request, f.err, f.response.status, f.response.body)
		}
	}
	t.Logf("%d requests, %d responses with 503", result.requests, len(result.failures))
	p.assertRecordedOnce(t, result)
}
