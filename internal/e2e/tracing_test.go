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

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"labledger/internal/pgtest"
)

// collector receives traces like an OpenTelemetry collector: OTLP over HTTP, in protobuf.
type collector struct {
	*httptest.Server
	mu       sync.Mutex
	raw      []byte
	requests int
	resource map[string]string
	spans    []*tracepb.Span
	errs     []string
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
	var export coltracepb.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &export)
	}
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/traces" ||
		r.Header.Get("Content-Type") != "application/x-protobuf" {
		c.errs = append(c.errs, fmt.Sprint(r.Method, r.URL, r.Header, err))
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.raw = append(c.raw, body...)
	for _, resource := range export.ResourceSpans {
		for _, a := range resource.Resource.Attributes {
			c.resource[a.Key] = a.Value.GetStringValue()
		}
		for _, scope := range resource.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// named returns the spans with a name.
func (c *collector) named(name string) (spans []*tracepb.Span) {
	for _, s := range c.spans {
		if s.Name == name {
			spans = append(spans, s)
		}
	}
	return spans
}

// descendants returns the sorted paths of all spans below a parent. It omits waits for a connection, which depend on
// timing.
func (c *collector) descendants(parent *tracepb.Span, path string) (paths []string) {
	for _, s := range c.spans {
		if string(s.ParentSpanId) == string(parent.SpanId) && s.Name != "wait for a connection" {
			paths = append(append(paths, path+s.Name), c.descendants(s, path+s.Name+"/")...)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

func attributes(pairs []*commonpb.KeyValue) map[string]string {
	byName := map[string]string{}
	for _, a := range pairs {
		byName[a.Key] = a.Value.GetStringValue()
		if n, ok := a.Value.Value.(*commonpb.AnyValue_IntValue); ok {
			byName[a.Key] = fmt.Sprint(n.IntValue)
		}
	}
	return byName
}

// Values of the requests in TestTraces. None of them may reach the collector.
const (
	tracedPassword    = "wrong-horse-9f86d081"
	tracedKey         = "5d41402abc4b2a76b9719d911017c592-a-key-of-this-test"
	tracedDBPassword  = "database-ca978112"
	tracedUsername    = "ada-3e23e816"
	tracedContact     = "contact-7c211433"
	tracedRejected    = "refused-8277e091"
	tracedAmount      = "471117.29"
	tracedEventUserID = "987654321987"
)

type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// TestTraces runs the program with a collector. Each request is a trace with its statements, and the log line of the
// request has the trace ID. The collector gets no secrets and no values.
func TestTraces(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	tokens, log := runTracedRequests(t, c)
	if len(c.errs) > 0 {
		t.Fatal(c.errs)
	}
	for name, want := range map[string]string{
		"service.name": "labledger", "deployment.environment.name": "here", "telemetry.sdk.language": "go",
	} {
		if c.resource[name] != want {
			t.Errorf("resource attribute %s: %q, want %q", name, c.resource[name], want)
		}
	}
	if c.resource["service.version"] == "" {
		t.Error("the resource has no version")
	}
	requests := checkRequestSpans(t, c)
	checkStatementSpans(t, c, requests)
	checkLoggedTraceIDs(t, log, requests)
	checkNoSecretsInTraces(t, string(c.raw), tokens)
}

// runTracedRequests sends requests to a server that sends its traces to c. It returns the tokens and the log of the
// server.
func runTracedRequests(t *testing.T, c *collector) (signedIn tokens, log string) {
	t.Helper()
	database := "DATABASE_URL=" + passwordDatabase(t, tracedDBPassword)
	mustRun(t, []string{database}, "", "migrate", "up")
	mustRun(t, []string{database}, tracedPassword+"\n", "user", "create", tracedUsername, "--role", "admin")
	s := startServer(t, database, "AUTH=required", "JWT_SECRET="+tracedKey, "LOG_FORMAT=json",
		"OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=here",
		"OTEL_BSP_SCHEDULE_DELAY=50")

	credentials := `{"username": "` + tracedUsername + `", "password": "` + tracedPassword + `"}`
	if err := json.Unmarshal([]byte(s.Send("POST", "/auth/login", credentials, http.StatusOK)), &signedIn); err != nil {
		t.Fatal(err)
	}
	send := func(method, path, body string, want int) {
		t.Helper()
		s.SendAs(http.Header{"Authorization": {"Bearer " + signedIn.Access}}, method, path, body, want)
	}
	event := `{"type": "deposit", "amount": ` + tracedAmount + `, "user_id": ` + tracedEventUserID + `, "time": 10}`
	siteBody := strings.Replace(siteJSON("Traced"), `"contact": null`, `"contact": "`+tracedContact+`"`, 1)
	send("POST", "/site/1", siteBody, http.StatusOK)
	send("GET", "/site/1", "", http.StatusOK)
	send("GET", "/sites?name="+tracedContact, "", http.StatusOK)
	send("GET", "/site/2", "", http.StatusNotFound)
	send("GET", "/nothing/here", "", http.StatusNotFound)
	send("POST", "/event", event, http.StatusOK)
	ndjson := http.Header{"Authorization": {"Bearer " + signedIn.Access}, "Content-Type": {"application/x-ndjson"}}
	s.SendAs(ndjson, "POST", "/api/v1/events", event+"\n"+event+"\n", http.StatusOK)
	send("POST", "/api/v1/computers", `{"name": "`+tracedRejected+`", "mac": null, "site_id": 99}`, http.StatusBadRequest)
	newPassword := `{"password": "` + tracedPassword + `x", "current_password": "` + tracedPassword + `"}`
	send("PATCH", "/account", newPassword, http.StatusOK)
	// The new password has revoked the session.
	s.Send("POST", "/auth/refresh", `{"refresh_token": "`+signedIn.Refresh+`"}`, http.StatusUnauthorized)
	s.Stop(syscall.SIGTERM)
	return signedIn, s.Stdout.String()
}

// checkRequestSpans checks the span of each request and the statements below it. It returns status and path of each
// request by trace ID.
func checkRequestSpans(t *testing.T, c *collector) (requests map[string]string) {
	t.Helper()
	const lock = "batch batch/GetLatestRuleset batch/ListLockedStates batch/LockState batch/LockUsers " +
		"batch/SetLockTimeout batch/begin "
	wantBelow := map[string]string{ // ? is anything
		"POST /auth/login": "?",
		"POST /site/{id}":  "batch batch/AuthorizeSession batch/UpsertSite",
		"GET /site/{id}":   "batch batch/AuthorizeSession batch/GetSite",
		"GET /sites":       "batch batch/AuthorizeSession batch/ForceCustomPlans batch/ListSites",
		"GET":              "", // no route
		"POST /event": "AuthorizeSession GetRuleset " + lock +
			"batch/InsertAlerts batch/InsertEvent batch/SaveState batch/commit",
		"POST /api/v1/events":    "?",
		"POST /api/v1/computers": "?",
		"PATCH /account":         "?",
		"POST /auth/refresh":     "?",
		"GET /healthcheck":       "",
	}
	requests = map[string]string{}
	for _, s := range c.spans {
		if s.Kind != tracepb.Span_SPAN_KIND_SERVER {
			continue
		}
		want, known := wantBelow[s.Name]
		if !known || len(s.ParentSpanId) > 0 {
			t.Errorf("unexpected span: %s", s)
		}
		words := strings.Fields(want)
		slices.Sort(words)
		if got := c.descendants(s, ""); want != "?" && fmt.Sprint(got) != fmt.Sprint(words) {
			t.Errorf("spans below %s: %v, want %v", s.Name, got, words)
		}
		a := attributes(s.Attributes)
		method, route, _ := strings.Cut(s.Name, " ")
		if a["http.request.method"] != method || a["http.route"] != route || a["url.path"] == "" ||
			a["http.response.status_code"] == "" || s.Status.GetCode() != tracepb.Status_STATUS_CODE_UNSET {
			t.Errorf("%s: attributes %v, status %v", s.Name, a, s.Status)
		}
		requests[fmt.Sprintf("%x", s.TraceId)] = a["http.response.status_code"] + " " + a["url.path"]
	}
	for name := range wantBelow {
		if len(c.named(name)) == 0 {
			t.Errorf("no span %s", name)
		}
	}
	if len(requests) < len(wantBelow) {
		t.Errorf("%d traces of requests, want at least %d", len(requests), len(wantBelow))
	}
	return requests
}

// checkStatementSpans checks the spans of some statements, and that each span belongs to a request.
func checkStatementSpans(t *testing.T, c *collector, requests map[string]string) {
	t.Helper()
	for _, name := range []string{"copy event", "CreateComputer", "RefreshSession", "ReplacePassword"} {
		spans := c.named(name)
		if len(spans) == 0 {
			t.Errorf("no span %s", name)
			continue
		}
		a := attributes(spans[0].Attributes)
		if spans[0].Kind != tracepb.Span_SPAN_KIND_CLIENT || a["db.system.name"] != "postgresql" ||
			a["db.query.summary"] != name {
			t.Errorf("%s: %v", name, spans[0])
		}
	}
	for _, s := range c.spans {
		if requests[fmt.Sprintf("%x", s.TraceId)] == "" {
			t.Errorf("span %s belongs to no request", s.Name)
		}
	}
}

// checkLoggedTraceIDs checks that the log line of each request has the ID of its trace.
func checkLoggedTraceIDs(t *testing.T, log string, requests map[string]string) {
	t.Helper()
	lines := 0
	for text := range strings.Lines(log) {
		var line struct {
			Msg, Path string
			Status    int
			TraceID   string `json:"trace_id"`
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil || line.Msg != "request" {
			continue
		}
		if lines++; requests[line.TraceID] != fmt.Sprint(line.Status, " ", line.Path) {
			t.Errorf("trace %q is of %q: %s", line.TraceID, requests[line.TraceID], text)
		}
	}
	if lines != len(requests) {
		t.Errorf("%d requests in the log, %d traces", lines, len(requests))
	}
}

// checkNoSecretsInTraces checks all bytes that the collector received.
func checkNoSecretsInTraces(t *testing.T, raw string, signedIn tokens) {
	t.Helper()
	for what, value := range map[string]string{
		"a password":              tracedPassword,
		"an access token":         signedIn.Access,
		"a token's signature":     signedIn.Access[strings.LastIndex(signedIn.Access, "."):],
		"a refresh token":         signedIn.Refresh,
		"the signing key":         tracedKey,
		"the database's password": tracedDBPassword,
		"a password hash":         "$argon2id$",
		"a username":              tracedUsername,
		"a field":                 tracedContact,
		"a rejected field":        tracedRejected,
		"an amount":               tracedAmount,
		"a user ID":               tracedEventUserID,
		"the text of a statement": "SELECT",
	} {
		if value == "" || strings.Contains(raw, value) {
			t.Errorf("traces contain %s: %q", what, value)
		}
	}
	if !strings.Contains(raw, "/site/2") || !strings.Contains(raw, "GetSite") {
		t.Error("traces lack what they should contain, so this test proves nothing")
	}
}

// Statements of all pools are traced: of the embedded Postgres, to which the server reconnects as another role, and of
// the replica. The other database here is no replica, so only its position is read.
func TestTraces_ofAllPools(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	replica := pgtest.Database(t)
	mustRun(t, []string{"DATABASE_URL=" + replica}, "", "migrate", "up")
	s := startServer(t, "STATE_DIR="+stateDir(t), "READ_DATABASE_URL="+replica,
		"OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "OTEL_SERVICE_NAME=lab")
	s.Get("/site/1", http.StatusOK)
	s.Get("/sites", http.StatusOK)
	s.Stop(syscall.SIGTERM)
	if c.resource["service.name"] != "lab" {
		t.Errorf("service name %q, want lab", c.resource["service.name"])
	}
	row, position := c.named("GetSite"), c.named("GetMissingWAL")
	if len(row) != 1 || len(position) != 1 {
		t.Fatalf("%d and %d spans, want one each", len(row), len(position))
	}
	const peer = "network.peer.address"
	primaryPeer, replicaPeer := attributes(row[0].Attributes)[peer], attributes(position[0].Attributes)[peer]
	if primaryPeer == "" || replicaPeer == "" || primaryPeer == replicaPeer {
		t.Errorf("row read from %q, position read from %q; want different servers", primaryPeer, replicaPeer)
	}
}

// A collector that hangs, is unreachable or fails loses traces and has no other effect. The log has at most two
// warnings. Timeouts of the exporter are longer than the test, so waiting for the collector would fail it.
func TestTraces_brokenCollector(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	mustRun(t, []string{"DATABASE_URL=" + database}, "", "migrate", "up")
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(func() {
		close(release)
		hanging.Close()
	})
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, strings.Repeat("broken\n", 1000), http.StatusInternalServerError)
	}))
	t.Cleanup(failing.Close)
	for name, c := range map[string]struct {
		endpoint string
		warning  string
	}{
		"no response":      {hanging.URL, "the last traces were not sent"},
		"unreachable":      {"http://" + closedAddress, "connection refused"},
		"status 500":       {failing.URL, "500"},
		"no TLS handshake": {"https://" + silentListener(t), "the last traces were not sent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, "DATABASE_URL="+database, "LOG_FORMAT=json",
				"OTEL_EXPORTER_OTLP_ENDPOINT="+c.endpoint, "OTEL_BSP_SCHEDULE_DELAY=20",
				"OTEL_BSP_MAX_QUEUE_SIZE=64", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=32",
				"OTEL_BSP_EXPORT_TIMEOUT=3600000", "OTEL_EXPORTER_OTLP_TIMEOUT=3600000")
			client := &http.Client{Timeout: waitTimeout}
			defer client.CloseIdleConnections()
			for range 200 { // two spans each, which is more than the queue for the collector holds
				response, err := client.Get(s.URL + "/sites")
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				if response.StatusCode != http.StatusOK {
					t.Fatal(response.Status)
				}
			}
			s.Stop(syscall.SIGTERM)
			assertContains(t, s.Stdout.String(), c.warning)
			checkTraceWarnings(t, s.Stdout.String())
		})
	}
}

// checkTraceWarnings checks the number and the length of a log's warnings about traces.
func checkTraceWarnings(t *testing.T, log string) {
	t.Helper()
	warnings := 0
	for line := range strings.Lines(log) {
		if strings.Contains(line, "traces") && strings.Contains(line, "WARN") {
			warnings++
		}
		if len(line) > 1000 {
			t.Errorf("line of %d bytes: %s", len(line), line)
		}
	}
	if warnings < 1 || warnings > 2 {
		t.Errorf("%d warnings, want one, and at most another one at shutdown", warnings)
	}
}

// silentListener returns the address of a listener that accepts connections and sends nothing.
func silentListener(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// Without a collector, or with traces disabled, the program sends nothing and logs no trace IDs.
func TestTraces_disabled(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	mustRun(t, []string{"DATABASE_URL=" + database}, "", "migrate", "up")
	c := newCollector(t)
	endpoint := "OTEL_EXPORTER_OTLP_ENDPOINT=" + c.URL
	for name, env := range map[string][]string{
		"no collector": {"OTEL_SERVICE_NAME=lab", "OTEL_TRACES_SAMPLER=always_on"},
		"SDK disabled": {endpoint, "OTEL_SDK_DISABLED=true"},
		"no exporter":  {endpoint, "OTEL_TRACES_EXPORTER=none"},
		"sampler off":  {endpoint, "OTEL_TRACES_SAMPLER=always_off"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, append(env, "DATABASE_URL="+database, "OTEL_BSP_SCHEDULE_DELAY=20")...)
			s.Get("/sites", http.StatusOK)
			s.Stop(syscall.SIGTERM)
			if strings.Contains(s.Stdout.String(), "trace_id") {
				t.Errorf("trace ID in the log:\n%s", &s.Stdout)
			}
		})
	}
	t.Cleanup(func() { // after the parallel subtests
		if c.requests > 0 {
			t.Errorf("the collector got %d requests", c.requests)
		}
	})
}
