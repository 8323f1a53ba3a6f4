package postgres

import (
	"os"
	"slices"
	"strings"
)

// IgnoreEnvironment unsets the variables that PostgreSQL's clients read, and returns their names. With them, pgx and
// psql could not connect to an embedded Postgres, or would use another server; pgx has no option to ignore them.
func IgnoreEnvironment() (names []string) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "PG") && os.Unsetenv(name) == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// ClientEnv returns the environment of psql, pg_dump or pg_restore, for results of ForLibpq. It lacks the variables that
// would lead to another server than the one that pgx uses, since pgx does not know them.
func ClientEnv(password, options string) []string {
	env := slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return name == "PGHOSTADDR" || name == "PGLOADBALANCEHOSTS"
	})
	env = append(env, "PGOPTIONS="+options)
	if password != "" {
		env = append(env, "PGPASSWORD="+password)
	}
	return env
}
