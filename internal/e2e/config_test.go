package e2e

import (
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

// With DATABASE_URL, the program uses that database, loads no mock data and creates no directory.
func TestDatabaseURL(t *testing.T) {
	t.Parallel()
	database, dir := pgtest.Database(t), t.TempDir()
	for _, want := range []string{
		"[]\n",
		`[{"id":1,"name":"Mine","contact":null,"address":null,"state_or_region":null,"country":null,` +
			`"postcode_or_zip":null,"version":1}]` + "\n",
	} {
		s := startServerIn(t, dir, "DATABASE_URL="+database, "STATE_DIR=state")
		assertEqual(t, "/sites", s.Get("/sites", http.StatusOK), want)
		for _, path := range []string{"/instruments", "/computers", "/freezers"} {
			assertEqual(t, path, s.Get(path, http.StatusOK), "[]\n")
		}
		assertContains(t, s.Get("/readyz", http.StatusOK), "ready")
		s.Send(http.MethodPost, "/site/1", siteJSON("Mine"), http.StatusOK)
		s.Stop(syscall.SIGTERM)
		assertNotExists(t, filepath.Join(dir, "state"))
		assertNotExists(t, filepath.Join(dir, "var"))
	}
	execScript(t, database, "SELECT") // the program has not stopped the database
}

// A database that cannot be used ends the program. Errors do not contain its password.
func TestDatabaseURL_unusable(t *testing.T) {
	t.Parallel()
	const right, wrong = "right-5d41402a", "wrong-7d793037"
	protected := passwordDatabase(t, right)
	s := startServer(t, "DATABASE_URL="+protected)
	s.Get("/sites", http.StatusOK)
	s.Stop(syscall.SIGTERM)
	if strings.Contains(s.Stdout.String()+s.Stderr.String(), right) {
		t.Error("output contains the password")
	}
	for name, c := range map[string]struct {
		url  string
		want []string
	}{
		"wrong password": {strings.Replace(protected, right, wrong, 1), []string{"password authentication failed"}},
		"no listener":    {"postgres://user:" + wrong + "@" + closedAddress + "/lab", []string{closedAddress, "refused"}},
		"key=value form": {"host=127.0.0.1 port=1 user=user password=" + wrong, []string{"127.0.0.1:1", "refused"}},
		"invalid port":   {"postgres://user:" + wrong + "@127.0.0.1:port/lab", []string{"URL", "port"}},
		"not UTF-8": {
			pgtest.DatabaseWithEncoding(t, "LATIN1"), []string{"its encoding is LATIN1", "ENCODING 'UTF8'"},
		},
		"not a URL": {wrong, []string{"URL", "postgres://"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, args := range [][]string{nil, {"migrate", "up"}, {"export", "sites"}} {
				r := run(t, []string{"DATABASE_URL=" + c.url}, "", args...)
				if r.Code == 0 {
					t.Errorf("%q: exit code 0, want a failure", args)
				}
				assertContains(t, r.Stderr, c.want...)
				if strings.Contains(r.Stdout+r.Stderr, wrong) {
					t.Errorf("%q: output contains the password: %s%s", args, r.Stdout, r.Stderr)
				}
			}
		})
	}
}

// A password with an unescaped @ is ambiguous. No part of it appears in the output.
func TestErrorsHidePasswords(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"postgres://u:s3cr@etpw@127.0.0.1:1/x", "postgres://u:s3cr@etpw@127.0.0.1:1/x?sslmode=disable",
	} {
		r := run(t, []string{"DATABASE_URL=" + url}, "")
		if strings.Contains(r.Stdout+r.Stderr, "etpw") {
			t.Error(r.Stdout + r.Stderr)
		}
	}
}

