package postgres

import (
	"net/url"
	"regexp"
	"strings"
)

// passwordParam is a password among key=value words, bare or in quotes.
var passwordParam = regexp.MustCompile(`(?i)\bpassword\s*=\s*('(\\.|[^'\\])*'|(\\.|\S)*)`)

// WithoutPassword takes the password out of a database's URL or key=value words, in whichever of the places that libpq knows it stands:
// arguments of a program are for everyone on the machine to see. It returns "" where there is none, and for what cannot be read.
func WithoutPassword(database string) (target, password string) {
	cfg, err := ParseConfig(database)
	if err != nil {
		return "", ""
	}
	scheme, rest, isURL := strings.Cut(database, "://")
	if !isURL {
		return passwordParam.ReplaceAllString(database, ""), cfg.Password
	}
	if at := strings.LastIndexByte(strings.SplitN(rest, "/", 2)[0], '@'); at >= 0 { // a URL of several hosts is none to net/url
		user, _, _ := strings.Cut(rest[:at], ":")
		rest = user + rest[at:]
	}
	head, query, _ := strings.Cut(rest, "?")
	kept := []string{}
	for word := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(word, "=")
		if plain, err := url.QueryUnescape(name); word != "" && (err != nil || !strings.EqualFold(plain, "password")) {
			kept = append(kept, word)
		}
	}
	if len(kept) > 0 {
		head += "?" + strings.Join(kept, "&")
	}
	return scheme + "://" + head, cfg.Password
}
