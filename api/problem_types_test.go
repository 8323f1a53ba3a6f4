package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"labledger/api"
	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// exampleID is the ID of the requests whose responses are the examples of the problem types.
const exampleID = "X-Request-Id: example"

// TestProblemTypes_examples provokes a problem of each type: by the story problem-types.http, by a request for which a
// story is not enough, or by the configuration of nginx. The responses are the examples in problem/examples.json.
// `go test ./api -run TestProblemTypes_examples -update` rewrites the file.
func TestProblemTypes_examples(t *testing.T) {
	t.Parallel()
	const file = "problem/examples.json"
	byType := map[string]json.RawMessage{}
	add := func(name string, body []byte) {
		var p problem.Problem
		if err := json.Unmarshal(body, &p); err != nil {
			t.Errorf("%s: %v: %s", name, err, body)
		} else if reason := typeViolation(&p); reason != "" {
			t.Errorf("%s: %s", name, reason)
		} else if byType[p.Type] == nil {
			byType[p.Type] = bytes.TrimSpace(body)
		}
	}
	for _, body := range storyExamples(t, "testdata/problem-types.http") {
		add("story", []byte(body))
	}
	var mutex sync.Mutex
	t.Run("requests", func(t *testing.T) {
		for slug, provoke := range provocations {
			t.Run(slug, func(t *testing.T) {
				t.Parallel()
				w := provoke(t)
				mutex.Lock()
				defer mutex.Unlock()
				if kind := problem.Find(slug); kind == nil || byType[kind.Path()] != nil || w.Code != kind.Status {
					t.Fatalf("got %d %s", w.Code, w.Body)
				}
				add(slug, w.Body.Bytes())
			})
		}
	})
	for _, p := range nginxProblems(t) {
		body, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		add("nginx", body)
	}
	var all []json.RawMessage
	for _, kind := range problem.Types() {
		if byType[kind.Path()] == nil {
			t.Errorf("nothing provokes %s", kind.Path())
			continue
		}
		all = append(all, byType[kind.Path()])
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(text)); diff != "" {
		t.Errorf("the responses have changed (- file, + responses); "+
			"if intended, run go test ./api -run TestProblemTypes_examples -update:\n%s", diff)
	}
}

// storyExamples runs a story and returns the responses to the requests with exampleID.
func storyExamples(t *testing.T, file string) (bodies []string) {
	t.Helper()
	s, err := parseStory(file)
	if err != nil {
		t.Fatal(err)
	}
	runStory(t, "", s, nil, func(r storyRequest, resp *storyResponse) {
		if slices.Contains(r.headers, exampleID) {
			bodies = append(bodies, resp.body)
		}
	})
	return bodies
}

// A badBody is the body of a request that fails with an error.
type badBody struct{ err error }

func (b badBody) Read([]byte) (int, error) { return 0, b.err }

// openServer returns a server that does not require authentication.
func openServer(t *testing.T, adjust ...func(*api.Options)) *apitest.Server {
	t.Helper()
	return apitest.New(t, append(adjust, func(o *api.Options) { o.Access.AuthRequired = false })...)
}

// serve sends a request and recovers from http.ErrAbortHandler.
func serve(h http.Handler, r *http.Request) (w *httptest.ResponseRecorder) {
	r.Header.Set("X-Request-Id", "example")
	w = httptest.NewRecorder()
	defer func() { _ = recover() }()
	h.ServeHTTP(w, r)
	return w
}

