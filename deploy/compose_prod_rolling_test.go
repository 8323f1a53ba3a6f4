//go:build compose

package deploy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// testRollingRestart replaces both instances, one after the other, and checks that no request fails.
func (p *prodStack) testRollingRestart(t *testing.T) {
	const workers, interval = 12, 120 * time.Millisecond // 100 requests per second
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
				t.Errorf("%s %s: %v; status %d: %.200s",
					f.at.Format("05.000"), f.request, f.err, f.response.status, f.response.body)
			}
			if p.inspect(t, "api-1").ID == before {
				t.Error("api-1 was not replaced")
			}
			t.Logf("%d requests", result.requests)
			p.assertRecordedOnce(t, result)
		})
	}
	t.Run("control: killed instance", func(t *testing.T) {
		for attempt := range int64(10) { // a write takes only milliseconds, so a kill often interrupts none
			load := p.startLoad(t, 9500+100*attempt, workers, 0)
			time.Sleep(500 * time.Millisecond)
			p.docker(t, "kill", "-s", "KILL", p.containerID(t, "api-1"))
			time.Sleep(500 * time.Millisecond)
			result := load.stop()
			p.assertRecordedOnce(t, result)
			p.compose(t, "up", "-d", "--no-deps", "--wait", "api-1")
			for _, f := range result.failures {
				if f.err != nil || f.response.status >= 500 {
					t.Logf("attempt %d: %d of %d requests failed", attempt+1, len(result.failures), result.requests)
					return
				}
			}
			time.Sleep(5 * time.Second) // let the rate limit recover
		}
		t.Error("an instance was killed ten times, but no request failed")
	})
}

// testDraining checks that a stopping instance reports itself as not ready before it closes its port, and exits with 0.
func (p *prodStack) testDraining(t *testing.T) {
	id := p.containerID(t, "api-1")
	stopped := make(chan error, 1)
	go func() {
		_, err := p.tryCompose(composeTimeout, "stop", "api-1")
		stopped <- err
	}()
	notReady := false
	for isStopped := false; !isStopped; {
		select {
		case err := <-stopped:
			if err != nil {
				t.Fatal(err)
			}
			isStopped = true
		default:
			out, err := runCommand("", nil, nil, 20*time.Second, "docker", "exec", id, "/labledger", "health")
			notReady = notReady || err != nil && strings.Contains(out+err.Error(), "not ready")
		}
	}
	if !notReady {
		t.Error("api-1 stopped without reporting that it is not ready")
	}
	if code := p.inspect(t, "api-1").State.ExitCode; code != 0 {
		t.Errorf("api-1 exited with %d", code)
	}
	p.compose(t, "up", "-d", "--no-deps", "--wait", "api-1")
}
