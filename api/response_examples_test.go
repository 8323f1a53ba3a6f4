package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"labledger/api"
)

// TestResponseExamples runs the stories testdata/example-*.http. Their responses are the examples of the OpenAPI
// document, in openapi/examples.json. `go test ./api -run TestResponseExamples -update` rewrites the file. Then
// `go run ./api/openapi` adds the examples to the document.
func TestResponseExamples(t *testing.T) {
	t.Parallel()
	const file = "openapi/examples.json"
	files, err := filepath.Glob("testdata/example-*.http")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories with examples:", err)
	}
	var stories []*story
	for _, file := range files {
		s, err := parseStory(file)
		if err != nil {
			t.Fatal(err)
		}
		stories = append(stories, s)
	}
	collector := &exampleCollector{
		routes: newStoryCoverage(api.Endpoints()), ids: map[string]string{}, all: map[string]map[string]json.RawMessage{},
	}
	runStories(t, "", stories, false, collector.add)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(collector.all); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("the responses have changed (- file, + responses); if intended, run make gen:\n%s", diff)
	}
}

// An exampleCollector collects the first JSON response of each operation and successful status.
type exampleCollector struct {
	routes *storyCoverage
	ids    map[string]string                     // the ID that replaces a generated one, by the generated ID
	all    map[string]map[string]json.RawMessage // by operation, such as "GET /site/{id}", and status
}

// maxExampleRows is the maximum number of rows in the example of a list.
const maxExampleRows = 2

// add adds a response if it is the first of its kind. It ignores lists without rows.
func (c *exampleCollector) add(r storyRequest, resp *storyResponse) {
	isJSON := resp.Header.Get("Content-Type") == "application/json"
	if resp.StatusCode/100 != 2 || !isJSON || strings.TrimSpace(resp.body) == "[]" {
		return
	}
	for _, e := range c.routes.endpointsOf(r) {
		operation, status := e.Method+" "+e.Path, fmt.Sprint(resp.StatusCode)
		switch {
		case e.Method == api.MethodUpdate || isWebPage(e.Path), c.all[operation][status] != nil:
			continue
		case c.all[operation] == nil:
			c.all[operation] = map[string]json.RawMessage{}
		}
		c.all[operation][status] = c.example(resp.body)
	}
}

// example returns a response body with few rows and without values that differ between runs.
func (c *exampleCollector) example(body string) json.RawMessage {
	var rows []json.RawMessage
	if json.Unmarshal([]byte(body), &rows) == nil && len(rows) > maxExampleRows {
		var parts []string
		for _, row := range rows[:maxExampleRows] {
			parts = append(parts, string(row))
		}
		body = "[" + strings.Join(parts, ",") + "]"
	}
	for _, v := range variableValues {
		body = v.pattern.ReplaceAllString(body, v.example)
	}
	body = exampleTimeRE.ReplaceAllStringFunc(body, exampleTime)
	body = generatedIDRE.ReplaceAllStringFunc(body, c.exampleID("01a1b5c8-7000-7000-8000-%012d"))
	return json.RawMessage(requestIDValueRE.ReplaceAllStringFunc(body, c.exampleID(`"6f0d1c7be0a14c0f8a3d%012d"`)))
}

// exampleID returns a function that replaces generated IDs by numbered ones. An ID has the same number in all examples.
func (c *exampleCollector) exampleID(format string) func(string) string {
	return func(id string) string {
		if c.ids[id] == "" {
			c.ids[id] = fmt.Sprintf(format, len(c.ids)+1)
		}
		return c.ids[id]
	}
}

// variableValues are the values that differ between runs, with what replaces them in examples. Others are times and
// generated IDs.
var variableValues = []struct {
	pattern *regexp.Regexp
	example string
}{
	{regexp.MustCompile(`"eyJ[\w.-]+"`), `"eyJ…"`},
	{regexp.MustCompile(`"(ll[rkl]_)[\w-]{40,}"`), `"${1}…"`},
	{regexp.MustCompile(`"llk_[\w-]{8}"`), `"llk_5Zt0qP3x"`},
	{regexp.MustCompile(`#lll_[\w-]{40,}"`), `#lll_…"`},
	{regexp.MustCompile(`/media/\w{2}/\w{26}\.`), "/media/x7/x7" + strings.Repeat("q", 24) + "."},
	{regexp.MustCompile(`"expires_in":\d+`), `"expires_in":900`},
}

var (
	generatedIDRE    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	requestIDValueRE = regexp.MustCompile(`"[0-9a-f]{32}"`)
	exampleTimeRE    = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)`)
)

// exampleTime returns the time that replaces a time of a response: a fixed one in place of the present, and the same
// distance from it, in hours, for a later time.
func exampleTime(text string) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	present := time.Date(2026, time.November, 22, 9, 30, 0, 0, time.UTC)
	later := max(0, time.Until(t).Round(time.Hour))
	return present.Add(later).Format(time.RFC3339)
}
