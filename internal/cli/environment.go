package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/joho/godotenv"
)

const (
	defaultEnvFile = ".env"
	maxEnvFile     = 1 << 20 // bytes
	// postgresPassword is a setting of the sample files that only `labledger check` reads.
	postgresPassword = "POSTGRES_PASSWORD"
)

// An envFile reports what a file of settings changed. The zero value is no file.
type envFile struct {
	path       string
	set        []string // settings that the file sets
	overridden []string // settings in the file that the environment overrides
	unknown    []string // names in the file that are no settings and have no effect
}

// loadEnvironment trims the settings in the environment, unsets the empty ones, and adds those of the .env file that
// the environment lacks. It changes the environment of the process, because pgx and OpenTelemetry read theirs there.
func loadEnvironment(flags []*kong.Flag) (file envFile, err error) {
	names := []string{postgresPassword, "ENV_FILE"}
	for _, flag := range flags {
		names = append(names, flag.Envs...)
	}
	isSetting := func(name string) bool {
		return slices.Contains(names, name) || strings.HasPrefix(name, "OTEL_") || strings.HasPrefix(name, "PG")
	}
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); isSetting(name) {
			err = errors.Join(err, setTrimmed(name, value))
		}
	}
	values, path, readErr := readEnvFile(os.Getenv("ENV_FILE"))
	if err := errors.Join(err, readErr); err != nil {
		return file, err
	}
	file.path = path
	for _, name := range slices.Sorted(maps.Keys(values)) {
		_, inEnvironment := os.LookupEnv(name)
		switch {
		case name == "ENV_FILE" || !isSetting(name): // PATH, for example, decides which postgres runs
			file.unknown = append(file.unknown, name)
		case inEnvironment:
			file.overridden = append(file.overridden, name)
		case strings.TrimSpace(values[name]) != "":
			file.set = append(file.set, name)
			if err := setTrimmed(name, values[name]); err != nil {
				return file, fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	return file, nil
}

// setTrimmed sets an environment variable to a value without surrounding white space, or unsets it for an empty value.
// Secrets from files and from Kubernetes often end with a line feed.
func setTrimmed(name, value string) (err error) {
	if value = strings.TrimSpace(value); value == "" {
		err = os.Unsetenv(name)
	} else {
		err = os.Setenv(name, value)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err) // without the value, which may be a secret
	}
	return nil
}

// readEnvFile reads a file of settings, by default .env in the working directory. The default file may be missing; the
// path is then "".
func readEnvFile(configured string) (values map[string]string, path string, err error) {
	path = configured
	if configured == "" {
		path = defaultEnvFile
	}
	file, err := os.Open(path)
	if configured == "" && errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	if err == nil {
		defer func() { _ = file.Close() }()
		values, err = parseEnvFile(file)
	}
	switch {
	case err == nil:
		return values, path, nil
	case configured != "":
		return nil, path, fmt.Errorf("ENV_FILE: %s: %w", path, err)
	}
	return nil, path, fmt.Errorf("%s: %w; set ENV_FILE=/dev/null to start without this file", path, err)
}

// errEnvSyntax replaces the parser's error, which quotes the file and so may contain a secret.
var errEnvSyntax = errors.New("cannot be parsed: each line must have the form NAME=value; " +
	"put a value with spaces, # or $ in single quotes")

// parseEnvFile parses lines of the form NAME=value.
func parseEnvFile(r io.Reader) (map[string]string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxEnvFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxEnvFile {
		return nil, fmt.Errorf("is larger than %d bytes", maxEnvFile)
	}
	values, err := godotenv.UnmarshalBytes(text)
	if _, nameless := values[""]; err != nil || nameless {
		return nil, errEnvSyntax
	}
	return values, nil
}

// unbracket returns an IPv6 address without the brackets that it has in a URL.
func unbracket(host string) string {
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		return host[1 : len(host)-1]
	}
	return host
}
