package cli

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// The settings of the program are among the flags from which loadEnvironment takes their names.
func TestLoadEnvironment(t *testing.T) {
	t.Chdir(t.TempDir())
	const text = "DRAIN_DELAY=1s\nLOG_LEVEL=debug\nHOME=/x\nPGSSLMODE=disable\n"
	if err := os.WriteFile(defaultEnvFile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"DATABASE_URL": "postgres://x\n", "DRAIN_DELAY": " ", "LOG_LEVEL": "warn", "POSTGRES_PASSWORD": "\tsecret\n",
		"OTEL_SERVICE_NAME": "", "PGSSLMODE": "", "HOME": " /home ", "ENV_FILE": "",
	} {
		t.Setenv(name, value)
	}
	file, err := loadEnvironment(kong.Must(&cli{}).Model.Flags)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"DATABASE_URL": "postgres://x", "DRAIN_DELAY": "1s", "LOG_LEVEL": "warn", "POSTGRES_PASSWORD": "secret",
		"PGSSLMODE": "disable", "HOME": " /home ",
	} {
		if got := os.Getenv(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if value, ok := os.LookupEnv("OTEL_SERVICE_NAME"); ok {
		t.Errorf("OTEL_SERVICE_NAME is set: %q", value)
	}
	for want, got := range map[string][]string{
		"DRAIN_DELAY PGSSLMODE": file.set, "LOG_LEVEL": file.overridden, "HOME": file.unknown,
	} {
		if text := strings.Join(got, " "); text != want {
			t.Errorf("got %s, want %s", text, want)
		}
	}
}

func TestUnbracket(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"": "", "[": "[", "[]": "", "[::1]": "::1", "::1": "::1", "[::1": "[::1", "localhost": "localhost",
	} {
		if got := unbracket(host); got != want {
			t.Errorf("%q: got %q, want %q", host, got, want)
		}
	}
}

// An error must not quote the file, which contains secrets.
func FuzzParseEnvFile(f *testing.F) {
	for _, seed := range []string{
		"", "A=b", "export A='b c' # x\n#\nB: \"$A\\n\"", "A", "=", "A=\"b", "'\x00\xff", "A B=c\r\nA=d", "A=${B",
		"A=$(B)",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		values, err := parseEnvFile(strings.NewReader(text))
		if err != nil && !errors.Is(err, errEnvSyntax) {
			t.Errorf("got error %v", err)
		}
		if _, nameless := values[""]; nameless {
			t.Error("a value has no name")
		}
	})
}
