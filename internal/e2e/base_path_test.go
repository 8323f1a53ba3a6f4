package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

// TestBasePath uses the server as a browser does, behind a proxy that publishes it below /lab and that strips the
// prefix or does not. The proxy serves nothing else, so a URL without the prefix fails.
func TestBasePath(t *testing.T) {
	t.Parallel()
	database := "DATABASE_URL=" + pgtest.Database(t)
	s := startServer(t, database, "STATE_DIR="+t.TempDir(), "BASE_PATH=/lab/",
		"AUTH=required", "JWT_SECRET="+programtest.SampleSecret, "TRUSTED_PROXIES=127.0.0.1/32")
	assertContains(t, s.Stdout.String(), s.URL+"/lab")
	if out := mustRun(t, []string{"PORT=" + s.URL[strings.LastIndexByte(s.URL, ':')+1:]}, "", "health"); out == "" {
		t.Error("labledger health prints nothing")
	}
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		FlushInterval: -1,
	}
	for name, handler := range map[string]http.Handler{"passes": proxy, "strips": http.StripPrefix("/lab", proxy)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			mux.Handle("/lab/", handler)
			front := httptest.NewServer(mux)
			t.Cleanup(front.Close)
			jar, err := cookiejar.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			b := &browser{T: t, origin: front.URL, client: &http.Client{Jar: jar}}
			b.openPages()
			mustRun(t, []string{database}, programtest.SamplePassword+"\n", "user", "create", name, "--role", "admin")
			b.signIn(name)
			b.upload()
			b.followStream()
			b.send("POST", "/lab/auth/logout", "", nil, http.StatusOK)
			b.send("GET", "/lab/account", "", nil, http.StatusUnauthorized)
		})
	}
}

// A browser sends requests of one origin and follows redirects and URLs in responses.
type browser struct {
	*testing.T
	origin string
	client *http.Client
}

// open sends a request. The caller must close the body.
func (b *browser) open(ctx context.Context, method, target, contentType string, body io.Reader) *http.Response {
	b.Helper()
	base, err := url.Parse(b.origin)
	if err != nil {
		b.Fatal(err)
	}
	u, err := base.Parse(target)
	if err != nil {
		b.Fatal(err)
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Accept", "text/html,*/*;q=0.8")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	response, err := b.client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	return response
}

// send sends a request, checks the status and returns the body.
func (b *browser) send(method, target, contentType string, body io.Reader, wantStatus int) string {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	response := b.open(ctx, method, target, contentType, body)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != wantStatus {
		b.Fatalf("%s %s: %s, want %d: %v %.500s", method, target, response.Status, wantStatus, err, text)
	}
	return string(text)
}

var linkRE = regexp.MustCompile(`(?:href|src)="([^"]+)"`)

// openPages loads the app and the reference page with all of their files.
func (b *browser) openPages() {
	b.Helper()
	if page := b.send("GET", "/lab/", "", nil, 200); !strings.Contains(page, `name="base-path" content="/lab"`) {
		b.Errorf("the page does not contain the base path: %s", page)
	}
	for _, page := range []string{"/lab/app/", "/lab/docs", "/lab/problems/"} {
		links := linkRE.FindAllStringSubmatch(b.send("GET", page, "", nil, 200), -1)
		if len(links) < 3 {
			b.Errorf("%s has %d links", page, len(links))
		}
		for _, link := range links {
			if target := link[1]; !strings.HasPrefix(target, "data:") {
				if !strings.HasPrefix(target, "/") {
					target = "/lab/" + target
				}
				b.send("GET", target, "", nil, 200)
			}
		}
	}
	document := b.send("GET", "/lab/api/v1/openapi.json", "", nil, 200)
	assertContains(b, document, `"url": "/lab"`, "http://127.0.0.1:5000/lab/site/1", `"name": "labledger_access-lab"`,
		`"/lab/problems/stale-version"`)
}

func (b *browser) signIn(username string) {
	b.Helper()
	credentials := `{"username": "` + username + `", "password": "` + programtest.SamplePassword + `", "cookie": true}`
	b.send("POST", "/lab/auth/login", "application/json", strings.NewReader(credentials), http.StatusOK)
	assertContains(b, b.send("GET", "/lab/account", "", nil, http.StatusOK), username)
	refresh := strings.NewReader(`{"cookie": true}`)
	b.send("POST", "/lab/auth/refresh", "application/json", refresh, http.StatusOK)
	origin, _ := url.Parse(b.origin + "/other")
	if cookies := b.client.Jar.Cookies(origin); len(cookies) > 0 {
		b.Errorf("other servers of the host receive the cookies %v", cookies)
	}
}

// upload uploads a file and loads it from the URL in the response, and from the URLs in the list.
func (b *browser) upload() {
	b.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "note.txt")
	if err != nil {
		b.Fatal(err)
	}
	_, _ = part.Write([]byte("a note")) // to memory
	if err := form.Close(); err != nil {
		b.Fatal(err)
	}
	type attachment struct{ URL string }
	var uploaded attachment
	var list []attachment
	response := b.send("POST", "/lab/upload", form.FormDataContentType(), &body, http.StatusCreated)
	if err := json.Unmarshal([]byte(response), &uploaded); err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal([]byte(b.send("GET", "/lab/api/v1/attachments", "", nil, 200)), &list); err != nil {
		b.Fatal(err)
	}
	for _, file := range append(list, uploaded) {
		assertEqual(b, file.URL, b.send("GET", file.URL, "", nil, http.StatusOK), "a note")
	}
}

// followStream opens the live stream, records an event and waits until the stream has it.
func (b *browser) followStream() {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	stream := b.open(ctx, "GET", "/lab/api/v1/stream", "", nil)
	defer func() { _ = stream.Body.Close() }()
	event := `{"type": "deposit", "amount": 7, "user_id": 11, "time": 35}`
	var recorded programtest.RecordedEvent
	response := b.send("POST", "/lab/event", "application/json", strings.NewReader(event), http.StatusOK)
	if err := json.Unmarshal([]byte(response), &recorded); err != nil {
		b.Fatal(err)
	}
	for lines := bufio.NewScanner(stream.Body); lines.Scan(); {
		if strings.Contains(lines.Text(), recorded.EventID) {
			return
		}
	}
	b.Errorf("the stream ended without the event %s", recorded.EventID)
}

// A base path that is no path, or that hides paths of the API, is an error at the start.
func TestBasePath_invalid(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"lab": "BASE_PATH", "/a/../b": "BASE_PATH", "/site": "/site", "/api/x": "/api", "/app": "/app",
	} {
		for _, command := range []string{"serve", "check"} {
			out := mustFail(t, []string{"DATABASE_URL=postgres://" + closedAddress + "/x", "BASE_PATH=" + value}, "", command)
			assertContains(t, out, "BASE_PATH: ", want, "such as /lab")
		}
	}
}
