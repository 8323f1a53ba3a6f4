package problem

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Sanitize makes text from a client fit for a response: valid UTF-8 of limited length.
func Sanitize(text string) string {
	text = strings.ToValidUTF8(text, "�")
	if runes := []rune(text); len(runes) > 100 {
		text = string(runes[:100]) + "…"
	}
	return text
}

// JoinOr joins names with commas and a final "or".
func JoinOr(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// UnknownName reports an unknown name and suggests the most similar known one.
func UnknownName(name string, known []string) string {
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
