//go:build unix

package download

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
)

func TestBuilds(t *testing.T) {
	t.Parallel()
	for i, b := range pinnedBuilds {
		if i > 0 && b.major >= pinnedBuilds[i-1].major {
			t.Errorf("version %s stands after %s", b.version, pinnedBuilds[i-1].version)
		}
		if !strings.HasPrefix(b.version, fmt.Sprintf("%d.", b.major)) {
			t.Errorf("version %s has the major version %d", b.version, b.major)
		}
		for _, platform := range [][2]string{
			{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"},
		} {
			sum, err := b.sum(platformPackage(platform[0], platform[1]))
			if err != nil || len(sum) != sha256.Size {
				t.Errorf("%s: checksum %x, %v", platform, sum, err)
			}
		}
	}
}
