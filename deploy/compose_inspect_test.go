//go:build compose

package deploy_test

import (
	"encoding/json"
	"slices"
	"testing"
)

// A composeContainer is what docker inspect knows of one, as far as we ask.
type composeContainer struct {
	ID, Name string
	State    struct {
		Status, StartedAt string
		Pid, ExitCode     int
	}
	Config     struct{ User string }
	HostConfig struct {
		ReadonlyRootfs, Privileged   bool
		CapAdd, CapDrop, SecurityOpt []string
		Memory, PidsLimit            int64
		RestartPolicy                struct{ Name string }
		PortBindings                 map[string][]struct{ HostIp, HostPort string }
	}
}

func (s *composeStack) inspect(t *testing.T, service string) composeContainer {
	t.Helper()
	var containers []composeContainer
	text := s.docker(t, "inspect", s.containerID(t, service))
	if err := json.Unmarshal([]byte(text), &containers); err != nil || len(containers) != 1 {
		t.Fatalf("docker inspect of %s: %v: %.300s", service, err, text)
	}
	return containers[0]
}

func (c composeContainer) isPublished() bool {
	for _, bindings := range c.HostConfig.PortBindings {
		if len(bindings) > 0 {
			return true
		}
	}
	return false
}

func (c composeContainer) assertOnLoopback(t *testing.T) {
	t.Helper()
	for port, bindings := range c.HostConfig.PortBindings {
		for _, binding := range bindings {
			if binding.HostIp != "127.0.0.1" {
				t.Errorf("%s: port %s is published on %q", c.Name, port, binding.HostIp)
			}
		}
	}
}

// assertConfined checks that what breaks out of the program gets nowhere.
func (c composeContainer) assertConfined(t *testing.T) {
	t.Helper()
	host := c.HostConfig
	if user := c.Config.User; user == "" || user == "root" || user == "0" || user == "0:0" {
		t.Errorf("%s runs as root: user %q", c.Name, user)
	}
	if !host.ReadonlyRootfs || host.Privileged || len(host.CapAdd) > 0 || !slices.Equal(host.CapDrop, []string{"ALL"}) {
		t.Errorf("%s: read-only %v, privileged %v, capabilities added %v, dropped %v", c.Name, host.ReadonlyRootfs, host.Privileged, host.CapAdd, host.CapDrop)
	}
	if !slices.Contains(host.SecurityOpt, "no-new-privileges:true") && !slices.Contains(host.SecurityOpt, "no-new-privileges") {
		t.Errorf("%s may get new privileges: %v", c.Name, host.SecurityOpt)
	}
}

// assertServiceLimits checks what holds for services that run for long.
func (c composeContainer) assertServiceLimits(t *testing.T) {
	t.Helper()
	host := c.HostConfig
	if host.Memory <= 0 || host.PidsLimit <= 0 {
		t.Errorf("%s may take all memory (%d) or processes (%d)", c.Name, host.Memory, host.PidsLimit)
	}
	if host.RestartPolicy.Name != "unless-stopped" {
		t.Errorf("%s is restarted %q", c.Name, host.RestartPolicy.Name)
	}
}
