package postgres

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// ForLibpq returns database, a URL or key=value parameters, in a form for the client programs of PostgreSQL.
//
// Every user of the machine can read a program's arguments, so target has no password; ClientEnv passes it on. Nor does
// target have settings that only pgx knows, such as pool_max_conns. Settings of the session, such as statement_timeout,
// which libpq rejects, are returned as options, in the form of PGOPTIONS. All results are "" if database is invalid.
func ForLibpq(database string) (target, password, options string) {
	if _, err := ParseConfig(database); err != nil {
		return "", "", ""
	}
	cfg, err := pgx.ParseConfig(database) // has only the settings in database and in the environment
	if err != nil {
		return "", "", ""
	}
	moved := map[string]string{}
	target = filterParams(database, func(name string) bool {
		switch {
		case name == "application_name" || name == "client_encoding" || name == "replication":
			return true
		case strings.EqualFold(name, "password") || strings.HasPrefix(name, "pool_") || slices.Contains(pgxParams, name):
			return false
		}
		value, isSessionSetting := cfg.RuntimeParams[name]
		if isSessionSetting && name != "options" {
			moved[name] = value
		}
		return !isSessionSetting
	})
	options = cfg.RuntimeParams["options"] // those of database, or else PGOPTIONS
	for _, name := range slices.Sorted(maps.Keys(moved)) {
		options += SessionOption(name, moved[name])
	}
	return target, cfg.Password, options
}

// pgxParams are settings that only pgx knows, besides those of its pool.
var pgxParams = []string{"default_query_exec_mode", "statement_cache_capacity", "description_cache_capacity", "krbspn"}

// SessionOption returns a setting of the session as PGOPTIONS expects it, with a leading space.
func SessionOption(name, value string) string {
	return " -c " + optionSpecial.ReplaceAllString(name+"="+value, `\$0`)
}

var optionSpecial = regexp.MustCompile(`[\s\v\\]`)

// keyValue matches one of several key=value parameters.
var keyValue = regexp.MustCompile(`(?s)([^\s\v=]+)[\s\v]*=[\s\v]*('(\\.|[^'\\])*'|(\\.?|[^\s\v\\])*)`)

// filterParams removes the parameters for which keep returns false from a valid URL or from key=value parameters, and
// the password from the user part of a URL.
func filterParams(database string, keep func(name string) bool) string {
	scheme, rest, _ := strings.Cut(database, "://")
	if scheme != "postgres" && scheme != "postgresql" {
		return keyValue.ReplaceAllStringFunc(database, func(param string) string {
			if keep(keyValue.FindStringSubmatch(param)[1]) {
				return param
			}
			return ""
		})
	}
	// net/url rejects a URL with several hosts, so it is cut by hand, where libpq and pgx do.
	user := ""
	if i := strings.IndexAny(rest, "@/"); i >= 0 && rest[i] == '@' {
		name, _, _ := strings.Cut(rest[:i], ":")
		user, rest = name+"@", rest[i+1:]
	}
	base, query, _ := strings.Cut(rest, "?")
	params := []string{}
	for param := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(param, "=")
		decoded, err := url.PathUnescape(strings.Trim(name, " ")) // as libpq: a plus stays
		if param != "" && (err != nil || keep(decoded)) {
			params = append(params, param)
		}
	}
	if len(params) > 0 {
		base += "?" + strings.Join(params, "&")
	}
	return scheme + "://" + user + base
}
