package api

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// unknownNameMessage reports an unknown name and suggests the most similar known one.
func unknownNameMessage(name string, known []string) string {
	best, distance := "", len(name)/2+2
	for _, candidate := range known {
		if len(name) > 100 {
			break // no known name is as long
		}
		if d := levenshtein.ComputeDistance(strings.ToLower(name), candidate); d < distance {
			best, distance = candidate, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("is unknown; did you mean %q?", best)
	case len(known) > 0:
		return "is unknown; known names: " + strings.Join(known, ", ")
	default:
		return "is unknown; this operation accepts none"
	}
}
