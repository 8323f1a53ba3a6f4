package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/web"
)

// A sampleRequest is a request that succeeds on the mock data with the rows of createSamples.
type sampleRequest struct {
	target, body string
	header       []string
}

var (
	curlURL      = regexp.MustCompile(`http://127\.0\.0\.1:5000(\S*)`)
	curlBody     = regexp.MustCompile(`(?s)-d '(.*)'$`)
	pathVariable = regexp.MustCompile(`\{(\w+)(:[^}]+)?\}`)
)

// sampleForm is a multipart form with the boundary X and one file.
const sampleForm = "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\na\r\n--X--\r\n"

// sampleRequests returns a request for each method and path of the endpoints, such as "GET /site/{id}". They are the
// curl commands of the OpenAPI document, and a few more for what the document does not describe.
func sampleRequests(t *testing.T, endpoints []*rest.Endpoint) map[string]sampleRequest {
	t.Helper()
	var document struct {
		Paths map[string]map[string]struct {
			Samples []struct{ Source string } `json:"x-codeSamples"`
		}
	}
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	all := map[string]sampleRequest{}
	for _, e := range endpoints {
		method := e.Method
		if method == "UPDATE" { // OpenAPI cannot express this method
			method = http.MethodPut
		}
		path := document.Paths[pathVariable.ReplaceAllString(e.Path, "{$1}")]
		operation, ok := path[strings.ToLower(method)]
		if !ok || strings.HasPrefix(e.Path, "/media/") {
			all[e.Method+" "+e.Path] = sampleRequest{target: webPath(e.Path)}
			continue
		}
		all[e.Method+" "+e.Path] = parseCurl(t, operation.Samples[0].Source)
	}
	return all
}

// parseCurl returns the request of a curl command.
func parseCurl(t *testing.T, command string) (r sampleRequest) {
	t.Helper()
	url := curlURL.FindStringSubmatch(command)
	if url == nil {
		t.Fatalf("no URL in %q", command)
	}
	r.target = strings.Replace(strings.Trim(url[1], "'"), "/users/Ada", "/users/Bob", 1) // a user of the mock data
	if strings.Contains(command, " -F ") {
		r.body, r.header = sampleForm, []string{"Content-Type: multipart/form-data; boundary=X"}
	} else if body := curlBody.FindStringSubmatch(command); body != nil {
		r.body = strings.Replace(body[1], "lll_…", sampleLink, 1)
	}
	return r
}

// webPath returns a path of a template that is not an operation of the OpenAPI document.
func webPath(template string) string {
	file := "docs.css"
	if strings.HasPrefix(template, "/static/") {
		file = "app.js"
	}
	values := map[string]string{
		"page": "sites", "digest": staticDigest(), "file": file, "folder": "x7", "type": "not-found",
	}
	return pathVariable.ReplaceAllStringFunc(template, func(variable string) string {
		return values[pathVariable.FindStringSubmatch(variable)[1]]
	})
}

// staticDigest returns the digest in the paths of the app's static files, read from the page.
func staticDigest() string {
	w := httptest.NewRecorder()
	apitest.App().Page(w, nil)
	return regexp.MustCompile(web.Prefix + `([0-9a-f]+)/`).FindStringSubmatch(w.Body.String())[1]
}
