package api

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// unknownNameMessage says that a name is not known here, and which known one is nearest.
func unknownNameMessage(name string, known []string) string {
	best, distance := "", len(name)/2+2
	for _, candidate := range known {
		if len(name) > 100 {
			break // nothing known is so long
		}
		if d := levenshtein.ComputeDistance(strings.ToLower(name), candidate); d < distance {
			best, distance = candidate, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("is not known here; did you mean %q?", best)
	case len(known) > 0:
		return "is not known here; known are " + strings.Join(known, ", ")
	default:
		return "is not known here; this call takes none"
	}
}
