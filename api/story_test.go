package api_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api"
	"labledger/api/authn"
	"labledger/internal/apitest"
	"labledger/internal/media"
	"labledger/internal/pgtest"
)

// A story is a plain-text file of requests and checks: testdata/*.http. It runs against a server on a fresh clone of
// the mock data or, with BASE_URL=http://host:port in the environment, against that server. Requests are sent byte for
// byte. The responses of testdata/example-*.http are also the examples of the OpenAPI document, see
// TestResponseExamples.
//
//	# A comment. Two comments are directives: "# fresh" skips the story with BASE_URL, since it needs the unchanged
//	# mock data. "# serial" runs the story while no other test of this package runs.
//	with one=/site made=200        runs the story with these variables; several such lines run it several times
//	mark                           takes a snapshot of the tables for "== same"; with BASE_URL, of those in the lists
//
//	POST {{one}}/{{unique}}1       the request line; then headers, an empty line, and the body up to the first check
//	Content-Type: application/json
//
//	{"name": "a\xff{{repeat "#," 3}}"}
//	== status {{made}}             the first check of every request. "== status 400 raw": net/http rejects the
//	                               request.
//	                               "== status 404 proxy 400": a proxy in front of BASE_URL may return 400, which skips
//	                               the other checks
//	== header ETag "1"             equal; "~ header ETag re" must match, "!~ header ETag re" must not match,
//	                               "!~ header ETag" must be absent
//	== body text                   equal; a final newline is optional; without a text, the lines that follow. Also ~
//	                               and !~
//	== json {"id": 1, "at": "*"}   equal JSON in any order of keys; "*" matches any value.
//	                               "json@errors.0.field" selects a part, "json@length" the length of an array
//	== same                        the tables are equal to the snapshot
//	:= id json@id                  saves a value as {{id}}; ":= next header Link <(.+)>" saves the group of the
//	                               regexp
//
// Everywhere, \xNN is a byte, and {{repeat "text" n}} repeats a text n times with # replaced by 1 to n. Each run has
// its own {{unique}} (an integer), {{uuid}} (a UUID without the last digit) and {{mac}} (a MAC address without the last
// byte).
type story struct {
	file          string
	fresh, serial bool
	variables     []map[string]string
	steps         []*step
}

// A step is a request with its checks, or a mark.
type step struct {
	line           int
	method, target string // the method of a mark is "mark"
	headers        []string
	body           string
	checks         []check
}

// A check is one expectation about a response.
type check struct {
	line    int
	text    string
	op      string // ==, ~, !~ or :=
	subject string // status, header, body, json or same
	name    string // the name of the header, or the path into the JSON
	saveAs  string // the variable that := sets
	want    string
}

// TestStories runs all stories and then checks that they cover every route. Serial stories run before other tests of
// this package that are parallel.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.http")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories in testdata:", err)
	}
	baseURL := os.Getenv("BASE_URL")
	var serial, parallel []*story
	for _, file := range files {
		s, err := parseStory(file)
		switch {
		case err != nil:
			t.Error(err)
		case s.fresh && baseURL != "":
			fmt.Printf("%s: skipped, it needs a fresh database and not %s\n", file, baseURL)
		case s.serial || baseURL != "":
			serial = append(serial, s)
		default:
			parallel = append(parallel, s)
		}
	}
	coverage := newStoryCoverage(api.Endpoints())
	t.Run("serial", func(t *testing.T) { runStories(t, "", serial, false, coverage.add) })
	if baseURL != "" { // the coverage is incomplete, since some stories are skipped
		return
	}
	t.Parallel()
	t.Run("story", func(t *testing.T) { runStories(t, "", parallel, true, coverage.add) })
	t.Run("coverage", func(t *testing.T) {
		for _, gap := range coverage.missing() {
			t.Error("no story covers", gap)
		}
	})
}

// TestStories_basePath runs each story once on a server below a base path. The requests have the base path. It is
// removed from the responses before the checks. TestStories compares the same responses with the contract.
func TestStories_basePath(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.http")
	if err != nil {
		t.Fatal(err)
	}
	var stories []*story
	for _, file := range files {
		s, err := parseStory(file)
		if err != nil {
			t.Fatal(err)
		}
		if !s.serial {
			s.variables = s.variables[:1]
			stories = append(stories, s)
		}
	}
	runStories(t, "/lab", stories, true, func(storyRequest, *storyResponse) {})
}

// The control of TestStories_basePath: it reports URLs without the base path.
func TestRemoveBasePath(t *testing.T) {
	t.Parallel()
	base, _ := startServer(t, "")
	for _, c := range []struct {
		storyRequest
		urls int // in the response
	}{
		{storyRequest{"GET", "/api/v1/sites/77", nil, ""}, 2}, // type and instance
		{storyRequest{"GET", "/api/v1/sites?limit=1", nil, ""}, 1},
		{storyRequest{"POST", "/api/v1/sites", []string{"Content-Type: application/json"}, `{"name": "Site 4"}`}, 1},
		{storyRequest{"GET", "/", []string{"Accept: text/html"}, ""}, 1},
	} {
		resp, err := c.send(base)
		if err != nil {
			t.Fatal(err)
		}
		if missing := resp.removeBasePath(c.storyRequest, "/lab"); len(missing) != c.urls {
			t.Errorf("%s %s: reported %q, want %d URLs without base path\n%s", c.method, c.target, missing, c.urls, resp)
		}
	}
}