// provocations are requests that return a problem of a type, by its slug.
var provocations = map[string]func(t *testing.T) *httptest.ResponseRecorder{
	"host-not-allowed": func(t *testing.T) *httptest.ResponseRecorder {
		ts := openServer(t, func(o *api.Options) { o.Access.LoopbackOnly = true })
		r := httptest.NewRequest("GET", "/sites", nil)
		r.Host = "lab.example"
		return serve(ts, r)
	},
	"registration-closed": func(t *testing.T) *httptest.ResponseRecorder {
		ts := apitest.New(t, func(o *api.Options) { o.Access.RegistrationClosed = true })
		return ts.Send("", "POST", "/auth/register", `{"username": "ada", "password": "a long password"}`, exampleID)
	},
	"request-timeout": func(t *testing.T) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/api/v1/sites", badBody{os.ErrDeadlineExceeded})
		r.Header.Set("Content-Type", rest.MediaTypeCSV)
		return serve(openServer(t), r)
	},
	"conflict": func(t *testing.T) *httptest.ResponseRecorder {
		ts := openServer(t)
		id := ts.MustSend("", "POST", "/event", eventLines(1, 1))["event_id"].(string)
		ts.MustSend("", "POST", "/api/v1/events/"+id+"/void", `{"reason": "Wrong user"}`)
		w := ts.Send("", "POST", "/api/v1/events/"+id+"/void", `{"reason": "Wrong user"}`, exampleID)
		w.Body = bytes.NewBufferString(strings.ReplaceAll(w.Body.String(), id, "019a0000-0000-7000-8000-000000000001"))
		return w
	},
	"idempotency-key-in-flight": func(t *testing.T) *httptest.ResponseRecorder {
		ts := openServer(t)
		ts.MustSend("", "POST", "/event", eventLines(1, 1))
		release := lockUser(t, ts.Pool, 1)
		send := func() *httptest.ResponseRecorder {
			return ts.Send("", "POST", "/event", eventLines(1, 1), "Idempotency-Key: 1", exampleID)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			send()
		}()
		pgtest.WaitForLockWait(t, ts.Pool)
		w := send()
		release()
		<-done
		return w
	},
	"rate-limited": func(t *testing.T) *httptest.ResponseRecorder {
		ts := openServer(t)
		for {
			w := ts.Send("", "POST", "/auth/login", `{"username": "ada", "password": "a long password"}`, exampleID)
			if w.Code != http.StatusUnauthorized {
				text := regexp.MustCompile(`in \d+ seconds`).ReplaceAllString(w.Body.String(), "in 900 seconds")
				w.Body = bytes.NewBufferString(text)
				return w
			}
		}
	},
	"too-many-open": func(t *testing.T) *httptest.ResponseRecorder {
		ts := apitest.New(t)
		return uploadUntilRejected(ts, ts.SignIn("ada", rest.Operator))
	},
	"overloaded": func(t *testing.T) *httptest.ResponseRecorder {
		return uploadUntilRejected(openServer(t), "")
	},
	"client-closed-request": func(t *testing.T) *httptest.ResponseRecorder {
		gone, disconnect := context.WithCancel(t.Context())
		disconnect()
		return serve(openServer(t), httptest.NewRequestWithContext(gone, "GET", "/sites", nil))
	},
	"internal-error": func(t *testing.T) *httptest.ResponseRecorder {
		ts := openServer(t, func(o *api.Options) {
			o.App.Page = func(http.ResponseWriter, *http.Request) { panic("on purpose") }
		})
		return serve(ts, httptest.NewRequest("GET", "/app/", nil))
	},
	"database-unavailable": func(t *testing.T) *httptest.ResponseRecorder {
		ts := openServer(t)
		ts.ServerPool.Close()
		return ts.Send("", "GET", "/site/1", "", exampleID)
	},
	"database-timeout": func(t *testing.T) *httptest.ResponseRecorder {
		ts := openServer(t)
		ts.Exec(`CREATE FUNCTION time_out() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN RAISE 'too slow' USING ERRCODE = 'query_canceled'; END $$`)
		ts.Exec("CREATE TRIGGER time_out BEFORE UPDATE ON site EXECUTE FUNCTION time_out()")
		return ts.Send("", "PATCH", "/site/1", `{"contact": "Ada Lovelace"}`, exampleID)
	},
	"write-conflict": func(t *testing.T) *httptest.ResponseRecorder {
		ts := openServer(t)
		lockRow(t, ts.Pool, "SELECT FROM site WHERE id = 1 FOR UPDATE")
		return ts.Send("", "PATCH", "/site/1", `{"contact": "Ada Lovelace"}`, exampleID)
	},
	"storage-unavailable": func(t *testing.T) *httptest.ResponseRecorder {
		ts := openServer(t, func(o *api.Options) { o.Media = nil })
		return ts.Send("", "POST", "/upload", sampleForm, "Content-Type: multipart/form-data; boundary=X", exampleID)
	},
	"server-unavailable": func(t *testing.T) *httptest.ResponseRecorder {
		shutdown := make(chan struct{})
		close(shutdown)
		ts := openServer(t, func(o *api.Options) { o.Shutdown = shutdown })
		return ts.Send("", "GET", "/api/v1/stream", "", exampleID)
	},
}

