package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"labledger/internal/pgtest"
)

// A collector takes traces as OpenTelemetry's does: OTLP over HTTP, in protobuf.
type collector struct {
	*httptest.Server
	mu       sync.Mutex
	raw      []byte
	requests int
	resource map[string]string
	spans    []*tracepb.Span
	faults   []string
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{resource: map[string]string{}}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	body, err := io.ReadAll(r.Body)
	var all coltracepb.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &all)
	}
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		c.faults = append(c.faults, fmt.Sprint(r.Method, r.URL, r.Header, err))
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.raw = append(c.raw, body...)
	for _, resource := range all.ResourceSpans {
		for _, a := range resource.Resource.Attributes {
			c.resource[a.Key] = a.Value.GetStringValue()
		}
		for _, scope := range resource.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// named are the spans of a name.
func (c *collector) named(name string) (spans []*tracepb.Span) {
	for _, s := range c.spans {
		if s.Name == name {
			spans = append(spans, s)
		}
	}
	return spans
}

// below are the names of all spans below one, each with those above it, and sorted. Who waited for a connection did so by chance.
func (c *collector) below(parent *tracepb.Span, path string) (names []string) {
	for _, s := range c.spans {
		if string(s.ParentSpanId) == string(parent.SpanId) && s.Name != "wait for a connection" {
			names = append(append(names, path+s.Name), c.below(s, path+s.Name+"/")...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func attributes(all []*commonpb.KeyValue) map[string]string {
	found := map[string]string{}
	for _, a := range all {
		found[a.Key] = a.Value.GetStringValue()
		if n, ok := a.Value.Value.(*commonpb.AnyValue_IntValue); ok {
			found[a.Key] = fmt.Sprint(n.IntValue)
		}
	}
	return found
}

// TestTraces runs the program beside a collector, and looks at all that this is told: which spans, and that no secret and no value is among it.
func TestTraces(t *testing.T) {
	t.Parallel()
	const (
		password = "wrong-horse-9f86d081"
		key      = "5d41402abc4b2a76b9719d911017c592-a-key-of-this-test"
		contact  = "contact-7c211433"
		refused  = "refused-8277e091"
		amount   = "471117.29"
		user     = "987654321987"
	)
	c := newCollector(t)
	database := "DATABASE_URL=" + guarded(t, "database-ca978112")
	succeed(t, []string{database}, password+"\n", "user", "create", "ada-3e23e816", "--role", "admin")
	s := start(t, database, "AUTH=required", "JWT_SECRET="+key, "LOG_FORMAT=json", "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL,
		"OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=here", "OTEL_BSP_SCHEDULE_DELAY=50")

	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(s.send("POST", "/auth/login", `{"username": "ada-3e23e816", "password": "`+password+`"}`, http.StatusOK)), &tokens); err != nil {
		t.Fatal(err)
	}
	ask := func(method, path, body string, want int, header ...string) {
		t.Helper()
		h := http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + tokens.Access}}
		for _, line := range header {
			name, value, _ := strings.Cut(line, ": ")
			h.Set(name, value)
		}
		status, answer, err := exchange(method, s.url+path, h, body)
		if err != nil || status != want {
			t.Fatalf("%s %s: %d, want %d: %s%v", method, path, status, want, answer, err)
		}
	}
	event := `{"type": "deposit", "amount": ` + amount + `, "user_id": ` + user + `, "time": 10}`
	ask("POST", "/site/1", strings.Replace(site("Traced"), `"contact": null`, `"contact": "`+contact+`"`, 1), http.StatusOK)
	ask("GET", "/site/1", "", http.StatusOK)
	ask("GET", "/sites?name="+contact, "", http.StatusOK)
	ask("GET", "/site/2", "", http.StatusNotFound)
	ask("GET", "/nothing/here", "", http.StatusNotFound)
	ask("POST", "/event", event, http.StatusOK)
	ask("POST", "/api/v1/events", event+"\n"+event+"\n", http.StatusOK, "Content-Type: application/x-ndjson")
	ask("POST", "/api/v1/computers", `{"name": "`+refused+`", "mac": null, "site_id": 99}`, http.StatusBadRequest)
	ask("PATCH", "/account", `{"password": "`+password+`x", "current_password": "`+password+`"}`, http.StatusOK)
	s.send("POST", "/auth/refresh", `{"refresh_token": "`+tokens.Refresh+`"}`, http.StatusUnauthorized) // the password is a new one
	s.stop(syscall.SIGTERM)

	if len(c.faults) > 0 {
		t.Fatal(c.faults)
	}
	for name, want := range map[string]string{"service.name": "labledger", "deployment.environment.name": "here", "telemetry.sdk.language": "go"} {
		if c.resource[name] != want {
			t.Errorf("the resource's %s is %q, want %q", name, c.resource[name], want)
		}
	}
	if c.resource["service.version"] == "" {
		t.Error("the resource has no version")
	}

	const lock = "batch batch/GetLatestRuleset batch/LockState batch/LockStates batch/SetLockTimeout batch/begin "
	requests := map[string]string{ // what is below them
		"POST /auth/login":       "?",
		"POST /site/{id}":        "GetSessionPrincipal batch batch/SetRequestContext batch/UpsertSite",
		"GET /site/{id}":         "GetSessionPrincipal GetSite",
		"GET /sites":             "GetSessionPrincipal ListSites",
		"GET":                    "",
		"POST /event":            "GetRuleset GetSessionPrincipal " + lock + "batch/InsertAlerts batch/InsertEvent batch/SaveState batch/commit",
		"POST /api/v1/events":    "?",
		"POST /api/v1/computers": "?",
		"PATCH /account":         "?",
		"POST /auth/refresh":     "?",
		"GET /healthcheck":       "",
	}
	traces := map[string]string{} // by trace
	for _, s := range c.spans {
		if s.Kind != tracepb.Span_SPAN_KIND_SERVER {
			continue
		}
		want, known := requests[s.Name]
		if !known || len(s.ParentSpanId) > 0 {
			t.Errorf("not expected: %s", s)
		}
		words := strings.Fields(want)
		slices.Sort(words)
		if got := c.below(s, ""); want != "?" && fmt.Sprint(got) != fmt.Sprint(words) {
			t.Errorf("below %s: %v, want %v", s.Name, got, words)
		}
		a := attributes(s.Attributes)
		method, route, _ := strings.Cut(s.Name, " ")
		if a["http.request.method"] != method || a["http.route"] != route || a["url.path"] == "" || a["http.response.status_code"] == "" || s.Status.GetCode() != tracepb.Status_STATUS_CODE_UNSET {
			t.Errorf("%s: %v, %v", s.Name, a, s.Status)
		}
		traces[fmt.Sprintf("%x", s.TraceId)] = a["http.response.status_code"] + " " + a["url.path"]
	}
	for name := range requests {
		if len(c.named(name)) == 0 {
			t.Errorf("there is no span %s", name)
		}
	}
	for _, name := range []string{"copy event", "CreateComputer", "RefreshSession", "ReplacePassword"} {
		spans := c.named(name)
		if len(spans) == 0 {
			t.Errorf("there is no span %s", name)
			continue
		}
		if a := attributes(spans[0].Attributes); spans[0].Kind != tracepb.Span_SPAN_KIND_CLIENT || a["db.system.name"] != "postgresql" || a["db.query.summary"] != name {
			t.Errorf("%s: %v", name, spans[0])
		}
	}
	for _, s := range c.spans {
		if traces[fmt.Sprintf("%x", s.TraceId)] == "" {
			t.Errorf("%s is in no request's trace", s.Name)
		}
	}

	// Each request's log line names its trace.
	lines := 0
	for text := range strings.Lines(s.stdout.String()) {
		var line struct {
			Msg, Path string
			Status    int
			TraceID   string `json:"trace_id"`
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil || line.Msg != "request" {
			continue
		}
		if lines++; traces[line.TraceID] != fmt.Sprint(line.Status, " ", line.Path) {
			t.Errorf("trace %q is of %q: %s", line.TraceID, traces[line.TraceID], text)
		}
	}
	if lines != len(traces) || lines < len(requests) {
		t.Errorf("%d requests in the log, %d traces", lines, len(traces))
	}

	raw := string(c.raw)
	for what, secret := range map[string]string{
		"a password": password, "an access token": tokens.Access, "its signature": tokens.Access[strings.LastIndex(tokens.Access, "."):], "a refresh token": tokens.Refresh,
		"the signing key": key, "the database's password": "database-ca978112", "a hash": "$argon2id$",
		"a username": "ada-3e23e816", "a field": contact, "a field that was refused": refused, "an amount": amount, "a user": user, "a whole statement": "SELECT",
	} {
		if secret == "" || strings.Contains(raw, secret) {
			t.Errorf("the collector was told %s: %q", what, secret)
		}
	}
	if !strings.Contains(raw, "/site/2") || !strings.Contains(raw, "GetSite") {
		t.Error("what does go to the collector cannot be found in it, so this test shows nothing")
	}
}

// TestTracesOfPools has the statements of all pools: of the private cluster, where the server goes on as a role of its own, and of the replica.
func TestTracesOfPools(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	replica := pgtest.Database(t)
	succeed(t, []string{"DATABASE_URL=" + replica}, "", "migrate", "up")
	s := start(t, "STATE_DIR="+stateDir(t), "READ_DATABASE_URL="+replica, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "OTEL_SERVICE_NAME=lab")
	s.get("/site/1", http.StatusOK)
	s.get("/sites", http.StatusOK)
	s.stop(syscall.SIGTERM)
	if c.resource["service.name"] != "lab" {
		t.Errorf("the service is called %q", c.resource["service.name"])
	}
	one, many := c.named("GetSite"), c.named("ListSites")
	if len(one) != 1 || len(many) != 1 {
		t.Fatalf("%d and %d spans, want one each", len(one), len(many))
	}
	const where = "network.peer.address"
	if a, b := attributes(one[0].Attributes)[where], attributes(many[0].Attributes)[where]; a == "" || b == "" || a == b {
		t.Errorf("a site was read from %q, the list from %q", a, b)
	}
}

// A collector that hangs, is not there, or does not work costs traces and nothing else, and the log is not filled with it.
func TestDeadCollector(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	succeed(t, []string{"DATABASE_URL=" + database}, "", "migrate", "up")
	hang := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(func() { close(hang); hanging.Close() })
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, strings.Repeat("broken\n", 1000), http.StatusInternalServerError)
	}))
	t.Cleanup(failing.Close)
	for name, c := range map[string]struct {
		endpoint string
		told     string
	}{
		"hangs":            {hanging.URL, "the last traces were not sent"},
		"is not there":     {"http://" + nobody, "connection refused"},
		"answers 500":      {failing.URL, "500"},
		"never says hello": {"https://" + silent(t), "the last traces were not sent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, "DATABASE_URL="+database, "LOG_FORMAT=json", "OTEL_EXPORTER_OTLP_ENDPOINT="+c.endpoint, "OTEL_BSP_SCHEDULE_DELAY=20")
			client := &http.Client{Timeout: patience}
			slowest := time.Duration(0)
			for range 1500 { // of two spans: more than wait for the collector
				began := time.Now()
				response, err := client.Get(s.url + "/sites")
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				if response.StatusCode != http.StatusOK {
					t.Fatal(response.Status)
				}
				slowest = max(slowest, time.Since(began))
			}
			if slowest > 2*time.Second {
				t.Errorf("a request took %s", slowest)
			}
			client.CloseIdleConnections()
			began := time.Now()
			s.stop(syscall.SIGTERM)
			if took := time.Since(began); took > 7*time.Second { // without a bound it is 10 s
				t.Errorf("to stop took %s", took)
			}
			says(t, s.stdout.String(), c.told)
			complaints := 0
			for line := range strings.Lines(s.stdout.String()) {
				if strings.Contains(line, "traces") && strings.Contains(line, "WARN") {
					complaints++
				}
				if len(line) > 1000 {
					t.Errorf("a long line: %s", line)
				}
			}
			if complaints < 1 || complaints > 2 {
				t.Errorf("%d complaints, want one, and one at the end at most", complaints)
			}
		})
	}
}

// silent takes connections and says nothing.
func silent(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// Without a collector, or when told so, the program sends nothing, and no line of the log names a trace.
func TestNoTraces(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	succeed(t, []string{"DATABASE_URL=" + database}, "", "migrate", "up")
	c := newCollector(t)
	to := "OTEL_EXPORTER_OTLP_ENDPOINT=" + c.URL
	for name, env := range map[string][]string{
		"no collector": {"OTEL_SERVICE_NAME=lab", "OTEL_TRACES_SAMPLER=always_on"},
		"disabled":     {to, "OTEL_SDK_DISABLED=true"},
		"no exporter":  {to, "OTEL_TRACES_EXPORTER=none"},
		"never":        {to, "OTEL_TRACES_SAMPLER=always_off"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, append(env, "DATABASE_URL="+database, "OTEL_BSP_SCHEDULE_DELAY=20")...)
			s.get("/sites", http.StatusOK)
			s.stop(syscall.SIGTERM)
			if strings.Contains(s.stdout.String(), "trace_id") {
				t.Errorf("a trace in the log:\n%s", &s.stdout)
			}
		})
	}
	t.Cleanup(func() {
		if c.requests > 0 {
			t.Errorf("the collector got %d requests", c.requests)
		}
	})
}