// An observer is called with each request of a story and its response.
type observer func(storyRequest, *storyResponse)

// runStories runs stories with each set of their variables on servers below a base path.
func runStories(t *testing.T, basePath string, stories []*story, parallel bool, observe observer) {
	for _, s := range stories {
		for _, variables := range s.variables {
			t.Run(strings.TrimSuffix(filepath.Base(s.file), ".http"), func(t *testing.T) {
				if parallel {
					t.Parallel()
				}
				runStory(t, basePath, s, variables, observe)
			})
		}
	}
}

// A storyRunner is one run of a story.
type storyRunner struct {
	*testing.T
	*story
	base      string
	pool      *pgxpool.Pool // connections to the database of this run; nil with BASE_URL
	variables map[string]string
	snapshot  string
}

func runStory(t *testing.T, basePath string, s *story, variables map[string]string, observe observer) {
	runner := &storyRunner{T: t, story: s, variables: uniqueVariables()}
	runner.base, runner.pool = startServer(t, basePath)
	for name, value := range variables {
		runner.variables[name] = runner.expand(value)
	}
	for _, step := range s.steps {
		if step.method == "mark" {
			runner.snapshot = runner.dumpTables()
			continue
		}
		r := storyRequest{runner.expand(step.method), runner.expand(step.target), nil, runner.expand(step.body)}
		for _, h := range step.headers {
			r.headers = append(r.headers, runner.expand(h))
		}
		resp, err := r.send(runner.base)
		if err != nil {
			t.Errorf("%s:%d: %v\n%s", s.file, step.line, err, r)
			continue
		}
		for _, missing := range resp.removeBasePath(r, basePath) {
			t.Errorf("%s:%d: no base path in %s\n%s\n%s", s.file, step.line, missing, r, resp)
		}
		observe(r, resp)
		if len(step.checks) == 0 {
			t.Errorf("%s:%d: the request has no check", s.file, step.line)
			continue
		}
		if proxied := proxyStatus(step.checks[0]); proxied != 0 && runner.pool == nil && resp.StatusCode == proxied {
			continue
		}
		if basePath == "" && !strings.Contains(step.checks[0].want, " raw") {
			for _, reason := range resp.violations(r) {
				t.Errorf("%s:%d: %s\n%s\n%s", s.file, step.line, reason, r, resp)
			}
		}
		for _, c := range step.checks {
			if reason := runner.check(c, resp); reason != "" {
				t.Errorf("%s:%d: %s\n  %s\n%s\n%s", s.file, c.line, c.text, reason, r, resp)
			}
		}
	}
}

// startServer starts the API below a base path, with the server's role on a new database, unless BASE_URL names a
// server. The returned pool has the owner's role.
func startServer(t *testing.T, basePath string) (base string, pool *pgxpool.Pool) {
	if base := os.Getenv("BASE_URL"); base != "" {
		return strings.TrimSuffix(base, "/"), nil
	}
	pool, serverPool := pgtest.Pools(t)
	server := httptest.NewServer(api.New(api.Options{
		Pool:    serverPool,
		Log:     slog.New(slog.NewTextHandler(newSecretDetector(t), nil)),
		Access:  authn.Options{AnonymousActor: "anonymous"},
		Version: "test",
		Media:   media.NewStore(t.TempDir()),
		App:     apitest.App(),

		BasePath:      basePath,
		EventMaxAhead: 24 * time.Hour,
	}))
	t.Cleanup(server.Close)
	return server.URL + basePath, pool
}

// secretShapeRE matches tokens, password hashes and the passwords of the stories.
var secretShapeRE = regexp.MustCompile(`eyJ[\w-]{20}|ll[rkl]_[\w-]{20}|argon2id\$|is (mine|new)|password=`)

// A secretDetector is a log writer that fails the test if a secret is logged. It copies warnings and errors to the
// output of the test.
type secretDetector struct {
	t     *testing.T
	lines atomic.Int64
}

func newSecretDetector(t *testing.T) *secretDetector {
	s := &secretDetector{t: t}
	t.Cleanup(func() {
		if s.lines.Load() == 0 {
			t.Error("the server logged nothing")
		}
	})
	return s
}

func (s *secretDetector) Write(line []byte) (int, error) {
	s.lines.Add(1)
	if secretShapeRE.Match(line) {
		s.t.Errorf("the log contains a secret: %s", line)
	}
	if !bytes.Contains(line, []byte("level=INFO")) {
		_, _ = s.t.Output().Write(line)
	}
	return len(line), nil
}

