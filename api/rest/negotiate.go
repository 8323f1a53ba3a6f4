package rest

import (
	"net/http"
	"strconv"
	"strings"

	"labledger/api/problem"
)

// Content negotiation selects the format of a response (RFC 9110, section 12.5.1).

// Media types of rows.
const (
	MediaTypeJSON   = "application/json"
	MediaTypeNDJSON = "application/x-ndjson"
	MediaTypeCSV    = "text/csv"
)

// MediaTypeMergePatch is the media type of a partial update (RFC 7396).
const MediaTypeMergePatch = "application/merge-patch+json"

// MediaTypeHTML is the media type of pages.
const MediaTypeHTML = "text/html"

var rowMediaTypes = []string{MediaTypeJSON, MediaTypeNDJSON, MediaTypeCSV}

// Negotiate returns the offered media type that the client prefers. The error is a 406 problem.
func Negotiate(r *http.Request, offered ...string) (mediaType string, err error) {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if mediaType = prefer(accept, offered...); mediaType == "" {
		return "", problem.New(problem.NotAcceptable, "Accept %q matches no available media type; use %s.",
			problem.Sanitize(accept), problem.JoinOr(offered))
	}
	return mediaType, nil
}

// prefer returns the offered media type that an Accept header prefers, or "". The first of equal offers wins.
func prefer(accept string, offered ...string) string {
	if strings.TrimSpace(accept) == "" {
		return offered[0]
	}
	best, bestQuality := "", 0.0
	for _, offer := range offered {
		quality, precision := 0.0, -1
		for part := range strings.SplitSeq(accept, ",") {
			pattern, params, _ := strings.Cut(part, ";")
			p := matchPrecision(strings.ToLower(strings.TrimSpace(pattern)), offer)
			if p > precision {
				quality, precision = parseQuality(params), p
			}
		}
		if quality > bestQuality {
			best, bestQuality = offer, quality
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