// An invalid configuration fails before the program changes anything.
func TestConfig_rejected(t *testing.T) {
	t.Parallel()
	const noDatabase = "DATABASE_URL=postgres://nobody@127.0.0.1:1/nothing"
	for _, c := range []struct {
		env  []string
		want []string
	}{
		{[]string{"HOST=0.0.0.0", "AUTH=open"}, []string{"0.0.0.0", "AUTH=required", "AUTH=insecure-open", "HOST=127.0.0.1"}},
		{[]string{"HOST=::", "AUTH=open"}, []string{"AUTH=insecure-open"}},
		{[]string{"HOST=lab.example", "AUTH=open"}, []string{"lab.example", "AUTH=insecure-open"}},
		// On other addresses than loopback, sign-in is required by default, and needs a key.
		{[]string{"HOST=0.0.0.0", noDatabase}, []string{"AUTH=required", "JWT_SECRET", "openssl rand"}},
		{[]string{"AUTH=required", noDatabase}, []string{"AUTH=required", "JWT_SECRET_FILE"}},
		{[]string{"AUTH=required", "JWT_SECRET=short"}, []string{"JWT_SECRET", "shorter than 32 bytes"}},
		{[]string{"AUTH=required", "JWT_SECRET=change-me-change-me-change-me-now-please"}, []string{"JWT_SECRET", "sample"}},
		{[]string{"JWT_SECRET=" + strings.Repeat("a", 40)}, []string{"JWT_SECRET", "different characters"}},
		{[]string{"JWT_SECRET=a", "JWT_SECRET_FILE=b"}, []string{"both"}},
		{[]string{"JWT_SECRET_FILE=/nowhere/to/be/found"}, []string{"JWT_SECRET_FILE", "no such file"}},
		{[]string{"JWT_SECRET_FILE=/dev/null"}, []string{"JWT_SECRET_FILE", "empty"}},
		{[]string{"TRUSTED_PROXIES=10.0.0.0/8,proxy"}, []string{"TRUSTED_PROXIES", "proxy", "10.0.0.0/8"}},
		{[]string{"REGISTRATION=maybe"}, []string{"registration", "maybe", "closed"}},
		{[]string{"AUTH=nonsense"}, []string{"auth", "nonsense", "insecure-open"}},
		{[]string{"AUTH=Open"}, []string{"auth", "Open"}},
		// insecure-open is allowed on any address, but this machine does not have this one.
		{[]string{"HOST=203.0.113.9", "AUTH=insecure-open"}, []string{"cannot listen", "203.0.113.9"}},
		{[]string{"EVENT_MAX_AHEAD=-1h"}, []string{"event-max-ahead", "negative"}},
		{[]string{"EVENT_MAX_AHEAD=1"}, []string{"event-max-ahead", "missing unit"}},
		{[]string{"LOG_LEVEL=loud"}, []string{"log-level", "loud", "debug"}},
		{[]string{"LOG_FORMAT=xml"}, []string{"log-format", "xml", "json"}},
		{
			[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318"},
			[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"},
		},
		{
			[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"},
			[]string{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"},
		},
		{
			[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://collector:4318", "OTEL_TRACES_SAMPLER=sometimes"},
			[]string{"OTEL_", "sampler", "sometimes"},
		},
		{[]string{"PORT=65536"}, []string{"65536", "port"}},
		{[]string{"PORT=http?"}, []string{"http?", "port"}},
		{[]string{"READ_DATABASE_URL=nonsense"}, []string{"READ_DATABASE_URL"}},
	} {
		t.Run(strings.Join(c.env, " "), func(t *testing.T) {
			t.Parallel()
			state := stateDir(t, "state")
			assertContains(t, mustFail(t, append([]string{"STATE_DIR=" + state}, c.env...), ""), c.want...)
			assertNotExists(t, state)
		})
	}
}

func TestConfig_accepted(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	for _, env := range [][]string{
		{"AUTH="}, {"AUTH=open"}, {"AUTH=insecure-open"}, {"HOST=localhost"}, {"HOST=localhost", "AUTH=open"},
		{"LOG_FORMAT="}, {"LOG_LEVEL="}, {"REGISTRATION="}, {"DRAIN_DELAY="}, {"TRUSTED_PROXIES="},
		{"LOG_LEVEL=info\n"},
		{"DATABASE_URL=" + database + "\n"}, {"JWT_SECRET=" + programtest.SampleSecret + "\n", "AUTH=required"},
		{"HOST= 127.0.0.1 "}, {"HOST="}, {"OTEL_EXPORTER_OTLP_ENDPOINT=\n"},
	} {
		t.Run(strings.Join(env, " "), func(t *testing.T) {
			t.Parallel()
			s := startServer(t, append([]string{"DATABASE_URL=" + database}, env...)...)
			assertContains(t, s.URL, "http://127.0.0.1:")
		})
	}
}