// uniqueVariables returns the variables that are unique to a run. Runs on their own database share the values.
func uniqueVariables() map[string]string {
	unique, d := int64(1000), "000000000000000000000000000000" // d has 30 hexadecimal digits
	if os.Getenv("BASE_URL") != "" {
		var random [15]byte
		_, _ = rand.Read(random[:]) // never fails
		d = hex.EncodeToString(random[:])
		unique, _ = strconv.ParseInt(d[:10], 16, 64)
	}
	return map[string]string{
		"unique": fmt.Sprint(1000 + unique),
		"uuid":   fmt.Sprintf("%s-%s-4%s-8%s-%s", d[:8], d[8:12], d[12:15], d[15:18], d[18:29]),
		"mac":    fmt.Sprintf("02:%s:%s:%s:%s:", d[:2], d[2:4], d[4:6], d[6:8]),
	}
}

var (
	variableRE = regexp.MustCompile(`\{\{(\w+)\}\}`)
	repeatRE   = regexp.MustCompile(`\{\{repeat "([^"]*(?:\\"[^"]*)*)" (\d+)\}\}`)
	byteRE     = regexp.MustCompile(`\\x[0-9a-fA-F]{2}`)
)

// expand replaces variables, repetitions and byte escapes.
func (r *storyRunner) expand(text string) string {
	text = variableRE.ReplaceAllStringFunc(text, func(m string) string {
		value, known := r.variables[m[2:len(m)-2]]
		if !known {
			r.Fatalf("%s: unknown variable %s", r.file, m)
		}
		return value
	})
	text = repeatRE.ReplaceAllStringFunc(text, func(m string) string {
		parts := repeatRE.FindStringSubmatch(m)
		n, _ := strconv.Atoi(parts[2]) // the regexp matches digits only
		piece := strings.NewReplacer(`\n`, "\n", `\"`, `"`).Replace(parts[1])
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(piece, "#", strconv.Itoa(i+1)))
		}
		return b.String()
	})
	return byteRE.ReplaceAllStringFunc(text, func(m string) string {
		n, _ := strconv.ParseUint(m[2:], 16, 8) // the regexp matches two hexadecimal digits
		return string([]byte{byte(n)})
	})
}

// dumpTables returns the rows of all tables.
func (r *storyRunner) dumpTables() string {
	var all strings.Builder
	for _, table := range []string{
		"sites", "freezers", "computers", "containers", "users", "rules", "events", "alerts",
	} {
		request := storyRequest{method: "GET", target: "/api/v1/" + table, headers: []string{"Accept: text/csv"}}
		resp, err := request.send(r.base)
		if err != nil || resp.StatusCode != http.StatusOK {
			r.Fatalf("%s: read %s: %v\n%s", r.file, table, err, resp)
		}
		all.WriteString(resp.body)
	}
	if r.pool != nil {
		all.WriteString(apitest.DumpTables(r.T, r.pool, hiddenTables...))
	}
	return all.String()
}

// hiddenTables are the tables that no route lists completely.
var hiddenTables = []string{"user_state", "ruleset", "alert_change", "idempotency", "change"}

// proxyStatus returns the status that a proxy may return instead of the API, or 0.
func proxyStatus(c check) int {
	_, text, _ := strings.Cut(c.want, " proxy ")
	status, _ := strconv.Atoi(text)
	return status
}

// check returns the reason why a check fails, or "".
func (r *storyRunner) check(c check, resp *storyResponse) (reason string) {
	want := r.expand(c.want)
	var got string
	var present bool
	switch c.subject {
	case "same":
		if current := r.dumpTables(); current != r.snapshot {
			return "the tables have changed:\n" + current
		}
		return ""
	case "status":
		got = strconv.Itoa(resp.StatusCode)
		want, _, _ = strings.Cut(want, " ")
	case "header":
		values := resp.Header.Values(c.name)
		got, present = strings.Join(values, ", "), len(values) > 0
	case "body":
		got, present = resp.body, true
		if c.op == "==" && !strings.HasSuffix(want, "\n") {
			got = strings.TrimSuffix(got, "\n")
		}
	case "json":
		value, err := resp.jsonAt(c.name)
		if err != nil {
			return err.Error()
		}
		if c.op == "==" {
			return compareJSON(want, value)
		}
		if text, ok := value.(string); ok {
			got = text
		} else {
			encoded, _ := json.Marshal(value) // cannot fail: the value was decoded from JSON
			got = string(encoded)
		}
	}
	if c.op == "==" {
		if got != want {
			return "got " + clipText(got)
		}
		return ""
	}
	if c.op == "!~" && want == "" && !present {
		return ""
	}
	re, err := regexp.Compile(want)
	if err != nil {
		return err.Error()
	}
	groups := re.FindStringSubmatch(got)
	switch {
	case c.op == "!~" && groups != nil, c.op != "!~" && groups == nil:
		return "got " + clipText(got)
	case c.op == ":=" && want == "":
		r.variables[c.saveAs] = got
	case c.op == ":=":
		r.variables[c.saveAs] = groups[len(groups)-1]
	}
	return ""
}
