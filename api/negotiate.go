package api

import (
	"net/http"
	"strconv"
	"strings"
)

// Content negotiation selects the format of a response (RFC 9110, section 12.5.1).

// A format is an index into mediaTypes.
type format int

const (
	formatJSON format = iota
	formatNDJSON
	formatCSV
)

var mediaTypes = []string{
	formatJSON:   "application/json",
	formatNDJSON: "application/x-ndjson",
	formatCSV:    "text/csv",
}

// negotiate returns the index in offered of the media type that the client prefers, or a 406 problem.
func negotiate(r *http.Request, offered []string) (format, *Problem) {
	values := r.Header.Values("Accept")
	if len(values) == 0 {
		return formatJSON, nil
	}
	accept := strings.Join(values, ",")
	if chosen := preferredIndex(accept, offered); chosen >= 0 {
		return format(chosen), nil
	}
	return 0, problem(http.StatusNotAcceptable, "Accept %q matches no available media type; use %s.",
		sanitize(accept), joinOr(offered))
}

// preferredIndex returns the index of the offered media type that an Accept header prefers, or -1. The first of equal
// offers wins.
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

// matchPrecision returns how precisely a media range matches a type: 2 exactly, 1 by its family, 0 by */*, and -1 if it
// does not match.
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

// parseQuality returns the q of a media range, from 0 to 1. It is 1 if absent and 0 if malformed.
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
