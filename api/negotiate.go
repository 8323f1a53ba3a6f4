package api

import (
	"net/http"
	"strconv"
	"strings"
)

// This file chooses the form of an answer: RFC 9110, section 12.5.1.

type format int

const (
	formatJSON format = iota
	formatNDJSON
	formatCSV
)

var mediaTypes = []string{formatJSON: "application/json", formatNDJSON: "application/x-ndjson", formatCSV: "text/csv"}

// negotiate chooses what the client would rather have.
func negotiate(r *http.Request, offered []string) (format, *Problem) {
	values := r.Header.Values("Accept")
	if len(values) == 0 {
		return formatJSON, nil
	}
	accept := strings.Join(values, ",")
	if chosen := preferredIndex(accept, offered); chosen >= 0 {
		return format(chosen), nil
	}
	return 0, problem(http.StatusNotAcceptable, "There is no %q here; ask for %s.", sanitize(accept), joinOr(offered))
}

// preferredIndex is the index of the offered media type that an Accept header likes best, or -1. Earlier offers win a draw.
func preferredIndex(accept string, offered []string) int {
	if strings.TrimSpace(accept) == "" {
		return 0
	}
	best, bestQuality := -1, 0.0
	for i, offer := range offered {
		quality, precision := 0.0, -1
		for part := range strings.SplitSeq(accept, ",") {
			pattern, params, _ := strings.Cut(part, ";")
			p := matchPrecision(strings.ToLower(strings.TrimSpace(pattern)), offer)
			if p > precision {
				quality, precision = parseQuality(params), p
			}
		}
		if quality > bestQuality {
			best, bestQuality = i, quality
		}
	}
	return best
}

// matchPrecision tells how precisely a media range names a type: 2 exactly, 1 its family, 0 anything; -1 not at all.
func matchPrecision(pattern, offer string) int {
	family, _, _ := strings.Cut(offer, "/")
	switch pattern {
	case offer:
		return 2
	case family + "/*":
		return 1
	case "*/*":
		return 0
	}
	return -1
}

// parseQuality reads the q of a media range: 0 to 1, and 1 where it is not given.
func parseQuality(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || !(q >= 0 && q <= 1) {
				return 0
			}
			return q
		}
	}
	return 1
}
