package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"labledger/internal/pgtest"
)

// What can be set, and what is refused.

func TestGivenDatabase(t *testing.T) {
	t.Parallel()
	database, dir := pgtest.Database(t), t.TempDir()
	for _, expected := range []string{"[]\n", `[{"id":1,"name":"Mine","contact":null,"address":null,"state_or_region":null,"country":null,"postcode_or_zip":null,"version":1}]` + "\n"} {
		s := startIn(t, dir, "DATABASE_URL="+database, "STATE_DIR=state")
		want(t, "/sites", s.get("/sites", http.StatusOK), expected)
		for _, path := range []string{"/instruments", "/computers", "/freezers"} {
			want(t, path, s.get(path, http.StatusOK), "[]\n")
		}
		says(t, s.get("/readyz", http.StatusOK), "ready")
		s.send(http.MethodPost, "/site/1", site("Mine"), http.StatusOK)
		s.stop(syscall.SIGTERM)
		untouched(t, filepath.Join(dir, "state"))
		untouched(t, filepath.Join(dir, "var"))
	}
	execute(t, database, "SELECT") // it still runs
}

// rulesOfAccess guards pg_hba.conf.
var rulesOfAccess sync.Mutex

// guarded is a database of this run's cluster to which one needs a password.
func guarded(t *testing.T, password string) string {
	t.Helper()
	database := pgtest.Database(t)
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	execute(t, database, fmt.Sprintf("SET password_encryption = 'scram-sha-256'; CREATE ROLE %s_role LOGIN PASSWORD '%s'; ALTER DATABASE %[1]s OWNER TO %[1]s_role", name, password))
	t.Cleanup(func() {
		execute(t, database, fmt.Sprintf("ALTER DATABASE %s OWNER TO CURRENT_USER; DROP OWNED BY %[1]s_role; DROP ROLE %[1]s_role", name))
	})
	rulesOfAccess.Lock()
	defer rulesOfAccess.Unlock()
	rules := filepath.Join(pgtest.Cluster().Dir(), "pg_hba.conf")
	old, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(rules, append(fmt.Appendf(nil, "local %s %[1]s_role scram-sha-256\n", name), old...), 0o600); err != nil {
		t.Fatal(err)
	}
	execute(t, database, "SELECT pg_reload_conf()")
	u.User = url.UserPassword(name+"_role", password)
	return u.String()
}

// A given database that cannot be used ends the program at once. The password is not told.
func TestGivenDatabaseThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	const right, wrong = "right-5d41402a", "wrong-7d793037"
	locked := guarded(t, right)
	s := start(t, "DATABASE_URL="+locked)
	s.get("/sites", http.StatusOK)
	s.stop(syscall.SIGTERM)
	if strings.Contains(s.stdout.String()+s.stderr.String(), right) {
		t.Error("the password is told")
	}
	for name, c := range map[string]struct {
		env   string
		words []string
	}{
		"wrong password": {"DATABASE_URL=" + strings.Replace(locked, right, wrong, 1), []string{"password authentication failed"}},
		"nobody listens": {"DATABASE_URL=postgres://somebody:" + wrong + "@" + nobody + "/lab", []string{nobody, "refused"}},
		"key and value":  {"DATABASE_URL=host=127.0.0.1 port=1 user=somebody password=" + wrong, []string{"127.0.0.1:1", "refused"}},
		"no such port":   {"DATABASE_URL=postgres://somebody:" + wrong + "@127.0.0.1:port/lab", []string{"URL", "port"}},
		"no URL":         {"DATABASE_URL=" + wrong, []string{"URL", "postgres://"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, args := range [][]string{nil, {"migrate", "up"}, {"export", "sites"}} {
				r := run(t, []string{c.env}, "", args...)
				if r.code == 0 || r.took > 10*time.Second {
					t.Errorf("%q: exit code %d after %s", args, r.code, r.took)
				}
				says(t, r.stderr, c.words...)
				if strings.Contains(r.stdout+r.stderr, wrong) {
					t.Errorf("%q: the password is told: %s%s", args, r.stdout, r.stderr)
				}
			}
		})
	}
}

// What the program will not do, it says before it touches anything.
func TestConfigurationRefused(t *testing.T) {
	t.Parallel()
	const nowhere = "DATABASE_URL=postgres://nobody@127.0.0.1:1/nothing"
	for _, c := range []struct {
		env   []string
		words []string
	}{
		{[]string{"HOST=0.0.0.0", "AUTH=open"}, []string{"0.0.0.0", "AUTH=required", "AUTH=insecure-open", "HOST=127.0.0.1"}},
		{[]string{"HOST=::", "AUTH=open"}, []string{"AUTH=insecure-open"}},
		{[]string{"HOST=", "AUTH=open"}, []string{"AUTH=insecure-open"}},
		{[]string{"HOST=lab.example", "AUTH=open"}, []string{"lab.example", "AUTH=insecure-open"}},
		// Elsewhere than on loopback people sign in, unless it is said otherwise, and for that a key is needed.
		{[]string{"HOST=0.0.0.0", nowhere}, []string{"AUTH=required", "JWT_SECRET", "openssl rand"}},
		{[]string{"HOST=", nowhere}, []string{"AUTH=required", "JWT_SECRET"}},
		{[]string{"AUTH=required", nowhere}, []string{"AUTH=required", "JWT_SECRET_FILE"}},
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
		// Not refused for its openness, but the address is not ours.
		{[]string{"HOST=203.0.113.9", "AUTH=insecure-open"}, []string{"cannot listen", "203.0.113.9"}},
		{[]string{"LOG_LEVEL=loud"}, []string{"log-level", "loud", "debug"}},
		{[]string{"LOG_FORMAT=xml"}, []string{"log-format", "xml", "json"}},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318"}, []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"}},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"}},
		{[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://collector:4318", "OTEL_TRACES_SAMPLER=sometimes"}, []string{"OTEL_", "sampler", "sometimes"}},
		{[]string{"PORT=65536"}, []string{"65536", "port"}},
		{[]string{"PORT=http?"}, []string{"http?", "port"}},
	} {
		t.Run(strings.Join(c.env, " "), func(t *testing.T) {
			t.Parallel()
			state := stateDir(t, "state")
			says(t, fail(t, append([]string{"STATE_DIR=" + state}, c.env...), ""), c.words...)
			untouched(t, state)
		})
	}
}

