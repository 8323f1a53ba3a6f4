package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

// These tests run the client against a server, each as a separate process.

// serve starts a server with the mock data and returns its URL. It is stopped when the test ends.
func serve(t *testing.T) string {
	t.Helper()
	return programtest.Start(t, "STATE_DIR="+programtest.StateDir(t)).URL
}

// run runs the client and returns its output and whether it exited with 0.
func run(t *testing.T, args ...string) (stdout, stderr string, ok bool) {
	t.Helper()
	return runAs(t, "", args...)
}

// runAs is run with LABLEDGER_PASSWORD set.
func runAs(t *testing.T, password string, args ...string) (stdout, stderr string, ok bool) {
	t.Helper()
	cmd := exec.Command(programtest.Build(t, "examples/client"), args...)
	cmd.Env = []string{"LABLEDGER_PASSWORD=" + password}
	r, err := programtest.Exec(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return r.Stdout, r.Stderr, r.Code == 0
}

const wantOutput = `Sites
  1  Site 1
  2  Site 2
  3  Site 3
A site with two writers
  another client changes the site between our read and our write
  conflict, trying again: PUT /api/v1/sites/100: 412 Precondition Failed. …
  name Example, contact Ada Lovelace, country Iceland: both changes are stored
Events
  deposit of 120.50: rules that fired: []
  deposit of 120.50: rules that fired: [123]
  withdraw of 142.50: rules that fired: [1100]
The live stream
  event: deposit of 120.50
  event: deposit of 120.50
  alert: rules that fired: [123]
  event: withdraw of 142.50
  alert: rules that fired: [1100]
The latest alerts
  1100  Large withdrawal: value 142.50, limit 100.00 (version 1 of the rule)
  123  Deposit total in time window: value 241.00, limit 200.00 (version 1 of the rule)
`

// followAll are arguments with which the client follows the stream until it has all messages of wantOutput.
var followAll = []string{"-follow", pgtest.WaitTimeout.String(), "-messages", "5"}

// assertOutput compares an output with the expected one, in which … matches the rest of a line.
func assertOutput(t *testing.T, text, want string) {
	t.Helper()
	pattern := `\A` + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*") + `\z`
	if !regexp.MustCompile(pattern).MatchString(text) {
		t.Errorf("got output\n%s\nwant\n%s", text, want)
	}
}

func TestClient(t *testing.T) {
	t.Parallel()
	serverURL := serve(t)
	stdout, stderr, ok := run(t, append(followAll, "-url", serverURL)...)
	assertOutput(t, stdout, wantOutput)
	if !ok || stderr != "" {
		t.Error("the client failed:", stderr)
	}
	// A second run, with the site and the alerts of the first.
	stdout, stderr, ok = run(t, append(followAll, "-url", serverURL)...)
	if !ok || stderr != "" || !strings.Contains(stdout, "both changes are stored") {
		t.Errorf("the second run printed\n%s%s", stdout, stderr)
	}
	if n := countEvents(t, serverURL); n != 6 {
		t.Errorf("%d events after two runs, want 6", n)
	}
}

// The client recovers from a lost response to a recorded event, and from an interrupted stream.
func TestClient_recoversFromNetworkErrors(t *testing.T) {
	t.Parallel()
	serverURL := serve(t)
	target, err := url.Parse(serverURL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	var posts, streams atomic.Int32
	proxyServer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/api/v1/events" && posts.Add(1) == 1:
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			w.Header().Set("Retry-After", "1")
			http.Error(w, "the response was lost", http.StatusServiceUnavailable)
		case r.Header.Get("Last-Event-ID") != "" && streams.Add(1) == 1:
			proxy.ServeHTTP(&cutStream{ResponseWriter: w}, r)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	proxyServer.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	defer proxyServer.Close()

	stdout, stderr, ok := run(t, append(followAll, "-url", proxyServer.URL)...)
	want := strings.Replace(wantOutput, "Events\n",
		"Events\n  retrying with the same key: POST /api/v1/events: 503 Service Unavailable. …\n", 1)
	want = strings.Replace(want, "  event: deposit of 120.50\n",
		"  event: deposit of 120.50\n  the stream was interrupted (…): resuming after the last message\n", 1)
	assertOutput(t, stdout, want)
	if !ok || stderr != "" {
		t.Error("the client failed:", stderr)
	}
	if posts.Load() != 4 || streams.Load() != 2 {
		t.Errorf("%d posts and %d streams, want 4 and 2", posts.Load(), streams.Load())
	}
	if n := countEvents(t, serverURL); n != 3 {
		t.Errorf("%d events, want 3", n)
	}
}

// cutStream is a response writer that fails after the first message with data.
type cutStream struct {
	http.ResponseWriter
	sent []byte
}

func (c *cutStream) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *cutStream) Write(p []byte) (int, error) {
	sentBefore := len(c.sent)
	c.sent = append(c.sent, p...)
	end := regexp.MustCompile(`data: .*\n\n`).FindIndex(c.sent)
	if end == nil {
		return c.ResponseWriter.Write(p)
	}
	_, _ = c.ResponseWriter.Write(c.sent[sentBefore:end[1]])
	_ = http.NewResponseController(c.ResponseWriter).Flush()
	return 0, io.ErrClosedPipe
}

func TestClient_reportsConnectionErrors(t *testing.T) {
	t.Parallel()
	serverURL := serve(t)
	for _, args := range [][]string{
		{"-url", "http://127.0.0.1:1"}, // a closed port
		{"-url", serverURL + "/wrong"},
	} {
		stdout, stderr, ok := run(t, args...)
		if ok || !strings.HasPrefix(stderr, "client: ") || strings.Contains(stderr, "goroutine ") {
			t.Errorf("%q: %t, %s%s", args, ok, stdout, stderr)
		}
	}
}

// serveWithAuth starts a server that requires authentication and creates the user ada. The client needs the role
// operator.
func serveWithAuth(t *testing.T) string {
	t.Helper()
	state := programtest.StateDir(t)
	serverURL := programtest.Start(t, "STATE_DIR="+state, "AUTH=required").URL
	programtest.MustRun(t, []string{"STATE_DIR=" + state}, password, "user", "create", "ada", "--role", "operator")
	return serverURL
}

const password = programtest.SamplePassword

// The client stays signed in until it signs out, although tokens expire and responses with tokens are lost.
func TestClient_staysSignedIn(t *testing.T) {
	t.Parallel()
	serverURL := serveWithAuth(t)
	target, err := url.Parse(serverURL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	var mu sync.Mutex
	calls, token := map[string]int{}, ""
	proxyServer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if authorization := r.Header.Get("Authorization"); authorization != "" {
			token = authorization
		}
		call := r.Method + " " + r.URL.Path
		calls[call]++
		n := calls[call]
		mu.Unlock()
		recorder := httptest.NewRecorder()
		switch {
		case call == "POST /auth/login": // the first access token expires soon
			proxy.ServeHTTP(recorder, r)
			_, _ = io.WriteString(w, strings.Replace(recorder.Body.String(), `"expires_in":900`, `"expires_in":5`, 1))
		case call == "POST /auth/refresh" && n == 1:
			proxy.ServeHTTP(recorder, r)
			panic(http.ErrAbortHandler) // the response is lost
		case call == "POST /api/v1/events" && n == 2:
			http.Error(w, "the token has expired", http.StatusUnauthorized)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	defer proxyServer.Close()

	stdout, stderr, ok := runAs(t, password, append(followAll, "-url", proxyServer.URL, "-user", "ada")...)
	assertOutput(t, stdout, "Signed in as ada\n"+wantOutput)
	if !ok || stderr != "" {
		t.Error("the client failed:", stderr)
	}
	if calls["POST /auth/login"] != 1 || calls["POST /auth/refresh"] != 3 ||
		calls["POST /api/v1/events"] != 4 || calls["POST /auth/logout"] != 1 {
		t.Error("unexpected number of calls:", calls)
	}
	if status := getJSON(t, serverURL, "/account", token, nil); status != http.StatusUnauthorized {
		t.Errorf("the access token is valid after signing out: status %d", status)
	}
}

// Missing and wrong credentials are reported.
func TestClient_reportsAuthErrors(t *testing.T) {
	t.Parallel()
	serverURL := serveWithAuth(t)
	for _, c := range []struct {
		password, want string
		args           []string
	}{
		{"", "client: GET /api/v1/sites?limit=3: 401 ", nil},
		{"", "client: POST /auth/login: 40", []string{"-user", "ada"}},
		{"countess", "client: POST /auth/login: 401 Unauthorized. Username or password is wrong.",
			[]string{"-user", "ada"}},
	} {
		stdout, stderr, ok := runAs(t, c.password, append(c.args, "-url", serverURL)...)
		if ok || !strings.HasPrefix(stderr, c.want) {
			t.Errorf("%q: %t, %s%s, want %q", c.args, ok, stdout, stderr, c.want)
		}
	}
}

// getJSON requests JSON. It sends an Authorization header unless authorization is "".
func getJSON(t *testing.T, serverURL, path, authorization string, out any) (status int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", serverURL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if out != nil {
		if err := json.NewDecoder(response.Body).Decode(out); err != nil {
			t.Fatal(err)
		}
	}
	return response.StatusCode
}

// countEvents returns the number of events of the client's user.
func countEvents(t *testing.T, serverURL string) (n int) {
	t.Helper()
	var rows []json.RawMessage
	getJSON(t, serverURL, "/api/v1/events?user_id=1", "", &rows)
	return len(rows)
}
