//go:build unix && !linux

package embedded

import "os/exec"

// setNamespace reports false: only Linux has user namespaces.
func setNamespace(*exec.Cmd, string, osUser) bool { return false }