func TestConfigurationAccepted(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	for _, env := range [][]string{
		{"AUTH="}, {"AUTH=open"}, {"AUTH=insecure-open"}, {"HOST=localhost"}, {"HOST=localhost", "AUTH=open"}, {"LOG_FORMAT="},
	} {
		t.Run(strings.Join(env, " "), func(t *testing.T) {
			t.Parallel()
			s := start(t, append([]string{"DATABASE_URL=" + database}, env...)...)
			says(t, s.url, "http://127.0.0.1:")
		})
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	ask := func(s *server) {
		s.get("/sites", http.StatusOK)
		for id, path := range map[string]string{"id-of-a-missing-site": "/site/77", "id-of-no-route": "/nothing/here"} {
			status, _, err := exchange(http.MethodGet, s.url+path, http.Header{"X-Request-Id": {id}}, "")
			if err != nil || status != http.StatusNotFound {
				t.Error(path, status, err)
			}
		}
		s.stop(syscall.SIGTERM)
	}

	s := start(t, "DATABASE_URL="+database, "LOG_FORMAT=json")
	ask(s)
	type line struct {
		Time      time.Time
		Level     string
		Msg       string
		RequestID *string `json:"request_id"`
		Route     *string
		Status    int
	}
	requests := map[string]line{}
	for text := range strings.Lines(s.stdout.String()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil || l.Time.IsZero() || l.Level == "" || l.Msg == "" {
			t.Errorf("no line of a JSON log: %v: %s", err, text)
		}
		if l.Msg != "request" {
			continue
		}
		if l.RequestID == nil || *l.RequestID == "" || l.Route == nil {
			t.Errorf("a request without id or route: %s", text)
			continue
		}
		requests[*l.RequestID] = l
	}
	if len(requests) != 4 { // these three and the one of start
		t.Errorf("%d requests in the log, want 4:\n%s", len(requests), &s.stdout)
	}
	for id, route := range map[string]string{"id-of-a-missing-site": "/site/{id}", "id-of-no-route": ""} {
		if l, ok := requests[id]; !ok || *l.Route != route || l.Status != http.StatusNotFound {
			t.Errorf("%s: got %+v; want route %q, status 404", id, l, route)
		}
	}

	s = start(t, "DATABASE_URL="+database, "LOG_FORMAT=text")
	ask(s)
	says(t, s.stdout.String(), "request_id=id-of-a-missing-site", "route=/site/{id}", "status=404", "level=INFO")
	if strings.Contains(s.stdout.String(), "{\"") {
		t.Errorf("JSON in a text log:\n%s", &s.stdout)
	}

	s = start(t, "STATE_DIR="+stateDir(t), "LOG_LEVEL=warn") // only a private cluster's address is told without the log
	ask(s)
	want(t, "log of a quiet day", s.stdout.String(), "")
}

// TestReplica tells primary and replica apart by what is in them.
func TestReplica(t *testing.T) {
	t.Parallel()
	primary, replica := pgtest.Database(t), pgtest.Database(t)
	for name, database := range map[string]string{"of the primary": primary, "of the replica": replica} {
		succeed(t, []string{"DATABASE_URL=" + database}, "", "migrate", "up")
		execute(t, database, "INSERT INTO site (id, name) VALUES (1, '"+name+"')")
	}
	s := start(t, "DATABASE_URL="+primary, "READ_DATABASE_URL="+replica)
	for path, name := range map[string]string{
		"/sites": "replica", "/sites/": "replica", "/sites/0/10": "replica", "/api/v1/sites?name=of%20the%20replica": "replica",
		"/site/1": "primary", "/api/v1/sites/1": "primary",
	} {
		says(t, s.get(path, http.StatusOK), "of the "+name)
	}
	s.await("the feed, which transactions of other tests hold back", func() bool {
		return strings.Contains(s.get("/api/v1/changes", http.StatusOK), "of the replica")
	})
	s.send(http.MethodPost, "/site/2", site("written"), http.StatusOK)
	says(t, s.get("/site/2", http.StatusOK), "written")
	if strings.Contains(s.get("/sites", http.StatusOK), "written") {
		t.Error("a write went to the replica, or a list came from the primary")
	}
}

func TestDeadReplica(t *testing.T) {
	t.Parallel()
	primary := pgtest.Database(t)
	s := start(t, "DATABASE_URL="+primary, "READ_DATABASE_URL=postgres://somebody@"+nobody+"/lab")
	s.send(http.MethodPost, "/site/1", site("alive"), http.StatusOK)
	says(t, s.get("/sites", http.StatusOK), "alive")

	// One that dies while it is used.
	own := pgtest.NewCluster(t)
	succeed(t, []string{"DATABASE_URL=" + own.URL()}, "", "migrate", "up")
	s = start(t, "DATABASE_URL="+primary, "READ_DATABASE_URL="+own.URL())
	want(t, "/sites of the empty replica", s.get("/sites", http.StatusOK), "[]\n")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := own.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		says(t, s.get("/sites", http.StatusOK), "alive")
	}
}
