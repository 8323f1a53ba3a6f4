package problem

import (
	"fmt"
	"strings"
	"unicode/utf8"

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
	best := ""
	if len(name) <= 100 { // no known name is longer
		best = Nearest(name, known, len(name)/2+1)
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

// Nearest returns the most similar of the known names, or "" if none differs by at most maxDistance characters.
func Nearest(name string, known []string, maxDistance int) (best string) {
	name = strings.ToLower(name)
	length := utf8.RuneCountInString(name)
	for _, candidate := range known {
		difference := utf8.RuneCountInString(candidate) - length
		if max(difference, -difference) > maxDistance {
			continue // and the names may be long
		}
		if d := levenshtein.ComputeDistance(name, strings.ToLower(candidate)); d <= maxDistance {
			best, maxDistance = candidate, d-1
		}
	}
	return best
}
