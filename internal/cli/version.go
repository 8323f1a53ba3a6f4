package cli

import (
	"fmt"
	"runtime/debug"
	"strings"
)

// buildVersion is set by builds outside of a repository: -ldflags "-X labledger/internal/cli.buildVersion=1.2.3".
var buildVersion string

// version returns buildVersion, or else the module version and the commit of the build.
func version() string {
	if buildVersion != "" {
		return buildVersion
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	text := strings.Trim(info.Main.Version, "()")
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && !strings.Contains(text, s.Value[:12]) {
			text += "-" + s.Value[:12]
		}
	}
	return text
}

type versionCmd struct{}

func (versionCmd) Run() error {
	fmt.Println("labledger " + version())
	return nil
}
