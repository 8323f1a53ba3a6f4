//go:build compose

package deploy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// testRollingRestart starts both instances anew, one after the other, and nobody notices.
func (p *prodStack) testRollingRestart(t *testing.T) {
	const workers, interval = 12, 120 * time.Millisecond // 100 requests a second
	for round := range int64(2) {
		t.Run(fmt.Sprintf("round %d", round+1), func(t *testing.T) {
			before := p.inspect(t, "api-1").ID
			load := p.startLoad(t, 9000+100*round, workers, interval)
			time.Sleep(time.Second)
			for _, instance := range []string{"api-1", "api-2"} {
				p.compose(t, "up", "-d", "--no-deps", "--force-recreate", "--wait", instance)
			}
			time.Sleep(2 * time.Second)
			result := load.stop()
			for _, f := range result.failures {
				t.Errorf("%s %s: %v %d %.200s", f.at.Format("05.000"), f.request, f.err, f.response.status, f.response.body)
			}
			if p.inspect(t, "api-1").ID == before {
				t.Error("api-1 was not started anew")
			}
			t.Logf("%d requests", result.requests)
			p.assertRecordedOnce(t, result)
		})
	}
	t.Run("seen when it happens", func(t *testing.T) {
		for attempt := range int64(10) { // writes are under way for milliseconds only
			load := p.startLoad(t, 9500+100*attempt, workers, 0)
			time.Sleep(500 * time.Millisecond)
			p.docker(t, "kill", "-s", "KILL", p.containerID(t, "api-1"))
			time.Sleep(500 * time.Millisecond)
			result := load.stop()
			p.assertRecordedOnce(t, result)
			p.compose(t, "up", "-d", "--no-deps", "--wait", "api-1")
			for _, f := range result.failures {
				if f.err != nil || f.response.status >= 500 {
					t.Logf("try %d: of %d requests %d failed", attempt+1, result.requests, len(result.failures))
					return
				}
			}
			time.Sleep(5 * time.Second) // the limit of requests
		}
		t.Error("an instance was killed ten times, and no request failed: this test finds nothing")
	})
}

// testDraining: an instance that is told to stop says so before it closes its port, and ends well.
func (p *prodStack) testDraining(t *testing.T) {
	id := p.containerID(t, "api-1")
	stopped := make(chan error, 1)
	go func() {
		_, err := p.tryCompose(composeTimeout, "stop", "api-1")
		stopped <- err
	}()
	notReady := false
	for ended := false; !ended; {
		select {
		case err := <-stopped:
			if err != nil {
				t.Fatal(err)
			}
			ended = true
		default:
			out, err := runCommand("", nil, nil, 20*time.Second, "docker", "exec", id, "/labledger", "health")
			notReady = notReady || err != nil && strings.Contains(out+err.Error(), "not ready")
		}
	}
	if !notReady {
		t.Error("nobody who asks could know that api-1 was about to stop")
	}
	if code := p.inspect(t, "api-1").State.ExitCode; code != 0 {
		t.Errorf("api-1 ended with exit code %d", code)
	}
	p.compose(t, "up", "-d", "--no-deps", "--wait", "api-1")
}
