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
	var found []composeContainer
	text := s.docker(t, "inspect", s.container(t, service))
	if err := json.Unmarshal([]byte(text), &found); err != nil || len(found) != 1 {
		t.Fatalf("docker inspect of %s: %v: %.300s", service, err, text)
	}
	return found[0]
}

func (c composeContainer) published() bool {
	for _, at := range c.HostConfig.PortBindings {
		if len(at) > 0 {
			return true
		}
	}
	return false
}

func (c composeContainer) onLoopback(t *testing.T) {
	t.Helper()
	for port, bindings := range c.HostConfig.PortBindings {
		for _, b := range bindings {
			if b.HostIp != "127.0.0.1" {
				t.Errorf("%s: port %s is published on %q", c.Name, port, b.HostIp)
			}
		}
	}
}

// confined checks that what breaks out of the program gets nowhere.
func (c composeContainer) confined(t *testing.T) {
	t.Helper()
	h := c.HostConfig
	if user := c.Config.User; user == "" || user == "root" || user == "0" || user == "0:0" {
		t.Errorf("%s runs as root: user %q", c.Name, user)
	}
	if !h.ReadonlyRootfs || h.Privileged || len(h.CapAdd) > 0 || !slices.Equal(h.CapDrop, []string{"ALL"}) {
		t.Errorf("%s: read-only %v, privileged %v, capabilities added %v, dropped %v", c.Name, h.ReadonlyRootfs, h.Privileged, h.CapAdd, h.CapDrop)
	}
	if !slices.Contains(h.SecurityOpt, "no-new-privileges:true") && !slices.Contains(h.SecurityOpt, "no-new-privileges") {
		t.Errorf("%s may get new privileges: %v", c.Name, h.SecurityOpt)
	}
}

// lasting checks what holds for services that run for long.
func (c composeContainer) lasting(t *testing.T) {
	t.Helper()
	h := c.HostConfig
	if h.Memory <= 0 || h.PidsLimit <= 0 {
		t.Errorf("%s may take all memory (%d) or processes (%d)", c.Name, h.Memory, h.PidsLimit)
	}
	if h.RestartPolicy.Name != "unless-stopped" {
		t.Errorf("%s is restarted %q", c.Name, h.RestartPolicy.Name)
	}
}