// uploadUntilRejected opens uploads that do not end until the server rejects one.
func uploadUntilRejected(ts *apitest.Server, token string) *httptest.ResponseRecorder {
	var uploads []*io.PipeWriter
	var open sync.WaitGroup
	defer func() {
		for _, upload := range uploads {
			_ = upload.Close()
		}
		open.Wait()
	}()
	for {
		body, upload := io.Pipe()
		uploads = append(uploads, upload)
		r := httptest.NewRequest("POST", "/api/v1/sites", body)
		r.Header.Set("Content-Type", rest.MediaTypeCSV)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		response := make(chan *httptest.ResponseRecorder, 1)
		open.Go(func() {
			w := serve(ts, r)
			_ = body.CloseWithError(io.ErrClosedPipe) // a rejected body has no reader
			response <- w
		})
		if _, err := io.WriteString(upload, siteColumns); err != nil {
			return <-response
		}
	}
}

// nginxMap returns a map of nginx.conf.
func nginxMap(t *testing.T, config, name string) map[string]string {
	t.Helper()
	block := regexp.MustCompile(`(?s)map \S+ \$` + name + ` \{(.*?)\n    \}`).FindStringSubmatch(config)
	if block == nil {
		t.Fatalf("nginx.conf has no map $%s", name)
	}
	values := map[string]string{}
	for _, m := range regexp.MustCompile(`(\S+) +"?([^";]*)"?;`).FindAllStringSubmatch(block[1], -1) {
		values[m[1]] = m[2]
	}
	return values
}

// nginxProblems returns the problems that nginx returns itself: one for each status of which nginx.conf has a type.
func nginxProblems(t *testing.T) (all []problem.Problem) {
	t.Helper()
	text, err := os.ReadFile("../nginx/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	config := string(text)
	slugs, titles := nginxMap(t, config, "problem_type"), nginxMap(t, config, "problem_title")
	details := nginxMap(t, config, "problem_of_status")
	if len(slugs) < 8 {
		t.Fatalf("nginx.conf has %d types", len(slugs))
	}
	pages, err := os.ReadFile("../nginx/problems.conf")
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range regexp.MustCompile(`\b[45]\d\d\b`).FindAllString(string(pages), -1) {
		p := problem.Problem{Instance: "/sites", RequestID: "example"}
		of := func(values map[string]string) string {
			if value, ok := values[status]; ok {
				return value
			}
			return values["default"]
		}
		_, _ = fmt.Sscan(status, &p.Status)
		p.Type, p.Title, p.Detail = problem.PathPrefix+of(slugs), of(titles), of(details)
		if reason := typeViolation(&p); reason != "" {
			t.Errorf("nginx.conf, status %s: %s", status, reason)
		}
		all = append(all, p)
	}
	if !strings.Contains(config, `"type":"`+problem.PathPrefix+`$problem_type"`) {
		t.Error("nginx.conf does not use $problem_type")
	}
	return all
}
