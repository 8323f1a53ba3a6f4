package postgres

import (
	"net/url"
	"regexp"
	"strings"
)

// passwordParam matches a password among key=value parameters, bare or quoted.
var passwordParam = regexp.MustCompile(`(?i)\bpassword\s*=\s*('(\\.|[^'\\])*'|(\\.|\S)*)`)

// WithoutPassword removes the password from a database URL or key=value parameters, from every place where libpq
// accepts one, and returns it. Every user of the machine can read a program's arguments, so the password must not be
// among them. Both results are "" when database is invalid.
func WithoutPassword(database string) (target, password string) {
	cfg, err := ParseConfig(database)
	if err != nil {
		return "", ""
	}
	scheme, rest, isURL := strings.Cut(database, "://")
	if !isURL {
		return passwordParam.ReplaceAllString(database, ""), cfg.Password
	}
	// net/url rejects a URL with several hosts, so the user is cut out by hand.
	if at := strings.LastIndexByte(strings.SplitN(rest, "/", 2)[0], '@'); at >= 0 {
		user, _, _ := strings.Cut(rest[:at], ":")
		rest = user + rest[at:]
	}
	base, query, _ := strings.Cut(rest, "?")
	params := []string{}
	for param := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(param, "=")
		decoded, err := url.QueryUnescape(name)
		if param != "" && (err != nil || !strings.EqualFold(decoded, "password")) {
			params = append(params, param)
		}
	}
	if len(params) > 0 {
		base += "?" + strings.Join(params, "&")
	}
	return scheme + "://" + base, cfg.Password
}
