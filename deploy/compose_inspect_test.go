//go:build compose

package deploy_test

import (
	"encoding/json"
	"slices"
	"testing"
)

// A composeContainer has the members of the output of docker inspect that the tests use.
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

// assertConfined checks that an attacker who controls the program has no privileges in the container.
func (c composeContainer) assertConfined(t *testing.T) {
	t.Helper()
	host := c.HostConfig
	if user := c.Config.User; user == "" || user == "root" || user == "0" || user == "0:0" {
		t.Errorf("%s runs as root: user %q", c.Name, user)
	}
	if !host.ReadonlyRootfs || host.Privileged || len(host.CapAdd) > 0 || !slices.Equal(host.CapDrop, []string{"ALL"}) {
		t.Errorf("%s: read-only %v, privileged %v, capabilities added %v, dropped %v",
			c.Name, host.ReadonlyRootfs, host.Privileged, host.CapAdd, host.CapDrop)
	}
	if !slices.Contains(host.SecurityOpt, "no-new-privileges:true") &&
		!slices.Contains(host.SecurityOpt, "no-new-privileges") {
		t.Errorf("%s can gain privileges: %v", c.Name, host.SecurityOpt)
	}
}

// assertServiceLimits checks the resource limits and the restart policy of a long-running service.
func (c composeContainer) assertServiceLimits(t *testing.T) {
	t.Helper()
	host := c.HostConfig
	if host.Memory <= 0 || host.PidsLimit <= 0 {
		t.Errorf("%s has no limit of memory (%d) or processes (%d)", c.Name, host.Memory, host.PidsLimit)
	}
	if host.RestartPolicy.Name != "unless-stopped" {
		t.Errorf("%s has the restart policy %q, want unless-stopped", c.Name, host.RestartPolicy.Name)
	}
}
